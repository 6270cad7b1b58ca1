"""Metric filters as CloudWatch Logs takes them."""

import pytest

from bedrock_eval.invocation_log.filters import LOG_FILTERS, LONGEST_PATTERN, LogFilter


@pytest.mark.parametrize("each", LOG_FILTERS, ids=lambda each: each.name)
def test_a_pattern_names_every_field_that_is_a_dimension(each: LogFilter) -> None:
    """Else PutMetricFilter refuses it, or records without the field count under no value."""
    assert each.dimensions
    assert len(each.dimensions) <= 3
    for selector in each.dimensions.values():
        assert f"{selector} = " in each.pattern


@pytest.mark.parametrize("each", LOG_FILTERS, ids=lambda each: each.name)
def test_a_pattern_is_as_long_as_it_may_be(each: LogFilter) -> None:
    assert len(each.pattern) <= LONGEST_PATTERN
