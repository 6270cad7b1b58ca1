"""YAML as plain data with lines, its mistakes, and edits that leave every other character."""
