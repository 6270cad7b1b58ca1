"""Looks up what a notification leaves out: datapoints, the children of a composite, the newest run and its failure."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from bedrock_eval.alarms import messages, records
from bedrock_eval.alarms.budget_messages import budget_message
from bedrock_eval.alarms.composite_rules import ALARM
from bedrock_eval.alarms.messages import Message, Place, Story
from bedrock_eval.alarms.records import Alarm, Run
from bedrock_eval.layout import RunLayout, evaluation_prefix
from bedrock_eval.names import is_run_id
from bedrock_eval.runs.state import RunStatus, read_state

logger = logging.getLogger(__name__)

# DescribeAlarms takes 100 names; composites of composites are two deep.
_MOST_NAMES, _MOST_DEPTH = 100, 3
# How many of the newest runs are looked into for a finished one.
_MOST_RUNS = 10
# How many of the newest changes of state are looked into for the last one to INSUFFICIENT_DATA.
_MOST_UPDATES = 10
_MOST_READS, _SECONDS_BETWEEN_READS = 4, 1.0


@dataclass(frozen=True)
class Formatter:
    """Turns what arrives at the alarm topic into messages.

    What cannot be looked up, for whatever reason, is left out of the message: an alarm that is told in part beats one
    that is not.
    """

    s3: Any
    cloudwatch: Any
    place: Place
    sleep: Callable[[float], None] = time.sleep

    def message(self, text: str, *, subject: str | None) -> Message | None:
        """The message to pass on; None when nobody needs to hear of it."""
        try:
            return self._message(text, subject=subject)
        except Exception as error:
            # Whatever it is, people must hear of the alarm.
            logger.exception("notification not formatted", extra={"subject": subject})
            return messages.pass_on(text, subject=subject, why=type(error).__name__)

    def _message(self, text: str, *, subject: str | None) -> Message | None:
        notification = records.read_notification(text)
        if notification is None:
            return budget_message(text, place=self.place) or messages.pass_on(text, subject=subject)
        if records.may_be_first_word(notification) and not self._rang_before(notification):
            logger.info("first OK of a new alarm, not forwarded", extra={"alarm": notification["AlarmName"]})
            return None
        return self._told(notification)

    def _told(self, notification: Mapping[str, Any]) -> Message:
        notified = records.notified_alarm(notification)
        alarm = next(self._described([notified.name], since=notified.since), notified)
        if alarm.state != notified.state:
            # It has changed again meanwhile; this message is about the change that it tells of.
            alarm = notified
        children = sorted(self._ringing(alarm), key=lambda child: child.name) if alarm.state == ALARM else []
        # The children of a composite are about the same runs.
        runs_of = cache(self._runs)
        return messages.compose(
            self._story(alarm, runs_of=runs_of),
            children=[self._story(child, runs_of=runs_of) for child in children],
            cloudwatch=notification,
        )

    def _story(self, alarm: Alarm, *, runs_of: Callable[[str], list[Run]]) -> Story:
        runs = [] if alarm.evaluation is None else runs_of(alarm.evaluation)
        run = records.newest(runs, alarm)
        if alarm.evaluation is not None and run is not None and alarm.of_failed_run and alarm.state == ALARM:
            run = replace(run, failure=self._failure(RunLayout(alarm.evaluation, run.run_id)))
        return messages.tell(alarm, place=self.place, run=run)

    def _failure(self, layout: RunLayout) -> str | None:
        """Why a run failed. It is written after the metric that rings, so it is waited for a moment."""
        broken = False
        for attempt in range(_MOST_READS):
            if attempt:
                self.sleep(_SECONDS_BETWEEN_READS)
            try:
                state = read_state(self.s3.get_object(Bucket=self.place.bucket, Key=layout.state)["Body"].read())
            except Exception as error:
                if broken:
                    logger.error("failure unknown", extra={"run": layout.run_id, "reason": _reason(error)})
                    return None
                # Once more: a body can break off, and boto3 does not read it again.
                broken = True
                continue
            if state.status is not RunStatus.RUNNING:
                return None if state.reason is None else f"{state.reason}: {state.message}"
        return None

    def _rang_before(self, notification: Mapping[str, Any]) -> bool:
        """Whether people have heard that the alarm rings; when nobody knows, they are told that it does not."""
        if records.is_composite(notification):
            return False
        try:
            found = self.cloudwatch.describe_alarm_history(
                AlarmName=notification["AlarmName"],
                HistoryItemType="StateUpdate",
                ScanBy="TimestampDescending",
                MaxRecords=_MOST_UPDATES,
            )
            return records.rang_before([item["HistoryData"] for item in found["AlarmHistoryItems"]])
        except Exception as error:
            logger.error("history unknown", extra={"alarm": notification["AlarmName"], "reason": _reason(error)})
            return True

    def _ringing(self, composite: Alarm, *, depth: int = 1) -> Iterator[Alarm]:
        """The metric alarms that make a composite ring."""
        asked = list(self._described(records.asked_about(composite)))
        for child in records.ringing_children(composite, asked):
            if child.rule and depth < _MOST_DEPTH:
                yield from self._ringing(child, depth=depth + 1)
            else:
                yield child

    def _described(self, names: Sequence[str], *, since: str | None = None) -> Iterator[Alarm]:
        """Alarms as they are now; none of those that cannot be looked up."""
        for first in range(0, len(names), _MOST_NAMES):
            try:
                answer = self.cloudwatch.describe_alarms(
                    AlarmNames=list(names[first : first + _MOST_NAMES]), AlarmTypes=["MetricAlarm", "CompositeAlarm"]
                )
                alarms = (*(answer.get("MetricAlarms") or ()), *(answer.get("CompositeAlarms") or ()))
                found = [records.described_alarm(record, since=since or _since(record)) for record in alarms]
            except Exception as error:
                logger.error("alarms unknown", extra={"reason": _reason(error)})
                continue
            yield from found

    def _runs(self, evaluation: str) -> list[Run]:
        """The newest runs of an evaluation."""
        try:
            newest = sorted(self._run_ids(evaluation), reverse=True)[:_MOST_RUNS]
            return [self._run(RunLayout(evaluation, run_id)) for run_id in newest]
        except Exception as error:
            logger.error("runs unknown", extra={"evaluation": evaluation, "reason": _reason(error)})
            return []

    def _run_ids(self, evaluation: str) -> Iterator[str]:
        prefix = evaluation_prefix(evaluation)
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.place.bucket, Prefix=prefix, Delimiter="/"
        )
        for page in pages:
            for entry in page.get("CommonPrefixes", ()):
                name = entry["Prefix"][len(prefix) : -1]
                if is_run_id(name):
                    yield name

    def _run(self, layout: RunLayout) -> Run:
        """Without the folders below it, which hold the results: the names of a few objects are enough."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.place.bucket, Prefix=layout.prefix, Delimiter="/"
        )
        keys = {entry["Key"] for page in pages for entry in page.get("Contents", ())}
        return Run(layout.run_id, finished=layout.summary in keys, reported=layout.report in keys)


def _since(record: Mapping[str, Any]) -> str:
    moment = record.get("StateTransitionedTimestamp") or record["StateUpdatedTimestamp"]
    return str(moment.isoformat())


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]
