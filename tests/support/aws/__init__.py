"""Samples of AWS's records, price lists, notifications and requests, and older SDK versions."""
