"""Helpers of several folders of tests, in modules by subject."""
