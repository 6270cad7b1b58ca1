"""What a run may cost: its estimate before the first call, and the sum of what it has cost while it runs."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import islice

from bedrock_eval.codec import DecodeError
from bedrock_eval.evaluation.definition import CustomDefinition
from bedrock_eval.layout import RunLayout, evaluation_prefix
from bedrock_eval.pricing.costs import Cost, cost, dollars, total
from bedrock_eval.pricing.usage import Usage
from bedrock_eval.results.summary import Summary, read_summary
from bedrock_eval.runs.estimates import Estimate
from bedrock_eval.runs.state import Progress, RunFailureReason, RunState
from bedrock_eval_runs.errors import RunFailed
from bedrock_eval_runs.parts import PartWriter
from bedrock_eval_runs.store import Store

_LOOK_BACK = 500
"""Runs: while one works, every later one leaves a folder without a summary."""


def check_estimate(definition: CustomDefinition, estimate: Estimate) -> None:
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


class Spending:
    """What a run has spent so far, by its records and by the calls that have left none.

    Args:
        state: as the slice found it.
        taken: by candidate, how many calls Bedrock has taken in this slice and how many are under way.
    """

    def __init__(
        self,
        definition: CustomDefinition,
        state: RunState,
        writers: Mapping[str, PartWriter],
        taken: Callable[[str], tuple[int, int]],
    ) -> None:
        self._definition = definition
        self._writers = writers
        self._taken = taken
        self._per_call = {} if state.estimate is None else state.estimate.input_tokens_per_call
        # What stands in the records when the slice begins, or more: calls of a slice that died are in run.json alone.
        self._before = {
            name: max(writer.tally.calls, state.candidates.get(name, Progress()).calls)
            for name, writer in writers.items()
        }

    def calls(self, name: str) -> int:
        """All calls of a candidate, with those under way."""
        return self._before[name] + sum(self._taken(name))

    @property
    def lost_calls(self) -> dict[str, int]:
        """By candidate, the calls that Bedrock took and that stand in no record."""
        return {
            name: max(0, self._before[name] + self._taken(name)[0] - writer.tally.calls)
            for name, writer in self._writers.items()
        }

    @property
    def cost(self) -> Cost:
        """As far as it is known."""
        lost = self.lost_calls
        return total(
            replace(
                cost(self._writers[candidate.name].tally.usage, candidate.rates),
                unknown_calls=self._writers[candidate.name].tally.unknown_calls + lost[candidate.name],
            )
            for candidate in self._definition.candidates
        )

    def check(self) -> None:
        """Let the run go on, or stop it: a call of unknown usage counts as its estimate and the longest answer.

        Raises:
            RunFailed: what has been spent is over the limit.
        """
        limit = self._definition.max_cost
        if limit is None:
            return
        known, assumed = self.cost, self._assumed()
        if known.usd + assumed > limit:
            counted = f", counted as {dollars(known.usd + assumed)}" if assumed else ""
            raise RunFailed(
                RunFailureReason.COST_OVER_LIMIT,
                f"{known} were spent{counted}; allowed by max_cost: {dollars(limit)}; what was answered is kept",
            )

    def _assumed(self) -> float:
        """US dollars of the calls whose tokens nobody has told, at most."""
        lost = self.lost_calls
        return sum(
            cost(
                Usage(input_tokens=math.ceil(self._per_call.get(each.name, 0)), output_tokens=each.max_tokens),
                each.rates,
            ).usd
            * (self._writers[each.name].tally.unknown_calls + lost[each.name])
            for each in self._definition.candidates
        )


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
            continue
    return None
