"""`python -m ops logs`: what the invocation log says of slow, failed and truncated calls, of tokens and cost."""

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bedrock_eval.arrival import completeness, shown
from bedrock_eval.costs import Rates
from bedrock_eval.log_queries import THRESHOLD_MS, By, Models, Query
from bedrock_eval.names import PhysicalNames
from bedrock_eval.numerals import real
from bedrock_eval.wording import count, suggestion
from environments.schema import Environment
from ops.aws.account import Account, account_in
from ops.aws.clients import add_endpoint
from ops.environment.loading import environment_of
from ops.errors import OpsError
from ops.invocation_log import questions
from ops.invocation_log.exports import Export, read_export
from ops.invocation_log.filters import Filters, tell_ungrouped
from ops.invocation_log.insights import Insights, Row
from ops.invocation_log.questions import Live, Records, Source
from ops.terminal.screen import Cell, Table, printable, say, tell, write_csv

DEFAULT_HOURS = 24.0
# No retention of a log group that ends is longer.
LONGEST_HOURS = 24 * 3653
QUESTIONS = ("slow", "errors", "throttles", "tokens", "cost", "longest", "truncated", "evaluation")

_SUMMED = ("tokens", "cost")
_MODEL = re.compile(r"[A-Za-z0-9._:/-]+")
_PROFILE_ID = re.compile(r"[a-z0-9]{12}")


@dataclass(frozen=True)
class Options:
    """The command line.

    Attributes:
        hours: None: 24 of the live log, everything in files.
        model: a key of the environment's `models`, or part of a model's id.
        source: exported records instead of the live log.
        by: of tokens and cost.
    """

    question: str
    env: str | None
    hours: float | None
    threshold_ms: float
    model: str | None
    csv: Path | None
    source: Path | None
    by: By | None
    endpoint_url: str | None


def add_command(commands: Any) -> None:
    """The sub-command's own options."""
    logs = commands.add_parser("logs", help="ask the invocation log", description=__doc__)
    logs.add_argument("question", choices=QUESTIONS)
    logs.add_argument("--env", help="environment, as dev; needed unless --from is given")
    logs.add_argument("--hours", type=_hours, help="back from now (24; with --from everything)")
    logs.add_argument("--threshold-ms", type=_positive, default=THRESHOLD_MS, help="slow: slower than this (3000)")
    logs.add_argument("--model", type=_model, help="a key of the environment's models, or part of a model id")
    logs.add_argument(
        "--by", type=_by, metavar="BY", help=f"tokens and cost: what they are summed by ({', '.join(By)})"
    )
    logs.add_argument("--csv", type=Path, metavar="F", help="write the first table as CSV")
    logs.add_argument("--from", dest="source", type=Path, metavar="PATH", help="file or folder of exported records")
    add_endpoint(logs)


def run(arguments: argparse.Namespace, *, now: datetime | None = None) -> int:
    """Answer one question and print its tables; gives the exit code 0.

    Raises:
        OpsError: the question cannot be answered.
    """
    options = Options(**{name: getattr(arguments, name) for name in Options.__dataclass_fields__})
    if options.by is not None and options.question not in _SUMMED:
        raise OpsError(
            f"--by {options.by}: {options.question} is not summed by anything; allowed: {', '.join(_SUMMED)}"
        )
    now = now or datetime.now(UTC)
    environment = None if options.env is None else environment_of(options.env, now)
    if options.source is not None:
        export = read_export(options.source)
        tables = _answer(options, _from_files(export, options, environment, now=now), environment, None)
        until = _until_exported(export)
    else:
        tables = _answer_live(options, account_in(_needed(environment), endpoint_url=options.endpoint_url), now=now)
        until = completeness(start=now - timedelta(hours=options.hours or DEFAULT_HOURS), end=now, now=now)
    if options.by is not None:
        tell_ungrouped(options.by, tables[0])
    # First, as a file that cannot be written must not cost the answer.
    say("\n\n".join([tables[0].beginning(), *(table.text() for table in tables[1:]), f"Log: {until}"]))
    if options.csv is not None:
        write_csv(tables[0], options.csv)
        say(f"\n{count(len(tables[0].rows), 'row')} in {options.csv}")
    return 0


def _answer_live(options: Options, account: Account, *, now: datetime) -> Sequence[Table]:
    """With the names of the environment's own inference profiles, and a word where the model matches nothing."""
    models = _models(options, account.environment, account)
    filters = Filters(options.model, models, options.hours or DEFAULT_HOURS, now)
    tables = _answer(options, _live(account, filters), account.environment, account)
    if models is not None and not tables[0].rows:
        filters.explain(_live(account, replace(filters, models=None)).calls())
    return _with_names(tables, account)


def _with_names(tables: Sequence[Table], account: Account) -> Sequence[Table]:
    """An application inference profile's id says nothing: its model's name stands before it, where AWS can tell."""
    if not any(_opaque(cell) for table in tables for row in table.rows for cell in row):
        return tables
    try:
        names = _profiles(account)
    except OpsError as error:
        tell(f"inference profiles are shown by their ids: {error}")
        return tables

    def named(cell: Cell) -> Cell:
        return f"{names[cell]} ({cell})" if isinstance(cell, str) and cell in names else cell

    return [replace(table, rows=[tuple(map(named, row)) for row in table.rows]) for table in tables]


def _opaque(cell: Cell) -> bool:
    return isinstance(cell, str) and _PROFILE_ID.fullmatch(cell) is not None


