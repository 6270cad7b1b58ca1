"""Configuration of the simulator: a JSON file at the start, and the same keys over HTTP while it runs."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from local.simulator.replay.faults import ANY_MODEL, KINDS, NO_FAULTS, ModelFaults

STALL_SECONDS = "stall_seconds"


STOP_REFUSALS = ("AccessDeniedException", "ConflictException", "ThrottlingException", "InternalServerException")
JOB_REFUSALS = ("ConflictException", "ThrottlingException", "ServiceQuotaExceededException", "InternalServerException")


@dataclass(frozen=True)
class JobBehaviour:
    """How evaluation jobs go.

    Args:
        seconds: from creation to the end.
        refusals: error codes of the next CreateEvaluationJob calls, one each.
        failure: the message with which every job ends Failed; None: they complete.
        left_out: share of the prompts that the output silently lacks.
        never_ends: jobs stay InProgress until they are stopped.
        output_seconds: from the end to the output in S3.
        output_folder: where below the request's prefix the output lies, with `{name}` and `{id}` of the job.
        others: so many ended jobs of somebody else are in the account, and count for its quota.
        stop_refusal, delete_refusal: the error code that StopEvaluationJob or BatchDeleteEvaluationJob ends with.
    """

    seconds: float = 1.0
    refusals: tuple[str, ...] = ()
    failure: str | None = None
    left_out: float = 0.0
    never_ends: bool = False
    output_seconds: float = 0.0
    output_folder: str = "{name}/{id}/"
    others: int = 0
    stop_refusal: str | None = None
    delete_refusal: str | None = None


FLOW_REFUSALS = ("ResourceLimitExceeded", "ThrottlingException")


@dataclass(frozen=True)
class FlowBehaviour:
    """How SageMaker's flow definitions go.

    Args:
        seconds: from creation to Active.
        deleting_seconds: from deletion until it is gone, as while workers have tasks open.
        failure: the reason with which every new one ends Failed; None: they become Active.
        refusals: error codes of the next CreateFlowDefinition calls, one each.
    """

    seconds: float = 1.0
    deleting_seconds: float = 1.0
    failure: str | None = None
    refusals: tuple[str, ...] = ()


LOG_DELIVERIES = ("no dimension", "Across all model IDs")


@dataclass(frozen=True)
class PublishingBehaviour:
    """How the metrics and the log of calls are published, where AWS's pages leave it open.

    Args:
        profiles_by_arn: application inference profiles by their ARN, not by their id.
        tiers: each call once more under ModelId, ServiceTier and ResolvedServiceTier.
        tiers_apart: and not under ModelId alone.
        log_delivery: with which dimension the delivery of logs is counted.
        failures_logged: failed calls are in the log.
        unpublished: share of the answered calls of which no metric comes.
    """

    profiles_by_arn: bool = False
    tiers: bool = False
    tiers_apart: bool = False
    log_delivery: str = LOG_DELIVERIES[0]
    failures_logged: bool = True
    unpublished: float = 0.0


class ConfigError(ValueError):
    """A configuration that cannot be used; the message names file, key, value and what is allowed."""


@dataclass(frozen=True)
class Config:
    """How the simulator behaves.

    Args:
        answers: JSONL files of recorded answers.
        seed: changes which requests the faults hit, and the reported latencies.
        faults: by model id (as called, or the foundation model id), `*` for every other model.
        sleep_share: share of the reported latency that is really waited; 0 answers at once.
        default_latency_ms: median of the reported latency for an answer of middling length, milliseconds.
        fail_first_logging_puts: so many PutModelInvocationLoggingConfiguration fail validation before one succeeds,
            as they do on AWS while a fresh role propagates.
        evaluation_jobs: how evaluation jobs go.
        flow_definitions: how SageMaker's flow definitions go.
        ends_of_life: by foundation model id, other days than the ones that the simulator knows.
        publishing: how metrics and log are published.
    """

    answers: tuple[Path, ...] = ()
    seed: int = 0
    faults: Mapping[str, ModelFaults] = field(default_factory=dict)
    sleep_share: float = 0.0
    default_latency_ms: float = 800.0
    fail_first_logging_puts: int = 0
    evaluation_jobs: JobBehaviour = JobBehaviour()
    flow_definitions: FlowBehaviour = FlowBehaviour()
    ends_of_life: Mapping[str, date] = field(default_factory=dict)
    publishing: PublishingBehaviour = PublishingBehaviour()

    def faults_for(self, model_ids: tuple[str, ...]) -> ModelFaults:
        """The faults of the first id that has an entry of its own, else those of `*`."""
        for model_id in (*model_ids, ANY_MODEL):
            if model_id in self.faults:
                return self.faults[model_id]
        return NO_FAULTS

    def to_json(self) -> dict[str, Any]:
        """The configuration in the form that `parse` reads."""
        return {
            "answers": [str(path) for path in self.answers],
            "seed": self.seed,
            "faults": {
                model: {**faults.shares, STALL_SECONDS: faults.stall_seconds} for model, faults in self.faults.items()
            },
            "sleep_share": self.sleep_share,
            "default_latency_ms": self.default_latency_ms,
            "fail_first_logging_puts": self.fail_first_logging_puts,
            "evaluation_jobs": asdict(self.evaluation_jobs),
            "flow_definitions": asdict(self.flow_definitions),
            "ends_of_life": {model: day.isoformat() for model, day in self.ends_of_life.items()},
            "publishing": asdict(self.publishing),
        }


@dataclass(frozen=True)
class _Place:
    """Where a value stands, for error messages and relative paths."""

    source: str
    directory: Path
    key: str = ""

    def at(self, key: str) -> "_Place":
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
    place = _Place(source, directory)
    if not isinstance(document, dict):
        raise place.error(document, "an object")
    for key in document:
        if key not in _READERS:
            raise ConfigError(f"{source}: unknown key {key!r}; allowed: {', '.join(_READERS)}")
    changes = {key: _READERS[key](value, place.at(key)) for key, value in document.items()}
    return replace(base or Config(), **changes)


def _number(value: object, place: _Place, *, low: float, high: float = float("inf")) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        allowed = f"a number from {low:g} to {high:g}" if high < float("inf") else f"a number of at least {low:g}"
        raise place.error(value, allowed)
    return float(value)


def _whole(value: object, place: _Place) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise place.error(value, "a whole number")
    return value


def _count(value: object, place: _Place) -> int:
    count = _whole(value, place)
    if count < 0:
        raise place.error(value, "a whole number of at least 0")
    return count


def _share(value: object, place: _Place) -> float:
    return _number(value, place, low=0, high=1)


def _latency(value: object, place: _Place) -> float:
    return _number(value, place, low=1, high=3_600_000)


def _paths(value: object, place: _Place) -> tuple[Path, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise place.error(value, "a list of file names")
    return tuple(place.directory / item for item in value)


def _faults(value: object, place: _Place) -> Mapping[str, ModelFaults]:
    if not isinstance(value, dict):
        raise place.error(value, 'an object of model id (or "*") to shares')
    return MappingProxyType({model: _model_faults(shares, place.at(model)) for model, shares in value.items()})


def _model_faults(value: object, place: _Place) -> ModelFaults:
    if not isinstance(value, dict):
        raise place.error(value, "an object of fault to share")
    for kind in value:
        if kind not in (*KINDS, STALL_SECONDS):
            allowed = ", ".join((*KINDS, STALL_SECONDS))
            raise ConfigError(f"{place.source}: {place.key}: unknown fault {kind!r}; allowed: {allowed}")
    shares = {kind: _share(share, place.at(kind)) for kind, share in value.items() if kind != STALL_SECONDS}
    if sum(shares.values()) > 1 + 1e-9:
        raise ConfigError(f"{place.source}: {place.key}: the shares add up to {sum(shares.values()):g}, more than 1")
    seconds = _number(value.get(STALL_SECONDS, NO_FAULTS.stall_seconds), place.at(STALL_SECONDS), low=0, high=3600)
    return ModelFaults(MappingProxyType(shares), seconds)


def _job_behaviour(value: object, place: _Place) -> JobBehaviour:
    return JobBehaviour(**_behaviour(value, place, readers=_JOB_READERS))


def _flow_behaviour(value: object, place: _Place) -> FlowBehaviour:
    return FlowBehaviour(**_behaviour(value, place, readers=_FLOW_READERS))


def _publishing(value: object, place: _Place) -> PublishingBehaviour:
    return PublishingBehaviour(**_behaviour(value, place, readers=_PUBLISHING_READERS))


def _log_delivery(value: object, place: _Place) -> str:
    if value not in LOG_DELIVERIES:
        raise place.error(value, f"one of {', '.join(LOG_DELIVERIES)}")
    return str(value)


def _behaviour(value: object, place: _Place, *, readers: Mapping[str, "_Reader"]) -> dict[str, Any]:
    """Keys that are not given have their defaults."""
    if not isinstance(value, dict):
        raise place.error(value, "an object")
    for key in value:
        if key not in readers:
            allowed = ", ".join(readers)
            raise ConfigError(f"{place.source}: {place.key}: unknown key {key!r}; allowed: {allowed}")
    return {key: readers[key](item, place.at(key)) for key, item in value.items()}


def _job_refusals(value: object, place: _Place) -> tuple[str, ...]:
    return _codes(value, place, allowed=JOB_REFUSALS)


def _flow_refusals(value: object, place: _Place) -> tuple[str, ...]:
    return _codes(value, place, allowed=FLOW_REFUSALS)


def _codes(value: object, place: _Place, *, allowed: tuple[str, ...]) -> tuple[str, ...]:
    if not isinstance(value, list) or any(code not in allowed for code in value):
        raise place.error(value, f"a list of {', '.join(allowed)}")
    return tuple(value)


def _refusal(value: object, place: _Place) -> str | None:
    if value is not None and value not in STOP_REFUSALS:
        raise place.error(value, f"null or one of {', '.join(STOP_REFUSALS)}")
    return None if value is None else str(value)


def _folder(value: object, place: _Place) -> str:
    if not isinstance(value, str) or not value.endswith("/"):
        raise place.error(value, "text that ends with /, as {name}/{id}/")
    return value


def _message(value: object, place: _Place) -> str | None:
    if value is not None and not isinstance(value, str):
        raise place.error(value, "text or null")
    return value


def _switch(value: object, place: _Place) -> bool:
    if not isinstance(value, bool):
        raise place.error(value, "true or false")
    return value


def _days(value: object, place: _Place) -> Mapping[str, date]:
    if not isinstance(value, dict):
        raise place.error(value, "an object of model id to day")
    return MappingProxyType({model: _day(day, place.at(model)) for model, day in value.items()})


def _day(value: object, place: _Place) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise place.error(value, "a day, as 2027-01-08") from error


def _seconds(value: object, place: _Place) -> float:
    return _number(value, place, low=0, high=86_400)


_Reader = Callable[[object, _Place], Any]
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
