"""What an alarm says to people: CloudWatch's notification read, told in words, and written for each kind of reader.

Source of the notification's keys: CloudWatch user guide, AlarmActions; of the chat message: administrator guide of
Amazon Q Developer in chat applications, custom notifications. Descriptions are those that the alarm factory writes.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bedrock_eval import catalogue, codec
from bedrock_eval.gates import Verdict
from bedrock_eval.layout import RunLayout, evaluation_prefix
from bedrock_eval.wording import count, instant, number

VERSION = 1
"""Of the JSON message; raised when a field changes its meaning or goes."""

ALARM, OK, INSUFFICIENT_DATA = "ALARM", "OK", "INSUFFICIENT_DATA"
_IN_WORDS = {ALARM: "rings", OK: "is over", INSUFFICIENT_DATA: "has no data"}

# SNS: subjects are ASCII without control characters, and less than 100 characters long.
_MOST_SUBJECT = 99
# Custom notifications: title, description, keyword and next step.
_MOST_TITLE, _MOST_CHAT, _MOST_KEYWORD, _MOST_STEP = 250, 8_000, 75, 350
# SNS: a message has 256 KiB at most, all its forms together.
_MOST_BYTES = 256 * 1024
_MOST_TEXT, _MOST_CHILDREN = 20_000, 50

_DESCRIPTION = re.compile(
    r"\[(?P<severity>[a-z]+)\] (?P<happened>.*?)(?: Rings at (?P<window>.*?)\.?)?(?: Look at: (?P<look_at>.*?))?"
    r"(?: Owner: (?P<owner>.*?)\.)?(?: Dashboard: .*?\.)?(?: Runbook: (?P<runbook>\S+))?",
    re.DOTALL,
)
_CHILD = re.compile(r"(?:ALARM|OK|INSUFFICIENT_DATA)\(\s*(?:\"([^\"]+)\"|'([^']+)'|([^)\s]+))\s*\)")
_COMPARISONS = {
    "GreaterThanThreshold": "above",
    "GreaterThanOrEqualToThreshold": "at or above",
    "LessThanThreshold": "below",
    "LessThanOrEqualToThreshold": "at or below",
}
_UNITS = {"Milliseconds": "ms", "Seconds": "s", "Percent": "%"}
# These say something of a run that need not have finished.
_OF_ANY_RUN = frozenset({catalogue.RUN_FAILED.name, catalogue.RUN_SKIPPED.name, catalogue.SCHEDULE_OVERDUE.name})


@dataclass(frozen=True)
class Place:
    """Where the environment is: what links are made of."""

    region: str
    bucket: str
    dashboard: str


@dataclass(frozen=True)
class Run:
    """A run in the results bucket, by the objects that it has."""

    run_id: str
    finished: bool
    reported: bool


@dataclass(frozen=True)
class Alarm:
    """An alarm at one moment, from a notification or from DescribeAlarms.

    Attributes:
        since: when it took this state, ISO 8601.
        reason: CloudWatch's own sentence.
        metrics: (namespace, name, dimensions) of what it watches; none for a composite.
        expression: metric math over them.
        values: the datapoints it was judged on, the newest last; empty when that is not known.
        rule: of a composite.
    """

    name: str
    state: str
    since: str
    reason: str
    description: str = ""
    metrics: tuple[tuple[str, str, Mapping[str, str]], ...] = ()
    expression: str | None = None
    threshold: float | None = None
    comparison: str | None = None
    period: int | None = None
    periods: int | None = None
    datapoints: int | None = None
    values: tuple[float, ...] = ()
    rule: str | None = None

    @property
    def children(self) -> tuple[str, ...]:
        """Names of the alarms that a composite's rule asks about."""
        found = (next(filter(None, match)) for match in _CHILD.findall(self.rule or ""))
        return tuple(dict.fromkeys(name.rpartition(":alarm:")[2] for name in found))

    @property
    def evaluation(self) -> str | None:
        """The evaluation that it is about."""
        for _, _, dimensions in self.metrics:
            if catalogue.EVALUATION in dimensions:
                return dimensions[catalogue.EVALUATION]
        return None

    @property
    def of_finished_run(self) -> bool:
        """Whether what it watches is published by finished runs alone."""
        return not any(name in _OF_ANY_RUN for _, name, _ in self.metrics)


