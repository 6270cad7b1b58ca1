"""A run on its way: its state, its lock, what it will cost, what its calls came to."""
