"""State changes of a CloudWatch alarm: M out of N with gaps.

The rules are those of "Configuring how CloudWatch alarms treat missing data" in the user guide. An alarm reads
further back than its evaluation periods, and treats periods as missing only when that range holds too few values.
"""

from collections.abc import Sequence

OK, ALARM, INSUFFICIENT_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"


def extra_periods(period: int) -> int:
    """The number of periods beyond N that an alarm reads. AWS does not document it; its examples use two."""
    # Assumption: wider-range-of-missing-data
    return 2 if period < 3_600 else 0


def decide(
    breaching: Sequence[bool | None], *, evaluation_periods: int, datapoints_to_alarm: int, missing: str, current: str
) -> str:
    """The new state.

    ``breaching`` is the evaluation range, newest first, with None for a period without a value; ``missing`` is the
    alarm's TreatMissingData and ``current`` its present state, which ``ignore`` keeps.
    """
    present = [value for value in breaching if value is not None]
    if len(present) >= evaluation_periods:
        return ALARM if sum(present[:evaluation_periods]) >= datapoints_to_alarm else OK
    bad, gaps = sum(present), evaluation_periods - len(present)
    if missing in {"breaching", "notBreaching"}:
        filled = bad + (gaps if missing == "breaching" else 0)
        return ALARM if filled >= datapoints_to_alarm else OK
    if bad >= datapoints_to_alarm:
        return ALARM
    if not present:
        return current if missing == "ignore" else INSUFFICIENT_DATA
    if missing == "missing" and _age_of_oldest_unanswered_breach(breaching) >= datapoints_to_alarm:
        return ALARM
    return OK if False in present else current


def _age_of_oldest_unanswered_breach(breaching: Sequence[bool | None]) -> int:
    """Periods since the oldest breach that only breaches and gaps followed; 0 without one.

    CloudWatch does not wait for more values once that breach is as old as the datapoints it needs.
    """
    age = 0
    for position, value in enumerate(breaching, 1):
        if value is False:
            break
        if value:
            age = position
    return age
