"""The accepted run that a run is held against, read from where accepting it has copied it to."""

from collections.abc import Iterator

from bedrock_eval.definition import Definition
from bedrock_eval.layout import BaselineLayout
from bedrock_eval.outcomes import Outcome
from bedrock_eval.summarising import Baseline, baseline_values
from custom_evaluator.parts import read_outcomes
from custom_evaluator.store import Store


def read_baseline(store: Store, definition: Definition) -> Baseline | None:
    """The pinned baseline's scores, None where none is pinned; one that is not there says so in its verdicts."""
    if definition.baseline is None:
        return None
    layout = BaselineLayout(definition.evaluation, definition.baseline)
    if not store.exists(layout.summary):
        missing = f"baseline {definition.baseline} is not in the bucket: accept the run again"
        return Baseline(definition.baseline, missing=missing)
    return Baseline(definition.baseline, baseline_values(baseline_outcomes(store, definition)))


def baseline_outcomes(store: Store, definition: Definition) -> Iterator[Outcome]:
    """The baseline's outcomes of the candidates that the definition still has."""
    if definition.baseline is None:
        return
    layout = BaselineLayout(definition.evaluation, definition.baseline)
    yield from read_outcomes(store, layout, [candidate.name for candidate in definition.candidates])
