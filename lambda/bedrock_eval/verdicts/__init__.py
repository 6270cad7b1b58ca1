"""What the numbers of a run decide: its gates, and one candidate against another."""