@dataclass(frozen=True)
class Story:
    """One alarm in words. What is not known is None, and left out of the JSON.

    Attributes:
        kind: the entry of the runbook.
        value: the datapoint that made it ring, or the newest when it is over.
        rings: the condition in words, with unit and window.
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
        return json.dumps(rest, ensure_ascii=False)

    def to_chat(self) -> str:
        """A custom notification; messages of one alarm share a thread."""
        content: dict[str, Any] = {
            "textType": "client-markdown",
            "title": _cut(self.subject, _MOST_TITLE),
            "description": _cut(self.text, _MOST_CHAT),
        }
        metadata: dict[str, Any] = {"summary": self.subject}
        if self.story is not None:
            tags = filter(None, (self.story.severity, self.story.kind, self.story.evaluation))
            content["keywords"] = [_cut(tag, _MOST_KEYWORD) for tag in tags]
            if self.story.look_at and self.story.state == ALARM:
                content["nextSteps"] = [_cut(f"Look at: {self.story.look_at}", _MOST_STEP)]
            metadata["threadId"] = self.story.alarm
        return json.dumps({"version": "1.0", "source": "custom", "content": content, "metadata": metadata})

    def by_protocol(self) -> str:
        """The message of a Publish with MessageStructure `json`: text for e-mail, JSON for programs.

        One that is too large is sent as a part of its text.
        """
        forms = self._forms()
        if len(forms.encode()) <= _MOST_BYTES:
            return forms
        return Message(self.subject, _cut(self.text, _MOST_TEXT))._forms()

    def _forms(self) -> str:
        return json.dumps({"default": self.to_json(), "email": self.text}, ensure_ascii=False)


def read_notification(text: str) -> Mapping[str, Any] | None:
    """CloudWatch's notification, None for any other message."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    keys = ("AlarmName", "NewStateValue", "StateChangeTime")
    return found if isinstance(found, dict) and all(isinstance(found.get(key), str) for key in keys) else None


def is_first_word(notification: Mapping[str, Any]) -> bool:
    """Whether an alarm has only learned that all is well; every new alarm does, and nobody needs to hear it."""
    change = (notification.get("OldStateValue"), notification["NewStateValue"])
    return change == (INSUFFICIENT_DATA, OK)


def notified_alarm(notification: Mapping[str, Any]) -> Alarm:
    """The alarm that a notification tells of; its datapoints are not in there."""
    return _alarm(
        notification.get("Trigger") or {},
        name=notification["AlarmName"],
        state=notification["NewStateValue"],
        since=_iso(notification["StateChangeTime"]),
        reason=notification.get("NewStateReason") or "",
        description=notification.get("AlarmDescription") or "",
        values=(),
        rule=notification.get("AlarmRule"),
    )


def described_alarm(record: Mapping[str, Any], *, since: str) -> Alarm:
    """The alarm that DescribeAlarms tells of, under either key of its answer."""
    return _alarm(
        record,
        name=record["AlarmName"],
        state=record["StateValue"],
        since=since,
        reason=record.get("StateReason") or "",
        description=record.get("AlarmDescription") or "",
        values=_values(record.get("StateReasonData")),
        rule=record.get("AlarmRule"),
    )


