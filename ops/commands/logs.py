"""`bedrock-eval logs`: shows slow, failed and truncated calls, tokens and cost, from the invocation log."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bedrock_eval.arrival import completeness, shown
from bedrock_eval.invocation_log.queries import By, Models, Query
from bedrock_eval.pricing.costs import Rates
from bedrock_eval.wording import count
from configuration.schema.environment import Environment
from ops.aws.account import Account, account_in
from ops.environment.loading import EnvironmentFile, environment_of
from ops.errors import OpsError
from ops.invocation_log import call_tables, failure_tables, token_tables
from ops.invocation_log.exported_source import Records
from ops.invocation_log.exports import Export, read_export
from ops.invocation_log.figures import Source
from ops.invocation_log.filters import Filters, note_ungrouped
from ops.invocation_log.insights import Insights, Row
from ops.invocation_log.live_source import Live
from ops.invocation_log.profiles import profiles_of, with_model_names
from ops.terminal.csv_file import write_csv
from ops.terminal.document import DocumentKind
from ops.terminal.output import print_note, print_result, printable
from ops.terminal.tables import SHOWN_ROWS, Table

DEFAULT_HOURS = 24.0

LOGS = DocumentKind(
    variants=(
        *(call_tables.SLOW_CALLS, call_tables.LATENCIES, failure_tables.ERRORS, failure_tables.THROTTLES),
        *(token_tables.TOKENS, token_tables.TOKENS_BY, token_tables.COSTS, token_tables.TRAFFIC),
        *(call_tables.LONGEST_PROMPTS, call_tables.TRUNCATED_ANSWERS, call_tables.TRUNCATIONS),
    ),
    facts={
        "question": "the question, which decides what tables there are",
        "titles": "the titles of the tables, which say how many calls they are of and what is unknown",
        "log": "until when the log is complete",
    },
)

_SUMMED = ("tokens", "cost")


@dataclass(frozen=True)
class Options:
    """The command line.

    Attributes:
        hours: None: 24 of the live log, everything in files.
        model: a key of the environment's `models`, or part of a model's id.
        source: exported records instead of the live log.
        by: for tokens and cost.
    """

    question: str
    hours: float | None
    threshold_ms: float
    model: str | None
    csv: Path | None
    source: Path | None
    by: By | None
    endpoint_url: str | None


def run(arguments: argparse.Namespace, *, now: datetime | None = None) -> int:
    """Answer one question and show its tables; gives the exit code 0.

    Raises:
        OpsError: the question cannot be answered.
    """
    options = _options(arguments)
    now = now or datetime.now(UTC)
    file = None if arguments.env is None else environment_of(arguments, now)
    environment = None if file is None else file.environment
    if options.source is not None:
        export = read_export(options.source)
        tables = _answer(options, _from_files(export, options, environment, now=now), environment, None)
        log = _until_exported(export)
    else:
        tables = _answer_live(options, account_in(_needed(file), endpoint_url=options.endpoint_url), now=now)
        log = completeness(start=now - timedelta(hours=options.hours or DEFAULT_HOURS), end=now, now=now)
    if options.by is not None:
        note_ungrouped(options.by, tables[0])
    parts: list[str | Table] = [replace(tables[0], most=SHOWN_ROWS), *tables[1:], f"Log: {log}"]
    # First, as a file that cannot be written must not cost the answer.
    titles = [table.title for table in tables]
    LOGS.document(parts, question=options.question, titles=list(titles), log=log).show(as_json=arguments.json)
    if options.csv is not None:
        write_csv(tables[0], options.csv)
        written = f"\n{count(len(tables[0].rows), 'row')} in {options.csv}"
        (print_note if arguments.json else print_result)(written)
    return 0


def _options(arguments: argparse.Namespace) -> Options:
    by = None if arguments.by is None else By(arguments.by)
    options = Options(**{**{name: getattr(arguments, name) for name in Options.__dataclass_fields__}, "by": by})
    if options.by is not None and options.question not in _SUMMED:
        raise OpsError(f"--by {options.by}: {options.question} has no groups; allowed with: {', '.join(_SUMMED)}")
    return options


def _answer_live(options: Options, account: Account, *, now: datetime) -> Sequence[Table]:
    """Answer from the live log, with names of the environment's own profiles, and a note where no model matches."""
    models = _models(options, account.environment, account)
    filters = Filters(options.model, models, options.hours or DEFAULT_HOURS, now, tuple(account.environment.models))
    tables = _answer(options, _live(account, filters), account.environment, account)
    if models is not None and not tables[0].rows:
        filters.explain(_live(account, replace(filters, models=None)).calls())
    return with_model_names(tables, account)


