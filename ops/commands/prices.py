"""`bedrock-eval prices`: compares the rates of an environment with AWS's Price List, and updates them."""

import argparse
from datetime import UTC, datetime, timedelta

from configuration.schema.environment import Environment
from ops.environment import suggested_commands as advice
from ops.environment.loading import EnvironmentFile, environment_of
from ops.environment.patch import Patch, offer, patch_of
from ops.errors import OpsError
from ops.pricing.price_list import KINDS
from ops.pricing.rates import Priced, changes_of, priced_models
from ops.terminal.cells import Json, Shown
from ops.terminal.document import DocumentKind
from ops.terminal.output import print_note, print_result
from ops.terminal.tables import Column, Table, TableKind

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
    models = priced_models(environment)
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
    changes = dict(changes_of(models, verified_until=(now.date() + timedelta(days=valid_days)).isoformat()))
    return patch_of(file.path, changes) if changes else None


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
