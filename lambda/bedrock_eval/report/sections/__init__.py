"""The sections of the report's page, one module each."""
