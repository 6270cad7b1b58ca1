"""Alarms under test: calls of the simulator's models, a clock to set forward, the alarms in ALARM, notifications."""

import json
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.request import Request, urlopen

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from local.evaluation import subscribe_inbox
from local.process import ACCOUNT, REGION
from tests.support.local.deployment import Stack

MINUTE, HOUR, DAY = 60, 3_600, 86_400
_FIVE_MINUTES = 300
_ARRIVAL_SECONDS = 15.0


@dataclass(frozen=True)
class Notification:
    """A notification as it reached the queue of a subscriber.

    Attributes:
        body: the fields for programs; CloudWatch's own fields if the notification did not pass the formatter.
    """

    alarm: str
    state: str
    body: Mapping[str, Any] = field(compare=False, hash=False)

    @property
    def text(self) -> str:
        return str(self.body["text"])


@dataclass
class Watch:
    """A deployed environment on an emulator whose clock the tests move. Alarms go by their names without the prefix."""

    stack: Stack
    prompts: tuple[str, ...]
    inbox: str = field(init=False)
    runtime: Any = field(init=False)
    seen_kinds: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.inbox = subscribe_inbox(self.stack.clients, self.stack.deployment)
        self.runtime = self.client("bedrock-runtime")

    def client(self, service: str) -> Any:
        """A client that does not retry: a throttled request is one request."""
        environment = self.stack.deployment.endpoint.environment
        return boto3.client(
            service,
            endpoint_url=self.stack.deployment.endpoint.url,
            region_name=REGION,
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"mode": "standard", "total_max_attempts": 1}),
        )

    # --- time

    def _clock(self, forward: float | None = None) -> datetime:
        body = None if forward is None else json.dumps({"forward_seconds": forward}).encode()
        url = f"{self.stack.deployment.endpoint.url}/_emulator/clock"
        with urlopen(Request(url, data=body, method="GET" if body is None else "POST"), timeout=60) as answer:
            return datetime.fromisoformat(json.load(answer)["now"])

    @property
    def now(self) -> datetime:
        return self._clock()

    def later(self, seconds: float) -> None:
        """Set the clock forward; schedules have fired and alarms are evaluated when this returns."""
        self._clock(seconds)

    def next_period(self, seconds: int) -> None:
        """Go to the beginning of the next period of so many seconds, so that calls of two periods never share one."""
        self.later(seconds - self.now.timestamp() % seconds + 1)

    # --- traffic

    def call(self, model: str, *, times: int = 12, stream: bool = False, by_arn: bool = False, **more: Any) -> int:
        """Call a model of the environment by its id or its ARN; gives the number of calls that were answered."""
        called = self.stack.environment.model(model)
        model_id = called.source_arn(partition="aws", account=ACCOUNT) if by_arn else called.model_id
        answered = 0
        for number in range(times):
            prompt = self.prompts[number % len(self.prompts)]
            messages = [{"role": "user", "content": [{"text": prompt}]}]
            with suppress(ClientError):
                if stream:
                    list(self.runtime.converse_stream(modelId=model_id, messages=messages, **more)["stream"])
                else:
                    self.runtime.converse(modelId=model_id, messages=messages, **more)
                answered += 1
        return answered

    def call_in_periods(self, model: str, *, periods: int, seconds: int = _FIVE_MINUTES, **more: Any) -> None:
        """Call in so many consecutive periods, and let a minute pass."""
        for _ in range(periods):
            self.next_period(seconds)
            self.call(model, **more)
        self.later(MINUTE)

    def fault(self, model: str, **shares: float) -> None:
        faults = {self.stack.environment.models[model].id: shares} if shares else {}
        self.stack.simulator("PUT", "config", {"faults": faults})

    def bill(self, dollars: float) -> None:
        """Set the actual spend of every budget."""
        url = f"{self.stack.deployment.endpoint.url}/_emulator/budgets"
        body = json.dumps({"actual_spend": dollars}).encode()
        with urlopen(Request(url, data=body, method="POST"), timeout=10) as answer:
            assert json.load(answer) == {"actual_spend": dollars}

    # --- alarms

    def alarm(self, kind: str, *subject: str) -> str:
        return self._short(self.stack.names.alarm(kind, *subject))

    def in_alarm(self) -> set[str]:
        """Every alarm in the state ALARM, composite alarms too."""
        pages = self.stack.clients.cloudwatch.get_paginator("describe_alarms").paginate(
            StateValue="ALARM", AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        found = [alarm for page in pages for key in ("MetricAlarms", "CompositeAlarms") for alarm in page.get(key, ())]
        self.seen_kinds |= {str(alarm["AlarmDescription"]).rpartition("#")[2] for alarm in found}
        return {self._short(alarm["AlarmName"]) for alarm in found}

    def _short(self, name: str) -> str:
        return name.removeprefix(f"{self.stack.names.prefix}-")

    # --- subscribers

    def subscribe(self) -> str:
        """Request the declared e-mail subscription; gives the ARN that it has once it is confirmed."""
        (declared,) = self.stack.environment.subscriptions
        made = self.client("sns").subscribe(
            TopicArn=self.stack.deployment.outputs["MessagesTopicArn"],
            Protocol=declared.protocol,
            Endpoint=declared.endpoint,
            ReturnSubscriptionArn=True,
        )
        return str(made["SubscriptionArn"])

    def confirm(self) -> None:
        """Subscribe by mail, and confirm with the token of that mail."""
        topic, _, token = self.subscribe().rpartition(":")
        self.client("sns").confirm_subscription(TopicArn=topic, Token=token, AuthenticateOnUnsubscribe="true")

    def notified(self, expected: Collection[tuple[str, str]]) -> list[Notification]:
        """The notifications since the last call: exactly these alarms and states, each once."""
        found: list[Notification] = []
        deadline = time.monotonic() + _ARRIVAL_SECONDS
        while len(found) < len(expected) and time.monotonic() < deadline:
            found += self._received()
        found += self._received()
        received = [(each.alarm, each.state) for each in found]
        assert sorted(received) == sorted(expected), f"received {received}, expected {list(expected)}"
        return found

    def _received(self) -> Iterator[Notification]:
        sqs = self.stack.clients.sqs
        answer = sqs.receive_message(QueueUrl=self.inbox, MaxNumberOfMessages=10, WaitTimeSeconds=0)
        for message in answer.get("Messages", ()):
            sqs.delete_message(QueueUrl=self.inbox, ReceiptHandle=message["ReceiptHandle"])
            body = json.loads(json.loads(message["Body"])["Message"])
            if "requestPayload" in body:
                # Lambda's record of an event that the formatter failed on.
                body = json.loads(body["requestPayload"]["Records"][0]["Sns"]["Message"])
            name, state = body.get("alarm") or body.get("AlarmName"), body.get("state") or body.get("NewStateValue")
            yield Notification(self._short(str(name)), str(state), body)
