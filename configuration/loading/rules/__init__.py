"""What must hold between the values of one file, by subject."""
