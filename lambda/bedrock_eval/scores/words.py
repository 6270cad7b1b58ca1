"""Metrics over words, bit for bit as their sources compute them: the tutorial's evaluator and fmeval."""

import string

_ARTICLES = frozenset({"a", "an", "the"})
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def relevance_score(response: str, reference: str) -> float:
    """|words(reference) & words(response)| / |words(reference)|, words(x) = set of x.lower().split().

    Source: the custom evaluator of the tutorial that this project makes real. A recall of words with punctuation kept,
    so that "days." does not match "days"; a reference without a word scores 0.
    """
    wanted = set(reference.lower().split())
    found = set(response.lower().split())
    return len(wanted & found) / len(wanted) if wanted else 0.0


def response_length(response: str, _reference: str) -> float:
    """len(response) in Unicode code points. Source: the same tutorial."""
    return float(len(response))


def exact_match(response: str, reference: str) -> float:
    """1 if both texts are equal after stripping white space, else 0. Source: fmeval, qa_accuracy (Exact Match)."""
    return float(response.strip() == reference.strip())


def quasi_exact_match(response: str, reference: str) -> float:
    """1 if both texts are equal once stripped and normalised, else 0.

    Source: fmeval, qa_accuracy (Quasi Exact Match). Two texts without a word are equal.
    """
    return float(normalise(response.strip()) == normalise(reference.strip()))


def f1_score(response: str, reference: str) -> float:
    """2PR / (P + R) over the sets of normalised words of both texts, 0 when either set is empty.

    Source: fmeval, qa_accuracy (F1 Over Words), which takes the harmonic mean of nltk.metrics.scores.f_measure.
    """
    wanted, found = _word_set(reference), _word_set(response)
    common = len(wanted & found)
    if not common:
        return 0.0
    # The order of operations is nltk's, so that the last bit is too.
    precision, recall = common / len(found), common / len(wanted)
    return 1.0 / (0.5 / precision + 0.5 / recall)


def precision_over_words(response: str, reference: str) -> float:
    """|R & A| / |A|, R and A the sets of normalised words of reference and answer, 0 when A is empty.

    Source: fmeval, qa_accuracy (Precision Over Words).
    """
    wanted, found = _word_set(reference), _word_set(response)
    return len(wanted & found) / len(found) if found else 0.0


def recall_over_words(response: str, reference: str) -> float:
    """|R & A| / |R|, R and A the sets of normalised words of reference and answer, 0 when R is empty.

    Source: fmeval, qa_accuracy (Recall Over Words).
    """
    wanted, found = _word_set(reference), _word_set(response)
    return len(wanted & found) / len(wanted) if wanted else 0.0


def factual_knowledge(response: str, reference: str) -> float:
    """1 if the lower-cased reference stands anywhere in the lower-cased answer, else 0.

    Source: fmeval, factual_knowledge; Bedrock's evaluation jobs call it real world knowledge. Letters are compared, not
    words, so that "art" stands in "party"; an empty reference stands everywhere.
    """
    return float(reference.lower() in response.lower())


def quasi_factual_knowledge(response: str, reference: str) -> float:
    """1 if the normalised reference stands anywhere in the normalised answer, else 0.

    Source: fmeval, factual_knowledge (its second score).
    """
    return float(normalise(reference) in normalise(response))


def normalise(text: str) -> str:
    """Lower case, no ASCII punctuation, no article; words are split at blanks only.

    Source: fmeval, normalize_text_quac_protocol.
    """
    words = text.lower().translate(_NO_PUNCTUATION).split(" ")
    return " ".join(word for word in words if word and word not in _ARTICLES)


def _word_set(text: str) -> set[str]:
    return set(normalise(text.strip()).split())
