"""Tables of tokens and of what they cost."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from bedrock_eval.invocation_log.queries import EVALUATION_PURPOSE, By
from bedrock_eval.pricing.costs import Cost, Rates, cost
from bedrock_eval.pricing.usage import Usage
from bedrock_eval.wording import count
from ops.invocation_log.figures import Source, Tokens
from ops.terminal.cells import Cell, Dollars
from ops.terminal.tables import Column, Table, TableKind

_MODEL = Column("model", "the id that the calls named, without ARN")
_TOKENS = (
    Column("answered", "answered calls", "answered (n)"),
    Column("uncounted", "answered calls whose tokens are unknown"),
    Column("input_tokens", "tokens of prompts, without cached ones", "input"),
    Column("output_tokens", "tokens of answers", "output"),
    Column("cache_read_tokens", "tokens read from a cache", "cache read"),
    Column("cache_write_tokens", "tokens written to a cache", "cache write"),
)
_GROUP = Column("group", "the value of what --by names; null where calls do not say it")

TOKENS = TableKind(
    "tokens",
    "tokens by model, purpose and caller, most first",
    (
        _MODEL,
        Column("purpose", "requestMetadata.purpose; null where calls do not say it"),
        Column("caller", "role or user, without session"),
        *_TOKENS,
    ),
)
TOKENS_BY = TableKind("tokens_by", "tokens by what --by names, most first", (_GROUP, *_TOKENS))
COSTS = TableKind(
    "costs",
    "estimated cost by what --by names, dearest first",
    (
        *(_GROUP, *_TOKENS),
        Column("usd", "US dollars of the tokens that have a rate"),
        Column("unpriced_tokens", "tokens without a rate, which are in no amount", "unpriced tokens"),
    ),
)
TRAFFIC = TableKind(
    "traffic",
    "calls of evaluations beside all others, by model",
    (
        Column("traffic", "evaluation, or other"),
        *(_MODEL, *_TOKENS),
        Column("latency_known", "answered calls whose latency is known: the n of the percentiles", "latency known (n)"),
        *(Column(f"p{n}_ms", f"{n} percent of the known calls took no longer", f"p{n}") for n in (50, 90, 99)),
    ),
)


def tokens(source: Source) -> tuple[Table, ...]:
    """Add up tokens by model, purpose and caller, most first."""
    found = sorted(source.tokens().items(), key=lambda pair: -(pair[1].input + pair[1].output))
    total = sum((each for _, each in found), Tokens())
    rows: list[tuple[Cell, ...]] = [
        (model, purpose or "", who, *_token_cells(each)) for (model, purpose, who), each in found
    ]
    return (TOKENS.table(_tokens_title(total), rows),)


def tokens_by(source: Source, by: By) -> tuple[Table, ...]:
    """Add up tokens by one thing that calls have in common, all models together, most first."""
    found: dict[str | None, Tokens] = defaultdict(Tokens)
    for (group, _), each in source.tokens_by(by).items():
        found[group] += each
    rows: list[tuple[Cell, ...]] = [
        (group or "", *_token_cells(each)) for group, each in sorted(found.items(), key=_most_tokens)
    ]
    return (_grouped(TOKENS_BY, by).table(_tokens_title(sum(found.values(), Tokens())), rows),)


def costs(source: Source, by: By, *, rates: Mapping[str, Rates]) -> tuple[Table, ...]:
    """Estimate what the tokens cost, dearest first; without a rate they are unpriced tokens, never free.

    Args:
        rates: by model or profile id, without ARN.
    """
    used: dict[str | None, Tokens] = defaultdict(Tokens)
    prices: dict[str | None, Cost] = defaultdict(Cost)
    for (group, model), each in source.tokens_by(by).items():
        usage = Usage(each.input, each.output, each.cache_read, each.cache_write)
        used[group] += each
        prices[group] += cost(usage, rates.get(model))
    rows: list[tuple[Cell, ...]] = [
        (
            group or "",
            *_token_cells(used[group]),
            Dollars(price.usd) if price.known and used[group].counted else None,
            price.unpriced_tokens,
        )
        for group, price in sorted(prices.items(), key=lambda pair: -pair[1].usd)
    ]
    total = sum(used.values(), Tokens())
    amount = _amount(sum(prices.values(), Cost()), total)
    title = (
        f"{amount} for {count(total.calls, 'answered call')}, by the environment's rates; "
        f"the tokens of {total.calls - total.counted:,} are unknown; an estimate, not the bill"
    )
    return (_grouped(COSTS, by).table(title, rows),)


def evaluation(source: Source) -> tuple[Table, ...]:
    """Show calls of evaluations beside all others, by model."""
    found = sorted(source.traffic().items(), key=lambda pair: (not pair[0][0], -pair[1].latency.calls))
    rows: list[tuple[Cell, ...]] = [
        (
            *("evaluation" if is_evaluation else "other", model, *_token_cells(each.tokens), each.latency.known),
            *(each.latency.p50, each.latency.p90, each.latency.p99),
        )
        for (is_evaluation, model), each in found
    ]
    mine = [each.tokens for (is_evaluation, _), each in found if is_evaluation]
    part, total = sum(mine, Tokens()), sum((each.tokens for _, each in found), Tokens())
    title = (
        f"{part.calls:,} of {total.calls:,} answered calls are of evaluations (requestMetadata.purpose is "
        f"{EVALUATION_PURPOSE}), and {part.input + part.output:,} of {total.input + total.output:,} tokens; "
        f"those of {count(total.calls - total.counted, 'call')} are unknown"
    )
    return (TRAFFIC.table(title, rows),)


def _grouped(kind: TableKind, by: By) -> TableKind:
    """The kind with the heading of what its rows are grouped by; days are in UTC."""
    heading = f"{by} (UTC)" if by is By.DAY else by.value
    return replace(kind, columns=(replace(kind.columns[0], heading=heading), *kind.columns[1:]))


def _amount(price: Cost, used: Tokens) -> str:
    """The amount of a title; calls whose tokens are unknown are not free."""
    if used.calls and not used.counted:
        return "unknown cost"
    return (
        f"at least {price}" if used.calls > used.counted and price.known and not price.unpriced_tokens else str(price)
    )


def _token_cells(each: Tokens) -> tuple[Cell, ...]:
    figures = (each.input, each.output, each.cache_read, each.cache_write) if each.counted else (None,) * 4
    return (each.calls, each.calls - each.counted, *figures)


def _tokens_title(total: Tokens) -> str:
    return (
        f"{total.input:,} input and {total.output:,} output tokens in {count(total.calls, 'answered call')}; "
        f"those of {total.calls - total.counted:,} are unknown; cached tokens are not in the input"
    )


def _most_tokens(pair: tuple[str | None, Tokens]) -> int:
    return -(pair[1].input + pair[1].output)
