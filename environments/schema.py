"""The one schema of an environment file. docs/configuration.md and environments/schema.json are generated from it.

Here stands what can be said of one value. What takes two (a candidate's model is a key of `models`) is in rules.py.
The evaluations are in evaluation_schema.py.
"""

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from bedrock_eval.alarms.kinds import KINDS, TOTAL_FAILURE_PERCENT
from bedrock_eval.evaluation.job_settings import JobKind
from bedrock_eval.invocation_log.filters import ALARMED, WANTED, LogFilter
from bedrock_eval.jobs.rules import TAG_TEXT
from bedrock_eval.models import Model
from bedrock_eval.names import NAME_PATTERN, prefix
from bedrock_eval.pricing.costs import Rates
from bedrock_eval.wording import suggestion
from environments.data_identifiers import DATA_IDENTIFIERS
from environments.evaluation_schema import EvaluationConfig, JudgeScoring
from environments.fields import (
    MOST_TAGS,
    Dollars,
    Milliseconds,
    Name,
    PerSecond,
    Rate,
    Requests,
    Strict,
    Tokens,
    absent,
    enum,
    refused,
    tags,
    told,
)
from environments.resource_types import APPLICATION_PROFILE, exists

REPOSITORY = Path(__file__).resolve().parent.parent
"""What the paths of dataset files are relative to."""

STAND_IN_ACCOUNT = "000000000000"

# The values that CloudWatch Logs accepts for a retention (PutRetentionPolicy).
LOG_RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)


def _log_retention(days: int) -> int:
    if days not in LOG_RETENTION_DAYS:
        raise ValueError(
            f"{days} is no retention of CloudWatch Logs; allowed: {', '.join(map(str, LOG_RETENTION_DAYS))}"
        )
    return days


def _alarm_name(name: str) -> str:
    if name not in KINDS:
        raise ValueError(f"{name!r} is not a kind of alarm{suggestion(name, KINDS)}; allowed: {', '.join(KINDS)}")
    return name


def _data_identifier(name: str) -> str:
    if name not in DATA_IDENTIFIERS:
        near = suggestion(name, DATA_IDENTIFIERS)
        raise ValueError(f"{name!r} is no managed data identifier{near}; allowed: {', '.join(DATA_IDENTIFIERS)}")
    return name


