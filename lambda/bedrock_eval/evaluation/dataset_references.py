"""Whether the cases have the right answers that the metrics of an evaluation compare with."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from bedrock_eval.evaluation.cases import Case
from bedrock_eval.evaluation.dataset_keys import REFERENCE, shown, standing_for
from bedrock_eval.scores import METRICS
from bedrock_eval.wording import count


@dataclass(frozen=True)
class Gaps:
    """The cases of a dataset without a reference answer.

    Attributes:
        cases: of the whole dataset.
        without: of them, those that have none; an empty or blank one is none.
        first: the line of the first of these.
        instead: keys of these lines that may hold the answer, and in how many of them.
    """

    cases: int = 0
    without: int = 0
    first: int | None = None
    instead: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    def with_case(self, case: Case) -> "Gaps":
        if case.references:
            return Gaps(self.cases + 1, self.without, self.first, self.instead)
        near = {key: self.instead.get(key, 0) + 1 for key in standing_for(REFERENCE, case.extra)}
        first = case.line if self.first is None else self.first
        return Gaps(self.cases + 1, self.without + 1, first, {**self.instead, **near} if near else self.instead)


def gaps_of(cases: Iterable[Case]) -> Gaps:
    """The gaps of a whole dataset."""
    found = Gaps()
    for case in cases:
        found = found.with_case(case)
    return found


@dataclass(frozen=True)
class Gap:
    """What to say of metrics and a dataset that lacks references.

    Attributes:
        refused: no case has one, so that the metrics could say nothing; else it is a warning.
        metrics: those that need one.
    """

    refused: bool
    metrics: tuple[str, ...]
    message: str


def gap(gaps: Gaps, *, metrics: Iterable[str], source: str) -> Gap | None:
    """What to say before anything is asked; None where every metric has what it needs."""
    needing = tuple(name for name in metrics if name in METRICS and METRICS[name].needs_reference)
    if not needing or not gaps.without:
        return None
    names = ", ".join(needing)
    if gaps.without == gaps.cases:
        free = ", ".join(name for name, each in METRICS.items() if not each.needs_reference and not each.required)
        need = "needs one" if len(needing) == 1 else "need one"
        told = f"no case of {source} has a referenceResponse, and {names} {need}{_renaming(gaps)}"
        return Gap(True, needing, f"{told}; metrics that need none: {free}")
    lack = "has" if gaps.without == 1 else "have"
    where = "" if gaps.first is None else f" ({'line' if gaps.without == 1 else 'first line'} {gaps.first})"
    told = f"{gaps.without:,} of {count(gaps.cases, 'case')} of {source} {lack} no referenceResponse{where}"
    return Gap(
        False,
        needing,
        f"{told}; {names} will not count {'it' if gaps.without == 1 else 'them'}{_renaming(gaps)}",
    )


def _renaming(gaps: Gaps) -> str:
    if not gaps.instead:
        return ""
    often = sorted(gaps.instead, key=lambda key: -gaps.instead[key])[:3]
    lines = count(max(gaps.instead.values()), "line")
    return f"; if {shown(often)} (in {lines}) holds it: rename the key to referenceResponse"
