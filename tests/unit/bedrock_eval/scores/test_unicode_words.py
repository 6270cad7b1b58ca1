"""The Unicode-aware metrics: what the ASCII protocols get wrong, they get right."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bedrock_eval.scores import score
from bedrock_eval.scores.text.unicode_text import words


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
        ("3.5, 35. .5 1,000,000.25 3,5 2020,2021", ["3.5", "35", "0.5", "1000000.25", "3.5", "2020", "2021"]),
        ("16.00 16. 16,00 0.50 .50 -.5 -16.0 007", ["16", "16", "16", "0.5", "0.5", "-0.5", "-16", "007"]),
        (
            "1'000 1,000.00 1.000,50 1.234.567 12,34,567 0,125",
            ["1000", "1000", "1000.5", "1234567", "1234567", "0.125"],
        ),
        ("1\u00a0000\u202f000,5 १६ ٣٫٥ １２．５０", ["1000000.5", "16", "3.5", "12.5"]),
        ("1,2,3 1.50,2.50 29.11.2026 1..2", ["1", "2", "3", "1.5", "2.5", "29.11.2026", "1", "2"]),
        ("$18.She No.5 2½ x=-5 x=.5", ["$", "18", "she", "no", "5", "2", "1", "2", "x", "=", "-5", "x", "=", "0.5"]),
        ("-5 (−5) 3-5 x-5", ["-5", "-5", "3", "5", "x", "5"]),
        ("ﬁne ＡＢＣ １２ STRASSE straße", ["fine", "abc", "12", "strasse", "strasse"]),
        ("日本語abcです。", ["日", "本", "語", "abc", "で", "す"]),
        ("한국어 단어", ["한국어", "단어"]),
        ("हिन्दी शब्द", ["हिन्दी", "शब्द"]),
        ("great🙂!", ["great", "🙂"]),
        ("co\u00adop zero\u200bwidth", ["coop", "zerowidth"]),
        ("C++ $5 5€ 50% 50 %", ["c", "+", "+", "$", "5", "5", "€", "50", "%", "50", "%"]),
        ("-$5 $-5 -€.5 −£5", ["$", "-5", "$", "-5", "€", "-0.5", "£", "-5"]),
        ("<b>|x|</b> $y$ a→b", ["<", "b", ">", "|", "x", "|", "<", "b", ">", "$", "y", "$", "a", "→", "b"]),
        ("20℃ №5 Ⓐ ´x` =\u0338y 1️⃣", ["20", "°", "c", "no", "5", "a", "\u0301", "x", "≠", "y", "1"]),
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


@pytest.mark.parametrize("response", ["A.", "The answer is A", "<answer>A</answer>", "$A$"])
def test_an_answer_that_is_an_article_stays(response: str) -> None:
    assert value("unicode_factual_knowledge", response, "A") == 1.0
    assert value("unicode_f1_score", response, "A") != 0.0
    assert value("unicode_recall_over_words", response, "A") == 1.0


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


SYMBOLS = st.one_of(
    st.characters(categories=["Sc", "Sm", "Sk", "So"], exclude_characters="\N{MINUS SIGN}"),
    st.sampled_from("%$€£¥₹<>|=~^+×÷±≈→`°™\u2030\u066a🙂"),
)
WORDS = st.sampled_from(["42", "16.00", "1,000", "-5", "0.5", "B", "A", "Yes", "New York", "straße", "東京", "हिन्दी"])


@given(st.lists(SYMBOLS, min_size=1, max_size=3).map("".join), WORDS)
@example("\u2adc", "42")
@example("\U0001d15e", "Yes")
@example("\u00b4", "B")
@example("\u2103", "16.00")
def test_a_symbol_hides_no_word(symbols: str, word: str) -> None:
    for response in (symbols + word, word + symbols, f"{symbols}{word}{symbols}", f"so{symbols}{word}{symbols}it is"):
        assert value("unicode_factual_knowledge", response, word) == 1.0
        assert value("unicode_recall_over_words", response, word) == 1.0
        found = score("classification_accuracy", response=response, references=[word], labels=[word, "none of them"])
        assert found == 1.0


@given(SYMBOLS, WORDS)
def test_a_symbol_stands_beside_a_word_as_it_touches_it(symbol: str, word: str) -> None:
    for touching, apart in ((symbol + word, f"{symbol} {word}"), (word + symbol, f"{word} {symbol}")):
        assert words(touching) == words(apart)
        assert value("unicode_exact_match", touching, apart) == 1.0


@pytest.mark.parametrize(("response", "reference"), [("50%", "50"), ("$18", "18"), ("-18", "18"), ("x=1", "x 1")])
def test_a_unit_is_part_of_the_answer(response: str, reference: str) -> None:
    assert value("unicode_exact_match", response, reference) == 0.0


def test_a_minus_sign_is_part_of_its_number() -> None:
    assert value("unicode_factual_knowledge", "It is −5 °C", "5") == 0.0
    assert value("unicode_factual_knowledge", "It is −5 °C", "-5") == 1.0
    assert value("unicode_factual_knowledge", "−Yes", "yes") == 1.0


@given(st.integers(1, 10**9), st.integers(0, 99))
def test_equal_numbers_are_one_word(whole: int, hundredths: int) -> None:
    plain = f"{whole}.{hundredths:02}".rstrip("0").rstrip(".")
    grouped = f"{whole:,}"
    for written in (
        f"{grouped}.{hundredths:02}",
        f"{whole}.{hundredths:02}0",
        f"${grouped}.{hundredths:02}.",
        f"{whole},{hundredths:02}",
        grouped.replace(",", "\u202f") + f",{hundredths:02}",
        grouped.replace(",", "'") + f".{hundredths:02}",
    ):
        assert value("unicode_factual_knowledge", f"in all {written} and no more", plain) == 1.0
    assert value("unicode_factual_knowledge", f"in all {whole}5.{hundredths:02}", plain) == 0.0


@pytest.mark.parametrize(
    ("solution", "final"),
    [
        ("Each shelf holds 6*7=42 books, so two hold 2*42=84.", "84"),
        ("The bill was £1,250, shared by 5: £1,250/5=£250", "250"),
        ("Three tickets cost 3 x $4.50 = $13.50. With the $2.50 fee he pays $16.00.", "16"),
        ("She keeps 25% of 80: 80*25/100=20kg", "20kg"),
        ("So x=12/4=3.", "3"),
        ("= <<9*2=18>>18", "18"),
        (r"Hence \(\boxed{1{,}000}\) is wrong and \$1000 right.", "1,000"),
        ("合計は¥1,200です", "1200"),
    ],
)
def test_a_worked_solution_holds_its_number(solution: str, final: str) -> None:
    assert value("unicode_factual_knowledge", solution, final) == 1.0


def test_metrics_over_words_see_symbols_alike() -> None:
    assert value("unicode_f1_score", "It costs €5", "It costs 5 €") == 1.0
    assert value("unicode_rouge_1", "It costs €5", "it cost 5 €") == 1.0
    assert value("unicode_word_error_rate", "costs $5", "costs 5") == 0.5
    assert score("distinct_2", response="x=1 x=1") == 0.6
    assert score("classification_accuracy", response="$B$", references=["B"]) == 1.0
    assert score("classification_accuracy", response="the B", references=["B"]) == 0.0


def test_long_texts_take_time_by_their_length_only() -> None:
    """A square of them would be minutes."""
    for text in ("9" * 10**5, "1," * 50_000, ".-," * 33_333, "$" * 10**5, "1.000" * 20_000, "- " + " " * 10**5):
        assert value("unicode_factual_knowledge", text, "no such word") == 0.0
