"""The SQuAD measures and fmeval's quasi measures against their rules, written again from their descriptions."""

import re
import string
from collections import Counter

from hypothesis import example, given, settings
from nltk.metrics.scores import precision, recall

from bedrock_eval.scores import score
from tests.support.texts import TEXT, pairs


def squad(text: str) -> str:
    kept = "".join(character for character in text.lower() if character not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", kept).split())


def squad_f1(response: str, reference: str) -> float:
    found, wanted = squad(response).split(), squad(reference).split()
    common = sum((Counter(found) & Counter(wanted)).values())
    if common == 0:
        return 0.0
    share, reach = common / len(found), common / len(wanted)
    return (2 * share * reach) / (share + reach)


def quac(text: str) -> str:
    kept = "".join(character for character in text.lower() if character not in string.punctuation)
    return " ".join(word for word in kept.split(" ") if word not in ("", "a", "an", "the"))


def value(name: str, response: str, reference: str) -> float | None:
    return score(name, response=response, references=[reference])


@given(TEXT, TEXT)
@settings(max_examples=150, deadline=None)
@example("to be or not to be", "to be")
@example("the\ncat sat", "cat sat")
@example("", "")
def test_squad_bit_for_bit(response: str, reference: str) -> None:
    compare_squad(response, reference)


def compare_squad(response: str, reference: str) -> None:
    assert value("squad_f1", response, reference) == squad_f1(response, reference)
    assert value("squad_exact_match", response, reference) == float(squad(response) == squad(reference))


@given(TEXT, TEXT)
@settings(max_examples=150, deadline=None)
@example("", "")
@example("\nthe x", "x")
def test_fmeval_bit_for_bit(response: str, reference: str) -> None:
    compare_fmeval(response, reference)


def test_both_bit_for_bit_over_many_pairs() -> None:
    for response, reference in pairs(3_000):
        compare_squad(response, reference)
        compare_fmeval(response, reference)


def compare_fmeval(response: str, reference: str) -> None:
    found, wanted = set(quac(response.strip()).split()), set(quac(reference.strip()).split())
    assert value("precision_over_words", response, reference) == (precision(wanted, found) or 0.0)
    assert value("recall_over_words", response, reference) == (recall(wanted, found) or 0.0)
    same = quac(response.strip()) == quac(reference.strip())
    assert value("quasi_exact_match", response, reference) == float(same)
    assert value("factual_knowledge", response, reference) == float(response.lower().find(reference.lower()) >= 0)
    assert value("quasi_factual_knowledge", response, reference) == float(quac(response).find(quac(reference)) >= 0)
