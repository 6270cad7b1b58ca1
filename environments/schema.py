"""The one schema of an environment file. docs/configuration.md and environments/schema.json are generated from it."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self
from zoneinfo import available_timezones

from bedrock_eval.definition import PROMPT_MARK
from bedrock_eval.metrics import METRICS
from bedrock_eval.models import Model
from bedrock_eval.names import NAME_PATTERN, NAME_RULE, is_name, prefix
from bedrock_eval.schedules import ScheduleError, parse_schedule
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

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


def _timezone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is not an IANA time zone; allowed: names as UTC or Europe/Berlin")
    return name


def _schedule_expression(text: str) -> str:
    try:
        parse_schedule(text)
    except ScheduleError as error:
        raise ValueError(str(error)) from None
    return text


Name = Annotated[str, AfterValidator(_name), Field(json_schema_extra={"pattern": f"^{NAME_PATTERN}$"})]
LogRetention = Annotated[int, AfterValidator(_log_retention), Field(json_schema_extra={"enum": LOG_RETENTION_DAYS})]
MetricName = Annotated[str, AfterValidator(_metric_name), Field(json_schema_extra={"enum": sorted(METRICS)})]
Region = Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")]
Share = Annotated[float, Field(ge=0, le=1)]
Percent = Annotated[float, Field(gt=0, le=100)]


class Strict(BaseModel):
    """Frozen, and no key that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelConfig(Strict):
    """A model that the environment uses: monitored, allowed to the evaluation role, and open to candidates."""

    id: str = Field(
        description="Foundation model id (`amazon.nova-lite-v1:0`) or inference profile id (`us.` `global.` ...)."
    )
    destination_regions: tuple[Region, ...] = Field(
        default=(), description="Overrides the built-in table of Regions that the profile can route to."
    )


class DatasetConfig(Strict):
    """Where the cases come from."""

    source: str = Field(
        pattern=r"^(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^\s].*|[^:]+)\.jsonl$",
        description="A .jsonl file of this repository (checked at synth, uploaded at deploy), or an s3:// URI.",
    )

    @property
    def is_s3(self) -> bool:
        return self.source.startswith("s3://")


class ParametersConfig(Strict):
    """Inference parameters; what is not given is not sent."""

    max_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=1)
    top_p: float | None = Field(default=None, ge=0, le=1)
    stop_sequences: tuple[str, ...] = Field(default=(), max_length=4)


class CandidateConfig(Strict):
    """What is compared: a model with what it is told."""

    name: Name
    model: Name = Field(description="A key of `models`.")
    system: str | None = Field(default=None, min_length=1, description="System prompt.")
    template: str | None = Field(default=None, description=f"Text around the prompt; holds `{PROMPT_MARK}` once.")
    parameters: ParametersConfig = ParametersConfig()

    @model_validator(mode="after")
    def _template_has_mark(self) -> Self:
        if self.template is not None and self.template.count(PROMPT_MARK) != 1:
            raise ValueError(f"template must hold {PROMPT_MARK} exactly once")
        return self


class GateConfig(Strict):
    """A bound that the mean of a metric must keep."""

    metric: MetricName
    min: float | None = Field(default=None, description="The mean must not be below; in the metric's unit.")
    max: float | None = Field(default=None, description="The mean must not be above; in the metric's unit.")

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("a gate needs min, max or both")
        if self.min is not None and self.max is not None and self.min >= self.max:
            raise ValueError(f"min {self.min} must be below max {self.max}")
        return self


class ScheduleConfig(Strict):
    """When the evaluation runs, by EventBridge Scheduler."""

    expression: Annotated[str, AfterValidator(_schedule_expression)] = Field(
        description="`rate(7 days)`, `cron(0 6 ? * MON *)` or `at(2026-12-01T06:00:00)`."
    )
    timezone: Annotated[str, AfterValidator(_timezone)] = "UTC"
    grace_hours: float = Field(default=6.0, gt=0, le=168, description="How long after its time a run may finish.")


def _candidate(value: object) -> object:
    """A plain model name is short for a candidate of that name."""
    return {"name": value, "model": value} if isinstance(value, str) else value


