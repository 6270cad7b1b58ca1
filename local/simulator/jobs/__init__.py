"""Evaluation jobs of Bedrock, and SageMaker's flow definitions for those that people rate."""
