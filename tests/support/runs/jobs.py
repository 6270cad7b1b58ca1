"""An evaluation by jobs: two candidates, a dataset, and a Bedrock whose every answer is set."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bedrock_eval.evaluation.definition import Candidate, Dataset, Definition, JobDefinition
from bedrock_eval.evaluation.job_settings import JobKind, JobSettings
from bedrock_eval.jobs.request import JobPlace
from bedrock_eval.layout import RunLayout, definition_key
from bedrock_eval.scores.job_measures import Task
from bedrock_eval_runs.jobs.services import JobServices
from bedrock_eval_runs.services import Services
from bedrock_eval_runs.store import Store
from tests.support.definitions import by_jobs
from tests.support.fakes import FakeClock, FakeCloudWatch, FakeModels, FakeS3, client_error

BUCKET, DATA = "results", "datasets"
RUN_ID = "20261123T060000Z"
INPUT = {"evaluation": "judged", "scheduledTime": "2026-11-23T06:00:00Z"}
EXECUTION = "arn:aws:states:us-east-1:000000000000:execution:shop-dev-jobs:one"
SLICE = {"action": "slice", "input": INPUT, "execution": EXECUTION}
LAYOUT = RunLayout("judged", RUN_ID)
JUDGE = JobSettings(JobKind.JUDGE, Task.GENERAL, judge="amazon.nova-pro-v1:0")
DEFINITION = JobDefinition(
    application="shop",
    environment="dev",
    evaluation="judged",
    candidates=(
        Candidate("small", "amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0"),
        Candidate("large", "us.amazon.nova-pro-v1:0", "arn:aws:bedrock:x:1:inference-profile/us.amazon.nova-pro-v1:0"),
    ),
    dataset=Dataset("questions", DATA, "datasets/questions.jsonl"),
    metrics=("Builtin.Correctness", "Builtin.Harmfulness"),
    job=JUDGE,
)
PROMPTS = [f"prompt {number}" for number in range(12)]


@dataclass
class FakeBedrock:
    """The control plane. `refusals` are raised by the next creations, one each; `states` come before `status`."""

    s3: FakeS3
    clock: FakeClock
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)
    status: str = "InProgress"
    silent: bool = False
    failure: str = ""
    created: list[dict[str, Any]] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)

    def create_evaluation_job(self, **request: Any) -> dict[str, Any]:
        if self.refusals:
            raise client_error(self.refusals.pop(0), "CreateEvaluationJob")
        name = request["jobName"]
        arn = f"arn:aws:bedrock:us-east-1:000000000000:evaluation-job/{name[-8:]}"
        if arn not in self.jobs:
            self.created.append(request)
            self.jobs[arn] = {
                "jobArn": arn,
                "jobName": name,
                "status": "InProgress",
                "creationTime": self.clock.now(),
                "request": request,
            }
        return {} if self.silent else {"jobArn": arn}

    def get_evaluation_job(self, **request: Any) -> dict[str, Any]:
        job = self.jobs[request["jobIdentifier"]]
        if job["status"] == "InProgress":
            job["status"] = self.status
        if job["status"] == "Stopping":
            job["status"] = "Stopped"
        failed = {"failureMessages": [self.failure]} if self.failure and job["status"] == "Failed" else {}
        return {**job, **failed}

    def stop_evaluation_job(self, **request: Any) -> dict[str, Any]:
        self.stopped.append(request["jobIdentifier"])
        self.jobs[request["jobIdentifier"]]["status"] = "Stopping"
        return {}

    def batch_delete_evaluation_job(self, **request: Any) -> dict[str, Any]:
        self.deleted += request["jobIdentifiers"]
        return {"evaluationJobs": [{"jobIdentifier": arn} for arn in request["jobIdentifiers"]], "errors": []}

    def get_paginator(self, operation: str) -> "FakeBedrock":
        assert operation == "list_evaluation_jobs"
        return self

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        found = [
            job
            for job in self.jobs.values()
            if request.get("nameContains", "") in job["jobName"]
            and request.get("statusEquals", job["status"]) == job["status"]
        ]
        return [{"jobSummaries": found[start : start + 5]} for start in range(0, len(found), 5)]

    def complete(self, value: float = 1.0, *, leave_out: int = 0) -> None:
        """Every job completes, and leaves its output."""
        self.status = "Completed"
        for job in self.jobs.values():
            request = job["request"]
            bucket, _, prefix = request["outputDataConfig"]["s3Uri"].removeprefix("s3://").partition("/")
            (model,) = request["inferenceConfig"]["models"]
            entry = request["evaluationConfig"]["automated"]["datasetMetricConfigs"][0]
            scores = dict.fromkeys(entry["metricNames"], value)
            if "precomputedInferenceSource" in model:
                lines = [judged(row, scores) for row in self.rows(request)[leave_out:]]
            else:
                identifier = model["bedrockModel"]["modelIdentifier"]
                lines = [record(prompt, identifier, scores) for prompt in PROMPTS[leave_out:]]
            folder = f"{prefix}{job['jobName']}/{job['jobArn'].rpartition('/')[2]}/"
            body = "\n".join(json.dumps(line) for line in lines).encode()
            results = f"{folder}models/m/taskTypes/General/datasets/d/1_output.jsonl"
            self.s3.put_object(Bucket=bucket, Key=results, Body=body)
            self.s3.put_object(Bucket=bucket, Key=f"{folder}amazon-bedrock-permission-check", Body=b"")

    def rows(self, request: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The lines of the dataset that a job is given."""
        (entry,) = request["evaluationConfig"]["automated"]["datasetMetricConfigs"]
        bucket, _, key = entry["dataset"]["datasetLocation"]["s3Uri"].removeprefix("s3://").partition("/")
        return [json.loads(line) for line in self.s3.text(bucket, key).splitlines()]


