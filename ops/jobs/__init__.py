"""Bedrock's evaluation jobs, by evaluation and run."""
