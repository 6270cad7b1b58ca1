"""The environment that a command names, as its file has it."""

from datetime import datetime
from pathlib import Path

from environments.load import EnvironmentsError, load_environments
from environments.schema import REPOSITORY, Environment
from ops.errors import OpsError

ENVIRONMENTS = REPOSITORY / "environments"


def environment_of(name: str, now: datetime) -> Environment:
    """Read one environment.

    Raises:
        OpsError: there is none of that name, or its file has mistakes, each of which is named.
    """
    try:
        return load_environments(ENVIRONMENTS, only=[name], today=now.date()).environments[0]
    except EnvironmentsError as error:
        raise OpsError(str(error)) from None


def file_of(environment: Environment) -> Path:
    """Where it is written."""
    return ENVIRONMENTS / f"{environment.name}.yaml"
