"""The rates of an environment's models beside those of AWS's Price List."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bedrock_eval.models import Model
from bedrock_eval.pricing.costs import Rates
from configuration.document.edit import Scalar
from configuration.document.reading import Path as DocumentPath
from configuration.schema.environment import Environment
from ops.aws.clients import client
from ops.errors import OpsError
from ops.pricing.price_list import KINDS, VERIFIED_ON, Quote, listing, quote

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


def priced_models(environment: Environment) -> list[Priced]:
    """Ask the Price List for every model of an environment.

    Raises:
        OpsError: it does not answer.
    """
    price_list = _client(environment)
    return [_priced(price_list, environment, name) for name in environment.models]


def changes_of(models: list[Priced], *, verified_until: str) -> Iterator[tuple[DocumentPath, Scalar]]:
    """List what the Price List says and the file does not, and until when the rates count as verified."""
    for each in models:
        if not each.quote.rates:
            continue
        for kind, rate in each.quote.rates.items():
            if getattr(each.rates, kind, None) != rate:
                yield ("models", each.name, "rates", kind), rate
        yield ("models", each.name, "rates", "verified_until"), verified_until


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
