"""What a comparison shows, in words, the same in reports and on screens. It decides nothing: gates do."""

from bedrock_eval.direction import Better
from bedrock_eval.results.baseline import rescored_sentence
from bedrock_eval.results.summary import BASELINE, RunComparison, Summary
from bedrock_eval.verdicts.comparison import PairedEstimate
from bedrock_eval.verdicts.gates import MIN_SAMPLE, GateResult, Verdict, verdict_word


def reading(comparison: RunComparison, summary: Summary) -> tuple[Verdict, str]:
    """What a comparison shows, with the sign and colour of a verdict; it is none of its own.

    A difference that a gate decides on has the gate's verdict. Of others a side is named better only where the interval
    leaves out 0 and Holm's p-value, over all comparisons of the run, agrees; where the interval alone does, it says
    perhaps.
    """
    decided = None if comparison.against != BASELINE else gate_on(summary, comparison.candidate, comparison.metric)
    if decided is not None:
        return decided.verdict, verdict_word(decided)
    verdict, word = shown(comparison.estimate, comparison.holm_p_value, summary.measures[comparison.metric].better)
    if comparison.against == BASELINE or word not in ("better", "worse", "perhaps better", "perhaps worse"):
        return verdict, word
    winner = comparison.candidate if word.endswith("better") else comparison.reference
    return verdict, f"{'perhaps ' if word.startswith('perhaps') else ''}{winner} better"


def gate_on(summary: Summary, candidate: str, metric: str) -> GateResult | None:
    """The gate on a candidate's fall behind the baseline, None when there is none."""
    gates = (gate for each in summary.candidates if each.name == candidate for gate in each.gates)
    return next((gate for gate in gates if gate.metric == metric and gate.max_drop is not None), None)


def shown(estimate: PairedEstimate, holm_p_value: float | None, better: Better) -> tuple[Verdict, str]:
    """What an estimate shows where no gate decides; higher or lower of a metric without a better direction."""
    if estimate.n < MIN_SAMPLE:
        return Verdict.INCONCLUSIVE, "too few pairs"
    low, high = estimate.low, estimate.high
    if low is None or high is None:
        return Verdict.INCONCLUSIVE, "unknown"
    if low <= 0 <= high:
        return Verdict.INCONCLUSIVE, "no difference shown"
    up = low > 0
    if better is Better.NEUTRAL:
        verdict, word = Verdict.INCONCLUSIVE, "higher" if up else "lower"
    else:
        verdict, word = (Verdict.BETTER, "better") if up else (Verdict.WORSE, "worse")
    if holm_p_value is None or holm_p_value >= 1 - estimate.confidence:
        return Verdict.INCONCLUSIVE, f"perhaps {word}"
    return verdict, word


def baseline_notes(summary: Summary) -> list[str]:
    """What must be known of the baseline before a comparison with it is believed."""
    found = summary.baseline
    if found is None or found.missing is not None:
        return []
    named = f"baseline {found.run_id}"
    told = [
        None if found.dataset is None else found.dataset.sentence(named),
        rescored_sentence(found.rescored, run=named),
        *(f"not compared: {reason}" for reason in found.incomparable.values()),
    ]
    return [sentence[:1].upper() + sentence[1:] for sentence in told if sentence is not None]
