"""The configuration as a JSON document: a file at the start, and the same keys over HTTP while the simulator runs."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from local.simulator.replay.faults import KINDS, NO_FAULTS, ModelFaults
from local.simulator.settings.config import (
    FLOW_REFUSALS,
    JOB_REFUSALS,
    LOG_DELIVERIES,
    STALL_SECONDS,
    STOP_REFUSALS,
    Config,
    FlowBehaviour,
    JobBehaviour,
    PublishingBehaviour,
)


class ConfigError(ValueError):
    """A configuration that cannot be used; the message names file, key, value and what is allowed."""


@dataclass(frozen=True)
class _Location:
    """The key of a value, for error messages and relative paths."""

    source: str
    directory: Path
    key: str = ""

    def at(self, key: str) -> "_Location":
        return replace(self, key=f"{self.key}.{key}" if self.key else key)

    def error(self, value: object, allowed: str) -> ConfigError:
        shown = json.dumps(value, ensure_ascii=False)
        return ConfigError(f"{self.source}: {self.key or 'the document'}: {shown} is not {allowed}")


def load(path: Path) -> Config:
    """Read a configuration file; paths in it are relative to its folder.

    Raises:
        ConfigError: the file cannot be read, is not JSON, or has an unknown key or a bad value.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    return parse(text, source=str(path), directory=path.parent)


