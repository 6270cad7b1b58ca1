"""What a metric is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bedrock_eval.catalogue import Better

ScoreFunction = Callable[[str, str], float]
"""(response, reference) -> value; a metric without a reference is given an empty one."""


@dataclass(frozen=True)
class MetricDefinition:
    """A score of one answer.

    Attributes:
        unit: of the value, for people: share (0 to 1), characters, ...
        low, high: the range; None where it is open. Bounds the mean of a sample without variance.
        binary: every value is 0 or 1, so that its mean is a proportion with a proportion's interval.
    """

    name: str
    title: str
    function: ScoreFunction
    better: Better
    unit: str
    low: float | None
    high: float | None
    needs_reference: bool = True
    binary: bool = False

    @property
    def doc(self) -> str:
        """Formula and source."""
        return self.function.__doc__ or ""

    def score(self, *, response: str, references: Sequence[str], prompt: str) -> float | None:  # noqa: ARG002
        """The value against the best of the references, None when one is needed and none is there."""
        if not self.needs_reference:
            return self.function(response, "")
        if not references:
            return None
        best = min if self.better is Better.LOWER else max
        return best(self.function(response, reference) for reference in references)
