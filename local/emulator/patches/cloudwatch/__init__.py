"""Patches of CloudWatch: storage, reads and limits of metrics, and alarms."""
