"""ROUGE F-measures, bit for bit as rouge-score computes them with its stemmer."""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from bedrock_eval.scores.text.overlap import common_subsequence, harmonic_mean, overlap
from bedrock_eval.scores.text.porter import stem

_WORD = re.compile("[a-z0-9]+")
_SHORTEST_STEMMED = 4


def rouge_1(response: str, reference: str) -> float:
    """2PR / (P + R), P and R the shares of the answer's and of the reference's stemmed words that the other has.

    Source: rouge-score, RougeScorer(["rouge1"], use_stemmer=True), F-measure; after Lin (2004). Words are runs of a-z
    and 0-9, so that other letters separate and Japanese scores 0.
    """
    return f_of(rouge_words(response), rouge_words(reference))


def rouge_2(response: str, reference: str) -> float:
    """As rouge_1, over pairs of neighbouring words. Source: rouge-score, rouge2 with stemmer, F-measure."""
    return f_of(list(pairwise(rouge_words(response))), list(pairwise(rouge_words(reference))))


def rouge_l(response: str, reference: str) -> float:
    """As rouge_1, with the longest common subsequence of words as what both have.

    Source: rouge-score, rougeL with stemmer, F-measure; the whole text is one sequence, sentences are not split.
    """
    return f_of_subsequence(rouge_words(response), rouge_words(reference))


def f_of(found: Sequence[object], wanted: Sequence[object]) -> float:
    """F-measure of what is common, counted with repetition; 0 when either is empty."""
    common = overlap(found, wanted)
    return harmonic_mean(common / max(len(found), 1), common / max(len(wanted), 1))


def f_of_subsequence(found: Sequence[object], wanted: Sequence[object]) -> float:
    """F-measure of the longest common subsequence; 0 when either is empty."""
    common = common_subsequence(wanted, found)
    return harmonic_mean(common / max(len(found), 1), common / max(len(wanted), 1))


# One pair is asked for up to three scores in a row; a few texts are enough, and no run's texts stay in memory.
@lru_cache(maxsize=8)
def rouge_words(text: str) -> tuple[str, ...]:
    """Lower-case runs of a-z and 0-9, those longer than three stemmed. Source: rouge-score, tokenize."""
    return tuple(map(rouge_stem, _WORD.findall(text.lower())))


def rouge_stem(word: str) -> str:
    """The stem of a word longer than three letters."""
    return stem(word) if len(word) >= _SHORTEST_STEMMED else word
