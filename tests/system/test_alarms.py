"""Every kind of alarm is made to ring by what it is about, alone, and to fall silent again; people are told once.

The alarms are those of the templates as deployed, the calls real calls of the stand-in, the runs real runs of the
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
from environments.load import load_environments
from local.deployment import ENVIRONMENT, ROOT
from local.emulator.readings import CONTRARY, VARIABLE
from local.process import ACCOUNT, REGION
from ops.__main__ import main
from tests.frozen import ANSWERS
from tests.metric_math import choose

from .conftest import deployed
from .watching import DAY, HOUR, MINUTE, Told, Watch

QUALITY, SCHEDULED, BY_JOBS = "quality", "scheduled", "by-jobs"
METRIC = "relevance_score"
PINNED = "2026-01-01T06:00:00Z"
ALARM, OK = "ALARM", "OK"
CONSOLE = "https://us-east-1.console.aws.amazon.com"


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
    with deployed(directory, answers=answers["good"], environments=folder, standin=far_off) as stack:
        # The other system tests run under the usual readings.
        if VARIABLE not in os.environ:
            choose(stack.deployment.endpoint.url, CONTRARY)
        watch = Watch(stack, tuple(dict.fromkeys(line["prompt"] for line in sample())))
        watch.confirm()
        watch.bill(12.5)
        watch.later(MINUTE)
        assert watch.ringing() == set()
        # Every alarm has said by now that all is well, and nobody needed to hear it.
        watch.told([])
        yield watch


def ends_of_old(day: date) -> dict[str, dict[str, str]]:
    """The stand-in's configuration with which AWS announces this end of life of the model `old`."""
    old = Model(read_environment(ROOT / "tests" / "system", "alarms").models["old"].id, region="us-east-1")
    return {"ends_of_life": {old.base_id: day.isoformat()}}


@pytest.fixture(autouse=True)
def quiet(watch: Watch, answers: dict[str, Path]) -> Iterator[set[str]]:
    """A test begins and ends without faults; what rings at its end is what rang before, and nobody is told more."""
    usual = {"faults": {}, "default_latency_ms": 800, "answers": [str(answers["good"])], "publishing": {}}
    watch.stack.standin("PUT", "config", usual)
    before = watch.ringing()
    yield before
    assert watch.ringing() == before
    watch.told([])


def rings(watch: Watch, quiet: set[str], *expected: str) -> None:
    """These ring beside what rang before, and no other."""
    assert watch.ringing() - quiet == set(expected)


def changes(names: Collection[str], state: str) -> list[tuple[str, str]]:
    return [(name, state) for name in names]


# --- life of a model ------------------------------------------------------------------------------------------------


def test_a_model_that_comes_to_its_end(watch: Watch, quiet: set[str]) -> None:
    """It rings from the first day below the limit on, and is over when AWS puts the end off."""
    alarm, days = watch.alarm("end-of-life", "old"), watch.stack.environment.alarms.end_of_life_days
    if watch.now.hour >= 22:
        # No midnight within the next hour.
        watch.later(3 * HOUR)
    end = watch.now.date() + timedelta(days=days)
    watch.stack.standin("PUT", "config", ends_of_old(end))
    watch.later(HOUR)
    rings(watch, quiet)
    watch.later(DAY)
    rings(watch, quiet, alarm)
    (message,) = watch.told([(alarm, ALARM)])
    assert f"Value: {days - 1} days; it rings below {days} days, in 1 h." in message.text
    watch.stack.standin("PUT", "config", ends_of_old(end + timedelta(days=1_000)))
    watch.later(HOUR)
    watch.later(HOUR)
    rings(watch, quiet)
    (message,) = watch.told([(alarm, OK)])
    assert f"Value: {days - 1 + 1_000:,} days" in message.text


# --- service ------------------------------------------------------------------------------------------------------


def service(watch: Watch, model: str) -> str:
    return watch.alarm("warning", "service", model)


