"""One evaluation, resolved: what the environment file says with every reference filled in.

It is the properties of a custom resource that writes `definitions/<evaluation>.json`, and what every function reads.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from bedrock_eval import codec
from bedrock_eval.evaluation.job_settings import JobSettings
from bedrock_eval.layout import SCHEMA_VERSION, RunLayout
from bedrock_eval.models import thinks_by_default
from bedrock_eval.pricing.costs import Rates
from bedrock_eval.scores import METRICS
from bedrock_eval.scores.measures import Measure

PROMPT_MARK = "{{prompt}}"

DEFAULT_MAX_TOKENS = 4_096
"""Of an answer of which nothing is said. Unsaid, Bedrock reserves the model's longest answer of the quota."""
DEFAULT_THINKING_TOKENS = 16_384
"""The same of models that think before they answer: their thoughts are tokens of the answer."""


def default_max_tokens(model_id: str, *, additional_fields: Mapping[str, Any] | None = None) -> int:
    """The `max_tokens` of a candidate that sets none.

    Args:
        additional_fields: what it sends to the model beside; may turn thinking on or off, or bound it.
    """
    thinking = (additional_fields or {}).get("thinking")
    setting = thinking if isinstance(thinking, Mapping) else {}
    budget = setting.get("budget_tokens")
    if isinstance(budget, int) and setting.get("type") == "enabled":
        return max(DEFAULT_THINKING_TOKENS, budget + DEFAULT_MAX_TOKENS)
    thinks = thinks_by_default(model_id) if "type" not in setting else setting["type"] != "disabled"
    return DEFAULT_THINKING_TOKENS if thinks else DEFAULT_MAX_TOKENS


@dataclass(frozen=True)
class InferenceParameters:
    """Converse's inferenceConfig; what is None is not sent, so that the model's default stands."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop_sequences: tuple[str, ...] = ()

    def converse(self) -> dict[str, Any]:
        """The `inferenceConfig` member of a Converse request."""
        config = {
            "maxTokens": self.max_tokens,
            "temperature": self.temperature,
            "topP": self.top_p,
            "stopSequences": list(self.stop_sequences) or None,
        }
        return {key: value for key, value in config.items() if value is not None}


@dataclass(frozen=True)
class Candidate:
    """What is compared: a model with what it is told.

    Attributes:
        model_id: as declared; the `ModelId` dimension of the published scores.
        invoke_id: what Converse is called with: the evaluator's own application inference profile, or `model_id`.
        template: holds `{{prompt}}` once; without one the prompt is sent byte for byte.
        rates: what its tokens cost; None: unknown, they are counted as unpriced.
        additional_fields: JSON text of further request fields of the model (additionalModelRequestFields).
        tokens_per_minute: the account's quota of the model, all callers together; None: nobody has named it.
        answers_of: source of answers that stand in the dataset, so that the model is not asked; of jobs only.
    """

    name: str
    model_id: str
    invoke_id: str
    system: str | None = None
    template: str | None = None
    parameters: InferenceParameters = field(default_factory=InferenceParameters)
    rates: Rates | None = None
    additional_fields: str | None = None
    answers_of: str | None = None
    tokens_per_minute: int | None = None

    @property
    def max_tokens(self) -> int:
        """The longest answer that is asked for; every request says so."""
        if self.parameters.max_tokens is not None:
            return self.parameters.max_tokens
        fields = None if self.additional_fields is None else json.loads(self.additional_fields)
        return default_max_tokens(self.model_id, additional_fields=fields)

    def user_text(self, prompt: str) -> str:
        return prompt if self.template is None else self.template.replace(PROMPT_MARK, prompt)


@dataclass(frozen=True)
class Gate:
    """What a metric must keep: its mean `min` and `max`, its fall behind the baseline `max_drop`; in its own unit."""

    metric: str
    min: float | None = None
    max: float | None = None
    max_drop: float | None = None

    @property
    def bounded(self) -> bool:
        return self.min is not None or self.max is not None

    @property
    def verdicts(self) -> int:
        """How many verdicts it gives on a candidate: one for its bounds, one for the fall."""
        return self.bounded + (self.max_drop is not None)


@dataclass(frozen=True)
class Dataset:
    """Where the cases lie; one of Bedrock's own (`Builtin.*`) has a name only."""

    name: str
    bucket: str = ""
    key: str = ""

    @property
    def built_in(self) -> bool:
        return not self.bucket

    @property
    def uri(self) -> str:
        return self.name if self.built_in else f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True)
class Schedule:
    """When it runs: an EventBridge Scheduler expression, its time zone, and how late a run may finish."""

    expression: str
    timezone: str = "UTC"
    grace_hours: float = 6.0


