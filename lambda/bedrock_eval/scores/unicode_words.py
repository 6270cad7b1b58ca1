"""The word metrics for text in any script, without the weak places of the ASCII protocols.

Those call "3.5" and "35" equal, keep curly quotes, keep an article beside a line break, and take a Japanese sentence
for one word or none. A value here is comparable with values of the same name only.
"""

from functools import lru_cache
from itertools import pairwise

from bedrock_eval.scores.rouge import f_of, f_of_subsequence, rouge_stem
from bedrock_eval.scores.text.overlap import edit_distance, harmonic_mean, overlap
from bedrock_eval.scores.text.unicode_text import joined, position, words

_ARTICLES = frozenset({"a", "an", "the"})


def unicode_exact_match(response: str, reference: str) -> float:
    """1 if both texts have the same words in the same order, articles aside, else 0.

    Source: ours, after squad_exact_match; words as in `unicode_text`.
    """
    found, wanted = _compared(response, reference)
    return float(found == wanted)


def unicode_f1_score(response: str, reference: str) -> float:
    """2PR / (P + R) over words counted with repetition, articles aside; 1 for two empty texts.

    Source: ours, after squad_f1; words as in `unicode_text`.
    """
    found, wanted = _compared(response, reference)
    if not found and not wanted:
        return 1.0
    common = overlap(found, wanted)
    return harmonic_mean(common / len(found), common / len(wanted)) if common else 0.0


def unicode_precision_over_words(response: str, reference: str) -> float | None:
    """Share of the answer's words that the reference has too, counted with repetition; None for an empty answer.

    Source: ours, after fmeval's precision over words; words as in `unicode_text`.
    """
    found, wanted = _compared(response, reference)
    return overlap(found, wanted) / len(found) if found else None


def unicode_recall_over_words(response: str, reference: str) -> float | None:
    """Share of the reference's words that the answer has too, counted with repetition; None for an empty reference.

    Source: ours, after fmeval's recall over words; words as in `unicode_text`.
    """
    found, wanted = _compared(response, reference)
    return overlap(found, wanted) / len(wanted) if wanted else None


def unicode_factual_knowledge(response: str, reference: str) -> float | None:
    """1 if the reference's words stand in the answer, side by side, else 0; None for an empty reference.

    Source: ours, after fmeval's factual knowledge, but whole words: "art" does not stand in "party".
    """
    found, wanted = _compared(response, reference)
    return float(position(wanted, joined(found)) is not None) if wanted else None


def unicode_rouge_1(response: str, reference: str) -> float:
    """As rouge_1 over words of any script; those in ASCII are stemmed. Source: ours, after rouge-score."""
    return f_of(_rouge_words(response), _rouge_words(reference))


def unicode_rouge_2(response: str, reference: str) -> float:
    """As rouge_2 over words of any script; those in ASCII are stemmed. Source: ours, after rouge-score."""
    found, wanted = _rouge_words(response), _rouge_words(reference)
    return f_of(list(pairwise(found)), list(pairwise(wanted)))


def unicode_rouge_l(response: str, reference: str) -> float:
    """As rouge_l over words of any script; those in ASCII are stemmed. Source: ours, after rouge-score."""
    return f_of_subsequence(_rouge_words(response), _rouge_words(reference))


def unicode_word_error_rate(response: str, reference: str) -> float | None:
    """As word_error_rate over words of any script, without case and punctuation. Source: ours, after jiwer."""
    wanted = words(reference)
    return edit_distance(wanted, words(response)) / len(wanted) if wanted else None


def _compared(response: str, reference: str) -> tuple[list[str], list[str]]:
    """The words of answer and reference without a, an and the; with them where the reference is nothing else: "A"."""
    found, wanted = words(response), words(reference)
    if _ARTICLES.issuperset(wanted):
        return found, wanted
    return _content(found), _content(wanted)


def _content(every: list[str]) -> list[str]:
    return [word for word in every if word not in _ARTICLES]


# As in rouge.py: one pair is asked for three scores in a row.
@lru_cache(maxsize=8)
def _rouge_words(text: str) -> tuple[str, ...]:
    return tuple(rouge_stem(word) if word.isascii() and word.isalnum() else word for word in words(text))