def _day(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not in the calendar; allowed: a day, as 2026-12-31") from None
    return text


LogRetention = Annotated[int, AfterValidator(_log_retention), Field(json_schema_extra=enum(LOG_RETENTION_DAYS))]
AlarmName = Annotated[str, AfterValidator(_alarm_name), Field(json_schema_extra=enum(tuple(KINDS)))]
DataIdentifier = Annotated[str, AfterValidator(_data_identifier), Field(json_schema_extra=enum(DATA_IDENTIFIERS))]
Region = Annotated[
    str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$", json_schema_extra=told("a Region's name, as us-east-1"))
]
Day = Annotated[
    str,
    Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", json_schema_extra=told("a day, as 2026-12-31")),
    AfterValidator(_day),
]
WatchedElsewhere = Annotated[
    str,
    Field(
        # A `*` alone would silence the alarms.
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{2,2047}\*?$",
        json_schema_extra=told(
            "an id or ARN, as us.amazon.nova-2-lite-v1:0, or its beginning and a *, as eu.anthropic.*"
        ),
    ),
]
Percent = Annotated[float, Field(ge=0.001, le=100)]
# Of alarms that ring above them, and could not at these ends.
Share = Annotated[float, Field(gt=0, lt=100)]
ErrorShare = Annotated[float, Field(gt=0, lt=TOTAL_FAILURE_PERCENT)]
# With less the band is no band, and the number has an exponent in the template.
Deviations = Annotated[float, Field(ge=0.1, le=10)]
Days = Annotated[int, Field(ge=1, le=3650)]


class RatesConfig(Strict):
    """What tokens of a model cost, in US dollars per million. What has no rate is counted as unpriced, never as 0."""

    input: Rate = Field(description="Input tokens that were neither read from nor written to a cache.")
    output: Rate = Field(description="Output tokens.")
    cache_read: Rate | None = Field(default=None, description="Input tokens read from a cache.")
    cache_write: Rate | None = Field(default=None, description="Input tokens written to a cache.")
    verified_until: Day | None = Field(
        default=None, description="The day after which synth warns that nobody has compared the rates with AWS's."
    )


class QuotaConfig(Strict):
    """The account's on-demand quotas of a model, as Service Quotas shows them; what is not given is not watched."""

    model_config = ConfigDict(json_schema_extra=refused(absent("tokens_per_minute", "requests_per_minute")))

    tokens_per_minute: Tokens | None = Field(
        default=None, description="Input and weighted output tokens in a minute, all callers together."
    )
    requests_per_minute: Requests | None = Field(
        default=None, description="Requests in a minute, all callers together."
    )

    @model_validator(mode="after")
    def _has_a_quota(self) -> Self:
        if self.tokens_per_minute is None and self.requests_per_minute is None:
            raise ValueError("no quota is given; needed: tokens_per_minute, requests_per_minute or both")
        return self


class ModelAlarmsConfig(Strict):
    """Thresholds of one model; what is left out is as in `alarms`."""

    latency_p90_ms: Milliseconds | None = Field(default=None, description="As in `alarms`.")
    latency_anomaly: Deviations | None = Field(default=None, description="As in `alarms`.")
    output_tokens_per_second: PerSecond | None = Field(default=None, description="As in `alarms`.")
    throttle_count: Requests | None = Field(default=None, description="As in `alarms`.")
    traffic_floor: Requests | None = Field(default=None, description="As in `alarms`.")
    model_intervention_percent: Share | None = Field(default=None, description="As in `alarms`.")
    tokens_per_hour: Tokens | None = Field(default=None, description="As in `alarms`.")
    tokens_per_day: Tokens | None = Field(default=None, description="As in `alarms`.")
    cost_per_hour: Dollars | None = Field(default=None, description="As in `alarms`.")
    cost_per_day: Dollars | None = Field(default=None, description="As in `alarms`.")


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
        pattern=r"^([a-z0-9]{1,64}|arn:[a-z-]+:bedrock:[a-z0-9-]+:[0-9]{12}:guardrail/[a-z0-9]{1,64})$",
        description="Its id, if it is of this account and Region, or its ARN.",
        json_schema_extra=told("a guardrail's id, as gr1abcd2efgh, or its ARN"),
    )
    version: str = Field(
        pattern=r"^([1-9][0-9]{0,7}|DRAFT)$",
        description="The version that requests name.",
        json_schema_extra=told('DRAFT or a number in quotes, as "1"'),
    )

    @property
    def is_arn(self) -> bool:
        return self.id.startswith("arn:")


class DatasetConfig(Strict):
    """Where the cases come from."""

    source: str = Field(
        # No part of a path begins with a dot, so that none leads out of the repository.
        pattern=r"^(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+|(\./)?([^/:\\~\s.][^/:\\]*/)*[^/:\\~\s.][^/:\\]*)\.jsonl$",
        description="A .jsonl file inside this repository, as datasets/questions.jsonl (checked at synth, uploaded at "
        "deploy), or an s3:// URI of the same Region. A bucket or key of another account must admit the roles that "
        "read it.",
        json_schema_extra=told(
            "datasets/<file>.jsonl or another path inside the repository, or s3://<bucket>/<key>.jsonl"
        ),
    )

    @property
    def is_s3(self) -> bool:
        return self.source.startswith("s3://")

    @property
    def s3_object(self) -> tuple[str, str]:
        """Bucket and key of an s3:// URI."""
        bucket, _, key = self.source.removeprefix("s3://").partition("/")
        return bucket, key

    @property
    def file(self) -> Path:
        """The file, if it is one: relative to the repository, whatever the working directory."""
        return REPOSITORY / self.source


