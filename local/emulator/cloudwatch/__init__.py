"""CloudWatch without ministack's HTTP: limits, alarm states, metric math, and reading the metric store."""
