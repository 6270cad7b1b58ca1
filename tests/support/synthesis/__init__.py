"""Synthesized stacks, read."""
