"""The end of a run, whoever scored it: report and summary out of the results that lie in its parts."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bedrock_eval.evaluation.definition import Definition
from bedrock_eval.layout import RunLayout
from bedrock_eval.report import render
from bedrock_eval.results.gathering import Gathering
from bedrock_eval.results.scoring import Scorer
from bedrock_eval.results.summarising import summarise
from bedrock_eval.results.summary import Agreement, Summary
from bedrock_eval_runs.baselines import baseline_outcomes, read_baseline
from bedrock_eval_runs.parts import read_outcomes
from bedrock_eval_runs.store import HTML, Store


def write_results(  # noqa: PLR0913 - all by keyword but the first three
    store: Store,
    layout: RunLayout,
    definition: Definition,
    *,
    started: str,
    finished: datetime,
    agreement: Sequence[Agreement] = (),
    lost_calls: Mapping[str, int] | None = None,
) -> Summary:
    """The report first: the summary's presence means that everything is there.

    Args:
        started: ISO 8601, as run.json has it.
        agreement: of people who have rated.
        lost_calls: by candidate, calls that were taken and of which no record is left.
    """
    names = [candidate.name for candidate in definition.candidates]
    baseline = read_baseline(store, definition)
    gathering = Gathering(definition, baseline)
    # A run that lasts over a deploy holds scores of two versions.
    scorer = Scorer(definition)
    summary = summarise(
        definition,
        run_id=layout.run_id,
        started=datetime.fromisoformat(started),
        finished=finished,
        outcomes=gathering.watch(scorer.current(each).outcome for each in read_outcomes(store, layout, names)),
        baseline=baseline,
        agreement=agreement,
        lost_calls=lost_calls or {},
    )
    evidence = gathering.evidence(
        summary.comparisons,
        run=read_outcomes(store, layout, names),
        baseline=baseline_outcomes(store, definition),
    )
    store.put(layout.report, render(summary, evidence), content_type=HTML)
    store.create(layout.summary, summary.to_json())
    return summary
