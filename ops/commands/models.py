"""`bedrock-eval models`: what is known of an environment's models, whether the account agrees, and what a use needs.

`explain` is for one model and use, by the rules of synthesis, without a call to AWS.
"""

import argparse
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from pydantic import ValidationError

from bedrock_eval.known_models.lookup import dead_model, features_of, known_model
from bedrock_eval.known_models.table import VERIFIED_ON
from bedrock_eval.model_checks.checks import findings, table_finding
from bedrock_eval.model_checks.findings import Finding, Question, Use, Verdict, nearest_of, verdict_of
from bedrock_eval.model_checks.parameters import PARAMETERS
from bedrock_eval.models import Model
from bedrock_eval.wording import suggestion
from configuration.schema.environment import Environment
from configuration.schema.evaluations.candidates import ParametersConfig
from ops.aws.clients import client
from ops.aws.model_differences import Difference, differences
from ops.environment.loading import environment_of
from ops.errors import OpsError
from ops.terminal.cells import Cell
from ops.terminal.document import DocumentKind
from ops.terminal.output import print_note, print_result
from ops.terminal.tables import Column, Table, TableKind

_RANGES = frozenset({"greater_than_equal", "less_than_equal"})
_SAMPLING: Mapping[str | None, str] = {
    "free": "temperature, top_p",
    "one": "temperature or top_p",
    "one_unsure": "temperature or top_p (both: unknown)",
    "fixed": "temperature 1 or top_p .99",
    "none": "no sampling",
    "none_third_party": "no sampling (by third parties)",
    None: "sampling unknown",
}


MODELS = TableKind(
    "models",
    "what is known of the environment's models",
    (
        Column("model", "the key in the environment file"),
        Column("id", "the model id or inference profile id"),
        Column("state", "active, legacy or ended"),
        Column("dates", "launch and end of life"),
        Column("called", "the Regions that a call may be routed to"),
        Column("takes", "inference parameters, thinking, longest output"),
        Column("price", "whether the environment file has rates"),
    ),
)
DIFFERENCES = TableKind(
    "differences",
    "where the account differs from the table (with --check)",
    (
        Column("model", "the key in the environment file"),
        Column("what", "what differs"),
        Column("table", "in the table of models"),
        Column("account", "in the account"),
    ),
)
LIST = DocumentKind((MODELS, DIFFERENCES), {"verified_on": "the day of the table of models"})
EXPLAIN = {
    "verdict": "ok, warning or refused",
    "reasons": "what is known for and against the use",
    "nearest": "ids that would work, the nearest first",
}
"""The keys of `explain --json`, which has no schema_version."""


def run(arguments: argparse.Namespace, *, now: datetime | None = None) -> int:
    """Show the models, or explain one use.

    Exit codes: 0; 1 when a use is refused, or with --check the account differs.

    Raises:
        OpsError: there is no such environment, or AWS does not answer.
    """
    now = now or datetime.now(UTC)
    if arguments.action == "explain":
        return _explain(arguments, today=arguments.as_of or now.date())
    if arguments.env is None:
        raise OpsError("--env is missing; needed: --env, as dev, or: bedrock-eval models explain ID --region R")
    environment = environment_of(arguments, now).environment
    stale = table_finding(today=now.date())
    if stale is not None:
        print_note(f"warning: {stale.message}")
    found = _differences(environment, arguments.endpoint_url) if arguments.check else ()
    parts: list[str | Table] = [_table(environment, today=now.date())]
    if found:
        rows = [(each.model, each.what, each.table, each.account) for each in found]
        parts.append(DIFFERENCES.table("Where the account differs", rows))
    elif arguments.check:
        parts.append(f"The account agrees on {', '.join(environment.models)}.")
    LIST.document(parts, verified_on=VERIFIED_ON.isoformat()).show(as_json=arguments.json)
    if found:
        print_note("Update models/table.yaml, then run: make generate (docs/models.md)")
    return 1 if found else 0


