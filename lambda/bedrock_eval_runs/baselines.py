"""The accepted run that a run is held against, read from where accepting it has copied it to."""

from collections.abc import Iterator

from bedrock_eval.codec import DecodeError
from bedrock_eval.evaluation.definition import Definition, read_definition
from bedrock_eval.layout import BaselineLayout, RunLayout
from bedrock_eval.results.baseline import Baseline, baseline_of
from bedrock_eval.results.outcomes import Outcome
from bedrock_eval_runs.parts import read_outcomes
from bedrock_eval_runs.store import Store


def read_baseline(store: Store, definition: Definition) -> Baseline | None:
    """The pinned baseline's scores, None where none is pinned; one that is not there says so in its verdicts."""
    if definition.baseline is None:
        return None
    layout = BaselineLayout(definition.evaluation, definition.baseline)
    if not store.exists(layout.summary):
        missing = f"baseline {definition.baseline} is not in the bucket: accept the run again"
        return Baseline(definition.baseline, missing=missing)
    return baseline_of(
        definition.baseline,
        baseline_outcomes(store, definition),
        definition=definition,
        before=_definition(store, layout),
    )


def _definition(store: Store, layout: RunLayout) -> Definition | None:
    """The baseline's own; None when it cannot be read, so that what has scored it is not known to differ."""
    stored = store.read(layout.definition)
    try:
        return None if stored is None else read_definition(stored.body)
    except DecodeError:
        return None


def baseline_outcomes(store: Store, definition: Definition) -> Iterator[Outcome]:
    """The baseline's outcomes of the candidates that the definition still has."""
    if definition.baseline is None:
        return
    layout = BaselineLayout(definition.evaluation, definition.baseline)
    yield from read_outcomes(store, layout, [candidate.name for candidate in definition.candidates])
