"""What an alarm says to people: told in words, and written for each kind of reader.

Source of the chat message: administrator guide of Amazon Q Developer in chat applications, custom notifications.
"""

import contextlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from bedrock_eval import codec
from bedrock_eval.alarms.composite_rules import ALARM, INSUFFICIENT_DATA, OK
from bedrock_eval.alarms.description import AlarmDescription
from bedrock_eval.alarms.kinds import KINDS, AlarmKind
from bedrock_eval.alarms.records import Alarm, Run
from bedrock_eval.alarms.units import Unit, length
from bedrock_eval.console import alarm_url, dashboard_url, folder_url, object_url
from bedrock_eval.layout import RunLayout, evaluation_prefix
from bedrock_eval.wording import count, instant

VERSION = 1
"""Of the JSON message; raised when a field changes its meaning or goes."""

_IN_WORDS = {ALARM: "rings", OK: "is over", INSUFFICIENT_DATA: "has no data"}

# SNS: subjects are ASCII without control characters, and less than 100 characters long.
_MOST_SUBJECT = 99
# Custom notifications: title, description, keyword and next step.
_MOST_TITLE, _MOST_CHAT, _MOST_KEYWORD, _MOST_STEP = 250, 8_000, 75, 350
# SNS: a message has 256 KiB at most, all its forms together.
_MOST_BYTES = 256 * 1024
_MOST_TEXT, _MOST_CHILDREN = 20_000, 50
# The dashboard is that of the composite, and stands below.
_LINKS_OF_CHILD = frozenset({"run", "report", "runbook"})


@dataclass(frozen=True)
class Place:
    """Where the environment is: what links are made of.

    Attributes:
        prefix: of all its names; also the dashboard's name.
        runbook: its URL, without an entry.
    """

    region: str
    bucket: str
    prefix: str
    runbook: str


@dataclass(frozen=True)
class Story:
    """One alarm, or a budget, in words. What is not known is None, and left out of the JSON.

    Attributes:
        alarm: its name.
        kind: the entry of the runbook.
        value: the datapoint that made it ring, or the newest when it is over.
        rings: the condition in words, with unit and window.
        failure: why the newest run has no summary: its reason, and its message with the words of the service.
        links: `runbook`, `dashboard`, `alarm`, and for an alarm about an evaluation `run` and, if it has one, its
            `report`.
    """

    alarm: str
    state: str
    since: str
    happened: str
    severity: str | None = None
    kind: str | None = None
    look_at: str | None = None
    owner: str | None = None
    value: float | None = None
    threshold: float | None = None
    unit: str | None = None
    value_text: str | None = None
    rings: str | None = None
    evaluation: str | None = None
    run_id: str | None = None
    failure: str | None = None
    links: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> str:
        return _IN_WORDS.get(self.state, self.state)

    @property
    def line(self) -> str:
        """All of it in one line, for a list."""
        severity = f"[{self.severity}] " if self.severity else ""
        value = f" Value: {self.value_text}; rings {self.rings}." if self.value_text and self.rings else ""
        return f"{severity}{self.happened}{value} Since {instant(self.since)}."


