"""What the four stacks of an environment have in common."""

from aws_cdk import Environment as Target
from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_kms as kms

from bedrock_eval.names import PhysicalNames
from bedrock_eval_cdk.core.context import EnvironmentContext, Identity
from configuration.schema.environment import Environment
from constructs import Construct


class EnvironmentStack(Stack):
    """A stack that is named, described and protected as its environment says.

    Args:
        room: which of the four it is, and its id.
    """

    def __init__(self, scope: Construct, room: str, *, environment: Environment) -> None:
        names = PhysicalNames(environment.prefix)
        super().__init__(
            scope,
            room,
            env=Target(account=environment.account, region=environment.region),
            stack_name=names.stack(room),
            description=f"Bedrock evaluation and monitoring of {environment.prefix}: {room}",
            termination_protection=environment.termination_protection,
        )


def environment_identity(environment: Environment) -> Identity:
    """The names of an environment, and whom it belongs to."""
    return Identity(
        application=environment.application,
        environment=environment.name,
        names=PhysicalNames(environment.prefix),
        owner=environment.owner,
        runbook_url=environment.runbook_url,
    )


def environment_context(environment: Environment, *, key: kms.IKey) -> EnvironmentContext:
    """What the constructs of an environment share."""
    identity = environment_identity(environment)
    return EnvironmentContext(
        application=identity.application,
        environment=identity.environment,
        names=identity.names,
        owner=identity.owner,
        runbook_url=identity.runbook_url,
        key=key,
        log_retention_days=environment.retention_days.function_logs,
        removal_policy=removal_policy(environment),
    )


def removal_policy(environment: Environment) -> RemovalPolicy:
    """What becomes of what holds data."""
    return RemovalPolicy.DESTROY if environment.removal_policy == "destroy" else RemovalPolicy.RETAIN
