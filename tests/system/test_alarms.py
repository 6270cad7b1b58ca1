"""Each kind of alarm goes into ALARM because of its own cause alone, and back to OK; each change notifies once.

The alarms are those of the templates as deployed, the calls real calls of the simulator, the runs real runs of the
deployed evaluator. Only the clock is helped: it is set forward on an emulator of its own. That one reads metric math in
the way that is likely to be the worst (docs/emulator.md).
"""

import json
import os
import re
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bedrock_eval.alarms.kinds import KINDS
from bedrock_eval.models import Model
from bedrock_eval.watchdog.active_metrics import UNREAD_QUERY, UNWATCHED_QUERY
from bedrock_eval.watchdog.reconciling import HELD_QUERY
from configuration.loading.load import load_environments
from local.deployment import ENVIRONMENT, ROOT
from local.emulator.cloudwatch.metric_math.readings import CONTRARY, VARIABLE
from local.process import ACCOUNT, REGION
from ops.__main__ import main
from tests.support.frozen import ANSWERS
from tests.support.local.deployment import deployed
from tests.support.local.watching import DAY, HOUR, MINUTE, Notification, Watch
from tests.support.metric_math import choose

QUALITY, SCHEDULED, BY_JOBS = "quality", "scheduled", "by-jobs"
METRIC = "relevance_score"
PINNED = "2026-01-01T06:00:00Z"
ALARM, OK = "ALARM", "OK"
CONSOLE = "https://us-east-1.console.aws.amazon.com"
kinds = pytest.mark.kinds
"""The kinds of alarms that begin during a test."""


def sample() -> list[dict[str, str]]:
    return [json.loads(line) for line in ANSWERS.read_text().splitlines()]


def write_answers(path: Path, models: dict[str, str], *, bend: Callable[[str, str], str]) -> Path:
    """Recorded answers of every model; those that the sample has none of say what `chat` says."""
    known = {line["modelId"] for line in sample()}
    lines = [
        {**line, "modelId": model_id, "response": bend(name, line["response"])}
        for name, model_id in models.items()
        for line in sample()
        if line["modelId"] == (model_id if model_id in known else models["chat"])
    ]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return path


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Recorded answer sets: as they were, worse ones of `chat`, and longer ones of `chat`."""
    folder = tmp_path_factory.mktemp("answers")
    models = {name: model.id for name, model in read_environment(ROOT / "tests" / "system", "alarms").models.items()}
    bends: dict[str, Callable[[str, str], str]] = {
        "good": lambda name, text: text,
        "worse": lambda name, text: "That is not known here." if name == "chat" else text,
        "long": lambda name, text: f"{text} " * 40 if name == "chat" else text,
    }
    return {each: write_answers(folder / f"{each}.jsonl", models, bend=bend) for each, bend in bends.items()}


def read_environment(folder: Path, name: str) -> Any:
    return load_environments(folder, only=[name], today=datetime.now(UTC).date()).environments[0]


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory, answers: dict[str, Path]) -> Iterator[Watch]:
    directory = tmp_path_factory.mktemp("alarms")
    folder = directory / "environments"
    folder.mkdir()
    shutil.copy(ROOT / "tests" / "system" / "alarms.yaml", folder / f"{ENVIRONMENT}.yaml")
    far_off = ends_of_old(datetime.now(UTC).date() + timedelta(days=1_000))
    with deployed(directory, answers=answers["good"], environments=folder, simulator=far_off) as stack:
        # The other system tests run under the usual readings.
        if VARIABLE not in os.environ:
            choose(stack.deployment.endpoint.url, CONTRARY)
        watch = Watch(stack, tuple(dict.fromkeys(line["prompt"] for line in sample())))
        watch.confirm()
        watch.bill(12.5)
        watch.later(MINUTE)
        assert watch.in_alarm() == set()
        # By now every alarm has gone to OK for the first time, which notifies nobody.
        watch.notified([])
        yield watch


def ends_of_old(day: date) -> dict[str, dict[str, str]]:
    """The simulator's configuration with which AWS announces this end of life of the model `old`."""
    old = Model(read_environment(ROOT / "tests" / "system", "alarms").models["old"].id, region="us-east-1")
    return {"ends_of_life": {old.base_id: day.isoformat()}}


@pytest.fixture(autouse=True)
def quiet(watch: Watch, answers: dict[str, Path], request: pytest.FixtureRequest) -> Iterator[set[str]]:
    """A test begins and ends without faults, with the same alarms in ALARM and no notification left."""
    usual = {"faults": {}, "default_latency_ms": 800, "answers": [str(answers["good"])], "publishing": {}}
    watch.stack.simulator("PUT", "config", usual)
    before = watch.in_alarm()
    watch.seen_kinds.clear()
    yield before
    assert {kind for mark in request.node.iter_markers("kinds") for kind in mark.args} <= watch.seen_kinds
    assert watch.in_alarm() == before
    watch.notified([])


def in_alarm(watch: Watch, quiet: set[str], *expected: str) -> None:
    """These alarms are in ALARM besides those of the beginning, and no others."""
    assert watch.in_alarm() - quiet == set(expected)


def changes(names: Collection[str], state: str) -> list[tuple[str, str]]:
    return [(name, state) for name in names]


# --- life of a model ------------------------------------------------------------------------------------------------