def parse(text: str | bytes, *, source: str, directory: Path, base: Config | None = None) -> Config:
    """The configuration that a JSON document describes.

    Args:
        source: names the document in error messages.
        directory: what relative paths are relative to.
        base: keys that the document does not have keep this one's values.

    Raises:
        ConfigError: not a JSON object, an unknown key, or a bad value.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"{source}: not JSON: {error}") from error
    location = _Location(source, directory)
    if not isinstance(document, dict):
        raise location.error(document, "an object")
    for key in document:
        if key not in _READERS:
            raise ConfigError(f"{source}: unknown key {key!r}; allowed: {', '.join(_READERS)}")
    changes = {key: _READERS[key](value, location.at(key)) for key, value in document.items()}
    return replace(base or Config(), **changes)


def _number(value: object, location: _Location, *, low: float, high: float = float("inf")) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        allowed = f"a number from {low:g} to {high:g}" if high < float("inf") else f"a number of at least {low:g}"
        raise location.error(value, allowed)
    return float(value)


def _whole(value: object, location: _Location) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise location.error(value, "a whole number")
    return value


def _count(value: object, location: _Location) -> int:
    count = _whole(value, location)
    if count < 0:
        raise location.error(value, "a whole number of at least 0")
    return count


def _share(value: object, location: _Location) -> float:
    return _number(value, location, low=0, high=1)


def _latency(value: object, location: _Location) -> float:
    return _number(value, location, low=1, high=3_600_000)


def _paths(value: object, location: _Location) -> tuple[Path, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise location.error(value, "a list of file names")
    return tuple(location.directory / item for item in value)


def _faults(value: object, location: _Location) -> Mapping[str, ModelFaults]:
    if not isinstance(value, dict):
        raise location.error(value, 'an object of model id (or "*") to shares')
    return MappingProxyType({model: _model_faults(shares, location.at(model)) for model, shares in value.items()})


def _model_faults(value: object, location: _Location) -> ModelFaults:
    if not isinstance(value, dict):
        raise location.error(value, "an object of fault to share")
    for kind in value:
        if kind not in (*KINDS, STALL_SECONDS):
            allowed = ", ".join((*KINDS, STALL_SECONDS))
            raise ConfigError(f"{location.source}: {location.key}: unknown fault {kind!r}; allowed: {allowed}")
    shares = {kind: _share(share, location.at(kind)) for kind, share in value.items() if kind != STALL_SECONDS}
    if sum(shares.values()) > 1 + 1e-9:
        raise ConfigError(
            f"{location.source}: {location.key}: the shares add up to {sum(shares.values()):g}, more than 1"
        )
    seconds = _number(value.get(STALL_SECONDS, NO_FAULTS.stall_seconds), location.at(STALL_SECONDS), low=0, high=3600)
    return ModelFaults(MappingProxyType(shares), seconds)


def _job_behaviour(value: object, location: _Location) -> JobBehaviour:
    return JobBehaviour(**_behaviour(value, location, readers=_JOB_READERS))


def _flow_behaviour(value: object, location: _Location) -> FlowBehaviour:
    return FlowBehaviour(**_behaviour(value, location, readers=_FLOW_READERS))


def _publishing(value: object, location: _Location) -> PublishingBehaviour:
    return PublishingBehaviour(**_behaviour(value, location, readers=_PUBLISHING_READERS))


def _log_delivery(value: object, location: _Location) -> str:
    if value not in LOG_DELIVERIES:
        raise location.error(value, f"one of {', '.join(LOG_DELIVERIES)}")
    return str(value)


def _behaviour(value: object, location: _Location, *, readers: Mapping[str, "_Reader"]) -> dict[str, Any]:
    """Keys that are not given have their defaults."""
    if not isinstance(value, dict):
        raise location.error(value, "an object")
    for key in value:
        if key not in readers:
            allowed = ", ".join(readers)
            raise ConfigError(f"{location.source}: {location.key}: unknown key {key!r}; allowed: {allowed}")
    return {key: readers[key](item, location.at(key)) for key, item in value.items()}


def _job_refusals(value: object, location: _Location) -> tuple[str, ...]:
    return _codes(value, location, allowed=JOB_REFUSALS)


def _flow_refusals(value: object, location: _Location) -> tuple[str, ...]:
    return _codes(value, location, allowed=FLOW_REFUSALS)


def _codes(value: object, location: _Location, *, allowed: tuple[str, ...]) -> tuple[str, ...]:
    if not isinstance(value, list) or any(code not in allowed for code in value):
        raise location.error(value, f"a list of {', '.join(allowed)}")
    return tuple(value)


def _refusal(value: object, location: _Location) -> str | None:
    if value is not None and value not in STOP_REFUSALS:
        raise location.error(value, f"null or one of {', '.join(STOP_REFUSALS)}")
    return None if value is None else str(value)


def _folder(value: object, location: _Location) -> str:
    if not isinstance(value, str) or not value.endswith("/"):
        raise location.error(value, "text that ends with /, as {name}/{id}/")
    return value


def _message(value: object, location: _Location) -> str | None:
    if value is not None and not isinstance(value, str):
        raise location.error(value, "text or null")
    return value


def _switch(value: object, location: _Location) -> bool:
    if not isinstance(value, bool):
        raise location.error(value, "true or false")
    return value


def _days(value: object, location: _Location) -> Mapping[str, date]:
    if not isinstance(value, dict):
        raise location.error(value, "an object of model id to day")
    return MappingProxyType({model: _day(day, location.at(model)) for model, day in value.items()})


def _day(value: object, location: _Location) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise location.error(value, "a day, as 2027-01-08") from error


def _seconds(value: object, location: _Location) -> float:
    return _number(value, location, low=0, high=86_400)


_Reader = Callable[[object, _Location], Any]
_JOB_READERS: Mapping[str, _Reader] = {
    "seconds": _seconds,
    "refusals": _job_refusals,
    "failure": _message,
    "left_out": _share,
    "never_ends": _switch,
    "output_seconds": _seconds,
    "output_folder": _folder,
    "others": _count,
    "stop_refusal": _refusal,
    "delete_refusal": _refusal,
}
_FLOW_READERS: Mapping[str, _Reader] = {
    "seconds": _seconds,
    "deleting_seconds": _seconds,
    "failure": _message,
    "refusals": _flow_refusals,
}
_PUBLISHING_READERS: Mapping[str, _Reader] = {
    "profiles_by_arn": _switch,
    "tiers": _switch,
    "tiers_apart": _switch,
    "log_delivery": _log_delivery,
    "failures_logged": _switch,
    "unpublished": _share,
}
_READERS: Mapping[str, _Reader] = {
    "answers": _paths,
    "seed": _whole,
    "faults": _faults,
    "sleep_share": _share,
    "default_latency_ms": _latency,
    "fail_first_logging_puts": _count,
    "evaluation_jobs": _job_behaviour,
    "flow_definitions": _flow_behaviour,
    "ends_of_life": _days,
    "publishing": _publishing,
}
