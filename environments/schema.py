"""The one schema of an environment file. docs/configuration.md and environments/schema.json are generated from it.

Here stands what can be said of one value. What takes two (a candidate's model is a key of `models`) is in rules.py.
`patternErrorMessage` is what people are told when a pattern does not match: by the loader, and by editors.
"""

import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, model_validator
from pydantic.config import JsonDict

from bedrock_eval.alarm_kinds import KINDS
from bedrock_eval.costs import Rates
from bedrock_eval.definition import PROMPT_MARK
from bedrock_eval.metrics import METRICS
from bedrock_eval.models import Model
from bedrock_eval.names import NAME_PATTERN, NAME_RULE, RunIdError, is_name, prefix, run_time
from bedrock_eval.schedules import ScheduleError, parse_schedule
from environments.data_identifiers import DATA_IDENTIFIERS

REPOSITORY = Path(__file__).resolve().parent.parent
"""What the paths of dataset files are relative to."""

# The values that CloudWatch Logs accepts for a retention (PutRetentionPolicy).
LOG_RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)


def _name(text: str) -> str:
    if not is_name(text):
        raise ValueError(f"{text!r} is not a name; allowed: {NAME_RULE}")
    return text


def _log_retention(days: int) -> int:
    if days not in LOG_RETENTION_DAYS:
        raise ValueError(
            f"{days} is no retention of CloudWatch Logs; allowed: {', '.join(map(str, LOG_RETENTION_DAYS))}"
        )
    return days


def _metric_name(name: str) -> str:
    if name not in METRICS:
        raise ValueError(f"{name!r} is not a metric; allowed: {', '.join(METRICS)}")
    return name


def _alarm_name(name: str) -> str:
    if name not in KINDS:
        raise ValueError(f"{name!r} is not a kind of alarm; allowed: {', '.join(KINDS)}")
    return name


@cache
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())


def _timezone(name: str) -> str:
    if name not in _timezones():
        raise ValueError(f"{name!r} is not an IANA time zone; allowed: names as UTC or Europe/Berlin")
    return name


def _schedule_expression(text: str) -> str:
    try:
        parse_schedule(text)
    except ScheduleError as error:
        raise ValueError(str(error)) from None
    return text


def _template(text: str) -> str:
    if text.count(PROMPT_MARK) != 1:
        raise ValueError(f"{PROMPT_MARK} stands {text.count(PROMPT_MARK)} times in it; allowed: exactly once")
    return text


def _data_identifier(name: str) -> str:
    if name not in DATA_IDENTIFIERS:
        raise ValueError(f"{name!r} is no managed data identifier; allowed: {', '.join(DATA_IDENTIFIERS)}")
    return name


