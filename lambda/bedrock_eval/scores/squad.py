"""The two measures of SQuAD 1.1, bit for bit as its evaluation script computes them."""

import re
import string

from bedrock_eval.scores.text.overlap import harmonic_mean, overlap

_ARTICLE = re.compile(r"\b(?:an?|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def squad_exact_match(response: str, reference: str) -> float:
    """1 if both texts have the same words in the same order, else 0; words as SQuAD normalises them.

    Source: SQuAD 1.1, evaluate-v1.1.py (exact_match_score). Two texts without a word are equal.
    """
    return float(squad_words(response) == squad_words(reference))


def squad_f1(response: str, reference: str) -> float:
    """2PR / (P + R) over words counted with repetition, P = common / words of the answer, R = common / the reference's.

    Source: SQuAD 1.1, evaluate-v1.1.py (f1_score). 0 when no word is common, so also for two texts without a word.
    """
    found, wanted = squad_words(response), squad_words(reference)
    common = overlap(found, wanted)
    return harmonic_mean(common / len(found), common / len(wanted)) if common else 0.0


def squad_words(text: str) -> list[str]:
    """Lower case, without ASCII punctuation, without a, an and the. Source: evaluate-v1.1.py (normalize_answer)."""
    return _ARTICLE.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split()
