"""What all alarms of an environment share: names, thresholds, severities and the end of every description."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bedrock_eval.alarms import kinds
from bedrock_eval.alarms.description import AlarmDescription, DescriptionError
from bedrock_eval.alarms.kinds import AlarmKind, Severity
from bedrock_eval.alarms.thresholds import Thresholds
from bedrock_eval_cdk.core.context import Identity, stack_identity
from bedrock_eval_cdk.core.errors import DeclarationError
from bedrock_eval_cdk.monitoring.routed_alarm import RoutedAlarm
from constructs import Construct, IDependable

_MOST_NAME = 255
"""Characters of an alarm's name. Source: CloudWatch API reference, PutMetricAlarm and PutCompositeAlarm."""

# Without a watchdog nobody publishes what these watch: they would never have data, or be in alarm from the first day.
_OF_THE_WATCHDOG = frozenset(
    kind.name
    for kind in (
        kinds.ACTIONS_FAILED,
        kinds.BUDGET_BLIND,
        kinds.END_OF_LIFE,
        kinds.METRICS_DIFFER,
        kinds.RUN_OVERDUE,
        kinds.SUBSCRIBERS_MISSING,
        kinds.SUBSCRIBERS_PENDING,
        kinds.UNREAD_METRICS,
        kinds.UNWATCHED_MODELS,
        kinds.WATCHDOG_SILENT,
    )
)


@dataclass(frozen=True)
class AlarmPolicy:
    """What holds for every alarm of an environment.

    Attributes:
        thresholds: of subjects that have none of their own.
        severities: by kind, where the environment says otherwise than the table; None: not made.
        first_data: what puts the first datapoint of liveness alarms; they are made after it, or they would be in alarm
            at the first deploy. None: there is no watchdog, and no alarm about what it reports.
        explaining: alarms about the whole environment that were made before, which explain others.
        taken: the subjects of the alarms that were made, by name.
    """

    identity: Identity
    thresholds: Thresholds
    severities: Mapping[str, Severity | None] = field(default_factory=dict)
    first_data: IDependable | None = None
    explaining: tuple[RoutedAlarm, ...] = ()
    taken: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def severity(self, kind: AlarmKind) -> Severity | None:
        """The severity of a kind; None: no alarm of it is made."""
        if self.first_data is None and kind.name in _OF_THE_WATCHDOG:
            return None
        return self.severities.get(kind.name, kind.severity)

    def take_name(self, *words: str, subject: tuple[str, ...]) -> str | None:
        """The physical name of an alarm, which no other has; None: CloudFormation chooses one.

        Raises:
            DeclarationError: CloudWatch would refuse it, or another subject has this name.
        """
        chosen = self.identity.name(lambda names: names.alarm(*words))
        name = chosen or "-".join(words)
        if len(name) > _MOST_NAME:
            raise DeclarationError(f"alarm name {name!r} has {len(name)} characters; allowed: {_MOST_NAME}")
        if name in self.taken:
            taken = ", ".join(self.taken[name])
            raise DeclarationError(f"alarm {name} would be about both ({taken}) and ({', '.join(subject)}): rename one")
        self.taken[name] = subject
        return chosen

    def description(self, said: AlarmDescription, *, entry: str) -> str:
        """The description of an alarm, with whom and where to ask.

        Args:
            entry: of the runbook.

        Raises:
            DeclarationError: CloudWatch would refuse it as too long.
        """
        identity = self.identity
        whole = replace(
            said,
            owner=identity.owner,
            dashboard=identity.name(lambda names: names.dashboard),
            runbook=identity.runbook and f"{identity.runbook}#{entry}",
        )
        try:
            return whole.compose()
        except DescriptionError as error:
            raise DeclarationError(f"description of alarm {entry}, with owner and runbook: {error}") from error


def standalone_policy(scope: Construct) -> AlarmPolicy:
    """The default thresholds, for a construct in a stack of any app."""
    return AlarmPolicy(stack_identity(scope), Thresholds())
