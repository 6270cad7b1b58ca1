"""The first line of a report: who passes and who wins."""

from dataclasses import replace
from html import unescape

import pytest

from bedrock_eval.report import render
from bedrock_eval.report.words.conclusion import conclusion
from bedrock_eval.results.summary import Summary
from bedrock_eval.verdicts.gates import Verdict

from .test_report import BASELINE_RUN, DEFINITION, Gate, summary


def judged(*verdicts: tuple[Verdict, Verdict]) -> Summary:
    """The gates of the two candidates, in the order of the definition, with these verdicts."""
    whole = summary()
    candidates = tuple(
        replace(
            each,
            gates=tuple(replace(gate, verdict=pair[at]) for gate, pair in zip(each.gates, verdicts, strict=False)),
        )
        for at, each in enumerate(whole.candidates)
    )
    return replace(whole, candidates=candidates, comparisons=())


PASSED, OPEN, FAILED = Verdict.NOT_WORSE, Verdict.INCONCLUSIVE, Verdict.WORSE


@pytest.mark.parametrize(
    ("verdicts", "told"),
    [
        ([(PASSED, PASSED)], "good and bad pass."),
        ([(PASSED, FAILED)], "good passes; bad fails in F1 over words."),
        ([(Verdict.BETTER, OPEN)], "good passes; bad is undecided in F1 over words."),
        ([(FAILED, FAILED)], "good fails in F1 over words; bad fails in F1 over words."),
        ([], "No gate, so no candidate passes or fails."),
    ],
)
def test_who_passes(verdicts: list[tuple[Verdict, Verdict]], told: str) -> None:
    assert conclusion(judged(*verdicts)) == told


def test_who_wins_is_named_whichever_side_was_taken_as_the_first() -> None:
    for candidates in (DEFINITION.candidates, tuple(reversed(DEFINITION.candidates))):
        told = conclusion(summary(replace(DEFINITION, candidates=candidates)))
        assert "good is better than bad in " in told
        assert "bad is better" not in told


def test_where_each_is_better_in_something_both_are_named() -> None:
    whole = summary()
    first, second = whole.comparisons[:2]
    other = replace(
        second,
        estimate=replace(second.estimate, n=40, mean=0.2, low=0.1, high=0.3),
        holm_p_value=0.001,
    )
    told = conclusion(replace(whole, comparisons=(first, other)))
    assert "bad is better than good in " in told
    assert ", good in F1 over words." in told
    none = replace(first, estimate=replace(first.estimate, low=-0.1, high=0.1))
    assert "No difference shown between bad and good." in conclusion(replace(whole, comparisons=(none,)))


def test_a_fall_behind_the_baseline_is_told_of_the_candidate() -> None:
    definition = replace(DEFINITION, baseline="20261101T060000Z", gates=(Gate("f1_score", max_drop=0.02),))
    told = conclusion(summary(definition, baseline=BASELINE_RUN))
    assert told.startswith("good passes; bad fails in F1 over words.")
    assert "Compared with its baseline, bad is worse in F1 over words." in told


def test_it_stands_first_in_the_report() -> None:
    whole = summary()
    page = unescape(render(whole))
    lead = page.index(conclusion(whole))
    assert page.index("</h1>") < lead < page.index('class="tally"')
