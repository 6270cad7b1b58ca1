"""Runs of each kind with everything that they call faked."""
