"""Rules about the models of a file: ids and rates."""

import re
from collections.abc import Iterator, Mapping
from datetime import date

from configuration.document.reading import Mistake, Path
from configuration.loading.rules.parts import Parts
from configuration.schema.models import ModelConfig

# Ids with the size of a context: Bedrock user guide, pt-supported.
_PROVISIONED_ID = re.compile(r"(.+:[0-9]+):[0-9]+[kmKM]")


def mistakes(parts: Parts) -> Iterator[Mistake]:
    """Every rule that the models break."""
    yield from _on_demand(parts)
    yield from _one_price(parts)


def notes(parts: Parts, *, today: date) -> Iterator[Mistake]:
    """Rates that somebody wanted to have compared with AWS's by now: a warning, costs are estimates anyway."""
    for name, model in parts.models.items():
        until = None if model is None or model.rates is None else model.rates.verified_until
        if until is not None and date.fromisoformat(until) < today:
            yield Mistake(
                ("models", name, "rates", "verified_until"),
                f"{until} is past; compare the rates with AWS's: python -m ops prices --env {parts.name}",
            )


def _on_demand(parts: Parts) -> Iterator[Mistake]:
    for name, config in parts.models.items():
        bought = None if config is None else _PROVISIONED_ID.fullmatch(config.id)
        if config is not None and bought is not None:
            yield Mistake(
                ("models", name, "id"),
                f"{config.id!r} is an id for Provisioned Throughput, but models are called on demand; needed: "
                f"{bought[1]!r}",
            )


def _one_price(parts: Parts) -> Iterator[Mistake]:
    """The metrics and the log know a model by its id, so that two prices of one would be a matter of chance."""
    first: dict[str, str] = {}
    for name, config in parts.models.items():
        if config is None:
            continue
        other = first.setdefault(config.id, name)
        if _prices(parts.models[other]) != _prices(config):
            path: Path = ("models", name, "rates") if config.rates is not None else ("models", name)
            yield Mistake(
                path, f"{config.id!r} models.{other} has the same id with other rates; needed: the same rates"
            )


def _prices(config: ModelConfig | None) -> Mapping[str, float | None] | None:
    if config is None or config.rates is None:
        return None
    return config.rates.model_dump(exclude={"verified_until"})
