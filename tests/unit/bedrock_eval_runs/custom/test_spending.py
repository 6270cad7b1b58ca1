"""What a run may cost: refused before the first call, or stopped with what is done kept."""

import json
import logging
from dataclasses import replace
from typing import Any

import pytest

from bedrock_eval.evaluation.definition import Gate
from bedrock_eval.layout import RunLayout
from bedrock_eval.pricing.costs import Rates
from bedrock_eval.results.summary import read_summary
from bedrock_eval.runs.state import RunFailureReason, read_state
from bedrock_eval_runs.custom.slices import run_slice
from bedrock_eval_runs.errors import RunFailed
from bedrock_eval_runs.events import parse_event
from bedrock_eval_runs.failures import fail_run
from bedrock_eval_runs.slice_results import SliceStatus
from tests.support.fakes import answer
from tests.support.runs.custom import BUCKET, DEFINITION, EXECUTION, INPUT, LAYOUT, SLICE, World

# Of the fakes an answer has 3 input and 5 output tokens: 0.053 dollars.
RATES = Rates(input=1000.0, output=10_000.0)
PRICED = tuple(replace(candidate, rates=RATES) for candidate in DEFINITION.candidates)


def slice_of(world: World, *, event: Any = SLICE) -> Any:
    return run_slice(world.services, parse_event(event), remaining_seconds=900)


def failing(world: World) -> RunFailed:
    with pytest.raises(RunFailed) as caught:
        slice_of(world)
    return caught.value


def state(world: World) -> Any:
    return read_state(world.s3.text(BUCKET, LAYOUT.state))


class TestBeforeTheFirstCall:
    def test_over_the_limit_nothing_is_asked(self, world: World) -> None:
        world.deploy(candidates=PRICED, max_cost=0.5)
        failed = failing(world)
        assert failed.reason is RunFailureReason.ESTIMATE_OVER_LIMIT
        # small: 14 bytes of prompts and 3 answers of 500 tokens; large: its frame too, and 3 of 64.
        assert failed.sentence == (
            "estimated $16.94 for 6 calls (small $15.00, large $1.93); allowed by max_cost: $0.50; nothing was asked"
        )
        assert world.models.requests == []

    def test_the_failed_run_is_recorded_with_its_estimate(self, world: World) -> None:
        world.deploy(candidates=PRICED, max_cost=0.5)
        failed = failing(world)
        cause = json.dumps({"errorType": "RunFailed", "errorMessage": str(failed)})
        event = {
            "action": "fail",
            "input": INPUT,
            "execution": EXECUTION,
            "error": {"Error": "RunFailed", "Cause": cause},
        }
        fail_run(world.services, parse_event(event))
        found = state(world)
        assert (found.status, found.reason) == ("failed", "estimate_over_limit")
        assert found.estimate.calls == 6
        assert found.estimate.cost.usd == pytest.approx(16.94, abs=0.01)
        assert [value for _, value in world.cloudwatch.values("run_failed")] == [1.0]

    def test_it_meets_its_limit_again_when_it_is_started_again(self, world: World) -> None:
        world.deploy(candidates=PRICED, max_cost=0.5)
        failing(world)
        assert failing(world).reason is RunFailureReason.ESTIMATE_OVER_LIMIT
        assert world.models.requests == []

    def test_a_limit_needs_rates(self, world: World) -> None:
        world.deploy(candidates=(PRICED[0], DEFINITION.candidates[1]), max_cost=100)
        failed = failing(world)
        assert failed.reason is RunFailureReason.UNPRICED
        assert "the models of large have no rates" in failed.sentence
        assert world.models.requests == []

    def test_unless_unpriced_ones_are_allowed(self, world: World) -> None:
        world.deploy(candidates=(PRICED[0], DEFINITION.candidates[1]), max_cost=100, allow_unpriced=True)
        assert slice_of(world).status is SliceStatus.FINISHED
        assert state(world).estimate.cost.unpriced_tokens > 0

    def test_without_a_limit_a_run_is_estimated_and_goes_on(
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "bedrock_eval_runs")
        assert slice_of(world).status is SliceStatus.FINISHED
        assert state(world).estimate.calls == 6
        (record,) = (record for record in caplog.records if record.message == "run estimated")
        assert record.__dict__["estimate"].startswith("unknown (about 1,7")
        assert "no rates for" in record.__dict__["estimate"]

    def test_whoever_watches_sees_the_estimate_before_the_first_call(self, world: World) -> None:
        seen: list[tuple[int, int]] = []
        services = replace(
            world.services,
            progress=lambda state: seen.append(
                (state.estimate.calls if state.estimate else 0, len(world.models.requests))
            ),
        )
        run_slice(services, parse_event(SLICE), remaining_seconds=900)
        assert seen[0] == (6, 0)

    def test_answers_are_taken_to_be_as_long_as_in_the_last_run(self, world: World) -> None:
        slice_of(world)
        later = {**SLICE, "input": {**INPUT, "scheduledTime": "2026-11-24T06:00:00Z"}}
        slice_of(world, event=later)
        text = world.s3.text(BUCKET, RunLayout("support", "20261124T060000Z").state)
        estimates = read_state(text).estimate.candidates
        assert {name: each.answer_length.value for name, each in estimates.items()} == {
            "small": "last_run",
            "large": "last_run",
        }
        assert estimates["small"].output_tokens == 15

    def test_what_the_gates_would_take_is_said_by_the_last_run(
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "bedrock_eval_runs")
        world.deploy(gates=(Gate("response_length", max=100),))
        slice_of(world)
        assert {each.unknown for each in state(world).plan} == {"no earlier run"}
        world.models.script = lambda model, prompt: answer({"text": prompt * 9})
        slice_of(world, event={**SLICE, "input": {**INPUT, "scheduledTime": "2026-11-24T06:00:00Z"}})
        slice_of(world, event={**SLICE, "input": {**INPUT, "scheduledTime": "2026-11-25T06:00:00Z"}})
        planned = read_state(world.s3.text(BUCKET, RunLayout("support", "20261125T060000Z").state)).plan
        assert [(each.candidate, each.cases, each.unknown) for each in planned] == [
            ("small", 3, None),
            ("large", 3, None),
        ]
        record = [record for record in caplog.records if record.message == "run estimated"][-1]
        assert record.__dict__["gates"] == [str(each) for each in planned]


