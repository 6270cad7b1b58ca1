"""A judge rates the answers of a custom run: whose they are, what Bedrock is given, and what cannot be judged."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from bedrock_eval.evaluation.cases import prompt_id
from bedrock_eval.evaluation.definition import Definition
from bedrock_eval.jobs.progress import read_jobs
from bedrock_eval.layout import RunLayout
from bedrock_eval.results.outcomes import FailureReason, Outcome
from bedrock_eval.runs.state import RunFailureReason, RunStatus
from bedrock_eval_functions.evaluation_jobs import handler as entry
from bedrock_eval_runs.errors import RunFailed
from bedrock_eval_runs.parts import outcome_line
from tests.support.definitions import as_custom
from tests.support.fakes import FakeContext
from tests.support.runs.jobs import (
    BUCKET,
    DATA,
    DEFINITION,
    EXECUTION,
    INPUT,
    LAYOUT,
    PROMPTS,
    SLICE,
    World,
)

CUSTOM = as_custom(DEFINITION, evaluation="quality", metrics=("squad_f1",))
OLD, NEW = RunLayout("quality", "20261120T060000Z"), RunLayout("quality", "20261121T060000Z")
IDENTIFIER = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9._-]){0,255}")


@pytest.fixture(autouse=True)
def _served(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry, "services", lambda: world.services)
    world.deploy(answers_from="quality")


def call(event: object = SLICE) -> dict[str, object]:
    return entry.handler(event, FakeContext())


def failure(world: World) -> RunFailed:
    with pytest.raises(RunFailed) as caught:
        call()
    assert world.bedrock.created == []
    return caught.value


def outcome(prompt: str, candidate: str, **changes: Any) -> Outcome:
    plain = Outcome(prompt_id(prompt), candidate, prompt, "r", "all", response=f"{candidate} says {prompt}")
    return replace(plain, **changes)


def put(world: World, key: str, body: str) -> None:
    world.s3.put_object(Bucket=BUCKET, Key=key, Body=body.encode())


def answer(
    world: World, layout: RunLayout = OLD, *, definition: Definition = CUSTOM, published: bool = True, **first: Any
) -> None:
    """A finished run of the custom evaluation; `first` changes the first case of candidate small."""
    put(world, layout.definition, json.dumps(definition.to_json()))
    for candidate in ("small", "large"):
        outcomes = [outcome(prompt, candidate) for prompt in PROMPTS]
        if candidate == "small":
            outcomes[0] = replace(outcomes[0], **first)
        put(world, layout.part(candidate, 0), "".join(outcome_line(each) + "\n" for each in outcomes))
    if published:
        put(world, layout.published, "{}")


FAILED = {"response": None, "failure": FailureReason.THROTTLED, "detail": "ThrottlingException: too many"}


class TestWhatBedrockIsGiven:
    def test_each_job_gets_the_answers_of_its_candidate_and_no_model_is_asked(self, world: World) -> None:
        answer(world)
        call()
        for request, candidate in zip(world.bedrock.created, ("small", "large"), strict=True):
            (model,) = request["inferenceConfig"]["models"]
            source = model["precomputedInferenceSource"]["inferenceSourceIdentifier"]
            assert IDENTIFIER.fullmatch(source)
            assert source == f"quality.{OLD.run_id}.{candidate}"
            rows = world.bedrock.rows(request)
            assert [row["prompt"] for row in rows] == PROMPTS
            assert rows[0] == {
                "prompt": "prompt 0",
                "referenceResponse": "r",
                "category": "all",
                "modelResponses": [{"response": f"{candidate} says prompt 0", "modelIdentifier": source}],
            }

    def test_the_datasets_lie_where_bedrock_may_read_and_outside_the_jobs_output(self, world: World) -> None:
        answer(world)
        call()
        written = [key for key in world.s3.keys(BUCKET) if key.startswith("jobs/")]
        folder = f"jobs/judged/{LAYOUT.run_id}/"
        assert written == [f"{folder}answers/large.jsonl", f"{folder}answers/small.jsonl"]
        assert not any(key.endswith("_output.jsonl") for key in written)
        for request in world.bedrock.created:
            assert not any(key.startswith(f"{folder}{request['jobName']}/") for key in written)

    def test_what_is_unknown_of_a_case_is_left_out_of_its_line(self, world: World) -> None:
        lines = [json.dumps({"prompt": prompt}) for prompt in PROMPTS]
        world.s3.put_object(Bucket=DATA, Key="datasets/questions.jsonl", Body="\n".join(lines).encode())
        answer(world)
        for candidate in ("small", "large"):
            bare = [outcome(prompt, candidate, reference=None, category=None) for prompt in PROMPTS]
            put(world, OLD.part(candidate, 0), "".join(outcome_line(each) + "\n" for each in bare))
        call()
        assert set(world.bedrock.rows(world.bedrock.created[0])[0]) == {"prompt", "modelResponses"}


class TestWhoseAnswers:
    def test_those_of_the_newest_run_that_is_published(self, world: World) -> None:
        answer(world, replace(OLD, run_id="20261119T060000Z"))
        answer(world, OLD)
        answer(world, NEW, published=False)
        call()
        assert world.json(LAYOUT.definition)["job"]["answers_run"] == OLD.run_id
        jobs = read_jobs(world.s3.text(BUCKET, LAYOUT.jobs))
        assert jobs.answers == OLD

    def test_they_stay_the_same_when_a_newer_run_is_published_meanwhile(self, world: World) -> None:
        world.deploy(answers_from="quality", parallel=1)
        answer(world, OLD)
        call()
        answer(world, NEW, response="another answer")
        world.s3.delete_object(Bucket=BUCKET, Key=LAYOUT.jobs)
        world.bedrock.status = "Completed"
        call()
        call()
        sources = [
            request["inferenceConfig"]["models"][0]["precomputedInferenceSource"]["inferenceSourceIdentifier"]
            for request in world.bedrock.created
        ]
        assert sources == [f"quality.{OLD.run_id}.small", f"quality.{OLD.run_id}.large"]

    def test_an_execution_that_comes_second_takes_what_the_first_has_settled(self, world: World) -> None:
        answer(world, OLD)
        first = True

        def another_begins(key: str) -> None:
            nonlocal first
            if key == LAYOUT.definition and first:
                first = False
                call({**SLICE, "execution": EXECUTION.replace("one", "two")})
                answer(world, NEW)

        world.s3.before_put = another_begins
        assert call()["status"] == "skipped"
        assert world.json(LAYOUT.definition)["job"]["answers_run"] == OLD.run_id

    def test_a_repeated_look_writes_the_same_datasets(self, world: World) -> None:
        answer(world)
        call()
        before = {key: world.s3.text(BUCKET, key) for key in world.s3.keys(BUCKET) if "/answers/" in key}
        world.s3.delete_object(Bucket=BUCKET, Key=LAYOUT.answers("large"))
        world.s3.delete_object(Bucket=BUCKET, Key=LAYOUT.jobs)
        call()
        assert {key: world.s3.text(BUCKET, key) for key in before} == before
        assert len(world.bedrock.created) == 2


class TestTheResult:
    def test_summary_and_report_say_whose_answers_were_judged(self, world: World) -> None:
        answer(world)
        call()
        world.bedrock.complete(0.75)
        call()
        summary = world.json(LAYOUT.summary)
        assert summary["answers"] == {"evaluation": "quality", "run_id": OLD.run_id}
        assert f"answers of run {OLD.run_id} of quality" in world.s3.text(BUCKET, LAYOUT.report)
        for candidate, model in zip(
            summary["candidates"], ("amazon.nova-lite-v1:0", "us.amazon.nova-pro-v1:0"), strict=True
        ):
            assert (candidate["model_id"], candidate["cases"], candidate["failed"]) == (model, 12, 0)
            assert candidate["metrics"]["Builtin.Correctness"]["mean"] == 0.75

    def test_the_judged_cases_pair_with_those_of_the_custom_run(self, world: World) -> None:
        answer(world)
        call()
        world.bedrock.complete()
        call()
        lines = world.s3.text(BUCKET, LAYOUT.part("small", 0)).splitlines()
        assert {json.loads(line)["case_id"] for line in lines} == {prompt_id(prompt) for prompt in PROMPTS}
        assert json.loads(lines[0])["response"] == "small says prompt 0"

    def test_a_case_that_failed_in_the_run_is_not_judged_and_counts_in_the_coverage(self, world: World) -> None:
        answer(world, **FAILED)
        call()
        assert len(world.bedrock.rows(world.bedrock.created[0])) == 11
        world.bedrock.complete()
        call()
        small, large = world.json(LAYOUT.summary)["candidates"]
        assert (small["cases"], small["scored"], small["failures"]) == (12, 11, {"not_answered": 1})
        assert small["coverage"] == pytest.approx(11 / 12)
        assert large["coverage"] == 1.0
        report = world.s3.text(BUCKET, LAYOUT.report)
        assert (
            f"run {OLD.run_id} of quality has no answer to judge (throttled: ThrottlingException: too many)" in report
        )

    @pytest.mark.parametrize("response", ["", "  \n", None])
    def test_a_blank_answer_is_none(self, world: World, response: str | None) -> None:
        answer(world, response=response)
        call()
        world.bedrock.complete()
        call()
        assert world.json(LAYOUT.summary)["candidates"][0]["failures"] == {"not_answered": 1}

    def test_of_a_prompt_that_stands_twice_the_answered_one_is_judged(self, world: World) -> None:
        twice = [PROMPTS[0], *PROMPTS]
        lines = [json.dumps({"prompt": prompt, "referenceResponse": "r"}) for prompt in twice]
        world.s3.put_object(Bucket=DATA, Key="datasets/questions.jsonl", Body="\n".join(lines).encode())
        answer(world)
        for candidate in ("small", "large"):
            outcomes = [outcome(prompt, candidate) for prompt in PROMPTS]
            outcomes[0] = replace(outcomes[0], **FAILED)
            again = replace(outcome(PROMPTS[0], candidate), case_id=f"{prompt_id(PROMPTS[0])}#2")
            put(world, OLD.part(candidate, 0), "".join(outcome_line(each) + "\n" for each in [*outcomes, again]))
        call()
        world.bedrock.complete()
        call()
        records = [json.loads(line) for line in world.s3.text(BUCKET, LAYOUT.part("small", 0)).splitlines()]
        assert [record["case_id"] for record in records if "failure" in record] == [prompt_id(PROMPTS[0])]
        assert f"{prompt_id(PROMPTS[0])}#2" in {record["case_id"] for record in records if "failure" not in record}


class TestWhatCannotBeJudged:
    def test_there_is_no_published_run_yet(self, world: World) -> None:
        answer(world, published=False)
        failed = failure(world)
        assert failed.reason is RunFailureReason.ANSWERS_MISSING
        assert failed.sentence == "no run of quality is published; needed: one, whose answers are judged"
        answer(world)
        assert call()["status"] == "waiting"

    def test_the_dataset_has_changed_since(self, world: World) -> None:
        answer(world, reference="another reference")
        failed = failure(world)
        assert failed.reason is RunFailureReason.DATASET_CHANGED
        assert "run 20261120T060000Z of quality asked 1 case otherwise" in failed.sentence

    def test_a_case_is_new_in_the_dataset(self, world: World) -> None:
        answer(world)
        body = world.s3.text(DATA, "datasets/questions.jsonl") + '\n{"prompt": "one more"}'
        world.s3.put_object(Bucket=DATA, Key="datasets/questions.jsonl", Body=body.encode())
        assert failure(world).reason is RunFailureReason.DATASET_CHANGED

    def test_there_are_more_cases_than_a_job_takes(self, world: World) -> None:
        answer(world)
        lines = [json.dumps({"prompt": f"prompt {number}"}) for number in range(1_001)]
        world.s3.put_object(Bucket=DATA, Key="datasets/questions.jsonl", Body="\n".join(lines).encode())
        failed = failure(world)
        assert failed.reason is RunFailureReason.DATASET_INVALID
        assert failed.sentence == "s3://datasets/datasets/questions.jsonl: holds 1,001 prompts; allowed: 1,000"

    def test_a_prompt_is_larger_than_a_job_takes(self, world: World) -> None:
        answer(world)
        line = json.dumps({"prompt": "x" * 4_097})
        world.s3.put_object(Bucket=DATA, Key="datasets/questions.jsonl", Body=line.encode())
        assert "prompt 1 has 4,097 bytes; allowed: 4,096" in failure(world).sentence

    def test_every_case_failed(self, world: World) -> None:
        answer(world)
        outcomes = [replace(outcome(prompt, "large"), **FAILED) for prompt in PROMPTS]
        put(world, OLD.part("large", 0), "".join(outcome_line(each) + "\n" for each in outcomes))
        failed = failure(world)
        assert failed.reason is RunFailureReason.ANSWERS_MISSING
        assert failed.sentence == f"run {OLD.run_id} of quality has no answer of large: every case failed"
        assert not any("/answers/" in key for key in world.s3.keys(BUCKET))

    @pytest.mark.parametrize(
        ("source", "told"),
        [
            (
                replace(CUSTOM, candidates=CUSTOM.candidates[:1]),
                "'large' is not a candidate of quality; allowed: small",
            ),
            (replace(CUSTOM, dataset=replace(CUSTOM.dataset, key="x.jsonl")), "whose prompts quality answers"),
            (replace(DEFINITION, evaluation="quality"), "quality is of kind judge"),
        ],
    )
    def test_the_run_was_of_another_kind_dataset_or_candidate(
        self, world: World, source: Definition, told: str
    ) -> None:
        answer(world, definition=source)
        failed = failure(world)
        assert failed.reason is RunFailureReason.ANSWERS_MISSING
        assert told in failed.sentence

    def test_the_results_expire_before_the_jobs_end(self, world: World) -> None:
        answer(world)
        call()
        world.bedrock.complete()
        for candidate in ("small", "large"):
            world.s3.delete_object(Bucket=BUCKET, Key=OLD.part(candidate, 0))
        with pytest.raises(RunFailed, match="it has no results of it, or they have expired"):
            call()

    def test_the_run_itself_expires_before_the_first_job_starts(self, world: World) -> None:
        answer(world)
        world.bedrock.refusals = ["ThrottlingException"] * 2
        call()
        for key in [key for key in world.s3.keys(BUCKET) if key.startswith(OLD.prefix) or "/answers/" in key]:
            world.s3.delete_object(Bucket=BUCKET, Key=key)
        assert failure(world).sentence == f"run {OLD.run_id} of quality has expired"

    def test_the_reason_is_recorded_and_rings(self, world: World) -> None:
        error = {
            "Error": "RunFailed",
            "Cause": json.dumps({"errorType": "RunFailed", "errorMessage": str(failure(world))}),
        }
        call({"action": "fail", "input": INPUT, "execution": EXECUTION, "error": error})
        state = world.json(LAYOUT.state)
        assert (state["status"], state["reason"]) == (RunStatus.FAILED.value, "answers_missing")
        assert [datum["MetricName"] for datum in world.cloudwatch.data] == ["run_failed"]


class TestAnswersMadeElsewhere:
    """They stand in the dataset itself: `answers_of` names whose they are."""

    ELSEWHERE = replace(DEFINITION, candidates=(replace(DEFINITION.candidates[0], answers_of="another-tool"),))

    def lay(self, world: World, *identifiers: str) -> None:
        world.deploy(self.ELSEWHERE)
        listed = [{"response": "Yes.", "modelIdentifier": each} for each in identifiers]
        lines = [json.dumps({"prompt": prompt, "modelResponses": listed}) for prompt in PROMPTS]
        world.s3.put_object(Bucket=DATA, Key="datasets/questions.jsonl", Body="\n".join(lines).encode())

    def test_they_are_judged_where_they_lie_and_counted_once(self, world: World) -> None:
        self.lay(world, "another-tool")
        call()
        (request,) = world.bedrock.created
        assert world.bedrock.rows(request)[0]["modelResponses"][0]["modelIdentifier"] == "another-tool"
        world.bedrock.complete(0.5)
        call()
        (candidate,) = world.json(LAYOUT.summary)["candidates"]
        assert (candidate["cases"], candidate["failed"]) == (12, 0)
        assert candidate["metrics"]["Builtin.Correctness"]["n"] == 12
        assert "answers" not in world.json(LAYOUT.summary)

    @pytest.mark.parametrize("identifiers", [(), ("someone-else",), ("another-tool", "another-tool")])
    def test_a_line_without_exactly_one_of_the_source_is_refused(
        self, world: World, identifiers: tuple[str, ...]
    ) -> None:
        self.lay(world, *identifiers)
        failed = failure(world)
        assert failed.reason is RunFailureReason.DATASET_INVALID
        assert "needed: one of another-tool" in failed.sentence