@kinds("end-of-life")
def test_a_model_that_comes_to_its_end(watch: Watch, quiet: set[str]) -> None:
    """The alarm begins on the first day below the threshold, and ends when AWS postpones the end of life."""
    alarm, days = watch.alarm("end-of-life", "old"), watch.stack.environment.alarms.end_of_life_days
    if watch.now.hour >= 22:
        # No midnight within the next hour.
        watch.later(3 * HOUR)
    end = watch.now.date() + timedelta(days=days)
    watch.stack.simulator("PUT", "config", ends_of_old(end))
    watch.later(HOUR)
    in_alarm(watch, quiet)
    watch.later(DAY)
    in_alarm(watch, quiet, alarm)
    (message,) = watch.notified([(alarm, ALARM)])
    assert f"Value: {days - 1} days. In alarm below {days} days, in 1 h." in message.text
    watch.stack.simulator("PUT", "config", ends_of_old(end + timedelta(days=1_000)))
    watch.later(HOUR)
    watch.later(HOUR)
    in_alarm(watch, quiet)
    (message,) = watch.notified([(alarm, OK)])
    assert f"Value: {days - 1 + 1_000:,} days" in message.text


# --- service ------------------------------------------------------------------------------------------------------


def service(watch: Watch, model: str) -> str:
    return watch.alarm("warning", "service", model)


@pytest.mark.parametrize(
    ("shares", "names", "composite"),
    [
        pytest.param(
            {"throttle": 1.0}, ["throttles", "throttle-count"], True, marks=kinds("throttles", "throttle-count")
        ),
        pytest.param({"throttle": 0.5}, ["throttles"], True, marks=kinds("throttles")),
        pytest.param({"503": 1.0}, ["server-errors"], False, marks=kinds("server-errors")),
        pytest.param({"denied": 1.0}, ["client-errors"], True, marks=kinds("client-errors")),
    ],
    ids=["throttled throughout", "throttled in part", "server errors", "client errors"],
)
def test_calls_that_fail(
    watch: Watch, quiet: set[str], shares: dict[str, float], names: list[str], composite: bool
) -> None:
    """Two bad periods of three; one is not enough. An incident of warnings notifies once, whatever its alarms."""
    alarms = [watch.alarm(kind, "chat") for kind in names]
    composites = [service(watch, "chat")] if composite else []
    watch.fault("chat", **shares)
    watch.call_in_periods("chat", periods=1)
    in_alarm(watch, quiet)
    watch.call_in_periods("chat", periods=1)
    in_alarm(watch, quiet, *alarms, *composites)
    (message,) = watch.notified(changes(composites or alarms, ALARM))
    for story in message.body["children"] or [message.body]:
        unit = KINDS[story["kind"]].unit
        assert f"Value: {unit.of(story['value'])}. " in message.text
        assert unit.of(story["threshold"]) in message.text
    # The alarms in ALARM when it was written; others may follow within the same minute.
    assert {child["kind"] for child in message.body["children"]} <= set(names)
    assert bool(message.body["children"]) == composite
    recovers(watch, quiet, "chat", composites or alarms)


def recovers(watch: Watch, quiet: set[str], model: str, notified: Collection[str], **calls: Any) -> None:
    """Call without the fault until the range of an alarm holds no bad period: three periods and two more."""
    watch.fault(model)
    watch.call_in_periods(model, periods=5, **calls)
    in_alarm(watch, quiet)
    watch.notified(changes(notified, OK))


@kinds("latency-p90", "latency-anomaly", "output-speed")
def test_a_slow_service(watch: Watch, quiet: set[str]) -> None:
    """Latency, the speed of streamed answers, and what was usual before: three bad periods of five, one message."""
    watch.call_in_periods("search", periods=4, stream=True)
    watch.later(HOUR)
    alarms = [watch.alarm(kind, "search") for kind in ("latency-p90", "latency-anomaly", "output-speed")]
    watch.stack.simulator("PUT", "config", {"default_latency_ms": 40_000})
    watch.call_in_periods("search", periods=2, stream=True)
    in_alarm(watch, quiet)
    watch.call_in_periods("search", periods=1, stream=True)
    in_alarm(watch, quiet, *alarms, service(watch, "search"))
    (message,) = watch.notified([(service(watch, "search"), ALARM)])
    by_kind = {child["kind"]: child for child in message.body["children"]}
    assert re.fullmatch(r"[\d,.]+ ms", by_kind["latency-p90"]["value_text"])
    watch.stack.simulator("PUT", "config", {"default_latency_ms": 800})
    recovers(watch, quiet, "search", [service(watch, "search")], stream=True)


def test_longer_answers_are_no_slow_service(watch: Watch, quiet: set[str], answers: dict[str, Path]) -> None:
    """They take longer, and come as fast as before."""
    watch.stack.simulator("PUT", "config", {"answers": [str(answers["long"])]})
    watch.call_in_periods("chat", periods=3, stream=True)
    in_alarm(watch, quiet, watch.alarm("latency-p90", "chat"), service(watch, "chat"))
    watch.notified([(service(watch, "chat"), ALARM)])
    watch.stack.simulator("PUT", "config", {"answers": [str(answers["good"])]})
    recovers(watch, quiet, "chat", [service(watch, "chat")], stream=True)


def test_without_traffic_and_below_the_floor_no_alarm_begins(watch: Watch, quiet: set[str]) -> None:
    watch.fault("chat", **{"503": 1.0})
    watch.call_in_periods("chat", periods=3, times=2)
    in_alarm(watch, quiet)
    watch.later(2 * HOUR)
    in_alarm(watch, quiet)


