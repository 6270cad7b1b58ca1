"""The schema of evaluations, by kind."""
