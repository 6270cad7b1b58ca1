"""What a run has found: outcomes, summary, evidence, and what is published of them."""
