"""Emulators, their simulator, and deployments on them."""
