"""Metrics over words, bit for bit as their sources compute them."""

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


def f1_score(response: str, reference: str) -> float:
    """2PR / (P + R) over the sets of normalised words of both texts, 0 when either set is empty.

    Source: fmeval, qa_accuracy (F1 Over Words), which takes the harmonic mean of nltk.metrics.scores.f_measure.
    """
    wanted = set(normalise(reference.strip()).split())
    found = set(normalise(response.strip()).split())
    common = len(wanted & found)
    if not common:
        return 0.0
    # The order of operations is nltk's, so that the last bit is too.
    precision, recall = common / len(found), common / len(wanted)
    return 1.0 / (0.5 / precision + 0.5 / recall)


def normalise(text: str) -> str:
    """Lower case, no ASCII punctuation, no article; words are split at blanks only.

    Source: fmeval, normalize_text_quac_protocol.
    """
    words = text.lower().translate(_NO_PUNCTUATION).split(" ")
    return " ".join(word for word in words if word and word not in _ARTICLES)