def _day(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not in the calendar; allowed: a day, as 2026-12-31") from None
    return text


def _told(message: str) -> JsonDict:
    return {"patternErrorMessage": message}


def _enum(values: tuple[int, ...] | tuple[str, ...]) -> JsonDict:
    return {"enum": list(values)}


Name = Annotated[
    str,
    AfterValidator(_name),
    Field(json_schema_extra={"pattern": f"^{NAME_PATTERN}$", **_told(NAME_RULE)}),
]
LogRetention = Annotated[int, AfterValidator(_log_retention), Field(json_schema_extra=_enum(LOG_RETENTION_DAYS))]
MetricName = Annotated[str, AfterValidator(_metric_name), Field(json_schema_extra=_enum(tuple(METRICS)))]
AlarmName = Annotated[str, AfterValidator(_alarm_name), Field(json_schema_extra=_enum(tuple(KINDS)))]
DataIdentifier = Annotated[str, AfterValidator(_data_identifier), Field(json_schema_extra=_enum(DATA_IDENTIFIERS))]
Region = Annotated[
    str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$", json_schema_extra=_told("a Region's name, as us-east-1"))
]
Day = Annotated[
    str,
    Field(pattern=r"^\d{4}-\d{2}-\d{2}$", json_schema_extra=_told("a day, as 2026-12-31")),
    AfterValidator(_day),
]
Dollars = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Percent = Annotated[float, Field(gt=0, le=100)]
Days = Annotated[int, Field(ge=1, le=3650)]


class Strict(BaseModel):
    """Frozen, and no key that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class RatesConfig(Strict):
    """What tokens of a model cost, in US dollars per million. What has no rate is counted as unpriced, never as 0."""

    input: Dollars = Field(description="Input tokens that were neither read from nor written to a cache.")
    output: Dollars = Field(description="Output tokens.")
    cache_read: Dollars | None = Field(default=None, description="Input tokens read from a cache.")
    cache_write: Dollars | None = Field(default=None, description="Input tokens written to a cache.")
    verified_until: Day | None = Field(
        default=None, description="The day after which synth warns that nobody has compared the rates with AWS's."
    )


class QuotaConfig(Strict):
    """The account's on-demand quotas of a model, as Service Quotas shows them; what is not given is not watched."""

    tokens_per_minute: int | None = Field(
        default=None, ge=1, description="Input and weighted output tokens in a minute, all callers together."
    )
    requests_per_minute: int | None = Field(
        default=None, ge=1, description="Requests in a minute, all callers together."
    )

    @model_validator(mode="after")
    def _has_a_quota(self) -> Self:
        if self.tokens_per_minute is None and self.requests_per_minute is None:
            raise ValueError("no quota is given; needed: tokens_per_minute, requests_per_minute or both")
        return self


class ModelAlarmsConfig(Strict):
    """Thresholds of one model; what is left out is as in `alarms`."""

    latency_p90_ms: float | None = Field(default=None, gt=0, description="As in `alarms`.")
    latency_anomaly: float | None = Field(default=None, gt=0, le=10, description="As in `alarms`.")
    output_tokens_per_second: float | None = Field(default=None, gt=0, description="As in `alarms`.")
    throttle_count: int | None = Field(default=None, ge=1, description="As in `alarms`.")
    traffic_floor: int | None = Field(default=None, ge=1, description="As in `alarms`.")
    tokens_per_hour: int | None = Field(default=None, ge=1, description="As in `alarms`.")
    tokens_per_day: int | None = Field(default=None, ge=1, description="As in `alarms`.")
    cost_per_hour: float | None = Field(default=None, gt=0, description="As in `alarms`.")
    cost_per_day: float | None = Field(default=None, gt=0, description="As in `alarms`.")


class ModelConfig(Strict):
    """A model that the environment uses: monitored, allowed to the evaluation role, and open to candidates."""

    id: str = Field(
        description="Foundation model id (`amazon.nova-lite-v1:0`) or inference profile id (`us.` `global.` ...)."
    )
    destination_regions: tuple[Region, ...] = Field(
        default=(), description="Overrides the built-in table of Regions that the profile can route to."
    )
    rates: RatesConfig | None = Field(default=None, description="Left out: its price is unknown and shown so.")
    quota: QuotaConfig | None = Field(
        default=None, description="Left out: how much of its quota is used is neither drawn nor alarmed on."
    )
    alarms: ModelAlarmsConfig = Field(
        default=ModelAlarmsConfig(), description="Thresholds of this model, where it differs from the others."
    )
    profile: bool = Field(
        default=False,
        description="Make an application inference profile with tags for cost allocation, for the application to call; "
        "its ARN is an output and in Parameter Store. Dashboard, alarms and costs then watch the profile.",
    )


class GuardrailConfig(Strict):
    """A guardrail that exists already and is watched."""

    name: Name = Field(description="Stands in alarms and on the dashboard.")
    id: str = Field(
        pattern=r"^([a-z0-9]{1,64}|arn:[a-z-]+:bedrock:[a-z0-9-]+:\d{12}:guardrail/[a-z0-9]{1,64})$",
        description="Its id, if it is of this account and Region, or its ARN.",
        json_schema_extra=_told("a guardrail's id, as gr1abcd2efgh, or its ARN"),
    )
    version: str = Field(
        pattern=r"^([1-9]\d{0,7}|DRAFT)$",
        description="The version that requests name.",
        json_schema_extra=_told('DRAFT or a number in quotes, as "1"'),
    )

    @property
    def is_arn(self) -> bool:
        return self.id.startswith("arn:")


class DatasetConfig(Strict):
    """Where the cases come from."""

    source: str = Field(
        pattern=r"^(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+|[^:\s][^:]*)\.jsonl$",
        description="A .jsonl file of this repository (checked at synth, uploaded at deploy), or an s3:// URI.",
        json_schema_extra=_told("datasets/<file>.jsonl, or s3://<bucket>/<key>.jsonl"),
    )

    @property
    def is_s3(self) -> bool:
        return self.source.startswith("s3://")

    @property
    def file(self) -> Path:
        """The file, if it is one: relative to the repository, whatever the working directory."""
        return REPOSITORY / self.source


class ParametersConfig(Strict):
    """Inference parameters; what is not given is not sent."""

    max_tokens: int | None = Field(default=None, ge=1, description="Longest answer, in tokens.")
    temperature: float | None = Field(default=None, ge=0, le=1, description="Some models refuse it.")
    top_p: float | None = Field(default=None, ge=0, le=1, description="Some models refuse it.")
    stop_sequences: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        default=(), max_length=4, description="The answer ends before the first of them."
    )