@dataclass(frozen=True)
class Message:
    """What subscribers of protocol https and sqs get as JSON, and the others as text.

    Attributes:
        children: of a composite alarm, those that ring.
        cloudwatch: the notification as CloudWatch sent it.
    """

    subject: str
    text: str
    story: Story | None = None
    children: tuple[Story, ...] = ()
    cloudwatch: Mapping[str, Any] | None = None

    def to_json(self) -> str:
        """The fields of the story stand at the top, beside `version`, `subject`, `text`, `children`, `cloudwatch`."""
        top = {} if self.story is None else codec.encode(self.story)
        rest = {"version": VERSION, "subject": self.subject, "text": self.text, **top}
        if self.cloudwatch is not None:
            rest |= {"children": codec.encode(self.children), "cloudwatch": self.cloudwatch}
        return json.dumps(rest, ensure_ascii=False, allow_nan=False)

    def to_chat(self) -> str:
        """A custom notification; messages of one alarm share a thread."""
        content: dict[str, Any] = {
            "textType": "client-markdown",
            "title": _plain(self.subject, _MOST_TITLE),
            "description": _plain(self.text, _MOST_CHAT),
        }
        metadata: dict[str, Any] = {"summary": _plain(self.subject, _MOST_TITLE)}
        if self.story is not None:
            tags = filter(None, (self.story.severity, self.story.kind, self.story.evaluation))
            content["keywords"] = [_plain(tag, _MOST_KEYWORD) for tag in tags]
            if self.story.look_at and self.story.state == ALARM:
                content["nextSteps"] = [_plain(f"Look at: {self.story.look_at}", _MOST_STEP)]
            metadata["threadId"] = self.story.alarm
        return json.dumps({"version": "1.0", "source": "custom", "content": content, "metadata": metadata})

    def publication(self, topic: str) -> dict[str, str]:
        """The Publish request to a topic that people subscribe to."""
        return {
            "TopicArn": topic,
            "Subject": self.subject,
            "Message": self.by_protocol(),
            "MessageStructure": "json",
        }

    def by_protocol(self) -> str:
        """The message of a Publish with MessageStructure `json`: text for e-mail, JSON for programs.

        One that is too large, or that JSON cannot say, is sent as a part of its text.
        """
        with contextlib.suppress(ValueError, RecursionError):
            forms = self._forms()
            if len(forms.encode()) <= _MOST_BYTES:
                return forms
        return Message(self.subject, cut(self.text, _MOST_TEXT))._forms()

    def _forms(self) -> str:
        return _sendable(json.dumps({"default": self.to_json(), "email": self.text}, ensure_ascii=False))


def tell(alarm: Alarm, *, place: Place, run: Run | None = None) -> Story:
    """An alarm in words.

    Args:
        run: the newest of the evaluation that it is about.
    """
    said = AlarmDescription.parse(alarm.description or alarm.reason or alarm.name)
    runbook, entry = said.runbook, said.entry
    kind = KINDS.get(entry or "") or _kind_by_name(alarm.name, place)
    if kind is not None:
        runbook, entry = runbook or f"{place.runbook}#{kind.name}", kind.name
    unit = Unit() if kind is None else kind.unit
    value = _deciding(alarm)
    return Story(
        alarm=alarm.name,
        state=alarm.state,
        since=alarm.since,
        happened=said.happened,
        severity=said.severity,
        kind=entry,
        look_at=said.look_at,
        owner=said.owner,
        value=value,
        threshold=alarm.threshold,
        unit=unit.name or None,
        value_text=None if value is None else unit.of(value, beside=alarm.threshold),
        rings=_condition(alarm, unit),
        evaluation=alarm.evaluation,
        run_id=run.run_id if run else None,
        failure=run.failure if run and alarm.state == ALARM else None,
        links=_links(alarm, place=place, run=run, runbook=runbook),
    )


def _kind_by_name(name: str, place: Place) -> AlarmKind | None:
    """The kind whose alarm is named so, for one whose description somebody has changed."""
    return next((kind for kind in KINDS.values() if f"{name}-".startswith(f"{place.prefix}-{kind.name}-")), None)


def _deciding(alarm: Alarm) -> float | None:
    if not alarm.values:
        return None
    if alarm.state != ALARM:
        return alarm.values[-1]
    return min(alarm.values) if (alarm.comparison or "").endswith("below") else max(alarm.values)


def _condition(alarm: Alarm, unit: Unit) -> str | None:
    if alarm.comparison is None:
        return None
    condition = alarm.comparison
    if alarm.threshold is not None:
        condition += f" {unit.exactly(alarm.threshold)}"
    elif alarm.band_top is not None:
        condition += f", now {unit.of(alarm.band_top)}"
    if not (alarm.period and alarm.periods):
        return condition
    period = length(alarm.period)
    if alarm.periods == 1:
        return f"{condition}, in {period}"
    return f"{condition}, in {alarm.datapoints} of {alarm.periods} periods of {period}"


