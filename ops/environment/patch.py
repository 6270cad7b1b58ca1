"""Changes of an environment file, shown as a unified diff and written as a whole."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from configuration.document.edit import EditError, Scalar, edit
from configuration.document.reading import Path as DocumentPath
from ops.errors import OpsError
from ops.terminal.output import print_result

_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Patch:
    """A file's text before and after."""

    path: Path
    before: str
    after: str
    marked: bool

    @property
    def empty(self) -> bool:
        return self.before == self.after

    def __str__(self) -> str:
        name = f"environments/{self.path.name}"
        before, after = self.before.splitlines(), self.after.splitlines()
        return "\n".join(difflib.unified_diff(before, after, f"a/{name}", f"b/{name}", lineterm=""))

    def write(self) -> None:
        """Write the file.

        Raises:
            OpsError: it cannot be written.
        """
        try:
            self.path.write_bytes((_MARK if self.marked else b"") + self.after.encode())
        except OSError as error:
            raise OpsError(f"{self.path}: cannot be written: {error.strerror}") from None


def patch_of(path: Path, changes: Mapping[DocumentPath, Scalar]) -> Patch:
    """What the file would be with values set; comments and everything else stay as they are.

    Raises:
        OpsError: a value cannot be set without touching others.
    """
    content = path.read_bytes()
    text = content.decode("utf-8-sig")
    try:
        return Patch(path, text, edit(text, changes), marked=content.startswith(_MARK))
    except EditError as error:
        raise OpsError(f"{path.name}: {error}") from None


def offer(patch: Patch, *, write: bool, quiet: bool = False) -> None:
    """Show a patch, and write it when asked to.

    Args:
        quiet: show nothing, as for a program that has the patch as JSON.
    """
    if patch.empty:
        text = "The file has all of these values already."
    elif not write:
        text = f"{patch}\n\nNothing was written; --write writes the file."
    else:
        patch.write()
        text = f"{patch}\n\n{patch.path.name} is written; review the change before you commit it."
    if not quiet:
        print_result(f"\n{text}")