@pytest.mark.parametrize(
    ("shares", "kinds", "composite"),
    [
        ({"throttle": 1.0}, ["throttles", "throttle-count"], True),
        ({"throttle": 0.5}, ["throttles"], True),
        ({"503": 1.0}, ["server-errors"], False),
        ({"denied": 1.0}, ["client-errors"], True),
    ],
    ids=["throttled throughout", "throttled in part", "server errors", "client errors"],
)
def test_calls_that_fail(
    watch: Watch, quiet: set[str], shares: dict[str, float], kinds: list[str], composite: bool
) -> None:
    """Two bad periods of three; one is not enough. A warning is told by the incident, once, whatever it is made of."""
    alarms = [watch.alarm(kind, "chat") for kind in kinds]
    composites = [service(watch, "chat")] if composite else []
    watch.fault("chat", **shares)
    watch.call_in_periods("chat", periods=1)
    rings(watch, quiet)
    watch.call_in_periods("chat", periods=1)
    rings(watch, quiet, *alarms, *composites)
    (message,) = watch.told(changes(composites or alarms, ALARM))
    for story in message.body["children"] or [message.body]:
        unit = KINDS[story["kind"]].unit
        assert f"Value: {unit.of(story['value'])}; " in message.text
        assert unit.of(story["threshold"]) in message.text
    # Those that ring when it is written; the others may follow within the same minute.
    assert {child["kind"] for child in message.body["children"]} <= set(kinds)
    assert bool(message.body["children"]) == composite
    recovers(watch, quiet, "chat", composites or alarms)


def recovers(watch: Watch, quiet: set[str], model: str, told: Collection[str], **calls: Any) -> None:
    """Without the fault, and with calls, until no bad period is left in what an alarm looks at: three and two more."""
    watch.fault(model)
    watch.call_in_periods(model, periods=5, **calls)
    rings(watch, quiet)
    watch.told(changes(told, OK))


def test_a_slow_service(watch: Watch, quiet: set[str]) -> None:
    """Latency, the speed of streamed answers, and what was usual before: three bad periods of five, one message."""
    watch.call_in_periods("search", periods=4, stream=True)
    watch.later(HOUR)
    alarms = [watch.alarm(kind, "search") for kind in ("latency-p90", "latency-anomaly", "output-speed")]
    watch.stack.standin("PUT", "config", {"default_latency_ms": 40_000})
    watch.call_in_periods("search", periods=2, stream=True)
    rings(watch, quiet)
    watch.call_in_periods("search", periods=1, stream=True)
    rings(watch, quiet, *alarms, service(watch, "search"))
    (message,) = watch.told([(service(watch, "search"), ALARM)])
    by_kind = {child["kind"]: child for child in message.body["children"]}
    assert re.fullmatch(r"[\d,.]+ ms", by_kind["latency-p90"]["value_text"])
    watch.stack.standin("PUT", "config", {"default_latency_ms": 800})
    recovers(watch, quiet, "search", [service(watch, "search")], stream=True)


def test_longer_answers_are_told_from_a_slow_service(watch: Watch, quiet: set[str], answers: dict[str, Path]) -> None:
    """They take longer, and come as fast as before."""
    watch.stack.standin("PUT", "config", {"answers": [str(answers["long"])]})
    watch.call_in_periods("chat", periods=3, stream=True)
    rings(watch, quiet, watch.alarm("latency-p90", "chat"), service(watch, "chat"))
    watch.told([(service(watch, "chat"), ALARM)])
    watch.stack.standin("PUT", "config", {"answers": [str(answers["good"])]})
    recovers(watch, quiet, "chat", [service(watch, "chat")], stream=True)


def test_without_traffic_nothing_rings_and_below_the_floor_rates_say_nothing(watch: Watch, quiet: set[str]) -> None:
    watch.fault("chat", **{"503": 1.0})
    watch.call_in_periods("chat", periods=3, times=2)
    rings(watch, quiet)
    watch.later(2 * HOUR)
    rings(watch, quiet)


