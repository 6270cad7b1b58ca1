"""`python -m ops prices`: compares the rates of an environment with AWS's Price List, and brings them up to date."""

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bedrock_eval.costs import Rates
from bedrock_eval.models import Model
from bedrock_eval.numerals import whole
from environments.document import Path as DocumentPath
from environments.edit import Scalar
from environments.schema import Environment
from ops.aws.clients import client
from ops.environment.loading import environment_of, file_of
from ops.environment.patch import offer, patch_of
from ops.errors import OpsError
from ops.pricing.price_list import KINDS, VERIFIED_ON, Quote, listing, quote
from ops.terminal.screen import Table, say, tell

VALID_DAYS = 90

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
        """Whether the Price List has a rate that the file does not have like that."""
        return any(getattr(self.rates, kind, None) != rate for kind, rate in self.quote.rates.items())

    @property
    def unseen(self) -> tuple[str, ...]:
        """What the file has beside the rates that were found, and the Price List does not."""
        if not self.quote.rates:
            return ()
        told = {problem.partition(":")[0] for problem in self.quote.problems}
        given = [kind for kind in KINDS if getattr(self.rates, kind, None) is not None]
        missing = [kind for kind in given if kind not in self.quote.rates and kind not in told]
        return tuple(f"{kind}: in the file, and not found in the Price List" for kind in missing)


def add_command(commands: Any) -> None:
    """The sub-command's own options."""
    prices = commands.add_parser("prices", help="compare rates with AWS's Price List", description=__doc__)
    prices.add_argument("--env", required=True, help="environment, as dev")
    prices.add_argument("--check", action="store_true", help="exit with 1 when a rate differs; show no patch")
    prices.add_argument("--write", action="store_true", help="write the patch, not only show it")
    prices.add_argument(
        "--valid-days",
        type=_days,
        default=VALID_DAYS,
        help=f"how long synth trusts rates that were found (verified_until; {VALID_DAYS})",
    )


def run(arguments: argparse.Namespace, *, now: datetime | None = None) -> int:
    """Show file and Price List side by side, then the patch of the file; gives the exit code 0.

    Raises:
        OpsError: the Price List could not be asked, the file not be changed, or with --check a rate differs.
    """
    today = (now or datetime.now(UTC)).date()
    environment = _environment(arguments.env, now or datetime.now(UTC))
    price_list = _client(environment)
    models = [_priced(price_list, environment, name) for name in environment.models]
    say(_table(models).text())
    for each in models:
        for problem in (*each.quote.problems, *each.unseen):
            tell(f"{each.name}: {problem}; its rate is left alone")
    if arguments.check:
        _check(models, environment)
        return 0
    verified_until = (today + timedelta(days=arguments.valid_days)).isoformat()
    changes = dict(_changes(models, verified_until=verified_until))
    if not changes:
        say("\nno rate was found; the file is left alone")
        return 0
    offer(patch_of(file_of(environment), changes), write=arguments.write)
    return 0


def _environment(name: str, now: datetime) -> Environment:
    environment = environment_of(name, now)
    if environment.stand_in:
        raise OpsError(f"environment {name} has no AWS behind it, and its models no price")
    return environment


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
        (each.name, kind, _shown(getattr(each.rates, kind, None)), _shown(each.quote.rates.get(kind)))
        for each in models
        for kind in KINDS
        if getattr(each.rates, kind, None) is not None or kind in each.quote.rates or kind in ("input", "output")
    ]
    title = "Rates in US dollars per million tokens, on-demand"
    return Table(title, ("model", "tokens", "in the file", "Price List"), rows)


def _shown(rate: float | None) -> str | None:
    return None if rate is None else f"{rate:.9f}".rstrip("0").rstrip(".")


def _check(models: list[Priced], environment: Environment) -> None:
    stale = [each.name for each in models if each.stale]
    if stale:
        raise OpsError(
            f"{', '.join(stale)}: the Price List says something else; bring the file up to date with: "
            f"python -m ops prices --env {environment.name} --write"
        )


def _changes(models: list[Priced], *, verified_until: str) -> Iterator[tuple[DocumentPath, Scalar]]:
    """What the Price List says and the file does not, and until when both are trusted to agree."""
    for each in models:
        if not each.quote.rates:
            continue
        for kind, rate in each.quote.rates.items():
            if getattr(each.rates, kind, None) != rate:
                yield ("models", each.name, "rates", kind), rate
        yield ("models", each.name, "rates", "verified_until"), verified_until


def _days(text: str) -> int:
    days = whole(text)
    if days is None or not 1 <= days <= 3650:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days; allowed: 1 to 3650")
    return days
