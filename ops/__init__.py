"""The command line for day 2: `python -m ops`. Reads an environment and asks AWS; deploys nothing."""