def _answer(
    options: Options, source: Source, environment: Environment | None, account: Account | None
) -> Sequence[Table]:
    answers: dict[str, Callable[[], Sequence[Table]]] = {
        "slow": lambda: call_tables.slow(source, threshold_ms=options.threshold_ms),
        "errors": lambda: failure_tables.errors(source),
        "throttles": lambda: failure_tables.throttles(source),
        "tokens": lambda: token_tables.tokens_by(source, options.by) if options.by else token_tables.tokens(source),
        "cost": lambda: token_tables.costs(source, options.by or By.MODEL, rates=_rates(environment, account)),
        "longest": lambda: call_tables.longest(source),
        "truncated": lambda: call_tables.truncated(source),
        "evaluation": lambda: token_tables.evaluation(source),
    }
    return answers[options.question]()


def _rates(environment: Environment | None, account: Account | None) -> Mapping[str, Rates]:
    """Find rates by model id, and for the live log also by the ids of the environment's inference profiles."""
    if environment is None:
        raise OpsError("--env is missing; needed: the environment whose rates say what tokens cost")
    by_name = {name: rates for name in environment.models if (rates := environment.rates(name)) is not None}
    found = {environment.models[name].id: rates for name, rates in by_name.items()}
    if account is None or not by_name:
        return found
    try:
        profiles = profiles_of(account)
    except OpsError as error:
        print_note(f"tokens of calls through application inference profiles count as unpriced: {error}")
        return found
    return {**found, **{profile_id: by_name[name] for profile_id, name in profiles.items() if name in by_name}}


def _needed(file: EnvironmentFile | None) -> EnvironmentFile:
    if file is None:
        raise OpsError("--env is missing; needed: the name of an environment, or --from with exported records")
    return file


def _models(options: Options, environment: Environment | None, account: Account | None) -> Models | None:
    """Find the ids of a model of the environment, its profiles included; any other text is part of an id.

    Raises:
        OpsError: the profiles cannot be listed, so that calls would be missing.
    """
    name = options.model
    if name is None or environment is None or name not in environment.models:
        return name
    model_id = environment.models[name].id
    if account is None:
        print_note(f"--model {name}: calls with the id {model_id}; files do not say which profiles belong to it")
        return (model_id,)
    try:
        profiles = profiles_of(account)
    except OpsError as error:
        raise OpsError(
            f"--model {name}: calls may use application inference profiles, and {error}; "
            f"allowed without them: part of an id, as {model_id}"
        ) from None
    return (model_id, *sorted(profile for profile, model in profiles.items() if model == name))


def _until_exported(export: Export) -> str:
    """Say until when files go, which do not tell when they were exported."""
    if not export.records:
        return "no record; until when the files are complete is unknown"
    newest = max(record.time for record in export.records)
    return f"the newest record is of {shown(newest)}; calls that were logged after the export are missing"


def _from_files(export: Export, options: Options, environment: Environment | None, *, now: datetime) -> Records:
    _note_read(export, Path(str(options.source)))
    names = () if environment is None else tuple(environment.models)
    filters = Filters(options.model, _models(options, environment, None), options.hours, now, names)
    return Records(filters.chosen(export.records))


def _note_read(export: Export, path: Path) -> None:
    """Note what was read, and of the rest how much, why, and where the first is."""
    print_note(f"{count(len(export.records), 'record')} in {path} (files read: {export.files:,})")
    for reason, number in export.skipped.most_common():
        example = export.examples[reason]
        text = f": {printable(example.shown, keep='')}" if example.shown else ""
        print_note(f"{number:,} skipped, {reason} (first: {example.where}{text})")


def _live(account: Account, filters: Filters) -> Live:
    # Assumption: metrics-arrive-late
    end = filters.now
    start = end - timedelta(hours=filters.hours or DEFAULT_HOURS)
    insights = Insights(account.client("logs"), account.environment.invocation_logging.log_group)

    def ask(query: Query, name: str) -> Sequence[Row]:
        return insights.rows(query, start=start, end=end, name=name)

    return Live(ask, model=filters.models)
