"""Synthesized templates in a form that is easy to ask, each app synthesized once a session."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from aws_cdk import App, Validations, cx_api
from cdk_nag import AwsSolutionsChecks

import app
from configuration.loading.load import EnvironmentsError
from configuration.schema.environment import Environment
from stacks.stage import EnvironmentStage
from tests.support import frozen as files

ROOMS = ("storage", "logging", "evaluation", "monitoring")
# A day on which no shipped model has reached its end, whatever the clock says.
AS_OF = "2026-11-28"
CONTEXT: Mapping[str, Any] = {**json.loads((app.ROOT / "cdk.json").read_text())["context"], "as_of": AS_OF}

Resource = Mapping[str, Any]


@dataclass(frozen=True)
class Acknowledged:
    """A finding of cdk-nag that a construct acknowledges, with its reason."""

    path: str
    rule: str
    reason: str


@dataclass(frozen=True)
class Template:
    """One stack's template, with what flattens intrinsic functions."""

    environment: str
    room: str
    stack_name: str
    content: Mapping[str, Any]
    acknowledged: tuple["Acknowledged", ...]
    termination_protection: bool
    dependencies: frozenset[str]

    def resources(self, kind: str) -> dict[str, Resource]:
        """Properties by logical id, intrinsics flattened to text."""
        return {logical_id: flat(found.get("Properties", {})) for logical_id, found in self.raw(kind).items()}

    def raw(self, kind: str = "") -> dict[str, Resource]:
        """Whole resources by logical id; all of them without a type."""
        return {
            logical_id: found
            for logical_id, found in self.content["Resources"].items()
            if found["Type"] == kind or not kind
        }

    def only(self, kind: str) -> Resource:
        (properties,) = self.resources(kind).values()
        return properties

    def named(self, kind: str, key: str, value: str) -> Resource:
        """The one resource of a type whose property `key` is `value`."""
        (found,) = [properties for properties in self.resources(kind).values() if properties.get(key) == value]
        return found

    def statements(self, role: str = "") -> list[Resource]:
        """The statements of all policies, or of those on the role whose logical id begins with `role`."""
        return [
            statement
            for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
            for policy in self.resources(kind).values()
            if any(str(name).startswith(f"<{role}") for name in policy["Roles"])
            for statement in policy["PolicyDocument"]["Statement"]
        ] + [
            statement
            for logical_id, properties in self.resources("AWS::IAM::Role").items()
            if logical_id.startswith(role)
            for policy in properties.get("Policies", [])
            for statement in policy["PolicyDocument"]["Statement"]
        ]

    def logical_id(self, start: str) -> str:
        """The one logical id that begins so."""
        (found,) = [logical_id for logical_id in self.raw() if logical_id.startswith(start)]
        return found


@dataclass(frozen=True)
class Deployed:
    """The four stacks of one environment."""

    name: str
    stacks: Mapping[str, Template]

    def __getitem__(self, room: str) -> Template:
        return self.stacks[room]

    def __iter__(self) -> Iterator[Template]:
        return iter(self.stacks.values())

    def resources(self, kind: str) -> list[Resource]:
        return [properties for template in self for properties in template.resources(kind).values()]


