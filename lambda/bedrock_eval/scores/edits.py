"""Word error rate."""

import re

from bedrock_eval.scores.text.overlap import edit_distance

_BLANKS = re.compile(r"\s\s+")


def word_error_rate(response: str, reference: str) -> float | None:
    """Fewest insertions, deletions and substitutions of words between the texts / words of the reference; 0 is best.

    Source: jiwer.wer with its default transform: case and punctuation count, a single line break does not separate
    words. Not bounded by 1. None for a reference without a word, where jiwer counts the words of the answer.
    """
    wanted = jiwer_words(reference)
    return edit_distance(wanted, jiwer_words(response)) / len(wanted) if wanted else None


def jiwer_words(text: str) -> list[str]:
    """Split at blanks, any run of white space being one. Source: jiwer, wer_default."""
    return [word for word in _BLANKS.sub(" ", text).strip().split(" ") if word]
