"""The description of an alarm: composed when it is deployed, parsed when it has notified.

One line a fact, each with its label, so that no text can be taken for the next fact. CloudWatch keeps the lines; its
console shows descriptions as Markdown.
"""

from dataclasses import dataclass
from typing import Self

from bedrock_eval.errors import UserError

MOST_CHARACTERS = 1024
"""Of a description. Source: CloudWatch API reference, PutMetricAlarm and PutCompositeAlarm."""

_LABELS = {
    "condition": "In alarm: ",
    "look_at": "Check: ",
    "owner": "Owner: ",
    "dashboard": "Dashboard: ",
    "runbook": "Runbook: ",
}
"""The labels of the lines after the first, in their order, by the field that each holds."""


class DescriptionError(UserError):
    """CloudWatch would refuse the description."""


@dataclass(frozen=True)
class AlarmDescription:
    """What an alarm says in the console and in its message. Every field is one line; None: not said.

    Attributes:
        happened: what has happened when it is in alarm.
        severity: as the environment has it.
        condition: when it goes into alarm: datapoints and periods.
        look_at: what to check first.
        owner: the team that answers it.
        dashboard: the name of the dashboard that shows it.
        runbook: the URL of its entry in the runbook.
    """

    happened: str
    severity: str | None = None
    condition: str | None = None
    look_at: str | None = None
    owner: str | None = None
    dashboard: str | None = None
    runbook: str | None = None

    @property
    def entry(self) -> str | None:
        """The heading of its entry in the runbook."""
        return self.runbook.rpartition("#")[2] if self.runbook and "#" in self.runbook else None

    def compose(self) -> str:
        """The text that CloudWatch stores.

        Raises:
            DescriptionError: it is longer than CloudWatch takes.
        """
        severity = f"[{self.severity}] " if self.severity else ""
        facts = ((label, _line(getattr(self, name) or "")) for name, label in _LABELS.items())
        lines = [f"{severity}{_line(self.happened)}", *(f"{label}{fact}" for label, fact in facts if fact)]
        text = "\n".join(lines)
        if len(text) > MOST_CHARACTERS:
            raise DescriptionError(f"{len(text)} characters; allowed: {MOST_CHARACTERS}: {text}")
        return text

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `compose` has written of an alarm with a severity. Any other text is what has happened, whole."""
        first, *rest = text.strip().split("\n")
        severity, happened = _severity(first)
        if severity is None:
            return cls(text)
        found: dict[str, str] = {}
        for line in rest:
            name = next((name for name, label in _LABELS.items() if line.startswith(label)), None)
            if name is None or name in found:
                return cls(text)
            found[name] = line.removeprefix(_LABELS[name])
        return cls(happened, severity, **found)


def _severity(line: str) -> tuple[str | None, str]:
    begin, found, rest = line.partition("] ")
    word = begin.removeprefix("[")
    return (word, rest) if found and begin.startswith("[") and word.isalpha() and word.islower() else (None, line)


def _line(text: str) -> str:
    """A text in one line: it is Markdown in the console, where a line break is a space."""
    return " ".join(text.split())
