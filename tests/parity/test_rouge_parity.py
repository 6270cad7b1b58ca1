"""ROUGE against rouge-score, the stemmer against nltk's."""

import string

from hypothesis import example, given, settings
from hypothesis import strategies as st
from nltk.stem.porter import PorterStemmer
from rouge_score.rouge_scorer import RougeScorer

from bedrock_eval.scores import score
from bedrock_eval.scores.text.porter import stem
from tests.support.texts import TEXT, pairs

NAMES = {"rouge_1": "rouge1", "rouge_2": "rouge2", "rouge_l": "rougeL"}
SCORER = RougeScorer(list(NAMES.values()), use_stemmer=True)
STEMMER = PorterStemmer()

SUFFIXES = [
    *("sses", "ies", "ss", "s", "ied", "eed", "ed", "ing", "at", "bl", "iz", "y", "ational", "tional", "enci", "anci"),
    *(
        "izer",
        "bli",
        "abli",
        "alli",
        "entli",
        "eli",
        "ousli",
        "ization",
        "ation",
        "ator",
        "alism",
        "iveness",
        "fulness",
    ),
    *(
        "ousness",
        "aliti",
        "iviti",
        "biliti",
        "fulli",
        "logi",
        "icate",
        "ative",
        "alize",
        "iciti",
        "ical",
        "ful",
        "ness",
    ),
    *("al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "sion", "tion", "ion", "ou"),
    *("ism", "ate", "iti", "ous", "ive", "ize", "e", "ll", "l", "tt", "ff", "w", "x", "yy"),
]
WORD = st.one_of(
    st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=14),
    st.text("aeiybcstlz", min_size=1, max_size=8),
    st.tuples(st.text("aeiouybdlstwxz", max_size=6), st.lists(st.sampled_from(SUFFIXES), max_size=3)).map(
        lambda parts: parts[0] + "".join(parts[1])
    ),
)


@given(TEXT, TEXT)
@settings(max_examples=150, deadline=None)
@example("", "")
@example("日本語", "日本語")
@example("The runners were running happily", "a runner runs, happy")
@example("a b c a b", "a b a b a b")
def test_rouge_bit_for_bit(response: str, reference: str) -> None:
    compare(response, reference)


def test_rouge_bit_for_bit_over_many_pairs() -> None:
    for response, reference in pairs(1_200):
        compare(response, reference)


def compare(response: str, reference: str) -> None:
    theirs = SCORER.score(reference, response)
    ours = {name: score(name, response=response, references=[reference]) for name in NAMES}
    assert ours == {name: theirs[other].fmeasure for name, other in NAMES.items()}


@given(st.lists(WORD, min_size=1, max_size=20))
@settings(max_examples=400, deadline=None)
@example(["sky", "skies", "dying", "news", "inning", "proceed", "enjoy", "spied", "dies", "flies"])
@example(["nationally", "geologi", "logi", "agreed", "feed", "hopping", "falling", "filing", "controll", "rational"])
def test_stems_are_those_of_nltk(words: list[str]) -> None:
    assert [stem(word) for word in words] == [STEMMER.stem(word) for word in words]


@given(st.lists(TEXT, min_size=1, max_size=4), TEXT)
@settings(max_examples=60, deadline=None)
def test_the_best_reference_counts_for_each_measure(references: list[str], response: str) -> None:
    theirs = SCORER.score_multi(references, response)
    ours = {name: score(name, response=response, references=references) for name in NAMES}
    assert ours == {name: theirs[other].fmeasure for name, other in NAMES.items()}
