"""Mappings of JSON values that are passed on as they are."""

import json
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, JsonValue


def _finite(fields: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    try:
        json.dumps(fields, allow_nan=False)
    except ValueError:
        raise ValueError("contains a number that JSON cannot represent; allowed: finite numbers") from None
    return fields


JsonFields = Annotated[Mapping[str, JsonValue], AfterValidator(_finite)]
