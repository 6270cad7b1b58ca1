"""What a score is, whoever gives it: the attributes that intervals, gates, comparisons and reports go by."""

from dataclasses import dataclass

from bedrock_eval.direction import Better

FIRST_VERSION = "1"
"""Of every metric of this project; scores that carry no version were given by it."""


@dataclass(frozen=True)
class Measure:
    """A score of one answer.

    Attributes:
        unit: of the value, for people: share (0 to 1), characters, ...
        low, high: the range, but for rounding in the last digits; None where it is open. Bounds the mean of a sample
            without variance.
        binary: every value is 0 or 1, so that its mean is a proportion with a proportion's interval.
        version: scores of two versions are not comparable; None: nobody knows it.
    """

    name: str
    title: str
    better: Better
    unit: str
    low: float | None
    high: float | None
    binary: bool = False
    version: str | None = None

    def outside(self, bound: float) -> str | None:
        """What is wrong with a bound that a mean never reaches; None for one inside the range."""
        low = float("-inf") if self.low is None else self.low
        high = float("inf") if self.high is None else self.high
        if low <= bound <= high:
            return None
        span = f"{low:g} or more" if self.high is None else f"{low:g} to {high:g}"
        return f"{bound:g} is outside the range of {self.name}; allowed: {span} ({self.unit})"

    @property
    def measure(self) -> "Measure":
        """Only this, of whatever is more."""
        return Measure(self.name, self.title, self.better, self.unit, self.low, self.high, self.binary, self.version)