class InvocationLoggingConfig(Strict):
    """The account's model invocation logging: one setting per account and Region, so only `owns_account` makes it."""

    model_config = ConfigDict(
        json_schema_extra=refused(
            *(
                {
                    "properties": {key: {"const": True}, "data_protection": {"minItems": 1}},
                    "required": [key, "data_protection"],
                }
                for key in ("existing", "large_bodies")
            )
        )
    )

    mode: Literal["own", "adopt", "none"] = Field(
        default="own",
        description="own: set it, refuse when a foreign setting stands; adopt: replace a foreign one; none: leave it. "
        "Counts for the owner of the account only; own and adopt are refused elsewhere.",
    )
    on_delete: Literal["restore", "leave", "remove"] = Field(
        default="restore",
        description="What becomes of the setting when the stack goes: restore puts back what was there before, leave "
        "keeps it with the role that delivers (the log group stays with removal_policy retain alone), remove switches "
        "logging off.",
    )
    log_group: str = Field(
        default="/aws/bedrock/model-invocations",
        pattern=r"^[.\-_/#A-Za-z0-9]{1,512}$",
        description="Where Bedrock writes the records.",
        json_schema_extra=told("a log group's name: at most 512 of a-z, A-Z, 0-9 and . - _ / #"),
    )
    existing: bool = Field(default=False, description="Import the log group, as one that a RETAIN left behind.")
    data_protection: tuple[DataIdentifier, ...] = Field(
        default=(),
        description="Managed data identifiers that CloudWatch Logs masks in the log group, as EmailAddress; "
        "docs/security.md says who can see them. Masking costs by the GB that is scanned.",
    )
    large_bodies: bool | None = Field(
        default=None,
        description="Keep prompts, answers and binary data that are too large for the log group (100 KB) in a bucket. "
        "Left out: true, unless `data_protection` masks, which it does in the log group alone.",
    )
    metrics: bool = Field(
        default=False,
        description="Count truncated answers by model, and failed calls by error code, with metric filters. Each model "
        "and each code that occurs in a month is billed as a custom metric.",
    )
    text: bool = Field(default=True, description="Log prompts and answers, not only counts.")
    image: bool = Field(default=False, description="Log images.")
    embedding: bool = Field(default=False, description="Log embeddings.")
    video: bool = Field(default=False, description="Log videos.")
    audio: bool = Field(default=False, description="Log audio.")

    @property
    def keeps_large_bodies(self) -> bool:
        """Whether there is something that is too large for the log group, and it is kept."""
        wanted = not self.data_protection if self.large_bodies is None else self.large_bodies
        return wanted and any((self.text, self.image, self.embedding, self.video, self.audio))


class RetentionConfig(Strict):
    """How long data is kept, by kind, in days."""

    invocation_logs: LogRetention = Field(
        default=90, description="Prompts and answers of the whole account, in the log group and the bucket."
    )
    function_logs: LogRetention = Field(default=30, description="Logs of functions and of the state machine.")
    runs: Days = Field(default=400, description="Results of runs; pinned baselines are never expired.")
    access_logs: Days = Field(default=90, description="Who read or wrote the buckets.")
    noncurrent_versions: Days = Field(default=30, description="Overwritten and deleted objects.")


_ENDPOINTS = {"email": r"[^@\s]+@[^@\s]+\.[^@\s]+", "https": r"https://\S+", "sqs": r"arn:[a-z-]+:sqs:\S+"}


class SubscriptionConfig(Strict):
    """Who hears of alarms."""

    model_config = ConfigDict(
        json_schema_extra=refused(
            {
                "properties": {"protocol": {"const": "chat"}, "endpoint": {"type": "string"}},
                "required": ["protocol", "endpoint"],
            },
            *(
                {
                    "properties": {
                        "protocol": {"const": protocol},
                        "endpoint": {"not": {"type": "string", "pattern": f"^{pattern}$"}},
                    },
                    "required": ["protocol"],
                }
                for protocol, pattern in _ENDPOINTS.items()
            ),
        )
    )

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
        needed = {"email": "an e-mail address", "https": "an https:// URL", "sqs": "the ARN of a queue"}
        if not re.fullmatch(_ENDPOINTS[self.protocol], self.endpoint or ""):
            raise ValueError(
                f"endpoint {self.endpoint!r} does not fit protocol {self.protocol}; needed: {needed[self.protocol]}"
            )
        return self


