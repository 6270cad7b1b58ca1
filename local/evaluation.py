"""Starts deployed evaluations as their schedules do, waits for them, and reads their results through AWS's APIs."""

import json
import re
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.config import Config

from bedrock_eval import catalogue
from bedrock_eval.catalogue import Metric
from bedrock_eval.errors import UserError
from bedrock_eval.layout import RunLayout
from bedrock_eval.names import PhysicalNames, parse_scheduled_time, run_id
from bedrock_eval.report.words.shortfalls import advice
from bedrock_eval.results.publishing import run_minute
from bedrock_eval.results.summary import Summary, read_summary
from bedrock_eval.runs.state import read_state
from bedrock_eval.verdicts.gates import Verdict, worst
from configuration.schema.environment import Environment
from local.deployment import Deployment
from local.process import ACCOUNT, REGION

INBOX = "make-run-inbox"
_RUN_SECONDS = 900.0
_ALARM_SECONDS = 45.0
_POLL_SECONDS = 0.25

Progress = Callable[[int], None]


class EvaluationError(UserError):
    """The run failed or did not end in time; the message is for the user at the terminal."""


@dataclass(frozen=True)
class Notification:
    """A notification of an alarm as it arrived: the fields for programs, and the text for people.

    Attributes:
        children: the alarms of a composite alarm, empty for any other.
    """

    alarm: str
    state: str
    subject: str
    text: str
    children: frozenset[str] = frozenset()

    @property
    def alarms(self) -> frozenset[str]:
        """The alarms that the notification is about."""
        return self.children | {self.alarm}


@dataclass(frozen=True)
class Run:
    """A run that was started; with `jobs`, Bedrock's evaluation jobs carry it out."""

    layout: RunLayout
    jobs: bool


@dataclass(frozen=True)
class RunFound:
    """The results of one run as boto3 reads them.

    Attributes:
        message: the message of run.json about a run with too few answers.
    """

    summary: Summary
    report: str
    cloudwatch_means: Mapping[tuple[str, str], float | None]
    message: str | None = None


@dataclass(frozen=True)
class Surroundings:
    """Alarms, notifications and dashboard as boto3 reads them."""

    alarms: Mapping[str, str]
    notifications: tuple[Notification, ...]
    dashboard: str
    widgets: int
    plotted: int


class Clients:
    """boto3 clients of the emulator, made once."""

    def __init__(self, deployment: Deployment) -> None:
        environment = deployment.endpoint.environment
        session = boto3.Session(
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            region_name=REGION,
        )
        config = Config(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=5, read_timeout=60)

        def client(service: str) -> Any:
            return session.client(service, endpoint_url=deployment.endpoint.url, config=config)

        self.cloudwatch, self.s3, self.scheduler = client("cloudwatch"), client("s3"), client("scheduler")
        self.sns, self.sqs, self.stepfunctions = client("sns"), client("sqs"), client("stepfunctions")
        self.functions, self.bedrock = client("lambda"), client("bedrock")
        self.sagemaker, self.logs = client("sagemaker"), client("logs")


