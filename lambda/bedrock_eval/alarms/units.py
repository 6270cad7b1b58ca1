"""What the value of an alarm is measured in, as messages, the dashboard's axes and the runbook say it."""

from dataclasses import dataclass
from decimal import Decimal

from bedrock_eval.wording import number

_HOUR, _MINUTE = 3_600, 60


def length(seconds: int) -> str:
    """A period: `5 min`, `24 h`."""
    name, size = next((name, size) for name, size in (("h", _HOUR), ("min", _MINUTE), ("s", 1)) if seconds % size == 0)
    return f"{seconds // size} {name}"


def plain(value: float) -> str:
    """A number for metric math, which need not understand an exponent."""
    return f"{Decimal(str(value)).normalize():f}"


def figure(value: float) -> str:
    """A number with all its digits, as a threshold is told: thousands apart, no exponent."""
    return f"{Decimal(str(value)).normalize():,f}"


@dataclass(frozen=True)
class Unit:
    """The unit of an alarm's value.

    Attributes:
        one: after the number 1; also what reads the same after any number, as `ms`.
        many: after any other number, where that differs.
        adds_up: the value is the sum of a period, so that it means nothing without the period's length.
        codes: what 0, 1, ... stand for, where the value is no quantity.
    """

    one: str = ""
    many: str | None = None
    adds_up: bool = False
    codes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """`requests`, `ms`; empty for codes."""
        return self.many or self.one

    def axis(self, seconds: int) -> str:
        """What stands beside an axis with periods of this length."""
        if self.codes:
            return ", ".join(f"{code} {word}" for code, word in enumerate(self.codes))
        return f"{self.name} in {length(seconds)}" if self.adds_up else self.name

    def of(self, value: float, *, beside: float | None = None) -> str:
        """A measured value with its unit: `22.75 % of requests`, `1 request`, `3 (worse)`.

        Args:
            beside: the threshold that is told with it: there are enough digits to see on which side the value lies.
        """
        return self._with_unit(value, _short(value) if beside is None else _told_apart(value, beside))

    def exactly(self, value: float) -> str:
        """A given value, as a threshold, with its unit."""
        return self._with_unit(value, figure(value))

    def _with_unit(self, value: float, shown: str) -> str:
        if self.codes and value in range(len(self.codes)):
            return f"{value:g} ({self.codes[int(value)]})"
        return f"{shown} {self.one if value == 1 else self.name}".rstrip()


def _short(value: float) -> str:
    return figure(value) if float(value).is_integer() else number(value)


def _told_apart(value: float, other: float) -> str:
    """Shortly where that shows on which side of the other the value lies, else with as many digits as it takes."""
    if value == other or number(value) != number(other):
        return _short(value)
    rounded = (float(f"{value:.{digits}g}") for digits in range(4, 18))
    return figure(next(each for each in rounded if each != other and (each < other) == (value < other)))