class AlarmsConfig(Strict):
    """Thresholds and severities. Rates are per cent of all requests in 5 minutes; with fewer requests than
    `traffic_floor` neither they nor latencies are judged.

    A limit that is left out, with no default, makes no alarm.
    """

    latency_p90_ms: Milliseconds = Field(default=10_000, description="Latency to the last token, in milliseconds.")
    latency_anomaly: Deviations | None = Field(
        default=None,
        description="Standard deviations above the latency that CloudWatch expects; it learns for two weeks.",
    )
    output_tokens_per_second: PerSecond | None = Field(
        default=10, description="Of streamed answers; 80 % of what the model usually gives is a good bound."
    )
    server_error_percent: ErrorShare = Field(
        default=5,
        description="Errors of the service. Total failure may read as 50 %, so the limit is below.",
    )
    client_error_percent: ErrorShare = Field(
        default=10, description="Refused requests, throttles not counted; the limit is below 50, too."
    )
    throttle_percent: Share = Field(default=5, description="Throttled requests.")
    throttle_count: Requests = Field(default=20, description="In 5 minutes; holds when nothing but throttles happens.")
    traffic_floor: Requests = Field(
        default=20, description="Requests in 5 minutes; with fewer, rates and latencies say nothing."
    )
    quota_percent: Percent = Field(default=80, description="Of each quota that `models.<name>.quota` names.")
    tokens_per_hour: Tokens | None = Field(default=None, description="Of each model, cached tokens included.")
    tokens_per_day: Tokens | None = Field(default=None, description="Of each model, cached tokens included.")
    cost_per_hour: Dollars | None = Field(default=None, description="US dollars of each model, by its `rates`.")
    cost_per_day: Dollars | None = Field(default=None, description="US dollars of each model, by its `rates`.")
    end_of_life_days: Days = Field(default=60, description="Days to a model's end of life.")
    guardrail_intervention_percent: Share = Field(
        default=20, description="Interventions in calls of ApplyGuardrail, of each guardrail of `guardrails`."
    )
    model_intervention_percent: Share = Field(
        default=20,
        description="Requests to a model in which a guardrail intervened, counted in the invocation log.",
    )
    inconclusive_days: int = Field(
        default=3, ge=1, le=7, description="Days of a week with an undecided gate; the alarm is off by default."
    )
    severity: Mapping[AlarmName, Literal["critical", "warning", "off"]] = Field(
        default={}, description="Other severities than those of the table, by kind of alarm; off: not made."
    )


def _once(percents: tuple[float, ...]) -> tuple[float, ...]:
    if len(set(percents)) < len(percents):
        raise ValueError("the same percentage stands there twice; needed: each once")
    return percents


# Assumption: budget-tag-active
class BudgetConfig(Strict):
    """A monthly budget of AWS Budgets that notifies the topic of alarms. It sees what the bill says, a day late."""

    monthly_usd: Dollars = Field(description="US dollars a month, credits and refunds left out.")
    notify_percent: Annotated[tuple[Annotated[float, Field(ge=0.1, le=1000)], ...], AfterValidator(_once)] = Field(
        default=(80, 100),
        min_length=1,
        max_length=5,
        description="Per cent of it that are told of when passed.",
        json_schema_extra={"uniqueItems": True},
    )
    scope: Literal["application", "account"] = Field(
        default="application",
        description="application: what carries the tag `application`, so of models only calls through profiles "
        "(`profile: true`), and only once the tag is active for cost allocation; account: the whole bill.",
    )