def test_a_guardrail_that_intervenes_inside_of_calls(watch: Watch, quiet: set[str]) -> None:
    """Counted in the log, under the id and under the ARN that callers name the model by; ApplyGuardrail has no part."""
    (guardrail,) = watch.stack.environment.guardrails
    guarded = {"guardrailConfig": {"guardrailIdentifier": guardrail.id, "guardrailVersion": guardrail.version}}
    alarm = watch.alarm("model-interventions", "chat")
    watch.fault("chat", guardrail=1.0)
    watch.call_in_periods("chat", periods=2, **guarded)
    rings(watch, quiet)
    watch.call_in_periods("chat", periods=1, by_arn=True, **guarded)
    rings(watch, quiet, alarm)
    (message,) = watch.told([(alarm, ALARM)])
    assert "Value: 100 % of requests; it rings above 20 % of requests" in message.text
    recovers(watch, quiet, "chat", [alarm], **guarded)


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

    watch.stack.standin("PUT", "config", {"faults": {guardrail.id: {"guardrail": 1.0}}})
    apply(periods=2)
    rings(watch, quiet)
    apply(periods=1)
    rings(watch, quiet, alarm)
    (message,) = watch.told([(alarm, ALARM)])
    assert "Value: 100 % of calls; it rings above 20 % of calls" in message.text
    watch.stack.standin("PUT", "config", {"faults": {}})
    apply(periods=5)
    rings(watch, quiet)
    watch.told([(alarm, OK)])


# --- usage and cost -----------------------------------------------------------------------------------------------


def test_a_quota_that_is_nearly_used(watch: Watch, quiet: set[str]) -> None:
    """Three minutes of five."""
    composite = watch.alarm("warning", "usage", "busy")
    watch.call_in_periods("busy", periods=2, seconds=MINUTE)
    rings(watch, quiet)
    watch.call_in_periods("busy", periods=1, seconds=MINUTE)
    rings(watch, quiet, watch.alarm("quota-tokens", "busy"), watch.alarm("quota-requests", "busy"), composite)
    (message,) = watch.told([(composite, ALARM)])
    assert "Value: 100 % of the quota" in message.text
    watch.later(10 * MINUTE)
    rings(watch, quiet)
    watch.told([(composite, OK)])


def test_tokens_and_cost_of_an_hour_and_of_a_day(watch: Watch, quiet: set[str]) -> None:
    """Those of the hour are over first; the incident is over with those of the day."""
    of_hour = [watch.alarm(kind, "metered") for kind in ("tokens-per-hour", "cost-per-hour")]
    of_day = [watch.alarm(kind, "metered") for kind in ("tokens-per-day", "cost-per-day")]
    composite = watch.alarm("warning", "usage", "metered")
    watch.call_in_periods("metered", periods=1)
    rings(watch, quiet, *of_hour, *of_day, composite)
    watch.told([(composite, ALARM)])
    watch.later(HOUR)
    rings(watch, quiet, *of_day, composite)
    watch.later(DAY)
    rings(watch, quiet)
    watch.told([(composite, OK)])


@pytest.mark.parametrize(
    ("kind", "model"), [("unpriced-tokens", "unpriced"), ("legacy-model", "old")], ids=["without a rate", "legacy"]
)
def test_a_call_that_is_news_for_a_day(watch: Watch, quiet: set[str], kind: str, model: str) -> None:
    alarm = watch.alarm(kind, model)
    watch.call_in_periods(model, periods=1, times=1)
    rings(watch, quiet, alarm)
    watch.told([(alarm, ALARM)])
    watch.later(DAY)
    rings(watch, quiet)
    watch.told([(alarm, OK)])


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
    rings(watch, quiet)
    for _ in range(3):
        watch.later(HOUR)
    rings(watch, quiet, alarm)
    (message,) = watch.told([(alarm, ALARM)])
    assert "cost allocation" in message.text
    watch.bill(0.01)
    watch.later(HOUR)
    rings(watch, quiet)
    watch.told([(alarm, OK)])
    watch.bill(12.5)


# --- delivery -----------------------------------------------------------------------------------------------------


