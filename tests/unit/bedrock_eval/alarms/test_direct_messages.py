import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from bedrock_eval.alarms import direct_messages
from bedrock_eval.alarms.direct_messages import Memory, Telling, read_memory
from bedrock_eval.alarms.kinds import ACTIONS_FAILED, SUBSCRIBERS_MISSING, SUBSCRIBERS_PENDING, AlarmKind
from bedrock_eval.alarms.messages import Message, Place
from bedrock_eval.alarms.records import FailedAction, failed_action, is_alarm_of
from bedrock_eval.alarms.subscribers import Subscription

NOW = datetime(2026, 11, 23, 13, 20, tzinfo=UTC)
PLACE = Place("us-east-1", "results", "shop-dev", "https://example.com/runbook.md")
TOPIC = "arn:aws:sns:us-east-1:111122223333:shop-dev-messages"
CHAT = Subscription("arn:aws:sns:us-east-1:111122223333:shop-dev-chat", "https", None)
HOOK = Subscription(TOPIC, "https", "https://hooks.example.com/secret")


def people(number: int) -> list[Subscription]:
    return [
        Subscription(TOPIC, "email", f"{letter}one@example.com") for letter in "abcdefghijklmnopqrstuvwxyz"[:number]
    ]


def gone(*those: Subscription) -> Message:
    return direct_messages.gone(those, total=30, place=PLACE, now=NOW)


def unconfirmed(*those: Subscription) -> Message:
    return direct_messages.unconfirmed(those, total=30, place=PLACE, now=NOW)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (gone(*people(1)), SUBSCRIBERS_MISSING),
        (unconfirmed(*people(2)), SUBSCRIBERS_PENDING),
        (direct_messages.not_told([FailedAction("shop-dev-verdict", "no")], place=PLACE, now=NOW), ACTIONS_FAILED),
    ],
    ids=["gone", "unconfirmed", "message not published"],
)
def test_it_reads_as_the_alarm_does(message: Message, kind: AlarmKind) -> None:
    """Programs that open an incident by the alarm close it by the alarm's recovery."""
    body = json.loads(message.to_json())
    assert (body["alarm"], body["kind"], body["state"]) == (f"shop-dev-{kind.name}", kind.name, "ALARM")
    assert body["severity"] == kind.severity
    assert body["links"]["runbook"] == f"https://example.com/runbook.md#{kind.name}"
    assert "cloudwatch" not in body
    assert message.text.startswith(f"{kind.severity}: ")
    assert "The watchdog sends this message itself, in case the alarm does not reach you." in message.text
    assert len(message.subject) < 100
    assert json.loads(message.to_chat())["metadata"]["threadId"] == body["alarm"]


@pytest.mark.parametrize("say", [gone, unconfirmed])
def test_many_are_counted_and_not_all_listed(say: Callable[..., Message]) -> None:
    text = say(*people(25)).text
    assert "25 subscriptions of 30" in text
    assert text.count("@example.com, topic shop-dev-messages") == 20
    assert "- and 5 more" in text
    assert text.count("aws sns confirm-subscription") == 1


def test_no_address_and_no_secret_of_a_url_is_told() -> None:
    text = gone(*people(1), HOOK).by_protocol() + unconfirmed(*people(1), HOOK).by_protocol()
    assert "aone@" not in text
    assert "secret" not in text


def test_a_chat_is_added_to_a_channel() -> None:
    text = unconfirmed(CHAT).text
    assert f"Add topic {CHAT.topic} to the channel's configuration" in text
    assert "confirm-subscription" not in text


def test_its_severity_is_that_of_the_environment() -> None:
    message = direct_messages.unconfirmed(
        people(1), total=1, place=PLACE, now=NOW, severities={"subscribers-pending": "critical"}
    )
    assert message.subject.startswith("CRITICAL ")
    assert message.story is not None
    assert message.story.severity == "critical"


def test_what_is_remembered_survives() -> None:
    memory = Memory(NOW.isoformat(), {"a1": NOW.isoformat()}, {"actions-failed": Telling(("a1",), NOW.isoformat())})
    assert read_memory(memory.to_json(), now=NOW) == memory


@pytest.mark.parametrize(
    ("item", "failed"),
    [
        ({"HistorySummary": "Successfully executed action arn", "HistoryData": '{"actionState":"Succeeded"}'}, None),
        ({"HistorySummary": "Action in progress", "HistoryData": '{"actionState":"InProgress"}'}, None),
        ({"HistorySummary": "Failed to execute action arn", "HistoryData": '{"actionState":"Failed"}'}, "Failed to"),
        ({"HistorySummary": "Failed to execute action arn"}, "Failed to"),
        ({"HistorySummary": "Failed to execute action arn", "HistoryData": "{"}, "Failed to"),
        ({"HistorySummary": "s", "HistoryData": '{"actionState":"Failed","error":"no key"}'}, "no key"),
        ({"HistoryData": '{"actionState":"Failed"}'}, "CloudWatch gives no reason"),
        ({"HistorySummary": "Failed", "HistoryData": "[]"}, "Failed"),
        ({}, None),
    ],
)
def test_an_action_that_failed_is_read_in_every_form(item: dict[str, str], failed: str | None) -> None:
    found = failed_action({"AlarmName": "shop-dev-verdict", **item})
    assert (found is None) == (failed is None)
    if found is not None and failed is not None:
        assert found.alarm == "shop-dev-verdict"
        assert found.reason.startswith(failed)


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("shop-dev-verdict-support-small-f1", True),
        ("shop-dev-watchdog-silent", True),
        ("shop-dev-critical-run-support", True),
        ("shop-dev-warning-service-chat", True),
        ("shop-dev-eu-watchdog-silent", False),
        ("shop-dev-verdicts", False),
        ("shop-devverdict", False),
        ("other", False),
    ],
)
def test_alarms_of_another_environment_are_not_ours(name: str, ours: bool) -> None:
    assert is_alarm_of(name, prefix="shop-dev") is ours
