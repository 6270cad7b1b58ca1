"""Kinds of values that several parts of the schema have."""
