"""A custom evaluation: two candidates, a dataset, and everything that its runs call, faked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from bedrock_eval.evaluation.definition import Candidate, CustomDefinition, Dataset, Definition, InferenceParameters
from bedrock_eval.layout import RunLayout, definition_key
from bedrock_eval_runs.services import Services
from bedrock_eval_runs.store import Store
from tests.support.fakes import FakeClock, FakeCloudWatch, FakeModels, FakeS3

BUCKET, DATA = "results", "datasets"
RUN_ID = "20261123T060000Z"
INPUT = {"evaluation": "support", "scheduledTime": "2026-11-23T06:00:00Z"}
EXECUTION = "arn:aws:states:us-east-1:000000000000:execution:shop-dev-evaluation:one"
SLICE = {"action": "slice", "input": INPUT, "execution": EXECUTION}
LAYOUT = RunLayout("support", RUN_ID)

DEFINITION = CustomDefinition(
    application="shop",
    environment="dev",
    evaluation="support",
    candidates=(
        Candidate("small", "amazon.nova-lite-v1:0", "profile-small"),
        Candidate(
            "large",
            "us.amazon.nova-pro-v1:0",
            "profile-large",
            system="Be brief.",
            template="Q: {{prompt}} A:",
            parameters=InferenceParameters(max_tokens=64, temperature=0.5),
        ),
    ),
    dataset=Dataset("questions", DATA, "datasets/questions.jsonl"),
    metrics=("relevance_score", "response_length"),
    concurrency=4,
    first_deployed=datetime(2026, 11, 1, tzinfo=UTC).isoformat(),
)


@dataclass
class World:
    """The fakes, and what tests do with them."""

    s3: FakeS3 = field(default_factory=FakeS3)
    cloudwatch: FakeCloudWatch = field(default_factory=FakeCloudWatch)
    models: FakeModels = field(default_factory=FakeModels)
    clock: FakeClock = field(default_factory=FakeClock)

    @property
    def services(self) -> Services:
        return Services(
            application="shop",
            store=Store(self.s3, BUCKET),
            cloudwatch=self.cloudwatch,
            models=lambda definition: self.models,
            now=self.clock.now,
            clock=self.clock.seconds,
            sleep=self.clock.advance,
        )

    def deploy(self, definition: Definition = DEFINITION, **changes: Any) -> None:
        value = json.dumps(replace(definition, **changes).to_json())
        self.s3.put_object(Bucket=BUCKET, Key=definition_key(definition.evaluation), Body=value.encode())

    def dataset(self, *cases: Mapping[str, Any]) -> None:
        self.raw_dataset("\n".join(json.dumps(case) for case in cases))

    def raw_dataset(self, text: str) -> None:
        self.s3.put_object(Bucket=DATA, Key="datasets/questions.jsonl", Body=text.encode())

    def json(self, key: str) -> Any:
        return json.loads(self.s3.text(BUCKET, key))

    def records(self, candidate: str) -> list[Any]:
        """The lines of all parts of a candidate."""
        keys = [key for key in self.s3.keys(BUCKET) if key.startswith(LAYOUT.parts(candidate))]
        return [json.loads(line) for key in keys for line in self.s3.text(BUCKET, key).splitlines()]
