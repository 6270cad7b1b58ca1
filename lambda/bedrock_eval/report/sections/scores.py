"""Every metric of every candidate: mean, interval, median, n."""

from bedrock_eval.report.html.drawing import interval_plot
from bedrock_eval.report.html.levels import bounds_of, gates_on, level_scale
from bedrock_eval.report.html.markup import Child, Markup, tag
from bedrock_eval.report.html.scale import Scale, axis
from bedrock_eval.report.html.subjects import chip, colour, measure, metric_names
from bedrock_eval.report.html.tables import Body, Column, Kind, table
from bedrock_eval.results.summary import CandidateSummary, MetricSummary, Summary
from bedrock_eval.wording import chosen, direction, interval, level, number, percent


def scores(summary: Summary) -> Markup:
    """The section of scores, one group of rows a metric."""
    columns = (
        Column("Candidate", Kind.TEXT),
        Column("Mean", label="mean"),
        Column(f"{level(summary.confidence)} interval", label="interval"),
        Column("Mean and interval", Kind.PLOT),
        Column("Median", label="median"),
        Column("Deviation", label="deviation"),
        Column("Cases", label="cases"),
    )
    bodies = [_metric(summary, name) for name in metric_names(summary)]
    made = tag("div", table(columns, bodies, caption="Scores of each metric and candidate"), class_="card")
    return tag("div", made, _classes(summary), _agreement(summary), class_="apart")


def _agreement(summary: Summary) -> Markup | None:
    """How far people agree, where several have rated the same answers."""
    if not summary.agreement:
        return None
    columns = (
        Column("Agreement between workers", Kind.TEXT),
        Column("Pairs that agree", label="pairs that agree"),
        Column("Pairs of ratings", label="pairs of ratings"),
        Column("Share", label="share"),
    )
    rows = [
        (measure(summary, each.metric).title, f"{each.equal:,}", f"{each.pairs:,}", percent(each.share))
        for each in summary.agreement
    ]
    note = "Two workers agree on an answer if they gave it the same rating. Some agreement is chance."
    made = tag("div", table(columns, [Body(rows)], caption="Agreement between workers"), class_="card")
    return tag("div", made, tag("p", note, class_="note"))


def _classes(summary: Summary) -> Markup | None:
    """What a classification comes to over the whole run, where there is one."""
    found = [(candidate.name, candidate.classes) for candidate in summary.candidates if candidate.classes is not None]
    if not found:
        return None
    columns = (
        Column("Classification over the run", Kind.TEXT),
        Column("Balanced accuracy", label="balanced accuracy"),
        Column("Precision", label="precision"),
        Column("Recall", label="recall"),
        Column("Cases", label="cases"),
    )
    rows = [
        (chip(summary, name), number(each.balanced_accuracy), number(each.precision), number(each.recall), each.n)
        for name, each in found
    ]
    return tag("div", table(columns, [Body(rows)], caption="Classification over the run"), class_="card")


def _metric(summary: Summary, name: str) -> Body:
    definition = measure(summary, name)
    bounds = {value for gate in gates_on(summary, name) for value in bounds_of(gate)}
    scale = level_scale(summary, name)
    rows = [_row(summary, candidate, name=name, scale=scale, bounds=sorted(bounds)) for candidate in summary.candidates]
    about = tag("small", f" {definition.unit}, {direction(definition.better)}")
    return Body(rows, title=(definition.title, about), axis=axis(scale))


def _absent(metric: MetricSummary) -> Markup | None:
    """Scored cases without a number: those for which a text was chosen, and the others."""
    others = metric.not_applicable - sum(metric.labels.values())
    told = [chosen(metric.labels)] if metric.labels else []
    told += [f"{others:,} not applicable"] if others else []
    return tag("small", "; ".join(told)) if told else None


def _row(
    summary: Summary, candidate: CandidateSummary, *, name: str, scale: Scale, bounds: list[float]
) -> tuple[Child, ...]:
    metric = candidate.metrics[name]
    span = interval(metric.low, metric.high)
    plot = interval_plot(
        title=f"{measure(summary, name).title} of {candidate.name}: mean {number(metric.mean)}, {span}",
        scale=scale,
        mean=metric.mean,
        low=metric.low,
        high=metric.high,
        kind=colour(summary, candidate.name),
        bounds=bounds,
    )
    absent = _absent(metric)
    return (
        chip(summary, candidate.name),
        number(metric.mean),
        span,
        plot,
        number(metric.median),
        number(metric.standard_deviation),
        (metric.n, absent),
    )
