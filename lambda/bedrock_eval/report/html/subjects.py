"""What several sections ask of a summary."""

from collections import defaultdict
from dataclasses import dataclass

from bedrock_eval.direction import Better
from bedrock_eval.report.html.markup import Child, Markup, tag
from bedrock_eval.results.summary import BASELINE, RunComparison, Summary
from bedrock_eval.scores.measures import Measure

_COLOURS = 6


@dataclass(frozen=True)
class Pairing:
    """One candidate against another, or against itself in the baseline run, by every metric."""

    candidate: str
    reference: str
    against: str
    comparisons: tuple[RunComparison, ...] = ()

    @property
    def told(self) -> str:
        """The other side in words."""
        return "its baseline" if self.against == BASELINE else self.reference


def chip(summary: Summary, name: str) -> Markup:
    """A candidate's name behind its colour, which is the same all over the page."""
    return tag("span", tag("i", class_="dot", aria_hidden="true"), name, class_=f"chip {colour(summary, name)}")


def colour(summary: Summary, name: str) -> str:
    """The class that sets a candidate's colour."""
    names = [candidate.name for candidate in summary.candidates]
    return f"c{names.index(name) % _COLOURS}" if name in names else "other"


def side(summary: Summary, pairing: Pairing) -> Child:
    """The other side of a pair, for a title."""
    if pairing.against != BASELINE:
        return chip(summary, pairing.reference)
    run = "" if summary.baseline is None else f", run {summary.baseline.run_id}"
    return f"its baseline{run}"


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


def pairings(summary: Summary) -> list[Pairing]:
    """The run's comparisons by pair, those with the baseline first; metrics in the order of the page."""
    order = {name: place for place, name in enumerate(metric_names(summary))}
    groups: defaultdict[tuple[str, str, str], list[RunComparison]] = defaultdict(list)
    for each in sorted(summary.comparisons, key=lambda each: (each.against != BASELINE, order[each.metric])):
        groups[each.candidate, each.reference, each.against].append(each)
    return [Pairing(*names, tuple(found)) for names, found in groups.items()]
