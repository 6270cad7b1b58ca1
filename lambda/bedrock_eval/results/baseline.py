"""An accepted run that another is held against."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bedrock_eval.evaluation.definition import CustomDefinition, Definition
from bedrock_eval.results.outcomes import Outcome
from bedrock_eval.results.same_cases import Cases
from bedrock_eval.results.scoring import NOT_SCORED, Scorer, Values, run_scores


@dataclass(frozen=True)
class Baseline:
    """An accepted run: the scores of its candidates by name, or why there are none.

    Attributes:
        cases: what its cases were.
        rescored: by metric that was computed again from the stored answers, the version that had scored them.
        incomparable: by metric, why its scores say nothing beside those of now.
    """

    run_id: str
    values: Mapping[str, Values] = field(default_factory=dict)
    missing: str | None = None
    cases: Cases = field(default_factory=dict)
    rescored: Mapping[str, str] = field(default_factory=dict)
    incomparable: Mapping[str, str] = field(default_factory=dict)

    def of(self, candidate: str, metric: str) -> Mapping[str, float] | str:
        """The values of one metric by case id, or why there are none."""
        if self.missing is not None:
            return self.missing
        if metric in self.incomparable:
            return self.incomparable[metric]
        if candidate not in self.values:
            return f"baseline {self.run_id} has no candidate {candidate}"
        values = self.values[candidate].get(metric)
        return f"baseline {self.run_id} has no scores of {metric}" if values is None else values


def baseline_of(
    run_id: str, outcomes: Iterable[Outcome], *, definition: Definition | None = None, before: Definition | None = None
) -> Baseline:
    """The baseline that a run's outcomes make.

    Args:
        definition: of the evaluation that is held against it; None: its scores count as they are.
        before: the baseline's own definition, None when it is not known.
    """
    scorer = None if definition is None else Scorer(definition)
    found = run_scores(outcomes, scorer)
    differing = {} if definition is None or before is None else incomparable(definition, before, run=run_id)
    lost = {
        name: f"baseline {run_id} was scored by version {version} of {name}, and its answers cannot be scored again"
        for name, version in found.lost.items()
    }
    return Baseline(run_id, found.values, None, found.cases, found.again, {**differing, **lost})


def incomparable(now: Definition, before: Definition, *, run: str) -> dict[str, str]:
    """By metric that Bedrock or people score, what is known to differ: nobody here can score their answers again."""
    if isinstance(now, CustomDefinition) or isinstance(before, CustomDefinition):
        return {}
    earlier = before.measures
    return {
        name: f"{name} was scored otherwise in {run}: {earlier[name].version} there, {measure.version} now"
        for name, measure in now.measures.items()
        if name in earlier and None not in (measure.version, earlier[name].version)
        if measure.version != earlier[name].version
    }


def rescored_sentence(rescored: Mapping[str, str], *, run: str) -> str | None:
    """Which scores of an earlier run have been made again; None when none was."""
    if not rescored:
        return None
    told = ", ".join(
        f"{name} (not scored there)" if version == NOT_SCORED else f"{name} (version {version} there)"
        for name, version in sorted(rescored.items())
    )
    return f"the stored answers of {run} have been scored again by the metrics as they are now: {told}"
