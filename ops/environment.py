"""The environment that a command names, as its file has it."""

from datetime import datetime
from pathlib import Path

from configuration.loading.load import load_environments
from configuration.repository import REPOSITORY
from configuration.schema.environment import Environment

ENVIRONMENTS = REPOSITORY / "environments"


def environment_of(name: str, now: datetime) -> Environment:
    """Read one environment.

    Raises:
        EnvironmentsError: there is none of that name, or its file has mistakes, each of which is named.
    """
    return load_environments(ENVIRONMENTS, only=[name], today=now.date()).environments[0]


def file_of(environment: Environment) -> Path:
    """Where it is written."""
    return ENVIRONMENTS / f"{environment.name}.yaml"
