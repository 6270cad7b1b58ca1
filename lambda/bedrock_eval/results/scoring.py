"""The scores that a run's own metrics give an answer, now or again, and by which version of each."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bedrock_eval.evaluation.definition import CustomDefinition, Definition
from bedrock_eval.results.outcomes import Outcome
from bedrock_eval.results.same_cases import Cases
from bedrock_eval.scores import METRICS, score
from bedrock_eval.scores.measures import FIRST_VERSION, Measure

Values = Mapping[str, Mapping[str, float]]
"""Scores of one candidate: by metric, by case id."""

NOT_SCORED = "none"
"""In the place of a version: the answer has no score of the metric yet."""


def by_present_version(measure: Measure) -> bool:
    """Whether a stored mean or spread is of scores as this code would give them; of others' scores nobody knows."""
    if measure.name not in METRICS:
        return True
    return (measure.version or FIRST_VERSION).partition("+")[0] == METRICS[measure.name].version


@dataclass(frozen=True)
class Current:
    """An outcome whose scores are by the metrics as they are now.

    Attributes:
        again: by metric that was computed again, the version that had scored the answer.
        lost: the same of metrics that could not be; their scores are left out.
    """

    outcome: Outcome
    again: Mapping[str, str] = field(default_factory=dict)
    lost: Mapping[str, str] = field(default_factory=dict)


class Scorer:
    """Scores answers by the metrics of an evaluation. What Bedrock scores it leaves as it is.

    Attributes:
        versions: by metric, what its scores are labelled with.
    """

    def __init__(self, definition: Definition) -> None:
        self._parameters: dict[str, Mapping[str, Any]] = {}
        if isinstance(definition, CustomDefinition):
            self._parameters = {name: definition.parameters(name) for name in definition.metrics}
        self.versions = {name: METRICS[name].version_with(given) for name, given in self._parameters.items()}

    def scores(
        self,
        response: str,
        *,
        references: Sequence[str],
        prompt: str,
        stop_reason: str | None,
        names: Iterable[str] | None = None,
    ) -> dict[str, float | None]:
        """The value of each metric, or of some.

        Raises:
            ValueError: a value is no number.
        """
        of_the_call = {"stop_reason": stop_reason}
        found = {
            name: score(
                name,
                response=response,
                references=references,
                prompt=prompt,
                **self._parameters[name],
                **{key: of_the_call[key] for key in METRICS[name].of_the_call if key in of_the_call},
            )
            for name in (self.versions if names is None else names)
        }
        for name, value in found.items():
            if value is not None and not math.isfinite(value):
                raise ValueError(f"{name} is {value}")
        return found

    def current(self, outcome: Outcome) -> Current:
        """The outcome with every score that another version has given computed again from the stored answer."""
        stale = self._stale(outcome) if outcome.scored else {}
        if not stale:
            return Current(outcome)
        kept = {name: value for name, value in outcome.scores.items() if name not in stale}
        try:
            if outcome.response is None:
                raise ValueError("no answer is stored")
            made = self.scores(
                outcome.response,
                references=outcome.references,
                prompt=outcome.prompt,
                stop_reason=outcome.stop_reason,
                names=stale,
            )
        except Exception:  # whatever the metric cannot take: the score is missing, the run is not lost
            return Current(replace(outcome, scores=kept), lost=stale)
        versions = {**(outcome.versions or {}), **{name: self.versions[name] for name in stale}}
        return Current(replace(outcome, scores={**kept, **made}, versions=versions), again=stale)

    def _stale(self, outcome: Outcome) -> dict[str, str]:
        """By metric, the version that has scored the outcome, where it is another than now."""
        scored_by = {name: self._version_of(outcome, name) for name in self.versions}
        return {name: version for name, version in scored_by.items() if version != self.versions[name]}

    def _version_of(self, outcome: Outcome, name: str) -> str:
        if name not in outcome.scores:
            return NOT_SCORED
        if outcome.versions is None:
            # Before scores carried a version, several references were read as one.
            several = len(outcome.references) > 1 and METRICS[name].needs_reference
            return f"{FIRST_VERSION}, one reference" if several else FIRST_VERSION
        return outcome.versions.get(name, FIRST_VERSION)


@dataclass(frozen=True)
class RunScores:
    """What a comparison needs of a run: its scores by the metrics as they are now, and what its cases were.

    Attributes:
        values: by candidate.
        again, lost: as of Current, over all outcomes.
    """

    values: Mapping[str, Values]
    cases: Cases = field(default_factory=dict)
    again: Mapping[str, str] = field(default_factory=dict)
    lost: Mapping[str, str] = field(default_factory=dict)


def run_scores(outcomes: Iterable[Outcome], scorer: Scorer | None = None) -> RunScores:
    """Read the outcomes of a run.

    Args:
        scorer: of the evaluation that the run is compared by; None: the scores count as they are.
    """
    values: dict[str, dict[str, dict[str, float]]] = {}
    cases: dict[str, str | None] = {}
    again: dict[str, str] = {}
    lost: dict[str, str] = {}
    for stored in outcomes:
        found = Current(stored) if scorer is None else scorer.current(stored)
        again |= found.again
        lost |= found.lost
        outcome = found.outcome
        cases[outcome.case_id] = outcome.same_case
        of_candidate = values.setdefault(outcome.candidate, {})
        for name, value in outcome.scores.items():
            if value is not None and outcome.scored:
                of_candidate.setdefault(name, {})[outcome.case_id] = value
    return RunScores(values, cases, again, lost)
