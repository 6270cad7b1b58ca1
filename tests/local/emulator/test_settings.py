"""Readings that AWS's documents leave open, and a quota of the account, set while the emulator runs."""

import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.process import Endpoint, running_emulator
from tests.support.local.emulator import ROLE, Clients, clients_of, eventually, functions_of
from tests.support.paths import EMULATOR

DAY = 86_400
HOLDS_ITS_PLACE = """
    import time

    def handler(event, context):
        time.sleep(event["seconds"])
        return "done"
"""


@dataclass(frozen=True)
class Emulator:
    """One of its own: its clock and its settings are changed."""

    endpoint: Endpoint
    clients: Clients

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{self.endpoint.url}/_emulator/{path}", data=json.dumps(body).encode(), method="POST"
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
        return found


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running_emulator(interpreter=EMULATOR, directory=tmp_path_factory.mktemp("settings")) as endpoint:
        yield Emulator(endpoint, clients_of(endpoint))


def machine_of(emulator: Emulator, states: dict[str, Any], first: str) -> str:
    made = emulator.clients("stepfunctions").create_state_machine(
        name=f"m-{uuid.uuid4().hex[:8]}", definition=json.dumps({"StartAt": first, "States": states}), roleArn=ROLE
    )
    return str(made["stateMachineArn"])


class TestRate:
    """Scheduler user guide, schedule types: without a start date a rate invokes its target immediately."""

    def times(self, emulator: Emulator, machine: str) -> list[datetime]:
        client = emulator.clients("stepfunctions")
        runs = client.list_executions(stateMachineArn=machine)["executions"]
        inputs = [json.loads(client.describe_execution(executionArn=run["executionArn"])["input"]) for run in runs]
        return sorted(datetime.fromisoformat(each["at"]) for each in inputs)

    def daily(self, emulator: Emulator, machine: str, **changes: Any) -> dict[str, Any]:
        schedule = {
            "Name": f"s-{uuid.uuid4().hex[:8]}",
            "ScheduleExpression": "rate(1 day)",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {"Arn": machine, "RoleArn": ROLE, "Input": '{"at": "<aws.scheduler.scheduled-time>"}'},
            **changes,
        }
        emulator.clients("scheduler").create_schedule(**schedule)
        return schedule

    @pytest.mark.parametrize(("at_once", "gaps"), [(True, [24, 8, 24]), (False, [24, 24])])
    def test_it_runs_at_once_and_after_an_update_both_ways(
        self, emulator: Emulator, at_once: bool, gaps: list[int]
    ) -> None:
        emulator.post("settings", rate_runs_after_update=at_once)
        machine = machine_of(emulator, {"Done": {"Type": "Succeed"}}, "Done")
        schedule = self.daily(emulator, machine)
        eventually(lambda: len(self.times(emulator, machine)) == 1)
        emulator.post("clock", forward_seconds=DAY)
        eventually(lambda: len(self.times(emulator, machine)) == 2)
        emulator.post("clock", forward_seconds=8 * 3600)
        assert len(self.times(emulator, machine)) == 2
        emulator.clients("scheduler").update_schedule(**{**schedule, "Description": "another"})
        if at_once:
            eventually(lambda: len(self.times(emulator, machine)) == 3)
        emulator.post("clock", forward_seconds=DAY)
        found = eventually(lambda: len(times := self.times(emulator, machine)) > len(gaps) and times)
        apart = [later - earlier for earlier, later in pairwise(found)]
        assert [round(each / timedelta(hours=1)) for each in apart] == gaps
        emulator.clients("scheduler").delete_schedule(Name=schedule["Name"])

    def test_with_a_start_date_it_waits_for_that(self, emulator: Emulator) -> None:
        now = datetime.fromisoformat(emulator.post("clock", forward_seconds=0)["now"])
        machine = machine_of(emulator, {"Done": {"Type": "Succeed"}}, "Done")
        start = (now + timedelta(hours=2)).replace(microsecond=0)
        schedule = self.daily(emulator, machine, StartDate=start)
        emulator.post("clock", forward_seconds=3600)
        assert self.times(emulator, machine) == []
        emulator.post("clock", forward_seconds=3601)
        assert eventually(lambda: self.times(emulator, machine)) == [start]
        emulator.clients("scheduler").delete_schedule(Name=schedule["Name"])


class TestConcurrency:
    @pytest.fixture(autouse=True)
    def _two_at_once(self, emulator: Emulator) -> Iterator[None]:
        emulator.post("settings", concurrent_executions=2)
        yield
        emulator.post("settings", concurrent_executions=0)

    @pytest.fixture
    def full(self, emulator: Emulator) -> str:
        """A function of which two executions hold the account's room for three seconds."""
        function = functions_of(emulator.clients)(HOLDS_ITS_PLACE)
        for _ in range(2):
            emulator.clients("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=b'{"seconds": 3}')

        def refused() -> bool:
            try:
                emulator.clients("lambda").invoke(FunctionName=function, Payload=b'{"seconds": 0}')
            except ClientError as error:
                return error.response["Error"]["Code"] == "TooManyRequestsException"
            return False

        eventually(refused)
        return function

    def test_a_state_machine_gets_the_error_by_its_name(self, emulator: Emulator, full: str) -> None:
        retry = {"ErrorEquals": ["Lambda.TooManyRequestsException"], "IntervalSeconds": 1, "MaxAttempts": 20}
        parameters = {"FunctionName": full, "Payload": {"seconds": 0}}
        task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": parameters, "End": True}
        patient = machine_of(emulator, {"Call": {**task, "Retry": [retry]}}, "Call")
        client = emulator.clients("stepfunctions")
        ended = {}
        for machine in (machine_of(emulator, {"Call": task}, "Call"), patient):
            started = client.start_execution(stateMachineArn=machine)["executionArn"]
            ended[machine] = eventually(
                lambda started=started: (
                    (found := client.describe_execution(executionArn=started))["status"] != "RUNNING" and found
                ),
                seconds=20,
            )
        assert [each["status"] for each in ended.values()] == ["FAILED", "SUCCEEDED"]
        assert next(iter(ended.values()))["error"] == "Lambda.TooManyRequestsException"

    def test_an_asynchronous_event_waits_for_room_and_is_not_lost(self, emulator: Emulator, full: str) -> None:
        bucket = f"room-{uuid.uuid4().hex[:8]}"
        emulator.clients("s3").create_bucket(Bucket=bucket)
        once = functions_of(emulator.clients)(
            f"""
            import boto3

            def handler(event, context):
                boto3.client("s3").put_object(Bucket="{bucket}", Key="called")
            """
        )
        emulator.clients("lambda").put_function_event_invoke_config(FunctionName=once, MaximumRetryAttempts=0)
        emulator.clients("lambda").invoke(FunctionName=once, InvocationType="Event")
        assert emulator.clients("s3").list_objects_v2(Bucket=bucket)["KeyCount"] == 0
        eventually(lambda: emulator.clients("s3").list_objects_v2(Bucket=bucket)["KeyCount"] == 1, seconds=20)


@pytest.mark.parametrize(
    "body", [{"concurrent_executions": -1}, {"concurrent_executions": True}, {"rate_runs_after_update": 1}, {"x": 1}]
)
def test_what_cannot_be_set_is_said_and_changes_nothing(emulator: Emulator, body: dict[str, Any]) -> None:
    before = emulator.post("settings")
    with pytest.raises(urllib.error.HTTPError) as caught:
        emulator.post("settings", **body)
    assert caught.value.code == 400
    assert "allowed: rate_runs_after_update" in json.load(caught.value)["error"]
    assert emulator.post("settings") == before
