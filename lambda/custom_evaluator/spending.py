"""What a run may cost: its estimate before the first call, and the sum of what it has cost while it runs."""

from collections.abc import Mapping
from itertools import islice

from bedrock_eval.codec import DecodeError
from bedrock_eval.costs import Cost, cost, dollars, total
from bedrock_eval.definition import Definition
from bedrock_eval.estimates import Estimate
from bedrock_eval.layout import RunLayout, evaluation_prefix
from bedrock_eval.outcomes import Usage
from bedrock_eval.runs import RunFailureReason
from bedrock_eval.summary import Summary, read_summary
from custom_evaluator.errors import RunFailed
from custom_evaluator.store import Store

_LOOK_BACK = 20


def check_estimate(definition: Definition, estimate: Estimate) -> None:
    """Let the run begin, or stop it before it has asked anything.

    Raises:
        RunFailed: over the limit, or with a limit and a model without rates.
    """
    if definition.max_cost is None:
        return
    unpriced = [candidate.name for candidate in definition.candidates if candidate.rates is None]
    if unpriced and not definition.allow_unpriced:
        raise RunFailed(
            RunFailureReason.UNPRICED,
            f"max_cost is {dollars(definition.max_cost)}, and the models of {', '.join(unpriced)} have no rates; "
            "needed: rates in the environment file, or allow_unpriced: true",
        )
    if estimate.cost.usd > definition.max_cost:
        raise RunFailed(
            RunFailureReason.ESTIMATE_OVER_LIMIT,
            f"estimated {estimate}; allowed by max_cost: {dollars(definition.max_cost)}; nothing was asked",
        )


def check_spent(definition: Definition, spent: Cost) -> None:
    """Let the run go on, or stop it.

    Raises:
        RunFailed: what has been measured is over the limit.
    """
    if definition.max_cost is not None and spent.usd > definition.max_cost:
        raise RunFailed(
            RunFailureReason.COST_OVER_LIMIT,
            f"{spent} were spent; allowed by max_cost: {dollars(definition.max_cost)}; what was answered is kept",
        )


def spent(definition: Definition, usage: Mapping[str, Usage]) -> Cost:
    """The cost of the tokens used so far, given by candidate."""
    return total(cost(usage[candidate.name], candidate.rates) for candidate in definition.candidates)


def last_summary(store: Store, layout: RunLayout) -> Summary | None:
    """The summary of the newest finished run of the evaluation before this one; None when there is none."""
    runs = sorted(store.folders(evaluation_prefix(layout.evaluation)), reverse=True)
    for run_id in islice((run for run in runs if run < layout.run_id), _LOOK_BACK):
        stored = store.read(RunLayout(layout.evaluation, run_id).summary)
        if stored is None:
            continue
        try:
            return read_summary(stored.body)
        except DecodeError:
            return None
    return None
