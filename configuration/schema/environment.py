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
from configuration.schema.values.base import Strict, pattern_error, refused
from configuration.schema.values.names import Name, Region
from configuration.schema.values.tags import MOST_TAGS, tags

STAND_IN_ACCOUNT = "000000000000"


class Environment(Strict):
    """One environment, which `cdk deploy '<name>/*'` deploys. Its name is the name of the file."""

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
        description="Value of the dimension Application of every custom metric.",
        json_schema_extra={"pattern": f"^(?!aws|ssm){NAME_PATTERN}$"},
    )
    account: str | None = Field(
        default=None,
        pattern=r"^[0-9]{12}$",
        description="AWS account id. Left out: the account that deploys.",
        json_schema_extra=pattern_error('12 digits in quotes, as "123456789012"'),
    )
    region: Region = Field(description="Region of all resources, from which models are called.")
    owns_account: bool = Field(
        default=False,
        description="This environment creates what exists once per account and Region: log group and setting "
        "of model invocation logging, alarms on AWS/Bedrock. Set it in exactly one environment "
        "of an account and Region.",
    )
    stand_in: bool = Field(
        default=False,
        description='The environment runs on the local simulator, without AWS (account "000000000000"). A '
        "model past its end of life is a warning, not a mistake.",
    )
    owner: str = Field(
        min_length=1,
        description="Team that responds to alarms.",
        json_schema_extra={"maxLength": 256, "pattern": f"^{TAG_TEXT.pattern}$"},
    )
    runbook_url: str = Field(
        pattern=r"^https?://\S+$",
        description="Base URL of the runbook links in alarm messages.",
        json_schema_extra=pattern_error("an http:// or https:// URL"),
    )
    tags: Mapping[str, str] = Field(
        default={},
        description="Tags of every resource, in addition to application, environment and owner.",
        json_schema_extra=tags(MOST_TAGS),
    )
    permissions_boundary: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_+=,.@/-]{1,128}$",
        description="Name of a managed policy that is the permissions boundary of every role.",
        json_schema_extra=pattern_error("a managed policy's name: at most 128 of letters, digits and + = , . @ / _ -"),
    )
    termination_protection: bool = Field(
        default=True, description="Whether CloudFormation refuses to delete the stacks."
    )
    removal_policy: Literal["retain", "destroy"] = Field(
        default="retain", description="What happens to buckets, KMS key and logs when their stack is deleted."
    )
    models: Mapping[Name, ModelConfig] = Field(
        min_length=1, description="The models in use, each under a name that you choose."
    )
    datasets: Mapping[Name, DatasetConfig] = Field(default={}, description="The datasets, by name.")
    evaluations: Mapping[Name, EvaluationConfig] = Field(default={}, description="The evaluations, by name.")
    guardrails: tuple[GuardrailConfig, ...] = Field(
        default=(), description="The guardrails to monitor.", json_schema_extra={"uniqueItems": True}
    )
    watched_elsewhere: tuple[WatchedElsewhere, ...] = Field(
        default=(),
        description="Ids of models, inference profiles and guardrails of this account that another "
        "environment or application monitors; `prefix*` matches every id that begins with the "
        "prefix. Has an effect with `owns_account` only: the alarms `unwatched-models` and "
        "`unread-metrics` ignore these ids.",
        json_schema_extra={"uniqueItems": True},
    )
    own_profile: bool = Field(
        default=True,
        description="Evaluations call models through application inference profiles of their own, so their "
        "traffic does not appear in the metrics of production. Where CloudFormation has no such "
        "profiles, the default is `false`.",
    )
    invocation_logging: InvocationLoggingConfig = Field(
        default=InvocationLoggingConfig(), description="The account's model invocation logging."
    )
    retention_days: RetentionConfig = Field(default=RetentionConfig(), description="How long data is kept.")
    # Assumption: subscriber-stays
    subscriptions: tuple[SubscriptionConfig, ...] = Field(
        default=(),
        description="Who is notified of alarms. SNS deletes an e-mail subscription that is not confirmed "
        "within 48 hours; one click in any message unsubscribes (also the click of a mail "
        "scanner); SNS throttles above ten messages a second. The watchdog counts the "
        "subscriptions that remain.",
        json_schema_extra={"uniqueItems": True},
    )
    budget: BudgetConfig | None = Field(default=None, description="A monthly budget. Left out: no budget.")
    alarms: AlarmsConfig = Field(default=AlarmsConfig(), description="Thresholds of the alarms.")

    @property
    def prefix(self) -> str:
        """The prefix of every fixed physical name."""
        return prefix(application=self.application, environment=self.name)

    @property
    def resource_tags(self) -> Mapping[str, str]:
        """The tags of every resource and evaluation job."""
        return {**self.tags, "application": self.application, "environment": self.name, "owner": self.owner}

    @property
    def has_own_profiles(self) -> bool:
        """True when evaluations call models through profiles of their own; the simulator has profiles in every
        Region.
        """
        return self.own_profile and (self.stand_in or exists(APPLICATION_PROFILE, region=self.region))

    @property
    def logs_invocations(self) -> bool:
        """True when this environment sets the account's model invocation logging."""
        return self.owns_account and self.invocation_logging.mode != "none"

    @property
    def log_filters(self) -> tuple[LogFilter, ...]:
        """The metric filters on the invocation log; none where another environment makes the log."""
        if not self.logs_invocations:
            return ()
        logging = self.invocation_logging
        return (*(ALARMED if logging.text else ()), *(WANTED if logging.metrics else ()))

    @property
    def interventions_counted(self) -> bool:
        """True when interventions in model calls are counted, here or by the environment that owns the account."""
        return not self.owns_account or any(each in ALARMED for each in self.log_filters)

    @property
    def asks_people(self) -> bool:
        """True when an evaluation is rated by people."""
        return any(config.job_kind is JobKind.HUMAN for config in self.evaluations.values())

    @property
    def asked_models(self) -> tuple[str, ...]:
        """The keys of the models that evaluations call for answers; judges are not among them."""
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
        """The thresholds of alarms, with those of one model where it is given."""
        shared = self.alarms.thresholds
        return shared if model is None else self.models[model].alarms.over(shared)

    def rates(self, name: str) -> Rates | None:
        """The rates of the model behind a key of `models`; None when the file has none."""
        config = self.models[name].rates
        return None if config is None else Rates(**config.model_dump())