def test_an_invocation_log_that_is_gone(watch: Watch, quiet: set[str]) -> None:
    group = watch.stack.environment.invocation_logging.log_group
    alarm = watch.alarm("log-delivery")
    watch.client("logs").delete_log_group(logGroupName=group)
    watch.call_in_periods("chat", periods=1)
    rings(watch, quiet, alarm)
    watch.told([(alarm, ALARM)])
    # A call now and then: it is one incident.
    watch.later(20 * MINUTE)
    watch.call_in_periods("chat", periods=1, times=1)
    rings(watch, quiet, alarm)
    watch.told([])
    watch.client("logs").create_log_group(logGroupName=group)
    watch.later(HOUR + 10 * MINUTE)
    rings(watch, quiet)
    watch.told([(alarm, OK)])


# --- what nobody watches ------------------------------------------------------------------------------------------


def test_a_model_that_nobody_declared(watch: Watch, quiet: set[str]) -> None:
    """Whoever calls it, and whatever comes of it; told once while it is called, and over when it is not."""
    alarm, stranger = watch.alarm("unwatched-models"), "us.meta.llama4-scout-17b-instruct-v1:0"
    with suppress(ClientError):
        messages = [{"role": "user", "content": [{"text": "Hello?"}]}]
        watch.runtime.converse(modelId=stranger, messages=messages)
    watch.later(HOUR)
    rings(watch, quiet, alarm)
    watch.told([(alarm, ALARM)])
    assert stranger in watchdog_log(watch, UNWATCHED_QUERY, "model")
    watch.later(4 * HOUR)
    watch.later(HOUR)
    rings(watch, quiet)
    watch.told([(alarm, OK)])


def test_calls_under_dimensions_that_nobody_reads(watch: Watch, quiet: set[str]) -> None:
    """Tiers beside the plain set of a model hold nothing new; calls in no other set are seen by nobody."""
    alarm = watch.alarm("unread-metrics")
    watch.later(4 * HOUR)
    watch.stack.standin("PUT", "config", {"publishing": {"tiers": True}})
    watch.call("chat", times=3)
    watch.later(HOUR)
    rings(watch, quiet)
    watch.later(4 * HOUR)
    watch.stack.standin("PUT", "config", {"publishing": {"tiers_apart": True}})
    watch.call("chat", times=3)
    watch.stack.standin("PUT", "config", {"publishing": {}})
    watch.later(HOUR)
    rings(watch, quiet, alarm)
    watch.told([(alarm, ALARM)])
    assert "Invocations" in watchdog_log(watch, UNREAD_QUERY, "metric")
    watch.later(4 * HOUR)
    watch.later(HOUR)
    rings(watch, quiet)
    watch.told([(alarm, OK)])


def test_log_delivery_under_the_dimension_of_aws_pages(watch: Watch, quiet: set[str]) -> None:
    """Lost logs ring, with whichever dimension they are counted; and it is read, so nobody is told of that."""
    # No run of the last day is held against the log that is lost here.
    watch.later(26 * HOUR)
    group, alarm = watch.stack.environment.invocation_logging.log_group, watch.alarm("log-delivery")
    watch.stack.standin("PUT", "config", {"publishing": {"log_delivery": "Across all model IDs"}})
    watch.client("logs").delete_log_group(logGroupName=group)
    watch.call_in_periods("chat", periods=1)
    rings(watch, quiet, alarm)
    watch.told([(alarm, ALARM)])
    watch.client("logs").create_log_group(logGroupName=group)
    watch.later(HOUR + 10 * MINUTE)
    rings(watch, quiet)
    watch.told([(alarm, OK)])


def test_what_aws_counts_differs_from_what_a_run_has_counted(watch: Watch, quiet: set[str]) -> None:
    """A run with throttles, errors and answers agrees; one of which AWS counts half of the answers does not."""
    alarm = watch.alarm("metrics-differ", SCHEDULED)
    faults = {watch.stack.environment.models["search"].id: {"throttle": 0.2, "503": 0.1, "408": 0.03}}
    watch.stack.standin("PUT", "config", {"faults": faults})
    ran(watch)
    watch.later(HOUR)
    rings(watch, quiet)
    counted = watchdog_log(watch, HELD_QUERY, "run_counted")
    assert len(counted) >= 16
    assert set(counted) > {"0"}
    watch.stack.standin("PUT", "config", {"faults": {}, "publishing": {"unpublished": 0.5}})
    ran(watch)
    watch.stack.standin("PUT", "config", {"publishing": {}})
    watch.later(HOUR)
    rings(watch, quiet, alarm)
    (message,) = watch.told([(alarm, ALARM)])
    assert message.body["value"] >= 1
    ran(watch)
    watch.later(HOUR)
    rings(watch, quiet)
    watch.told([(alarm, OK)])


