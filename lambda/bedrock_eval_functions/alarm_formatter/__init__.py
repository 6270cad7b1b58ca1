"""The Lambda function between the alarm topic and the people."""