@dataclass(frozen=True)
class EvaluationDefinition:
    """What every evaluation has, whoever scores it.

    Attributes:
        baseline: the run that `max_drop` compares with, None: none is pinned.
        headline: scores are also published under {ModelId, Application}.
        confidence: of every interval; verdicts divide the rest by the number of gates.
        first_deployed: ISO time of the first deploy, written by the custom resource; the watchdog counts from it
            while there is no run.
        schedule_changed: that deploy has changed a schedule that was there before, so it need not run at once.
    """

    application: str
    environment: str
    evaluation: str
    candidates: tuple[Candidate, ...]
    dataset: Dataset
    metrics: tuple[str, ...]
    gates: tuple[Gate, ...] = ()
    baseline: str | None = None
    schedule: Schedule | None = None
    headline: bool = False
    confidence: float = 0.95
    min_coverage: float = 0.95
    first_deployed: str | None = None
    schedule_changed: bool = False
    schema_version: int = SCHEMA_VERSION

    @property
    def verdicts(self) -> int:
        """How many verdicts a run gives: they share its error."""
        return len(self.candidates) * sum(gate.verdicts for gate in self.gates)

    def to_json(self) -> dict[str, Any]:
        """JSON value; also the custom resource's property `Definition`."""
        value = codec.encode(self)
        assert isinstance(value, dict)  # noqa: S101 - a dataclass encodes to an object
        return value


@dataclass(frozen=True)
class CustomDefinition(EvaluationDefinition):
    """An evaluation whose models the custom evaluator calls, and whose answers it scores.

    Attributes:
        metric_parameters: by metric, its parameters as JSON text: CloudFormation would make texts of all their values.
        concurrency: Converse calls in flight, over all candidates.
        read_timeout_seconds: how long one call is waited for.
        max_attempts: how often a call is made whose error passes; waits of a throttled one do not count.
        patience_minutes: how long a run waits for a model that has no room for one single call.
        failed_case_rounds: how often a run that is started again asks its failed cases again.
        score_thoughts: what a model writes into leading <think> tags is scored with its answer.
        max_cost: US dollars that a run may cost; None: no limit.
        allow_unpriced: a run with a limit may also ask models without rates, whose cost the limit cannot see.
        retry_of: the finished run whose failed cases a run asks again, taking over its answers; of runs only.
    """

    metric_parameters: Mapping[str, str] = field(default_factory=dict)
    concurrency: int = 8
    read_timeout_seconds: int = 120
    max_attempts: int = 4
    patience_minutes: float = 30.0
    failed_case_rounds: int = 2
    score_thoughts: bool = False
    max_cost: float | None = None
    allow_unpriced: bool = False
    retry_of: str | None = None

    @property
    def measures(self) -> Mapping[str, Measure]:
        """What each of its metrics is."""
        return {
            name: replace(METRICS[name].measure, version=METRICS[name].version_with(self.parameters(name)))
            for name in self.metrics
        }

    def parameters(self, metric: str) -> Mapping[str, Any]:
        """What the evaluation sets of a metric."""
        value: Mapping[str, Any] = json.loads(self.metric_parameters.get(metric, "{}"))
        return value


@dataclass(frozen=True)
class JobDefinition(EvaluationDefinition):
    """An evaluation that Bedrock runs and scores by evaluation jobs.

    Attributes:
        job: how Bedrock scores it.
    """

    job: JobSettings = field(kw_only=True)

    @property
    def measures(self) -> Mapping[str, Measure]:
        """What each of its metrics is."""
        return {name: self.job.measure(name) for name in self.metrics}


Definition = CustomDefinition | JobDefinition
"""Any evaluation."""

_CUSTOM_ONLY = {each.name for each in fields(CustomDefinition)} - {each.name for each in fields(EvaluationDefinition)}


def read_definition(value: Mapping[str, Any] | str | bytes) -> Definition:
    """Read a definition from its JSON text or value, scalars as strings included (CloudFormation makes them so).

    Raises:
        codec.DecodeError: naming the path of what does not fit.
    """
    try:
        raw = json.loads(value) if isinstance(value, str | bytes) else value
    except (ValueError, RecursionError) as error:
        raise codec.DecodeError(f"definition: not JSON: {error}") from None
    definition = _decode(raw)
    if definition.schema_version != SCHEMA_VERSION:
        raise codec.DecodeError(
            f"definition.schema_version: {definition.schema_version} is not known here; allowed: {SCHEMA_VERSION}"
        )
    return definition


def job_definition(definition: Definition) -> JobDefinition:
    """The definition of an evaluation by jobs.

    Raises:
        ValueError: the custom evaluator scores it.
    """
    if isinstance(definition, CustomDefinition):
        raise ValueError(f"evaluation {definition.evaluation} is of kind custom: no job of Bedrock belongs to it")
    return definition


def custom_definition(definition: Definition) -> CustomDefinition:
    """The definition of an evaluation by the custom evaluator.

    Raises:
        ValueError: Bedrock scores it by jobs.
    """
    if isinstance(definition, JobDefinition):
        raise ValueError(f"evaluation {definition.evaluation} is of kind {definition.job.kind}: evaluation jobs run it")
    return definition


def _decode(raw: object) -> Definition:
    if not isinstance(raw, Mapping) or raw.get("job") is None:
        return codec.decode(CustomDefinition, raw, "definition")
    # Definitions of jobs once held the settings of the custom evaluator too; no job has ever read them.
    own = {name: value for name, value in raw.items() if name not in _CUSTOM_ONLY}
    return codec.decode(JobDefinition, own, "definition")


def judged_run(definition: Definition) -> RunLayout | None:
    """The run whose answers a run judges; None when models are asked, or the run has not begun."""
    if isinstance(definition, CustomDefinition):
        return None
    job = definition.job
    if job.answers_from is None or job.answers_run is None:
        return None
    return RunLayout(job.answers_from, job.answers_run)