def ran(watch: Watch) -> None:
    """A run by hand of the evaluation that nobody watches for quality, and half an hour more."""
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


def test_a_schedule_whose_target_is_gone_leaves_a_dead_letter(watch: Watch, quiet: set[str]) -> None:
    """It rings until the queue is empty, also while the queue sleeps and has no metrics."""
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
    rings(watch, quiet, alarm)
    (message,) = watch.told([(alarm, ALARM)])
    assert names.dead_letters in message.text
    # Nine hours later it has fallen asleep, if nobody asked it meanwhile; the letter still lies there.
    watch.later(9 * HOUR)
    rings(watch, quiet, alarm)
    watch.later(30 * MINUTE)
    rings(watch, quiet, alarm)
    # What the runbook says: look at the attributes, then empty the queue.
    queue = clients.sqs.get_queue_url(QueueName=names.dead_letters)["QueueUrl"]
    (letter,) = clients.sqs.receive_message(QueueUrl=queue, MessageAttributeNames=["All"])["Messages"]
    assert letter["MessageAttributes"]["TARGET_ARN"]["StringValue"] == target["Arn"]
    clients.sqs.purge_queue(QueueUrl=queue)
    # The queue may sleep; the watchdog says it within the hour.
    watch.later(HOUR)
    watch.later(6 * MINUTE)
    rings(watch, quiet)
    watch.told([(alarm, OK)])


def test_a_subscriber_that_cannot_be_reached_is_told_to_the_others_once_a_day(watch: Watch, quiet: set[str]) -> None:
    """The queue of a pager is gone. What is told of it fails there as well, until its subscription goes."""
    sns, topic = watch.client("sns"), watch.stack.deployment.outputs["MessagesTopicArn"]
    gone = f"arn:aws:sqs:{REGION}:{ACCOUNT}:pager"
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=gone, ReturnSubscriptionArn=True)
    legacy, alarm = watch.alarm("legacy-model", "old"), watch.alarm("undelivered")
    watch.call_in_periods("old", periods=1, times=1)
    watch.later(MINUTE)
    rings(watch, quiet, legacy, alarm)
    by_alarm = {message.alarm: message for message in watch.told(changes([legacy, alarm], ALARM))}
    assert watch.stack.names.messages_topic in by_alarm[alarm].text
    sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    watch.later(DAY + 2 * HOUR)
    rings(watch, quiet)
    watch.told(changes([legacy, alarm], OK))


def directly(messages: Collection[Told]) -> Told:
    """The one message that the watchdog sent itself."""
    (found,) = [message for message in messages if "past the alarms" in message.text]
    assert "cloudwatch" not in found.body
    return found


def test_a_subscriber_who_is_gone_is_told_to_those_who_are_left(watch: Watch, quiet: set[str]) -> None:
    """A click in a mail unsubscribes. The alarm tells, and past it the watchdog, which names who it is; not again."""
    alarm = watch.alarm("subscribers-missing")
    watch.client("sns").unsubscribe(SubscriptionArn=watch.subscribe())
    watch.later(HOUR)
    rings(watch, quiet, alarm)
    message = directly(watch.told([(alarm, ALARM), (alarm, ALARM)]))
    assert "e-mail o***@example.com" in message.text
    assert "on-call@" not in json.dumps(message.body)
    watch.later(HOUR)
    rings(watch, quiet, alarm)
    watch.told([])
    watch.confirm()
    watch.later(HOUR)
    watch.later(HOUR)
    rings(watch, quiet)
    watch.told([(alarm, OK)])


