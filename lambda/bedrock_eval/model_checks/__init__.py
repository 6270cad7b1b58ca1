"""Whether the use of a model can work, by what is known of it."""
