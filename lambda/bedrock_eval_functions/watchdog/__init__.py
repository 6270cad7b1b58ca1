"""The function that notices what nobody tells: overdue schedules, letters that wait, models that come to their end."""
