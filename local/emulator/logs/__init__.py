"""CloudWatch Logs without ministack's HTTP: filter patterns and Logs Insights."""
