"""Metric math that says the same under every reading of its page.

"Using metric math" in the CloudWatch user guide takes a missing value of a series as 0, contradicts itself about an IF
of two arguments, and does not say what FILL makes of a series that never had a datapoint. So a sum is the SUM of an
array, from which such a series is left out, and what nobody knows is divided by 0, which drops the datapoint. The
emulator evaluates every alarm and graph under each reading (local/emulator/cloudwatch/metric_math/).
"""

from collections.abc import Iterable


def filled(metric_id: str) -> str:
    """A count that is 0 where nothing was counted."""
    return f"FILL({metric_id},0)"


def summed(terms: Iterable[str]) -> str:
    """The sum of terms, of which some may have no datapoint at all; a single one stands for itself."""
    # Assumption: fill-without-points
    every = list(terms)
    # SUM of one series is a number, and of an array a series: an array of one could be read as either.
    return every[0] if len(every) == 1 else f"SUM([{', '.join(every)}])"


def total_of(metric_ids: Iterable[str]) -> str:
    """The sum of counts."""
    return summed(map(filled, metric_ids))


def beside(part: str, whole: str) -> str:
    """A count that is 0 wherever another one is known, also when it never had a datapoint."""
    return summed((filled(part), f"0*{whole}"))


def judged(expression: str, condition: str) -> str:
    """An expression without a value where a condition does not hold, or is not known to."""
    # Assumption: if-without-else
    return f"{expression}/({condition})"


def known(expression: str, metric_id: str) -> str:
    """An expression without a value where a metric has none, whatever its other parts make of a missing value."""
    # Assumption: missing-is-zero
    return judged(expression, f"{metric_id} == {metric_id}")