class CandidateConfig(Strict):
    """What is compared: a model with what it is told. A plain key of `models` is short for a candidate of that name."""

    name: Name = Field(description="Stands in metrics, results and reports.")
    model: Name = Field(description="A key of `models`.")
    system: str | None = Field(default=None, min_length=1, description="System prompt.")
    template: Annotated[str, AfterValidator(_template)] | None = Field(
        default=None, description=f"Text around the prompt; holds `{PROMPT_MARK}` once."
    )
    parameters: ParametersConfig = Field(default=ParametersConfig(), description="Inference parameters.")


class MetricConfig(Strict):
    """What answers are scored by. A plain name is enough for a metric without parameters."""

    name: MetricName = Field(description="See docs/evaluation.md for what each measures.")
    parameters: Mapping[str, JsonValue] = Field(
        default={},
        description="`labels` of classification_accuracy, `schema` of json_schema_match, `pattern` of regex_match.",
    )

    @model_validator(mode="after")
    def _parameters_fit(self) -> Self:
        METRICS[self.name].check(self.parameters)
        return self


class GateConfig(Strict):
    """What a metric must keep: bounds of its mean, how far it may fall behind the baseline, or both."""

    metric: MetricName = Field(description="One of the evaluation's `metrics`.")
    min: float | None = Field(default=None, description="The mean must not be below; in the metric's unit.")
    max: float | None = Field(default=None, description="The mean must not be above; in the metric's unit.")
    max_drop: float | None = Field(
        default=None,
        ge=0,
        description="How much worse than in the `baseline` run the mean may be; in the metric's unit.",
    )

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if self.min is None and self.max is None and self.max_drop is None:
            raise ValueError("neither min, max nor max_drop is given; needed: at least one of them")
        if self.min is not None and self.max is not None and self.min >= self.max:
            raise ValueError(f"min {self.min:g} is not below max {self.max:g}")
        return self


class ScheduleConfig(Strict):
    """When the evaluation runs, by EventBridge Scheduler."""

    expression: Annotated[str, AfterValidator(_schedule_expression)] = Field(
        description="`rate(7 days)`, `cron(0 6 ? * MON *)` or `at(2026-12-01T06:00:00)`."
    )
    timezone: Annotated[str, AfterValidator(_timezone)] = Field(
        default="UTC", description="IANA name that cron(...) and at(...) are read in."
    )
    grace_hours: float = Field(default=6, gt=0, le=168, description="How long after its time a run may finish.")


def _candidate(value: object) -> object:
    return {"name": value, "model": value} if isinstance(value, str) else value


