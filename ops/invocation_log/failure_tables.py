"""Tables of failed and throttled calls."""

from collections import defaultdict

from bedrock_eval.wording import count
from ops.invocation_log.figures import Group, Source, burst, share
from ops.terminal.cells import Cell
from ops.terminal.tables import Column, Table, TableKind

_MODEL = Column("model", "the id that the calls named, without ARN")
_CALLER = Column("caller", "role or user, without session")
_OF_MODEL = (
    Column("model_calls", "all logged calls of the model: the n of the share", "model's calls"),
    Column("share_percent", "of the model's calls", "share %"),
)
_SPAN = (Column("first", "the first of them"), Column("last", "the last of them"))

ERRORS = TableKind(
    "errors",
    "failed calls by error, model and caller, most first",
    (
        Column("error", "Bedrock's error code"),
        *(_MODEL, _CALLER),
        Column("calls", "failed calls", "n"),
        *_OF_MODEL,
        *_SPAN,
    ),
)
THROTTLES = TableKind(
    "throttles",
    "throttled calls by model and caller, most first",
    (
        *(_MODEL, _CALLER),
        Column("calls", "throttled calls", "n"),
        *_OF_MODEL,
        Column("worst_burst", "beginning of the five minutes with the most of them", "worst 5 min"),
        Column("worst_burst_calls", "throttled calls in those five minutes", "n in them"),
        *_SPAN,
    ),
)


def errors(source: Source) -> tuple[Table, ...]:
    """Count failed calls by code, model and caller, most first."""
    calls = source.calls()
    groups = sorted(source.errors(), key=lambda group: -group.calls)
    rows: list[tuple[Cell, ...]] = []
    for each in groups:
        of = calls.get(str(each.key[1]))
        rows.append((*each.key, each.calls, of, share(each.calls, of), each.first, each.last))
    failed = sum(group.calls for group in groups)
    title = f"{count(failed, 'failed call')} of {sum(calls.values()):,} logged; share of the model's calls"
    return (ERRORS.table(title, rows),)


def throttles(source: Source) -> tuple[Table, ...]:
    """Count throttled calls by model and caller, with the worst five minutes."""
    calls = source.calls()
    bursts: dict[tuple[str | None, ...], list[Group]] = defaultdict(list)
    for group in source.throttles():
        bursts[group.key[:2]].append(group)
    rows: list[tuple[Cell, ...]] = []
    for (model, who), groups in sorted(bursts.items(), key=lambda pair: -sum(each.calls for each in pair[1])):
        n, worst = sum(each.calls for each in groups), max(groups, key=lambda each: each.calls)
        of = calls.get(str(model))
        first, last = min(each.first for each in groups), max(each.last for each in groups)
        rows.append((model, who, n, of, share(n, of), burst(worst.first), worst.calls, first, last))
    total = sum(each.calls for groups in bursts.values() for each in groups)
    title = f"{count(total, 'throttled call')} of {sum(calls.values()):,} logged; share of the model's calls"
    return (THROTTLES.table(title, rows),)
