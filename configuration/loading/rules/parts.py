"""Takes a file apart into the parts that are right, so that one mistake does not hide the next."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from bedrock_eval.evaluation.job_settings import JobKind
from bedrock_eval.models import Model, ModelError
from bedrock_eval.names import is_name
from bedrock_eval.scores import METRICS
from bedrock_eval.scores.job_measures import BUILT_IN
from bedrock_eval.scores.measures import Measure
from configuration.document.reading import Mistake
from configuration.schema.datasets import DatasetConfig
from configuration.schema.evaluations.candidates import AnyCandidateConfig, CandidateConfig, JobCandidateConfig
from configuration.schema.evaluations.gates import AnyGateConfig, GateConfig
from configuration.schema.evaluations.kinds import (
    CUSTOM,
    CustomEvaluationConfig,
    EvaluationConfig,
    JobEvaluationConfig,
    kind_of,
)
from configuration.schema.evaluations.schedules import AnyScheduleConfig
from configuration.schema.guardrails import GuardrailConfig
from configuration.schema.models import ModelConfig
from configuration.schema.notification import SubscriptionConfig

Part = TypeVar("Part", bound=BaseModel)
_EVALUATION: TypeAdapter[CustomEvaluationConfig | JobEvaluationConfig] = TypeAdapter(EvaluationConfig)
_SCORING = frozenset({"metrics", "criteria", "ratings"})
_NOTHING = "nothing-that-is-declared"
_INSTEAD: Mapping[str, Mapping[str, Any]] = {
    JobKind.AUTOMATIC: {"task": "QuestionAndAnswer", "metrics": [f"{BUILT_IN}Accuracy"]},
    JobKind.JUDGE: {"judge": _NOTHING, "metrics": [f"{BUILT_IN}Correctness"]},
    JobKind.HUMAN: {
        "work_team": "arn:aws:sagemaker:us-east-1:000000000000:workteam/a",
        "title": "a",
        "instructions": "a",
        "ratings": [{"name": "a", "method": "ThumbsUpDown"}],
    },
}
"""Values in the place of broken keys, so that the rules of jobs can check the other keys."""


@dataclass(frozen=True)
class EvaluationParts:
    """The parts of an evaluation. A broken part is None, so that indexes are those of the file.

    Attributes:
        custom: the evaluation is of kind custom.
        config: the whole evaluation, where it is right.
        jobs: the whole of an evaluation by jobs, with other values in the place of broken keys.
        broken: the keys for which `jobs` has another value, or none.
        models: the model of each candidate, as far as it is text, even where the candidate is broken.
        measures: by metric; None where the metrics are broken.
        max_cost: the evaluation sets it.
        schedule: its keys about time, whatever else is broken.
    """

    custom: bool
    config: CustomEvaluationConfig | JobEvaluationConfig | None
    jobs: JobEvaluationConfig | None
    broken: frozenset[str]
    dataset: str | None
    models: tuple[str | None, ...]
    candidates: tuple[AnyCandidateConfig | None, ...]
    gates: tuple[AnyGateConfig | None, ...]
    metrics: tuple[str, ...]
    measures: Mapping[str, Measure] | None
    headline: bool
    max_cost: bool
    allow_unpriced: bool
    schedule: AnyScheduleConfig | None


@dataclass(frozen=True)
class Parts:
    """The parts of a file that are right.

    Attributes:
        top: the raw values of the file's own keys, without those that are broken.
        broken: keys at the top with a mistake in or below them.
    """

    name: str
    top: Mapping[str, Any]
    broken: frozenset[str]
    models: Mapping[str, ModelConfig | None]
    datasets: Mapping[str, DatasetConfig | None]
    evaluations: Mapping[str, EvaluationParts]
    subscriptions: tuple[SubscriptionConfig | None, ...]
    guardrails: tuple[GuardrailConfig | None, ...]

    def sound(self, key: str) -> bool:
        """True when the key, given or left to its default, is right."""
        return key not in self.broken

    def flag(self, key: str) -> bool:
        return self.top.get(key) is True

    def resolve(self, name: str) -> Model | None:
        """The model behind a key of `models`, None when it or the Region is broken."""
        config, region = self.models.get(name), self.top.get("region")
        if config is None or region is None:
            return None
        try:
            return Model(config.id, region=region, destination_regions=config.destination_regions)
        except ModelError:
            return None


def parts_of(data: Mapping[str, Any], *, name: str, broken: frozenset[str]) -> Parts:
    """Take a file apart, with what pydantic has found already."""
    return Parts(
        name=name,
        top={key: value for key, value in data.items() if key not in broken},
        broken=broken,
        models={key: _part(ModelConfig, value) for key, value in mapping(data.get("models")).items()},
        datasets={key: _part(DatasetConfig, value) for key, value in mapping(data.get("datasets")).items()},
        evaluations={key: _evaluation(mapping(raw)) for key, raw in mapping(data.get("evaluations")).items()},
        subscriptions=tuple(_part(SubscriptionConfig, item) for item in _list(data.get("subscriptions"))),
        guardrails=tuple(_part(GuardrailConfig, item) for item in _list(data.get("guardrails"))),
    )


def _evaluation(raw: Mapping[str, Any]) -> EvaluationParts:
    dataset = raw.get("dataset")
    custom = kind_of(raw) == CUSTOM
    config = _whole(raw)
    jobs, broken = _completed(raw)
    # What is measured is known where nothing that says so is broken.
    scored = jobs if broken.isdisjoint(_SCORING) else None
    metrics = _custom_metrics(raw) if custom else () if scored is None else scored.metric_names
    return EvaluationParts(
        custom=custom,
        config=config,
        jobs=jobs,
        broken=broken,
        dataset=dataset if isinstance(dataset, str) and (is_name(dataset) or _is_built_in(dataset, custom)) else None,
        models=tuple(_model_of(item) for item in _list(raw.get("candidates"))),
        candidates=tuple(
            _candidate(CandidateConfig if custom else JobCandidateConfig, item) for item in _list(raw.get("candidates"))
        ),
        gates=tuple(_part(GateConfig if custom else AnyGateConfig, item) for item in _list(raw.get("gates"))),
        metrics=metrics,
        measures=METRICS if custom else None if scored is None else scored.measures,
        headline=raw.get("headline") is True,
        max_cost=custom and raw.get("max_cost") is not None,
        allow_unpriced=custom and raw.get("allow_unpriced") is True,
        schedule=_schedule(mapping(raw.get("schedule"))),
    )


def _schedule(raw: Mapping[str, Any]) -> AnyScheduleConfig | None:
    return _part(AnyScheduleConfig, {key: raw[key] for key in AnyScheduleConfig.model_fields if key in raw})


def _is_built_in(dataset: str, custom: bool) -> bool:
    return not custom and dataset.startswith(BUILT_IN)


def _whole(raw: Mapping[str, Any]) -> CustomEvaluationConfig | JobEvaluationConfig | None:
    try:
        return _EVALUATION.validate_json(json.dumps(raw), strict=True)
    except ValidationError:
        return None


def _completed(raw: Mapping[str, Any]) -> tuple[JobEvaluationConfig | None, frozenset[str]]:
    """An evaluation by jobs with other values for its broken keys, and these keys; None where its kind is unknown."""
    several = raw.get("kind") == "comparison"
    by = str(raw.get("by" if several else "kind"))
    if by not in _INSTEAD:
        return None, frozenset()
    broken = _broken(raw)
    candidates = [{"name": name, "model": _NOTHING} for name in ("a", "b")]
    instead = {"dataset": _NOTHING, "candidates": candidates if several else candidates[:1], **_INSTEAD[by]}
    sound = {key: value for key, value in raw.items() if key not in broken}
    config = _whole({**sound, **{key: instead[key] for key in broken if key in instead}})
    return (None if isinstance(config, CustomEvaluationConfig) else config), broken


def _broken(raw: Mapping[str, Any]) -> frozenset[str]:
    """The keys that are wrong or missing."""
    try:
        _EVALUATION.validate_json(json.dumps(raw), strict=True)
    except ValidationError as error:
        # What comes first in a place is the kind.
        return frozenset(str(detail["loc"][1]) for detail in error.errors(include_url=False) if len(detail["loc"]) > 1)
    return frozenset()


def _custom_metrics(raw: Mapping[str, Any]) -> tuple[str, ...]:
    defaults = [metric.name for metric in CustomEvaluationConfig.model_fields["metrics"].default]
    return tuple(str(mapping(item).get("name", item)) for item in _list(raw.get("metrics", defaults)))


def _model_of(raw: object) -> str | None:
    model = mapping(raw).get("model", raw)
    return model if isinstance(model, str) and is_name(model) else None


def _candidate(kind: type[Part], raw: object) -> Part | None:
    return _part(kind, {"name": raw, "model": raw} if isinstance(raw, str) else raw)


def _part(kind: type[Part], raw: object) -> Part | None:
    try:
        return kind.model_validate_json(json.dumps(raw), strict=True)
    except ValidationError:
        return None


def of_evaluation(name: str, mistakes: Iterable[Mistake]) -> Iterator[Mistake]:
    """The mistakes of one evaluation, each at its path in the file."""
    for mistake in mistakes:
        yield Mistake(("evaluations", name, *mistake.path), mistake.message)


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []
