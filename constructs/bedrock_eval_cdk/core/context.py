"""What all constructs of one environment share."""

from collections.abc import Callable
from dataclasses import dataclass, field

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_

from bedrock_eval.names import PhysicalNames
from bedrock_eval_cdk.core.function_code import function_code
from constructs import Construct

FunctionCode = Callable[..., lambda_.Code]
"""Gives the code asset of function packages, as `watchdog`."""

DEFAULT_ENVIRONMENT = "default"
DEFAULT_LOG_RETENTION_DAYS = 30


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Whose constructs these are: an environment's, or a stack's of any app.

    Attributes:
        application: the Application dimension of what is published.
        environment: in the tags of evaluation jobs and in results.
        names: every physical name; None: CloudFormation names everything, beginning with the stack's name, which is
            the application.
        owner: in alarms and on the dashboard.
        runbook_url: where the entries of the runbook are; None: there is none.
    """

    application: str
    environment: str = DEFAULT_ENVIRONMENT
    names: PhysicalNames | None = None
    owner: str | None = None
    runbook_url: str | None = None

    @property
    def label(self) -> str:
        """What it is called in descriptions."""
        return self.application if self.names is None else self.names.prefix

    @property
    def runbook(self) -> str | None:
        """The runbook without a fragment."""
        return self.runbook_url and self.runbook_url.partition("#")[0]

    def name(self, choose: Callable[[PhysicalNames], str]) -> str | None:
        """A physical name, or None where CloudFormation chooses."""
        return None if self.names is None else choose(self.names)

    @property
    def alarm_names(self) -> str:
        """The names of all alarms as a pattern."""
        return self.name(lambda names: names.alarm("*")) or f"{self.application}-*"

    @property
    def fixed_names(self) -> PhysicalNames:
        """The physical names of an environment that has them.

        Raises:
            ValueError: CloudFormation names everything here.
        """
        if self.names is None:
            raise ValueError(f"{self.label}: this construct needs the fixed names of an environment")
        return self.names


def stack_identity(scope: Construct) -> Identity:
    """The identity of a construct in a stack of any app: the application is the stack's name."""
    return Identity(application=Stack.of(scope).stack_name)


@dataclass(frozen=True, kw_only=True)
class EnvironmentContext(Identity):
    """What all constructs of one environment share.

    Attributes:
        key: encrypts data, logs, topics and queues.
        code: of the functions.
        log_retention_days: of the logs of functions and state machines, one of the values that CloudWatch Logs takes.
        removal_policy: of what holds data.
    """

    key: kms.IKey
    code: FunctionCode = field(default=function_code)
    log_retention_days: int = DEFAULT_LOG_RETENTION_DAYS
    removal_policy: RemovalPolicy = RemovalPolicy.RETAIN
