"""An environment as deployed: whose credentials ask, where its results lie, and what starts its evaluations."""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bedrock_eval.names import PhysicalNames
from custom_evaluator.store import Store
from environments.schema import Environment
from ops.environment import environment_of
from ops.errors import OpsError

_RESULTS_OUTPUT = "ResultsBucket"
_EDGE = Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=5, read_timeout=60)


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

    @property
    def machine(self) -> str:
        """ARN of the state machine that runs every evaluation."""
        partition = self.caller.split(":")[1]
        return f"arn:{partition}:states:{self.environment.region}:{self.number}:stateMachine:{self.names.state_machine}"

    def client(self, service: str) -> Any:
        return _client(service, self.environment, self.endpoint_url)

    def store(self) -> Store:
        """The results bucket, whose name CloudFormation chose.

        Raises:
            OpsError: the environment is not deployed.
        """
        stack = self.names.stack("storage")
        with calling(f"stack {stack}"):
            found = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", ())}
        if _RESULTS_OUTPUT not in outputs:
            raise OpsError(f"stack {stack} has no output {_RESULTS_OUTPUT}; needed: cdk deploy '{self.names.prefix}*'")
        return Store(self.client("s3"), outputs[_RESULTS_OUTPUT])


def add_environment(parser: argparse.ArgumentParser) -> None:
    """The options that `account_of` reads."""
    parser.add_argument("--env", required=True, metavar="E", help="environment, as dev")
    add_endpoint(parser)


def add_endpoint(parser: argparse.ArgumentParser) -> None:
    """The option for another endpoint than AWS's."""
    what = "another endpoint than AWS's (or AWS_ENDPOINT_URL)"
    parser.add_argument("--endpoint-url", type=_endpoint, metavar="URL", help=what)


def _endpoint(text: str) -> str:
    try:
        split = urlsplit(text)
    except ValueError:
        split = urlsplit("")
    if split.scheme not in ("http", "https") or not split.hostname:
        raise argparse.ArgumentTypeError(f"{text!r} is not an endpoint; needed: http://<host>:<port> or https://<host>")
    return text


def account_of(arguments: argparse.Namespace, now: datetime) -> Account:
    """The environment that the command line names, once it is known that the credentials are of its account.

    Raises:
        OpsError: there is no such environment, it has no AWS behind it, or the credentials are of another account.
    """
    environment = environment_of(arguments.env, now)
    endpoint = arguments.endpoint_url
    if environment.stand_in and endpoint is None and "AWS_ENDPOINT_URL" not in os.environ:
        raise OpsError(f"environment {environment.name} has no AWS behind it; start `make up` and set AWS_ENDPOINT_URL")
    with calling("who asks is unknown"):
        caller = _client("sts", environment, endpoint).get_caller_identity()
    if environment.account not in (None, caller["Account"]):
        raise OpsError(
            f"these credentials are of account {caller['Account']}; "
            f"environment {environment.name} is in {environment.account}"
        )
    return Account(environment, caller["Account"], caller["Arn"], endpoint)


@contextmanager
def calling(what: str) -> Iterator[None]:
    """Turns what boto3 raises into one message that begins with what was asked."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise OpsError(f"{what}: {error}") from None


def _client(service: str, environment: Environment, endpoint_url: str | None) -> Any:
    try:
        return boto3.client(service, region_name=environment.region, endpoint_url=endpoint_url, config=_EDGE)
    except (BotoCoreError, ValueError) as error:
        raise OpsError(f"no client for {service}: {error}") from None
