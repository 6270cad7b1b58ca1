"""What a person declares of an evaluation in code, checked and turned into its definition."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from bedrock_eval.direction import Better
from bedrock_eval.evaluation.cases import DatasetError, read_cases
from bedrock_eval.evaluation.dataset_references import gap, gaps_of
from bedrock_eval.evaluation.definition import PROMPT_MARK, Candidate, Gate, InferenceParameters, Schedule
from bedrock_eval.evaluation.schedules import ScheduleError, parse_schedule
from bedrock_eval.models import Model, ModelError
from bedrock_eval.names import NAME_RULE, is_name
from bedrock_eval.pricing.costs import Rates
from bedrock_eval.scores import METRICS
from bedrock_eval.wording import suggestion

_MOST_CANDIDATES = 10
_S3 = "s3://"


@dataclass(frozen=True)
class EvaluatedModel:
    """A candidate of which more is said than the id of its model.

    Attributes:
        system: system prompt.
        template: text around the prompt; holds `{{prompt}}` once.
        rates: what its tokens cost; left out: unknown, and shown as unpriced tokens.
        additional_fields: further request fields of the model, as top_k or thinking.
    """

    model_id: str
    system: str | None = None
    template: str | None = None
    parameters: InferenceParameters = field(default_factory=InferenceParameters)
    rates: Rates | None = None
    additional_fields: Mapping[str, Any] = field(default_factory=dict)


MetricDeclaration = str | Mapping[str, Any]
"""The name of a metric, or a mapping with `name` and `parameters`."""
GateDeclaration = Gate | Mapping[str, Any]
"""A gate, or a mapping with `metric` and at least one of `min`, `max` and `max_drop`."""


@dataclass(frozen=True)
class Declared:
    """What was declared, with every mistake that can be known at synth.

    Attributes:
        dataset: an s3:// URI, or a file.
        folder: that a relative path of the dataset begins at.
        region: of the calls; may be a token.
    """

    name: str
    dataset: str | Path
    candidates: Mapping[str, str | EvaluatedModel]
    metrics: Sequence[MetricDeclaration]
    gates: Sequence[GateDeclaration]
    schedule: str | Schedule | None
    folder: Path
    region: str
    limits: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)

    def mistakes(self) -> Iterator[str]:
        """Every mistake, a line each, which begins with the name of the property."""
        if not is_name(self.name):
            yield f"name: {self.name!r}; allowed: {NAME_RULE}"
        yield from self._candidate_mistakes()
        yield from self._metric_mistakes()
        yield from self._gate_mistakes()
        yield from self._schedule_mistakes()
        yield from self._dataset_mistakes()
        for name, (value, least, most) in self.limits.items():
            if not least <= value <= most:
                yield f"{name}: {value:g}; allowed: {least:g} to {most:g}"

    @property
    def metric_names(self) -> tuple[str, ...]:
        return tuple(each if isinstance(each, str) else str(each.get("name")) for each in self.metrics)

    @property
    def metric_parameters(self) -> Mapping[str, str]:
        """By metric, its parameters as JSON text."""
        return {
            str(each["name"]): json.dumps(each["parameters"], sort_keys=True)
            for each in self.metrics
            if not isinstance(each, str) and each.get("parameters")
        }

    @property
    def models(self) -> Mapping[str, EvaluatedModel]:
        return {
            name: each if isinstance(each, EvaluatedModel) else EvaluatedModel(each)
            for name, each in self.candidates.items()
        }

    @property
    def made_candidates(self) -> tuple[Candidate, ...]:
        return tuple(
            Candidate(
                name=name,
                model_id=each.model_id,
                invoke_id=each.model_id,
                system=each.system,
                template=each.template,
                parameters=each.parameters,
                rates=each.rates,
                additional_fields=(
                    json.dumps(dict(each.additional_fields), sort_keys=True) if each.additional_fields else None
                ),
            )
            for name, each in self.models.items()
        )

    @property
    def made_gates(self) -> tuple[Gate, ...]:
        return tuple(each if isinstance(each, Gate) else Gate(**each) for each in self.gates)

    @property
    def made_schedule(self) -> Schedule | None:
        return Schedule(self.schedule) if isinstance(self.schedule, str) else self.schedule

    @property
    def s3_object(self) -> tuple[str, str] | None:
        """Bucket and key of a dataset that lies in S3 already; None: it is a file."""
        text = str(self.dataset)
        if not text.startswith(_S3):
            return None
        bucket, _, key = text.removeprefix(_S3).partition("/")
        return bucket, key

    @property
    def file(self) -> Path:
        """The dataset, if it is a file."""
        return self.folder / self.dataset

    def _candidate_mistakes(self) -> Iterator[str]:
        if not 1 <= len(self.candidates) <= _MOST_CANDIDATES:
            yield f"candidates: {len(self.candidates)}; allowed: 1 to {_MOST_CANDIDATES}, a model id by name"
        for name, each in self.models.items():
            if not is_name(name):
                yield f"candidates: {name!r} is not a name; allowed: {NAME_RULE}"
            try:
                Model(each.model_id, self.region)
            except ModelError as error:
                yield f"candidates[{name!r}]: {error}"
            if each.template is not None and each.template.count(PROMPT_MARK) != 1:
                yield f"candidates[{name!r}].template: {PROMPT_MARK} must stand exactly once in it"

    def _metric_mistakes(self) -> Iterator[str]:
        if not self.metrics:
            yield f"metrics: none is given; allowed: {', '.join(METRICS)}"
        seen: set[str] = set()
        for each, name in zip(self.metrics, self.metric_names, strict=True):
            if name in seen:
                yield f"metrics: {name!r} stands twice; allowed: each once"
            seen.add(name)
            if name not in METRICS:
                yield f"metrics: {name!r} is not a metric{suggestion(name, METRICS)}; allowed: {', '.join(METRICS)}"
                continue
            parameters = {} if isinstance(each, str) else dict(each.get("parameters") or {})
            try:
                METRICS[name].check(parameters)
            except ValueError as error:
                yield f"metrics: {name}: {error}"

    def _gate_mistakes(self) -> Iterator[str]:
        allowed = [each.name for each in fields(Gate)]
        seen: set[str] = set()
        for place, each in enumerate(self.gates):
            at = f"gates[{place}]"
            if not isinstance(each, Gate):
                unknown = [key for key in each if key not in allowed]
                if unknown or "metric" not in each:
                    said = f"unknown: {', '.join(map(repr, unknown))}" if unknown else "metric is missing"
                    yield f"{at}: {said}; allowed: {', '.join(allowed)}"
                    continue
            gate = each if isinstance(each, Gate) else Gate(**each)
            if gate.metric in seen:
                yield f"{at}: {gate.metric!r} has a gate already; put min, max and max_drop there"
            seen.add(gate.metric)
            yield from (f"{at}{mistake}" for mistake in self._bound_mistakes(gate))

    def _bound_mistakes(self, gate: Gate) -> Iterator[str]:
        if gate.metric not in self.metric_names:
            near = suggestion(gate.metric, self.metric_names)
            yield f".metric: {gate.metric!r} is not measured here{near}; allowed: {', '.join(self.metric_names)}"
        bounds = {"min": gate.min, "max": gate.max, "max_drop": gate.max_drop}
        given = {name: value for name, value in bounds.items() if value is not None}
        if not given:
            yield ": none of min, max and max_drop is given; needed: at least one"
        wrong = [name for name, value in given.items() if isinstance(value, bool) or not isinstance(value, int | float)]
        if wrong:
            yield from (f".{name}: {given[name]!r}; allowed: a number" for name in wrong)
            return
        if gate.min is not None and gate.max is not None and gate.min >= gate.max:
            yield f": min {gate.min:g} is not below max {gate.max:g}"
        metric = METRICS.get(gate.metric)
        if metric is None:
            return
        for name in ("min", "max"):
            outside = None if bounds[name] is None else metric.outside(float(bounds[name] or 0))
            if outside is not None:
                yield f".{name}: {outside}"
        if gate.max_drop is not None and metric.better is Better.NEUTRAL:
            yield f".max_drop: {gate.metric} has no better direction; allowed: min and max"

    def _schedule_mistakes(self) -> Iterator[str]:
        made = self.made_schedule
        if made is None:
            return
        try:
            parse_schedule(made.expression)
        except ScheduleError as error:
            yield f"schedule: {error}"
        if made.timezone not in available_timezones():
            near = suggestion(made.timezone, available_timezones())
            yield f"schedule: {made.timezone!r} is not an IANA time zone{near}; allowed: names as Europe/Berlin"

    def _dataset_mistakes(self) -> Iterator[str]:
        if self.s3_object is not None:
            if not all(self.s3_object) or not self.s3_object[1].endswith(".jsonl"):
                yield f"dataset: {self.dataset!r}; allowed: s3://<bucket>/<key>.jsonl"
            return
        if self.file.suffix != ".jsonl":
            yield f"dataset: {self.dataset!r}; allowed: a .jsonl file, or s3://<bucket>/<key>.jsonl"
            return
        try:
            with self.file.open("rb") as lines:
                gaps = gaps_of(read_cases(lines, source=str(self.dataset)))
        except OSError as error:
            yield f"dataset: {self.file} cannot be read: {error.strerror}"
        except DatasetError as error:
            yield from (f"dataset: {mistake}" for mistake in error.mistakes)
        else:
            found = gap(gaps, metrics=self.metric_names, source=str(self.dataset))
            if found is not None and found.refused:
                yield f"metrics: {found.message}"