def _explain(arguments: argparse.Namespace, *, today: date) -> int:
    _check_parameters(arguments.parameters)
    stale = table_finding(today=today)
    found = (*_findings(arguments, today=today), *([] if stale is None else [stale]))
    verdict, reasons, nearest = verdict_of(found), [each.message for each in found], nearest_of(found)
    if arguments.json:
        print_result(
            json.dumps({"verdict": verdict.value, "reasons": reasons, "nearest": list(nearest)}, ensure_ascii=False)
        )
    else:
        print_result(
            "\n".join([f"{verdict.value}: {arguments.model} as {arguments.use} from {arguments.region}", *reasons])
        )
    return 1 if verdict is Verdict.REFUSED else 0


def _check_parameters(given: Mapping[str, Any]) -> None:
    """Check names and values as those of an environment file are checked.

    Raises:
        OpsError: a parameter does not exist, or its value is of the wrong type.
    """
    for key in given:
        if key not in PARAMETERS:
            near = suggestion(key, PARAMETERS)
            raise OpsError(f"--parameters: {key}: no such parameter{near}; allowed: {', '.join(PARAMETERS)}")
    # Ranges are left to the findings, which say what the model takes.
    for key in ParametersConfig.model_fields.keys() & given.keys():
        try:
            ParametersConfig.model_validate({key: given[key]})
        except ValidationError as error:
            wrong = [each["msg"] for each in error.errors() if each["type"] not in _RANGES]
            if wrong:
                raise OpsError(f"--parameters: {key}: {'; '.join(wrong)}") from None


def _findings(arguments: argparse.Namespace, *, today: date) -> tuple[Finding, ...]:
    if arguments.model.startswith("arn:"):
        print_note("an ARN does not name its model: nothing can be checked")
        return ()
    routed = tuple(arguments.destination_region)
    question = Question(arguments.model, arguments.region, Use(arguments.use), arguments.parameters, routed)
    return findings(question, today=today)


def _table(environment: Environment, *, today: date) -> Table:
    rows = [_row(environment, name, today=today) for name in environment.models]
    return MODELS.table(f"Models of {environment.name}, by the table of {VERIFIED_ON}", rows)


def _row(environment: Environment, name: str, *, today: date) -> tuple[Cell, ...]:
    model = environment.model(name)
    price = "in the file" if environment.rates(name) is not None else None
    return (name, model.model_id, _state(model, today), _dates(model), _called(model), _takes(model), price)


def _state(model: Model, today: date) -> str | None:
    known, lifecycle = known_model(model.base_id), model.lifecycle
    if lifecycle.past(today):
        return "ended"
    if dead_model(model.base_id) is not None:
        return "legacy"
    return None if known is None else "legacy" if known.legacy else "active"


def _dates(model: Model) -> str | None:
    known, end = known_model(model.base_id), model.lifecycle.end
    found = [
        None if known is None or known.launch is None else f"since {known.launch}",
        None if end is None else f"ends {end}{'' if known is None or known.confirmed('end') else ' (third party)'}",
        None if end is not None or known is None or known.not_before is None else f"not before {known.not_before}",
    ]
    return ", ".join(each for each in found if each is not None) or None


def _called(model: Model) -> str:
    if model.profile is None:
        return f"in {model.region}"
    return f"{model.profile}. to " + ("any Region" if model.profile == "global" else ", ".join(model.destinations))


def _takes(model: Model) -> str:
    features, known = features_of(model.base_id), known_model(model.base_id)
    found = [
        _SAMPLING[features.sampling],
        None if features.thinking is None else f"thinking {features.thinking}",
        None if known is None or known.max_output is None else f"up to {known.max_output}K out",
        None if features.burndown is None else f"an output token counts {features.burndown}",
    ]
    return ", ".join(each for each in found if each is not None)


def _differences(environment: Environment, endpoint_url: str | None) -> tuple[Difference, ...]:
    if environment.stand_in:
        raise OpsError(f"--check: environment {environment.name} runs on the emulator, not on AWS")
    bedrock = client("bedrock", region=environment.region, endpoint_url=endpoint_url)
    return differences(bedrock, {name: environment.model(name) for name in environment.models})
