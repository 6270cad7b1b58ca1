"""What the four stacks of an environment have in common."""

from aws_cdk import Environment as Target
from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_kms as kms

from bedrock_eval.names import PhysicalNames
from bedrock_eval_cdk.core.context import EnvironmentContext
from constructs import Construct
from environments.schema import Environment
from stacks.code import function_code


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


def environment_context(environment: Environment, *, key: kms.IKey) -> EnvironmentContext:
    """What the constructs of an environment share."""
    return EnvironmentContext(
        application=environment.application,
        environment=environment.name,
        key=key,
        code=function_code,
        names=PhysicalNames(environment.prefix),
        log_retention_days=environment.retention_days.function_logs,
        removal_policy=removal_policy(environment),
        owner=environment.owner,
        runbook_url=environment.runbook_url,
    )


def removal_policy(environment: Environment) -> RemovalPolicy:
    """What becomes of what holds data."""
    return RemovalPolicy.DESTROY if environment.removal_policy == "destroy" else RemovalPolicy.RETAIN
