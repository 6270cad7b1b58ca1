"""The schema of an environment file. docs/configuration.md and environments/schema.json are generated from it.

The schema says what one value may be. What takes two (a candidate's model is a key of `models`) is in loading/rules.
"""

from collections.abc import Mapping
from typing import Literal

from pydantic import ConfigDict, Field

from bedrock_eval.alarms.thresholds import Thresholds
from bedrock_eval.evaluation.job_settings import JobKind
from bedrock_eval.invocation_log.filters import ALARMED, WANTED, LogFilter
from bedrock_eval.jobs.rules import TAG_TEXT
from bedrock_eval.models import Model
from bedrock_eval.names import NAME_PATTERN, prefix
from bedrock_eval.pricing.costs import Rates
from configuration.schema.alarms import AlarmsConfig
from configuration.schema.datasets import DatasetConfig
from configuration.schema.evaluations.kinds import EvaluationConfig
from configuration.schema.evaluations.scoring import JudgeScoring
from configuration.schema.guardrails import GuardrailConfig, WatchedElsewhere
from configuration.schema.invocation_logging import InvocationLoggingConfig
from configuration.schema.models import ModelConfig
from configuration.schema.notification import BudgetConfig, SubscriptionConfig
from configuration.schema.resource_types import APPLICATION_PROFILE, exists
from configuration.schema.retention import RetentionConfig
from configuration.schema.values.base import Strict, refused, told
from configuration.schema.values.names import Name, Region
from configuration.schema.values.tags import MOST_TAGS, tags

STAND_IN_ACCOUNT = "000000000000"


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

    def thresholds(self, model: str | None = None) -> Thresholds:
        """The thresholds of alarms, for one model with its own in their place."""
        shared = self.alarms.thresholds
        return shared if model is None else self.models[model].alarms.over(shared)

    def rates(self, name: str) -> Rates | None:
        """What the tokens of the model behind a key of `models` cost, None when the file does not say."""
        config = self.models[name].rates
        return None if config is None else Rates(**config.model_dump())
