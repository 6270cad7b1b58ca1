"""What the watchdog tells people itself, past the alarms: that somebody, or an alarm, no longer reaches them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

from bedrock_eval import codec
from bedrock_eval.alarms.composite_rules import ALARM
from bedrock_eval.alarms.kinds import (
    ACTIONS_FAILED,
    PENDING_HOURS,
    SUBSCRIBERS_MISSING,
    SUBSCRIBERS_PENDING,
    AlarmKind,
    Severity,
)
from bedrock_eval.alarms.messages import Message, Place, Story, cut, subject_line
from bedrock_eval.alarms.records import FailedAction
from bedrock_eval.alarms.subscribers import Subscription
from bedrock_eval.console import alarm_url, dashboard_url
from bedrock_eval.wording import count

Severities = Mapping[str, str]
"""Severities of kinds by their names, where an environment says otherwise than the table."""

_OF_THE_TABLE: Severities = MappingProxyType({})
_AGAIN = timedelta(days=1)
# Of two machines on which the function runs.
_CLOCKS_APART = timedelta(minutes=1)
_PATIENCE = timedelta(hours=PENDING_HOURS)
_MOST_LISTED = 20
_MOST_REASON = 500


@dataclass(frozen=True)
class Telling:
    """What people were told last about a kind of trouble.

    Attributes:
        about: fingerprints of those that it was about.
        at: when, ISO 8601.
    """

    about: tuple[str, ...]
    at: str


@dataclass(frozen=True)
class Memory:
    """What one look at the subscribers leaves to the next, so that people are not told the same every hour.

    Attributes:
        looked: until when the alarm history was read, ISO 8601.
        pending: since when each subscription waits to be confirmed, by its fingerprint.
        told: by kind of alarm.
        failed: why an action of an alarm failed, by the alarm's name, until people have been told.
    """

    looked: str | None = None
    pending: Mapping[str, str] = field(default_factory=dict)
    told: Mapping[str, Telling] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        return json.dumps(codec.encode(self))

    def waiting(self, pending: Iterable[Subscription], *, now: datetime) -> dict[str, str]:
        """`pending` of the next look."""
        return {each.fingerprint: self.pending.get(each.fingerprint, now.isoformat()) for each in pending}

    def is_due(self, kind: AlarmKind, about: Iterable[str], *, now: datetime) -> bool:
        """Whether people are to be told: of what they have not heard, and once a day of what lasts."""
        last = self.told.get(kind.name)
        if last is None or not set(about) <= set(last.about):
            return True
        return now - datetime.fromisoformat(last.at) >= _AGAIN


def read_memory(text: str | bytes, *, now: datetime) -> Memory:
    """What the last look left.

    Raises:
        ValueError: the text is not JSON, or does not fit; a time in it is still to come, until which nobody would be
            told.
    """
    memory = codec.decode(Memory, json.loads(text), "memory of the watchdog")
    for time in (*filter(None, [memory.looked]), *memory.pending.values(), *(each.at for each in memory.told.values())):
        moment = datetime.fromisoformat(time)
        if moment.tzinfo is None:
            raise ValueError(f"memory of the watchdog: {time!r} has no time zone")
        if moment > now + _CLOCKS_APART:
            raise ValueError(f"memory of the watchdog: {time!r} is still to come")
    return memory


def too_long(waiting: Mapping[str, str], pending: Sequence[Subscription], *, now: datetime) -> list[Subscription]:
    """Those who have had half a day to confirm."""
    return [each for each in pending if now - datetime.fromisoformat(waiting[each.fingerprint]) >= _PATIENCE]


def gone(
    those: Sequence[Subscription], *, total: int, place: Place, now: datetime, severities: Severities = _OF_THE_TABLE
) -> Message:
    """Declared subscriptions that are no more."""
    found = count(len(those), "subscription")
    happened = (
        f"{found} of {total} to the alarms of {place.prefix} {_verb(those, 'is', 'are')} missing: their subscribers "
        "get no alarms."
    )
    return _message(
        SUBSCRIBERS_MISSING,
        happened,
        listed=[f"{each.masked}, topic {_name(each.topic)}" for each in those],
        steps=(
            "Subscribe again; for e-mail, copy the token from the link in the confirmation e-mail and confirm with "
            "the command below. Then nobody can unsubscribe without signing in to AWS.",
            *dict.fromkeys(map(_subscribe, those)),
            *_confirmations(those),
        ),
        value=len(those),
        place=place,
        now=now,
        severities=severities,
    )


def unconfirmed(
    those: Sequence[Subscription], *, total: int, place: Place, now: datetime, severities: Severities = _OF_THE_TABLE
) -> Message:
    """Declared subscriptions that have waited for long to be confirmed."""
    found = count(len(those), "subscription")
    happened = (
        f"{found} of {total} to the alarms of {place.prefix} {_verb(those, 'has', 'have')} been pending for "
        f"{PENDING_HOURS} "
        "hours: their subscribers get no alarms."
    )
    return _message(
        SUBSCRIBERS_PENDING,
        happened,
        listed=[f"{each.masked}, topic {_name(each.topic)}" for each in those],
        steps=(
            "Confirm with the token from the link that SNS sent (check the spam folder). SNS deletes an e-mail "
            "subscription that is not confirmed within 48 hours.",
            *(_subscribe(each) for each in those if each.endpoint is None),
            *_confirmations(those),
        ),
        value=len(those),
        place=place,
        now=now,
        severities=severities,
    )


def not_told(
    failures: Sequence[FailedAction], *, place: Place, now: datetime, severities: Severities = _OF_THE_TABLE
) -> Message:
    """Alarms whose actions CloudWatch could not take, each once."""
    happened = f"Actions of {count(len(failures), 'alarm')} of {place.prefix} failed: subscribers were not notified."
    return _message(
        ACTIONS_FAILED,
        happened,
        listed=[f"{each.alarm}: {cut(each.reason, _MOST_REASON)}" for each in failures],
        steps=(
            "First list all alarms that are in alarm:",
            f"aws cloudwatch describe-alarms --alarm-name-prefix {place.prefix}- --state-value ALARM",
            "Restore the policies of the topic and its key, so that cloudwatch.amazonaws.com may publish. From a "
            "checkout (an unchanged template is repaired only with this option):",
            "cdk deploy '<environment>/*' --revert-drift",
        ),
        value=len(failures),
        place=place,
        now=now,
        severities=severities,
    )


def _message(  # noqa: PLR0913 - all by keyword but the first two
    kind: AlarmKind,
    happened: str,
    *,
    listed: Sequence[str],
    steps: Sequence[str],
    value: int,
    place: Place,
    now: datetime,
    severities: Severities,
) -> Message:
    severity = severities.get(kind.name) or (kind.severity or Severity.WARNING).value
    alarm = f"{place.prefix}-{kind.name}"
    story = Story(
        alarm=alarm,
        state=ALARM,
        since=now.isoformat(),
        happened=happened,
        severity=severity,
        kind=kind.name,
        look_at=kind.look_at,
        value=value,
        threshold=1,
        unit=kind.unit.name or None,
        value_text=kind.unit.of(value),
        links={
            "runbook": f"{place.runbook}#{kind.name}",
            "dashboard": dashboard_url(place.prefix, region=place.region),
            "alarm": alarm_url(alarm, region=place.region),
        },
    )
    more = len(listed) - _MOST_LISTED
    lines = [
        f"{severity}: {happened} The watchdog sends this message itself, in case the alarm does not reach you.",
        "",
        *(f"- {each}" for each in listed[:_MOST_LISTED]),
        *([f"- and {more:,} more"] if more > 0 else []),
        "",
        "Fix:",
        *(f"- {each}" for each in steps),
        "",
        *(f"{name.capitalize()}: {url}" for name, url in story.links.items()),
    ]
    subject = subject_line(f"{severity.upper()} {alarm} {story.words} (from the watchdog)")
    return Message(subject=subject, text="\n".join(lines), story=story)


def _subscribe(each: Subscription) -> str:
    if each.endpoint is None:
        return f"Add topic {each.topic} to the channel's configuration in Amazon Q Developer in chat applications."
    endpoint = each.endpoint if each.protocol in {"sqs", "lambda"} else "<the endpoint>"
    return f"aws sns subscribe --topic-arn {each.topic} --protocol {each.protocol} --notification-endpoint {endpoint}"


def _confirmations(those: Sequence[Subscription]) -> list[str]:
    topics = dict.fromkeys(each.topic for each in those if each.protocol in {"email", "https"} and each.endpoint)
    return [
        f"aws sns confirm-subscription --topic-arn {topic} --token <the token> --authenticate-on-unsubscribe true"
        for topic in topics
    ]


def _name(topic: str) -> str:
    return topic.rpartition(":")[2]


def _verb(those: Sequence[object], one: str, many: str) -> str:
    return one if len(those) == 1 else many
