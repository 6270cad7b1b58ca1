"""The one rule for names, and the run ids."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bedrock_eval.errors import UserError

NAME_PATTERN = r"[a-z][a-z0-9-]{0,23}"
NAME_RULE = "a lower-case letter, then at most 23 of a-z, 0-9 and -"
PREFIX_LIMIT = 32

# A run id has four digits of a year, and what counts from a run's time still has to be a time.
_YEARS = range(1970, 9999)
RUN_ID_PATTERN = r"([0-9]{8}T[0-9]{6}Z)(-manual-[0-9a-f]{4})?(-retry-[0-9a-f]{4})?"
_RUN_ID = re.compile(RUN_ID_PATTERN)
_MARK = re.compile(r"[0-9a-f]{4}")


class RunIdError(UserError, ValueError):
    """A scheduled time or a manual mark that no run id can be made of."""


def is_name(text: str) -> bool:
    """Whether `text` can name an environment, an evaluation, a candidate or a dataset."""
    return re.fullmatch(NAME_PATTERN, text) is not None


def prefix(*, application: str, environment: str) -> str:
    """What every fixed physical name of an environment begins with."""
    return f"{application}-{environment}"


def parse_scheduled_time(text: object) -> datetime:
    """Read EventBridge Scheduler's `<aws.scheduler.scheduled-time>` (ISO 8601 with a zone), in UTC.

    Raises:
        RunIdError: the text is not such a time; a run without one would get an id of its own at every delivery.
    """
    allowed = "an ISO 8601 time with a zone, as 2026-11-23T06:00:00Z"
    if not isinstance(text, str):
        raise RunIdError(f"scheduledTime: {text!r} is not text; needed: {allowed}")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise RunIdError(f"scheduledTime: {text!r} does not parse; needed: {allowed}") from None
    if moment.tzinfo is None:
        raise RunIdError(f"scheduledTime: {text!r} has no time zone; needed: {allowed}")
    if moment.year not in _YEARS:
        years = f"of the years {_YEARS[0]} to {_YEARS[-1]}"
        raise RunIdError(f"scheduledTime: {text!r} is no time of a run; needed: {allowed}, {years}")
    return moment.astimezone(UTC)


def run_id(scheduled: datetime, *, manual: str | None = None) -> str:
    """`YYYYMMDDTHHMMSSZ`, with `-manual-<4 hex>` for a run started by hand. Sorts by time."""
    stamp = scheduled.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    if manual is None:
        return stamp
    if not _MARK.fullmatch(manual):
        raise RunIdError(f"manual: {manual!r} is not 4 hexadecimal digits")
    return f"{stamp}-manual-{manual}"


def retry_id(identifier: str, *, mark: str) -> str:
    """`<run-id>-retry-<4 hex>`: the run that asks again what failed in another. A retry is retried under the first id.

    Raises:
        RunIdError: not a run id, or not 4 hexadecimal digits.
    """
    run_time(identifier)
    if not _MARK.fullmatch(mark):
        raise RunIdError(f"retry: {mark!r} is not 4 hexadecimal digits")
    return f"{identifier.partition('-retry-')[0]}-retry-{mark}"


def run_time(identifier: str) -> datetime:
    """The scheduled time that a run id was made of.

    Raises:
        RunIdError: the text is not a run id.
    """
    match = _RUN_ID.fullmatch(identifier)
    try:
        stamp = match[1] if match else ""
        return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        allowed = "YYYYMMDDTHHMMSSZ, or that with -manual-<4 hex> or -retry-<4 hex>"
        raise RunIdError(f"{identifier!r} is not a run id ({allowed})") from None


def is_run_id(text: str) -> bool:
    """Whether `text` is a run id; other names may lie beside runs."""
    try:
        run_time(text)
    except RunIdError:
        return False
    return True


def is_scheduled(text: str) -> bool:
    """Whether `text` is the id of a run that a schedule started, and nobody by hand."""
    match = _RUN_ID.fullmatch(text)
    return match is not None and match[2] is None and match[3] is None and is_run_id(text)


def start_minute(moment: datetime) -> datetime:
    """The minute in which a moment lies, in UTC: what datums carry as their timestamp."""
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


@dataclass(frozen=True)
class PhysicalNames:
    """Every fixed physical name of an environment. What is not named here gets its name from CloudFormation."""

    prefix: str

    @property
    def state_machine(self) -> str:
        return f"{self.prefix}-evaluation"

    @property
    def jobs_state_machine(self) -> str:
        """The one for evaluations that Bedrock scores."""
        return f"{self.prefix}-evaluation-jobs"

    def machine(self, *, jobs: bool) -> str:
        """The state machine that runs an evaluation of ours, or with `jobs` one that Bedrock scores."""
        return self.jobs_state_machine if jobs else self.state_machine

    @property
    def custom_evaluator(self) -> str:
        return f"{self.prefix}-custom-evaluator"

    @property
    def evaluation_jobs(self) -> str:
        """The function that starts and collects evaluation jobs."""
        return f"{self.prefix}-evaluation-jobs"

    @property
    def watchdog(self) -> str:
        return f"{self.prefix}-watchdog"

    @property
    def schedule_group(self) -> str:
        return self.prefix

    @property
    def dead_letters(self) -> str:
        """The queue of schedule deliveries that failed."""
        return f"{self.prefix}-schedule-dead-letters"

    @property
    def scheduler_role(self) -> str:
        return f"{self.prefix}-scheduler"

    @property
    def evaluation_role(self) -> str:
        """The role that Bedrock evaluation jobs assume."""
        return f"{self.prefix}-evaluation-job"

    def inference_profile(self, model_name: str) -> str:
        """What the names of a model's profiles begin with, without two hyphens in a row; a hyphen and a hash follow."""
        return re.sub("-+", "-", f"{self.prefix}-{model_name}").removesuffix("-")

    def flow_definition(self, evaluation: str) -> str:
        """What the name of an evaluation's flow definition begins with; a hash of its content follows."""
        return f"{self.prefix}-{evaluation}"

    @property
    def topic(self) -> str:
        """Where alarms report."""
        return f"{self.prefix}-alarms"

    @property
    def messages_topic(self) -> str:
        """Where people hear of them in words."""
        return f"{self.prefix}-messages"

    @property
    def chat_topic(self) -> str:
        """The same, as Amazon Q Developer in chat applications takes it."""
        return f"{self.prefix}-chat"

    @property
    def alarm_formatter(self) -> str:
        return f"{self.prefix}-alarm-formatter"

    @property
    def dashboard(self) -> str:
        return self.prefix

    def budget(self, notify_percent: Sequence[float]) -> str:
        """Ends with the percentages: CloudFormation replaces a budget when they change, and makes the new one first."""
        return "-".join((self.prefix, *(f"{percent:.10g}" for percent in notify_percent)))

    def profile_parameter(self, model: str, value: str) -> str:
        """Where the `id` or `arn` of a model's application inference profile stands in Parameter Store, or the
        `evaluation-id` of the one that evaluations call."""
        return f"/{self.prefix}/profiles/{model}/{value}"

    def logging_parameter(self, value: str) -> str:
        """Where something about model invocation logging stands in Parameter Store."""
        return f"/{self.prefix}/invocation-logging/{value}"

    def schedule(self, evaluation: str) -> str:
        return f"{self.prefix}-{evaluation}"

    def function(self, purpose: str) -> str:
        """A function that serves a custom resource."""
        return f"{self.prefix}-{purpose}"

    def alarm(self, kind: str, *subject: str) -> str:
        """The severity is in the description, the kind and what it is about in the name."""
        return "-".join((self.prefix, kind, *subject))

    def log_filter(self, name: str) -> str:
        """A metric filter of the invocation log."""
        return f"{self.prefix}-{name}"

    def saved_query(self, name: str) -> str:
        """The console shows what stands before the slash as a folder."""
        return f"{self.prefix}/{name}"

    def stack(self, room: str) -> str:
        return f"{self.prefix}-{room}"
