"""What becomes of a finished job's files: found by listing, read whole, published with coverage and direction."""

import json
import logging
from dataclasses import replace
from typing import Any

import pytest

from bedrock_eval.evaluation.definition import Dataset
from bedrock_eval.evaluation.job_settings import JobKind, JobSettings, Rating
from bedrock_eval.jobs.progress import read_jobs
from bedrock_eval.runs.state import RunFailureReason
from bedrock_eval.scores.job_measures import RatingMethod, Task
from bedrock_eval_functions.evaluation_jobs import handler as entry
from bedrock_eval_runs.errors import RunFailed
from tests.support.fakes import FakeContext
from tests.support.runs.jobs import (
    BUCKET,
    DEFINITION,
    EXECUTION,
    INPUT,
    LAYOUT,
    PROMPTS,
    SLICE,
    World,
    record,
)

ONE = replace(DEFINITION, candidates=DEFINITION.candidates[:1])
FLOW = "arn:aws:sagemaker:us-east-1:111111111111:flow-definition/x"
HUMAN = replace(
    DEFINITION,
    metrics=("Helpful",),
    job=JobSettings(
        JobKind.HUMAN,
        Task.QUESTION_AND_ANSWER,
        ratings=(Rating("Helpful", RatingMethod.THUMBS),),
        flow_definition_arn=FLOW,
    ),
)
SECRETS = ("worker-one", "worker-two", "11111111-2222-3333", "cognito-idp.us-east-1")


@pytest.fixture(autouse=True)
def _served(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry, "services", lambda: world.services)


def call(event: object = SLICE) -> dict[str, object]:
    return entry.handler(event, FakeContext())


def lay(world: World, *lines: dict[str, Any], folder: str | None = None, file: str = "1_output.jsonl") -> None:
    """Output of the one job, which has completed."""
    (job,) = read_jobs(world.s3.text(BUCKET, LAYOUT.jobs)).jobs
    key = f"{LAYOUT.job_output}{job.name}/{folder or job.identifier}/models/m/taskTypes/General/datasets/d/{file}"
    body = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    world.s3.put_object(Bucket=BUCKET, Key=key, Body=body.encode())
    world.bedrock.status = "Completed"


def judged(prompt: str, value: float, reason: str = "because") -> dict[str, Any]:
    line = record(prompt, "amazon.nova-lite-v1:0", {"Builtin.Correctness": value, "Builtin.Harmfulness": 0})
    line["automatedEvaluationResult"]["scores"][0]["evaluatorDetails"] = [{"explanation": reason}]
    return line


def summary(world: World) -> Any:
    assert call()["status"] == "finished"
    return world.json(LAYOUT.summary)


