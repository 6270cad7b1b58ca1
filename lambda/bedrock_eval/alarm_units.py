"""What the value of an alarm is measured in, as messages, the dashboard's axes and the runbook say it."""

from dataclasses import dataclass

from bedrock_eval.wording import number

_HOUR, _MINUTE = 3_600, 60


def length(seconds: int) -> str:
    """A period: `5 min`, `24 h`."""
    name, size = next((name, size) for name, size in (("h", _HOUR), ("min", _MINUTE), ("s", 1)) if seconds % size == 0)
    return f"{seconds // size} {name}"


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

    def of(self, value: float) -> str:
        """A value with its unit: `22.75 % of requests`, `1 request`, `3 (worse)`."""
        if self.codes and value in range(len(self.codes)):
            return f"{value:g} ({self.codes[int(value)]})"
        shown = f"{value:,.0f}" if float(value).is_integer() else number(value)
        return f"{shown} {self.one if value == 1 else self.name}".rstrip()