class Environment(Strict):
    """One environment: what `cdk deploy '<name>/*'` makes. Its name is the file's."""

    model_config = ConfigDict(
        json_schema_extra=refused(
            {
                "properties": {"stand_in": {"const": True}, "account": {"not": {"const": STAND_IN_ACCOUNT}}},
                "required": ["stand_in"],
            },
            {
                "properties": {"stand_in": {"const": False}, "account": {"const": STAND_IN_ACCOUNT}},
                "required": ["account"],
            },
            {
                "properties": {
                    "owns_account": {"const": False},
                    "invocation_logging": {"properties": {"mode": {"enum": ["own", "adopt"]}}, "required": ["mode"]},
                },
                "required": ["invocation_logging"],
            },
        )
    )

    name: Name = Field(description="Given by the file's name, not in the file.")
    application: Name = Field(
        description="The Application dimension of every custom metric.",
        json_schema_extra={"pattern": f"^(?!aws|ssm){NAME_PATTERN}$"},
    )
    account: str | None = Field(
        default=None,
        pattern=r"^[0-9]{12}$",
        description="Left out: whichever account deploys.",
        json_schema_extra=told('12 digits in quotes, as "123456789012"'),
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
    owner: str = Field(
        min_length=1,
        description="Team that is asked when an alarm rings.",
        json_schema_extra={"maxLength": 256, "pattern": f"^{TAG_TEXT.pattern}$"},
    )
    runbook_url: str = Field(
        pattern=r"^https?://\S+$",
        description="Base of the links in alarms.",
        json_schema_extra=told("an http:// or https:// URL"),
    )
    tags: Mapping[str, str] = Field(
        default={},
        description="On every resource, beside the tags application, environment and owner.",
        json_schema_extra=tags(MOST_TAGS),
    )
    permissions_boundary: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_+=,.@/-]{1,128}$",
        description="Name of a managed policy put on every role.",
        json_schema_extra=told("a managed policy's name: at most 128 of letters, digits and + = , . @ / _ -"),
    )
    termination_protection: bool = Field(default=True, description="CloudFormation refuses to delete the stacks.")
    removal_policy: Literal["retain", "destroy"] = Field(
        default="retain", description="What becomes of buckets, key and logs when their stack goes."
    )
    models: Mapping[Name, ModelConfig] = Field(min_length=1, description="The models in use, by a name of your own.")
    datasets: Mapping[Name, DatasetConfig] = Field(default={}, description="The datasets, by name.")
    evaluations: Mapping[Name, EvaluationConfig] = Field(default={}, description="The evaluations, by name.")
    guardrails: tuple[GuardrailConfig, ...] = Field(
        default=(), description="The guardrails that are watched.", json_schema_extra={"uniqueItems": True}
    )
    watched_elsewhere: tuple[WatchedElsewhere, ...] = Field(
        default=(),
        description="Ids of models, inference profiles and guardrails of this account that others watch, as another "
        "environment or application does; what stands before a `*` is the beginning of an id. Counts for the owner of "
        "the account only, whose alarms `unwatched-models` and `unread-metrics` then leave them out.",
        json_schema_extra={"uniqueItems": True},
    )
    own_profile: bool = Field(
        default=True,
        description="Evaluate through inference profiles of our own, so that production's panels stay clean. In "
        "Regions where CloudFormation has none, left out means `false`.",
    )
    invocation_logging: InvocationLoggingConfig = Field(
        default=InvocationLoggingConfig(), description="The account's model invocation logging."
    )
    retention_days: RetentionConfig = Field(default=RetentionConfig(), description="How long data is kept.")
    # Assumption: subscriber-stays
    subscriptions: tuple[SubscriptionConfig, ...] = Field(
        default=(),
        description="Who hears of alarms. A subscription by e-mail that is not confirmed within 48 hours is deleted, "
        "one click in any mail unsubscribes (also that of a scanner), and above ten messages a second SNS stops; the "
        "watchdog counts who is left.",
        json_schema_extra={"uniqueItems": True},
    )
    budget: BudgetConfig | None = Field(default=None, description="A monthly budget; left out: none.")
    alarms: AlarmsConfig = Field(default=AlarmsConfig(), description="Thresholds of the alarms.")

    @property
    def prefix(self) -> str:
        """What every fixed physical name begins with."""
        return prefix(application=self.application, environment=self.name)

    @property
    def resource_tags(self) -> Mapping[str, str]:
        """What every resource carries, and every evaluation job."""
        return {**self.tags, "application": self.application, "environment": self.name, "owner": self.owner}

    @property
    def has_own_profiles(self) -> bool:
        """Whether evaluations call models through profiles of our own; the stand-in has these everywhere."""
        return self.own_profile and (self.stand_in or exists(APPLICATION_PROFILE, region=self.region))

    @property
    def logs_invocations(self) -> bool:
        """Whether the account's model invocation logging is this environment's."""
        return self.owns_account and self.invocation_logging.mode != "none"

    @property
    def log_filters(self) -> tuple[LogFilter, ...]:
        """What metric filters count in the invocation log, where this environment makes it."""
        if not self.logs_invocations:
            return ()
        logging = self.invocation_logging
        return (*(ALARMED if logging.text else ()), *(WANTED if logging.metrics else ()))

    @property
    def interventions_counted(self) -> bool:
        """Whether what guardrails do in model calls is counted: here, or by the environment that owns the account."""
        return not self.owns_account or any(each in ALARMED for each in self.log_filters)

    @property
    def asks_people(self) -> bool:
        """Whether an evaluation is by people."""
        return any(config.job_kind is JobKind.HUMAN for config in self.evaluations.values())

    @property
    def asked_models(self) -> tuple[str, ...]:
        """The keys of the models whose answers are evaluated, as far as they are asked; a judge is not."""
        asked = {
            candidate.model
            for config in self.evaluations.values()
            if not (isinstance(config, JudgeScoring) and config.answers_from is not None)
            for candidate in config.candidates
        }
        return tuple(name for name in self.models if name in asked)

    def model(self, name: str) -> Model:
        """The resolved model behind a key of `models`."""
        config = self.models[name]
        return Model(config.id, region=self.region, destination_regions=config.destination_regions)

    def rates(self, name: str) -> Rates | None:
        """What the tokens of the model behind a key of `models` cost, None when the file does not say."""
        config = self.models[name].rates
        return None if config is None else Rates(**config.model_dump())
