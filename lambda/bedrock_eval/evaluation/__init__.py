"""What an evaluation is: its definition, its cases, its schedule."""
