"""HTTP paths of the emulator's own: clock, settings, readings of metric math."""
