"""Reads environment files and finds all their mistakes."""
