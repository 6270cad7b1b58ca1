"""A request of CreateEvaluationJob held against what botocore does not check."""

import re
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ListShape, Shape, StringShape, StructureShape

from bedrock_eval.scores.job_measures import Task


@cache
def request_shape() -> StructureShape:
    model = botocore.session.get_session().get_service_model("bedrock")
    shape = model.operation_model("CreateEvaluationJob").input_shape
    assert shape is not None
    return shape


def broken_rules(shape: Shape, value: Any, path: str = "") -> list[str]:
    """Patterns, lengths and enumerations of the service model that `value` breaks; botocore checks none of them."""
    found: list[str] = []
    limits = shape.metadata
    size = len(value) if isinstance(value, str | list) else None
    if size is not None and not limits.get("min", 0) <= size <= limits.get("max", size):
        found.append(f"{path}: length {size}")
    if isinstance(shape, StructureShape):
        if limits.get("union") and len(value) != 1:
            found.append(f"{path}: a union with {sorted(value)}")
        for name, each in value.items():
            found += broken_rules(shape.members[name], each, f"{path}.{name}")
    elif isinstance(shape, ListShape):
        for number, each in enumerate(value):
            found += broken_rules(shape.member, each, f"{path}[{number}]")
    elif isinstance(shape, StringShape):
        pattern = limits.get("pattern")
        if pattern and not re.fullmatch(pattern, value):
            found.append(f"{path}: {value!r} does not match {pattern}")
        # The user guide's own judge requests say General, which the enumeration lacks.
        if shape.enum and value not in {*shape.enum, Task.GENERAL}:
            found.append(f"{path}: {value!r} is none of {shape.enum}")
    return found
