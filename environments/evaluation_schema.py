"""The evaluations of an environment file: a class for each kind of them, told apart by `kind` and `by`.

Here stands what can be said of one value. What Bedrock refuses of an evaluation job is in bedrock_eval/jobs/rules.py.
The fields of a class come in the order of its bases from the last to the first, then its own.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache
from typing import Annotated, ClassVar, Literal, Self
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    Tag,
    model_validator,
)
from pydantic.config import JsonDict

from bedrock_eval.catalogue import Better
from bedrock_eval.evaluation.definition import PROMPT_MARK
from bedrock_eval.evaluation.job_settings import Criterion, JobKind, Rating, ScaleStep
from bedrock_eval.evaluation.schedules import ScheduleError, parse_schedule
from bedrock_eval.jobs.progress import longest
from bedrock_eval.jobs.rules import (
    ANSWERS_OF_PATTERN,
    MOST_CONCURRENT,
    MOST_CRITERIA,
    MOST_HOURS,
    MOST_INSTRUCTIONS,
    MOST_JOBS_OF_ACCOUNT,
    MOST_METRICS,
    MOST_METRICS_AUTOMATIC,
    MOST_MODELS_HUMAN,
    MOST_NAME,
    MOST_RATING_DESCRIPTION,
    MOST_RATINGS,
    MOST_SCALE,
    MOST_SCALE_TEXT,
    MOST_TITLE,
    MOST_WORKERS,
    WORK_TEAM_PATTERN,
)
from bedrock_eval.names import NAME_PATTERN, NAME_RULE, RUN_ID_PATTERN, RunIdError, is_name, run_time
from bedrock_eval.scores import METRICS, MetricDefinition
from bedrock_eval.scores.job_measures import AUTOMATIC as AUTOMATIC_METRICS
from bedrock_eval.scores.job_measures import BUILT_IN, BUILT_IN_DATASETS, JUDGED, RatingMethod, rating_measure
from bedrock_eval.scores.measures import Measure
from bedrock_eval.texts import is_blank
from bedrock_eval.wording import suggestion
from environments.fields import (
    MOST_TAGS,
    AnswerTokens,
    AsTuple,
    Bound,
    Dollars,
    Name,
    Share,
    Strict,
    absent,
    check_name,
    enum,
    refused,
    tags,
    told,
)

MOST_CANDIDATES = 10
CUSTOM = "custom"
"""The kind of an evaluation that names none."""


def _metric_name(name: str) -> str:
    if name not in METRICS:
        of_bedrock = name.startswith(BUILT_IN)
        near = "" if of_bedrock else suggestion(name, METRICS)
        otherwise = "; metrics of Bedrock need kind: automatic or judge" if of_bedrock else ""
        raise ValueError(f"{name!r} is not a metric{near}; allowed: {', '.join(METRICS)}{otherwise}")
    return name


@cache
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())


def _timezone(name: str) -> str:
    if name not in _timezones():
        near = suggestion(name, _timezones())
        raise ValueError(f"{name!r} is not an IANA time zone{near}; allowed: names as UTC or Europe/Berlin")
    return name


def _schedule_expression(text: str) -> str:
    try:
        parse_schedule(text)
    except ScheduleError as error:
        raise ValueError(str(error)) from None
    return text


def _seen(text: str) -> str:
    if is_blank(text):
        raise ValueError("there is nothing to read in it; allowed: a text, or leave the key out")
    return text


def _template(text: str) -> str:
    if text.count(PROMPT_MARK) != 1:
        raise ValueError(f"{PROMPT_MARK} stands {text.count(PROMPT_MARK)} times in it; allowed: exactly once")
    return text


def _run_id(text: str) -> str:
    try:
        run_time(text)
    except RunIdError as error:
        raise ValueError(str(error)) from None
    return text


def _one_dataset(value: object) -> object:
    if isinstance(value, list):
        raise ValueError(f"{len(value)} stand here; allowed: one, and an evaluation for each of several")
    return value


def _own_dataset(text: str) -> str:
    if text.startswith(BUILT_IN):
        raise ValueError(f"{text!r} is asked by Bedrock only: use kind: automatic; allowed here: a key of datasets")
    return check_name(text)


def _model_key(text: str) -> str:
    if not is_name(text):
        raise ValueError(f"{text!r} is not a key of models; allowed: {NAME_RULE}, with the model's id below it")
    return text


def _any_dataset(text: str) -> str:
    if BUILT_IN + text in BUILT_IN_DATASETS:
        raise ValueError(f"{text!r} is written {BUILT_IN + text!r}; without that it is a key of datasets: {NAME_RULE}")
    return text if text.startswith(BUILT_IN) else _own_dataset(text)


def _request_fields(fields: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    try:
        json.dumps(fields, allow_nan=False)
    except ValueError:
        raise ValueError("holds a number that JSON cannot write; allowed: finite numbers") from None
    return fields


MetricName = Annotated[str, AfterValidator(_metric_name), Field(json_schema_extra=enum(tuple(METRICS)))]
# By its name alone, as it may be where it needs no parameter.
_PlainMetric = Annotated[
    str, Field(json_schema_extra=enum(tuple(name for name, each in METRICS.items() if not each.required)))
]
OwnDataset = Annotated[
    str,
    BeforeValidator(_one_dataset),
    AfterValidator(_own_dataset),
    Field(json_schema_extra={"pattern": f"^{NAME_PATTERN}$", **told(NAME_RULE)}),
]
ModelKey = Annotated[
    str,
    AfterValidator(_model_key),
    Field(json_schema_extra={"pattern": f"^{NAME_PATTERN}$", **told(f"a key of models: {NAME_RULE}")}),
]
AnyDataset = Annotated[
    str,
    BeforeValidator(_one_dataset),
    AfterValidator(_any_dataset),
    Field(
        json_schema_extra={
            "pattern": f"^({NAME_PATTERN}|{'|'.join(name.replace('.', '[.]') for name in BUILT_IN_DATASETS)})$",
            **told(f"a key of datasets, or {', '.join(BUILT_IN_DATASETS)}"),
        }
    ),
]
RunId = Annotated[
    str,
    AfterValidator(_run_id),
    Field(
        json_schema_extra={
            "pattern": f"^{RUN_ID_PATTERN}$",
            **told("a run id, as 20261123T060000Z"),
        }
    ),
]
MethodName = Literal[
    "ThumbsUpDown", "IndividualLikertScale", "ComparisonLikertScale", "ComparisonChoice", "ComparisonRank"
]


_MARK = re.escape(PROMPT_MARK)
_ONCE = rf"^((?!{_MARK})[\s\S])*{_MARK}((?!{_MARK})[\s\S])*$"
_SCHEDULE = (
    r"^(rate\([1-9][0-9]* (minutes?|hours?|days?)\)|cron\(\S+( \S+){5}\)"
    r"|at\([0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}\))$"
)


class ParametersConfig(Strict):
    """Inference parameters; what is not given is not sent."""

    max_tokens: AnswerTokens | None = Field(
        default=None,
        description="Longest answer, in tokens. Left out: of kind custom 4,096, and 16,384 of models that think before "
        "they answer; every call reserves so many of the quota.",
    )
    temperature: float | None = Field(default=None, ge=0, le=1, description="Some models refuse it.")
    top_p: float | None = Field(default=None, ge=0, le=1, description="Some models refuse it.")
    stop_sequences: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], AsTuple] = Field(
        default=(), max_length=4, description="The answer ends before the first of them."
    )


class AnyCandidateConfig(Strict):
    """What a candidate of every kind of evaluation has."""

    name: Name = Field(description="Stands in metrics, results and reports.")
    model: ModelKey = Field(description="A key of `models`.")
    parameters: ParametersConfig = Field(default=ParametersConfig(), description="Inference parameters.")
    additional_fields: Annotated[Mapping[str, JsonValue], AfterValidator(_request_fields)] | None = Field(
        default=None,
        description="Further request fields of the model (`additionalModelRequestFields`), as top_k or thinking.",
    )


class CandidateConfig(AnyCandidateConfig):
    """What is compared: a model with what it is told. A plain key of `models` is short for a candidate of that name."""

    system: Annotated[str, AfterValidator(_seen)] | None = Field(
        default=None, min_length=1, description="System prompt."
    )
    template: Annotated[str, AfterValidator(_template)] | None = Field(
        default=None,
        description=f"Text around the prompt; holds `{PROMPT_MARK}` once.",
        json_schema_extra={"pattern": _ONCE, **told(f"a text with {PROMPT_MARK} exactly once in it")},
    )


class JobCandidateConfig(AnyCandidateConfig):
    """A model that Bedrock asks. It sends the prompts as they stand in the dataset, so there is no system prompt."""

    answers_of: str | None = Field(
        default=None,
        description="The `modelIdentifier` of answers that stand in the dataset (`modelResponses`): they are rated "
        "and the model is not asked. Of kind judge and human.",
        json_schema_extra={
            "pattern": f"^{ANSWERS_OF_PATTERN}$",
            **told("a letter or digit, then at most 255 of letters, digits and . _ -"),
        },
    )


def _wrong_parameters(metric: MetricDefinition) -> JsonDict:
    """Matches a metric with a parameter that it does not take, or without one that it needs."""
    settable = [each.name for each in metric.parameters if each.name not in metric.of_the_call]
    fitting: JsonDict = {"propertyNames": {"enum": list(settable)}, "required": list(metric.required)}
    return {
        "properties": {"name": {"const": metric.name}, "parameters": {"not": fitting}},
        "required": ["parameters", "name"] if not metric.required else ["name"],
    }


class MetricConfig(Strict):
    """What answers are scored by. A plain name is enough for a metric without parameters."""

    model_config = ConfigDict(json_schema_extra=refused(*map(_wrong_parameters, METRICS.values())))

    name: MetricName = Field(description="See docs/evaluation.md for what each measures.")
    parameters: Annotated[Mapping[str, JsonValue], AfterValidator(_request_fields)] = Field(
        default={},
        description="`labels` of classification_accuracy, `schema` of json_schema_match, `pattern` of regex_match.",
    )

    @model_validator(mode="after")
    def _parameters_fit(self) -> Self:
        METRICS[self.name].check(self.parameters)
        return self


class AnyGateConfig(Strict):
    """What a metric must keep: bounds of its mean, how far it may fall behind the baseline, or both."""

    model_config = ConfigDict(json_schema_extra=refused(absent("min", "max", "max_drop")))

    metric: str = Field(min_length=1, description="One of the evaluation's metrics, criteria or ratings.")
    min: Bound | None = Field(default=None, description="The mean must not be below; in the metric's unit.")
    max: Bound | None = Field(default=None, description="The mean must not be above; in the metric's unit.")
    max_drop: float | None = Field(
        default=None,
        ge=0,
        le=1_000_000_000,
        description="How much worse than in the `baseline` run the mean may be; in the metric's unit.",
    )

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if self.min is None and self.max is None and self.max_drop is None:
            raise ValueError("neither min, max nor max_drop is given; needed: at least one of them")
        if self.min is not None and self.max is not None and self.min >= self.max:
            raise ValueError(f"min {self.min:g} is not below max {self.max:g}")
        return self


def _outside_range(metric: MetricDefinition) -> JsonDict:
    """Matches a gate with a bound that the metric never reaches, as editors check it."""
    span: JsonDict = {"minimum": metric.low} if metric.low is not None else {}
    if metric.high is not None:
        span["maximum"] = metric.high
    bounds: JsonDict = {"min": span, "max": span}
    if metric.low is not None and metric.high is not None:
        bounds["max_drop"] = {"exclusiveMaximum": metric.high - metric.low}
    fitting: JsonDict = {"properties": bounds}
    return {"properties": {"metric": {"const": metric.name}}, "required": ["metric"], "not": fitting}


class GateConfig(AnyGateConfig):
    """What a metric must keep: bounds of its mean, how far it may fall behind the baseline, or both."""

    model_config = ConfigDict(
        json_schema_extra=refused(absent("min", "max", "max_drop"), *map(_outside_range, METRICS.values()))
    )

    metric: MetricName = Field(description="One of the evaluation's `metrics`.")


class AnyScheduleConfig(Strict):
    """When the evaluation runs, by EventBridge Scheduler."""

    expression: Annotated[str, AfterValidator(_schedule_expression)] = Field(
        description="`rate(7 days)`, `cron(0 6 ? * MON *)` or `at(2026-12-01T06:00:00)`. A rate runs at once when its "
        "schedule is made, at the first deploy, and may when it is changed; a scheduled run that comes less than half "
        "a rate after the last one is skipped, with that reason.",
        json_schema_extra={"pattern": _SCHEDULE},
    )
    timezone: Annotated[str, AfterValidator(_timezone)] = Field(
        default="UTC",
        description="IANA name that cron(...) and at(...) are read in. A time that its clocks leave out is skipped.",
        json_schema_extra={"pattern": "^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$"},
    )


# Assumption: rate-schedule-first-run
class ScheduleConfig(AnyScheduleConfig):
    """When the evaluation runs, by EventBridge Scheduler."""

    grace_hours: float = Field(default=6, ge=0.01, le=168, description="How long after its time a run may finish.")


class JobScheduleConfig(AnyScheduleConfig):
    """When the evaluation runs, by EventBridge Scheduler."""

    grace_hours: float | None = Field(
        default=None,
        ge=0.01,
        le=2_000,
        description="How long after its time a run may finish before the watchdog rings; left out: as long as "
        "`deadline_hours` lets it take.",
    )


def _text_of(most: int) -> JsonDict:
    return {"minLength": 1, "maxLength": most}


_OWN_NAME = f"^(?!{BUILT_IN})[0-9a-zA-Z_.-]{{1,{MOST_NAME}}}$"
"""What a criterion or a rating may be called."""


class ScaleStepConfig(Strict):
    """One step of a criterion's scale: what it means, and either a number or a text for it."""

    model_config = ConfigDict(
        json_schema_extra=refused(
            absent("value", "text"),
            {"properties": {"value": {"type": "number"}, "text": {"type": "string"}}, "required": ["value", "text"]},
        )
    )

    definition: str = Field(
        description="When an answer is given this step.",
        json_schema_extra={**_text_of(MOST_SCALE_TEXT), **told(f"1 to {MOST_SCALE_TEXT} characters")},
    )
    value: Bound | None = Field(default=None, description="Its value, where the scale is one of numbers.")
    text: str | None = Field(
        default=None,
        description="Its name, where the scale is one of texts; then there is no mean and no gate.",
        json_schema_extra={**_text_of(MOST_SCALE_TEXT), **told(f"1 to {MOST_SCALE_TEXT} characters")},
    )

    @property
    def resolved(self) -> ScaleStep:
        return ScaleStep(self.definition, self.value, self.text)


