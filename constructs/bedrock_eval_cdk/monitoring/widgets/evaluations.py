"""The widgets about one evaluation: scores with their gates, verdicts, and how its runs went."""

from collections.abc import Iterator, Sequence

from aws_cdk import aws_cloudwatch as cloudwatch

from bedrock_eval import catalogue
from bedrock_eval.alarms import kinds
from bedrock_eval.alarms.units import figure
from bedrock_eval.direction import Better
from bedrock_eval.evaluation.definition import Gate
from bedrock_eval.metric_math import judged, known
from bedrock_eval.pricing.costs import plain
from bedrock_eval.scores.measures import Measure
from bedrock_eval_cdk.monitoring.metrics import metric
from bedrock_eval_cdk.monitoring.series import Series
from bedrock_eval_cdk.monitoring.subjects import MonitoredCandidate, MonitoredEvaluation
from bedrock_eval_cdk.monitoring.widgets.drawing import RUN_PERIOD, Drawing, Line, line

_DIRECTION = {
    Better.HIGHER: ", higher is better",
    Better.LOWER: ", lower is better",
    Better.NEUTRAL: "",
}
_ALARMED = {kinds.INCONCLUSIVE.name: "Inconclusive by day", kinds.JOBS_LEFT.name: "Jobs left in Bedrock"}
# Of every finished run, so that the newest value is that of the newest run; nothing where none has finished.
_AGE = judged("(MAX(EPOCH(FILL(f,0)))-EPOCH(FILL(f,0)))/86400", "f == 1")
# One colour a candidate, the same in every graph of its evaluation.
_CANDIDATE_COLORS = (
    *(cloudwatch.Color.BLUE, cloudwatch.Color.ORANGE, cloudwatch.Color.GREEN, cloudwatch.Color.PURPLE),
    *(cloudwatch.Color.BROWN, cloudwatch.Color.PINK, cloudwatch.Color.GREY, cloudwatch.Color.RED, "#17becf", "#bcbd22"),
)


def evaluation_widgets(drawing: Drawing, evaluation: MonitoredEvaluation) -> list[cloudwatch.IWidget]:
    """The newest run, scores, verdicts, and the course of the runs, a series a candidate."""
    least = evaluation.min_coverage
    return [
        _newest(drawing, evaluation),
        *(widget for measure in evaluation.measures for widget in _scores(drawing, evaluation, measure)),
        *_verdicts(drawing, evaluation),
        _gauges(
            drawing,
            evaluation,
            "Coverage",
            [catalogue.RUN_COVERAGE],
            unit=kinds.COVERAGE.axis,
            limits=[line(least, f"min_coverage {figure(least)}", cloudwatch.Color.ORANGE)],
            top=1,
        ),
        _gauges(
            drawing,
            evaluation,
            "Cases and failed cases",
            [catalogue.RUN_CASES, catalogue.RUN_FAILED_CASES],
            unit="cases",
        ),
        *_answers(drawing, evaluation),
        _gauges(drawing, evaluation, "Duration of runs", [catalogue.RUN_DURATION], unit="seconds"),
        *_spending(drawing, evaluation),
        _runs(drawing, evaluation),
        *drawing.alarmed(_ALARMED, evaluation.name),
    ]


def _newest(drawing: Drawing, evaluation: MonitoredEvaluation) -> cloudwatch.IWidget:
    entries = (catalogue.RUN_CASES, catalogue.RUN_FAILED_CASES, catalogue.RUN_COVERAGE)
    series = [
        _of_candidate(entry, evaluation, candidate, label_entry=True)
        for candidate in evaluation.candidates
        for entry in entries
    ]
    return drawing.newest("Last run", [_age(evaluation), *series], period=RUN_PERIOD)


def _age(evaluation: MonitoredEvaluation) -> Series:
    """From the hour of the newest finished run to now; nothing where none finished in the range of the graph."""
    finished = metric(catalogue.RUN_FINISHED, dimensions=evaluation.dimensions, period=RUN_PERIOD)
    return cloudwatch.MathExpression(
        expression=_AGE, using_metrics={"f": finished}, period=RUN_PERIOD, label="days since its start"
    )


def _spending(drawing: Drawing, evaluation: MonitoredEvaluation) -> list[cloudwatch.IWidget]:
    """None of jobs: a graph that stays empty would read as no tokens."""
    if evaluation.jobs:
        return []
    tokens = [catalogue.RUN_INPUT_TOKENS, catalogue.RUN_OUTPUT_TOKENS, catalogue.RUN_UNPRICED_TOKENS]
    return [
        _gauges(drawing, evaluation, "Tokens of runs", tokens, unit="tokens"),
        _gauges(drawing, evaluation, "Estimated cost of runs", [catalogue.RUN_COST], unit="US dollars"),
    ]


def _answers(drawing: Drawing, evaluation: MonitoredEvaluation) -> list[cloudwatch.IWidget]:
    """What was no whole answer of the model; jobs do not tell."""
    if evaluation.jobs:
        return []
    withheld, truncated = [catalogue.RUN_WITHHELD_CASES], [catalogue.RUN_TRUNCATED]
    return [
        _gauges(drawing, evaluation, "Answers withheld", withheld, unit="cases"),
        _gauges(drawing, evaluation, "Answers cut off by max_tokens", truncated, unit="share", top=1),
    ]


def _scores(drawing: Drawing, evaluation: MonitoredEvaluation, measure: Measure) -> Iterator[cloudwatch.IWidget]:
    """The score of a metric with the bounds of its gates, and how much room its gates leave."""
    gate = next((each for each in evaluation.gates if each.metric == measure.name), None)
    yield _score(drawing, evaluation, measure, gate)
    if gate is not None:
        yield _margin(drawing, evaluation, measure, gate)