def test_a_subscriber_who_does_not_confirm_is_told_before_sns_deletes_it(watch: Watch, quiet: set[str]) -> None:
    pending, missing = watch.alarm("subscribers-pending"), watch.alarm("subscribers-missing")
    watch.client("sns").unsubscribe(SubscriptionArn=watch.subscribe())
    watch.subscribe()
    for _ in range(11):
        watch.later(HOUR)
    rings(watch, quiet)
    watch.later(HOUR)
    watch.later(HOUR)
    rings(watch, quiet, pending)
    assert "e-mail o***@example.com" in directly(watch.told([(pending, ALARM), (pending, ALARM)])).text
    watch.later(36 * HOUR)
    rings(watch, quiet, missing)
    directly(watch.told([(pending, OK), (missing, ALARM), (missing, ALARM)]))
    watch.confirm()
    watch.later(HOUR)
    watch.later(HOUR)
    rings(watch, quiet)
    watch.told([(missing, OK)])


def test_an_alarm_that_its_topic_refuses_is_told_past_it(watch: Watch, quiet: set[str]) -> None:
    """Its own alarm is refused as well, so that the watchdog's message is the only word."""
    sns, topic = watch.client("sns"), watch.stack.deployment.outputs["TopicArn"]
    policy = sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"]
    refusing = [each for each in json.loads(policy)["Statement"] if each.get("Sid") != "AlarmsMayPublish"]
    assert len(refusing) < len(json.loads(policy)["Statement"])
    set_policy(watch, topic, json.dumps({"Version": "2012-10-17", "Statement": refusing}))
    legacy, failed = watch.alarm("legacy-model", "old"), watch.alarm("actions-failed")
    watch.call_in_periods("old", periods=1, times=1)
    watch.told([])
    watch.later(HOUR)
    rings(watch, quiet, legacy, failed)
    message = directly(watch.told([(failed, ALARM)]))
    assert f"{watch.stack.names.prefix}-{legacy}: " in message.text
    assert "not authorized to perform: SNS:Publish" in message.text
    set_policy(watch, topic, policy)
    watch.later(HOUR)
    rings(watch, quiet, legacy, failed)
    watch.told([])
    watch.later(DAY + 2 * HOUR)
    rings(watch, quiet)
    # Its own refused action is told of by the next day's message.
    told = watch.told([(failed, ALARM), *changes([legacy, failed], OK)])
    (message,) = [each for each in told if each.state == ALARM]
    assert f"{watch.stack.names.prefix}-{failed}: " in directly([message]).text


def set_policy(watch: Watch, topic: str, policy: str) -> None:
    watch.client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)


def test_a_formatter_that_fails_is_told_past_it_and_loses_nothing(watch: Watch, quiet: set[str]) -> None:
    """The alarm that it could not say comes as CloudWatch sent it, and so does its own, every hour until it works."""
    functions, name = watch.stack.clients.functions, watch.stack.names.alarm_formatter
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    broken = {key: value for key, value in variables.items() if key != "MESSAGES_TOPIC"}
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": broken})
    legacy, own = watch.alarm("legacy-model", "old"), watch.alarm("formatter-errors")
    watch.call_in_periods("old", periods=1, times=1)
    # SNS calls the function after the alarm has rung, so that its errors are seen a moment later.
    watch.later(MINUTE)
    rings(watch, quiet, legacy, own)
    watch.told([(legacy, ALARM), (own, ALARM)])
    watch.later(HOUR + 10 * MINUTE)
    watch.later(MINUTE)
    rings(watch, quiet, legacy, own)
    watch.told([(own, OK), (own, ALARM)])
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
    watch.later(HOUR + 10 * MINUTE)
    rings(watch, quiet, legacy)
    (message,) = watch.told([(own, OK)])
    assert message.body["subject"].startswith("CRITICAL is over: ")
    watch.later(DAY)
    rings(watch, quiet)
    (message,) = watch.told([(legacy, OK)])
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


def a_good_run_ends(watch: Watch, quiet: set[str], told: Collection[str], *, after: float) -> None:
    """What a run leaves standing is over once a good run is the newest and the bad one is out of sight."""
    watch.later(after)
    assert watch.ringing() > quiet, "silence is no good news"
    assert run(watch)["status"] == "SUCCEEDED"
    rings(watch, quiet)
    watch.told(changes(told, OK))


