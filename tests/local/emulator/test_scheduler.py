"""Schedules: context attributes, time zones, one-off runs, and deliveries that fail."""

import json
import subprocess
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.process import ACCOUNT, REGION
from tests.support.local.emulator import ROLE, Clients, Deploy, eventually
from tests.support.paths import EMULATOR, ROOT

PLACEHOLDERS = {
    "scheduledTime": "<aws.scheduler.scheduled-time>",
    "execution": "<aws.scheduler.execution-id>",
    "attempt": "<aws.scheduler.attempt-number>",
    "schedule": "<aws.scheduler.schedule-arn>",
    "evaluation": "daily",
}


@pytest.fixture(scope="module")
def machine(clients: Clients) -> str:
    definition = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
    made = clients("stepfunctions").create_state_machine(
        name=f"sched-{uuid.uuid4().hex[:8]}", definition=json.dumps(definition), roleArn=ROLE
    )
    return str(made["stateMachineArn"])


def at(when: datetime) -> str:
    return f"at({when:%Y-%m-%dT%H:%M:%S})"


def request(target: str, **changes: Any) -> dict[str, Any]:
    return {
        "Name": f"s-{uuid.uuid4().hex[:8]}",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": target, "RoleArn": ROLE, "Input": json.dumps(PLACEHOLDERS)},
        **changes,
    }


def inputs(clients: Clients, machine: str) -> list[dict[str, Any]]:
    client = clients("stepfunctions")
    runs = client.list_executions(stateMachineArn=machine)["executions"]
    return [json.loads(client.describe_execution(executionArn=run["executionArn"])["input"]) for run in runs]


def test_one_off_runs_on_time_with_its_attributes_and_goes(clients: Clients, machine: str) -> None:
    due = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    # The same instant on the clock of Kolkata, which is five and a half hours ahead all year.
    local = due + timedelta(hours=5, minutes=30)
    schedule = request(
        machine,
        ScheduleExpression=at(local),
        ScheduleExpressionTimezone="Asia/Kolkata",
        ActionAfterCompletion="DELETE",
    )
    arn = clients("scheduler").create_schedule(**schedule)["ScheduleArn"]
    assert inputs(clients, machine) == []
    (received,) = eventually(lambda: inputs(clients, machine), seconds=6)
    assert datetime.now(UTC) - due < timedelta(seconds=2.5)
    assert received["scheduledTime"] == due.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert received["schedule"] == arn
    assert received["attempt"] == "1"
    assert received["evaluation"] == "daily"
    assert len(received["execution"]) == 16
    with pytest.raises(clients("scheduler").exceptions.ResourceNotFoundException):
        clients("scheduler").get_schedule(Name=schedule["Name"])


def test_a_function_is_a_target_too(clients: Clients, function: Callable[..., str]) -> None:
    bucket = f"sched-{uuid.uuid4().hex[:8]}"
    clients("s3").create_bucket(Bucket=bucket)
    arn = function(
        f"""
        import boto3, json

        def handler(event, context):
            boto3.client("s3").put_object(Bucket="{bucket}", Key="event", Body=json.dumps(event))
        """
    )
    clients("scheduler").create_schedule(**request(arn, ScheduleExpression=at(datetime.now(UTC))))

    def stored() -> Any:
        found = clients("s3").list_objects_v2(Bucket=bucket).get("Contents")
        return found and json.loads(clients("s3").get_object(Bucket=bucket, Key="event")["Body"].read())

    assert eventually(stored)["evaluation"] == "daily"


def test_what_cannot_be_delivered_is_kept_and_counted(clients: Clients) -> None:
    name = f"dlq-{uuid.uuid4().hex[:8]}"
    queue = clients("sqs").create_queue(QueueName=name)["QueueUrl"]
    gone = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:gone"
    schedule = request(gone, ScheduleExpression=at(datetime.now(UTC)))
    schedule["Target"]["DeadLetterConfig"] = {"Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"}
    schedule["Target"]["RetryPolicy"] = {"MaximumRetryAttempts": 1}
    arn = clients("scheduler").create_schedule(**schedule)["ScheduleArn"]

    def receive() -> list[dict[str, Any]]:
        answer = clients("sqs").receive_message(QueueUrl=queue, MessageAttributeNames=["All"])
        return list(answer.get("Messages", []))

    (message,) = eventually(receive)
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert attributes["ERROR_CODE"] == "StateMachineDoesNotExist"
    assert (attributes["SCHEDULE_ARN"], attributes["TARGET_ARN"]) == (arn, gone)
    assert json.loads(message["Body"])["evaluation"] == "daily"

    def dropped() -> float:
        answer = clients("cloudwatch").get_metric_statistics(
            Namespace="AWS/Scheduler",
            MetricName="InvocationDroppedCount",
            Dimensions=[{"Name": "ScheduleGroup", "Value": "default"}],
            StartTime=datetime.now(UTC) - timedelta(minutes=5),
            EndTime=datetime.now(UTC) + timedelta(minutes=1),
            Period=60,
            Statistics=["Sum"],
        )
        return float(sum(d["Sum"] for d in answer["Datapoints"]))

    assert dropped() == 1


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"ScheduleExpression": "every day"}, "Invalid Schedule Expression"),
        ({"ScheduleExpression": "cron(0 6 * * 1 *)"}, "Invalid Schedule Expression"),
        ({"ScheduleExpression": "at(tomorrow)"}, "Invalid Schedule Expression"),
        ({"ScheduleExpression": "rate(1 day)", "ScheduleExpressionTimezone": "Mars/Olympus"}, "time zone"),
        ({"ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, "MaximumWindow"),
    ],
)
def test_what_nobody_could_fire_is_refused(
    clients: Clients, machine: str, changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ClientError, match=complaint):
        clients("scheduler").create_schedule(**request(machine, **changes))


