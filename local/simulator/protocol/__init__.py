"""Requests checked against botocore's service model, and responses and errors in the JSON protocols of AWS."""
