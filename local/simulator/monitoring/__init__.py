"""The metrics and the invocation log of model calls."""
