"""A pinned baseline, as the evaluator finds it in the bucket."""

import json
from dataclasses import replace

from bedrock_eval.evaluation.definition import Gate
from bedrock_eval.layout import BaselineLayout, RunLayout
from bedrock_eval.results.same_cases import case_hash
from bedrock_eval.results.summary import read_summary
from bedrock_eval.runs.state import RunStatus
from bedrock_eval_runs.custom.slices import run_slice
from bedrock_eval_runs.events import SliceEvent
from ops.results.run_tables import run_text
from tests.support.fakes import answer
from tests.support.runs.custom import BUCKET, DEFINITION, EXECUTION, LAYOUT, World

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
    assert summary["baseline"]["run_id"] == EARLIER.run_id
    assert summary["baseline"]["dataset"] == {"same": 3, "changed": 0, "added": 0, "removed": 0, "unknown": 0}
    assert reasons(world) == {"2 pairs, at least 10 are needed"}
    assert {each["against"] for each in summary["comparisons"]} == {"candidate", "baseline"}


def questions(*, reference: str = "to") -> list[dict[str, str]]:
    return [{"id": f"c{n}", "prompt": f"question {n}", "referenceResponse": f"{reference} {n}"} for n in range(30)]


def test_a_baseline_of_other_references_pairs_nothing_and_says_so(world: World) -> None:
    world.dataset(*questions())
    run(world, EARLIER)
    accept(world)
    world.dataset(*questions(reference="not"), {"id": "new", "prompt": "p"})
    world.deploy(PINNED)
    run(world)
    change = {"same": 0, "changed": 30, "added": 1, "removed": 0, "unknown": 0}
    assert world.json(LAYOUT.summary)["baseline"]["dataset"] == change
    assert reasons(world) == {
        "0 pairs, at least 10 are needed; the dataset has changed: 31 cases left out, 0 compared",
    }
    told = (
        f"The dataset has changed since baseline {EARLIER.run_id}: 30 cases with another prompt or reference, "
        f"1 case not in baseline {EARLIER.run_id}; compared: 0 cases that both asked"
    )
    assert told in run_text(read_summary(world.s3.text(BUCKET, LAYOUT.summary)))
    assert told in world.s3.text(BUCKET, LAYOUT.report)


def test_some_changed_cases_are_left_out_and_every_verdict_says_so(world: World) -> None:
    world.dataset(*questions())
    run(world, EARLIER)
    accept(world)
    world.dataset(*questions()[:25], *questions(reference="not")[25:])
    world.deploy(PINNED)
    run(world)
    gates = [gate for each in world.json(LAYOUT.summary)["candidates"] for gate in each["gates"]]
    assert {(gate["n"], gate["unpaired"]) for gate in gates} == {(25, 5)}
    assert all(reason.endswith("the dataset has changed: 5 cases left out, 25 compared") for reason in reasons(world))


def test_a_baseline_that_an_earlier_version_scored_is_scored_again(world: World) -> None:
    """Its records carry no version, and no hash of their case: older ones have neither."""
    metric = "unicode_factual_knowledge"
    pinned = replace(PINNED, metrics=(metric,), gates=(Gate(metric, max_drop=0.1),))
    world.models.script = lambda model, prompt: answer({"text": "$18"})
    world.dataset(*({**each, "referenceResponse": "18"} for each in questions()))
    world.deploy(replace(pinned, baseline=None, gates=()))
    run(world, EARLIER)
    accept(world)
    prefix = BaselineLayout(EARLIER.evaluation, EARLIER.run_id).prefix
    for key in [key for key in world.s3.keys(BUCKET) if key.startswith(prefix) and key.endswith(".jsonl")]:
        records = [json.loads(line) for line in world.s3.text(BUCKET, key).splitlines()]
        old = [{k: v for k, v in each.items() if k not in ("versions", "case_hash")} for each in records]
        body = "".join(json.dumps({**each, "scores": {metric: 0.0}}) + "\n" for each in old)
        world.s3.put_object(Bucket=BUCKET, Key=key, Body=body.encode())
    world.deploy(pinned)
    run(world)
    summary = world.json(LAYOUT.summary)
    assert summary["baseline"]["rescored"] == {metric: "1"}
    assert summary["measures"][metric]["version"] == "2"
    against = [each["estimate"] for each in summary["comparisons"] if each["against"] == "baseline"]
    assert {(each["n"], each["candidate_mean"], each["baseline_mean"]) for each in against} == {(30, 1.0, 1.0)}
    assert f"scored again by the metrics as they are now: {metric} (version 1 there)" in run_text(
        read_summary(world.s3.text(BUCKET, LAYOUT.summary))
    )


def test_a_record_carries_the_versions_of_its_scores_and_the_hash_of_its_case(world: World) -> None:
    run(world)
    record = next(each for each in world.records("small") if each["case_id"] == "a")
    assert record["versions"] == {"relevance_score": "1", "response_length": "1"}
    assert record["case_hash"] == case_hash("a", "alpha", ["to alpha"])


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
