"""The environment that a command names, as its file has it."""

import argparse
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bedrock_eval.wording import suggestion
from configuration.loading.load import EnvironmentsError, load_environments
from configuration.schema.environment import Environment
from ops.environment.directory import environments_directory, names_in
from ops.errors import OpsError


@dataclass(frozen=True)
class EnvironmentFile:
    """An environment and the file that it was read from."""

    environment: Environment
    path: Path


def environment_of(arguments: argparse.Namespace, now: datetime) -> EnvironmentFile:
    """Read the environment of `--env`.

    Raises:
        OpsError: there is none of that name, or its file has mistakes, each of which is named.
    """
    return load(arguments.env, directory=environments_directory(arguments.environments), now=now)


def load(name: str, *, directory: Path, now: datetime) -> EnvironmentFile:
    """Read one environment of a folder.

    Raises:
        OpsError: as `environment_of`.
    """
    known = names_in(directory)
    if name not in known:
        there = ", ".join(known) or "none"
        raise OpsError(f"no environment {name!r}{suggestion(name, known)}; there are: {there} (in {directory})")
    try:
        loaded = load_environments(directory, only=[name], today=now.date()).environments[0]
    except EnvironmentsError as error:
        raise OpsError(f"{error}\n(environment files of {directory})") from None
    return EnvironmentFile(loaded, directory / f"{name}.yaml")
