"""The commands as they may be typed, one module each: options, help and examples, and nothing of what they do."""
