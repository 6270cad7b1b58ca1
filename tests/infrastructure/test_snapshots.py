"""A snapshot per file of environments/ and stack: what a change does to the templates shows in its diff.

Code that changes a template fails here until `make snapshots` accepts it. A file that was edited, added or removed is
told in one line; its templates are compared again once `make snapshots` has written them. CI insists on that.
"""

import hashlib
import json
import os
import re
import shutil
import warnings
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from syrupy.location import PyTestLocation
from syrupy.types import PropertyFilter, PropertyMatcher, SerializableData, SerializedData, SnapshotIndex

from configuration.document.reading import read_document
from tests.support.synthesis.templates import OWN, ROOMS, flat, own

SNAPSHOTS = Path(__file__).parent / "__snapshots__"
WRITE = "`make snapshots` writes what is to be committed"

pytestmark = pytest.mark.edited_files
_HASH = re.compile(r"[0-9a-f]{64}")


class TemplateSnapshot(SingleFileSnapshotExtension):
    """`__snapshots__/<environment>/<stack>.yaml`."""

    _write_mode = WriteMode.TEXT
    file_extension = "yaml"

    def serialize(
        self,
        data: SerializableData,
        *,
        exclude: PropertyFilter | None = None,
        include: PropertyFilter | None = None,
        matcher: PropertyMatcher | None = None,
    ) -> SerializedData:
        text = StringIO()
        yaml = YAML(typ="safe", pure=True)
        yaml.default_flow_style, yaml.width = False, 160
        yaml.dump(data, text)
        return text.getvalue()

    @classmethod
    def get_location(cls, *, test_location: PyTestLocation, index: SnapshotIndex = 0) -> str:
        folder = Path(test_location.filepath).parent / "__snapshots__"
        return str(folder / f"{index}.{cls.file_extension}")

    @classmethod
    def get_snapshot_name(cls, *, test_location: PyTestLocation, index: SnapshotIndex = 0) -> str:
        return str(index)

    @classmethod
    def dirname(cls, *, test_location: PyTestLocation) -> str:
        return str(Path(test_location.filepath).parent / "__snapshots__")


def readable(value: Any) -> Any:
    """Hashes of assets masked, joins joined, JSON in text (a dashboard, a state machine) as what it says."""
    if isinstance(value, dict) and set(value) == {"Fn::Join"}:
        return readable(flat(value))
    if isinstance(value, dict):
        return {key: readable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [readable(item) for item in value]
    # The pattern of a metric filter, `{ $.field = ... }`, is none.
    if isinstance(value, str) and re.fullmatch(r'\{(\s*".*)?\}', value, re.DOTALL):
        return readable(json.loads(value))
    return _HASH.sub("<hash>", value) if isinstance(value, str) else value


def mark(name: str) -> Path:
    """Where stands which content of an environment's file its snapshots are of."""
    return SNAPSHOTS / name / "environment.sha256"


def content(name: str) -> str:
    """What changes when a value of a file does, and not with a comment."""
    data = read_document(OWN[name].read_text("utf-8-sig")).data
    return hashlib.sha256(json.dumps(data).encode()).hexdigest() + "\n"


def edited(name: str) -> bool:
    return not mark(name).exists() or mark(name).read_text() != content(name)


def gone() -> list[str]:
    return sorted(path.name for path in SNAPSHOTS.iterdir() if path.is_dir() and path.name not in OWN)


def strays(name: str) -> list[Path]:
    """Snapshots of stacks that an environment has no more."""
    return sorted(path for path in (SNAPSHOTS / name).glob("*.yaml") if path.stem not in ROOMS)


def stale() -> Iterator[str]:
    """A line for each environment whose snapshots are not of its file."""
    for name in OWN:
        if edited(name):
            what = "has changed since its snapshots were written" if mark(name).exists() else "has no snapshots yet"
            yield f"environments/{name}.yaml {what}: {WRITE}"
        for path in strays(name):
            yield f"{path.relative_to(SNAPSHOTS.parents[2])} is of a stack that is gone: {WRITE}"
    for name in gone():
        yield f"tests/infrastructure/__snapshots__/{name} is of an environment that is gone: {WRITE}"


@pytest.fixture
def writing(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("update_snapshots"))


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("name", OWN)
def test_template(name: str, room: str, snapshot: SnapshotAssertion, writing: bool) -> None:
    template = readable(own()[name][room].content)
    if edited(name) and not writing:
        # The files of behaviour are tested elsewhere, on copies that stay as they are.
        pytest.skip(f"environments/{name}.yaml has changed")
    assert template == snapshot(name=f"{name}/{room}", extension_class=TemplateSnapshot), WRITE


def test_snapshots_are_of_the_files_as_they_are(writing: bool) -> None:
    """After those above, which write the snapshots themselves."""
    if writing:
        for name in gone():
            shutil.rmtree(SNAPSHOTS / name)
        for name in OWN:
            mark(name).write_text(content(name))
            for path in strays(name):
                path.unlink()
    lines = list(stale())
    if lines and os.environ.get("CI"):
        pytest.fail("\n".join(lines), pytrace=False)
    if lines:
        warnings.warn("\n".join(["", *lines]), stacklevel=1)
