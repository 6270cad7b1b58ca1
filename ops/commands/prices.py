"""`bedrock-eval prices`: compares the rates of an environment with AWS's Price List, and updates them."""

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bedrock_eval.models import Model
from bedrock_eval.pricing.costs import Rates
from environments.document import Path as DocumentPath
from environments.edit import Scalar
from environments.schema import Environment
from ops.aws.clients import client
from ops.environment import suggested_commands as advice
from ops.environment.loading import EnvironmentFile, environment_of
from ops.environment.patch import Patch, offer, patch_of
from ops.errors import OpsError
from ops.pricing.price_list import KINDS, VERIFIED_ON, Quote, listing, quote
from ops.terminal.cells import Json, Shown
from ops.terminal.document import DocumentKind
from ops.terminal.output import print_note, print_result
from ops.terminal.tables import Column, Table, TableKind

# The Price List answers in three Regions only, for all Regions.
_ENDPOINTS: Mapping[str, str] = {"eu": "eu-central-1", "ap": "ap-south-1"}
_ELSEWHERE = "us-east-1"


@dataclass(frozen=True)
class Priced:
    """A model of the environment, its rates in the file, and what the Price List says of it."""

    name: str
    model: Model
    rates: Rates | None
    quote: Quote

    @property
    def stale(self) -> bool:
        """Tell whether a rate of the file differs from the Price List."""
        return any(getattr(self.rates, kind, None) != rate for kind, rate in self.quote.rates.items())

    @property
    def unseen(self) -> tuple[str, ...]:
        """List rates of the file that the Price List does not have."""
        if not self.quote.rates:
            return ()
        named = {problem.partition(":")[0] for problem in self.quote.problems}
        given = [kind for kind in KINDS if getattr(self.rates, kind, None) is not None]
        missing = [kind for kind in given if kind not in self.quote.rates and kind not in named]
        return tuple(f"{kind}: in the file, and not found in the Price List" for kind in missing)


RATES = TableKind(
    "rates",
    "rates in US dollars per million tokens, on-demand",
    (
        Column("model", "the key in the environment file"),
        Column("tokens", "the kind of tokens"),
        Column("file", "the rate in the environment file", "in the file"),
        Column("price_list", "the rate in AWS's Price List", "Price List"),
    ),
)
PRICES = DocumentKind(
    (RATES,),
    {
        "problems": "why a rate of the file was not compared",
        "stale": "the models whose rates differ",
        "patch": "the changes of the file as a unified diff; null with --check, and where there are none",
    },
)


def run(arguments: argparse.Namespace, *, now: datetime | None = None) -> int:
    """Show file and Price List side by side, then the patch of the file; gives the exit code 0.

    Raises:
        OpsError: the Price List does not answer, the file cannot be changed, or with --check a rate differs.
    """
    now = now or datetime.now(UTC)
    file = environment_of(arguments, now)
    environment = file.environment
    if environment.stand_in:
        raise OpsError(f"environment {environment.name} runs on the emulator, where models have no price")
    price_list = _client(environment)
    models = [_priced(price_list, environment, name) for name in environment.models]
    problems = [f"{each.name}: {problem}" for each in models for problem in (*each.quote.problems, *each.unseen)]
    stale = [each.name for each in models if each.stale]
    patch = None if arguments.check else _patch(file, models, valid_days=arguments.valid_days, now=now)
    text = None if patch is None or patch.empty else str(patch)
    facts: dict[str, Json] = {"problems": list[Json](problems), "stale": list[Json](stale), "patch": text}
    PRICES.document([_table(models)], **facts).show(as_json=arguments.json)
    for problem in problems:
        print_note(f"{problem}; its rate stays as it is")
    if arguments.check:
        _check(stale, environment)
    elif patch is not None:
        offer(patch, write=arguments.write, quiet=arguments.json)
    elif not arguments.json:
        print_result("\nThe Price List has no rate of these models; the file stays as it is.")
    return 0


def _patch(file: EnvironmentFile, models: list[Priced], *, valid_days: int, now: datetime) -> Patch | None:
    """Make the patch of the file; None when no rate was found."""
    changes = dict(_changes(models, verified_until=(now.date() + timedelta(days=valid_days)).isoformat()))
    return patch_of(file.path, changes) if changes else None


def _client(environment: Environment) -> Any:
    region = _ENDPOINTS.get(environment.region.partition("-")[0], _ELSEWHERE)
    return client("pricing", region=region)


def _priced(price_list: Any, environment: Environment, name: str) -> Priced:
    model = environment.model(name)
    return Priced(name, model, environment.rates(name), _quote(price_list, model))


def _quote(price_list: Any, model: Model) -> Quote:
    place = listing(model)
    if place is None:
        known = f"not in the table of {VERIFIED_ON} (ops/pricing/price_list.py)"
        return Quote({}, (f"{model.base_id} is {known}",))
    filters = {place.attribute: place.value, "regionCode": model.region}
    pages = price_list.get_paginator("get_products").paginate(
        ServiceCode=place.service_code,
        Filters=[{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in filters.items()],
        FormatVersion="aws_v1",
    )
    try:
        return quote(model, [json.loads(product) for page in pages for product in page["PriceList"]])
    except (ClientError, BotoCoreError) as error:
        raise OpsError(f"the Price List does not answer: {error}") from None


def _table(models: list[Priced]) -> Table:
    rows = [
        (each.name, kind, _rate_cell(getattr(each.rates, kind, None)), _rate_cell(each.quote.rates.get(kind)))
        for each in models
        for kind in KINDS
        if getattr(each.rates, kind, None) is not None or kind in each.quote.rates or kind in ("input", "output")
    ]
    return RATES.table("Rates in US dollars per million tokens, on-demand", rows)


def _rate_cell(rate: float | None) -> Shown | None:
    return None if rate is None else Shown(f"{rate:.9f}".rstrip("0").rstrip("."), rate)


def _check(stale: list[str], environment: Environment) -> None:
    if stale:
        raise OpsError(
            f"{', '.join(stale)}: the Price List has other rates; update the file with: "
            f"{advice.write_prices(environment)}"
        )


def _changes(models: list[Priced], *, verified_until: str) -> Iterator[tuple[DocumentPath, Scalar]]:
    """List what the Price List says and the file does not, and until when the rates count as verified."""
    for each in models:
        if not each.quote.rates:
            continue
        for kind, rate in each.quote.rates.items():
            if getattr(each.rates, kind, None) != rate:
                yield ("models", each.name, "rates", kind), rate
        yield ("models", each.name, "rates", "verified_until"), verified_until
