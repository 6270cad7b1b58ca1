import pytest

from bedrock_eval.alarms.kinds import KINDS
from bedrock_eval.alarms.units import Unit, figure, length
from bedrock_eval.verdicts.gates import Verdict


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(60, "1 min"), (300, "5 min"), (5400, "90 min"), (3600, "1 h"), (86_400, "24 h"), (10, "10 s")],
)
def test_lengths(seconds: int, text: str) -> None:
    assert length(seconds) == text


@pytest.mark.parametrize(
    ("kind", "value", "text", "axis"),
    [
        ("latency-p90", 10_000, "10,000 ms", "ms"),
        ("throttles", 22.75, "22.75 % of requests", "% of requests"),
        ("throttle-count", 1, "1 request", "requests in 5 min"),
        ("tokens-per-day", 5_000_000, "5,000,000 tokens", "tokens in 24 h"),
        ("cost-per-hour", 2.5, "2.500 US dollars", "US dollars in 1 h"),
        ("dead-letters", 1, "1 message waiting", "messages waiting"),
        ("coverage", 0.62, "0.620 of the cases answered", "of the cases answered"),
        ("verdict", 3, "3 (failed or worse)", "0 better, 1 passed or not worse, 2 undecided, 3 failed or worse"),
        ("run-overdue", 0, "0 (in time)", "0 in time, 1 overdue"),
    ],
)
def test_values_and_axes_of_kinds(kind: str, value: float, text: str, axis: str) -> None:
    assert KINDS[kind].unit.of(value) == text
    assert KINDS[kind].axis == axis


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.9999, "0.9999"),
        (0.00005, "0.00005"),
        (1e-7, "0.0000001"),
        (12.345, "12.345"),
        (7000.0, "7,000"),
        (20_000_000_000, "20,000,000,000"),
        (0, "0"),
    ],
)
def test_a_threshold_has_all_its_digits(value: float, text: str) -> None:
    assert figure(value) == text
    assert Unit("of it").exactly(value) == f"{text} of it"


@pytest.mark.parametrize(
    ("value", "threshold", "text"),
    [
        (0.9496, 0.95, "0.9496"),
        (0.949975, 0.95, "0.94998"),
        (5.0001, 5, "5.0001"),
        (0.95, 0.95, "0.950"),
        (22.754, 5, "22.75"),
        (10_000.2, 10_000, "10,000.2"),
        (10_001, 10_000, "10,001"),
        (4e-8, 1e-7, "4.0e-08"),
    ],
)
def test_a_value_shows_on_which_side_of_its_threshold_it_lies(value: float, threshold: float, text: str) -> None:
    assert Unit("of it").of(value, beside=threshold) == f"{text} of it"


def test_a_code_that_stands_for_nothing_is_a_number() -> None:
    assert KINDS["verdict"].unit.of(0.5) == "0.500"
    assert KINDS["verdict"].unit.of(7) == "7"
    assert Unit().of(7) == "7"


def test_codes_of_the_verdict_are_those_of_its_metric() -> None:
    assert [KINDS["verdict"].unit.of(each.number) for each in Verdict] == [
        "0 (better)",
        "1 (passed or not worse)",
        "2 (undecided)",
        "3 (failed or worse)",
    ]


def test_every_kind_has_a_unit_and_sums_say_so() -> None:
    for kind in KINDS.values():
        assert kind.unit.name or kind.unit.codes, kind.name
        # A sum without the length of its period is no quantity; a share or a percentile of sums is.
        summed = {entry.statistic for entry in kind.metrics.values()} == {"Sum"}
        shared = kind.expression is not None and "100*" in kind.expression
        assert kind.unit.adds_up == (summed and not shared and not kind.name.startswith("quota-")), kind.name
