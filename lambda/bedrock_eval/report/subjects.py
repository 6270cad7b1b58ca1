"""What several sections ask of a summary."""

from bedrock_eval.catalogue import Better
from bedrock_eval.measures import Measure
from bedrock_eval.report.markup import Markup, tag
from bedrock_eval.summary import Summary

_COLOURS = 6


def chip(summary: Summary, name: str) -> Markup:
    """A candidate's name behind its colour, which is the same all over the page."""
    return tag("span", tag("i", class_="dot", aria_hidden="true"), name, class_=f"chip {colour(summary, name)}")


def colour(summary: Summary, name: str) -> str:
    """The class that sets a candidate's colour."""
    names = [candidate.name for candidate in summary.candidates]
    return f"c{names.index(name) % _COLOURS}" if name in names else "other"


def measure(summary: Summary, name: str) -> Measure:
    """What a metric of the run is."""
    return summary.measures[name]


def metric_names(summary: Summary) -> tuple[str, ...]:
    """The run's metrics, those with a gate first, else as declared."""
    gated = [gate.metric for candidate in summary.candidates for gate in candidate.gates]
    declared = [name for candidate in summary.candidates for name in candidate.metrics]
    return tuple(dict.fromkeys((*gated, *declared)))


def leading_metric(summary: Summary) -> str | None:
    """The metric that stands for quality: the first with a gate, or the first declared, that has a good direction."""
    directed = (name for name in metric_names(summary) if measure(summary, name).better is not Better.NEUTRAL)
    return next(directed, None)
