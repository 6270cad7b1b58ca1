"""The Unicode-aware metrics: what the ASCII protocols get wrong, they get right."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bedrock_eval.metrics import score
from bedrock_eval.metrics.unicode_words import content_words, words


def value(name: str, response: str, reference: str) -> float | None:
    return score(name, response=response, references=[reference])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The cat, a dog!", ["the", "cat", "a", "dog"]),
        ("«Oui», “non” – c’est ça…", ["oui", "non", "cest", "ça"]),
        ("don't DON’T", ["dont", "dont"]),
        ("well-known yes/no end—start", ["well", "known", "yes", "no", "end", "start"]),
        ("U.S. wait...what", ["us", "wait", "what"]),
        ("3.5, 35. .5 1,000,000.25 3,5 2020,2021", ["3.5", "35", "0.5", "1000000.25", "3,5", "2020,2021"]),
        ("-5 (−5) 3-5 x-5", ["-5", "-5", "3", "5", "x", "5"]),
        ("ﬁne ＡＢＣ １２ STRASSE straße", ["fine", "abc", "12", "strasse", "strasse"]),
        ("日本語abcです。", ["日", "本", "語", "abc", "で", "す"]),
        ("한국어 단어", ["한국어", "단어"]),
        ("हिन्दी शब्द", ["हिन्दी", "शब्द"]),
        ("great🙂!", ["great", "🙂"]),
        ("co\u00adop zero\u200bwidth", ["coop", "zerowidth"]),
        ("C++ $5", ["c++", "$5"]),
        ("`code` **bold**", ["code", "bold"]),
        ("so ,5 and .5 and --5", ["so", "5", "and", "0.5", "and", "5"]),
        ("?!", ["?!"]),
        ("", []),
        (" \n\t", []),
    ],
)
def test_words_of_any_script(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_composed_and_decomposed_letters_are_one() -> None:
    assert words("e\u0301te\u0301") == words("été")


@given(st.text())
@example("ΐ\u0345 ﬃ İ")
@example("a.-.5,,6")
def test_words_hold_no_blank_and_any_text_is_read(text: str) -> None:
    assert all(word and not any(character.isspace() for character in word) for word in words(text))
    assert value("unicode_f1_score", text, text) == 1.0
    assert value("unicode_exact_match", text, text) == 1.0


@given(st.text(alphabet="aB. ,-'é日3\n"))
def test_case_and_white_space_do_not_count(text: str) -> None:
    assert words(text.upper()) == words(text.lower())
    assert words(f"  {text}\n") == words(text)


@pytest.mark.parametrize(("response", "reference"), [("3.5", "35"), ("-5", "5"), ("?", "!"), ("A", "B"), ("the", "an")])
def test_different_answers_stay_different(response: str, reference: str) -> None:
    assert value("unicode_exact_match", response, reference) == 0.0
    assert value("unicode_f1_score", response, reference) == 0.0


def test_an_article_beside_a_line_break_goes() -> None:
    assert value("f1_score", "the\ncat sat", "cat sat") == pytest.approx(0.8)
    assert value("unicode_f1_score", "the\ncat sat", "cat sat") == 1.0


def test_an_answer_that_is_an_article_stays() -> None:
    assert content_words("A.") == ["a"]
    assert content_words("the a cat") == ["cat"]


def test_two_empty_texts_are_equal_in_every_way() -> None:
    assert value("unicode_exact_match", "", " ") == 1.0
    assert value("unicode_f1_score", "", " ") == 1.0
    assert value("unicode_f1_score", "", "x") == 0.0
    assert value("unicode_precision_over_words", "", "x") is None
    assert value("unicode_recall_over_words", "x", "") is None


def test_f1_counts_repetition() -> None:
    assert value("unicode_f1_score", "to be or not to be", "to be") == 0.5
    assert value("unicode_precision_over_words", "to be or not to be", "to be") == pytest.approx(1 / 3)
    assert value("unicode_recall_over_words", "to be or not to be", "to be") == 1.0


def test_facts_are_whole_words_side_by_side() -> None:
    assert value("unicode_factual_knowledge", "Bonaparte went to a party", "art") == 0.0
    assert value("factual_knowledge", "Bonaparte went to a party", "art") == 1.0
    assert value("unicode_factual_knowledge", "It is New  York.", "new york") == 1.0
    assert value("unicode_factual_knowledge", "York is new", "New York") == 0.0
    assert value("unicode_factual_knowledge", "首都は東京です", "東京") == 1.0
    assert value("unicode_factual_knowledge", "x", "") is None


def test_rouge_of_japanese_is_not_zero() -> None:
    assert value("rouge_l", "東京です", "東京だ") == 0.0
    # Two of four characters, two of three.
    assert value("unicode_rouge_1", "東京です", "東京だ") == pytest.approx(2 * 0.5 * (2 / 3) / (0.5 + 2 / 3))
    assert value("unicode_rouge_2", "東京です", "東京だ") == pytest.approx(0.4)
    assert value("unicode_rouge_l", "京東です", "東京だ") == pytest.approx(2 / 7)


def test_rouge_stems_english() -> None:
    assert value("unicode_rouge_1", "Runners running", "runner runs") == 1.0


def test_word_errors_without_case_and_punctuation() -> None:
    assert value("word_error_rate", "The cat sat", "the cat, sat.") == 1.0
    assert value("unicode_word_error_rate", "The cat sat", "the cat, sat.") == 0.0
    assert value("unicode_word_error_rate", "東京", "京都") == 1.0
    assert value("unicode_word_error_rate", "x", " ") is None