@kinds("model-interventions")
def test_a_guardrail_that_intervenes_inside_of_calls(watch: Watch, quiet: set[str]) -> None:
    """Counted in the log, under the id and under the ARN that callers name the model by; ApplyGuardrail has no part."""
    (guardrail,) = watch.stack.environment.guardrails
    guarded = {"guardrailConfig": {"guardrailIdentifier": guardrail.id, "guardrailVersion": guardrail.version}}
    alarm = watch.alarm("model-interventions", "chat")
    watch.fault("chat", guardrail=1.0)
    watch.call_in_periods("chat", periods=2, **guarded)
    in_alarm(watch, quiet)
    watch.call_in_periods("chat", periods=1, by_arn=True, **guarded)
    in_alarm(watch, quiet, alarm)
    (message,) = watch.notified([(alarm, ALARM)])
    assert "Value: 100 % of requests. In alarm above 20 % of requests" in message.text
    recovers(watch, quiet, "chat", [alarm], **guarded)


@kinds("guardrail-interventions")
def test_a_guardrail_that_intervenes_in_calls_of_its_own(watch: Watch, quiet: set[str]) -> None:
    (guardrail,) = watch.stack.environment.guardrails
    alarm = watch.alarm("guardrail-interventions", guardrail.name)

    def apply(*, periods: int) -> None:
        for _ in range(periods):
            watch.next_period(5 * MINUTE)
            for _ in range(12):
                watch.runtime.apply_guardrail(
                    guardrailIdentifier=guardrail.id,
                    guardrailVersion=guardrail.version,
                    source="INPUT",
                    content=[{"text": {"text": "May I?"}}],
                )
        watch.later(MINUTE)

    watch.stack.simulator("PUT", "config", {"faults": {guardrail.id: {"guardrail": 1.0}}})
    apply(periods=2)
    in_alarm(watch, quiet)
    apply(periods=1)
    in_alarm(watch, quiet, alarm)
    (message,) = watch.notified([(alarm, ALARM)])
    assert "Value: 100 % of calls. In alarm above 20 % of calls" in message.text
    watch.stack.simulator("PUT", "config", {"faults": {}})
    apply(periods=5)
    in_alarm(watch, quiet)
    watch.notified([(alarm, OK)])


# --- usage and cost -----------------------------------------------------------------------------------------------


@kinds("quota-tokens", "quota-requests")
def test_a_quota_that_is_nearly_used(watch: Watch, quiet: set[str]) -> None:
    """Three minutes of five."""
    composite = watch.alarm("warning", "usage", "busy")
    watch.call_in_periods("busy", periods=2, seconds=MINUTE)
    in_alarm(watch, quiet)
    watch.call_in_periods("busy", periods=1, seconds=MINUTE)
    in_alarm(watch, quiet, watch.alarm("quota-tokens", "busy"), watch.alarm("quota-requests", "busy"), composite)
    (message,) = watch.notified([(composite, ALARM)])
    assert "Value: 100 % of the quota" in message.text
    watch.later(10 * MINUTE)
    in_alarm(watch, quiet)
    watch.notified([(composite, OK)])


@kinds("tokens-per-hour", "cost-per-hour", "tokens-per-day", "cost-per-day")
def test_tokens_and_cost_of_an_hour_and_of_a_day(watch: Watch, quiet: set[str]) -> None:
    """Those of the hour are over first; the incident is over with those of the day."""
    of_hour = [watch.alarm(kind, "metered") for kind in ("tokens-per-hour", "cost-per-hour")]
    of_day = [watch.alarm(kind, "metered") for kind in ("tokens-per-day", "cost-per-day")]
    composite = watch.alarm("warning", "usage", "metered")
    watch.call_in_periods("metered", periods=1)
    in_alarm(watch, quiet, *of_hour, *of_day, composite)
    watch.notified([(composite, ALARM)])
    watch.later(HOUR)
    in_alarm(watch, quiet, *of_day, composite)
    watch.later(DAY)
    in_alarm(watch, quiet)
    watch.notified([(composite, OK)])


@pytest.mark.parametrize(
    ("kind", "model"),
    [
        pytest.param("unpriced-tokens", "unpriced", marks=kinds("unpriced-tokens"), id="without a rate"),
        pytest.param("legacy-model", "old", marks=kinds("legacy-model"), id="legacy"),
    ],
)
def test_a_call_that_is_news_for_a_day(watch: Watch, quiet: set[str], kind: str, model: str) -> None:
    alarm = watch.alarm(kind, model)
    watch.call_in_periods(model, periods=1, times=1)
    in_alarm(watch, quiet, alarm)
    watch.notified([(alarm, ALARM)])
    watch.later(DAY)
    in_alarm(watch, quiet)
    watch.notified([(alarm, OK)])


@kinds("budget-blind")
def test_a_budget_that_sees_no_cost(watch: Watch, quiet: set[str]) -> None:
    """It is a day behind, so a day of zeros decides; the first cent that it sees ends it."""
    alarm = watch.alarm("budget-blind")
    if (watch.now + timedelta(hours=30)).month != watch.now.month:
        # The month's cost begins anew in there.
        watch.later(30 * HOUR)
    watch.bill(0)
    watch.call_in_periods("costly", periods=1)
    for _ in range(22):
        watch.later(HOUR)
    in_alarm(watch, quiet)
    for _ in range(3):
        watch.later(HOUR)
    in_alarm(watch, quiet, alarm)
    (message,) = watch.notified([(alarm, ALARM)])
    assert "cost allocation" in message.text
    watch.bill(0.01)
    watch.later(HOUR)
    in_alarm(watch, quiet)
    watch.notified([(alarm, OK)])
    watch.bill(12.5)


# --- delivery -----------------------------------------------------------------------------------------------------


