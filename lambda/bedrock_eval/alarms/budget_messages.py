"""What AWS Budgets says, told like an alarm.

AWS documents no format of this plain text. Its lines are those of notifications that people have published since 2019;
a text without them is not read, and goes on as it came.
"""

import math
import re
from datetime import datetime

from bedrock_eval.alarms.composite_rules import ALARM
from bedrock_eval.alarms.kinds import Severity
from bedrock_eval.alarms.messages import Message, Place, Story, subject_line
from bedrock_eval.console import dashboard_url

ENTRY = "budget"
"""In the runbook."""

_BEGINNING = "AWS Budget Notification "
_LINE = re.compile(r"^(Budget Name|Budgeted Amount|Alert Threshold|ACTUAL Amount|FORECASTED Amount):(.+)$", re.M)
_URL = re.compile(r"https://\S+")
_DOLLARS = re.compile(r"\$([0-9][0-9,]*(?:\.[0-9]+)?)")
_LOOK_AT = "cost by model on the dashboard, then tokens by identity in the invocation log."


def budget_message(text: str, *, place: Place) -> Message | None:
    """The message of a budget's notification, which stands below as it came; None for any other text."""
    found_lines = _LINE.findall(text) if text.startswith(_BEGINNING) else []
    lines = {name: value.strip(" \r") for name, value in found_lines if value.strip(" \r")}
    spent = lines.get("ACTUAL Amount")
    amount = spent or lines.get("FORECASTED Amount")
    if amount is None or not {"Budget Name", "Budgeted Amount", "Alert Threshold"} <= set(lines):
        return None
    name, limit, threshold = lines["Budget Name"], lines["Budgeted Amount"], lines["Alert Threshold"]
    cost = f"has cost {amount}" if spent else f"is forecast to cost {amount}"
    found = _URL.search(text)
    story = Story(
        alarm=name,
        state=ALARM,
        since=_day(text.splitlines()[0]),
        happened=f"Budget {name} {cost} of {limit}.",
        severity=Severity.WARNING.value,
        kind=ENTRY,
        look_at=_LOOK_AT,
        value=_dollars(amount),
        threshold=_dollars(threshold),
        unit="US dollars",
        value_text=amount,
        rings=threshold,
        links={
            "runbook": f"{place.runbook}#{ENTRY}",
            "dashboard": dashboard_url(place.prefix, region=place.region),
            **({"budgets": found[0]} if found else {}),
        },
    )
    subject = subject_line(f"{Severity.WARNING.upper()} budget {name} {cost} of {limit}")
    return Message(subject=subject, text=_text(story, text), story=story)


def _text(story: Story, original: str) -> str:
    return "\n".join(
        (
            f"{story.severity}: {story.happened} The alert is set at {story.rings}.",
            "",
            f"Check: {story.look_at}",
            *(f"{name.capitalize()}: {url}" for name, url in story.links.items()),
            "",
            "Notification from AWS Budgets:",
            "",
            original,
        )
    )


def _day(heading: str) -> str:
    """The date in `AWS Budget Notification November 24, 2026`, ISO 8601; as it stands there if it has another form."""
    date = heading.removeprefix(_BEGINNING).strip()
    try:
        return datetime.strptime(date, "%B %d, %Y").date().isoformat()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return date


def _dollars(text: str) -> float | None:
    found = _DOLLARS.search(text)
    amount = math.inf if found is None else float(found[1].replace(",", ""))
    return amount if math.isfinite(amount) else None
