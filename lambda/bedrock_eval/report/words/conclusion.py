"""A run in a few sentences: who passes and who wins. What a report and a reader begin with."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from bedrock_eval.report.words.reading import reading
from bedrock_eval.results.summary import BASELINE, CandidateSummary, RunComparison, Summary
from bedrock_eval.verdicts.gates import Verdict
from bedrock_eval.wording import count

_MOST_NAMES, _MOST_PAIRS = 3, 4


def conclusion(summary: Summary) -> str:
    """Who passes, who fails and where, then who is better than whom and where."""
    pairs = list(_comparisons(summary))
    left_out = len(pairs) - _MOST_PAIRS
    more = [f"{count(left_out, 'more pair')} below."] if left_out > 0 else []
    return " ".join([_gates(summary), *pairs[:_MOST_PAIRS], *more])


def winner(comparison: RunComparison, verdict: Verdict) -> str | None:
    """The candidate that a comparison of two shows as better; None when it shows none, or is with a baseline."""
    if comparison.against == BASELINE:
        return None
    return {Verdict.BETTER: comparison.candidate, Verdict.WORSE: comparison.reference}.get(verdict)


def _gates(summary: Summary) -> str:
    if not any(candidate.gates for candidate in summary.candidates):
        return "No gate, so no candidate passes or fails."
    passing = [each.name for each in summary.candidates if each.gates and not _open(summary, each)]
    parts = [f"{_listed(passing)} {'passes' if len(passing) == 1 else 'pass'}"] if passing else []
    parts += [told for each in summary.candidates for told in _open(summary, each)]
    return f"{'; '.join(parts)}."


def _open(summary: Summary, candidate: CandidateSummary) -> list[str]:
    """Where a candidate does not pass."""
    words = {Verdict.WORSE: "fails", Verdict.INCONCLUSIVE: "is undecided"}
    found: defaultdict[str, list[str]] = defaultdict(list)
    for gate in sorted(candidate.gates, key=lambda gate: -gate.verdict.number):
        if gate.verdict in words:
            found[words[gate.verdict]].append(summary.measures[gate.metric].title)
    return [f"{candidate.name} {word} in {_listed(dict.fromkeys(titles))}" for word, titles in found.items()]


def _comparisons(summary: Summary) -> Iterator[str]:
    pairs: defaultdict[tuple[str, str, str], list[RunComparison]] = defaultdict(list)
    for each in summary.comparisons:
        pairs[each.candidate, each.reference, each.against].append(each)
    for (candidate, reference, against), found in pairs.items():
        shown: defaultdict[Verdict, list[str]] = defaultdict(list)
        for each in found:
            shown[reading(each, summary)[0]].append(summary.measures[each.metric].title)
        better, worse = shown[Verdict.BETTER], shown[Verdict.WORSE]
        if against == BASELINE:
            yield _against_baseline(candidate, better=better, worse=worse)
        else:
            yield _against_another(candidate, reference, better=better, worse=worse, of=len(found))


def _against_baseline(candidate: str, *, better: Sequence[str], worse: Sequence[str]) -> str:
    parts = [f"{word} in {_listed(titles)}" for word, titles in (("better", better), ("worse", worse)) if titles]
    if not parts:
        return f"{candidate}: no difference from its baseline."
    return f"Compared with its baseline, {candidate} is {' and '.join(parts)}."


def _against_another(candidate: str, reference: str, *, better: Sequence[str], worse: Sequence[str], of: int) -> str:
    if not better and not worse:
        return f"No difference shown between {candidate} and {reference}."
    if better and worse:
        return f"{candidate} is better than {reference} in {_listed(better)}, {reference} in {_listed(worse)}."
    first, second, won = (candidate, reference, better) if better else (reference, candidate, worse)
    return f"{first} is better than {second} in {len(won)} of {count(of, 'metric')}: {_listed(won)}."


def _listed(names: Sequence[str] | dict[str, None]) -> str:
    """`a`, `a and b`, `a, b, c and 2 more`."""
    shown = list(names)
    if len(shown) > _MOST_NAMES:
        return f"{', '.join(shown[:_MOST_NAMES])} and {len(shown) - _MOST_NAMES} more"
    *first, last = shown
    return f"{', '.join(first)} and {last}" if first else last
