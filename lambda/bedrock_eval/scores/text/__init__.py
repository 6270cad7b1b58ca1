"""Texts taken apart for the metrics: words, numbers, stems, patterns."""