@kinds("log-delivery")
def test_an_invocation_log_that_is_gone(watch: Watch, quiet: set[str]) -> None:
    group = watch.stack.environment.invocation_logging.log_group
    alarm = watch.alarm("log-delivery")
    watch.client("logs").delete_log_group(logGroupName=group)
    watch.call_in_periods("chat", periods=1)
    in_alarm(watch, quiet, alarm)
    watch.notified([(alarm, ALARM)])
    # A call now and then: it is one incident.
    watch.later(20 * MINUTE)
    watch.call_in_periods("chat", periods=1, times=1)
    in_alarm(watch, quiet, alarm)
    watch.notified([])
    watch.client("logs").create_log_group(logGroupName=group)
    watch.later(HOUR + 10 * MINUTE)
    in_alarm(watch, quiet)
    watch.notified([(alarm, OK)])


# --- unwatched models ------------------------------------------------------------------------------------------


@kinds("unwatched-models")
def test_a_model_that_nobody_declared(watch: Watch, quiet: set[str]) -> None:
    """Any caller and any outcome count; it notifies once while the model is called, and is over afterwards."""
    alarm, stranger = watch.alarm("unwatched-models"), "us.meta.llama4-scout-17b-instruct-v1:0"
    with suppress(ClientError):
        messages = [{"role": "user", "content": [{"text": "Hello?"}]}]
        watch.runtime.converse(modelId=stranger, messages=messages)
    watch.later(HOUR)
    in_alarm(watch, quiet, alarm)
    watch.notified([(alarm, ALARM)])
    assert stranger in watchdog_log(watch, UNWATCHED_QUERY, "model")
    watch.later(4 * HOUR)
    watch.later(HOUR)
    in_alarm(watch, quiet)
    watch.notified([(alarm, OK)])


@kinds("unread-metrics")
def test_calls_under_dimensions_that_nobody_reads(watch: Watch, quiet: set[str]) -> None:
    """Tiers besides the plain dimensions of a model are nothing new; calls under tiers alone are in no graph."""
    alarm = watch.alarm("unread-metrics")
    watch.later(4 * HOUR)
    watch.stack.simulator("PUT", "config", {"publishing": {"tiers": True}})
    watch.call("chat", times=3)
    watch.later(HOUR)
    in_alarm(watch, quiet)
    watch.later(4 * HOUR)
    watch.stack.simulator("PUT", "config", {"publishing": {"tiers_apart": True}})
    watch.call("chat", times=3)
    watch.stack.simulator("PUT", "config", {"publishing": {}})
    watch.later(HOUR)
    in_alarm(watch, quiet, alarm)
    watch.notified([(alarm, ALARM)])
    assert "Invocations" in watchdog_log(watch, UNREAD_QUERY, "metric")
    watch.later(4 * HOUR)
    watch.later(HOUR)
    in_alarm(watch, quiet)
    watch.notified([(alarm, OK)])


@kinds("log-delivery")
def test_log_delivery_under_the_dimension_of_aws_pages(watch: Watch, quiet: set[str]) -> None:
    """Lost logs cause an alarm under either dimension; both are read, so no alarm is about the dimension."""
    # No run of the last day is held against the log that is lost here.
    watch.later(26 * HOUR)
    group, alarm = watch.stack.environment.invocation_logging.log_group, watch.alarm("log-delivery")
    watch.stack.simulator("PUT", "config", {"publishing": {"log_delivery": "Across all model IDs"}})
    watch.client("logs").delete_log_group(logGroupName=group)
    watch.call_in_periods("chat", periods=1)
    in_alarm(watch, quiet, alarm)
    watch.notified([(alarm, ALARM)])
    watch.client("logs").create_log_group(logGroupName=group)
    watch.later(HOUR + 10 * MINUTE)
    in_alarm(watch, quiet)
    watch.notified([(alarm, OK)])


@kinds("metrics-differ")
def test_what_aws_counts_differs_from_what_a_run_has_counted(watch: Watch, quiet: set[str]) -> None:
    """A run with throttles, errors and answers agrees; one of which AWS counts half of the answers does not."""
    alarm = watch.alarm("metrics-differ", SCHEDULED)
    faults = {watch.stack.environment.models["search"].id: {"throttle": 0.2, "503": 0.1, "408": 0.03}}
    watch.stack.simulator("PUT", "config", {"faults": faults})
    ran(watch)
    watch.later(HOUR)
    in_alarm(watch, quiet)
    counted = watchdog_log(watch, HELD_QUERY, "run_counted")
    assert len(counted) >= 16
    assert set(counted) > {"0"}
    watch.stack.simulator("PUT", "config", {"faults": {}, "publishing": {"unpublished": 0.5}})
    ran(watch)
    watch.stack.simulator("PUT", "config", {"publishing": {}})
    watch.later(HOUR)
    in_alarm(watch, quiet, alarm)
    (message,) = watch.notified([(alarm, ALARM)])
    assert message.body["value"] >= 1
    ran(watch)
    watch.later(HOUR)
    in_alarm(watch, quiet)
    watch.notified([(alarm, OK)])


def ran(watch: Watch) -> None:
    """Run the evaluation without quality alarms by hand, and let half an hour pass."""
    machine = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{watch.stack.names.state_machine}"
    asked = {"evaluation": SCHEDULED, "scheduledTime": f"{watch.now:%Y-%m-%dT%H:%M:%SZ}", "manual": "0a1b"}
    started = watch.stack.clients.stepfunctions.start_execution(stateMachineArn=machine, input=json.dumps(asked))
    assert watch.stack.wait(started["executionArn"])["status"] == "SUCCEEDED"
    watch.later(HOUR / 2 + MINUTE)


