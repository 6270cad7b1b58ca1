"""What tokens cost: rates, the cost of measured tokens, and the metric math that says the same of AWS/Bedrock.

Every price is an estimate by the rates of the environment file. Tokens without a rate are counted as unpriced and never
as free. Input tokens exclude those that were read from or written to a cache, in Converse's `usage` as in the metric
InputTokenCount, so the four kinds add up without overlap. Source: Bedrock user guide, monitoring-runtime-metrics and
prompt-caching.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bedrock_eval import catalogue
from bedrock_eval.metric_math import filled, summed, total_of
from bedrock_eval.pricing.usage import Usage
from bedrock_eval.wording import count

MILLION = 1_000_000


@dataclass(frozen=True)
class Rates:
    """US dollars per million tokens; None: this kind has no rate, and tokens of it are unpriced.

    Attributes:
        verified_until: ISO date after which somebody should look again.
    """

    input: float
    output: float
    cache_read: float | None = None
    cache_write: float | None = None
    verified_until: str | None = None


@dataclass(frozen=True)
class Cost:
    """What tokens cost. With `unpriced_tokens` or `unknown_calls` above 0, `usd` is a lower bound and shown as one.

    Attributes:
        unknown_calls: calls that Bedrock took and whose tokens nobody has told.
    """

    usd: float = 0.0
    priced_tokens: int = 0
    unpriced_tokens: int = 0
    unknown_calls: int = 0

    @property
    def known(self) -> bool:
        """False: something was used and nothing of it has a price, so that `usd` says nothing."""
        return self.priced_tokens > 0 or (self.unpriced_tokens == 0 and self.unknown_calls == 0)

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            usd=self.usd + other.usd,
            priced_tokens=self.priced_tokens + other.priced_tokens,
            unpriced_tokens=self.unpriced_tokens + other.unpriced_tokens,
            unknown_calls=self.unknown_calls + other.unknown_calls,
        )

    def __str__(self) -> str:
        """For people: `$1.23`, `at least $1.23 (400 tokens unpriced)`, `400 unpriced tokens`."""
        unknown = f"{count(self.unknown_calls, 'call')} of unknown usage" if self.unknown_calls else ""
        if not self.known:
            unpriced = f"{self.unpriced_tokens:,} unpriced tokens" if self.unpriced_tokens else ""
            return " and ".join(filter(None, (unpriced, unknown)))
        unpriced = f"{self.unpriced_tokens:,} tokens unpriced" if self.unpriced_tokens else ""
        left_out = ", ".join(filter(None, (unpriced, unknown)))
        return f"at least {dollars(self.usd)} ({left_out})" if left_out else dollars(self.usd)


def dollars(usd: float) -> str:
    """An amount for people: cents, and two significant digits of small ones."""
    if usd == 0 or abs(usd) >= 0.1:
        return f"${usd:,.2f}"
    return f"${usd:.2g}" if abs(usd) >= 0.0001 else f"${usd:.1e}"


def cost(usage: Usage, rates: Rates | None) -> Cost:
    """The cost of counted tokens by `rates`; without rates all of them are unpriced."""
    usd, priced, unpriced = 0.0, 0, 0
    for kind, rate in _by_kind(rates).items():
        tokens: int = getattr(usage, f"{kind}_tokens")
        if rate is None:
            unpriced += tokens
        else:
            priced += tokens
            usd += tokens * rate / MILLION
    return Cost(usd, priced, unpriced)


def total(costs: Iterable[Cost]) -> Cost:
    """All of them together."""
    return sum(costs, Cost())


# Assumption: input-tokens-without-cache
TOKEN_METRICS: Mapping[str, catalogue.Metric] = MappingProxyType(
    {
        "input_tokens": catalogue.INPUT_TOKENS,
        "output_tokens": catalogue.OUTPUT_TOKENS,
        "cache_read_tokens": catalogue.CACHE_READ_TOKENS,
        "cache_write_tokens": catalogue.CACHE_WRITE_TOKENS,
    }
)
"""The metric of each kind of token, by the id that it has in the expressions below (and the field of `Usage`)."""


@dataclass(frozen=True)
class TokenExpression:
    """Metric math over the token metrics of one model.

    Attributes:
        metrics: the entry behind each metric id of the expression; all are read by Sum with one ModelId and period.
    """

    expression: str
    metrics: Mapping[str, catalogue.Metric]


def cost_expression(rates: Rates, *, prefix: str = "") -> TokenExpression:
    """US dollars in a period, of what has a rate; beside it belongs `unpriced_expression`, unless that is None.

    A model without rates has no such expression, so that an unknown price cannot be drawn as 0.

    Args:
        prefix: begins each metric id (`input_tokens`, `output_tokens`, `cache_read_tokens`, `cache_write_tokens`; only
            those that have a rate), for graphs with several models. CloudWatch wants a lower-case letter first.
    """
    rated = {f"{prefix}{kind}_tokens": rate for kind, rate in _by_kind(rates).items() if rate is not None}
    terms = (f"{filled(metric_id)}*{plain(rate)}" for metric_id, rate in rated.items())
    return _token_expression(f"{summed(terms)}/{MILLION}", rated, prefix=prefix)


def unpriced_expression(rates: Rates | None, *, prefix: str = "") -> TokenExpression | None:
    """Tokens in a period that have no rate, with metric ids as in `cost_expression`; None: every kind has one."""
    unrated = [f"{prefix}{kind}_tokens" for kind, rate in _by_kind(rates).items() if rate is None]
    if not unrated:
        return None
    return _token_expression(total_of(unrated), unrated, prefix=prefix)


def _token_expression(expression: str, metric_ids: Iterable[str], *, prefix: str) -> TokenExpression:
    metrics = {metric_id: TOKEN_METRICS[metric_id.removeprefix(prefix)] for metric_id in metric_ids}
    return TokenExpression(expression, MappingProxyType(metrics))


def _by_kind(rates: Rates | None) -> dict[str, float | None]:
    kinds = [name.removesuffix("_tokens") for name in TOKEN_METRICS]
    return {kind: None if rates is None else getattr(rates, kind) for kind in kinds}


def plain(number: float) -> str:
    """Without an exponent, which metric math need not understand."""
    return f"{number:.9f}".rstrip("0").rstrip(".")
