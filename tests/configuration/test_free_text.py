"""Whatever stands in a file, the loader answers with its own error."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from configuration.loading.load import EnvironmentsError, load_environments
from configuration.schema.environment import Environment

TODAY = date(2026, 11, 23)
SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

KEYS = st.sampled_from([*Environment.model_fields, "id", "source", "candidates", "metrics", "gates", "metric", "x"])
SCALARS = st.one_of(
    st.text(max_size=8),
    st.integers(),
    st.floats(),
    st.sampled_from(["~", "*a", "&a b", "!!int x", "!x y", "<<: {}", "0o9", "1_0", "2026-13-45", "- ", "? ", "|", "%"]),
)
PIECES = st.sampled_from([": ", "\n", "\n  ", "\n- ", "[", "]", "{", "}", ", ", "'", '"', "#", "&a ", "\t", "---\n"])
YAML_LIKE = st.lists(st.one_of(KEYS, SCALARS.map(str), PIECES), max_size=30).map("".join)


def load(folder: Path, content: bytes) -> None:
    path = folder / "dev.yaml"
    path.write_bytes(content)
    # None of these texts has all that an environment needs.
    with pytest.raises(EnvironmentsError) as raised:
        load_environments(folder, today=TODAY)
    assert raised.value.mistakes
    assert all(line.startswith(str(path)) and "\n" not in line for line in raised.value.mistakes)
    assert "Input should" not in str(raised.value)


@SETTINGS
@given(YAML_LIKE)
def test_text_that_looks_like_yaml_never_ends_in_a_traceback(tmp_path: Path, text: str) -> None:
    load(tmp_path, text.encode("utf-8", "surrogatepass"))


@SETTINGS
@given(st.binary(max_size=60))
def test_bytes_never_end_in_a_traceback(tmp_path: Path, content: bytes) -> None:
    load(tmp_path, content)


def json_like(depth: int) -> st.SearchStrategy[object]:
    """Values of any kind under the schema's own keys."""
    leaves: st.SearchStrategy[object] = st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.sampled_from(["local", "small"])
    )
    if depth == 0:
        return leaves
    inner = json_like(depth - 1)
    return st.one_of(leaves, st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4))


@SETTINGS
@given(st.dictionaries(KEYS, json_like(3), min_size=1, max_size=6))
def test_any_value_under_any_key_is_a_mistake_with_a_line(tmp_path: Path, data: dict[str, object]) -> None:
    path = tmp_path / "data.txt"
    YAML(typ="safe").dump(data, path)
    load(tmp_path, path.read_bytes())


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every path below a value."""
    for step, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, step)
        yield from places(item, (*path, step))


def put(value: Any, path: tuple[str | int, ...], new: object) -> None:
    for step in path[:-1]:
        value = value[step]
    value[path[-1]] = new


ANYTHING = st.one_of(
    st.text(max_size=12), st.sampled_from(["judge", "human", "comparison", "Builtin.BoolQ", "{{prompt}}"]), json_like(2)
)


@SETTINGS
@given(st.data())
def test_any_value_in_an_evaluation_of_any_kind_never_ends_in_a_traceback(
    tmp_path: Path, every_kind: str, data: st.DataObject
) -> None:
    content = YAML(typ="safe").load(every_kind)
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(places(content["evaluations"]))))
        put(content["evaluations"], path, data.draw(ANYTHING))
    (tmp_path / "dev.yaml").write_text(json.dumps(content))
    for line in mistakes(tmp_path):
        assert line.startswith("dev.yaml:")
        assert "\n" not in line
        assert "Input should" not in line


def mistakes(folder: Path) -> tuple[str, ...]:
    """What is told of the files; a value may be right by chance."""
    try:
        load_environments(folder, today=TODAY)
    except EnvironmentsError as error:
        return error.mistakes
    return ()


@pytest.mark.parametrize("piece", ["models", "datasets", "evaluations", "subscriptions", "tags", "alarms"])
@pytest.mark.parametrize("value", ["5", "[]", "{}", "[1]", "{a: 1}", "{a: [1]}", "{a: {b: c}}", "~", "x"])
def test_every_section_may_hold_anything(piece: str, value: str, tmp_path: Path) -> None:
    load(tmp_path, f"{piece}: {value}\n".encode())
