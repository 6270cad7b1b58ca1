"""What each value of an environment file may be."""