class TestTheListing:
    def test_results_are_found_whatever_bedrock_calls_the_folder(self, world: World) -> None:
        world.deploy(ONE)
        call()
        lay(world, *(judged(prompt, 1) for prompt in PROMPTS), folder="0a1b2c3d-uuid")
        assert summary(world)["candidates"][0]["scored"] == 12

    def test_of_several_folders_that_of_the_arn_counts(self, world: World) -> None:
        world.deploy(ONE)
        call()
        lay(world, *(judged(prompt, 0) for prompt in PROMPTS), folder="another-job-of-the-same-name")
        lay(world, *(judged(prompt, 1) for prompt in PROMPTS))
        assert summary(world)["candidates"][0]["metrics"]["Builtin.Correctness"]["mean"] == 1.0

    def test_results_in_several_files_are_taken_together(self, world: World) -> None:
        world.deploy(ONE)
        call()
        lay(world, *(judged(prompt, 1) for prompt in PROMPTS[:5]))
        lay(world, *(judged(prompt, 0) for prompt in PROMPTS[5:]), file="2_output.jsonl")
        found = summary(world)["candidates"][0]
        assert (found["scored"], found["metrics"]["Builtin.Correctness"]["mean"]) == (12, pytest.approx(5 / 12))

    def test_a_file_for_each_metric_is_taken_together_with_the_others(self, world: World) -> None:
        world.deploy(ONE)
        call()
        for name in ("Builtin.Correctness", "Builtin.Harmfulness"):
            lay(world, *(record(each, "m", {name: 0.5}) for each in PROMPTS), file=f"{name}_questions.jsonl")
        found = summary(world)["candidates"][0]
        assert (found["cases"], {each["n"] for each in found["metrics"].values()}) == (12, {12})

    def test_an_empty_file_of_results_says_that_nothing_was_answered(self, world: World) -> None:
        world.deploy(ONE)
        call()
        lay(world)
        with pytest.raises(RunFailed) as caught:
            call()
        assert caught.value.reason is RunFailureReason.NOTHING_ANSWERED
        assert "no case was answered; most often (12 of 12): no_response" in str(caught.value)
        assert not any(key.endswith("summary.json") for key in world.s3.keys(BUCKET))

    def test_other_files_alone_are_no_results(self, world: World) -> None:
        world.deploy(ONE)
        call()
        lay(world, {"prompt": "a line of the dataset"}, file="input-dataset.jsonl")
        assert call()["status"] == "waiting"
        world.clock.advance(600)
        with pytest.raises(RunFailed) as caught:
            call()
        assert caught.value.reason is RunFailureReason.JOB_OUTPUT_MISSING
        assert f"below {LAYOUT.job_output} in bucket {BUCKET}; found there: " in caught.value.sentence
        assert caught.value.sentence.endswith("datasets/d/input-dataset.jsonl")

    @pytest.mark.parametrize(
        "folder",
        [
            "/{name}/{id}/models/m/taskTypes/General/datasets/d/",
            "{name}-{id}/",
            "{id}/{name}/",
            "{id}/",
            "{name}/",
            "results/of/the/job/",
        ],
        ids=["double slash", "one folder", "turned round", "id alone", "name alone", "neither"],
    )
    def test_results_are_found_anywhere_below_the_run(self, world: World, folder: str) -> None:
        world.deploy(ONE)
        call()
        (job,) = read_jobs(world.s3.text(BUCKET, LAYOUT.jobs)).jobs
        key = f"{LAYOUT.job_output}{folder.format(name=job.name, id=job.identifier)}1_output.jsonl"
        body = "\n".join(json.dumps(judged(prompt, 1)) for prompt in PROMPTS)
        world.s3.put_object(Bucket=BUCKET, Key=key, Body=body.encode())
        world.bedrock.status = "Completed"
        assert summary(world)["candidates"][0]["coverage"] == 1

    @pytest.mark.parametrize("folder", ["/{name}/", "{name}-x/", "{id}/{name}/", "{id}/"])
    def test_each_of_two_jobs_gets_its_own(self, world: World, folder: str) -> None:
        call()
        for number, job in enumerate(read_jobs(world.s3.text(BUCKET, LAYOUT.jobs)).jobs):
            key = f"{LAYOUT.job_output}{folder.format(name=job.name, id=job.identifier)}1_output.jsonl"
            body = "\n".join(json.dumps(judged(prompt, number)) for prompt in PROMPTS)
            world.s3.put_object(Bucket=BUCKET, Key=key, Body=body.encode())
        world.bedrock.status = "Completed"
        means = [each["metrics"]["Builtin.Correctness"]["mean"] for each in summary(world)["candidates"]]
        assert means == [0, 1]

    @pytest.mark.parametrize("named", [0, 1])
    def test_what_names_no_job_is_that_of_the_only_one_without_results(self, world: World, named: int) -> None:
        call()
        found = read_jobs(world.s3.text(BUCKET, LAYOUT.jobs)).jobs
        world.bedrock.status = "Completed"
        for number, job in enumerate(found):
            folder = f"{job.name}/{job.identifier}" if number == named else "strange"
            body = "\n".join(json.dumps(judged(prompt, number)) for prompt in PROMPTS)
            world.s3.put_object(Bucket=BUCKET, Key=f"{LAYOUT.job_output}{folder}/1_output.jsonl", Body=body.encode())
            # Of another attempt under the same name: it is no other job's.
            other = f"{LAYOUT.job_output}{found[named].name}/another/1_output.jsonl"
            world.s3.put_object(Bucket=BUCKET, Key=other, Body=b"{}")
        means = [each["metrics"]["Builtin.Correctness"]["mean"] for each in summary(world)["candidates"]]
        assert means == [0, 1]

    def test_what_names_no_job_is_nobodys_while_two_have_nothing(self, world: World) -> None:
        call()
        world.bedrock.status = "Completed"
        body = "\n".join(json.dumps(judged(prompt, 1)) for prompt in PROMPTS)
        world.s3.put_object(Bucket=BUCKET, Key=f"{LAYOUT.job_output}strange/1_output.jsonl", Body=body.encode())
        assert call()["status"] == "waiting"

    def test_what_is_not_taken_is_in_jobs_json_with_its_place(self, world: World) -> None:
        world.deploy(ONE)
        call()
        lay(world, *(judged(prompt, 1) for prompt in PROMPTS), judged(PROMPTS[0], 0), {"neither": 1})
        assert summary(world)["candidates"][0]["cases"] == 12
        unread = read_jobs(world.s3.text(BUCKET, LAYOUT.jobs)).unread
        assert [each.partition("_output.jsonl:")[2] for each in unread] == [
            "13: holds a prompt more often than it was asked of small",
            "14: holds no automatedEvaluationResult, humanEvaluationResult or conversationTurns",
        ]


class TestTheDataset:
    def test_what_it_does_not_hold_is_in_jobs_json_with_its_place(self, world: World) -> None:
        world.deploy(ONE)
        call()
        lay(world, *(judged(f"{prompt}\n", 1) for prompt in PROMPTS), judged("another", 1))
        found = summary(world)["candidates"][0]
        assert (found["cases"], found["scored"]) == (13, 13)
        (place,) = read_jobs(world.s3.text(BUCKET, LAYOUT.jobs)).unasked
        assert place.endswith("_output.jsonl:13")

    def test_of_bedrocks_own_what_did_not_come_back_lowers_the_coverage(self, world: World) -> None:
        job = JobSettings(JobKind.AUTOMATIC, Task.QUESTION_AND_ANSWER)
        world.deploy(replace(ONE, dataset=Dataset("Builtin.BoolQ"), metrics=("Builtin.Accuracy",), job=job))
        call()
        scores = {"Accuracy": 1.0}
        lay(world, *(record(f"their prompt {n}", "amazon.nova-lite-v1:0", scores) for n in range(90)))
        found = summary(world)["candidates"][0]
        assert (found["cases"], found["coverage"], found["failures"]) == (100, 0.9, {"no_response": 10})


