"""The dashboard of an environment, drawn as a page."""
