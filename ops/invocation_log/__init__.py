"""Questions of the invocation log: their sources, figures and tables."""
