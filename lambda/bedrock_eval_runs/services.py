"""What the function reaches: clients, clock and environment, made once and handed to every action."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from bedrock_eval.evaluation.definition import CustomDefinition
from bedrock_eval.runs.state import RunState
from bedrock_eval.sdk import fitting
from bedrock_eval_runs.store import Store


def _nobody_watches(_: RunState) -> None:
    """A function has no terminal."""


def _nobody_stops() -> bool:
    return False


_EDGE = Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=5, read_timeout=60)


@dataclass(frozen=True)
class Services:
    """The outside world.

    Attributes:
        application: the Application dimension, also where no definition can be read.
        models: makes the bedrock-runtime client that a definition asks for.
        now: the time in UTC.
        clock: seconds that only grow.
        progress: told of the run before its first call, with its estimate, after each answer and every half second.
        stopping: whether somebody wants the slice to end early, as if its time were up.
        sleep: waits so many seconds.
    """

    application: str
    store: Store
    cloudwatch: Any
    models: Callable[[CustomDefinition], Any]
    now: Callable[[], datetime]
    clock: Callable[[], float]
    progress: Callable[[RunState], None] = _nobody_watches
    stopping: Callable[[], bool] = _nobody_stops
    sleep: Callable[[float], None] = time.sleep

    @property
    def s3(self) -> Any:
        """For the dataset, which may lie in another bucket."""
        return self.store.client


@cache
def services() -> Services:
    """The function's own services.

    Raises:
        KeyError: the environment variable APPLICATION or RESULTS_BUCKET is missing.
    """
    return Services(
        application=os.environ["APPLICATION"],
        store=Store(fitting(boto3.client("s3", config=_EDGE)), os.environ["RESULTS_BUCKET"]),
        cloudwatch=fitting(boto3.client("cloudwatch", config=_EDGE)),
        models=model_client,
        now=lambda: datetime.now(UTC),
        clock=time.monotonic,
    )


def model_client(definition: CustomDefinition, *, region: str | None = None, endpoint_url: str | None = None) -> Any:
    """One client for all threads, its pool as large as the concurrency: a smaller one would serialise the calls."""
    made = boto3.client(
        "bedrock-runtime",
        region_name=region,
        endpoint_url=endpoint_url,
        config=Config(
            max_pool_connections=definition.concurrency,
            # One: how often a call is made, and how long it waits for its turn, is decided by the runner.
            retries={"mode": "standard", "total_max_attempts": 1},
            connect_timeout=5,
            read_timeout=definition.read_timeout_seconds,
        ),
    )
    # Attribution in the invocation log is worth less than an answer.
    return fitting(made, optional={"requestMetadata"})
