"""Finished runs: found, shown, compared and accepted."""