class TestAJudge:
    def test_the_report_says_why_the_worst_answers_are_bad(self, world: World) -> None:
        world.deploy(ONE)
        call()
        lay(
            world,
            *(judged(prompt, 0.25 if number == 3 else 1, f"reason {number}") for number, prompt in enumerate(PROMPTS)),
        )
        summary(world)
        report = world.s3.text(BUCKET, LAYOUT.report)
        assert "Explanations of the judge" in report
        assert "reason 3" in report
        assert "reason 4" not in report

    def test_a_character_that_python_takes_for_a_line_end_ends_none(self, world: World) -> None:
        world.deploy(ONE)
        call()
        lay(world, *(judged(prompt, 1, "first\u2028second\x85third") for prompt in PROMPTS))
        assert summary(world)["candidates"][0]["scored"] == 12

    def test_scores_are_published_with_coverage(self, world: World) -> None:
        world.deploy(ONE)
        call()
        lay(world, *(judged(prompt, 0.75) for prompt in PROMPTS[:9]))
        found = summary(world)
        assert found["measures"]["Builtin.Harmfulness"]["better"] == "lower"
        assert found["measures"]["Builtin.Correctness"]["better"] == "higher"
        assert set(found["candidates"][0]["categories"]) == {"all"}
        call({"action": "publish", "input": INPUT, "execution": EXECUTION})
        published = {datum["MetricName"]: datum for datum in world.cloudwatch.data}
        assert published["run_coverage"]["Value"] == 0.75
        assert published["Builtin.Correctness"]["Values"] == [0.75]
        assert published["Builtin.Correctness"]["Counts"] == [9.0]


def rated(prompt: str, *thumbs: bool) -> dict[str, Any]:
    small, large = (candidate.invoke_id for candidate in HUMAN.candidates)
    answers = [
        {
            "answerContent": {
                "evaluationResults": {
                    "thumbsUpDown": [
                        {"metricName": "Helpful", "modelResponseId": "0", "result": up},
                        {"metricName": "Helpful", "modelResponseId": "1", "result": True},
                    ]
                }
            },
            "workerId": secret,
            "workerMetadata": {"identityData": {"sub": SECRETS[2], "issuer": f"https://{SECRETS[3]}"}},
        }
        for up, secret in zip(thumbs, SECRETS, strict=False)
    ]
    return {
        "humanEvaluationResult": [
            {"flowDefinitionArn": FLOW, "humanAnswers": answers, "modelResponseIdMap": {"0": small, "1": large}}
        ],
        "inputRecord": {"prompt": prompt},
        "modelResponses": [{"modelIdentifier": small, "response": "a"}, {"modelIdentifier": large, "response": "b"}],
    }


class TestPeople:
    def test_a_model_may_be_called_by_the_foundation_model_behind_its_profile(self, world: World) -> None:
        world.deploy(HUMAN)
        call()
        base = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0"
        lines = [json.dumps(rated(prompt, True)) for prompt in PROMPTS]
        profile = HUMAN.candidates[1].invoke_id
        lay(world, *(json.loads(line.replace(profile, base)) for line in lines))
        assert [each["metrics"]["Helpful"]["mean"] for each in summary(world)["candidates"]] == [1.0, 1.0]

    def test_their_agreement_is_in_summary_and_report_and_their_identity_nowhere(self, world: World) -> None:
        world.deploy(HUMAN)
        call()
        lay(world, *(rated(prompt, True, number < 3) for number, prompt in enumerate(PROMPTS)))
        found = summary(world)
        assert found["agreement"] == [{"metric": "Helpful", "pairs": 24, "equal": 15}]
        assert [each["metrics"]["Helpful"]["mean"] for each in found["candidates"]] == [0.625, 1.0]
        report = world.s3.text(BUCKET, LAYOUT.report)
        assert "Agreement between workers" in report
        assert "62%" in report
        written = [key for key in world.s3.keys(BUCKET) if key.startswith(LAYOUT.prefix)]
        assert len(written) >= 5
        for key in written:
            assert not any(secret in world.s3.text(BUCKET, key) for secret in SECRETS), key


def test_logs_hold_neither_prompts_nor_answers_nor_who_rated(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world.deploy(HUMAN)
    call()
    odd = [{"inputRecord": {"prompt": ["SECRET-PROMPT"]}}, rated("SECRET-STRAY", True, True)]
    lay(world, *(rated(prompt, True, False) for prompt in PROMPTS), *odd)
    summary(world)
    logged = " ".join(str(record.__dict__) for record in caplog.records)
    assert "run finished" in logged
    assert not [text for text in (*PROMPTS, *SECRETS, "SECRET-PROMPT", "SECRET-STRAY") if text in logged]
