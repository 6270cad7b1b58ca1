"""A pinned baseline, as the evaluator finds it in the bucket."""

from dataclasses import replace

from bedrock_eval.definition import Gate
from bedrock_eval.layout import BaselineLayout, RunLayout
from bedrock_eval.runs import RunStatus
from custom_evaluator.events import SliceEvent
from custom_evaluator.slices import run_slice
from tests.unit.custom_evaluator.conftest import BUCKET, DEFINITION, EXECUTION, LAYOUT, World

EARLIER = RunLayout("support", "20261116T060000Z")
PINNED = replace(DEFINITION, gates=(Gate("relevance_score", max_drop=0.1),), baseline=EARLIER.run_id)


def run(world: World, layout: RunLayout = LAYOUT) -> None:
    result = run_slice(world.services, SliceEvent(layout, EXECUTION), remaining_seconds=900)
    assert result.status == RunStatus.FINISHED.value


def accept(world: World) -> None:
    """As accepting a run does it: every object, under the prefix of baselines."""
    for key in list(world.s3.keys(BUCKET)):
        if key.startswith(EARLIER.prefix):
            copy = BaselineLayout(EARLIER.evaluation, EARLIER.run_id).prefix + key.removeprefix(EARLIER.prefix)
            world.s3.put_object(Bucket=BUCKET, Key=copy, Body=world.s3.text(BUCKET, key).encode())


def reasons(world: World) -> set[str]:
    summary = world.json(LAYOUT.summary)
    return {gate["reason"] for candidate in summary["candidates"] for gate in candidate["gates"]}


def test_a_run_is_held_against_the_accepted_one(world: World) -> None:
    run(world, EARLIER)
    accept(world)
    world.deploy(PINNED)
    run(world)
    summary = world.json(LAYOUT.summary)
    assert summary["baseline"] == {"run_id": EARLIER.run_id}
    assert reasons(world) == {"2 pairs, at least 10 are needed"}
    assert {each["against"] for each in summary["comparisons"]} == {"candidate", "baseline"}


def test_a_baseline_that_is_not_there_is_said_and_rings_nothing(world: World) -> None:
    world.deploy(PINNED)
    run(world)
    assert reasons(world) == {f"baseline {EARLIER.run_id} is not in the bucket: accept the run again"}
    assert {gate["verdict"] for each in world.json(LAYOUT.summary)["candidates"] for gate in each["gates"]} == {
        "inconclusive"
    }


def test_without_a_pinned_one_it_says_so(world: World) -> None:
    world.deploy(replace(PINNED, baseline=None))
    run(world)
    assert reasons(world) == {"no baseline"}


def test_no_answer_stands_in_the_summary(world: World) -> None:
    run(world)
    text = world.s3.text(BUCKET, LAYOUT.summary)
    assert all(record["response"] not in text for record in world.records("small"))
