"""What a comparison shows, in words, the same in reports and on screens. It decides nothing: gates do."""

from bedrock_eval.gates import MIN_SAMPLE, Verdict
from bedrock_eval.summary import BASELINE, RunComparison


def reading(comparison: RunComparison) -> tuple[Verdict, str]:
    """What a comparison shows, with the sign and colour of a verdict; it is none.

    A side is named better only where the interval leaves out 0 and Holm's p-value, over all comparisons of the run,
    agrees; where the interval alone does, it says perhaps.
    """
    estimate = comparison.estimate
    if estimate.n < MIN_SAMPLE:
        return Verdict.INCONCLUSIVE, "too few pairs"
    if estimate.low is not None and estimate.low > 0:
        verdict, word = Verdict.BETTER, _winner(comparison.candidate, comparison.against, "better")
    elif estimate.high is not None and estimate.high < 0:
        verdict, word = Verdict.WORSE, _winner(comparison.reference, comparison.against, "worse")
    else:
        return Verdict.INCONCLUSIVE, "no difference shown"
    if comparison.holm_p_value is None or comparison.holm_p_value >= 1 - estimate.confidence:
        return Verdict.INCONCLUSIVE, f"perhaps {word}"
    return verdict, word


def _winner(name: str, against: str, word: str) -> str:
    return word if against == BASELINE else f"{name} better"