class TestWhileItRuns:
    def test_measured_cost_over_the_limit_stops_the_run_and_keeps_what_is_done(self, world: World) -> None:
        # The estimate reads 64 tokens an answer; each of them has 5,000.
        candidates = tuple(
            replace(each, rates=Rates(input=0, output=100.0), parameters=DEFINITION.candidates[1].parameters)
            for each in DEFINITION.candidates
        )
        world.deploy(candidates=candidates, max_cost=3.0, concurrency=1)
        world.dataset(*({"prompt": f"question {number}", "referenceResponse": "ok"} for number in range(50)))
        long = {**answer({"text": "ok"}), "usage": {"inputTokens": 3, "outputTokens": 5000}}
        world.models.script = lambda model, prompt: long
        failed = failing(world)
        assert failed.reason is RunFailureReason.COST_OVER_LIMIT
        assert "allowed by max_cost: $3.00; what was answered is kept" in failed.sentence
        kept = world.records("small") + world.records("large")
        assert len(kept) == len(world.models.requests)
        assert 7 <= len(kept) < 12
        assert state(world).cost.usd == pytest.approx(len(kept) * 0.5)
        # Started again it asks nothing.
        assert failing(world).reason is RunFailureReason.COST_OVER_LIMIT
        assert len(world.models.requests) == len(kept)

    def test_a_finished_run_says_what_it_cost(self, world: World) -> None:
        world.deploy(candidates=(PRICED[0], DEFINITION.candidates[1]))
        slice_of(world)
        small, large = read_summary(world.s3.text(BUCKET, LAYOUT.summary)).candidates
        assert small.cost.usd == pytest.approx(3 * 0.053)
        assert (large.cost.known, large.cost.unpriced_tokens) == (False, 24)
        assert str(state(world).cost) == "at least $0.16 (24 tokens unpriced)"