def watchdog_log(watch: Watch, query: str, field: str) -> list[str]:
    """What a table of the dashboard shows in a column."""
    logs, now = watch.client("logs"), int(watch.now.timestamp())
    started = logs.start_query(
        logGroupName=f"/aws/lambda/{watch.stack.names.watchdog}",
        startTime=now - DAY,
        # The newest lines may be of this very second.
        endTime=now + 1,
        queryString=query,
    )
    rows = logs.get_query_results(queryId=started["queryId"])["results"]
    return [cell["value"] for row in rows for cell in row if cell["field"] == field]


@kinds("dead-letters")
def test_a_schedule_whose_target_is_gone_leaves_a_dead_letter(watch: Watch, quiet: set[str]) -> None:
    """The alarm lasts until the queue is empty, also while the queue sleeps and has no metrics."""
    names, clients = watch.stack.names, watch.stack.clients
    schedule = clients.scheduler.get_schedule(GroupName=names.schedule_group, Name=names.schedule(SCHEDULED))
    target = {**schedule["Target"], "Arn": schedule["Target"]["Arn"] + "-gone"}
    due = watch.now + timedelta(minutes=1)
    clients.scheduler.create_schedule(
        Name="once",
        GroupName=names.schedule_group,
        ScheduleExpression=f"at({due:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        ActionAfterCompletion="DELETE",
        Target=target,
    )
    watch.later(2 * MINUTE)
    # A queue that has slept needs a quarter of an hour to report.
    watch.later(16 * MINUTE)
    alarm = watch.alarm("dead-letters")
    in_alarm(watch, quiet, alarm)
    (message,) = watch.notified([(alarm, ALARM)])
    assert names.dead_letters in message.text
    # Nine hours later it sleeps, if nothing has accessed it; the letter is still there.
    watch.later(9 * HOUR)
    in_alarm(watch, quiet, alarm)
    watch.later(30 * MINUTE)
    in_alarm(watch, quiet, alarm)
    # As in the runbook: read the attributes, then empty the queue.
    queue = clients.sqs.get_queue_url(QueueName=names.dead_letters)["QueueUrl"]
    (letter,) = clients.sqs.receive_message(QueueUrl=queue, MessageAttributeNames=["All"])["Messages"]
    assert letter["MessageAttributes"]["TARGET_ARN"]["StringValue"] == target["Arn"]
    clients.sqs.purge_queue(QueueUrl=queue)
    # The queue may sleep; the watchdog says it within the hour.
    watch.later(HOUR)
    watch.later(6 * MINUTE)
    in_alarm(watch, quiet)
    watch.notified([(alarm, OK)])


@kinds("legacy-model", "undelivered")
def test_a_subscriber_that_cannot_be_reached_notifies_the_others_once_a_day(watch: Watch, quiet: set[str]) -> None:
    """The queue of a pager is gone. Notifications about that fail there as well, until its subscription is removed."""
    sns, topic = watch.client("sns"), watch.stack.deployment.outputs["MessagesTopicArn"]
    gone = f"arn:aws:sqs:{REGION}:{ACCOUNT}:pager"
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=gone, ReturnSubscriptionArn=True)
    legacy, alarm = watch.alarm("legacy-model", "old"), watch.alarm("undelivered")
    watch.call_in_periods("old", periods=1, times=1)
    watch.later(MINUTE)
    in_alarm(watch, quiet, legacy, alarm)
    by_alarm = {message.alarm: message for message in watch.notified(changes([legacy, alarm], ALARM))}
    assert watch.stack.names.messages_topic in by_alarm[alarm].text
    sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    watch.later(DAY + 2 * HOUR)
    in_alarm(watch, quiet)
    watch.notified(changes([legacy, alarm], OK))


def directly(messages: Collection[Notification]) -> Notification:
    """The one notification that the watchdog sent itself."""
    (found,) = [message for message in messages if "(from the watchdog)" in message.body["subject"]]
    assert "cloudwatch" not in found.body
    return found


@kinds("subscribers-missing")
def test_a_subscriber_who_is_gone_notifies_the_others(watch: Watch, quiet: set[str]) -> None:
    """A click in a mail unsubscribes. The alarm notifies, and the watchdog names the subscriber directly; once."""
    alarm = watch.alarm("subscribers-missing")
    watch.client("sns").unsubscribe(SubscriptionArn=watch.subscribe())
    watch.later(HOUR)
    in_alarm(watch, quiet, alarm)
    message = directly(watch.notified([(alarm, ALARM), (alarm, ALARM)]))
    assert "e-mail o***@example.com" in message.text
    assert "on-call@" not in json.dumps(message.body)
    watch.later(HOUR)
    in_alarm(watch, quiet, alarm)
    watch.notified([])
    watch.confirm()
    watch.later(HOUR)
    watch.later(HOUR)
    in_alarm(watch, quiet)
    watch.notified([(alarm, OK)])


@kinds("subscribers-pending", "subscribers-missing")
def test_a_pending_subscriber_notifies_before_sns_deletes_the_subscription(watch: Watch, quiet: set[str]) -> None:
    pending, missing = watch.alarm("subscribers-pending"), watch.alarm("subscribers-missing")
    watch.client("sns").unsubscribe(SubscriptionArn=watch.subscribe())
    watch.subscribe()
    for _ in range(11):
        watch.later(HOUR)
    in_alarm(watch, quiet)
    watch.later(HOUR)
    watch.later(HOUR)
    in_alarm(watch, quiet, pending)
    assert "e-mail o***@example.com" in directly(watch.notified([(pending, ALARM), (pending, ALARM)])).text
    watch.later(36 * HOUR)
    in_alarm(watch, quiet, missing)
    directly(watch.notified([(pending, OK), (missing, ALARM), (missing, ALARM)]))
    watch.confirm()
    watch.later(HOUR)
    watch.later(HOUR)
    in_alarm(watch, quiet)
    watch.notified([(missing, OK)])