class CriterionConfig(Strict):
    """A metric of your own, by which the judge rates."""

    name: str = Field(
        description="Stands in metrics and reports.",
        json_schema_extra={"pattern": _OWN_NAME, **told(f"1 to {MOST_NAME} of letters, digits, - _ .")},
    )
    instructions: str = Field(
        description="What the judge is told. After everything else stands `{{prediction}}` in it, best with "
        "`{{prompt}}`, and if wanted with `{{ground_truth}}`.",
        json_schema_extra={
            **_text_of(MOST_INSTRUCTIONS),
            "pattern": r"\{\{prediction\}\}",
            **told(f"1 to {MOST_INSTRUCTIONS:,} characters, with {{{{prediction}}}} in them"),
        },
    )
    scale: tuple[ScaleStepConfig, ...] = Field(
        default=(),
        description="The steps, all with numbers or all with texts; left out: as `instructions` say.",
        json_schema_extra={"maxItems": MOST_SCALE},
    )
    better: Literal["higher", "lower", "neutral"] = Field(default="higher", description="Which way it improves.")

    @property
    def resolved(self) -> Criterion:
        return Criterion(
            name=self.name,
            instructions=self.instructions,
            scale=tuple(step.resolved for step in self.scale),
            better=Better(self.better),
        )


