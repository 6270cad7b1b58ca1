"""Gates and alarm thresholds, proposed from what was measured."""