@kinds("legacy-model", "actions-failed")
def test_an_alarm_that_its_topic_refuses_is_notified_directly(watch: Watch, quiet: set[str]) -> None:
    """Its own alarm is refused as well, so that the watchdog's message is the only word."""
    sns, topic = watch.client("sns"), watch.stack.deployment.outputs["TopicArn"]
    policy = sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"]
    refusing = [each for each in json.loads(policy)["Statement"] if each.get("Sid") != "AlarmsMayPublish"]
    assert len(refusing) < len(json.loads(policy)["Statement"])
    set_policy(watch, topic, json.dumps({"Version": "2012-10-17", "Statement": refusing}))
    legacy, failed = watch.alarm("legacy-model", "old"), watch.alarm("actions-failed")
    watch.call_in_periods("old", periods=1, times=1)
    watch.notified([])
    watch.later(HOUR)
    in_alarm(watch, quiet, legacy, failed)
    message = directly(watch.notified([(failed, ALARM)]))
    assert f"{watch.stack.names.prefix}-{legacy}: " in message.text
    assert "not authorized to perform: SNS:Publish" in message.text
    set_policy(watch, topic, policy)
    watch.later(HOUR)
    in_alarm(watch, quiet, legacy, failed)
    watch.notified([])
    watch.later(DAY + 2 * HOUR)
    in_alarm(watch, quiet)
    # The next day's message is about its own refused action.
    received = watch.notified([(failed, ALARM), *changes([legacy, failed], OK)])
    (message,) = [each for each in received if each.state == ALARM]
    assert f"{watch.stack.names.prefix}-{failed}: " in directly([message]).text


def set_policy(watch: Watch, topic: str, policy: str) -> None:
    watch.client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)


@kinds("legacy-model", "formatter-errors")
def test_a_formatter_that_fails_loses_no_notification(watch: Watch, quiet: set[str]) -> None:
    """The alarm that it could not say comes as CloudWatch sent it, and so does its own, every hour until it works."""
    functions, name = watch.stack.clients.functions, watch.stack.names.alarm_formatter
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    broken = {key: value for key, value in variables.items() if key != "MESSAGES_TOPIC"}
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": broken})
    legacy, own = watch.alarm("legacy-model", "old"), watch.alarm("formatter-errors")
    watch.call_in_periods("old", periods=1, times=1)
    # SNS calls the function after the alarm's change, so that its errors show a moment later.
    watch.later(MINUTE)
    in_alarm(watch, quiet, legacy, own)
    watch.notified([(legacy, ALARM), (own, ALARM)])
    watch.later(HOUR + 10 * MINUTE)
    watch.later(MINUTE)
    in_alarm(watch, quiet, legacy, own)
    watch.notified([(own, OK), (own, ALARM)])
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
    watch.later(HOUR + 10 * MINUTE)
    in_alarm(watch, quiet, legacy)
    (message,) = watch.notified([(own, OK)])
    assert message.body["subject"].endswith(" is OK")
    watch.later(DAY)
    in_alarm(watch, quiet)
    (message,) = watch.notified([(legacy, OK)])
    assert "Runbook: https://example.com/runbook.md#legacy-model" in message.text


# --- runs ---------------------------------------------------------------------------------------------------------


def run(watch: Watch, scheduled: str | None = None) -> dict[str, Any]:
    """Start an execution for a scheduled time, now unless it is given; how it ended."""
    when = scheduled or f"{watch.now:%Y-%m-%dT%H:%M:%SZ}"
    ended = watch.stack.wait(watch.stack.begin(QUALITY, when))
    watch.later(MINUTE)
    return ended


def accept(watch: Watch, run_id: str, patch: pytest.MonkeyPatch) -> None:
    """`ops runs accept` of a run of QUALITY."""
    endpoint = watch.stack.deployment.endpoint
    for key, value in endpoint.environment.items():
        if key.startswith("AWS_"):
            patch.setenv(key, value)
    patch.setenv("BEDROCK_EVAL_ENVIRONMENTS", str(watch.stack.directory / "environments"))
    options = ["--evaluation", QUALITY, "--env", ENVIRONMENT, "--endpoint-url", endpoint.url]
    assert main(["runs", "accept", run_id, *options]) == 0


def a_good_run_ends(watch: Watch, quiet: set[str], notified: Collection[str], *, after: float) -> None:
    """What a run leaves standing is over once a good run is the newest and the bad one is out of sight."""
    watch.later(after)
    assert watch.in_alarm() > quiet, "silence is no good news"
    assert run(watch)["status"] == "SUCCEEDED"
    in_alarm(watch, quiet)
    watch.notified(changes(notified, OK))