class RatingConfig(Strict):
    """What people are asked of an answer."""

    name: str = Field(
        description="Stands in metrics and reports.",
        json_schema_extra={"pattern": _OWN_NAME, **told(f"1 to {MOST_NAME} of letters, digits, - _ .")},
    )
    method: MethodName = Field(description="How they rate; Comparison... rate the answers of two candidates.")
    description: str | None = Field(
        default=None,
        description="The question that people see.",
        json_schema_extra={
            **_text_of(MOST_RATING_DESCRIPTION),
            **told(f"one line of 1 to {MOST_RATING_DESCRIPTION} characters"),
        },
    )

    @property
    def resolved(self) -> Rating:
        return Rating(self.name, RatingMethod(self.method), self.description)


def _candidate(value: object) -> object:
    return {"name": _model_key(value), "model": value} if isinstance(value, str) else value


def _metric(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


Candidate = Annotated[CandidateConfig, BeforeValidator(_candidate, json_schema_input_type=ModelKey | CandidateConfig)]
JobCandidate = Annotated[
    JobCandidateConfig, BeforeValidator(_candidate, json_schema_input_type=ModelKey | JobCandidateConfig)
]
Metric = Annotated[MetricConfig, BeforeValidator(_metric, json_schema_input_type=_PlainMetric | MetricConfig)]
Candidates = tuple[JobCandidate, ...]


def _as_many(least: int, most: int, otherwise: str) -> Callable[[Candidates], Candidates]:
    """So many candidates, and what to use for more or fewer."""
    allowed = str(least) if least == most else f"{least} to {most}"

    def check(candidates: Candidates) -> Candidates:
        if not least <= len(candidates) <= most:
            raise ValueError(f"{len(candidates)} stand here; allowed: {allowed}; {otherwise}")
        return candidates

    return check


OneCandidate = Annotated[
    Candidates,
    AfterValidator(_as_many(1, 1, "for several use kind: comparison")),
    Field(json_schema_extra={"minItems": 1, "maxItems": 1}),
]
TwoCandidates = Annotated[
    Candidates,
    AfterValidator(
        _as_many(
            MOST_MODELS_HUMAN,
            MOST_MODELS_HUMAN,
            "for one use kind: human, for more an evaluation of each pair",
        )
    ),
    Field(json_schema_extra={"minItems": MOST_MODELS_HUMAN, "maxItems": MOST_MODELS_HUMAN}),
]
SeveralCandidates = Annotated[
    Candidates,
    AfterValidator(_as_many(2, MOST_CANDIDATES, "for one use kind: automatic or judge")),
    Field(json_schema_extra={"minItems": 2, "maxItems": MOST_CANDIDATES}),
]


class _Kind(Strict):
    kind: str


class _Comparison(_Kind):
    kind: Literal["comparison"] = Field(
        description="comparison: several candidates, by jobs of the kind that `by` names."
    )
    by: str


class _Subject(Strict):
    """What every evaluation is about."""

    dataset: str
    candidates: tuple[AnyCandidateConfig, ...]

    @property
    def models(self) -> tuple[str, ...]:
        """The keys of `models` that it calls, each once."""
        return tuple(dict.fromkeys(candidate.model for candidate in self.candidates))


class _JobSubject(_Subject):
    dataset: AnyDataset = Field(description="A key of `datasets`, or one of Bedrock's own.")
    candidates: OneCandidate = Field(description="What is evaluated, one; a key of `models` alone is enough.")


class _Several(_JobSubject):
    candidates: SeveralCandidates = Field(
        description=f"What is compared, 2 to {MOST_CANDIDATES}; a key of `models` alone is enough."
    )


class _Keeping(Strict):
    """What every evaluation does with its scores, and when it runs."""

    gates: tuple[AnyGateConfig, ...] = Field(
        default=(), description="What every candidate must pass; one that fails rings an alarm."
    )
    baseline: RunId | None = Field(
        default=None,
        description="The accepted run that `max_drop` compares with; set by `python -m ops runs accept`.",
    )
    schedule: AnyScheduleConfig | None = Field(default=None, description="Left out: it is started by hand only.")
    headline: bool = Field(
        default=False, description="Also publish the scores as {ModelId, Application}; one evaluation at most."
    )
    confidence: float = Field(default=0.95, ge=0.5, lt=1, description="Of every interval and of the gates together.")
    min_coverage: Share = Field(default=0.95, description="Answered of asked; with less, every gate is undecided.")


class _JobKeeping(_Keeping):
    job_kind: ClassVar[JobKind]

    schedule: JobScheduleConfig | None = Field(default=None, description="Left out: it is started by hand only.")
    tags: Mapping[str, str] = Field(
        default={},
        description="On the jobs, beside the environment's tags, application, environment and owner.",
        json_schema_extra=tags(MOST_TAGS),
    )
    deadline_hours: float = Field(
        default=24,
        ge=0.01,
        le=10_000,
        description="A run whose jobs have not ended by then stops them and fails.",
        json_schema_extra={"maximum": MOST_HOURS[JobKind.JUDGE]},
    )
    keep_jobs: int = Field(
        default=50,
        ge=1,
        le=1_000_000,
        description="Ended jobs that are not deleted from Bedrock's list; their output stays anyway.",
        json_schema_extra={"maximum": MOST_JOBS_OF_ACCOUNT - 1},
    )

    @property
    def grace_hours(self) -> float:
        """How long after its time a run may finish."""
        given = None if self.schedule is None else self.schedule.grace_hours
        return self.longest_hours if given is None else given

    @property
    def longest_hours(self) -> float:
        """How long a run may take at most."""
        return longest(self.job_kind, deadline_hours=self.deadline_hours) / timedelta(hours=1)


class _HumanKeeping(_JobKeeping):
    deadline_hours: float = Field(
        default=168,
        ge=0.01,
        le=10_000,
        description="A run whose job has not ended by then stops it and fails; people take days.",
        json_schema_extra={"maximum": MOST_HOURS[JobKind.HUMAN]},
    )
    task_hours: float | None = Field(
        default=None,
        ge=0.01,
        le=10_000,
        description="How long a task stays in people's lists; left out: `deadline_hours`.",
        json_schema_extra={"maximum": MOST_HOURS[JobKind.HUMAN]},
    )

    @property
    def task_lifetime_hours(self) -> float:
        """How long a task stays in people's lists."""
        return self.deadline_hours if self.task_hours is None else self.task_hours


class CustomScoring(Strict):
    """What this project's own functions score by."""

    job_kind: ClassVar[JobKind | None] = None

    metrics: tuple[Metric, ...] = Field(
        default=tuple(
            MetricConfig(name=name)
            for name in ("relevance_score", "response_length", "unicode_exact_match", "unicode_f1_score")
        ),
        min_length=1,
        description="What each answer is scored by; a name alone is enough for a metric without parameters.",
        json_schema_extra={"uniqueItems": True},
    )

    @property
    def metric_names(self) -> tuple[str, ...]:
        return tuple(metric.name for metric in self.metrics)

    @property
    def measures(self) -> Mapping[str, Measure]:
        """What each metric is."""
        return {name: METRICS[name].measure for name in self.metric_names}


class AutomaticScoring(Strict):
    """What Bedrock's own functions score by."""

    job_kind: ClassVar[JobKind] = JobKind.AUTOMATIC

    task: Literal["QuestionAndAnswer", "Summarization", "Generation", "Classification"] = Field(
        description="What the prompts ask for; Bedrock computes accuracy and robustness accordingly."
    )
    metrics: tuple[Annotated[str, Field(json_schema_extra=enum(tuple(AUTOMATIC_METRICS)))], ...] = Field(
        description=f"Of {', '.join(AUTOMATIC_METRICS)}: robustness and toxicity are better when lower, "
        "Classification has no toxicity.",
        json_schema_extra={"minItems": 1, "maxItems": MOST_METRICS_AUTOMATIC, "uniqueItems": True},
    )

    @property
    def metric_names(self) -> tuple[str, ...]:
        return self.metrics

    @property
    def measures(self) -> Mapping[str, Measure]:
        """What each metric is; of a name that is none nothing."""
        return {name: AUTOMATIC_METRICS[name] for name in self.metrics if name in AUTOMATIC_METRICS}


class JudgeScoring(Strict):
    """What a judge model rates by."""

    model_config = ConfigDict(
        json_schema_extra=refused({"properties": {key: {"maxItems": 0} for key in ("metrics", "criteria")}})
    )

    job_kind: ClassVar[JobKind] = JobKind.JUDGE

    judge: ModelKey = Field(description="The model that rates, a key of `models`.")
    metrics: tuple[
        Annotated[
            str, Field(json_schema_extra={"anyOf": [{"enum": list(JUDGED)}, {"pattern": f"^(?!{BUILT_IN}).+$"}]})
        ],
        ...,
    ] = Field(
        default=(),
        description=f"Metrics of Bedrock: {', '.join(JUDGED)}.",
        json_schema_extra={"maxItems": MOST_METRICS, "uniqueItems": True},
    )
    criteria: tuple[CriterionConfig, ...] = Field(
        default=(),
        description="Metrics of your own.",
        json_schema_extra={"maxItems": MOST_CRITERIA, "uniqueItems": True},
    )
    answers_from: Name | None = Field(
        default=None,
        description="A custom evaluation with this dataset and these candidates: the answers of its newest published "
        "run are judged, and no model is asked again.",
    )

    @property
    def metric_names(self) -> tuple[str, ...]:
        own = dict.fromkeys(criterion.name for criterion in self.criteria)
        return (*self.metrics, *(name for name in own if name not in self.metrics))

    @property
    def measures(self) -> Mapping[str, Measure]:
        """What each metric and criterion is; of a name that is none nothing."""
        own = {criterion.name: criterion.resolved.measure for criterion in self.criteria}
        return {**{name: JUDGED[name] for name in self.metrics if name in JUDGED}, **own}


class HumanScoring(Strict):
    """What people rate by, and who they are."""

    job_kind: ClassVar[JobKind] = JobKind.HUMAN

    work_team: str = Field(
        pattern=f"^{WORK_TEAM_PATTERN}$",
        description="ARN of the work team that rates, of this account and Region (docs/human-evaluation.md).",
        json_schema_extra=told(
            "the ARN of a work team, as arn:aws:sagemaker:us-east-1:111111111111:workteam/private-crowd/support"
        ),
    )
    title: str = Field(
        min_length=1,
        # TaskTitle of CreateFlowDefinition, in which there are no pictures.
        pattern=rf"^[\t -\uD7FF\uE000-\uFFFD]{{1,{MOST_TITLE}}}$",
        description="What people see in their list of tasks.",
        json_schema_extra=told(f"one line of 1 to {MOST_TITLE} characters, none of them an emoji"),
    )
    instructions: str = Field(
        description="What people are told beside the answers; every scale is explained here.",
        json_schema_extra={**_text_of(MOST_INSTRUCTIONS), **told(f"1 to {MOST_INSTRUCTIONS:,} characters")},
    )
    ratings: tuple[RatingConfig, ...] = Field(
        description="What they are asked of every answer.",
        json_schema_extra={"minItems": 1, "maxItems": MOST_RATINGS, "uniqueItems": True},
    )
    workers: int = Field(default=1, ge=1, le=MOST_WORKERS, description="People who rate each prompt.")
    task: Literal["Custom", "QuestionAndAnswer", "Summarization", "Generation", "Classification"] = Field(
        default="Custom", description="What the prompts ask for; it changes neither the question nor the scores."
    )

    @property
    def metric_names(self) -> tuple[str, ...]:
        return tuple(rating.name for rating in self.ratings)

    @property
    def measures(self) -> Mapping[str, Measure]:
        """What each rating is."""
        return {rating.name: rating_measure(rating.name, RatingMethod(rating.method)) for rating in self.ratings}


class CustomEvaluationConfig(_Keeping, CustomScoring, _Subject, _Kind):
    """One evaluation: which candidates answer which dataset, how they are scored, when."""

    model_config = ConfigDict(
        json_schema_extra=refused(
            {
                "properties": {"allow_unpriced": {"const": True}, "max_cost": {"type": "null"}},
                "required": ["allow_unpriced"],
            }
        )
    )

    kind: Literal["custom"] = Field(default="custom", description="custom: scored by this project's own functions.")
    dataset: OwnDataset = Field(description="A key of `datasets`.")
    candidates: tuple[Candidate, ...] = Field(
        min_length=1, max_length=MOST_CANDIDATES, description="What is compared; a key of `models` alone is enough."
    )
    gates: tuple[GateConfig, ...] = Field(
        default=(), description="What every candidate must pass; one that fails rings an alarm."
    )
    schedule: ScheduleConfig | None = Field(default=None, description="Left out: it is started by hand only.")
    concurrency: int = Field(default=8, ge=1, le=256, description="Model calls in flight, over all candidates.")
    max_cost: Dollars | None = Field(
        default=None,
        description="US dollars that a run may cost: estimated before the first call, and counted while it runs.",
    )
    allow_unpriced: bool = Field(
        default=False, description="A run with `max_cost` may ask models without `rates`, which it cannot see."
    )
    read_timeout_seconds: int = Field(
        default=120, ge=1, le=800, description="How long one answer is waited for; a late one is asked for once more."
    )
    max_attempts: int = Field(
        default=4,
        ge=1,
        le=10,
        description="How often a call is made whose error passes, as a broken connection; a throttled one waits and "
        "uses none up.",
    )
    patience_minutes: float = Field(
        default=30, gt=0, le=1440, description="A run fails when a model has no room for one single call for so long."
    )
    failed_case_rounds: int = Field(
        default=2, ge=0, le=10, description="How often a run that is started again asks its failed cases again."
    )
    score_thoughts: bool = Field(
        default=False,
        description="Score what a model writes into leading <think> tags with its answer, instead of setting it aside.",
    )


class AutomaticEvaluationConfig(_JobKeeping, AutomaticScoring, _JobSubject, _Kind):
    """An evaluation job of Bedrock: one model, scored by Bedrock's own functions."""

    kind: Literal["automatic"] = Field(description="automatic: scored by Bedrock's own functions.")


class JudgeEvaluationConfig(_JobKeeping, JudgeScoring, _JobSubject, _Kind):
    """An evaluation job of Bedrock: one model, whose answers another rates by metrics of Bedrock or your own."""

    kind: Literal["judge"] = Field(description="judge: rated by another model.")

    @property
    def models(self) -> tuple[str, ...]:
        """The keys of `models` that it calls, each once, the judge among them."""
        return _with_judge(super().models, self)


class HumanEvaluationConfig(_HumanKeeping, HumanScoring, _JobSubject, _Kind):
    """An evaluation job of Bedrock: one model, whose answers people rate."""

    kind: Literal["human"] = Field(description="human: rated by people.")


class JobPerCandidate(_JobKeeping):
    """A comparison of one job a candidate."""

    parallel: int = Field(
        default=5,
        ge=1,
        le=1_000_000,
        description="Jobs of a run that may be under way together; 1: one after another.",
        json_schema_extra={"maximum": MOST_CONCURRENT[JobKind.JUDGE]},
    )


class AutomaticComparisonConfig(JobPerCandidate, AutomaticScoring, _Several, _Comparison):
    """One automatic job a candidate, since it takes one model, compared prompt by prompt."""

    by: Literal["automatic"] = Field(description="automatic: one job a candidate.")


class JudgeComparisonConfig(JobPerCandidate, JudgeScoring, _Several, _Comparison):
    """One job a candidate, since it takes one model, by the same judge, compared prompt by prompt."""

    by: Literal["judge"] = Field(description="judge: one job a candidate, by the same judge.")

    @property
    def models(self) -> tuple[str, ...]:
        """The keys of `models` that it calls, each once, the judge among them."""
        return _with_judge(super().models, self)


class HumanComparisonConfig(_HumanKeeping, HumanScoring, _Several, _Comparison):
    """One job in which people see the answers of two models to each prompt."""

    by: Literal["human"] = Field(description="human: one job with both candidates.")
    candidates: TwoCandidates = Field(description="What is compared, two; a key of `models` alone is enough.")


def _with_judge(models: tuple[str, ...], scoring: JudgeScoring) -> tuple[str, ...]:
    """Stored answers are judged without asking their models."""
    return tuple(dict.fromkeys((*(models if scoring.answers_from is None else ()), scoring.judge)))


JobEvaluationConfig = (
    AutomaticEvaluationConfig
    | JudgeEvaluationConfig
    | HumanEvaluationConfig
    | AutomaticComparisonConfig
    | JudgeComparisonConfig
    | HumanComparisonConfig
)


_OF_JOBS_ALONE = tuple(
    dict.fromkeys(
        key
        for scoring in (_Comparison, AutomaticScoring, JudgeScoring, HumanScoring)
        for key in scoring.model_fields
        if key not in CustomEvaluationConfig.model_fields
    )
)


def kind_of(evaluation: object) -> str:
    """The kind of an evaluation as it stands in a file, of a comparison also by what; custom where none is given."""
    keys = evaluation if isinstance(evaluation, Mapping) else {}
    if isinstance(evaluation, BaseModel):
        keys = dict(evaluation)
    kind = keys.get("kind", "forgotten" if signs_of_jobs(keys) else CUSTOM)
    if kind == "comparison":
        return f"comparison by {keys.get('by')}"
    return str(kind) if kind in (CUSTOM, *JobKind) else "none that is known"


def signs_of_jobs(keys: Mapping[str, object]) -> tuple[str, ...]:
    """The keys by which an evaluation that names no kind shows that it is none of ours.

    Those that no custom evaluation has, and `metrics`, where all of them are Bedrock's own.
    """
    found = [key for key in _OF_JOBS_ALONE if key in keys]
    metrics = keys.get("metrics")
    if metrics and isinstance(metrics, list) and all(str(each).startswith(BUILT_IN) for each in metrics):
        found.append("metrics")
    return tuple(found)


EvaluationConfig = Annotated[
    Annotated[CustomEvaluationConfig, Tag("custom")]
    | Annotated[AutomaticEvaluationConfig, Tag("automatic")]
    | Annotated[JudgeEvaluationConfig, Tag("judge")]
    | Annotated[HumanEvaluationConfig, Tag("human")]
    | Annotated[AutomaticComparisonConfig, Tag("comparison by automatic")]
    | Annotated[JudgeComparisonConfig, Tag("comparison by judge")]
    | Annotated[HumanComparisonConfig, Tag("comparison by human")],
    Discriminator(kind_of),
]
