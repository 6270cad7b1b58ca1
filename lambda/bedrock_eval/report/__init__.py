"""A run's report as one HTML file: no network, no script, light and dark, every text escaped."""

from bedrock_eval.report.page import render

__all__ = ["render"]
