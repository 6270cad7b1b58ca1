"""What a score is, whoever gives it: the attributes that intervals, gates, comparisons and reports go by."""

from dataclasses import dataclass

from bedrock_eval.catalogue import Better

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

    @property
    def measure(self) -> "Measure":
        """Only this, of whatever is more."""
        return Measure(self.name, self.title, self.better, self.unit, self.low, self.high, self.binary, self.version)
