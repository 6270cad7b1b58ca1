"""Runs by Bedrock evaluation jobs: jobs are started, polled, stopped, and their output is collected."""
