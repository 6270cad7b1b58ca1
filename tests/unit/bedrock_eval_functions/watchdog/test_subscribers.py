import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from bedrock_eval.alarms.subscribers import Subscription
from bedrock_eval.layout import WATCHDOG_MEMORY
from bedrock_eval.watchdog.watch_list import People
from bedrock_eval_functions.watchdog import subscribers
from bedrock_eval_functions.watchdog.subscribers import Subscribers
from tests.support.fakes import FakeS3, client_error

NOW = datetime(2026, 11, 23, 13, 20, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
ALARMS, MESSAGES, CHAT = (
    f"arn:aws:sns:us-east-1:111122223333:shop-dev-{name}" for name in ("alarms", "messages", "chat")
)
FORMATTER = "arn:aws:lambda:us-east-1:111122223333:function:shop-dev-alarm-formatter"
JANE = Subscription(MESSAGES, "email", "jane@example.com")
JOHN = Subscription(MESSAGES, "email", "john@example.com")
DECLARED = (Subscription(ALARMS, "lambda", FORMATTER), JANE, JOHN)


@dataclass
class FakeSns:
    """Topics with their subscriptions, an entry a page; what is published, and which topics refuse it."""

    listed: dict[str, dict[str, str]] = field(
        default_factory=lambda: {
            ALARMS: {FORMATTER: f"{ALARMS}:1"},
            MESSAGES: {JANE.endpoint or "": f"{MESSAGES}:1", JOHN.endpoint or "": f"{MESSAGES}:2"},
        }
    )
    refusing: set[str] = field(default_factory=set)
    denied: bool = False
    gone: set[str] = field(default_factory=set)
    published: list[dict[str, str]] = field(default_factory=list)

    def get_paginator(self, name: str) -> Any:
        assert name == "list_subscriptions_by_topic"
        return SimpleNamespace(paginate=self._list)

    def _list(self, *, TopicArn: str) -> Iterator[dict[str, Any]]:  # noqa: N803 - boto3's name
        if self.denied:
            raise client_error("AuthorizationError", status=403)
        if TopicArn in self.gone:
            raise client_error("NotFound", "Topic does not exist", status=404)
        for endpoint, arn in self.listed.get(TopicArn, {}).items():
            protocol = "email" if "@" in endpoint else "lambda" if ":lambda:" in endpoint else "https"
            yield {"Subscriptions": [{"Protocol": protocol, "Endpoint": endpoint, "SubscriptionArn": arn}]}
        yield {"Subscriptions": []}

    def publish(self, **request: str) -> None:
        if request["TopicArn"] in self.gone:
            raise client_error("NotFound", "Topic does not exist", status=404)
        if request["TopicArn"] in self.refusing:
            raise client_error("KMSAccessDenied", status=400)
        self.published.append(request)

    def told(self) -> list[str]:
        """The subjects since the last look, with the texts for e-mail."""
        found = [json.loads(each["Message"]).get("email") or each["Message"] for each in self.published]
        self.published.clear()
        return found


@dataclass
class FakeHistory:
    """Alarm history, an item a page."""

    items: list[dict[str, Any]] = field(default_factory=list)
    denied: bool = False
    asked: list[dict[str, Any]] = field(default_factory=list)

    def fail(self, alarm: str, at: datetime, *, state: str = "Failed") -> None:
        data = {"actionState": state, "notificationResource": ALARMS}
        word = "Failed to execute" if state == "Failed" else "Successfully executed"
        self.items.append(
            {
                "AlarmName": alarm,
                "Timestamp": at,
                "HistoryItemType": "Action",
                "HistorySummary": f'{word} action {ALARMS}. Received error: "no access to the encryption key"',
                "HistoryData": json.dumps(data),
            }
        )

    def get_paginator(self, name: str) -> Any:
        assert name == "describe_alarm_history"
        return SimpleNamespace(paginate=self._pages)

    def _pages(self, **request: Any) -> Iterator[dict[str, Any]]:
        if self.denied:
            raise client_error("AccessDenied", status=403)
        assert set(request["AlarmTypes"]) == {"MetricAlarm", "CompositeAlarm"}
        assert request["HistoryItemType"] == "Action"
        assert request["PaginationConfig"]["PageSize"] == 100
        self.asked.append(request)
        for item in self.items:
            if request["StartDate"] <= item["Timestamp"] < request["EndDate"]:
                yield {"AlarmHistoryItems": [item]}
        yield {}


@dataclass
class World:
    sns: FakeSns = field(default_factory=FakeSns)
    history: FakeHistory = field(default_factory=FakeHistory)
    s3: FakeS3 = field(default_factory=FakeS3)

    def look(
        self,
        now: datetime = NOW,
        *,
        declared: Sequence[Subscription] = DECLARED,
        chat: str | None = None,
        off: str = "",
    ) -> dict[str, float]:
        """Metric name -> value."""
        subscribers = Subscribers(
            sns=self.sns,
            cloudwatch=self.history,
            s3=self.s3,
            bucket="results",
            region="us-east-1",
            application="shop",
            people=People(
                declared=tuple(declared),
                messages=MESSAGES,
                chat=chat,
                prefix="shop-dev",
                runbook="https://example.com/runbook.md",
                severities={off: "off"},
            ),
        )
        found = [each.request() for each in subscribers.look(now)]
        assert all(each["Dimensions"] == [{"Name": "Application", "Value": "shop"}] for each in found)
        return {each["MetricName"]: each["Value"] for each in found}


@pytest.fixture
def world() -> World:
    return World()


def counted(confirmed: int, pending: int, missing: int, failed: int = 0) -> dict[str, float]:
    return {
        "subscriptions_confirmed": confirmed,
        "subscriptions_pending": pending,
        "subscriptions_missing": missing,
        "alarm_actions_failed": failed,
    }


def test_all_is_well_and_nobody_needs_to_hear_it(world: World) -> None:
    assert world.look() == counted(3, 0, 0)
    assert world.sns.told() == []


class TestGone:
    @pytest.mark.parametrize("arn", [None, "Deleted"])
    def test_those_who_are_left_are_told_once_a_day(self, world: World, arn: str | None) -> None:
        del world.sns.listed[MESSAGES]["jane@example.com"]
        if arn is not None:
            world.sns.listed[MESSAGES]["jane@example.com"] = arn
        assert world.look() == counted(2, 0, 1)
        (text,) = world.sns.told()
        assert "1 subscription of 3 to the alarms of shop-dev is missing" in text
        assert "- e-mail j***@example.com, topic shop-dev-messages" in text
        assert f"aws sns subscribe --topic-arn {MESSAGES} --protocol email" in text
        assert "--authenticate-on-unsubscribe true" in text
        assert "Runbook: https://example.com/runbook.md#subscribers-missing" in text
        for hour in range(1, 24):
            assert world.look(NOW + hour * HOUR) == counted(2, 0, 1)
        assert world.sns.told() == []
        world.look(NOW + 24 * HOUR)
        assert len(world.sns.told()) == 1

    def test_programs_get_the_alarm_so_that_its_recovery_ends_it(self, world: World) -> None:
        del world.sns.listed[MESSAGES]["jane@example.com"]
        world.look()
        (request,) = world.sns.published
        assert request["TopicArn"] == MESSAGES
        body = json.loads(json.loads(request["Message"])["default"])
        assert (body["alarm"], body["state"], body["kind"], body["value"]) == (
            "shop-dev-subscribers-missing",
            "ALARM",
            "subscribers-missing",
            1,
        )
        assert request["Subject"].isascii()
        assert len(request["Subject"]) < 100

    def test_another_one_is_news_and_one_fewer_is_not(self, world: World) -> None:
        del world.sns.listed[MESSAGES]["jane@example.com"]
        world.look()
        del world.sns.listed[MESSAGES]["john@example.com"]
        world.sns.told()
        world.look(NOW + HOUR)
        (text,) = world.sns.told()
        assert "2 subscriptions of 3" in text
        world.sns.listed[MESSAGES]["john@example.com"] = f"{MESSAGES}:3"
        world.look(NOW + 2 * HOUR)
        assert world.sns.told() == []

    def test_who_came_back_and_goes_again_is_news(self, world: World) -> None:
        gone = {"jane@example.com": world.sns.listed[MESSAGES].pop("jane@example.com")}
        world.look()
        world.sns.listed[MESSAGES] |= gone
        assert world.look(NOW + HOUR) == counted(3, 0, 0)
        world.sns.told()
        del world.sns.listed[MESSAGES]["jane@example.com"]
        world.look(NOW + 2 * HOUR)
        assert len(world.sns.told()) == 1

    def test_the_formatter_counts_too(self, world: World) -> None:
        """Without it no alarm is told, and no delivery fails."""
        del world.sns.listed[ALARMS]
        assert world.look() == counted(2, 0, 1)
        (text,) = world.sns.told()
        assert f"aws sns subscribe --topic-arn {ALARMS} --protocol lambda --notification-endpoint {FORMATTER}" in text

    def test_a_topic_that_is_gone_took_its_subscribers_along(self, world: World) -> None:
        """Nobody can tell by alarms: what they tell goes through it."""
        world.sns.gone = {MESSAGES}
        assert world.look(chat=CHAT) == counted(1, 0, 2)
        assert [each["TopicArn"] for each in world.sns.published] == [CHAT]
        world.sns.published.clear()
        world.sns.gone = {CHAT}
        channel = Subscription(CHAT, "https", None)
        assert world.look(NOW + HOUR, declared=(*DECLARED, channel), chat=CHAT) == counted(3, 0, 1)
        assert len(world.sns.told()) == 1

    def test_no_address_is_logged(self, world: World, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        del world.sns.listed[MESSAGES]["jane@example.com"]
        world.sns.listed[MESSAGES]["john@example.com"] = "PendingConfirmation"
        world.look()
        logged = json.dumps([record.__dict__ for record in caplog.records], default=str)
        assert "jane@" not in logged
        assert "john@" not in logged
        assert "j***@example.com" in logged
        assert "jane@" not in world.s3.text("results", WATCHDOG_MEMORY)

    def test_a_kind_that_is_off_is_not_told(self, world: World) -> None:
        del world.sns.listed[MESSAGES]["jane@example.com"]
        assert world.look(off="subscribers-missing") == counted(2, 0, 1)
        assert world.sns.told() == []


class TestPending:
    def test_half_a_day_is_patience_enough(self, world: World) -> None:
        world.sns.listed[MESSAGES]["jane@example.com"] = "PendingConfirmation"
        for hour in range(12):
            assert world.look(NOW + hour * HOUR) == counted(2, 1, 0)
        assert world.sns.told() == []
        world.look(NOW + 12 * HOUR)
        (text,) = world.sns.told()
        assert "1 subscription of 3 to the alarms of shop-dev has been pending for 12 hours" in text
        assert f"aws sns confirm-subscription --topic-arn {MESSAGES} --token" in text

    def test_it_begins_anew_after_a_confirmation(self, world: World) -> None:
        world.sns.listed[MESSAGES]["jane@example.com"] = "PendingConfirmation"
        world.look()
        world.sns.listed[MESSAGES]["jane@example.com"] = f"{MESSAGES}:1"
        world.look(NOW + HOUR)
        world.sns.listed[MESSAGES]["jane@example.com"] = "PendingConfirmation"
        world.look(NOW + 12 * HOUR)
        assert world.sns.told() == []


class TestActions:
    def test_failed_ones_since_the_last_look_are_counted_and_told(self, world: World) -> None:
        world.look(NOW - 2 * HOUR)
        world.history.fail("shop-dev-server-errors-chat", NOW - timedelta(minutes=90))
        world.history.fail("shop-dev-critical-run-support", NOW - timedelta(minutes=30))
        world.history.fail("shop-dev-throttles-chat", NOW - timedelta(minutes=20), state="Succeeded")
        world.history.fail("shop-dev-eu-server-errors-chat", NOW - timedelta(minutes=10))
        world.history.fail("someone-elses", NOW - timedelta(minutes=10))
        assert world.look() == counted(3, 0, 0, failed=2)
        (text,) = world.sns.told()
        assert "Actions of 2 alarms of shop-dev failed" in text
        assert "- shop-dev-server-errors-chat: Failed to execute action" in text
        assert "no access to the encryption key" in text
        assert world.look(NOW + HOUR) == counted(3, 0, 0)

    def test_they_are_told_once_a_day(self, world: World) -> None:
        for hour in range(25):
            world.history.fail(f"shop-dev-verdict-{hour}", NOW + hour * HOUR - timedelta(minutes=10))
            world.look(NOW + hour * HOUR)
        first, second = world.sns.told()
        assert "shop-dev-verdict-0:" in first
        # None of those that came in between is lost.
        assert "Actions of 24 alarms" in second
        assert "shop-dev-verdict-1:" in second

    def test_what_nobody_took_is_told_by_a_later_look(self, world: World) -> None:
        world.history.fail("shop-dev-verdict-a", NOW - timedelta(minutes=10))
        world.sns.refusing = {MESSAGES}
        assert world.look() == counted(3, 0, 0, failed=2)
        world.sns.refusing = set()
        assert world.look(NOW + HOUR) == counted(3, 0, 0)
        (text,) = world.sns.told()
        assert "shop-dev-verdict-a:" in text
        world.look(NOW + 30 * HOUR)
        assert world.sns.told() == []

    def test_the_first_look_is_an_hour_back_and_a_late_one_a_day(self, world: World) -> None:
        world.look()
        world.look(NOW + 40 * HOUR)
        spans = [(each["StartDate"], each["EndDate"]) for each in world.history.asked]
        until = NOW - timedelta(minutes=5)
        assert spans == [(until - HOUR, until), (until + 16 * HOUR, until + 40 * HOUR)]

    def test_what_enters_the_history_late_is_read_by_the_next_look(self, world: World) -> None:
        world.look()
        world.history.fail("shop-dev-verdict-a", NOW - timedelta(minutes=1))
        assert world.look(NOW + HOUR)["alarm_actions_failed"] == 1
        assert world.look(NOW + 2 * HOUR)["alarm_actions_failed"] == 0

    def test_two_looks_at_once_count_nothing_twice(self, world: World) -> None:
        world.history.fail("shop-dev-verdict-a", NOW - timedelta(minutes=30))
        assert [world.look()["alarm_actions_failed"] for _ in range(2)] == [1, 0]

    def test_what_could_not_be_read_is_read_by_the_next_look(self, world: World) -> None:
        world.look()
        world.history.fail("shop-dev-verdict-a", NOW + timedelta(minutes=30))
        world.history.denied = True
        assert "alarm_actions_failed" not in world.look(NOW + HOUR)
        world.history.denied = False
        assert world.look(NOW + 2 * HOUR)["alarm_actions_failed"] == 1


class TestTelling:
    def test_a_chat_is_told_too(self, world: World) -> None:
        del world.sns.listed[MESSAGES]["jane@example.com"]
        world.look(chat=CHAT)
        assert [each["TopicArn"] for each in world.sns.published] == [MESSAGES, CHAT]
        assert json.loads(world.sns.published[1]["Message"])["source"] == "custom"

    def test_the_chat_is_the_other_way(self, world: World) -> None:
        del world.sns.listed[MESSAGES]["jane@example.com"]
        world.sns.refusing = {MESSAGES}
        assert world.look(chat=CHAT) == counted(2, 0, 1)
        assert [each["TopicArn"] for each in world.sns.published] == [CHAT]

    def test_a_message_that_no_topic_takes_is_counted_and_tried_again(
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        del world.sns.listed[MESSAGES]["jane@example.com"]
        world.sns.refusing = {MESSAGES}
        assert world.look() == counted(2, 0, 1, failed=1)
        assert "KMSAccessDenied" in json.dumps([record.__dict__ for record in caplog.records], default=str)
        world.sns.refusing = set()
        assert world.look(NOW + HOUR) == counted(2, 0, 1)
        assert len(world.sns.told()) == 1


class TestUnknown:
    def test_subscriptions_that_cannot_be_listed_are_not_counted(self, world: World) -> None:
        world.sns.denied = True
        assert world.look() == {"alarm_actions_failed": 0}
        assert world.sns.told() == []

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"[]",
            b'{"looked": 5}',
            b'{"looked": "now"}',
            b'{"pending": {"a": "2026-11-23"}}',
            b'{"told": {"subscribers-missing": {"about": ["%s"], "at": "2099-01-01T00:00:00+00:00"}}}'
            % JANE.fingerprint.encode(),
        ],
    )
    def test_a_memory_that_cannot_be_read_is_none(self, world: World, body: bytes) -> None:
        world.s3.put_object(Bucket="results", Key=WATCHDOG_MEMORY, Body=body)
        del world.sns.listed[MESSAGES]["jane@example.com"]
        assert world.look() == counted(2, 0, 1)
        assert len(world.sns.told()) == 1

    @pytest.mark.parametrize(("ours", "found"), [(False, {}), (True, {"alarm_actions_failed": 1.0})])
    def test_more_actions_than_are_read_are_not_none_that_failed(
        self, world: World, monkeypatch: pytest.MonkeyPatch, *, ours: bool, found: dict[str, float]
    ) -> None:
        monkeypatch.setattr(subscribers, "_MOST_ACTIONS", 2)
        world.sns.denied = True
        for state in ("Succeeded", "Failed" if ours else "Succeeded"):
            world.history.fail("shop-dev-run-failed-support", NOW - HOUR / 2, state=state)
        assert world.look() == found

    def test_alarms_are_asked_about_whatever_the_memory_says_of_the_time(self, world: World) -> None:
        world.history.fail("shop-dev-run-failed-support", NOW - HOUR / 2)
        world.s3.put_object(Bucket="results", Key=WATCHDOG_MEMORY, Body=b'{"looked": "2099-01-01T00:00:00+00:00"}')
        assert world.look() == counted(3, 0, 0, failed=1)

    def test_what_nobody_was_told_yet_outlives_a_memory_that_cannot_be_read_once(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world.history.fail("shop-dev-run-failed-support", NOW - HOUR / 2)
        world.sns.refusing = {MESSAGES}
        world.look()

        def refuse(**_request: str) -> None:
            raise client_error("SlowDown", status=503)

        with monkeypatch.context() as patched:
            patched.setattr(world.s3, "get_object", refuse)
            assert world.look(NOW + 2 * HOUR) == counted(3, 0, 0)
        world.sns.refusing = set()
        world.look(NOW + 3 * HOUR)
        assert ["run-failed-support" in each for each in world.sns.told()] == [True]

    def test_a_memory_that_cannot_be_written_stops_nothing(self, world: World) -> None:
        def refuse(_key: str) -> None:
            raise client_error("AccessDenied", status=403)

        world.s3.before_put = refuse
        assert world.look() == counted(3, 0, 0)
