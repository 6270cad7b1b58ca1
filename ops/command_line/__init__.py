"""The command line itself: what may be typed. It imports nothing that takes time, so that help comes at once."""
