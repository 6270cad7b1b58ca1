"""Alarm thresholds proposed from the traffic of the last days."""

from dataclasses import dataclass
from datetime import datetime

from bedrock_eval.arrival import shown
from bedrock_eval.wording import count
from configuration.document.edit import Scalar
from configuration.document.reading import Path as DocumentPath
from ops.aws.account import Account
from ops.proposals.alarm_history import PERIOD_SECONDS, RATES, arrived, histories
from ops.proposals.bounds import HEADROOM, MAX, PERCENTILE, Proposal, for_all, latency_threshold, rate_threshold
from ops.proposals.proposal_cells import figure_cell, present_cell, proposal_cell
from ops.terminal.cells import Cell
from ops.terminal.tables import Column, Table, TableKind

THRESHOLDS = TableKind(
    "thresholds",
    "a proposal for each threshold of each model",
    (
        Column("key", "the key below `alarms`"),
        Column("model", "the key of the model"),
        Column("datapoints", "periods with data: the n of the percentile"),
        Column("percentile", f"the {PERCENTILE}th percentile of the periods", f"p{PERCENTILE}"),
        Column("now", "the threshold in the file"),
        Column("proposed", "the proposed threshold, null where there is none"),
        Column("reason", "why nothing is proposed", ""),
    ),
)

_LATENCY = "latency_p90_ms"


@dataclass(frozen=True)
class ThresholdProposals:
    """The table, and what changes in the file."""

    table: Table
    changes: dict[DocumentPath, Scalar]


def propose_thresholds(account: Account, *, days: int, now: datetime) -> ThresholdProposals:
    """Propose the thresholds of latency by model, and those of rates for all models together.

    Raises:
        OpsError: CloudWatch does not give all of the metrics.
    """
    shared = account.environment.thresholds()
    models = list(histories(account, days=days, now=now))
    rows: list[tuple[Cell, ...]] = []
    changes: dict[DocumentPath, Scalar] = {}
    for model in models:
        proposal = latency_threshold(model.latency)
        present = account.environment.thresholds(model.name).latency_p90_ms
        rows.append(_row(_LATENCY, model.name, proposal, present=present))
        if proposal.value is not None and proposal.value != present:
            changes[("models", model.name, "alarms", _LATENCY)] = proposal.value
    for key in RATES:
        proposals = {model.name: rate_threshold(model.rates[key], floor=model.floor) for model in models}
        rows += [_row(key, name, each, present=getattr(shared, key)) for name, each in proposals.items()]
        value = _highest(list(proposals.values()))
        if value is not None and value != getattr(shared, key):
            changes[("alarms", key)] = value
    title = (
        f"Thresholds, from {count(days, 'day')} until {shown(arrived(now))} in periods of {PERIOD_SECONDS // 60} "
        f"minutes: {HEADROOM:g} times the {PERCENTILE}th percentile; all models share the highest rate"
    )
    return ThresholdProposals(THRESHOLDS.table(title, rows), changes)


def _highest(proposals: list[Proposal]) -> float | None:
    """Choose the rate for all models; None where one model's history allows no threshold."""
    known = [each for each in proposals if each.value is not None]
    refused = any(each.basis is not None and each.value is None for each in proposals)
    return for_all(known, key=MAX).value if known and not refused else None


def _row(key: str, model: str, proposal: Proposal, *, present: float) -> tuple[Cell, ...]:
    return (key, model, proposal.n, figure_cell(proposal.basis), present_cell(present), *proposal_cell(proposal))
