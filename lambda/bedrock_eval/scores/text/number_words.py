"""Numbers as people write them: one spelling for each value."""

import re

_BY_COMMAS = re.compile(r"(?!0)[0-9]{1,3}(?:,[0-9]{2,3})*,[0-9]{3}(?:\.[0-9]+)?")
"""1,234,567.5, and as in India 12,34,567."""
_BY_POINTS = re.compile(r"(?!0)[0-9]{1,3}(?:(?:\.[0-9]{3})+,[0-9]+|(?:\.[0-9]{3}){2,})")
"""1.234,5 and 1.234.567; of 1.234 nobody knows, and the point is a decimal point."""
_DECIMAL_COMMA = re.compile("[0-9]+,[0-9]{1,2}|[0-9]{1,3},[0-9]+")


def plain_number(text: str) -> str:
    """One word for equal numbers: without marks of thousands, with a decimal point and no zeros at its end.

    What has more points stays (a date, a version); what has more commas than a number has, is a list of numbers.

    Args:
        text: ASCII digits with single points and commas between them, or before them a point.
    """
    if _BY_COMMAS.fullmatch(text):
        text = text.replace(",", "")
    elif _BY_POINTS.fullmatch(text):
        text = text.replace(".", "").replace(",", ".")
    elif _DECIMAL_COMMA.fullmatch(text):
        text = text.replace(",", ".")
    return " ".join(map(_without_zeros, text.split(",")))


def _without_zeros(number: str) -> str:
    if number.count(".") != 1:
        return number
    shortened = number.rstrip("0").rstrip(".")
    return f"0{shortened}" if shortened[:1] in ("", ".") else shortened
