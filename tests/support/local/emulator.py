"""An emulator as tests use it: its clients, stacks on it, functions, and waiting for what comes later."""

import io
import json
import textwrap
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config

from local.emulator.cloudwatch.metric_math.readings import Readings
from local.process import ACCOUNT, REGION, Endpoint
from tests.support.metric_math import choose

ROLE = f"arn:aws:iam::{ACCOUNT}:role/test"

Clients = Callable[[str], Any]
Deploy = Callable[..., "Stack"]


class Stack:
    """A deployed stack: what happened to it, and its physical ids."""

    def __init__(self, cloudformation: Any, name: str) -> None:
        self._cloudformation = cloudformation
        self.name = name

    @property
    def status(self) -> str:
        return str(self._cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]["StackStatus"])

    def wait(self, seconds: float = 30) -> str:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            status = self.status
            if not status.endswith("IN_PROGRESS"):
                return status
            time.sleep(0.05)
        raise AssertionError(f"stack {self.name} is still {self.status}")

    def id_of(self, logical_id: str) -> str:
        found = self._cloudformation.describe_stack_resource(StackName=self.name, LogicalResourceId=logical_id)
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def reasons(self) -> str:
        pages = self._cloudformation.get_paginator("describe_stack_events").paginate(StackName=self.name)
        events = [event for page in pages for event in page["StackEvents"]]
        return "\n".join(e.get("ResourceStatusReason", "") for e in events if "FAILED" in e["ResourceStatus"])

    def update(self, resources: dict[str, Any]) -> str:
        self._cloudformation.update_stack(
            StackName=self.name,
            TemplateBody=json.dumps({"Resources": resources}),
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        return self.wait()

    def delete(self) -> None:
        self._cloudformation.delete_stack(StackName=self.name)


@contextmanager
def reading(emulator: Endpoint, readings: Readings | str) -> Iterator[None]:
    """Metric math by these until the end, and by the usual ones again."""
    choose(emulator.url, readings)
    try:
        yield
    finally:
        choose(emulator.url, Readings())


def clients_of(endpoint: Endpoint) -> Clients:
    """A factory of boto3 clients, each made once."""
    session = boto3.Session(
        aws_access_key_id=endpoint.environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=endpoint.environment["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
    )
    config = Config(connect_timeout=2, read_timeout=90, retries={"total_max_attempts": 1})
    made: dict[str, Any] = {}

    def client(service: str) -> Any:
        if service not in made:
            made[service] = session.client(service, endpoint_url=endpoint.url, config=config)
        return made[service]

    return client


def deploy_of(clients: Clients) -> Deploy:
    """A function that deploys resources as a stack of their own and waits for its status."""

    def run(resources: dict[str, Any], *, expect: str = "CREATE_COMPLETE", seconds: float = 30) -> Stack:
        stack = Stack(clients("cloudformation"), f"t{uuid.uuid4().hex[:10]}")
        clients("cloudformation").create_stack(
            StackName=stack.name,
            TemplateBody=json.dumps({"Resources": resources}),
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        status = stack.wait(seconds)
        assert status == expect, f"{status}: {stack.reasons()}"
        return stack

    return run


def functions_of(clients: Clients) -> Callable[..., str]:
    """A function that creates a Python function from source and gives its ARN."""

    def create(source: str, *, name: str | None = None, timeout: int = 10, **options: Any) -> str:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as bundle:
            bundle.writestr("index.py", textwrap.dedent(source))
        made = clients("lambda").create_function(
            FunctionName=name or f"f{uuid.uuid4().hex[:10]}",
            Runtime="python3.13",
            Role=ROLE,
            Handler="index.handler",
            Code={"ZipFile": archive.getvalue()},
            Timeout=timeout,
            **options,
        )
        return str(made["FunctionArn"])

    return create


def eventually(check: Callable[[], Any], *, seconds: float = 15.0, every: float = 0.2) -> Any:
    """The first true value of ``check``; fails with its last value when time is up."""
    deadline = time.monotonic() + seconds
    value = check()
    while not value and time.monotonic() < deadline:
        time.sleep(every)
        value = check()
    assert value, f"still {value!r} after {seconds} s"
    return value
