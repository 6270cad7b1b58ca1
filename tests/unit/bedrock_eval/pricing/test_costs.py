"""Rates, costs and the metric math that says the same."""

import re
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_eval import catalogue
from bedrock_eval.pricing.costs import Cost, Rates, cost, cost_expression, dollars, total, unpriced_expression
from bedrock_eval.pricing.usage import Usage
from tests.support.metric_math import said

FULL = Rates(input=1.0, output=5.0, cache_read=0.1, cache_write=1.25)
USAGE = Usage(input_tokens=1_000_000, output_tokens=200_000, cache_read_tokens=3_000_000, cache_write_tokens=400_000)
COUNTS = st.integers(min_value=0, max_value=10**12)
RATE = st.floats(min_value=0.000_001, max_value=1000).map(lambda rate: round(rate, 6))


def test_the_four_kinds_are_priced_each_by_its_own_rate() -> None:
    assert cost(USAGE, FULL) == Cost(usd=pytest.approx(1 + 1 + 0.3 + 0.5), priced_tokens=4_600_000)


def test_without_rates_every_token_is_unpriced_and_the_cost_unknown() -> None:
    found = cost(USAGE, None)
    assert found == Cost(usd=0, priced_tokens=0, unpriced_tokens=4_600_000)
    assert not found.known
    assert str(found) == "4,600,000 unpriced tokens"


def test_a_kind_without_a_rate_makes_the_cost_a_lower_bound() -> None:
    found = cost(USAGE, Rates(input=1, output=5))
    assert found == Cost(usd=2, priced_tokens=1_200_000, unpriced_tokens=3_400_000)
    assert str(found) == "at least $2.00 (3,400,000 tokens unpriced)"


def test_no_tokens_cost_nothing_and_that_is_known() -> None:
    assert cost(Usage(), None).known
    assert str(cost(Usage(), None)) == "$0.00"


def test_costs_add_up() -> None:
    assert total([Cost(1, 2, 3), Cost(0.5, 1, 0)]) == Cost(1.5, 3, 3)
    assert total([]) == Cost()


@pytest.mark.parametrize(
    ("usd", "shown"),
    [(1234.5, "$1,234.50"), (0.0123, "$0.012"), (0.5, "$0.50"), (0.000012, "$1.2e-05"), (0, "$0.00")],
)
def test_small_amounts_keep_two_digits(usd: float, shown: str) -> None:
    assert dollars(usd) == shown


def evaluate(expression: str, values: Mapping[str, int]) -> float:
    (value,) = said(expression, values)
    assert value is not None
    return value


@given(
    counts=st.tuples(COUNTS, COUNTS, COUNTS, COUNTS), rates=st.tuples(RATE, RATE, RATE | st.none(), RATE | st.none())
)
def test_metric_math_says_what_the_function_says(
    counts: tuple[int, int, int, int], rates: tuple[float, float, float | None, float | None]
) -> None:
    usage, card = Usage(*counts), Rates(*rates)
    values = {
        "input_tokens": counts[0],
        "output_tokens": counts[1],
        "cache_read_tokens": counts[2],
        "cache_write_tokens": counts[3],
    }
    known = cost(usage, card)
    priced = cost_expression(card)
    assert evaluate(priced.expression, values) == pytest.approx(known.usd)
    unpriced = unpriced_expression(card)
    assert (0 if unpriced is None else evaluate(unpriced.expression, values)) == pytest.approx(
        known.unpriced_tokens, rel=1e-9
    )
    assert "e-" not in priced.expression


def test_metric_ids_name_their_metrics() -> None:
    found = cost_expression(FULL, prefix="haiku_")
    assert found.metrics == {
        "haiku_input_tokens": catalogue.INPUT_TOKENS,
        "haiku_output_tokens": catalogue.OUTPUT_TOKENS,
        "haiku_cache_read_tokens": catalogue.CACHE_READ_TOKENS,
        "haiku_cache_write_tokens": catalogue.CACHE_WRITE_TOKENS,
    }
    assert set(re.findall(r"FILL\((\w+),0\)", found.expression)) == set(found.metrics)


def test_unpriced_tokens_are_those_of_the_kinds_without_a_rate() -> None:
    assert unpriced_expression(FULL) is None
    partly = unpriced_expression(Rates(1, 5))
    assert partly is not None
    assert set(partly.metrics) == {"cache_read_tokens", "cache_write_tokens"}
    assert set(cost_expression(Rates(1, 5)).metrics) == {"input_tokens", "output_tokens"}
    nothing = unpriced_expression(None)
    assert nothing is not None
    assert len(nothing.metrics) == 4
