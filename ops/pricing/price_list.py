"""Rates out of AWS's Price List: which product a model is there, and what its entries say.

Two service codes hold models. `AmazonBedrock` has Amazon's and open-weight models under attribute `model`, priced per
1K tokens; `AmazonBedrockFoundationModels` has those sold through AWS Marketplace under `servicename`, priced per 1M
tokens and with two spellings of the same usage types. Names there are not model ids, hence the table. A geographic
profile (`us.`, `eu.`) is billed as the calling Region, `global.` has usage types of its own. Batch, flex, priority,
latency optimised, long-context and one-hour cache entries are other prices and left out.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

from bedrock_eval.models import GLOBAL_PROFILE, Model

VERIFIED_ON = date(2026, 11, 24)
"""When the table below was last compared with public copies of the two price lists (AWS itself could not be asked)."""

AMAZON = "AmazonBedrock"
MARKETPLACE = "AmazonBedrockFoundationModels"

KINDS = ("input", "output", "cache_read", "cache_write")
_NEEDED = ("input", "output")


@dataclass(frozen=True)
class Listing:
    """Where a model stands in the Price List: entries of `service_code` whose `attribute` is `value`."""

    service_code: str
    attribute: str
    value: str


def _amazon(name: str) -> Listing:
    return Listing(AMAZON, "model", name)


def _marketplace(name: str) -> Listing:
    return Listing(MARKETPLACE, "servicename", f"{name} (Amazon Bedrock Edition)")


LISTINGS: Mapping[str, Listing] = MappingProxyType(
    {
        "amazon.nova-2-lite-v1:0": _amazon("Nova 2.0 Lite"),
        "amazon.nova-lite-v1:0": _amazon("Nova Lite"),
        "amazon.nova-micro-v1:0": _amazon("Nova Micro"),
        "amazon.nova-premier-v1:0": _amazon("Nova Premier"),
        "amazon.nova-pro-v1:0": _amazon("Nova Pro"),
        "anthropic.claude-haiku-4-5-20251001-v1:0": _marketplace("Claude Haiku 4.5"),
        "anthropic.claude-haiku-5-5": _marketplace("Claude Haiku 5.5"),
        "anthropic.claude-opus-4-6-v1": _marketplace("Claude Opus 4.6"),
        "anthropic.claude-opus-4-7": _marketplace("Claude Opus 4.7"),
        "anthropic.claude-opus-4-8": _marketplace("Claude Opus 4.8"),
        "anthropic.claude-opus-5": _marketplace("Claude Opus 5"),
        "anthropic.claude-opus-5-5": _marketplace("Claude Opus 5.5"),
        "anthropic.claude-sonnet-4-5-20250929-v1:0": _marketplace("Claude Sonnet 4.5"),
        "anthropic.claude-sonnet-4-6": _marketplace("Claude Sonnet 4.6"),
        "anthropic.claude-sonnet-5": _marketplace("Claude Sonnet 5"),
        "anthropic.claude-sonnet-5-5": _marketplace("Claude Sonnet 5.5"),
    }
)

# USE1-Nova2.0Lite-input-tokens-cross-region-global; a middle -mantle- is another endpoint.
_AMAZON_USAGE = re.compile(
    r"[A-Z0-9]+-(?!.*-mantle-).+?-(?:(?:text-)?(?P<kind>input|output)-tokens|cache-(?P<cache>read|write)-input-token-count)"
    r"(?P<scope>-cross-region-global)?"
)
# USE1-MP:USE1_InputTokenCount_Global-Units
_MARKETPLACE_USAGE = re.compile(r"[A-Z0-9]+-MP:[A-Z0-9]+_(?P<field>\w+)-Units")
_MARKETPLACE_FIELDS: Mapping[str, tuple[str, bool]] = MappingProxyType(
    {
        spelling.format(scope=scope): (kind, is_global)
        for kind, spellings in {
            "input": (("InputTokenCount{scope}", "_Global"), ("input_tokens{scope}_standard", "_global")),
            "output": (("OutputTokenCount{scope}", "_Global"), ("output_tokens{scope}_standard", "_global")),
            "cache_read": (
                ("CacheReadInputTokenCount{scope}", "_Global"),
                ("cache_read_tokens{scope}_standard", "_global"),
            ),
            "cache_write": (
                ("CacheWriteInputTokenCount{scope}", "_Global"),
                ("cache_write_tokens{scope}_standard", "_global"),
            ),
        }.items()
        for spelling, mark in spellings
        for scope, is_global in (("", False), (mark, True))
    }
)
_PER_MILLION: Mapping[str, int] = MappingProxyType({"1K tokens": 1000, "1M tokens": 1})


@dataclass(frozen=True)
class Quote:
    """What the Price List says of a model.

    Attributes:
        rates: US dollars per million tokens by kind; empty when input or output is not certain.
        problems: why something is not in `rates`, as sentences without a full stop.
    """

    rates: Mapping[str, float]
    problems: tuple[str, ...] = ()


def listing(model: Model) -> Listing | None:
    """Where the model stands; None: the table does not know."""
    return LISTINGS.get(model.base_id)


def quote(model: Model, products: Iterable[Mapping[str, Any]]) -> Quote:
    """The rates of on-demand calls of `model` from its Region.

    Args:
        products: entries of GetProducts, parsed, for the model's listing and Region.
    """
    found: dict[str, set[Decimal]] = defaultdict(set)
    problems = []
    for kind, product in _entries(model, products):
        try:
            found[kind].add(_per_million(product))
        except _UnclearError as error:
            problems.append(f"{kind}: {error}")
    rates = {}
    for kind in KINDS:
        prices = sorted(found.get(kind, ()))
        if len(prices) == 1 and not any(problem.startswith(f"{kind}:") for problem in problems):
            rates[kind] = float(prices[0])
        elif len(prices) > 1:
            problems.append(f"{kind}: ambiguous, {len(prices)} prices ({', '.join(f'{price:f}' for price in prices)})")
        elif not prices and kind in _NEEDED:
            problems.append(f"{kind}: no entry for on-demand calls from {model.region}")
    return Quote(rates if all(kind in rates for kind in _NEEDED) else {}, tuple(problems))


class _UnclearError(ValueError):
    """The entry's price cannot be read."""


