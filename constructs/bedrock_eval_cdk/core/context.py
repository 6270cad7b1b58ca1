"""What all constructs of one environment share."""

from collections.abc import Callable
from dataclasses import dataclass

from aws_cdk import Aws, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_

from bedrock_eval.names import PhysicalNames

FunctionCode = Callable[..., lambda_.Code]
"""Gives the code asset of function packages, as `watchdog`."""

DEFAULT_LOG_RETENTION_DAYS = 30


@dataclass(frozen=True)
class EnvironmentContext:
    """The environment, or the stack of another app, that constructs belong to.

    Attributes:
        application: the Application dimension of what is published.
        environment: in the tags of evaluation jobs and in results.
        key: encrypts data, logs, topics and queues.
        code: of the functions.
        names: every physical name; None: CloudFormation names everything.
        log_retention_days: of the logs of functions and state machines, one of the values that CloudWatch Logs takes.
        removal_policy: of what holds data.
        owner: in alarms and on the dashboard.
        runbook_url: where the entries of the runbook are; None: there is none.
    """

    application: str
    environment: str
    key: kms.IKey
    code: FunctionCode
    names: PhysicalNames | None = None
    log_retention_days: int = DEFAULT_LOG_RETENTION_DAYS
    removal_policy: RemovalPolicy = RemovalPolicy.RETAIN
    owner: str | None = None
    runbook_url: str | None = None

    @property
    def label(self) -> str:
        """The environment in descriptions."""
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
        """The names of all alarms as a pattern; CloudFormation begins those that it chooses with the stack's name."""
        return f"{Aws.STACK_NAME}-*" if self.names is None else self.names.alarm("*")

    @property
    def fixed_names(self) -> PhysicalNames:
        """The physical names of an environment that has them.

        Raises:
            ValueError: CloudFormation names everything here.
        """
        if self.names is None:
            raise ValueError(f"{self.label}: this construct needs the fixed names of an environment")
        return self.names
