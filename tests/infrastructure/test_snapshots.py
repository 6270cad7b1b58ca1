"""A snapshot per environment and stack: what a change does to the templates shows in its diff. `make snapshots`."""

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from syrupy.location import PyTestLocation
from syrupy.types import PropertyFilter, PropertyMatcher, SerializableData, SerializedData, SnapshotIndex

from tests.infrastructure.templates import ROOMS, SHIPPED, flat, shipped

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


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("name", SHIPPED)
def test_template(name: str, room: str, snapshot: SnapshotAssertion) -> None:
    template = readable(shipped()[name][room].content)
    assert template == snapshot(name=f"{name}/{room}", extension_class=TemplateSnapshot)
