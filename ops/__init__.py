"""The command line for day 2. It reads an environment and calls AWS, and deploys nothing."""

PROGRAM = "bedrock-eval"
"""The name of the console script."""
