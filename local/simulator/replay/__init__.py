"""Recorded answers, injected faults, and the turns that Converse returns from both."""
