import pytest

from bedrock_eval import wording


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "unknown"),
        (0.0, "0"),
        (0.5, "0.500"),
        (-0.25, "−0.250"),
        (0.0002, "0.0002"),
        (0.000012, "1.2e-05"),
        (12.345, "12.35"),
        (148.143, "148.1"),
        (12345.6, "12,346"),
    ],
)
def test_numbers_have_about_four_digits(value: float | None, shown: str) -> None:
    assert wording.number(value) == shown


def test_differences_carry_their_sign() -> None:
    assert [wording.signed(value) for value in (0.1, -0.1, 0.0, None)] == ["+0.100", "−0.100", "0", "unknown"]
    assert wording.signed_interval(-0.1, 0.2) == "−0.100 to +0.200"


def test_an_interval_without_both_ends_is_unknown() -> None:
    assert wording.interval(0.1, 0.2) == "0.100 to 0.200"
    assert wording.interval(None, 0.2) == wording.signed_interval(0.1, None) == "interval unknown"


def test_small_p_values_are_bounded() -> None:
    assert [wording.p_value(value) for value in (0.0, 0.0421, 1.0, None)] == [
        "below 0.001",
        "0.042",
        "1.000",
        "unknown",
    ]


def test_levels_and_shares_are_percents() -> None:
    assert [wording.level(value) for value in (0.95, 0.975, 1 - 0.05 / 6)] == ["95%", "97.5%", "99.17%"]
    assert [wording.percent(0.956, digits=1), wording.percent(None)] == ["95.6%", "unknown"]


@pytest.mark.parametrize(
    ("value", "shown"), [(0.25, "0.25 s"), (42.4, "42 s"), (600.0, "10 min"), (7_500.0, "2 h 5 min")]
)
def test_durations(value: float, shown: str) -> None:
    assert wording.seconds(value) == shown


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("unicode_f1score", " (did you mean 'unicode_f1_score'?)"),
        ("F1_Score", " (did you mean 'f1_score'?)"),
        ("contians", " (did you mean 'contains'?)"),
        ("fluency", ""),
        ("", ""),
    ],
)
def test_a_name_that_is_none_is_told_what_it_is_near_to(text: str, told: str) -> None:
    assert wording.suggestion(text, ("f1_score", "unicode_f1_score", "contains")) == told


def test_counts_and_instants() -> None:
    assert [wording.count(1, "case"), wording.count(1200, "case")] == ["1 case", "1,200 cases"]
    assert wording.instant("2026-11-23T06:00:42+00:00") == "2026-11-23 06:00 UTC"
