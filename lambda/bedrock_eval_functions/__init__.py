"""The Lambda functions, one package each. They use the core and the run engine, and never each other."""
