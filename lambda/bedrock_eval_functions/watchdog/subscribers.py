"""Whether alarms reach people: subscriptions as SNS lists them, and actions of alarms that failed.

Alarms cannot tell that nobody hears them. So the watchdog publishes what it finds to the people's topic itself.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bedrock_eval import catalogue
from bedrock_eval.alarms import direct_messages
from bedrock_eval.alarms.direct_messages import Memory, Telling, read_memory
from bedrock_eval.alarms.kinds import ACTIONS_FAILED, SUBSCRIBERS_MISSING, SUBSCRIBERS_PENDING, AlarmKind
from bedrock_eval.alarms.messages import Message, Place
from bedrock_eval.alarms.records import FailedAction, failed_action, is_alarm_of
from bedrock_eval.alarms.subscribers import Standing, Subscriptions, held_against
from bedrock_eval.layout import WATCHDOG_MEMORY
from bedrock_eval.results.publishing import Datum
from bedrock_eval.watchdog.watch_list import People
from bedrock_eval_functions.watchdog.datums import of_application
from bedrock_eval_functions.watchdog.reasons import MISSING, reason

logger = logging.getLogger(__name__)

_METRICS = {
    Standing.CONFIRMED: catalogue.SUBSCRIPTIONS_CONFIRMED,
    Standing.PENDING: catalogue.SUBSCRIPTIONS_PENDING,
    Standing.MISSING: catalogue.SUBSCRIPTIONS_MISSING,
}
# As SNS calls it on the wire, and as its reference does.
_GONE = frozenset({"NotFound", "NotFoundException"})
_MOST_ACTIONS = 5_000
# An action may stand in the history a moment after it was taken; the next look reads on from here.
_SETTLING = timedelta(minutes=5)
# CloudWatch keeps the history of alarms for 30 days; a watchdog that was away for longer than a day begins anew.
_FIRST_LOOK, _LONGEST_LOOK = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Subscribers:
    """Looks at who hears of the alarms of one environment, and tells those who still do.

    Attributes:
        people: who is to hear.
    """

    sns: Any
    cloudwatch: Any
    s3: Any
    bucket: str
    region: str
    application: str
    people: People

    @property
    def place(self) -> Place:
        """Where the environment is, for links and names."""
        return Place(self.region, self.bucket, self.people.prefix, self.people.runbook)

    def look(self, now: datetime) -> Iterator[Datum]:
        """What is known of subscribers and actions; nothing of what could not be asked."""
        recalled = self._recall(now)
        memory = recalled or Memory()
        found = self._subscriptions()
        if found is not None:
            for standing, metric in _METRICS.items():
                yield self._datum(metric, len(found[standing]), now)
        until = now - _SETTLING
        failures = self._failures(memory, until)
        memory, untold = self._tell(found, memory=self._with_failures(memory, failures or ()), now=now)
        if failures is not None or untold:
            yield self._datum(catalogue.ALARM_ACTIONS_FAILED, len(failures or ()) + untold, now)
        if recalled is not None:
            self._remember(memory if failures is None else replace(memory, looked=until.isoformat()))

    def _subscriptions(self) -> Subscriptions | None:
        try:
            topics = sorted({each.topic for each in self.people.declared})
            found = held_against(self.people.declared, {topic: self._listed(topic) for topic in topics})
        except Exception as error:
            logger.error("subscriptions unknown", extra={"reason": reason(error)})
            return None
        for standing in (Standing.PENDING, Standing.MISSING):
            for each in found[standing]:
                # Masked: an address is a person's, and the path of a URL is often its secret.
                logger.warning("subscription", extra={"who": each.masked, "standing": standing.value})
        return found

    def _listed(self, topic: str) -> list[Mapping[str, Any]] | None:
        """None: there is no such topic any more."""
        pages = self.sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
        try:
            return [entry for page in pages for entry in page.get("Subscriptions") or ()]
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in _GONE:
                raise
            logger.error("topic is missing", extra={"topic": topic})
            return None

    def _failures(self, memory: Memory, until: datetime) -> list[FailedAction] | None:
        """Actions of this environment's alarms that failed since the last look; None: not known."""
        since = _since(memory, until)
        if since >= until:
            return []
        try:
            pages = self.cloudwatch.get_paginator("describe_alarm_history").paginate(
                # Left out, CloudWatch tells of metric alarms alone.
                AlarmTypes=["MetricAlarm", "CompositeAlarm"],
                HistoryItemType="Action",
                StartDate=since,
                EndDate=until,
                # Of all alarms of the account, the newest first; a look must not take for ever.
                PaginationConfig={"PageSize": 100, "MaxItems": _MOST_ACTIONS},
            )
            items = [item for page in pages for item in page.get("AlarmHistoryItems") or ()]
            ours = [item for item in items if is_alarm_of(item["AlarmName"], prefix=self.people.prefix)]
            found = [failure for failure in map(failed_action, ours) if failure is not None]
            if len(items) >= _MOST_ACTIONS:
                _more(found)
        except Exception as error:
            logger.error("alarm actions unknown", extra={"reason": reason(error)})
            return None
        for failure in found:
            logger.error("alarm action failed", extra={"alarm": failure.alarm, "reason": failure.reason[:300]})
        return found

    def _with_failures(self, memory: Memory, failures: Sequence[FailedAction]) -> Memory:
        """With what people have to be told of, now or when they may be told again."""
        if self._is_off(ACTIONS_FAILED):
            return replace(memory, failed={})
        return replace(memory, failed={**memory.failed, **{each.alarm: each.reason for each in failures}})

    def _tell(self, found: Subscriptions | None, *, memory: Memory, now: datetime) -> tuple[Memory, int]:
        """Say what people have not heard yet; what is remembered from now on, and how many messages got nowhere."""
        told, failed, untold = dict(memory.told), memory.failed, 0
        for kind, about, message in self._news(found, memory=memory, now=now):
            if not about and kind is not ACTIONS_FAILED:
                # All is well again: the next one is news.
                told.pop(kind.name, None)
            elif message is not None and memory.is_due(kind, about, now=now):
                if self._publish(message):
                    told[kind.name] = Telling(tuple(about), now.isoformat())
                    failed = {} if kind is ACTIONS_FAILED else failed
                else:
                    untold += 1
        pending = memory.pending if found is None else memory.waiting(found[Standing.PENDING], now=now)
        return replace(memory, pending=pending, told=told, failed=failed), untold

    def _news(
        self, found: Subscriptions | None, *, memory: Memory, now: datetime
    ) -> Iterator[tuple[AlarmKind, list[str], Message | None]]:
        """Each kind that is known: whom it is about, and what to say of it."""
        if found is not None:
            missing = found[Standing.MISSING]
            pending = found[Standing.PENDING]
            late = direct_messages.too_long(memory.waiting(pending, now=now), pending, now=now)
            for kind, those, say in (
                (SUBSCRIBERS_MISSING, missing, direct_messages.gone),
                (SUBSCRIBERS_PENDING, late, direct_messages.unconfirmed),
            ):
                message = (
                    say(those, total=found.total, place=self.place, now=now, severities=self.people.severities)
                    if those
                    else None
                )
                if not self._is_off(kind):
                    yield kind, [each.fingerprint for each in those], message
        if memory.failed:
            failures = [FailedAction(alarm, reason) for alarm, reason in memory.failed.items()]
            message = direct_messages.not_told(failures, place=self.place, now=now, severities=self.people.severities)
            yield ACTIONS_FAILED, [], message

    def _is_off(self, kind: AlarmKind) -> bool:
        return self.people.severities.get(kind.name) == "off"

    def _publish(self, message: Message) -> bool:
        """Whether at least one topic took it; the chat is the other way where the people's topic refuses."""
        taken = 0
        for topic, request in self._requests(message):
            try:
                self.sns.publish(**request)
                taken += 1
            except Exception as error:
                # Whatever it is: the other topic may take it.
                logger.error("message not published", extra={"topic": topic, "reason": reason(error)})
        logger.info("told", extra={"subject": message.subject, "topics": taken})
        return taken > 0

    def _requests(self, message: Message) -> Iterator[tuple[str, Mapping[str, str]]]:
        yield self.people.messages, message.publication(self.people.messages)
        if self.people.chat is not None:
            yield self.people.chat, {"TopicArn": self.people.chat, "Message": message.to_chat()}

    def _recall(self, now: datetime) -> Memory | None:
        """What the last look left; nothing the first time, and where it makes no sense.

        None: it stands there and is not told now. It must not be written over: who has not been told yet is in it.
        """
        try:
            body: bytes = self.s3.get_object(Bucket=self.bucket, Key=WATCHDOG_MEMORY)["Body"].read()
        except Exception as error:
            if isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") in MISSING:
                logger.info("nothing remembered")
                return Memory()
            logger.error("memory cannot be read: subscribers may be notified again", extra={"reason": reason(error)})
            return None
        try:
            return read_memory(body, now=now)
        except Exception as error:
            logger.error("memory makes no sense: subscribers may be notified again", extra={"reason": reason(error)})
            return Memory()

    def _remember(self, memory: Memory) -> None:
        try:
            self.s3.put_object(Bucket=self.bucket, Key=WATCHDOG_MEMORY, Body=memory.to_json().encode())
        except (ClientError, BotoCoreError) as error:
            logger.error("not remembered: subscribers may be notified again", extra={"reason": reason(error)})

    def _datum(self, metric: catalogue.Metric, value: int, now: datetime) -> Datum:
        return of_application(metric, value, application=self.application, now=now)


def _more(found: Sequence[FailedAction]) -> None:
    """There are more actions than a look reads, as where scaling alarms act every minute; what was found is told.

    Raises:
        LookupError: none of them failed, and of the others nobody knows.
    """
    read = f"only the newest {_MOST_ACTIONS:,} actions of the account's alarms were read"
    if not found:
        raise LookupError(read)
    logger.error("alarm actions known in part", extra={"reason": read})


def _since(memory: Memory, until: datetime) -> datetime:
    if memory.looked is None:
        return until - _FIRST_LOOK
    return max(datetime.fromisoformat(memory.looked), until - _LONGEST_LOOK)