def subscribe_inbox(clients: Clients, deployment: Deployment) -> str:
    """Subscribe a queue to the topic that people subscribe to; gives its URL."""
    url: str = clients.sqs.create_queue(QueueName=INBOX)["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{INBOX}"
    clients.sns.subscribe(TopicArn=deployment.outputs["MessagesTopicArn"], Protocol="sqs", Endpoint=arn)
    return url


def start(clients: Clients, *, names: PhysicalNames, evaluation: str, jobs: bool = False) -> Run:
    """Create a one-time schedule like the deployed ones, due at once."""
    due = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
    clients.scheduler.create_schedule(
        Name=f"{names.prefix}-once-{evaluation}",
        GroupName=names.schedule_group,
        ScheduleExpression=f"at({due:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        ActionAfterCompletion="DELETE",
        Target={
            "Arn": _machine(names, jobs=jobs),
            "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/{names.scheduler_role}",
            "Input": json.dumps({"evaluation": evaluation, "scheduledTime": "<aws.scheduler.scheduled-time>"}),
        },
    )
    return Run(RunLayout(evaluation, run_id(parse_scheduled_time(due.isoformat()))), jobs)


def _machine(names: PhysicalNames, *, jobs: bool) -> str:
    return f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{names.machine(jobs=jobs)}"


def follow(
    clients: Clients, deployment: Deployment, *, names: PhysicalNames, run: Run, progress: Progress | None = None
) -> None:
    """Wait until the run has published.

    Args:
        progress: called with the number of answers that the simulator has given.

    Raises:
        EvaluationError: the run failed (with the reason of run.json), or took more than 15 minutes.
    """
    bucket, layout = deployment.outputs["ResultsBucket"], run.layout
    machine = _machine(names, jobs=run.jobs)
    deadline = time.monotonic() + _RUN_SECONDS
    while time.monotonic() < deadline:
        if progress is not None:
            progress(_answered(deployment))
        if _read(clients, bucket, layout.published) is not None:
            return
        state = _read(clients, bucket, layout.state)
        if state is not None and json.loads(state).get("status") == "failed":
            why = f"{json.loads(state).get('reason')}: {json.loads(state).get('message')}"
            hint = advice(why)
            raise EvaluationError(f"the run of {layout.evaluation} failed: {why}" + (f"; {hint}" if hint else ""))
        broken = clients.stepfunctions.list_executions(stateMachineArn=machine, statusFilter="FAILED")["executions"]
        if broken and state is None:
            cause = clients.stepfunctions.describe_execution(executionArn=broken[0]["executionArn"])
            raise EvaluationError(f"an execution failed: {cause.get('error')}: {cause.get('cause')}")
        time.sleep(_POLL_SECONDS)
    raise EvaluationError(f"the run of {layout.evaluation} did not finish within {_RUN_SECONDS / 60:.0f} minutes")


def read_run(clients: Clients, deployment: Deployment, layout: RunLayout) -> RunFound:
    """Read summary, report and metrics of a run through the public APIs."""
    bucket = deployment.outputs["ResultsBucket"]
    summary = read_summary(_required(clients, bucket, layout.summary))
    return RunFound(
        summary=summary,
        report=_required(clients, bucket, layout.report).decode(),
        cloudwatch_means=cloudwatch_means(clients, summary),
        message=read_state(_required(clients, bucket, layout.state)).message,
    )


def read_surroundings(
    clients: Clients, *, environment: Environment, summaries: Iterable[Summary], inbox: str
) -> Surroundings:
    """Read alarms, notifications and dashboard, once the alarms reflect the runs."""
    names = PhysicalNames(environment.prefix)
    expected = {name: state for summary in summaries for name, state in expected_alarms(summary, names).items()}
    alarms = _wait_for_states(clients, names.prefix, expected)
    in_alarm = [name for name, state in expected.items() if state == "ALARM"]
    notifications = wait_for_messages(clients, inbox, alarms=in_alarm)
    body = json.loads(clients.cloudwatch.get_dashboard(DashboardName=names.dashboard)["DashboardBody"])
    return Surroundings(
        alarms=alarms,
        notifications=notifications,
        dashboard=names.dashboard,
        widgets=len(body["widgets"]),
        plotted=sum(len(widget["properties"].get("metrics", [])) for widget in body["widgets"]),
    )


def expected_alarms(summary: Summary, names: PhysicalNames) -> dict[str, str]:
    """The states that the summary gives the verdict alarms, by name."""
    verdicts = {
        (candidate.name, gate.metric): worst(each for each in candidate.gates if each.metric == gate.metric).verdict
        for candidate in summary.candidates
        for gate in candidate.gates
    }
    return {
        names.alarm("verdict", summary.evaluation, *subject): "ALARM" if verdict is Verdict.WORSE else "OK"
        for subject, verdict in verdicts.items()
    }


def cloudwatch_means(clients: Clients, summary: Summary) -> dict[tuple[str, str], float | None]:
    """The average of each score in CloudWatch for this run's minute, by candidate and metric."""
    minute = run_minute(summary)
    found: dict[tuple[str, str], float | None] = {}
    for candidate in summary.candidates:
        dimensions = {
            catalogue.MODEL_ID: candidate.model_id,
            catalogue.APPLICATION: summary.application,
            catalogue.EVALUATION: summary.evaluation,
            catalogue.CANDIDATE: candidate.name,
        }
        for name in candidate.metrics:
            measure = summary.measures[name]
            metric = catalogue.score(name, title=measure.title)
            found[candidate.name, name] = _average(clients, metric, dimensions=dimensions, minute=minute)
    return found


def _average(clients: Clients, metric: Metric, *, dimensions: Mapping[str, str], minute: datetime) -> float | None:
    answer = clients.cloudwatch.get_metric_statistics(
        Namespace=metric.namespace,
        MetricName=metric.name,
        Dimensions=[{"Name": name, "Value": dimensions[name]} for name in metric.dimensions],
        StartTime=minute,
        EndTime=minute + timedelta(minutes=1),
        Period=60,
        Statistics=["Average"],
    )
    return answer["Datapoints"][0]["Average"] if answer["Datapoints"] else None


def alarm_states(clients: Clients, prefix: str) -> dict[str, str]:
    """The state of every alarm of the environment, by name."""
    pages = clients.cloudwatch.get_paginator("describe_alarms").paginate(
        AlarmNamePrefix=prefix, AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    alarms = [alarm for page in pages for kind in ("MetricAlarms", "CompositeAlarms") for alarm in page.get(kind, [])]
    return {alarm["AlarmName"]: alarm["StateValue"] for alarm in sorted(alarms, key=lambda alarm: alarm["AlarmName"])}


def _wait_for_states(clients: Clients, prefix: str, expected: Mapping[str, str]) -> dict[str, str]:
    """The states of all alarms, once those of the run have their expected states or the time is up."""
    deadline = time.monotonic() + _ALARM_SECONDS
    while True:
        found = alarm_states(clients, prefix)
        if all(found.get(name) == state for name, state in expected.items()) or time.monotonic() > deadline:
            return found
        time.sleep(_POLL_SECONDS)


def wait_for_messages(clients: Clients, inbox: str, *, alarms: Sequence[str]) -> tuple[Notification, ...]:
    """The notifications that arrive until there is one about each of `alarms` or its composite alarm."""
    found: list[Notification] = []
    deadline = time.monotonic() + _ALARM_SECONDS
    while True:
        found += _received(clients, inbox)
        about = {name for message in found if message.state == "ALARM" for name in message.alarms}
        if about >= set(alarms) or time.monotonic() > deadline:
            return tuple(found)
        time.sleep(_POLL_SECONDS)


def _received(clients: Clients, inbox: str) -> Iterator[Notification]:
    answer = clients.sqs.receive_message(QueueUrl=inbox, MaxNumberOfMessages=10)
    for message in answer.get("Messages", []):
        clients.sqs.delete_message(QueueUrl=inbox, ReceiptHandle=message["ReceiptHandle"])
        with suppress(KeyError, ValueError):
            body = json.loads(json.loads(message["Body"])["Message"])
            children = frozenset(re.findall(r'ALARM\("([^"]+)"\)', body["cloudwatch"].get("AlarmRule", "")))
            yield Notification(body["alarm"], body["state"], body["subject"], body["text"], children)


def _answered(deployment: Deployment) -> int:
    with urllib.request.urlopen(f"{deployment.endpoint.url}/_simulator/calls", timeout=10) as answer:
        return int(json.load(answer)["totals"]["answered"])


def _read(clients: Clients, bucket: str, key: str) -> bytes | None:
    with suppress(clients.s3.exceptions.NoSuchKey):
        content: bytes = clients.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return content
    return None


def _required(clients: Clients, bucket: str, key: str) -> bytes:
    content = _read(clients, bucket, key)
    if content is None:
        raise EvaluationError(f"s3://{bucket}/{key} is missing, although the run has published")
    return content
