"""The filters of a question, and notes on what the log has where one of them matches nothing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bedrock_eval.invocation_log.queries import By, Models
from bedrock_eval.invocation_log.records import InvocationRecord, model_name
from bedrock_eval.wording import count, suggestion
from ops.terminal.output import print_note, printable
from ops.terminal.tables import Table

_SHOWN = 10
_HOURS, _MODEL = "--hours", "--model"


@dataclass(frozen=True)
class Filters:
    """Choose the calls of a question.

    Attributes:
        model: as it was given.
        models: what it stands for; None: all.
        hours: back from `now`; None: all.
        names: the models of the environment, for what may have been meant.
    """

    model: str | None
    models: Models | None
    hours: float | None
    now: datetime
    names: tuple[str, ...] = ()

    def chosen(self, records: Sequence[InvocationRecord]) -> list[InvocationRecord]:
        """Choose the records that every filter matches, and note each filter that matches none."""
        recent = [record for record in records if self._recent(record)]
        named = [record for record in records if self._named(record)]
        chosen = [record for record in recent if self._named(record)]
        if not records or chosen:
            _note_share(chosen, records)
        elif not recent:
            times = sorted(record.time for record in records)
            span = f"{times[0]:%Y-%m-%d %H:%M} to {times[-1]:%Y-%m-%d %H:%M} UTC"
            print_note(f"{self._since} matches none of {count(len(records), 'record')}; they are of {span}")
        elif not named:
            print_note(f"{self._which} matches none of {count(len(records), 'record')}; {_there_are(_models(records))}")
        else:
            print_note(
                f"{self._which} and {self._since} together match none of {count(len(records), 'record')}; "
                f"{count(len(named), 'record')} of the model, the newest at "
                f"{max(record.time for record in named):%Y-%m-%d %H:%M} UTC"
            )
        return chosen

    def explain(self, calls: Mapping[str, int]) -> None:
        """Note why the live log gave nothing, from all calls of the time by model."""
        if not calls:
            print_note(f"no call was logged in the last {self.hours:g} hours")
        elif not any(self._is_of(model) for model in calls):
            print_note(f"{self._which} matches none of {count(sum(calls.values()), 'call')}; {_there_are(calls)}")

    @property
    def _since(self) -> str:
        return f"{_HOURS} {self.hours:g}"

    @property
    def _which(self) -> str:
        return f"{_MODEL} {self.model}{suggestion(str(self.model), self.names)}"

    def _recent(self, record: InvocationRecord) -> bool:
        return self.hours is None or record.time >= self.now - timedelta(hours=self.hours)

    def _named(self, record: InvocationRecord) -> bool:
        return self._is_of(record.model_id)

    def _is_of(self, model_id: str) -> bool:
        if self.models is None:
            return True
        return self.models in model_id if isinstance(self.models, str) else model_name(model_id) in self.models


def _note_share(chosen: Sequence[InvocationRecord], records: Sequence[InvocationRecord]) -> None:
    if len(chosen) < len(records):
        print_note(f"{len(chosen):,} of {count(len(records), 'record')} match")


def _models(records: Sequence[InvocationRecord]) -> Counter[str]:
    return Counter(record.model for record in records)


def _there_are(calls: Mapping[str, int]) -> str:
    """The models with the most calls."""
    most = sorted(calls.items(), key=lambda pair: (-pair[1], pair[0]))
    shown = ", ".join(f"{printable(model, keep='')} ({calls:,})" for model, calls in most[:_SHOWN])
    more = f" and {len(most) - _SHOWN:,} more" if len(most) > _SHOWN else ""
    return f"there are: {shown}{more}"


def note_ungrouped(by: By, table: Table) -> None:
    """Note that no call says what the table is grouped by."""
    if table.rows and all(row[0] in ("", None) for row in table.rows):
        where = {By.APPLICATION: "requestMetadata.application", By.IDENTITY: "identity.arn"}.get(by, by.value)
        print_note(f"--by {by} groups nothing: no answered call has {where}")
