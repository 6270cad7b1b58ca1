"""The CDK app: one Stage per environment file."""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path

from aws_cdk import App, Validations, cx_api
from cdk_nag import AwsSolutionsChecks

from bedrock_eval.errors import UserError
from configuration.loading.load import EnvironmentsError, load_environments
from configuration.resolve.definitions import quota_sentences
from configuration.resolve.first_runs import first_runs
from configuration.resolve.interventions import interventions_sentence
from configuration.schema.environment import Environment
from stacks.monthly_cost import monthly_cost
from stacks.stage import EnvironmentStage

ROOT = Path(__file__).resolve().parent

# Of a template in S3 (CloudFormation user guide, quotas: 1 MB).
_MOST_BYTES = 1_000_000
_SPLIT = "Split the environment: move some models and evaluations to another file."
# What CDK refuses for a reason that a person can mend, and how.
_HINTS = {
    "ValidationFailed": "Mend what is named above, or acknowledge it where it is caused, with what makes it safe.",
    "Number of resources in stack": _SPLIT,
}


def new_app() -> App:
    """An app with the flags of cdk.json, which nobody reads without the CDK's command line; what that gives wins."""
    return App(context=json.loads((ROOT / "cdk.json").read_text())["context"])


def build(app: App) -> tuple[Environment, ...]:
    """Add a Stage for every environment that the context asks for: `environments` (`dev,prod`; by default all but
    local) out of `environments_directory`, as synth will see them on the day `as_of` (today). Gives these environments.

    Raises:
        EnvironmentsError: with every mistake of every file that was read, or with what one of them has too much of.
    """
    names = app.node.try_get_context("environments")
    directory = Path(app.node.try_get_context("environments_directory") or ROOT / "environments")
    only = [name.strip() for name in str(names).split(",")] if names else None
    now = _moment(app.node.try_get_context("as_of"))
    loaded = load_environments(directory, only=only, today=now.date(), deployed=now)
    for warning in loaded.warnings:
        sys.stderr.write(f"warning: {warning}\n")
    for environment in loaded.environments:
        EnvironmentStage(app, environment=environment, root=ROOT)
    Validations.of(app).add_plugins(AwsSolutionsChecks())
    return loaded.environments


def _moment(text: str | None) -> datetime:
    """The beginning of that day in UTC; by default now."""
    try:
        return datetime.now(UTC) if text is None else datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        raise EnvironmentsError([f"-c as_of={text}: is not a date; allowed: a day, as 2026-12-31"]) from None


def main() -> int:
    """Synthesize; what a person can mend is a message and exit code 1, without a traceback."""
    app = new_app()
    try:
        environments = build(app)
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    assembly = synthesize(app)
    if assembly is None:
        return 1
    large = [line for environment in environments for line in _too_large(environment, assembly)]
    if large:
        sys.stderr.write("\n".join([*large, _SPLIT, ""]))
        return 1
    for environment in environments:
        first = first_runs(environment)
        if first is not None:
            sys.stderr.write(f"info: {first}\n")
        # The simulator costs nothing.
        if not environment.stand_in:
            sys.stderr.write(f"info: {_cost_line(environment, assembly)}\n")
            counted = interventions_sentence(environment, environments)
            if counted is not None:
                sys.stderr.write(f"info: {counted}\n")
            for name in environment.evaluations:
                for sentence in quota_sentences(environment, name):
                    sys.stderr.write(f"info: {sentence}\n")
    return 0


def synthesize(app: App) -> cx_api.CloudAssembly | None:
    """Write the templates; findings of cdk-nag and of CloudFormation's rules, and too large a stack, give None."""
    try:
        return app.synth()
    except RuntimeError as error:
        hint = next((hint for known, hint in _HINTS.items() if known in str(error)), None)
        if hint is None:
            raise
        sys.stderr.write(f"{error}\n{hint}\n")
        return None


def _stacks(environment: Environment, assembly: cx_api.CloudAssembly) -> dict[str, cx_api.CloudFormationStackArtifact]:
    stacks = assembly.get_nested_assembly(f"assembly-{environment.name}").stacks
    return {stack.hierarchical_id.rpartition("/")[2]: stack for stack in stacks}


def _too_large(environment: Environment, assembly: cx_api.CloudAssembly) -> Iterator[str]:
    """The CDK only warns of a template that CloudFormation does not take."""
    for name, stack in _stacks(environment, assembly).items():
        size = Path(stack.template_full_path).stat().st_size
        if size > _MOST_BYTES:
            yield (
                f"environments/{environment.name}.yaml: the template of {name} has {size:,} bytes; "
                f"allowed: {_MOST_BYTES:,}"
            )


def _cost_line(environment: Environment, assembly: cx_api.CloudAssembly) -> str:
    templates = {name: stack.template for name, stack in _stacks(environment, assembly).items()}
    heard = "" if environment.subscriptions else "; there are no subscriptions: nobody hears of its alarms"
    return f"{monthly_cost(environment, templates).line(environment.name)}{heard}"


if __name__ == "__main__":
    sys.exit(main())
