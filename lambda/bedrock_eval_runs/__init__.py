"""The run engine: what the functions and the command line share to run an evaluation."""
