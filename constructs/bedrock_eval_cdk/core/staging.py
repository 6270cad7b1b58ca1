"""Copies of what is deployed, which everybody may read: the CDK's command line zips files with the modes they have, and
a function whose files are their owner's alone cannot be imported on Lambda.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

_FOLDER_MODE = 0o755
_FILE_MODE = 0o644


def staged(files: Mapping[str, Path]) -> Path:
    """A folder with a copy of each file under its relative name, whatever the umask of the checkout and of the synth.

    It goes when the process ends; the CDK copies an asset into its output as soon as a construct has it.
    """
    folder = Path(mkdtemp(dir=_workplace().name))
    for name, source in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())
    for path in (folder, *folder.rglob("*")):
        path.chmod(_FOLDER_MODE if path.is_dir() else _FILE_MODE)
    return folder


@cache
def _workplace() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="bedrock-eval-cdk-")