def _links(alarm: Alarm, *, place: Place, run: Run | None, runbook: str | None) -> dict[str, str]:
    found = {"runbook": runbook} if runbook else {}
    if alarm.evaluation is not None:
        layout = None if run is None else RunLayout(alarm.evaluation, run.run_id)
        prefix = layout.prefix if layout else evaluation_prefix(alarm.evaluation)
        found["run"] = folder_url(place.bucket, prefix, region=place.region)
        if layout and run and run.reported:
            found["report"] = object_url(place.bucket, layout.report, region=place.region)
    return {
        **found,
        "dashboard": dashboard_url(place.prefix, region=place.region),
        "alarm": alarm_url(alarm.name, region=place.region),
    }


def compose(story: Story, *, children: Sequence[Story] = (), cloudwatch: Mapping[str, Any]) -> Message:
    """The message of an alarm, with those of its children that ring."""
    severity = f"{story.severity.upper()} " if story.severity else ""
    shown = tuple(children[:_MOST_CHILDREN])
    text = "\n".join(_paragraphs(story, shown, more=len(children) - len(shown), reason=cloudwatch))
    return Message(
        subject=subject_line(f"{severity}{story.words}: {story.alarm}"),
        text=cut(text, _MOST_TEXT),
        story=story,
        children=shown,
        cloudwatch=cloudwatch,
    )


def _paragraphs(story: Story, children: Sequence[Story], *, more: int, reason: Mapping[str, Any]) -> Iterator[str]:
    word = f"{story.severity}: " if story.severity else ""
    yield f"{word}{story.alarm} {story.words} since {instant(story.since)}."
    yield ""
    yield story.happened if story.state == ALARM else f"What it watches: {story.happened}"
    if story.value_text and story.rings:
        yield f"Value: {story.value_text}; it rings {story.rings}."
    elif story.rings:
        yield f"It rings {story.rings}. {reason.get('NewStateReason') or ''}".rstrip()
    elif story.state == ALARM and not children and reason.get("NewStateReason"):
        yield reason["NewStateReason"]
    if story.failure:
        yield f"The run failed: {story.failure}"
    if children:
        yield ""
        yield f"{count(len(children) + more, 'alarm')} of it {'rings' if len(children) + more == 1 else 'ring'}:"
        for child in children:
            yield f"- {child.alarm}: {child.line}"
            yield from (f"    the run failed: {why}" for why in (child.failure,) if why)
            yield from (f"    {name}: {url}" for name, url in child.links.items() if name in _LINKS_OF_CHILD)
        if more:
            yield f"- and {more:,} more"
    yield ""
    if story.look_at and story.state == ALARM:
        yield f"Look at: {story.look_at}"
    if story.owner:
        yield f"Owner: {story.owner}"
    if story.run_id:
        yield f"Newest run: {story.run_id}"
    yield from (f"{name.capitalize()}: {url}" for name, url in story.links.items())


def pass_on(text: str, *, subject: str | None, why: str | None = None) -> Message:
    """A message that nobody here knows, or an alarm's that could not be told, as it came; the subject says so.

    Args:
        why: what went wrong, when something did.
    """
    body = (
        text
        if why is None
        else f"This alarm message could not be put into words ({why}); it follows as it came.\n\n{text}"
    )
    return Message(subject=subject_line(f"As it came: {subject or 'a message of the alarm topic'}"), text=body)


def subject_line(text: str) -> str:
    """A text as the subject of an e-mail from SNS."""
    plain = re.sub(r"[^ -~]+", " ", text.encode("ascii", "replace").decode()).strip()
    return cut(plain if plain[:1].strip() else "Alarm", _MOST_SUBJECT)


def _plain(text: str, most: int) -> str:
    """A text that is no markup in a chat, and no longer than that.

    Slack takes `&`, `<` and `>` for mentions and links unless they are entities (Slack API, formatting text); Markdown
    reads entities too.
    """
    escaped = escape(_sendable(text), quote=False)
    return escaped if len(escaped) <= most else f"{re.sub('&[a-z]*$', '', escaped[: most - 3])}..."


def _sendable(text: str) -> str:
    """A text that UTF-8 can write: JSON may have held half of a surrogate pair."""
    return text.encode(errors="replace").decode()


def cut(text: str, most: int) -> str:
    """No longer than that; dots say that something is missing."""
    return text if len(text) <= most else f"{text[: most - 3]}..."