def _alarm(watched: Mapping[str, Any], *, values: tuple[float, ...], **known: Any) -> Alarm:
    queries = [query for query in watched.get("Metrics") or () if isinstance(query, Mapping)]
    metrics = [query["MetricStat"]["Metric"] for query in queries if query.get("MetricStat")]
    expressions = [query["Expression"] for query in queries if query.get("Expression")]
    return Alarm(
        metrics=tuple(_metric(each) for each in (metrics if queries else [watched]) if each.get("MetricName")),
        expression=expressions[-1] if expressions else None,
        threshold=watched.get("Threshold"),
        comparison=_COMPARISONS.get(watched.get("ComparisonOperator", "")),
        period=watched.get("Period") or _period(queries),
        periods=watched.get("EvaluationPeriods"),
        datapoints=watched.get("DatapointsToAlarm") or watched.get("EvaluationPeriods"),
        values=values,
        **known,
    )


def _metric(found: Mapping[str, Any]) -> tuple[str, str, Mapping[str, str]]:
    """Notifications spell a dimension `name` and `value`, DescribeAlarms `Name` and `Value`."""
    dimensions = ({key.lower(): value for key, value in each.items()} for each in found.get("Dimensions") or ())
    return found.get("Namespace", ""), found["MetricName"], {each["name"]: each["value"] for each in dimensions}


def _period(queries: Sequence[Mapping[str, Any]]) -> int | None:
    periods = (query["MetricStat"].get("Period") for query in queries if query.get("MetricStat"))
    return next((period for period in periods if period), None)


def _values(reason_data: str | None) -> tuple[float, ...]:
    try:
        found = json.loads(reason_data or "{}")
    except ValueError:
        return ()
    values = found.get("recentDatapoints", ()) if isinstance(found, dict) else ()
    return tuple(float(value) for value in values or () if isinstance(value, int | float))


def newest(runs: Sequence[Run], alarm: Alarm) -> Run | None:
    """The run that an alarm is about: the newest, among the finished where only these publish what it watches."""
    ordered = sorted(runs, key=lambda run: run.run_id)
    finished = [run for run in ordered if run.finished]
    return (finished if alarm.of_finished_run and finished else ordered)[-1] if ordered else None


def tell(alarm: Alarm, *, place: Place, run: Run | None = None) -> Story:
    """An alarm in words.

    Args:
        run: the newest of the evaluation that it is about.
    """
    match = _DESCRIPTION.fullmatch(alarm.description.strip())
    said: Mapping[str, str | None] = match.groupdict() if match else {"happened": alarm.description or alarm.reason}
    unit = _unit(alarm)
    value = _deciding(alarm)
    runbook = said.get("runbook")
    return Story(
        alarm=alarm.name,
        state=alarm.state,
        since=alarm.since,
        happened=said["happened"] or alarm.name,
        severity=said.get("severity"),
        kind=runbook.rpartition("#")[2] if runbook and "#" in runbook else None,
        look_at=said.get("look_at"),
        owner=said.get("owner"),
        value=value,
        threshold=alarm.threshold,
        unit=unit,
        value_text=None if value is None else _measure(alarm, value, unit),
        rings=_condition(alarm, unit),
        evaluation=alarm.evaluation,
        run_id=run.run_id if run else None,
        links=_links(alarm, place=place, run=run, runbook=runbook),
    )


def _unit(alarm: Alarm) -> str | None:
    if alarm.expression is not None:
        # Every rate of ours is per cent; other expressions are sums of counts.
        return "%" if "100*" in alarm.expression.replace(" ", "") else None
    units = {metric.name: metric.unit for metric in catalogue.FIXED}
    return next((_UNITS.get(units.get(name, "")) for _, name, _ in alarm.metrics), None)


def _deciding(alarm: Alarm) -> float | None:
    if not alarm.values:
        return None
    if alarm.state != ALARM:
        return alarm.values[-1]
    return min(alarm.values) if (alarm.comparison or "").endswith("below") else max(alarm.values)


