"""The environment `local`, deployed by the real CDK CLI to an emulator, and what tests do to it."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.request import Request, urlopen

from bedrock_eval.layout import RunLayout, definition_key
from bedrock_eval.names import PhysicalNames, parse_scheduled_time, run_id
from configuration.loading.load import load_environments
from configuration.schema.environment import Environment
from local.__main__ import EMULATOR
from local.deployment import ENVIRONMENT, Deployment, deploy
from local.evaluation import Clients
from local.process import ACCOUNT, QUICK_WAITS, REGION, running_emulator
from tests.support.frozen import ANSWERS, ENVIRONMENTS

EVALUATION = "support-quality"
_CALM: Mapping[str, Any] = MappingProxyType(
    {"faults": {}, "default_latency_ms": 800, "evaluation_jobs": {}, "flow_definitions": {}, "publishing": {}}
)


@dataclass
class Stack:
    """The deployed `local` environment with what tests do to it."""

    deployment: Deployment
    clients: Clients
    environment: Environment
    directory: Path
    # Of this hour, so that alarms still see the runs, and before any run that begins now.
    last_time: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(minutes=40))

    @property
    def names(self) -> PhysicalNames:
        return PhysicalNames(self.environment.prefix)

    @property
    def bucket(self) -> str:
        return self.deployment.outputs["ResultsBucket"]

    def simulator(self, method: str, path: str, body: object = None) -> Any:
        """The simulator's control over HTTP."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.deployment.endpoint.url}/_simulator/{path}", data=data, method=method)
        with urlopen(request, timeout=10) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def reset_simulator(self) -> None:
        """Back to the configuration of the start, with an empty record of calls."""
        self.simulator("PUT", "config", {**_CALM, "answers": [str(ANSWERS)]})
        self.simulator("DELETE", "calls")

    def settings(self, **changes: Any) -> Any:
        """The emulator's settings after these changes."""
        url, data = f"{self.deployment.endpoint.url}/_emulator/settings", json.dumps(changes).encode()
        with urlopen(Request(url, data=data, method="POST"), timeout=10) as answer:
            return json.loads(answer.read())

    def keys(self, prefix: str) -> list[str]:
        pages = self.clients.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def read(self, key: str) -> Any:
        body = self.clients.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return [json.loads(line) for line in body.splitlines()] if key.endswith(".jsonl") else json.loads(body)

    def scheduled_time(self) -> str:
        """A minute that no other run of this stack has, later than those given before: two runs of one are one run."""
        self.last_time += timedelta(minutes=1)
        return self.last_time.strftime("%Y-%m-%dT%H:%M:00Z")

    def begin(self, evaluation: str, when: str) -> str:
        """Start an execution on the machine of the evaluation's kind, as the schedule would; gives its ARN."""
        # By the definition in the bucket: tests write their own, too.
        jobs = self.read(definition_key(evaluation)).get("job") is not None
        arn: str = self.clients.stepfunctions.start_execution(
            stateMachineArn=f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{self.names.machine(jobs=jobs)}",
            input=json.dumps({"evaluation": evaluation, "scheduledTime": when}),
        )["executionArn"]
        return arn

    def wait(self, execution: str, *, seconds: float = 120) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found: dict[str, Any] = self.clients.stepfunctions.describe_execution(executionArn=execution)
            if found["status"] != "RUNNING":
                return found
            time.sleep(0.1)
        raise AssertionError(f"{execution} still runs after {seconds} s")

    def layout(self, evaluation: str, when: str) -> RunLayout:
        return RunLayout(evaluation, run_id(parse_scheduled_time(when)))

    def outcomes(self, layout: RunLayout, candidate: str) -> list[dict[str, Any]]:
        return [line for key in self.keys(layout.parts(candidate)) for line in self.read(key)]


@contextmanager
def deployed(
    directory: Path,
    *,
    answers: Path = ANSWERS,
    environments: Path = ENVIRONMENTS,
    simulator: Mapping[str, Any] = MappingProxyType({}),
) -> Iterator[Stack]:
    """The environment `local` of a folder, deployed by the CDK CLI to an emulator of its own.

    Args:
        simulator: of its configuration what is not about answers.
    """
    config = directory / "simulator.json"
    config.write_text(json.dumps({"answers": [str(answers)], **simulator}))
    with running_emulator(
        interpreter=EMULATOR, directory=directory / "emulator", simulator_config=config, wait_scale=QUICK_WAITS
    ) as endpoint:
        deployment = deploy(endpoint, directory=directory, context={"environments_directory": str(environments)})
        loaded = load_environments(environments, only=[ENVIRONMENT], today=datetime.now(UTC).date())
        yield Stack(deployment, Clients(deployment), loaded.environments[0], directory)


class Deployments:
    """The deployments of a session. Files share one, so that the session makes few; none depends on another file."""

    def __init__(self, make: Callable[[], AbstractContextManager[Stack]]) -> None:
        self._make = make
        self._open = ExitStack()
        self._shared: Stack | None = None

    def shared(self) -> Stack:
        """A deployment that other files may have used before."""
        if self._shared is None:
            self._shared = self.untouched()
        return self._shared

    def untouched(self) -> Stack:
        """A deployment that no file has used before; those that follow may."""
        self._shared = self._open.enter_context(self._make())
        return self._shared

    def taken(self) -> Stack:
        """A deployment that no other file uses afterwards."""
        stack, self._shared = self.shared(), None
        return stack

    def close(self) -> None:
        """Stop every emulator."""
        self._open.close()
