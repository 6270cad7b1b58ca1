"""A run in words: what a report and a reader begin with."""
