"""An environment as deployed: its account and identity, its results bucket, and what starts its evaluations."""

import argparse
import os
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError, NoCredentialsError

from bedrock_eval.names import PhysicalNames
from bedrock_eval.wording import suggestion
from bedrock_eval_runs.store import Store
from configuration.schema.environment import Environment
from configuration.schema.evaluations.kinds import EvaluationConfig
from ops.aws.clients import calling, client
from ops.environment import suggested_commands as advice
from ops.environment.loading import EnvironmentFile, environment_of
from ops.errors import OpsError

_RESULTS_OUTPUT = "ResultsBucket"


@dataclass(frozen=True)
class Account:
    """An environment and the account that the credentials are of.

    Attributes:
        caller: ARN of the identity behind the credentials.
    """

    file: EnvironmentFile
    number: str
    caller: str
    endpoint_url: str | None

    @property
    def environment(self) -> Environment:
        return self.file.environment

    @property
    def names(self) -> PhysicalNames:
        return PhysicalNames(self.environment.prefix)

    def machine(self, *, jobs: bool) -> str:
        """ARN of the state machine that runs our own evaluations, or with `jobs` those that Bedrock scores."""
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


def account_of(arguments: argparse.Namespace, now: datetime) -> Account:
    """Open the account of the environment that the command line names.

    Raises:
        OpsError: there is no such environment, it does not use AWS, or the credentials are of another account.
    """
    return account_in(environment_of(arguments, now), endpoint_url=arguments.endpoint_url)


def account_in(file: EnvironmentFile, *, endpoint_url: str | None) -> Account:
    """Open the account of an environment, once the credentials are known to be of it.

    Names of log groups, dashboards and metrics are the same everywhere: another account would answer for the wrong one.

    Raises:
        OpsError: the environment does not use AWS, or the credentials are of another account.
    """
    environment = file.environment
    if environment.stand_in and endpoint_url is None and "AWS_ENDPOINT_URL" not in os.environ:
        raise OpsError(
            f"environment {environment.name} runs on the emulator, not on AWS; start it with `make up` and set "
            "AWS_ENDPOINT_URL"
        )
    caller = _identity(environment.region, endpoint_url)
    if environment.account not in (None, caller["Account"]):
        raise OpsError(
            f"these credentials are of account {caller['Account']}; "
            f"environment {environment.name} is in {environment.account}"
        )
    return Account(file, caller["Account"], caller["Arn"], endpoint_url)


def _identity(region: str, endpoint_url: str | None) -> Any:
    what = "Cannot determine your AWS identity"
    with calling(what):
        try:
            return client("sts", region=region, endpoint_url=endpoint_url).get_caller_identity()
        except NoCredentialsError:
            raise OpsError(f"{what}: no credentials found. Log in (aws sso login) or set AWS_PROFILE.") from None
