"""The simulator's configuration, its state, and the HTTP paths that change both."""
