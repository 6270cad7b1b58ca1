"""Scores of one answer against its references. Pure Python, no dependency.

`METRICS` maps each name to its definition; `score` computes one. A metric that does not apply (no reference) is None,
never 0. With several references the best counts, for each metric on its own.

Names of other projects' measures give their values bit for bit, with their weak places; where those matter a variant
`unicode_...` stands beside.
"""

from collections.abc import Sequence

from bedrock_eval.scores.classification import Confusion, confusion
from bedrock_eval.scores.definition import MetricDefinition, ParameterError
from bedrock_eval.scores.registry import METRICS

__all__ = ["METRICS", "Confusion", "MetricDefinition", "ParameterError", "confusion", "score"]


def score(
    name: str, *, response: str, references: Sequence[str] = (), prompt: str = "", **parameters: object
) -> float | None:
    """The value of one metric for one answer, None when it does not apply.

    Args:
        parameters: what the metric takes beside the texts: schema (json_schema_match), pattern (regex_match),
            labels (classification_accuracy), stop_reason (truncated).

    Raises:
        KeyError: no such metric; the message names those that exist.
        ParameterError: a parameter is unknown, missing or unusable.
    """
    definition = METRICS.get(name)
    if definition is None:
        raise KeyError(f"{name!r} is not a metric; allowed: {', '.join(METRICS)}")
    return definition.score(response=response, references=references, prompt=prompt, parameters=parameters)