def judged(row: dict[str, Any], scores: Mapping[str, float]) -> dict[str, Any]:
    """The record of an answer that came with the dataset, which stands in it twice."""
    listed = [{"metricName": name, "result": each} for name, each in scores.items()]
    return {
        "automatedEvaluationResult": {"scores": listed},
        "inputRecord": row,
        "modelResponses": row["modelResponses"],
    }


def record(prompt: str, model: str, scores: Mapping[str, float]) -> dict[str, Any]:
    listed = [{"metricName": name, "result": each} for name, each in scores.items()]
    return {
        "automatedEvaluationResult": {"scores": listed},
        "inputRecord": {"prompt": prompt, "referenceResponse": "r"},
        "modelResponses": [{"modelIdentifier": model, "response": f"answer of {model}"}],
    }


@dataclass
class World:
    """The fakes, and what tests do with them."""

    s3: FakeS3 = field(default_factory=FakeS3)
    cloudwatch: FakeCloudWatch = field(default_factory=FakeCloudWatch)
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.bedrock = FakeBedrock(self.s3, self.clock)

    @property
    def services(self) -> JobServices:
        runs = Services(
            application="shop",
            store=Store(self.s3, BUCKET),
            cloudwatch=self.cloudwatch,
            models=lambda definition: FakeModels(),
            now=self.clock.now,
            clock=self.clock.seconds,
        )
        return JobServices(runs, self.bedrock, JobPlace("arn:aws:iam::1:role/jobs", f"s3://{BUCKET}/jobs/"))

    def deploy(self, definition: Definition = DEFINITION, **settings: Any) -> None:
        if settings:
            definition = by_jobs(definition, job=replace(getattr(definition, "job", JUDGE), **settings))
        value = json.dumps(definition.to_json())
        self.s3.put_object(Bucket=BUCKET, Key=definition_key(definition.evaluation), Body=value.encode())

    def json(self, key: str) -> Any:
        return json.loads(self.s3.text(BUCKET, key))
