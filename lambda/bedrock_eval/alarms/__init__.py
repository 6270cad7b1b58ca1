"""Alarms: every kind, what CloudWatch says of them, and the messages that people get."""
