"""Evaluations without a deployed stack: folders in the place of the results bucket."""
