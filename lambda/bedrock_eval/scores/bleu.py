"""BLEU and chrF of one answer, bit for bit as sacrebleu's sentence_bleu and sentence_chrf."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_WORD_ORDERS = range(1, 5)
_CHARACTER_ORDERS = range(1, 7)
_RECALL_WEIGHT = 4  # beta squared, beta = 2

_ENTITIES = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))
# ASCII punctuation but for apostrophe, hyphen, comma and point.
_APART = str.maketrans({mark: f" {mark} " for mark in '!"#$%&()*+/:;<=>?@[\\]^_`{|}~'})
# Each rule takes what it matches away from the next match of its own: a lookaround would split more.
_NUMBER_RULES = (
    (re.compile("([^0-9])([.,])"), r"\1 \2 "),
    (re.compile("([.,])([^0-9])"), r" \1 \2"),
    (re.compile("([0-9])(-)"), r"\1 \2 "),
)


def bleu(response: str, reference: str) -> float:
    """exp(mean of log precisions of 1- to 4-grams) x min(1, exp(1 - reference length / answer length)), 0 to 100.

    Source: sacrebleu.sentence_bleu: tokenizer 13a, case kept, exponential smoothing (the k-th order without a match
    counts as 1 / 2^k matches), only orders that the answer is long enough for. After Papineni et al. (2002). A corpus
    measure by design: read its mean over cases as such and not as corpus BLEU.
    """
    found, wanted = mteval_words(response), mteval_words(reference)
    totals = [len(found) - order + 1 for order in _WORD_ORDERS if len(found) >= order]
    matches = [_matches(found, wanted, order) for order in _WORD_ORDERS[: len(totals)]]
    if not any(matches):
        return 0.0
    precisions = list(_smoothed(matches, totals))
    brevity = math.exp(1 - len(wanted) / len(found)) if len(found) < len(wanted) else 1.0
    return brevity * math.exp(sum(math.log(precision) for precision in precisions) / len(precisions))


def _smoothed(matches: Sequence[int], totals: Sequence[int]) -> Iterator[float]:
    """Precisions in percent."""
    divisor = 1.0
    for matched, total in zip(matches, totals, strict=True):
        if matched:
            yield 100.0 * matched / total
        else:
            divisor *= 2
            yield 100.0 / (divisor * total)


def _matches(found: Sequence[str], wanted: Sequence[str], order: int) -> int:
    return _common(_ngrams(found, order), _ngrams(wanted, order))


def _ngrams(words: Sequence[str], order: int) -> Counter[tuple[str, ...]]:
    return Counter(zip(*(words[start:] for start in range(order)), strict=False))


def _common(found: Mapping[Any, int], wanted: Mapping[Any, int]) -> int:
    return sum([min(found[gram], wanted[gram]) for gram in found.keys() & wanted.keys()])


def mteval_words(text: str) -> list[str]:
    """Words and marks as mteval-v13a separates them. Source: sacrebleu, tokenizer 13a."""
    text = text.rstrip().replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for entity, character in _ENTITIES:
        text = text.replace(entity, character)
    text = f" {text} ".translate(_APART)
    for rule, replacement in _NUMBER_RULES:
        text = rule.sub(replacement, text)
    return text.split()


def chrf(response: str, reference: str) -> float:
    """5PR / (4P + R), P and R the mean precision and recall of 1- to 6-grams of characters without white space, 0-100.

    Source: sacrebleu.sentence_chrf (chrF2), after Popović (2015). Orders that one of the texts is too short for do not
    count. Needs no tokenizer, so that it serves any script.
    """
    found, wanted = "".join(response.split()), "".join(reference.split())
    orders = [order for order in _CHARACTER_ORDERS if order <= min(len(found), len(wanted))]
    precision = recall = 0.0
    for order in orders:
        common = _common(_substrings(found, order), _substrings(wanted, order))
        precision += common / (len(found) - order + 1)
        recall += common / (len(wanted) - order + 1)
    if not precision:
        return 0.0
    precision /= len(orders)
    recall /= len(orders)
    # Two steps, as there: the last bit depends on it.
    value = (1 + _RECALL_WEIGHT) * precision * recall
    value /= (_RECALL_WEIGHT * precision) + recall
    return 100 * value


def _substrings(text: str, order: int) -> Counter[str]:
    return Counter([text[start : start + order] for start in range(len(text) - order + 1)])
