"""Writes what follows from schema, kinds of alarms and models/table.yaml: `python -m configuration.generate`."""

COMMAND = "python -m configuration.generate"