def _entries(model: Model, products: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The kind of token of each entry that prices on-demand calls of this model's scope."""
    is_global = model.profile == GLOBAL_PROFILE
    for product in products:
        attributes = product.get("product", {}).get("attributes", {})
        if attributes.get("service_tier") not in (None, "standard"):
            continue
        meaning = _meaning(str(attributes.get("usagetype", "")))
        if meaning is not None and meaning[1] == is_global:
            yield meaning[0], product


def _meaning(usage_type: str) -> tuple[str, bool] | None:
    """Kind of token, and whether it is that of `global.`; None for everything that is not plain on-demand."""
    marketplace = _MARKETPLACE_USAGE.fullmatch(usage_type)
    if marketplace:
        return _MARKETPLACE_FIELDS.get(marketplace["field"])
    amazon = _AMAZON_USAGE.fullmatch(usage_type.removesuffix("-standard"))
    if not amazon:
        return None
    return amazon["kind"] or f"cache_{amazon['cache']}", amazon["scope"] is not None


def _per_million(product: Mapping[str, Any]) -> Decimal:
    terms = product.get("terms", {}).get("OnDemand", {}).values()
    dimensions = [dimension for term in terms for dimension in term.get("priceDimensions", {}).values()]
    if len(dimensions) != 1:
        raise _UnclearError(f"{len(dimensions)} price tiers, 1 is needed")
    unit, price = dimensions[0].get("unit"), dimensions[0].get("pricePerUnit", {}).get("USD")
    if unit not in _PER_MILLION:
        raise _UnclearError(f"unit {unit!r} is not known; known: {', '.join(_PER_MILLION)}")
    try:
        return (Decimal(str(price)) * _PER_MILLION[unit]).normalize()
    except InvalidOperation:
        raise _UnclearError(f"no price in USD ({price!r})") from None