def test_template_keeps_every_property(clients: Clients, deploy: Deploy, machine: str) -> None:
    group, name = f"g-{uuid.uuid4().hex[:6]}", f"s-{uuid.uuid4().hex[:6]}"
    properties: dict[str, Any] = {
        "Name": name,
        "GroupName": {"Ref": "Group"},
        "Description": "nightly",
        "ScheduleExpression": "cron(30 6 * * ? *)",
        "ScheduleExpressionTimezone": "Europe/Berlin",
        "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15},
        "StartDate": "2026-01-01T00:00:00.000Z",
        "KmsKeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k",
        "State": "DISABLED",
        "Target": {
            "Arn": machine,
            "RoleArn": ROLE,
            "Input": "{}",
            "RetryPolicy": {"MaximumRetryAttempts": "3", "MaximumEventAgeInSeconds": "3600"},
            "DeadLetterConfig": {"Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"},
        },
    }
    resources: dict[str, Any] = {
        "Group": {"Type": "AWS::Scheduler::ScheduleGroup", "Properties": {"Name": group}},
        "Schedule": {"Type": "AWS::Scheduler::Schedule", "Properties": properties},
    }
    stack = deploy(resources)
    stored = clients("scheduler").get_schedule(Name=name, GroupName=group)
    assert stored["StartDate"] == datetime(2026, 1, 1, tzinfo=UTC)
    assert stored["Target"]["RetryPolicy"] == {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 3600}
    assert stored["Target"]["DeadLetterConfig"] == properties["Target"]["DeadLetterConfig"]
    for key in ("Description", "ScheduleExpression", "ScheduleExpressionTimezone", "FlexibleTimeWindow", "State"):
        assert stored[key] == properties[key], key
    assert stored["KmsKeyArn"] == properties["KmsKeyArn"]

    properties["ScheduleExpression"] = "rate(2 hours)"
    assert stack.update(resources) == "UPDATE_COMPLETE"
    assert clients("scheduler").get_schedule(Name=name, GroupName=group)["ScheduleExpression"] == "rate(2 hours)"
    properties["ScheduleExpression"] = "cron(nonsense)"
    assert stack.update(resources).startswith("UPDATE_ROLLBACK")
    assert "Invalid Schedule Expression" in stack.reasons()
    stack.delete()
    eventually(lambda: group not in [g["Name"] for g in clients("scheduler").list_schedule_groups()["ScheduleGroups"]])


_FIRST_THREE = """
import json, sys
from local.emulator.patches.scheduler import next_time

expression, after = sys.argv[1], float(sys.argv[2])
schedule = {"ScheduleExpression": expression, "ScheduleExpressionTimezone": "Europe/Berlin"}
found = []
for _ in range(3):
    after = next_time(schedule, after=after)
    found.append(after)
print(json.dumps(found))
"""


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        # 29 March 2026: 02:00 to 02:59 do not exist in Berlin.
        ("cron(30 2 ? * SUN *)", "2026-03-20T00:00", ["2026-03-22T01:30", "2026-04-05T00:30", "2026-04-12T00:30"]),
        ("cron(30 1-3 * * ? *)", "2026-03-29T00:00", ["2026-03-29T00:30", "2026-03-29T01:30", "2026-03-29T23:30"]),
        # 25 October 2026: they come twice, at 00:00 and at 01:00 UTC.
        ("cron(0/30 * * * ? *)", "2026-10-25T00:00", ["2026-10-25T00:30", "2026-10-25T02:00", "2026-10-25T02:30"]),
        ("cron(0/30 * * * ? *)", "2026-10-25T01:10", ["2026-10-25T02:00", "2026-10-25T02:30", "2026-10-25T03:00"]),
    ],
)
def test_when_clocks_change_a_cron_skips_what_does_not_exist_and_repeats_nothing(
    expression: str, after: str, expected: list[str]
) -> None:
    begin = datetime.fromisoformat(after).replace(tzinfo=UTC).timestamp()
    command = [str(EMULATOR), "-c", _FIRST_THREE, expression, str(begin)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    found = [datetime.fromtimestamp(each, UTC) for each in json.loads(done.stdout)]
    assert [f"{each:%Y-%m-%dT%H:%M}" for each in found] == expected
