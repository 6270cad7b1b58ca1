"""`python -m ops models`: what is known of an environment's models, whether the account agrees, and what a use needs.

`explain` is for one model and use, by the rules of synth: nothing of AWS is asked.
"""

import argparse
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from bedrock_eval.known_models.checks import findings, table_finding
from bedrock_eval.known_models.findings import (
    Finding,
    Question,
    Use,
    Verdict,
    nearest_of,
    verdict_of,
)
from bedrock_eval.known_models.lookup import dead_model, features_of, known_model
from bedrock_eval.known_models.parameters import PARAMETERS
from bedrock_eval.known_models.table import VERIFIED_ON
from bedrock_eval.models import Model
from environments.schema import Environment
from ops.aws.clients import add_endpoint, client
from ops.aws.model_differences import Difference, differences
from ops.environment.loading import environment_of
from ops.errors import OpsError
from ops.terminal.screen import Cell, Table, say, tell

_SAMPLING: Mapping[str | None, str] = {
    "free": "temperature, top_p",
    "one": "temperature or top_p",
    "one_unsure": "temperature or top_p (both: unknown)",
    "fixed": "temperature 1 or top_p .99",
    "none": "no sampling",
    "none_third_party": "no sampling (by third parties)",
    None: "sampling unknown",
}


def add_command(commands: Any) -> None:
    """The sub-command's own options."""
    models = commands.add_parser(
        "models", help="what is known of models, and what uses they refuse", description=__doc__
    )
    models.add_argument("--env", help="environment, as dev: the models of its file")
    models.add_argument("--check", action="store_true", help="compare with the account; exit with 1 when it differs")
    add_endpoint(models)
    actions = models.add_subparsers(dest="action")
    explain = actions.add_parser("explain", help="whether a use of a model can work, and why not")
    explain.add_argument("model", metavar="ID", help="a foundation model id or an inference profile id")
    explain.add_argument("--region", required=True, metavar="R", help="where it is called from")
    explain.add_argument("--use", choices=[use.value for use in Use], default=Use.CANDIDATE.value, help="(candidate)")
    explain.add_argument("--parameters", type=_parameters, default={}, metavar="JSON", help=", ".join(PARAMETERS))
    explain.add_argument("--destination-region", action="append", default=[], metavar="R", help="overrides the table")
    explain.add_argument(
        "--as-of", type=_day, metavar="DATE", help="the day that ends of life are compared with (today)"
    )
    explain.add_argument("--json", action="store_true", help="print verdict, reasons and nearest ids as JSON")


def run(arguments: argparse.Namespace, *, now: datetime | None = None) -> int:
    """Show the models, or explain one use.

    Exit codes: 0; 1 when a use is refused, or with --check the account differs.

    Raises:
        OpsError: there is no such environment, or AWS could not be asked.
    """
    now = now or datetime.now(UTC)
    if arguments.action == "explain":
        return _explain(arguments, today=arguments.as_of or now.date())
    if arguments.env is None:
        raise OpsError("no environment; needed: --env, as dev, or: python -m ops models explain ID --region R")
    environment = environment_of(arguments.env, now)
    say(_table(environment, today=now.date()).text())
    stale = table_finding(today=now.date())
    if stale is not None:
        tell(f"warning: {stale.message}")
    return _check(environment, arguments.endpoint_url) if arguments.check else 0


def _explain(arguments: argparse.Namespace, *, today: date) -> int:
    stale = table_finding(today=today)
    told = (*_told(arguments, today=today), *([] if stale is None else [stale]))
    verdict, reasons, nearest = verdict_of(told), [each.message for each in told], nearest_of(told)
    if arguments.json:
        say(json.dumps({"verdict": verdict.value, "reasons": reasons, "nearest": list(nearest)}, ensure_ascii=False))
    else:
        say("\n".join([f"{verdict.value}: {arguments.model} as {arguments.use} from {arguments.region}", *reasons]))
    return 1 if verdict is Verdict.REFUSED else 0


def _told(arguments: argparse.Namespace, *, today: date) -> tuple[Finding, ...]:
    if arguments.model.startswith("arn:"):
        tell("an ARN says nothing of the model behind it: it is taken as it is")
        return ()
    routed = tuple(arguments.destination_region)
    question = Question(arguments.model, arguments.region, Use(arguments.use), arguments.parameters, routed)
    return findings(question, today=today)


def _table(environment: Environment, *, today: date) -> Table:
    rows = [_row(environment, name, today=today) for name in environment.models]
    columns = ("model", "id", "state", "dates", "called", "takes", "price")
    return Table(f"Models of {environment.name}, by the table of {VERIFIED_ON}", columns, rows)


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


def _check(environment: Environment, endpoint_url: str | None) -> int:
    if environment.stand_in:
        raise OpsError(f"environment {environment.name} has no AWS behind it; allowed with --check: one that has")
    bedrock = client("bedrock", region=environment.region, endpoint_url=endpoint_url)
    found = differences(bedrock, {name: environment.model(name) for name in environment.models})
    if not found:
        say(f"\nthe account says the same of {', '.join(environment.models)}")
        return 0
    say("\n" + Table("What the account says otherwise", ("model", "what", "table", "account"), _rows(found)).text())
    tell("bring models/table.yaml up to date with it, then: make generate (docs/models.md)")
    return 1


def _rows(found: tuple[Difference, ...]) -> list[tuple[Cell, ...]]:
    return [(each.model, each.what, each.table, each.account) for each in found]


def _parameters(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"not JSON: {error}") from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f'{text} is no JSON object; needed: as {{"temperature": 0}}')
    unknown = [key for key in value if key not in PARAMETERS]
    if unknown:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: no such parameter; allowed: {', '.join(PARAMETERS)}")
    return value


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not in the calendar; allowed: a day, as 2026-12-31") from None
