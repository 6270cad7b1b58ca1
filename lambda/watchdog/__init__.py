"""The function that notices what did not happen: overdue schedules, and models that come to their end."""