def _measure(alarm: Alarm, value: float, unit: str | None) -> str:
    names = {name for _, name, _ in alarm.metrics}
    if names == {catalogue.GATE_VERDICT.name} and value in range(len(Verdict)):
        return f"{value:g} ({list(Verdict)[int(value)].value.replace('_', ' ')})"
    shown = f"{value:,.0f}" if float(value).is_integer() else number(value)
    return f"{shown} {unit}" if unit else shown


def _condition(alarm: Alarm, unit: str | None) -> str | None:
    if alarm.threshold is None or alarm.comparison is None:
        return None
    condition = f"{alarm.comparison} {_measure(alarm, alarm.threshold, unit)}"
    if not (alarm.period and alarm.periods):
        return condition
    name, size = next((name, size) for name, size in (("h", 3_600), ("min", 60), ("s", 1)) if alarm.period % size == 0)
    length = f"{alarm.period // size} {name}"
    if alarm.periods == 1:
        return f"{condition}, in {length}"
    return f"{condition}, in {alarm.datapoints} of {alarm.periods} periods of {length}"


def _links(alarm: Alarm, *, place: Place, run: Run | None, runbook: str | None) -> dict[str, str]:
    console = _console(place.region)
    watch = f"https://{console}/cloudwatch/home?region={place.region}#"
    found = {"runbook": runbook} if runbook else {}
    if run is not None and alarm.evaluation is not None:
        layout = RunLayout(alarm.evaluation, run.run_id)
        folder = f"https://{console}/s3/buckets/{place.bucket}?region={place.region}&prefix={layout.prefix}"
        found["run"] = folder
        if run.reported:
            found["report"] = f"https://{console}/s3/object/{place.bucket}?region={place.region}&prefix={layout.report}"
    elif alarm.evaluation is not None:
        prefix = evaluation_prefix(alarm.evaluation)
        found["run"] = f"https://{console}/s3/buckets/{place.bucket}?region={place.region}&prefix={prefix}"
    return {
        **found,
        "dashboard": f"{watch}dashboards/dashboard/{place.dashboard}",
        "alarm": f"{watch}alarmsV2:alarm/{alarm.name}",
    }


def _console(region: str) -> str:
    """The console of the Region's partition."""
    if region.startswith("cn-"):
        return f"{region}.console.amazonaws.cn"
    return (
        f"{region}.console.amazonaws-us-gov.com" if region.startswith("us-gov-") else f"{region}.console.aws.amazon.com"
    )


def compose(story: Story, *, children: Sequence[Story] = (), cloudwatch: Mapping[str, Any]) -> Message:
    """The message of an alarm, with those of its children that ring."""
    severity = f"{story.severity.upper()} " if story.severity else ""
    shown = tuple(children[:_MOST_CHILDREN])
    text = "\n".join(_paragraphs(story, shown, more=len(children) - len(shown), reason=cloudwatch))
    return Message(
        subject=_subject(f"{severity}{story.words}: {story.alarm}"),
        text=_cut(text, _MOST_TEXT),
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
    if children:
        yield ""
        yield f"{count(len(children) + more, 'alarm')} of it {'rings' if len(children) + more == 1 else 'ring'}:"
        for child in children:
            yield f"- {child.alarm}: {child.line}"
            yield from (f"    {name}: {url}" for name, url in child.links.items() if name in ("report", "runbook"))
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
    """A message that is not an alarm's, or could not be told, as it came.

    Args:
        why: what went wrong, when something did.
    """
    body = (
        text
        if why is None
        else f"This alarm message could not be put into words ({why}); it follows as it came.\n\n{text}"
    )
    return Message(subject=_subject(subject or "A message of the alarm topic"), text=body)


def _subject(text: str) -> str:
    plain = re.sub(r"[^ -~]+", " ", text.encode("ascii", "replace").decode()).strip()
    return _cut(plain if plain[:1].strip() else "Alarm", _MOST_SUBJECT)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _iso(time: str) -> str:
    """CloudWatch writes `2026-11-24T16:02:10.123+0000`."""
    return re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", time)
