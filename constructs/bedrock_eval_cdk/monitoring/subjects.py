"""What is monitored: the parts of an environment that alarms and the dashboard are about."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bedrock_eval import catalogue
from bedrock_eval.alarms.thresholds import Thresholds
from bedrock_eval.evaluation.definition import Gate
from bedrock_eval.names import PhysicalNames
from bedrock_eval.pricing.costs import Rates
from bedrock_eval.scores.measures import Measure
from bedrock_eval_cdk.core.context import Identity

# Assumption: log-delivery-dimension
DELIVERY_DIMENSIONS: Mapping[str, str] = {catalogue.MODEL_ID: catalogue.ALL_MODELS}
"""Of the delivery of invocation logs; each metric takes of it what it has."""


@dataclass(frozen=True)
class Quota:
    """The account's on-demand quotas of a model; None: not known."""

    tokens_per_minute: int | None = None
    requests_per_minute: int | None = None


@dataclass(frozen=True)
class MonitoredGuardrail:
    """A guardrail in one version; `arn` may hold tokens of CDK."""

    name: str
    arn: str
    version: str

    @property
    def dimensions(self) -> Mapping[str, str]:
        return {catalogue.GUARDRAIL_ARN: self.arn, catalogue.GUARDRAIL_VERSION: self.version}


@dataclass(frozen=True)
class MonitoredModel:
    """A model that is monitored.

    Attributes:
        model_id: as declared.
        thresholds: of its alarms: the environment's with its own in their places.
        rates: what its tokens cost; None: unknown, and shown as unpriced tokens.
        profile_id: of the application inference profile that the application calls it through; a token of CDK.
        evaluation_id: of the one that evaluations call it through; likewise.
        quota: None: not known, and its use is not watched.
        called_arn: what a call may name instead of `metric_id`; may hold tokens of CDK.
    """

    name: str
    model_id: str
    thresholds: Thresholds = field(default_factory=Thresholds)
    rates: Rates | None = None
    profile_id: str | None = None
    evaluation_id: str | None = None
    quota: Quota | None = None
    called_arn: str = ""

    @property
    def metric_id(self) -> str:
        """The id that is called, which is the `ModelId` dimension of AWS/Bedrock."""
        return self.profile_id or self.model_id

    @property
    def dimensions(self) -> Mapping[str, str]:
        return {catalogue.MODEL_ID: self.metric_id}

    @property
    def logged_dimensions(self) -> Mapping[str, Mapping[str, str]]:
        """By id and by ARN, as the invocation log has the model: what the caller wrote."""
        return {"g": self.dimensions, "h": {catalogue.MODEL_ID: self.called_arn}}


@dataclass(frozen=True)
class MonitoredCandidate:
    """A candidate of an evaluation, under the model id that its scores are published with."""

    name: str
    model_id: str


@dataclass(frozen=True)
class MonitoredEvaluation:
    """One evaluation.

    Attributes:
        measures: what its metrics are, whoever scores them.
        scheduled: the watchdog knows when it is due.
        jobs: Bedrock scores it by evaluation jobs, which do not tell their tokens.
        own_profile: it calls through profiles of its own, so that its counts can be held against AWS's.
    """

    application: str
    name: str
    candidates: tuple[MonitoredCandidate, ...]
    measures: tuple[Measure, ...]
    gates: tuple[Gate, ...]
    min_coverage: float
    scheduled: bool
    jobs: bool = False
    own_profile: bool = False

    @property
    def dimensions(self) -> Mapping[str, str]:
        return {catalogue.APPLICATION: self.application, catalogue.EVALUATION: self.name}

    def candidate_dimensions(self, candidate: MonitoredCandidate) -> Mapping[str, str]:
        return {**self.dimensions, catalogue.CANDIDATE: candidate.name, catalogue.MODEL_ID: candidate.model_id}

    def verdict_dimensions(self, candidate: MonitoredCandidate, gate: Gate) -> Mapping[str, str]:
        return {**self.candidate_dimensions(candidate), catalogue.METRIC: gate.metric}


@dataclass(frozen=True)
class MonitoredMachine:
    """A state machine that runs evaluations.

    Attributes:
        arn: made of the name, as the machine is another stack's.
        subject: what tells its alarm from that of the other one.
        function: the name of the function that it calls.
    """

    name: str
    arn: str
    function: str
    subject: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Of its function, in graphs."""
        return ", ".join(("evaluator", *self.subject))

    @property
    def dimensions(self) -> Mapping[str, str]:
        return {"StateMachineArn": self.arn}


@dataclass(frozen=True)
class MonitoredRunner:
    """What runs evaluations.

    Attributes:
        dead_letters: the name of the queue of schedule deliveries that failed; None: nothing is scheduled.
        subject: what tells its alarms from those of another runner.
    """

    machines: tuple[MonitoredMachine, ...]
    dead_letters: str | None
    subject: tuple[str, ...] = ()

    def dead_letters_dimensions(self, application: str) -> Mapping[str, str]:
        """The dimensions of the queue's own count and of the watchdog's."""
        return {catalogue.APPLICATION: application, catalogue.QUEUE: self.dead_letters or ""}


@dataclass(frozen=True)
class MonitoredModels:
    """The models and guardrails that one dashboard is about.

    Attributes:
        owns_account: alarms on AWS/Bedrock, whose figures are the whole account's, are made here.
        own_profile: evaluations call through profiles of their own and are not in the models' figures; None: nothing
            is known of evaluations.
        interventions: what guardrails do inside of model calls is counted, here or by the account's owner.
        watchdog: there is one, which adds up the cost of the month.
        budget: the name of the budget, if there is one.
    """

    identity: Identity
    models: tuple[MonitoredModel, ...]
    guardrails: tuple[MonitoredGuardrail, ...] = ()
    owns_account: bool = True
    own_profile: bool | None = None
    interventions: bool = False
    watchdog: bool = False
    budget: str | None = None

    @property
    def own_models(self) -> tuple[MonitoredModel, ...]:
        """Whose figures are this environment's concern: its profiles, and for the account's owner all it declares."""
        return tuple(model for model in self.models if self.owns_account or model.profile_id is not None)

    @property
    def application_dimensions(self) -> Mapping[str, str]:
        return {catalogue.APPLICATION: self.identity.application}


@dataclass(frozen=True)
class MonitoredEnvironment:
    """An environment with a watchdog and a formatter, under fixed names."""

    models: MonitoredModels
    evaluations: tuple[MonitoredEvaluation, ...]
    runner: MonitoredRunner

    @property
    def names(self) -> PhysicalNames:
        return self.models.identity.fixed_names

    @property
    def application_dimensions(self) -> Mapping[str, str]:
        return self.models.application_dimensions

    @property
    def formatter_dimensions(self) -> Mapping[str, str]:
        return {"FunctionName": self.names.alarm_formatter, "TopicName": self.names.topic}

    @property
    def messages_dimensions(self) -> Mapping[str, str]:
        return {"TopicName": self.names.messages_topic}

    @property
    def dead_letters_dimensions(self) -> Mapping[str, str]:
        return self.runner.dead_letters_dimensions(self.models.identity.application)
