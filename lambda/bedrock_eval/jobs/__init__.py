"""Bedrock evaluation jobs: what may be asked, the request that asks it, and what comes back."""