def _answer(
    options: Options, source: Source, environment: Environment | None, account: Account | None
) -> Sequence[Table]:
    answers: dict[str, Callable[[], Sequence[Table]]] = {
        "slow": lambda: questions.slow(source, threshold_ms=options.threshold_ms),
        "errors": lambda: questions.errors(source),
        "throttles": lambda: questions.throttles(source),
        "tokens": lambda: questions.tokens_by(source, options.by) if options.by else questions.tokens(source),
        "cost": lambda: questions.costs(source, options.by or By.MODEL, rates=_rates(environment, account)),
        "longest": lambda: questions.longest(source),
        "truncated": lambda: questions.truncated(source),
        "evaluation": lambda: questions.evaluation(source),
    }
    return answers[options.question]()


def _rates(environment: Environment | None, account: Account | None) -> Mapping[str, Rates]:
    """By model id, and with the live log also by the ids of this environment's application inference profiles."""
    if environment is None:
        raise OpsError("--env is missing; needed: the environment whose rates say what tokens cost")
    by_name = {name: rates for name in environment.models if (rates := environment.rates(name)) is not None}
    found = {environment.models[name].id: rates for name, rates in by_name.items()}
    if account is None or not by_name:
        return found
    try:
        profiles = _profiles(account)
    except OpsError as error:
        tell(f"tokens of calls through application inference profiles count as unpriced: {error}")
        return found
    return {**found, **{profile_id: by_name[name] for profile_id, name in profiles.items() if name in by_name}}


def _profiles(account: Account) -> Mapping[str, str]:
    """The environment's models by the ids of the inference profiles that it made for them, told by their names.

    Raises:
        OpsError: they cannot be listed.
    """
    physical = PhysicalNames(account.environment.prefix)
    names = {physical.inference_profile(model): model for model in account.environment.models}
    try:
        pages = account.client("bedrock").get_paginator("list_inference_profiles").paginate(typeEquals="APPLICATION")
        listed = [profile for page in pages for profile in page["inferenceProfileSummaries"]]
    except (ClientError, BotoCoreError) as error:
        raise OpsError(f"they cannot be listed: {error}") from None
    ids = {profile["inferenceProfileId"]: profile["inferenceProfileName"].rpartition("-")[0] for profile in listed}
    return {profile_id: names[name] for profile_id, name in ids.items() if name in names}


def _needed(environment: Environment | None) -> Environment:
    if environment is None:
        raise OpsError("--env is missing; needed: the name of an environment, or --from with exported records")
    return environment


def _models(options: Options, environment: Environment | None, account: Account | None) -> Models | None:
    """A model of the environment's own, with the profiles that were made for it; anything else is part of an id.

    Raises:
        OpsError: the profiles cannot be listed, so that calls would be missing.
    """
    name = options.model
    if name is None or environment is None or name not in environment.models:
        return name
    model_id = environment.models[name].id
    if account is None:
        tell(f"--model {name}: calls by the id {model_id}; a file does not say which profiles were made for it")
        return (model_id,)
    try:
        profiles = _profiles(account)
    except OpsError as error:
        raise OpsError(
            f"--model {name}: calls may go through application inference profiles, and {error}; "
            f"allowed without them: part of an id, as {model_id}"
        ) from None
    return (model_id, *sorted(profile for profile, model in profiles.items() if model == name))


def _until_exported(export: Export) -> str:
    """Files say nothing of when they were exported."""
    if not export.records:
        return "no record; until when the files are complete is unknown"
    newest = max(record.time for record in export.records)
    return f"the newest record is of {shown(newest)}; what was logged after the export, or arrived late, is not in it"


def _from_files(export: Export, options: Options, environment: Environment | None, *, now: datetime) -> Records:
    _tell(export, Path(str(options.source)))
    filters = Filters(options.model, _models(options, environment, None), options.hours, now)
    return Records(filters.chosen(export.records))


def _tell(export: Export, path: Path) -> None:
    """What was read, and of what was not: how much, why, and where the first is."""
    tell(f"{count(len(export.records), 'record')} in {path} (files read: {export.files:,})")
    for reason, number in export.skipped.most_common():
        example = export.examples[reason]
        shown = f": {printable(example.shown, keep='')}" if example.shown else ""
        tell(f"{number:,} skipped, {reason} (first: {example.where}{shown})")


def _live(account: Account, filters: Filters) -> Live:
    # Assumption: metrics-arrive-late
    end = filters.now
    start = end - timedelta(hours=filters.hours or DEFAULT_HOURS)
    insights = Insights(account.client("logs"), account.environment.invocation_logging.log_group)

    def ask(query: Query, name: str) -> Sequence[Row]:
        return insights.rows(query, start=start, end=end, name=name)

    return Live(ask, model=filters.models)


def _by(text: str) -> By:
    known = [each.value for each in By]
    if text not in known:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not allowed{suggestion(text, known)}; allowed: {', '.join(known)}"
        )
    return By(text)


def _positive(text: str) -> float:
    number = real(text)
    if number is None or number <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return number


def _hours(text: str) -> float:
    hours = _positive(text)
    if hours > LONGEST_HOURS:
        raise argparse.ArgumentTypeError(f"{text!r} hours are too many; allowed: up to {LONGEST_HOURS:,}, ten years")
    return hours


def _model(text: str) -> str:
    if not _MODEL.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not part of a model id; allowed: letters, digits and . _ : / -")
    return text