def _metric(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


def _run_id(text: str) -> str:
    try:
        run_time(text)
    except RunIdError as error:
        raise ValueError(str(error)) from None
    return text


Candidate = Annotated[CandidateConfig, BeforeValidator(_candidate, json_schema_input_type=Name | CandidateConfig)]

Metric = Annotated[MetricConfig, BeforeValidator(_metric, json_schema_input_type=MetricName | MetricConfig)]


class EvaluationConfig(Strict):
    """One evaluation: which candidates answer which dataset, how they are scored, when."""

    kind: Literal["custom"] = Field(default="custom", description="custom: scored by this project's own functions.")
    dataset: Name = Field(description="A key of `datasets`.")
    candidates: tuple[Candidate, ...] = Field(
        min_length=1, max_length=10, description="What is compared; a key of `models` alone is enough."
    )
    metrics: tuple[Metric, ...] = Field(
        default=tuple(
            MetricConfig(name=name)
            for name in ("relevance_score", "response_length", "unicode_exact_match", "unicode_f1_score")
        ),
        min_length=1,
        description="What each answer is scored by; a name alone is enough for a metric without parameters.",
    )
    gates: tuple[GateConfig, ...] = Field(
        default=(), description="What every candidate must keep; a broken one rings an alarm."
    )
    baseline: Annotated[str, AfterValidator(_run_id)] | None = Field(
        default=None,
        description="The accepted run that `max_drop` compares with; set by `python -m ops runs accept`.",
    )
    schedule: ScheduleConfig | None = Field(default=None, description="Left out: it is started by hand only.")
    headline: bool = Field(
        default=False, description="Also publish the scores as {ModelId, Application}; one evaluation at most."
    )
    confidence: float = Field(default=0.95, ge=0.5, lt=1, description="Of every interval and of the gates together.")
    min_coverage: Share = Field(default=0.95, description="Answered of asked; with less, every gate is inconclusive.")
    concurrency: int = Field(default=8, ge=1, le=256, description="Model calls in flight, over all candidates.")
    max_cost: float | None = Field(
        default=None,
        gt=0,
        description="US dollars that a run may cost: estimated before the first call, and counted while it runs.",
    )
    allow_unpriced: bool = Field(
        default=False, description="A run with `max_cost` may ask models without `rates`, which it cannot see."
    )

    @property
    def metric_names(self) -> tuple[str, ...]:
        return tuple(metric.name for metric in self.metrics)


class InvocationLoggingConfig(Strict):
    """The account's model invocation logging: one setting per account and Region, so only `owns_account` makes it."""

    mode: Literal["own", "adopt", "none"] = Field(
        default="own",
        description="own: set it, refuse when a foreign setting stands; adopt: replace a foreign one; none: leave it. "
        "Counts for the owner of the account only; own and adopt are refused elsewhere.",
    )
    on_delete: Literal["restore", "leave", "remove"] = Field(
        default="restore", description="What becomes of the setting when the stack goes."
    )
    log_group: str = Field(
        default="/aws/bedrock/model-invocations",
        pattern=r"^[.\-_/#A-Za-z0-9]{1,512}$",
        description="Where Bedrock writes the records.",
        json_schema_extra=_told("a log group's name: at most 512 of a-z, A-Z, 0-9 and . - _ / #"),
    )
    existing: bool = Field(default=False, description="Import the log group, as one that a RETAIN left behind.")
    data_protection: tuple[DataIdentifier, ...] = Field(
        default=(),
        description="Managed data identifiers that CloudWatch Logs masks in the log group, as EmailAddress; "
        "docs/security.md says who can see them. Masking costs by the GB that is scanned.",
    )
    text: bool = Field(default=True, description="Log prompts and answers, not only counts.")
    image: bool = Field(default=False, description="Log images.")
    embedding: bool = Field(default=False, description="Log embeddings.")
    video: bool = Field(default=False, description="Log videos.")
    audio: bool = Field(default=False, description="Log audio.")


class RetentionConfig(Strict):
    """How long data is kept, by kind, in days."""

    invocation_logs: LogRetention = Field(default=90, description="Prompts and answers of the whole account.")
    function_logs: LogRetention = Field(default=30, description="Logs of functions and of the state machine.")
    runs: Days = Field(default=400, description="Results of runs; pinned baselines are never expired.")
    access_logs: Days = Field(default=90, description="Who read or wrote the buckets.")
    noncurrent_versions: Days = Field(default=30, description="Overwritten and deleted objects.")


class SubscriptionConfig(Strict):
    """Who hears of alarms."""

    protocol: Literal["email", "https", "sqs", "chat"] = Field(
        description="How. chat: a topic for Amazon Q Developer in chat applications (Slack, Microsoft Teams), whose "
        "channel configuration subscribes itself."
    )
    endpoint: str | None = Field(
        default=None, min_length=1, description="E-mail address, https:// URL or ARN of a queue; chat has none."
    )

    @model_validator(mode="after")
    def _endpoint_fits(self) -> Self:
        if self.protocol == "chat":
            if self.endpoint is not None:
                raise ValueError("protocol chat takes no endpoint; the channel's configuration names the topic")
            return self
        patterns = {"email": r"[^@\s]+@[^@\s]+\.[^@\s]+", "https": r"https://\S+", "sqs": r"arn:[a-z-]+:sqs:\S+"}
        needed = {"email": "an e-mail address", "https": "an https:// URL", "sqs": "the ARN of a queue"}
        if not re.fullmatch(patterns[self.protocol], self.endpoint or ""):
            raise ValueError(
                f"endpoint {self.endpoint!r} does not fit protocol {self.protocol}; needed: {needed[self.protocol]}"
            )
        return self


class AlarmsConfig(Strict):
    """Thresholds and severities. Rates are per cent of all requests in 5 minutes, from `traffic_floor` requests on.

    A limit that is left out, with no default, makes no alarm.
    """

    latency_p90_ms: float = Field(default=10_000, gt=0, description="Latency to the last token, in milliseconds.")
    latency_anomaly: float | None = Field(
        default=None,
        gt=0,
        le=10,
        description="Standard deviations above the latency that CloudWatch expects; it learns for two weeks.",
    )
    output_tokens_per_second: float | None = Field(
        default=10, gt=0, description="Of streamed answers; 80 % of what the model usually gives is a good bound."
    )
    server_error_percent: Percent = Field(default=5, description="Errors of the service.")
    client_error_percent: Percent = Field(default=10, description="Refused requests, throttles not counted.")
    throttle_percent: Percent = Field(default=5, description="Throttled requests.")
    throttle_count: int = Field(default=20, ge=1, description="In 5 minutes; holds when nothing but throttles happens.")
    traffic_floor: int = Field(default=20, ge=1, description="Requests in 5 minutes; with fewer, rates say nothing.")
    quota_percent: Percent = Field(default=80, description="Of each quota that `models.<name>.quota` names.")
    tokens_per_hour: int | None = Field(default=None, ge=1, description="Of each model, cached tokens included.")
    tokens_per_day: int | None = Field(default=None, ge=1, description="Of each model, cached tokens included.")
    cost_per_hour: float | None = Field(default=None, gt=0, description="US dollars of each model, by its `rates`.")
    cost_per_day: float | None = Field(default=None, gt=0, description="US dollars of each model, by its `rates`.")
    end_of_life_days: int = Field(default=60, ge=1, description="Days to a model's end of life.")
    guardrail_intervention_percent: Percent = Field(default=20, description="Interventions of what a guardrail sees.")
    inconclusive_days: int = Field(
        default=3, ge=1, le=7, description="Days of a week with an inconclusive verdict; the alarm is off by default."
    )
    severity: Mapping[AlarmName, Literal["critical", "warning", "off"]] = Field(
        default={}, description="Other severities than those of the table, by kind of alarm; off: not made."
    )


def _once(percents: tuple[float, ...]) -> tuple[float, ...]:
    if len(set(percents)) < len(percents):
        raise ValueError("the same percentage stands there twice; needed: each once")
    return percents


class BudgetConfig(Strict):
    """A monthly budget of AWS Budgets that notifies the topic of alarms. It sees what the bill says, a day late."""

    monthly_usd: float = Field(gt=0, description="US dollars a month, credits and refunds left out.")
    notify_percent: Annotated[tuple[Annotated[float, Field(gt=0, le=1000)], ...], AfterValidator(_once)] = Field(
        default=(80, 100), min_length=1, max_length=5, description="Per cent of it that are told of when passed."
    )
    scope: Literal["application", "account"] = Field(
        default="application",
        description="application: what carries the tag `application`, so of models only calls through profiles "
        "(`profile: true`), and only once the tag is active for cost allocation; account: the whole bill.",
    )


class Environment(Strict):
    """One environment: what `cdk deploy '<name>/*'` makes. Its name is the file's."""

    name: Name = Field(description="Given by the file's name, not in the file.")
    application: Name = Field(description="The Application dimension of every custom metric.")
    account: str | None = Field(
        default=None,
        pattern=r"^\d{12}$",
        description="Left out: whichever account deploys.",
        json_schema_extra=_told('12 digits in quotes, as "123456789012"'),
    )
    region: Region = Field(description="Where everything is made, and where the models are called from.")
    owns_account: bool = Field(
        default=False,
        description="Makes what exists once per account and Region: invocation log group and setting, alarms on "
        "AWS/Bedrock. Exactly one environment of an account and Region should.",
    )
    stand_in: bool = Field(
        default=False,
        description='No AWS behind it (account "000000000000"): models past their end of life are a warning.',
    )
    owner: str = Field(min_length=1, description="Team that is asked when an alarm rings.")
    runbook_url: str = Field(
        pattern=r"^https?://\S+$",
        description="Base of the links in alarms.",
        json_schema_extra=_told("an http:// or https:// URL"),
    )
    tags: Mapping[str, str] = Field(
        default={}, description="On every resource, beside the tags application, environment and owner."
    )
    permissions_boundary: str | None = Field(
        default=None,
        pattern=r"^[\w+=,.@/-]{1,128}$",
        description="Name of a managed policy put on every role.",
        json_schema_extra=_told("a managed policy's name: at most 128 of letters, digits and + = , . @ / _ -"),
    )
    termination_protection: bool = Field(default=True, description="CloudFormation refuses to delete the stacks.")
    removal_policy: Literal["retain", "destroy"] = Field(
        default="retain", description="What becomes of buckets, key and logs when their stack goes."
    )
    models: Mapping[Name, ModelConfig] = Field(min_length=1, description="The models in use, by a name of your own.")
    datasets: Mapping[Name, DatasetConfig] = Field(default={}, description="The datasets, by name.")
    evaluations: Mapping[Name, EvaluationConfig] = Field(default={}, description="The evaluations, by name.")
    guardrails: tuple[GuardrailConfig, ...] = Field(default=(), description="The guardrails that are watched.")
    own_profile: bool = Field(
        default=True,
        description="Evaluate through inference profiles of our own, so that production's panels stay clean.",
    )
    invocation_logging: InvocationLoggingConfig = Field(
        default=InvocationLoggingConfig(), description="The account's model invocation logging."
    )
    retention_days: RetentionConfig = Field(default=RetentionConfig(), description="How long data is kept.")
    subscriptions: tuple[SubscriptionConfig, ...] = Field(default=(), description="Who hears of alarms.")
    budget: BudgetConfig | None = Field(default=None, description="A monthly budget; left out: none.")
    alarms: AlarmsConfig = Field(default=AlarmsConfig(), description="Thresholds of the alarms.")

    @property
    def prefix(self) -> str:
        """What every fixed physical name begins with."""
        return prefix(application=self.application, environment=self.name)

    def model(self, name: str) -> Model:
        """The resolved model behind a key of `models`."""
        config = self.models[name]
        return Model(config.id, region=self.region, destination_regions=config.destination_regions)

    def rates(self, name: str) -> Rates | None:
        """What the tokens of the model behind a key of `models` cost, None when the file does not say."""
        config = self.models[name].rates
        return None if config is None else Rates(**config.model_dump())