def flat(value: Any) -> Any:
    """Intrinsic functions as text: joins joined, references as `<name>`, imports by their exports' names."""
    if isinstance(value, list):
        return [flat(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    (function, argument), *more = [*value.items(), ("", None)]
    if function in _AS_TEXT and len(more) == 1:
        return _AS_TEXT[function](argument)
    return {key: flat(item) for key, item in value.items()}


_AS_TEXT: Mapping[str, Callable[[Any], str]] = {
    "Fn::Join": lambda argument: str(argument[0]).join(str(flat(part)) for part in argument[1]),
    "Ref": "<{}>".format,
    "Fn::GetAtt": lambda argument: "<{}.{}>".format(*argument),
    "Fn::ImportValue": lambda argument: str(flat(argument)),
    "Fn::Sub": lambda argument: str(argument).replace("${", "<").replace("}", ">"),
}


def listed(value: Any) -> list[Any]:
    """IAM writes a single action or resource without a list."""
    return value if isinstance(value, list) else [value]


@cache
def frozen() -> Mapping[str, Deployed]:
    """The environments of tests/files, which are as this repository was shipped."""
    return through_the_app(files.ENVIRONMENTS, files.NAMES)


OWN = {path.stem: path for path in sorted((app.ROOT / "environments").glob("*.yaml"))}
"""The files of environments/ by name, whatever they are."""


@cache
def own() -> Mapping[str, Deployed]:
    """What is in environments/: a mistake there is told as `cdk synth` tells it."""
    try:
        return through_the_app(app.ROOT / "environments", tuple(OWN))
    except EnvironmentsError as error:
        pytest.fail(str(error), pytrace=False)


def through_the_app(directory: Path, names: Sequence[str]) -> Mapping[str, Deployed]:
    """Environment files through the app itself, cdk-nag included."""
    asked = {"environments": ",".join(names), "environments_directory": str(directory)}
    made = App(context={**CONTEXT, **asked}, outdir=mkdtemp())
    app.build(made)
    return read_all(made)


def _frozen(name: str) -> Deployed:
    return frozen()[name]


def synthesize(environment: Environment, *, root: Path = app.ROOT) -> Deployed:
    """One environment made in a test, under the same context and cdk-nag."""
    made = App(context=dict(CONTEXT), outdir=mkdtemp())
    EnvironmentStage(made, environment=environment, root=root)
    Validations.of(made).add_plugins(AwsSolutionsChecks())
    return read_all(made)[environment.name]


def environment(**changes: Any) -> Environment:
    """Two evaluations, one of them scheduled, in an account that the environment owns; top-level keys replaced."""
    return Environment.model_validate({**_BASE, **changes})


_BASE: Mapping[str, Any] = {
    "name": "dev",
    "application": "shop",
    "account": "111122223333",
    "region": "eu-central-1",
    "owns_account": True,
    "owner": "Team Search",
    "runbook_url": "https://example.com/runbook.md",
    "models": {
        "haiku": {"id": "eu.anthropic.claude-haiku-5-5"},
        "nova": {"id": "amazon.nova-lite-v1:0"},
        "unused": {"id": "global.anthropic.claude-sonnet-4-6"},
    },
    "datasets": {
        "questions": {"source": files.SOURCE},
        "foreign": {"source": "s3://other-team/cases/shop.jsonl"},
    },
    "evaluations": {
        "quality": {
            "dataset": "questions",
            "candidates": ["haiku", {"name": "nova-short", "model": "nova", "system": "Be short."}],
            "gates": [{"metric": "relevance_score", "min": 0.5}],
            "schedule": {"expression": "cron(0 6 ? * MON *)", "timezone": "Europe/Berlin"},
        },
        "by-hand": {"dataset": "foreign", "candidates": ["nova"], "metrics": ["exact_match"]},
    },
}


@cache
def retained() -> Deployed:
    """An environment whose data stays: it owns its account, with two evaluations, one of them scheduled."""
    return synthesize(environment())


@cache
def destroyed() -> Deployed:
    """The same, to be deleted with all it holds."""
    return synthesize(environment(removal_policy="destroy", termination_protection=False))


@cache
def tenant() -> Deployed:
    """In any account, which another environment owns; evaluates without profiles of its own, under a boundary."""
    return synthesize(
        environment(
            account=None,
            owns_account=False,
            own_profile=False,
            permissions_boundary="team-boundary",
            tags={"cost-center": "42"},
        )
    )


@cache
def billed() -> Deployed:
    """With everything that is about money: rates, a profile for the application, a limit of a run, a budget."""
    rates = {"input": 0.06, "output": 0.24, "cache_read": 0.015, "verified_until": "2026-12-31"}
    evaluation = {"dataset": "questions", "candidates": ["nova"], "max_cost": 2.5}
    return synthesize(
        environment(
            models={"nova": {"id": "amazon.nova-lite-v1:0", "profile": True, "rates": rates}},
            evaluations={"quality": evaluation},
            budget={"monthly_usd": 250, "notify_percent": (50, 100)},
        )
    )


WORK_TEAM = "arn:aws:sagemaker:eu-central-1:111122223333:workteam/private-crowd/support"


def by_jobs_environment() -> Environment:
    """Beside an evaluation of ours one of every kind by jobs: automatic, a judge's, compared by a judge, by people."""
    tone = {
        "name": "tone",
        "instructions": "Rate the tone.\n\n{{prompt}}\n{{prediction}}",
        "scale": [{"definition": "rude", "value": -1}, {"definition": "kind", "value": 1}],
    }
    return environment(
        models={
            "haiku": {"id": "eu.anthropic.claude-haiku-5-5"},
            "nova": {"id": "amazon.nova-lite-v1:0"},
            "judge": {"id": "eu.amazon.nova-pro-v1:0"},
            "unused": {"id": "global.anthropic.claude-sonnet-4-6"},
        },
        evaluations={
            "quality": {**_BASE["evaluations"]["quality"], "candidates": ["unused"]},
            "accuracy": {
                "kind": "automatic",
                "task": "QuestionAndAnswer",
                "dataset": "Builtin.BoolQ",
                "candidates": ["nova"],
                "metrics": ["Builtin.Accuracy", "Builtin.Robustness"],
                "gates": [{"metric": "Builtin.Robustness", "max": 0.2}],
                "schedule": {"expression": "cron(0 7 ? * MON *)"},
            },
            "judged": {
                "kind": "judge",
                "judge": "judge",
                "dataset": "foreign",
                "candidates": ["haiku"],
                "metrics": ["Builtin.Correctness"],
                "criteria": [tone],
            },
            "compared": {
                "kind": "comparison",
                "by": "judge",
                "judge": "judge",
                "dataset": "questions",
                "candidates": ["haiku", "nova"],
                "metrics": ["Builtin.Relevance"],
                "schedule": {"expression": "rate(7 days)"},
                "deadline_hours": 48,
                "parallel": 1,
            },
            "rated": {
                "kind": "comparison",
                "by": "human",
                "work_team": WORK_TEAM,
                "title": "Which answer is better?",
                "instructions": "Read both answers to the end. Choose the one that you would rather have had.",
                "ratings": [{"name": "Preference", "method": "ComparisonChoice"}],
                "workers": 3,
                "task_hours": 72,
                "dataset": "questions",
                "candidates": ["haiku", "nova"],
            },
        },
    )


@cache
def by_jobs() -> Deployed:
    """With evaluations that Bedrock scores."""
    return synthesize(by_jobs_environment())


MADE: Mapping[str, Callable[[], Deployed]] = {
    **{name: partial(_frozen, name) for name in files.NAMES},
    "retained": retained,
    "destroyed": destroyed,
    "tenant": tenant,
    "billed": billed,
    "by_jobs": by_jobs,
}
"""All of the above by name: what holds everywhere is asked of each, by the fixture `deployed`."""


def read_all(made: App) -> dict[str, Deployed]:
    assembly = made.synth()
    nested = [assembly.get_nested_assembly(f"assembly-{stage.node.id}") for stage in _stages(made)]
    return {
        stage.node.id: Deployed(stage.node.id, {room: _template(stage.node.id, room, stacks) for room in ROOMS})
        for stage, stacks in zip(_stages(made), nested, strict=True)
    }


def _stages(made: App) -> list[EnvironmentStage]:
    return [child for child in made.node.children if isinstance(child, EnvironmentStage)]


def _template(environment_name: str, room: str, assembly: cx_api.CloudAssembly) -> Template:
    (stack,) = [each for each in assembly.stacks if each.hierarchical_id == f"{environment_name}/{room}"]
    metadata = json.loads(Path(assembly.directory, f"{stack.id}.metadata.json").read_text())
    return Template(
        environment=environment_name,
        room=room,
        stack_name=stack.stack_name,
        content=stack.template,
        acknowledged=tuple(
            Acknowledged(path, rule, reason)
            for path, entries in metadata.items()
            for entry in entries
            if entry["type"] == Validations.ACKNOWLEDGED_RULES_METADATA_KEY
            for rule, reason in entry["data"].items()
        ),
        termination_protection=bool(stack.termination_protection),
        dependencies=frozenset(
            each.hierarchical_id.partition("/")[2]
            for each in stack.dependencies
            if isinstance(each, cx_api.CloudFormationStackArtifact)
        ),
    )
