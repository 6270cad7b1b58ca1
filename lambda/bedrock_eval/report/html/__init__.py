"""HTML as values, and what several sections draw with it."""
