"""Checks of the roles and bucket policies that AWS services are given."""
