"""Numbers and names as people read them; unknown is said and never drawn as 0."""

import difflib
from collections.abc import Iterable, Mapping

from bedrock_eval.direction import Better

UNKNOWN = "unknown"
MINUS = "\N{MINUS SIGN}"
_BETTER = {Better.HIGHER: "higher is better", Better.LOWER: "lower is better", Better.NEUTRAL: "no better direction"}


def number(value: float | None) -> str:
    """About four significant digits."""
    if value is None:
        return UNKNOWN
    size = abs(value)
    if size == 0 or size >= 1000:
        shown = f"{size:,.0f}"
    elif size < 0.0005:
        shown = f"{size:.4f}" if size >= 0.00005 else f"{size:.1e}"
    else:
        shown = f"{size:.3f}" if size < 10 else f"{size:.2f}" if size < 100 else f"{size:.1f}"
    return f"{MINUS}{shown}" if value < 0 else shown


def signed(value: float | None) -> str:
    """A difference, its sign always shown."""
    return f"+{number(value)}" if value is not None and value > 0 else number(value)


def interval(low: float | None, high: float | None) -> str:
    """An interval of levels."""
    return "interval unknown" if low is None or high is None else f"{number(low)} to {number(high)}"


def signed_interval(low: float | None, high: float | None) -> str:
    """An interval of differences."""
    return "interval unknown" if low is None or high is None else f"{signed(low)} to {signed(high)}"


def p_value(value: float | None) -> str:
    """A p-value to three decimals."""
    if value is None:
        return UNKNOWN
    return "below 0.001" if value < 0.001 else f"{value:.3f}"


def percent(share: float | None, *, digits: int = 0) -> str:
    """A share of 1 in percent."""
    return UNKNOWN if share is None else f"{share:.{digits}%}"


def chosen(labels: Mapping[str, int]) -> str:
    """How often each text of a scale was chosen, the most frequent first."""
    return ", ".join(f"{text} {n:,}" for text, n in sorted(labels.items(), key=lambda each: (-each[1], each[0])))


def level(confidence: float) -> str:
    """A confidence level in percent, with as many digits as it has, two decimals at most."""
    return f"{confidence * 100:.2f}".rstrip("0").rstrip(".") + "%"


def seconds(value: float) -> str:
    """A duration."""
    if value < 120:
        return f"{value:.2f} s" if value < 10 else f"{value:.0f} s"
    minutes = round(value / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def count(n: int, noun: str) -> str:
    """`1 case`, `2 cases`."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def suggestion(text: str, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)` behind a name that is none, empty where none of the known ones is near."""
    folded = {each.casefold(): each for each in known}
    close = difflib.get_close_matches(text.casefold(), folded, n=1)
    return f" (did you mean {folded[close[0]]!r}?)" if close else ""


def direction(better: Better) -> str:
    """Which way a metric improves, in words."""
    return _BETTER[better]


def instant(iso: str) -> str:
    """An ISO time in UTC to the minute."""
    return f"{iso[:10]} {iso[11:16]} UTC"