def _score(
    drawing: Drawing, evaluation: MonitoredEvaluation, measure: Measure, gate: Gate | None
) -> cloudwatch.IWidget:
    bounds = {} if gate is None else {"min": gate.min, "max": gate.max}
    entry = catalogue.score(measure.name, title=measure.title)
    return drawing.run_graph(
        f"{measure.title}, mean",
        [
            *(_of_candidate(entry, evaluation, candidate) for candidate in evaluation.candidates),
            *_drops(evaluation, measure, gate),
        ],
        unit=f"{measure.unit}{_DIRECTION[measure.better]}",
        limits=[
            line(bound, f"gate {side} {figure(bound)}", cloudwatch.Color.RED)
            for side, bound in bounds.items()
            if bound is not None
        ],
        # Criteria of one's own may have values below 0.
        bottom=min(0.0, measure.low or 0.0),
        top=1 if measure.high == 1 else None,
        statistic=entry.statistic,
    )


def _drops(evaluation: MonitoredEvaluation, measure: Measure, gate: Gate | None) -> list[Series]:
    """How far `max_drop` lets each candidate fall behind its accepted run; nothing while none is accepted."""
    if gate is None or gate.max_drop is None:
        return []
    sign, word = ("+", "above") if measure.better is Better.LOWER else ("-", "below")
    return [
        cloudwatch.MathExpression(
            expression=known(f"(b{place} {sign} {plain(gate.max_drop)})", f"b{place}"),
            using_metrics={f"b{place}": _of_candidate(catalogue.GATE_BASELINE, evaluation, candidate, gate=gate)},
            period=RUN_PERIOD,
            label=f"{candidate.name}: gate, {figure(gate.max_drop)} {word} the accepted run",
            color=cloudwatch.Color.RED,
        )
        for place, candidate in enumerate(evaluation.candidates)
    ]


def _margin(drawing: Drawing, evaluation: MonitoredEvaluation, measure: Measure, gate: Gate) -> cloudwatch.IWidget:
    """The worse end of the interval: from the bound, or with `max_drop` from the accepted run, if there is one."""
    return drawing.run_graph(
        f"Gate margin: {measure.title}",
        [_of_candidate(catalogue.GATE_MARGIN, evaluation, candidate, gate=gate) for candidate in evaluation.candidates],
        unit=f"{measure.unit}, worse end of the interval",
        limits=_margin_lines(gate.max_drop),
        bottom=None,
        statistic=catalogue.GATE_MARGIN.statistic,
    )


def _margin_lines(max_drop: float | None) -> list[Line]:
    if max_drop is None:
        return [line(0, "0: the bound", cloudwatch.Color.RED)]
    same = "0: as the accepted run"
    if not max_drop:
        return [line(0, same, cloudwatch.Color.RED)]
    return [
        line(0, same, cloudwatch.Color.GREY),
        line(-max_drop, f"-{figure(max_drop)}: max_drop", cloudwatch.Color.RED),
    ]


def _verdicts(drawing: Drawing, evaluation: MonitoredEvaluation) -> list[cloudwatch.IWidget]:
    judged = {
        f"{candidate.name}: {gate.metric}": evaluation.verdict_dimensions(candidate, gate)
        for candidate in evaluation.candidates
        for gate in evaluation.gates
    }
    if not judged:
        return []
    return [
        drawing.run_graph(
            "Verdicts of the gates",
            [
                metric(catalogue.GATE_VERDICT, dimensions=dimensions, period=RUN_PERIOD, label=label)
                for label, dimensions in judged.items()
            ],
            unit=kinds.VERDICT.axis,
            limits=drawing.limits([kinds.VERDICT], *judged.values()),
            top=3,
        )
    ]


def _gauges(  # noqa: PLR0913 - all by keyword but the first four
    drawing: Drawing,
    evaluation: MonitoredEvaluation,
    title: str,
    entries: Sequence[catalogue.Metric],
    *,
    unit: str,
    limits: Sequence[Line] = (),
    top: float | None = None,
) -> cloudwatch.IWidget:
    several = len(entries) > 1
    series = [
        _of_candidate(entry, evaluation, candidate, label_entry=several)
        for entry in entries
        for candidate in evaluation.candidates
    ]
    return drawing.run_graph(title, series, unit=unit, limits=limits, top=top)


def _runs(drawing: Drawing, evaluation: MonitoredEvaluation) -> cloudwatch.IWidget:
    entries = (catalogue.RUN_FINISHED, catalogue.RUN_FAILED, catalogue.RUN_SKIPPED)
    return drawing.run_graph(
        "Runs finished, failed, skipped",
        [metric(entry, dimensions=evaluation.dimensions, period=RUN_PERIOD, label=entry.title) for entry in entries],
        unit="1 = yes",
        limits=drawing.limits([kinds.RUN_FAILED], evaluation.dimensions),
    )


def _of_candidate(
    entry: catalogue.Metric,
    evaluation: MonitoredEvaluation,
    candidate: MonitoredCandidate,
    *,
    gate: Gate | None = None,
    label_entry: bool = False,
) -> cloudwatch.Metric:
    place = evaluation.candidates.index(candidate)
    dimensions = evaluation.candidate_dimensions(candidate)
    return metric(
        entry,
        dimensions=dimensions if gate is None else evaluation.verdict_dimensions(candidate, gate),
        period=RUN_PERIOD,
        label=f"{candidate.name}: {entry.title.lower()}" if label_entry else candidate.name,
        color=None if label_entry else _CANDIDATE_COLORS[place % len(_CANDIDATE_COLORS)],
    )
