"""What a question's filters leave of the records, and what there is where one of them matches nothing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bedrock_eval.invocation_records import InvocationRecord, model_name
from bedrock_eval.log_queries import By, Models
from bedrock_eval.wording import count
from ops.terminal.screen import Table, printable, tell

_SHOWN = 10
_HOURS, _MODEL = "--hours", "--model"


@dataclass(frozen=True)
class Filters:
    """Which calls are asked about.

    Attributes:
        model: as it was given.
        models: what it stands for; None: all.
        hours: back from `now`; None: all.
    """

    model: str | None
    models: Models | None
    hours: float | None
    now: datetime

    def chosen(self, records: Sequence[InvocationRecord]) -> list[InvocationRecord]:
        """Those that every filter lets through; each filter that lets none through is told."""
        recent = [record for record in records if self._recent(record)]
        named = [record for record in records if self._named(record)]
        chosen = [record for record in recent if self._named(record)]
        if not records or chosen:
            _tell_share(chosen, records)
        elif not recent:
            times = sorted(record.time for record in records)
            span = f"{times[0]:%Y-%m-%d %H:%M} to {times[-1]:%Y-%m-%d %H:%M} UTC"
            tell(f"{self._since} matches none of {count(len(records), 'record')}; they are of {span}")
        elif not named:
            tell(f"{self._which} matches none of {count(len(records), 'record')}; {_there_are(_models(records))}")
        else:
            tell(
                f"{self._which} and {self._since} together match none of {count(len(records), 'record')}; "
                f"{count(len(named), 'record')} of the model, the newest at "
                f"{max(record.time for record in named):%Y-%m-%d %H:%M} UTC"
            )
        return chosen

    def explain(self, calls: Mapping[str, int]) -> None:
        """Tell why nothing came of the live log, by all calls of the time that was asked about, by model."""
        if not calls:
            tell(f"no call was logged in the last {self.hours:g} hours")
        elif not any(self._is_of(model) for model in calls):
            tell(f"{self._which} matches none of {count(sum(calls.values()), 'call')}; {_there_are(calls)}")

    @property
    def _since(self) -> str:
        return f"{_HOURS} {self.hours:g}"

    @property
    def _which(self) -> str:
        return f"{_MODEL} {self.model}"

    def _recent(self, record: InvocationRecord) -> bool:
        return self.hours is None or record.time >= self.now - timedelta(hours=self.hours)

    def _named(self, record: InvocationRecord) -> bool:
        return self._is_of(record.model_id)

    def _is_of(self, model_id: str) -> bool:
        if self.models is None:
            return True
        return self.models in model_id if isinstance(self.models, str) else model_name(model_id) in self.models


def _tell_share(chosen: Sequence[InvocationRecord], records: Sequence[InvocationRecord]) -> None:
    if len(chosen) < len(records):
        tell(f"{len(chosen):,} of {count(len(records), 'record')} asked about")


def _models(records: Sequence[InvocationRecord]) -> Counter[str]:
    return Counter(record.model for record in records)


def _there_are(calls: Mapping[str, int]) -> str:
    """The models with the most calls."""
    most = sorted(calls.items(), key=lambda pair: (-pair[1], pair[0]))
    told = ", ".join(f"{printable(model, keep='')} ({calls:,})" for model, calls in most[:_SHOWN])
    more = f" and {len(most) - _SHOWN:,} more" if len(most) > _SHOWN else ""
    return f"there are: {told}{more}"


def tell_ungrouped(by: By, table: Table) -> None:
    """Tell that no call says what the table is summed by."""
    if table.rows and all(row[0] in ("", None) for row in table.rows):
        where = {By.APPLICATION: "requestMetadata.application", By.IDENTITY: "identity.arn"}.get(by, by.value)
        tell(f"--by {by} groups nothing: no answered call has {where}")
