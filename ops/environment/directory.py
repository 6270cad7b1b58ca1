"""The folder of environment files: found from any folder, without reading them."""

import os
from pathlib import Path

from ops.errors import OpsError

VARIABLE = "BEDROCK_EVAL_ENVIRONMENTS"
INSTALLED = Path(__file__).resolve().parents[2] / "environments"


def environments_directory(given: Path | None) -> Path:
    """Find the folder: the one given, that of the variable, `environments/` here, or that of the installed repository.

    Raises:
        OpsError: the folder that was named does not exist.
    """
    named = given or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    if named is not None:
        if not named.is_dir():
            raise OpsError(f"{'--environments' if given else VARIABLE} {named}: no such folder")
        return named.resolve()
    here = Path.cwd() / "environments"
    return here if names_in(here) else INSTALLED


def names_in(directory: Path) -> list[str]:
    """List the environments that a folder has files of."""
    return sorted(path.stem for path in directory.glob("*.yaml"))