def test_a_baseline_that_nobody_has_accepted_decides_nothing(
    watch: Watch, quiet: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day of a week is enough here; once the run is accepted and a week is over, a run that decides ends it."""
    assert run(watch, PINNED)["status"] == "SUCCEEDED"
    alarms = [watch.alarm("inconclusive", QUALITY, candidate, METRIC) for candidate in ("chat", "search")]
    composites = [watch.alarm("warning", "quality", QUALITY, candidate) for candidate in ("chat", "search")]
    rings(watch, quiet, *alarms, *composites)
    watch.told(changes(composites, ALARM))
    accept(watch, "20260101T060000Z", monkeypatch)
    a_good_run_ends(watch, quiet, composites, after=8 * DAY)


def test_a_quality_drop_between_two_answer_sets(watch: Watch, quiet: set[str], answers: dict[str, Path]) -> None:
    """The candidate whose answers became worse rings, the other does not; the message leads to the run."""
    watch.stack.standin("PUT", "config", {"answers": [str(answers["worse"])]})
    assert run(watch)["status"] == "SUCCEEDED"
    alarm = watch.alarm("verdict", QUALITY, "chat", METRIC)
    rings(watch, quiet, alarm)
    (message,) = watch.told([(alarm, ALARM)])
    body, newest = message.body, newest_run(watch)
    assert body["subject"] == f"CRITICAL rings: {watch.stack.names.prefix}-{alarm}"[:99]
    assert (body["evaluation"], body["run_id"], body["severity"]) == (QUALITY, newest, "critical")
    assert (
        "Value: 3 (failed or worse); it rings at or above 3 (failed or worse), in 1 of 24 periods of 1 h."
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
    watch.stack.standin("PUT", "config", {"answers": [str(answers["good"])]})
    a_good_run_ends(watch, quiet, [alarm], after=DAY)


def newest_run(watch: Watch) -> str:
    return max(key.split("/")[2] for key in watch.stack.keys(f"runs/{QUALITY}/") if key.count("/") > 2)


def test_a_run_with_too_few_answers(watch: Watch, quiet: set[str]) -> None:
    """Low coverage, and so no verdict: two alarms, one message."""
    watch.fault("chat", **{"424": 0.5})
    assert run(watch)["status"] == "SUCCEEDED"
    composite = watch.alarm("warning", "quality", QUALITY, "chat")
    alarms = [watch.alarm("coverage", QUALITY, "chat"), watch.alarm("inconclusive", QUALITY, "chat", METRIC)]
    rings(watch, quiet, *alarms, composite)
    watch.told([(composite, ALARM)])
    watch.fault("chat")
    a_good_run_ends(watch, quiet, [composite], after=8 * DAY)


def test_a_run_that_fails(watch: Watch, quiet: set[str]) -> None:
    """The execution is over in minutes, the run is missing until there is another."""
    watch.fault("chat", denied=1.0)
    assert run(watch)["status"] == "FAILED"
    failed, execution = watch.alarm("run-failed", QUALITY), watch.alarm("executions-failed")
    rings(watch, quiet, failed, execution)
    by_alarm = {message.alarm: message for message in watch.told(changes([failed, execution], ALARM))}
    assert by_alarm[failed].body["links"]["run"].endswith(f"prefix=runs/{QUALITY}/{newest_run(watch)}/")
    assert "report" not in by_alarm[failed].body["links"]
    watch.fault("chat")
    watch.later(10 * MINUTE)
    rings(watch, quiet, failed)
    watch.told([(execution, OK)])
    a_good_run_ends(watch, quiet, [failed], after=DAY)


def test_an_execution_that_somebody_aborts(watch: Watch, quiet: set[str]) -> None:
    watch.fault("chat", stall=1.0, stall_seconds=1.0)
    execution = watch.stack.begin(QUALITY, f"{watch.now:%Y-%m-%dT%H:%M:%SZ}")
    watch.stack.clients.stepfunctions.stop_execution(executionArn=execution)
    watch.later(MINUTE)
    alarm = watch.alarm("executions-failed")
    rings(watch, quiet, alarm)
    watch.told([(alarm, ALARM)])
    watch.later(10 * MINUTE)
    rings(watch, quiet)
    watch.told([(alarm, OK)])


def test_jobs_that_are_refused_to_be_deleted(watch: Watch, quiet: set[str]) -> None:
    """The run is fine and its scores are published; what it left in Bedrock is told until a run leaves nothing."""
    alarm = watch.alarm("jobs-left", BY_JOBS)
    for refusal, left in ((None, ()), ("AccessDeniedException", (alarm,))):
        watch.stack.standin("PUT", "config", {"evaluation_jobs": {"seconds": 0, "delete_refusal": refusal}})
        run_by_jobs(watch)
        rings(watch, quiet, *left)
    (message,) = watch.told([(alarm, ALARM)])
    assert "refused to be stopped or deleted" in message.text
    watch.stack.standin("PUT", "config", {"evaluation_jobs": {"seconds": 0}})
    watch.later(DAY)
    run_by_jobs(watch)
    watch.later(MINUTE)
    rings(watch, quiet)
    watch.told([(alarm, OK)])


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


def test_a_watchdog_that_is_silent_is_told_and_the_overdue_run_is_explained(watch: Watch, quiet: set[str]) -> None:
    schedule = f"{watch.stack.names.watchdog}_hourly"
    switch(watch, schedule, "DISABLED")
    silent, overdue = watch.alarm("watchdog-silent"), watch.alarm("run-overdue", SCHEDULED)
    watch.later(HOUR + MINUTE)
    rings(watch, quiet)
    watch.later(HOUR)
    rings(watch, quiet, silent)
    (message,) = watch.told([(silent, ALARM)])
    assert "watchdog" in message.text
    watch.later(HOUR)
    rings(watch, quiet, silent, overdue)
    watch.told([])
    switch(watch, schedule, "ENABLED")
    watch.later(HOUR)
    watch.later(MINUTE)
    rings(watch, quiet)
    watch.told([(silent, OK)])


def test_a_schedule_that_stopped(watch: Watch, quiet: set[str]) -> None:
    """By a rate it ran at the deploy, and runs when its time comes; stopped, the next one is missed and told."""
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
        rings(watch, quiet)
    switch(watch, names.schedule(SCHEDULED), "DISABLED")
    watch.later(61 * DAY)
    for _ in range(3):
        watch.later(HOUR)
    rings(watch, quiet, overdue, composite)
    (message,) = watch.told([(composite, ALARM)])
    assert [child["kind"] for child in message.body["children"]] == ["run-overdue"]
    # Any finished run since clears it within the hour.
    when = f"{watch.now:%Y-%m-%dT%H:%M:%SZ}"
    assert watch.stack.wait(watch.stack.begin(SCHEDULED, when))["status"] == "SUCCEEDED"
    watch.later(HOUR)
    rings(watch, quiet)
    watch.told([(composite, OK)])
    # Enabled again, a schedule by a rate may run at once: it comes too early, and neither asks a model nor rings.
    asked = watch.stack.standin("GET", "calls")
    switch(watch, names.schedule(SCHEDULED), "ENABLED")
    watch.later(MINUTE)
    assert ended(watch, SCHEDULED) == ["SUCCEEDED"] * (len(before) + 3)
    (newest, *_) = sorted((key for key in watch.stack.keys(f"runs/{SCHEDULED}/") if "run.json" in key), reverse=True)
    assert (watch.stack.read(newest)["status"], watch.stack.read(newest)["reason"]) == ("skipped", "too_early")
    assert watch.stack.standin("GET", "calls") == asked


def ended(watch: Watch, evaluation: str) -> list[str]:
    """How the executions of an evaluation ended."""
    machine = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{watch.stack.names.state_machine}"
    found = watch.stack.clients.stepfunctions.list_executions(stateMachineArn=machine)["executions"]
    described = [watch.stack.wait(execution["executionArn"]) for execution in found]
    return [each["status"] for each in described if json.loads(each["input"])["evaluation"] == evaluation]


def test_every_kind_has_rung(watch: Watch) -> None:
    """Last: a new kind of alarm is provoked here too."""
    assert set(KINDS) <= watch.rung
