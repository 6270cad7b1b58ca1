"""What the watchdog checks: metrics that nobody reads, schedules that are overdue, counts that differ."""