class EvaluationConfig(Strict):
    """One evaluation: which candidates answer which dataset, how they are scored, when."""

    kind: Literal["custom"] = "custom"
    dataset: Name = Field(description="A key of `datasets`.")
    candidates: tuple[Annotated[CandidateConfig, BeforeValidator(_candidate)], ...] = Field(min_length=1, max_length=10)
    metrics: tuple[MetricName, ...] = Field(
        default=("relevance_score", "response_length", "exact_match", "f1_score"), min_length=1
    )
    gates: tuple[GateConfig, ...] = ()
    schedule: ScheduleConfig | None = Field(default=None, description="None: the evaluation is started by hand only.")
    headline: bool = Field(
        default=False, description="Also publish the scores as {ModelId, Application}; one evaluation at most."
    )
    confidence: float = Field(default=0.95, ge=0.5, lt=1)
    min_coverage: Share = 0.95
    concurrency: int = Field(default=8, ge=1, le=256, description="Model calls in flight, over all candidates.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [candidate.name for candidate in self.candidates]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"candidate names must differ; {', '.join(doubled)} stands twice")
        if len(set(self.metrics)) != len(self.metrics):
            raise ValueError("a metric stands twice")
        for gate in self.gates:
            if gate.metric not in self.metrics:
                raise ValueError(f"gate on {gate.metric}, which is not among metrics: {', '.join(self.metrics)}")
        gated = [gate.metric for gate in self.gates]
        if len(set(gated)) != len(gated):
            raise ValueError("one gate a metric: give min and max in the same gate")
        return self


class InvocationLoggingConfig(Strict):
    """The account's model invocation logging: one setting per account and Region, so somebody owns it."""

    mode: Literal["own", "adopt", "none"] = Field(
        default="own",
        description="own: set it, refuse when a foreign setting stands; adopt: replace a foreign one; none: leave it.",
    )
    on_delete: Literal["restore", "leave", "remove"] = Field(
        default="restore", description="What becomes of the setting when the stack goes."
    )
    log_group: str = Field(default="/aws/bedrock/model-invocations", pattern=r"^[.\-_/#A-Za-z0-9]{1,512}$")
    existing: bool = Field(default=False, description="Import the log group, as one that a RETAIN left behind.")
    text: bool = Field(default=True, description="Log prompts and answers, not only counts.")
    image: bool = False
    embedding: bool = False
    video: bool = False
    audio: bool = False


class RetentionConfig(Strict):
    """How long data is kept, by kind, in days."""

    invocation_logs: LogRetention = 90
    function_logs: LogRetention = 30
    runs: int = Field(default=400, ge=1, le=3650, description="Results of runs; pinned baselines are never expired.")
    access_logs: int = Field(default=90, ge=1, le=3650)
    noncurrent_versions: int = Field(default=30, ge=1, le=3650)


class SubscriptionConfig(Strict):
    """Who hears of alarms."""

    protocol: Literal["email", "https", "sqs"]
    endpoint: str = Field(min_length=3)

    @model_validator(mode="after")
    def _endpoint_fits(self) -> Self:
        patterns = {"email": r"[^@\s]+@[^@\s]+\.[^@\s]+", "https": r"https://\S+", "sqs": r"arn:[a-z-]+:sqs:\S+"}
        if not re.fullmatch(patterns[self.protocol], self.endpoint):
            raise ValueError(f"endpoint {self.endpoint!r} does not fit protocol {self.protocol}")
        return self


class AlarmsConfig(Strict):
    """Thresholds. Rates are per cent of all requests in 5 minutes, from `traffic_floor` requests on."""

    latency_p90_ms: float = Field(default=10_000, gt=0)
    server_error_percent: Percent = 5
    client_error_percent: Percent = 10
    throttle_percent: Percent = 5
    throttle_count: int = Field(default=20, ge=1, description="In 5 minutes; holds when nothing but throttles happens.")
    traffic_floor: int = Field(default=20, ge=1)


class Environment(Strict):
    """One environment: what `cdk deploy '<name>/*'` makes. Its name is the file's."""

    name: Name = Field(description="Given by the file's name, not in the file.")
    application: Name = Field(description="The Application dimension of every custom metric.")
    account: str | None = Field(
        default=None, pattern=r"^\d{12}$", description="12 digits in quotes; none: any account."
    )
    region: Region
    owns_account: bool = Field(
        default=False,
        description="Makes what exists once per account and Region: invocation log group and setting, AWS/Bedrock alarms.",
    )
    stand_in: bool = Field(default=False, description="No AWS behind it: models past their end of life are a warning.")
    owner: str = Field(min_length=1, description="Team that is asked when an alarm rings.")
    runbook_url: str = Field(pattern=r"^https?://\S+$", description="Base of the links in alarms.")
    tags: Mapping[str, str] = {}
    permissions_boundary: str | None = Field(
        default=None, pattern=r"^[\w+=,.@/-]{1,128}$", description="Name of a managed policy put on every role."
    )
    termination_protection: bool = True
    removal_policy: Literal["retain", "destroy"] = "retain"
    models: Mapping[Name, ModelConfig] = Field(min_length=1)
    datasets: Mapping[Name, DatasetConfig] = {}
    evaluations: Mapping[Name, EvaluationConfig] = {}
    own_profile: bool = Field(
        default=True,
        description="Evaluate through inference profiles of our own, so that production's panels stay clean.",
    )
    invocation_logging: InvocationLoggingConfig = InvocationLoggingConfig()
    retention_days: RetentionConfig = RetentionConfig()
    subscriptions: tuple[SubscriptionConfig, ...] = ()
    alarms: AlarmsConfig = AlarmsConfig()

    @property
    def prefix(self) -> str:
        """What every fixed physical name begins with."""
        return prefix(application=self.application, environment=self.name)

    def model(self, name: str) -> Model:
        """The resolved model behind a key of `models`."""
        config = self.models[name]
        return Model(config.id, region=self.region, destination_regions=config.destination_regions)
