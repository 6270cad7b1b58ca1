"""Reads the environment files: their schema, the rules between their values, and what follows from them."""
