"""An environment as deployed: whose credentials ask, where its results lie, and what starts its evaluations."""

import argparse
import os
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from bedrock_eval.names import PhysicalNames
from bedrock_eval.wording import suggestion
from custom_evaluator.store import Store
from environments.evaluation_schema import EvaluationConfig
from environments.schema import Environment
from ops.aws.clients import add_endpoint, calling, client
from ops.environment import suggested_commands as advice
from ops.environment.loading import environment_of
from ops.errors import OpsError

_RESULTS_OUTPUT = "ResultsBucket"


@dataclass(frozen=True)
class Account:
    """An environment and the account that the credentials are of.

    Attributes:
        caller: ARN of whoever asks.
    """

    environment: Environment
    number: str
    caller: str
    endpoint_url: str | None

    @property
    def names(self) -> PhysicalNames:
        return PhysicalNames(self.environment.prefix)

    def machine(self, *, jobs: bool) -> str:
        """ARN of the state machine that runs evaluations of ours, or with `jobs` those that Bedrock scores."""
        place = f"arn:{self.caller.split(':')[1]}:states:{self.environment.region}:{self.number}"
        return f"{place}:stateMachine:{self.names.machine(jobs=jobs)}"

    def config(self, evaluation: str) -> EvaluationConfig:
        """An evaluation as its environment file has it.

        Raises:
            OpsError: there is none of that name.
        """
        found = self.environment.evaluations
        if evaluation not in found:
            known = ", ".join(found) or "none"
            near = suggestion(evaluation, found)
            where = f"environment {self.environment.name}"
            raise OpsError(f"{where} has no evaluation {evaluation!r}{near}; there are: {known}")
        return found[evaluation]

    def client(self, service: str, *, region: str | None = None) -> Any:
        """A client in the environment's Region, or in another."""
        return client(service, region=region or self.environment.region, endpoint_url=self.endpoint_url)

    def store(self) -> Store:
        """The results bucket, whose name CloudFormation chose.

        Raises:
            OpsError: the environment is not deployed.
        """
        stack = self.names.stack("storage")
        deploy = advice.deploy(self.environment)
        with calling(f"stack {stack}"):
            try:
                found = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
            except ClientError as error:
                if "does not exist" not in str(error):
                    raise
                where = f"account {self.number}, {self.environment.region}"
                raise OpsError(
                    f"environment {self.environment.name} is not deployed in {where}: there is no stack {stack}; "
                    f"needed: {deploy}"
                ) from None
        outputs = {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", ())}
        if _RESULTS_OUTPUT not in outputs:
            raise OpsError(f"stack {stack} has no output {_RESULTS_OUTPUT}; needed: {deploy}")
        return Store(self.client("s3"), outputs[_RESULTS_OUTPUT])


def add_environment(parser: argparse.ArgumentParser) -> None:
    """The options that `account_of` reads."""
    parser.add_argument("--env", required=True, metavar="E", help="environment, as dev")
    add_endpoint(parser)


def account_of(arguments: argparse.Namespace, now: datetime) -> Account:
    """The environment that the command line names, once it is known that the credentials are of its account.

    Raises:
        OpsError: there is no such environment, it has no AWS behind it, or the credentials are of another account.
    """
    return account_in(environment_of(arguments.env, now), endpoint_url=arguments.endpoint_url)


def account_in(environment: Environment, *, endpoint_url: str | None) -> Account:
    """The account of an environment, once it is known that the credentials are of it.

    Names of log groups, dashboards and metrics are the same everywhere: another account would answer for the wrong one.

    Raises:
        OpsError: the environment has no AWS behind it, or the credentials are of another account.
    """
    if environment.stand_in and endpoint_url is None and "AWS_ENDPOINT_URL" not in os.environ:
        raise OpsError(f"environment {environment.name} has no AWS behind it; start `make up` and set AWS_ENDPOINT_URL")
    with calling("who asks is unknown"):
        caller = client("sts", region=environment.region, endpoint_url=endpoint_url).get_caller_identity()
    if environment.account not in (None, caller["Account"]):
        raise OpsError(
            f"these credentials are of account {caller['Account']}; "
            f"environment {environment.name} is in {environment.account}"
        )
    return Account(environment, caller["Account"], caller["Arn"], endpoint_url)
