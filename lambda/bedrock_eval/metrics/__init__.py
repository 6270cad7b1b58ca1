"""Scores of one answer against its references. Pure Python, no dependency.

`METRICS` maps each name to its definition; `score` computes one. A metric that does not apply (no reference) is None,
never 0. With several references the best counts.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from bedrock_eval.catalogue import Better
from bedrock_eval.metrics.definition import MetricDefinition
from bedrock_eval.metrics.words import exact_match, f1_score, relevance_score, response_length

__all__ = ["METRICS", "MetricDefinition", "score"]

_DEFINITIONS = (
    MetricDefinition(
        name="relevance_score",
        title="Relevance (word recall)",
        function=relevance_score,
        better=Better.HIGHER,
        unit="share",
        low=0.0,
        high=1.0,
    ),
    MetricDefinition(
        name="response_length",
        title="Response length",
        function=response_length,
        better=Better.NEUTRAL,
        unit="characters",
        low=0.0,
        high=None,
        needs_reference=False,
    ),
    MetricDefinition(
        name="exact_match",
        title="Exact match",
        function=exact_match,
        better=Better.HIGHER,
        unit="share",
        low=0.0,
        high=1.0,
        binary=True,
    ),
    MetricDefinition(
        name="f1_score",
        title="F1 over words",
        function=f1_score,
        better=Better.HIGHER,
        unit="share",
        low=0.0,
        high=1.0,
    ),
)

METRICS: Mapping[str, MetricDefinition] = MappingProxyType({definition.name: definition for definition in _DEFINITIONS})


def score(name: str, *, response: str, references: Sequence[str] = (), prompt: str = "") -> float | None:
    """The value of one metric for one answer, None when it does not apply.

    Raises:
        KeyError: no such metric; the message names those that exist.
    """
    definition = METRICS.get(name)
    if definition is None:
        raise KeyError(f"{name!r} is not a metric; allowed: {', '.join(METRICS)}")
    return definition.score(response=response, references=references, prompt=prompt)
