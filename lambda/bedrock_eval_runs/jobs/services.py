"""What the function reaches beside what every run does: the control plane of Bedrock."""

import os
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from bedrock_eval.jobs.request import JobPlace
from bedrock_eval.sdk import fitting
from bedrock_eval_runs.services import Services
from bedrock_eval_runs.services import services as run_services

_CONTROL = Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=5, read_timeout=30)


@dataclass(frozen=True)
class JobServices:
    """The outside world.

    Attributes:
        runs: what runs of every kind need.
        bedrock: client of the control plane.
        place: as whom and where jobs work; `output` ends in the prefix of all jobs.
    """

    runs: Services
    bedrock: Any
    place: JobPlace


@cache
def services() -> JobServices:
    """The function's own services.

    Raises:
        KeyError: the environment variable JOB_ROLE or JOBS_OUTPUT is missing.
    """
    return JobServices(
        runs=run_services(),
        bedrock=fitting(boto3.client("bedrock", config=_CONTROL)),
        place=JobPlace(os.environ["JOB_ROLE"], os.environ["JOBS_OUTPUT"], os.environ.get("JOBS_KEY")),
    )