@kinds("inconclusive")
def test_a_baseline_that_nobody_has_accepted_decides_nothing(
    watch: Watch, quiet: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day of a week is enough here; once the run is accepted and a week is over, a run that decides ends it."""
    assert run(watch, PINNED)["status"] == "SUCCEEDED"
    alarms = [watch.alarm("inconclusive", QUALITY, candidate, METRIC) for candidate in ("chat", "search")]
    composites = [watch.alarm("warning", "quality", QUALITY, candidate) for candidate in ("chat", "search")]
    in_alarm(watch, quiet, *alarms, *composites)
    watch.notified(changes(composites, ALARM))
    accept(watch, "20260101T060000Z", monkeypatch)
    a_good_run_ends(watch, quiet, composites, after=8 * DAY)


@kinds("verdict")
def test_a_quality_drop_between_two_answer_sets(watch: Watch, quiet: set[str], answers: dict[str, Path]) -> None:
    """Only the candidate whose answers became worse causes an alarm; the message links the run."""
    watch.stack.simulator("PUT", "config", {"answers": [str(answers["worse"])]})
    assert run(watch)["status"] == "SUCCEEDED"
    alarm = watch.alarm("verdict", QUALITY, "chat", METRIC)
    in_alarm(watch, quiet, alarm)
    (message,) = watch.notified([(alarm, ALARM)])
    body, newest = message.body, newest_run(watch)
    assert body["subject"] == f"CRITICAL {watch.stack.names.prefix}-{alarm} is in alarm"[:99]
    assert (body["evaluation"], body["run_id"], body["severity"]) == (QUALITY, newest, "critical")
    assert (
        "Value: 3 (failed or worse). In alarm at or above 3 (failed or worse), in 1 of 24 periods of 1 h."
        in message.text
    )
    bucket, links = watch.stack.bucket, body["links"]
    assert links["run"] == f"{CONSOLE}/s3/buckets/{bucket}?region=us-east-1&prefix=runs/{QUALITY}/{newest}/"
    assert links["report"] == (
        f"{CONSOLE}/s3/object/{bucket}?region=us-east-1&prefix=runs/{QUALITY}/{newest}/report.html"
    )
    assert f"runs/{QUALITY}/{newest}/report.html" in watch.stack.keys(f"runs/{QUALITY}/{newest}/")
    assert links["dashboard"].endswith(f"#dashboards/dashboard/{watch.stack.names.dashboard}")
    assert links["runbook"] == "https://example.com/runbook.md#verdict"
    assert links["alarm"].endswith(watch.stack.names.alarm("verdict", QUALITY, "chat", METRIC))
    assert all(f": {url}" in message.text for url in links.values())
    watch.stack.simulator("PUT", "config", {"answers": [str(answers["good"])]})
    a_good_run_ends(watch, quiet, [alarm], after=DAY)


def newest_run(watch: Watch) -> str:
    return max(key.split("/")[2] for key in watch.stack.keys(f"runs/{QUALITY}/") if key.count("/") > 2)


@kinds("coverage", "inconclusive")
def test_a_run_with_too_few_answers(watch: Watch, quiet: set[str]) -> None:
    """Low coverage, and so no verdict: two alarms, one message."""
    watch.fault("chat", **{"424": 0.5})
    assert run(watch)["status"] == "SUCCEEDED"
    composite = watch.alarm("warning", "quality", QUALITY, "chat")
    alarms = [watch.alarm("coverage", QUALITY, "chat"), watch.alarm("inconclusive", QUALITY, "chat", METRIC)]
    in_alarm(watch, quiet, *alarms, composite)
    watch.notified([(composite, ALARM)])
    watch.fault("chat")
    a_good_run_ends(watch, quiet, [composite], after=8 * DAY)


@kinds("run-failed", "executions-failed")
def test_a_run_that_fails(watch: Watch, quiet: set[str]) -> None:
    """The execution is over in minutes, the run is missing until there is another."""
    watch.fault("chat", denied=1.0)
    assert run(watch)["status"] == "FAILED"
    failed, execution = watch.alarm("run-failed", QUALITY), watch.alarm("executions-failed")
    in_alarm(watch, quiet, failed, execution)
    by_alarm = {message.alarm: message for message in watch.notified(changes([failed, execution], ALARM))}
    assert by_alarm[failed].body["links"]["run"].endswith(f"prefix=runs/{QUALITY}/{newest_run(watch)}/")
    assert "report" not in by_alarm[failed].body["links"]
    watch.fault("chat")
    watch.later(10 * MINUTE)
    in_alarm(watch, quiet, failed)
    watch.notified([(execution, OK)])
    a_good_run_ends(watch, quiet, [failed], after=DAY)


@kinds("executions-failed")
def test_an_execution_that_somebody_aborts(watch: Watch, quiet: set[str]) -> None:
    watch.fault("chat", stall=1.0, stall_seconds=1.0)
    execution = watch.stack.begin(QUALITY, f"{watch.now:%Y-%m-%dT%H:%M:%SZ}")
    watch.stack.clients.stepfunctions.stop_execution(executionArn=execution)
    watch.later(MINUTE)
    alarm = watch.alarm("executions-failed")
    in_alarm(watch, quiet, alarm)
    watch.notified([(alarm, ALARM)])
    watch.later(10 * MINUTE)
    in_alarm(watch, quiet)
    watch.notified([(alarm, OK)])


@kinds("jobs-left")
def test_jobs_that_are_refused_to_be_deleted(watch: Watch, quiet: set[str]) -> None:
    """The run succeeds and its scores are published; the alarm lasts until a run leaves no jobs in Bedrock."""
    alarm = watch.alarm("jobs-left", BY_JOBS)
    for refusal, left in ((None, ()), ("AccessDeniedException", (alarm,))):
        watch.stack.simulator("PUT", "config", {"evaluation_jobs": {"seconds": 0, "delete_refusal": refusal}})
        run_by_jobs(watch)
        in_alarm(watch, quiet, *left)
    (message,) = watch.notified([(alarm, ALARM)])
    assert "refused to stop or delete" in message.text
    watch.stack.simulator("PUT", "config", {"evaluation_jobs": {"seconds": 0}})
    watch.later(DAY)
    run_by_jobs(watch)
    watch.later(MINUTE)
    in_alarm(watch, quiet)
    watch.notified([(alarm, OK)])


def run_by_jobs(watch: Watch) -> None:
    watch.next_period(HOUR)
    execution = watch.stack.begin(BY_JOBS, f"{watch.now:%Y-%m-%dT%H:%M:%SZ}")
    assert watch.stack.wait(execution)["status"] == "SUCCEEDED"
    watch.later(MINUTE)


# --- signs of life ------------------------------------------------------------------------------------------------


def switch(watch: Watch, schedule: str, state: str) -> None:
    """Enable or disable a deployed schedule."""
    scheduler, group = watch.stack.clients.scheduler, watch.stack.names.schedule_group
    found = scheduler.get_schedule(GroupName=group, Name=schedule)
    kept = ("Name", "GroupName", "ScheduleExpression", "ScheduleExpressionTimezone", "FlexibleTimeWindow", "Target")
    scheduler.update_schedule(**{key: found[key] for key in kept if key in found}, State=state)


@kinds("watchdog-silent", "run-overdue")
def test_a_silent_watchdog_notifies_and_explains_the_overdue_run(watch: Watch, quiet: set[str]) -> None:
    schedule = f"{watch.stack.names.watchdog}_hourly"
    switch(watch, schedule, "DISABLED")
    silent, overdue = watch.alarm("watchdog-silent"), watch.alarm("run-overdue", SCHEDULED)
    watch.later(HOUR + MINUTE)
    in_alarm(watch, quiet)
    watch.later(HOUR)
    in_alarm(watch, quiet, silent)
    (message,) = watch.notified([(silent, ALARM)])
    assert "watchdog" in message.text
    watch.later(HOUR)
    in_alarm(watch, quiet, silent, overdue)
    watch.notified([])
    switch(watch, schedule, "ENABLED")
    watch.later(HOUR)
    watch.later(MINUTE)
    in_alarm(watch, quiet)
    watch.notified([(silent, OK)])


@kinds("run-overdue")
def test_a_schedule_that_stopped(watch: Watch, quiet: set[str]) -> None:
    """A rate schedule runs at the deploy and when it is due; disabled, the missing run causes an alarm."""
    clients, names = watch.stack.clients, watch.stack.names
    schedule = clients.scheduler.get_schedule(GroupName=names.schedule_group, Name=names.schedule(SCHEDULED))
    due = schedule["CreationDate"].timestamp() + 60 * DAY
    overdue, composite = watch.alarm("run-overdue", SCHEDULED), watch.alarm("critical", "run", SCHEDULED)
    before = ended(watch, SCHEDULED)
    assert before == ["SUCCEEDED"] * len(before) != [], "at the deploy, and those by hand of other tests"
    watch.later(due - watch.now.timestamp() + MINUTE)
    assert ended(watch, SCHEDULED) == ["SUCCEEDED", *before]
    states = [watch.stack.read(key)["status"] for key in watch.stack.keys(f"runs/{SCHEDULED}/") if "run.json" in key]
    assert states == ["finished", *("finished" for _ in before)]
    for _ in range(3):
        watch.later(DAY)
        in_alarm(watch, quiet)
    switch(watch, names.schedule(SCHEDULED), "DISABLED")
    watch.later(61 * DAY)
    for _ in range(3):
        watch.later(HOUR)
    in_alarm(watch, quiet, overdue, composite)
    (message,) = watch.notified([(composite, ALARM)])
    assert [child["kind"] for child in message.body["children"]] == ["run-overdue"]
    # Any finished run since clears it within the hour.
    when = f"{watch.now:%Y-%m-%dT%H:%M:%SZ}"
    assert watch.stack.wait(watch.stack.begin(SCHEDULED, when))["status"] == "SUCCEEDED"
    watch.later(HOUR)
    in_alarm(watch, quiet)
    watch.notified([(composite, OK)])
    # Enabled again, a rate schedule may run at once: that run is too early, calls no model and causes no alarm.
    asked = watch.stack.simulator("GET", "calls")
    switch(watch, names.schedule(SCHEDULED), "ENABLED")
    watch.later(MINUTE)
    assert ended(watch, SCHEDULED) == ["SUCCEEDED"] * (len(before) + 3)
    (newest, *_) = sorted((key for key in watch.stack.keys(f"runs/{SCHEDULED}/") if "run.json" in key), reverse=True)
    assert (watch.stack.read(newest)["status"], watch.stack.read(newest)["reason"]) == ("skipped", "too_early")
    assert watch.stack.simulator("GET", "calls") == asked


def ended(watch: Watch, evaluation: str) -> list[str]:
    """How the executions of an evaluation ended."""
    machine = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{watch.stack.names.state_machine}"
    found = watch.stack.clients.stepfunctions.list_executions(stateMachineArn=machine)["executions"]
    described = [watch.stack.wait(execution["executionArn"]) for execution in found]
    return [each["status"] for each in described if json.loads(each["input"])["evaluation"] == evaluation]


def marks_of(test: object) -> Iterator[pytest.Mark]:
    """The marks of a test, with those of its parameters."""
    for mark in getattr(test, "pytestmark", ()):
        yield mark
        if mark.name == "parametrize":
            yield from (each for parameters in mark.args[1] for each in getattr(parameters, "marks", ()))


def test_every_kind_has_a_test() -> None:
    """A new kind of alarm is provoked here too; a test fails when the alarms that its mark names do not begin."""
    marks = [mark for name, test in globals().items() if name.startswith("test_") for mark in marks_of(test)]
    assert {kind for mark in marks if mark.name == "kinds" for kind in mark.args} == set(KINDS)
