"""A custom run, and a judge of its answers: the functions' own code against the simulator, from dataset to report."""

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bedrock_eval.evaluation.definition import Candidate, CustomDefinition, Dataset, Definition
from bedrock_eval.evaluation.job_settings import JobKind, JobSettings
from bedrock_eval.jobs.request import JobPlace
from bedrock_eval.layout import RunLayout, definition_key
from bedrock_eval.scores.job_measures import Task
from bedrock_eval_runs.custom.slices import run_slice
from bedrock_eval_runs.events import SliceEvent
from bedrock_eval_runs.jobs.polling import look
from bedrock_eval_runs.jobs.services import JobServices
from bedrock_eval_runs.publication import publish_run
from bedrock_eval_runs.services import Services
from bedrock_eval_runs.store import Store
from tests.support.definitions import by_jobs
from tests.support.local.simulator import PLAIN, QUESTIONS, Simulator, make_working_role, trust

ASKED = QUESTIONS[:15]
UNKNOWN = "A question that nobody has recorded an answer to?"
LAYOUT = RunLayout("quality", "20261123T060000Z")
JUDGED = RunLayout("judged", "20261123T070000Z")
SOURCE_ARN = "arn:aws:bedrock:us-east-1:000000000000:evaluation-job/*"


@dataclass(frozen=True)
class World:
    """An environment's buckets and role."""

    simulator: Simulator
    bucket: str
    role_arn: str

    @property
    def services(self) -> JobServices:
        runs = Services(
            application="support",
            store=Store(self.simulator.client("s3"), self.bucket),
            cloudwatch=self.simulator.client("cloudwatch"),
            models=lambda _: self.simulator.client("bedrock-runtime"),
            now=lambda: datetime.now(UTC),
            clock=time.monotonic,
        )
        place = JobPlace(self.role_arn, f"s3://{self.bucket}/jobs/")
        return JobServices(runs, self.simulator.client("bedrock"), place)

    def deploy(self, definition: Definition) -> None:
        self.services.runs.store.put(definition_key(definition.evaluation), json.dumps(definition.to_json()))

    def json(self, key: str) -> Any:
        stored = self.services.runs.store.read(key)
        assert stored is not None, key
        return json.loads(stored.body)


@pytest.fixture
def world(simulator: Simulator) -> Iterator[World]:
    s3 = simulator.client("s3")
    bucket = f"answers-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket)
    rows = [{"prompt": each, "referenceResponse": f"The answer to {each.lower()}"} for each in (*ASKED, UNKNOWN)]
    body = "".join(json.dumps(row) + "\n" for row in rows).encode()
    s3.put_object(Bucket=bucket, Key="datasets/questions.jsonl", Body=body)
    policy = trust(StringEquals={"aws:SourceAccount": "000000000000"}, ArnEquals={"aws:SourceArn": SOURCE_ARN})
    # What the evaluation role of an environment may do in the results bucket.
    below = {"Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"arn:aws:s3:::{bucket}/jobs/*"}
    arn = make_working_role(simulator, below, trust_policy=policy)
    simulator.configure(evaluation_jobs={"seconds": 0})
    made = World(simulator, bucket, arn)
    yield made
    simulator.configure(evaluation_jobs={})


QUALITY = CustomDefinition(
    application="support",
    environment="dev",
    evaluation="quality",
    candidates=(Candidate("nova", PLAIN, PLAIN),),
    dataset=Dataset("questions", "", "datasets/questions.jsonl"),
    metrics=("squad_f1",),
)
JUDGE = by_jobs(
    QUALITY,
    evaluation="judged",
    metrics=("Builtin.Correctness",),
    job=JobSettings(JobKind.JUDGE, Task.GENERAL, judge=PLAIN, answers_from="quality"),
)


def test_the_answers_of_a_run_are_judged_without_asking_the_model_again(world: World) -> None:
    for definition in (QUALITY, JUDGE):
        world.deploy(replace(definition, dataset=replace(definition.dataset, bucket=world.bucket)))
    services = world.services
    run_slice(services.runs, SliceEvent(LAYOUT, "one"), remaining_seconds=120)
    publish_run(services.runs, LAYOUT)
    calls = world.simulator.calls()

    event = SliceEvent(JUDGED, "two")
    assert look(services, event, remaining_seconds=120).status == "waiting"
    assert look(services, event, remaining_seconds=120).status == "finished"

    assert world.simulator.calls() == calls
    summary = world.json(JUDGED.summary)
    assert summary["answers"] == {"evaluation": "quality", "run_id": LAYOUT.run_id}
    (candidate,) = summary["candidates"]
    assert (candidate["cases"], candidate["scored"]) == (len(ASKED) + 1, len(ASKED))
    assert candidate["failures"] == {"not_answered": 1}
    assert candidate["metrics"]["Builtin.Correctness"]["mean"] == 1.0
