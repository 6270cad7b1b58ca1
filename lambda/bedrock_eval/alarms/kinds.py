"""Every kind of alarm in one table: what it watches, how silence is read, how severe it is, what it says.

Three policies of missing data, by what silence means: no traffic is no trouble, a run that has not happened again
leaves the last word standing, and a watcher that says nothing is itself the trouble. The stacks make alarms of these
kinds and no others; the name of a kind is in the alarm's name, in the environment file and the heading of its entry in
docs/runbook.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from bedrock_eval import catalogue
from bedrock_eval.alarms.thresholds import (
    DAYS,
    DOLLARS,
    MILLISECONDS,
    REQUESTS,
    SHARE_OF_CALLS,
    SHARE_OF_QUOTA,
    SHARE_OF_REQUESTS,
    SPEED,
    TOKENS,
    Thresholds,
)
from bedrock_eval.alarms.units import Unit, length
from bedrock_eval.metric_math import beside, filled, judged, known, summed, total_of
from bedrock_eval.pricing.costs import TOKEN_METRICS
from bedrock_eval.verdicts.gates import WORDS

_HOUR = 3_600
_DAY = 86_400
_WEEK = 604_800


class Severity(StrEnum):
    """How soon somebody looks: critical at once, warning in working hours."""

    CRITICAL = "critical"
    WARNING = "warning"


class MissingData(StrEnum):
    """What a period without data means, by what the alarm watches; the value is CloudWatch's TreatMissingData."""

    TRAFFIC = "notBreaching"
    RUN = "ignore"
    LIVENESS = "breaching"


class Comparison(StrEnum):
    """When a datapoint breaches; the value is CloudWatch's ComparisonOperator."""

    ABOVE = "GreaterThanThreshold"
    AT_LEAST = "GreaterThanOrEqualToThreshold"
    BELOW = "LessThanThreshold"
    ABOVE_BAND = "GreaterThanUpperThreshold"


class Incident(StrEnum):
    """What goes wrong as one: alarms of one severity, incident and subject are told once, by a composite alarm."""

    SERVICE = "service"
    USAGE = "usage"
    RUN = "run"
    QUALITY = "quality"

    @property
    def subject_parts(self) -> int:
        """How many parts of an alarm's subject say whose incident it is: the model, the evaluation and candidate."""
        return 2 if self is Incident.QUALITY else 1


@dataclass(frozen=True)
class Window:
    """`datapoints` of `periods` periods of `seconds` each must breach."""

    seconds: int
    datapoints: int
    periods: int

    def check(self) -> None:
        """Hold to what PutMetricAlarm takes; CDK, its validation and cfn-lint let more pass.

        Raises:
            ValueError: naming the limit.
        """
        if self.seconds not in {10, 20, 30} and (self.seconds < 60 or self.seconds % 60):
            raise ValueError(f"period {self.seconds} s; allowed: 10, 20, 30 or a multiple of 60 s")
        if not 1 <= self.datapoints <= self.periods:
            raise ValueError(f"{self.datapoints} of {self.periods} datapoints; allowed: 1 to {self.periods}")
        most = _DAY if self.seconds < _HOUR else _WEEK
        if self.seconds * self.periods > most:
            back = self.seconds * self.periods
            raise ValueError(f"{self.periods} periods of {self.seconds} s look back {back} s; allowed: {most} s")

    def __str__(self) -> str:
        periods = "1 period" if self.periods == 1 else f"{self.datapoints} of {self.periods} periods"
        return f"{periods} of {length(self.seconds)}"


@dataclass(frozen=True)
class AlarmKind:
    """One row of the table.

    Attributes:
        name: in the alarm's name, and the anchor in the runbook.
        severity: unless the environment says otherwise; None: not made unless the environment gives one.
        incident: None: told by itself, because it stands for long and would hide the next incident of a composite.
        metrics: by the id that `expression` calls them; rates that share a graph must mean one metric by one id. A
            single metric when there is no expression. Kinds about tokens, cost and quota take those of their model.
        unit: of the value that is held against the threshold, whatever the metrics are measured in.
        threshold: None as its result: no alarm. None as the function: the subject has a threshold of its own.
        expression: metric math, with `{floor}` for the traffic floor and `{threshold}`.
        drawn: the same for a graph, without a value where the alarm reads one that breaches nothing: what is not
            judged is unknown, and not 0.
        datapoints: replaces those of the window, when the environment sets them.
        unless: a kind about the whole environment; while that rings, this one is explained and is not told.
        happened: what is known when it rings, with `{subject}` and `{threshold}`.
        look_at: where to look first.
    """

    name: str
    severity: Severity | None
    missing_data: MissingData
    metrics: Mapping[str, catalogue.Metric]
    unit: Unit
    comparison: Comparison
    window: Window
    happened: str
    look_at: str
    threshold: Callable[[Thresholds], float | None] | None = None
    incident: Incident | None = None
    expression: str | None = None
    drawn: str | None = None
    datapoints: Callable[[Thresholds], int] | None = None
    unless: str | None = None

    @property
    def axis(self) -> str:
        """What stands beside the axis of a graph of what it watches."""
        return self.unit.axis(self.window.seconds)

    def window_of(self, thresholds: Thresholds) -> Window:
        """The window under an environment's thresholds."""
        return self.window if self.datapoints is None else replace(self.window, datapoints=self.datapoints(thresholds))


def guarded_rate(part: str, whole: str = "i") -> str:
    """Per cent of `part` in all requests, 0 below the traffic floor.

    A model that is throttled throughout has no Invocations. AWS has described Invocations both as every accepted
    request and as the successful ones; the failed ones are added, so that the rate is never above the true one and
    total failure still reads as TOTAL_FAILURE_PERCENT or more.
    """
    everything = total_of((whole, part))
    return f"IF({everything} >= {{floor}}, {_rate(part, whole)}, 0)"


def judged_rate(part: str, whole: str = "i") -> str:
    """The same without a value below the traffic floor."""
    return judged(_rate(part, whole), f"{total_of((whole, part))} >= {{floor}}")


def _rate(part: str, whole: str) -> str:
    return f"100*{beside(part, filled(whole))}/{total_of((whole, part))}"


# Assumption: wider-range-of-missing-data
# The figures of a run carry its start minute and a run may take a day: the window is that day and one datapoint
# decides, or the verdict of a long run would come too late to be seen.
_RUN_WINDOW = Window(seconds=_HOUR, datapoints=1, periods=24)
_BURST = Window(seconds=300, datapoints=2, periods=3)
_LASTING = Window(seconds=300, datapoints=3, periods=5)
_EVENT = Window(seconds=300, datapoints=1, periods=1)
# What fails with every call or message is one incident, however rare these are: an hour without it ends it.
_INCIDENT = Window(seconds=300, datapoints=1, periods=12)
_ONE_HOUR = Window(seconds=_HOUR, datapoints=1, periods=1)
_ONE_DAY = Window(seconds=_DAY, datapoints=1, periods=1)
_MINUTES = Window(seconds=60, datapoints=3, periods=5)
PENDING_HOURS = 12
"""How long a subscriber may take to confirm before somebody else hears of it."""

# The slowest tenth of three calls is one call: below the traffic floor there is nothing to judge.
_LATENCY = {"l": catalogue.INVOCATION_LATENCY, "n": replace(catalogue.INVOCATION_LATENCY, statistic="SampleCount")}
_JUDGED_LATENCY = judged("l", "FILL(n,0) >= {floor}")

LATENCY_P90 = AlarmKind(
    name="latency-p90",
    severity=Severity.WARNING,
    incident=Incident.SERVICE,
    missing_data=MissingData.TRAFFIC,
    metrics=_LATENCY,
    expression="IF(FILL(n,0) >= {floor}, l, 0)",
    drawn=_JUDGED_LATENCY,
    unit=MILLISECONDS,
    comparison=Comparison.ABOVE,
    threshold=lambda limits: limits.latency_p90_ms,
    window=_LASTING,
    happened="One in ten requests to model {subject} takes longer than {threshold} ms to the last token.",
    look_at="output tokens (longer answers take longer), then throttles and the AWS Health Dashboard.",
)
LATENCY_ANOMALY = AlarmKind(
    name="latency-anomaly",
    severity=Severity.WARNING,
    incident=Incident.SERVICE,
    missing_data=MissingData.TRAFFIC,
    metrics=_LATENCY,
    # Without a value below the floor: zeros would become part of what is usual.
    expression=_JUDGED_LATENCY,
    unit=MILLISECONDS,
    comparison=Comparison.ABOVE_BAND,
    threshold=lambda limits: limits.latency_anomaly,
    window=_LASTING,
    happened="The p90 latency of model {subject} is more than {threshold} standard deviations above the expected "
    "value for this hour.",
    look_at="output tokens (longer answers take longer); the band needs two weeks of traffic.",
)
# Documented in the Bedrock user guide, monitoring-runtime-otps: m2/(m1-m3)*1000 of p50s. Only streamed requests have a
# time to the first token, so that their number is the floor; below it the expression gives the threshold, which is
# not below itself. A missing value is taken as 0: without tokens that are counted the speed would read 0, and ring.
OUTPUT_SPEED_MATH = "m2/(m1-m3)*1000"
_STREAMED = "FILL(n,0) >= {floor} AND m1 > m3 AND m2 > 0"
OUTPUT_SPEED = AlarmKind(
    name="output-speed",
    severity=Severity.WARNING,
    incident=Incident.SERVICE,
    missing_data=MissingData.TRAFFIC,
    metrics={
        "m1": replace(catalogue.INVOCATION_LATENCY, statistic="p50"),
        "m2": replace(catalogue.OUTPUT_TOKENS, statistic="p50"),
        "m3": replace(catalogue.TIME_TO_FIRST_TOKEN, statistic="p50"),
        "n": replace(catalogue.TIME_TO_FIRST_TOKEN, statistic="SampleCount"),
    },
    expression=f"IF({_STREAMED}, {OUTPUT_SPEED_MATH}, {{threshold}})",
    drawn=judged(OUTPUT_SPEED_MATH, _STREAMED),
    unit=SPEED,
    comparison=Comparison.BELOW,
    threshold=lambda limits: limits.output_tokens_per_second,
    window=_LASTING,
    happened="Model {subject} streams fewer than {threshold} output tokens per second: the service is slow; the "
    "length of answers does not matter here.",
    look_at="the AWS Health Dashboard, and the same model in another Region or through another profile.",
)
SERVER_ERRORS = AlarmKind(
    name="server-errors",
    severity=Severity.CRITICAL,
    incident=Incident.SERVICE,
    missing_data=MissingData.TRAFFIC,
    metrics={"i": catalogue.INVOCATIONS, "s": catalogue.SERVER_ERRORS},
    expression=guarded_rate("s"),
    drawn=judged_rate("s"),
    unit=SHARE_OF_REQUESTS,
    comparison=Comparison.ABOVE,
    threshold=lambda limits: limits.server_error_percent,
    window=_BURST,
    happened="More than {threshold} % of the requests to model {subject} end in a server error.",
    look_at="the AWS Health Dashboard, and the errorCode of the failed requests in the invocation log.",
)
# Assumption: client-errors-hold-403
CLIENT_ERRORS = AlarmKind(
    name="client-errors",
    severity=Severity.WARNING,
    incident=Incident.SERVICE,
    missing_data=MissingData.TRAFFIC,
    metrics={"i": catalogue.INVOCATIONS, "c": catalogue.CLIENT_ERRORS},
    expression=guarded_rate("c"),
    drawn=judged_rate("c"),
    unit=SHARE_OF_REQUESTS,
    comparison=Comparison.ABOVE,
    threshold=lambda limits: limits.client_error_percent,
    window=_BURST,
    happened="More than {threshold} % of the requests to model {subject} are refused with a client error (4xx).",
    look_at="errorCode and identity in the invocation log: a new release, a missing permission or a retired model. "
    "AWS does not document whether it counts and logs the last two: ask the callers too.",
)
THROTTLES = AlarmKind(
    name="throttles",
    severity=Severity.WARNING,
    incident=Incident.SERVICE,
    missing_data=MissingData.TRAFFIC,
    metrics={"i": catalogue.INVOCATIONS, "t": catalogue.THROTTLES},
    expression=guarded_rate("t"),
    drawn=judged_rate("t"),
    unit=SHARE_OF_REQUESTS,
    comparison=Comparison.ABOVE,
    threshold=lambda limits: limits.throttle_percent,
    window=_BURST,
    happened="More than {threshold} % of the requests to model {subject} are throttled.",
    look_at="requests and tokens against the quotas of this model, and who sends more than before.",
)
THROTTLE_COUNT = AlarmKind(
    name="throttle-count",
    severity=Severity.WARNING,
    incident=Incident.SERVICE,
    missing_data=MissingData.TRAFFIC,
    metrics={"t": catalogue.THROTTLES},
    unit=REQUESTS,
    comparison=Comparison.AT_LEAST,
    threshold=lambda limits: limits.throttle_count,
    window=_BURST,
    happened="{threshold} or more requests to model {subject} were throttled in 5 minutes.",
    look_at="Invocations: if there are none, Bedrock throttles every request, and the throttle rate has no value.",
)
# Assumption: quota-metric-statistic
QUOTA_TOKENS = AlarmKind(
    name="quota-tokens",
    severity=Severity.WARNING,
    incident=Incident.USAGE,
    missing_data=MissingData.TRAFFIC,
    metrics={"q": catalogue.QUOTA_TOKENS},
    unit=SHARE_OF_QUOTA,
    comparison=Comparison.AT_LEAST,
    threshold=lambda limits: limits.quota_percent,
    window=_MINUTES,
    happened="Model {subject} uses {threshold} % or more of its quota of tokens per minute; throttling comes next. "
    "The value is an estimate by AWS; its statistic (Sum) is unverified.",
    look_at="which caller sends more than before; max_tokens, which Bedrock reserves on top of this estimate.",
)
QUOTA_REQUESTS = AlarmKind(
    name="quota-requests",
    severity=Severity.WARNING,
    incident=Incident.USAGE,
    missing_data=MissingData.TRAFFIC,
    metrics={"i": catalogue.INVOCATIONS},
    unit=SHARE_OF_QUOTA,
    comparison=Comparison.AT_LEAST,
    threshold=lambda limits: limits.quota_percent,
    window=_MINUTES,
    happened="Model {subject} uses {threshold} % or more of its quota of requests per minute; throttling comes next.",
    look_at="who sends more than before: requests by identity in the invocation log.",
)
TOKENS_PER_HOUR = AlarmKind(
    name="tokens-per-hour",
    severity=Severity.WARNING,
    incident=Incident.USAGE,
    missing_data=MissingData.TRAFFIC,
    metrics=TOKEN_METRICS,
    expression=total_of(TOKEN_METRICS),
    unit=TOKENS,
    comparison=Comparison.ABOVE,
    threshold=lambda limits: limits.tokens_per_hour,
    window=_ONE_HOUR,
    happened="Model {subject} used more than {threshold} tokens in an hour, including cached tokens.",
    look_at="tokens by identity in the invocation log: a loop, a new caller or longer prompts.",
)
TOKENS_PER_DAY = replace(
    TOKENS_PER_HOUR,
    name="tokens-per-day",
    threshold=lambda limits: limits.tokens_per_day,
    window=_ONE_DAY,
    happened="Model {subject} used more than {threshold} tokens in a day, including cached tokens.",
)
COST_PER_HOUR = AlarmKind(
    name="cost-per-hour",
    severity=Severity.WARNING,
    incident=Incident.USAGE,
    missing_data=MissingData.TRAFFIC,
    metrics=TOKEN_METRICS,
    unit=DOLLARS,
    comparison=Comparison.ABOVE,
    threshold=lambda limits: limits.cost_per_hour,
    window=_ONE_HOUR,
    happened="Model {subject} cost more than ${threshold} in an hour, by its declared rates.",
    look_at="tokens by identity in the invocation log: a loop, a new caller or longer prompts.",
)
COST_PER_DAY = replace(
    COST_PER_HOUR,
    name="cost-per-day",
    threshold=lambda limits: limits.cost_per_day,
    window=_ONE_DAY,
    happened="Model {subject} cost more than ${threshold} in a day, by its declared rates.",
)
UNPRICED_TOKENS = AlarmKind(
    name="unpriced-tokens",
    severity=Severity.WARNING,
    missing_data=MissingData.TRAFFIC,
    metrics=TOKEN_METRICS,
    unit=TOKENS,
    comparison=Comparison.AT_LEAST,
    threshold=lambda limits: 1 if limits.limits_cost else None,
    window=_ONE_DAY,
    happened="Model {subject} used unpriced tokens: its real cost is higher than the cost that the alarms compare.",
    look_at="declared rates of this model; cached tokens need rates of their own.",
)
LEGACY_MODEL = AlarmKind(
    name="legacy-model",
    severity=Severity.WARNING,
    missing_data=MissingData.TRAFFIC,
    metrics={"g": catalogue.LEGACY_INVOCATIONS},
    unit=REQUESTS,
    comparison=Comparison.AT_LEAST,
    threshold=lambda _: 1,
    window=Window(seconds=_HOUR, datapoints=1, periods=24),
    happened="Model {subject} is in state Legacy and still called: AWS will end it.",
    look_at="the model lifecycle page of the Bedrock user guide, and an evaluation of its successor.",
)
END_OF_LIFE = AlarmKind(
    name="end-of-life",
    severity=Severity.WARNING,
    # The watchdog tells the days; while it is silent, which has an alarm of its own, nothing has become better.
    missing_data=MissingData.RUN,
    metrics={"d": catalogue.DAYS_TO_END_OF_LIFE},
    unit=DAYS,
    comparison=Comparison.BELOW,
    threshold=lambda limits: limits.end_of_life_days,
    window=_ONE_HOUR,
    happened="Model {subject} reaches its end of life in fewer than {threshold} days; after that every call fails.",
    look_at="the successor's results: add it as a candidate of the evaluations that use this model.",
)
# Whichever set of dimensions AWS publishes; if it is both, a loss counts twice and rings no less.
DELIVERY_FAILURES = {
    "f": catalogue.LOG_DELIVERY_FAILURES,
    "fa": catalogue.LOG_DELIVERY_FAILURES_ACROSS,
    "l": catalogue.LARGE_DELIVERY_FAILURES,
    "la": catalogue.LARGE_DELIVERY_FAILURES_ACROSS,
}

# Assumption: log-delivery-dimension
LOG_DELIVERY = AlarmKind(
    name="log-delivery",
    severity=Severity.CRITICAL,
    missing_data=MissingData.TRAFFIC,
    metrics=DELIVERY_FAILURES,
    expression=total_of(DELIVERY_FAILURES),
    unit=Unit("failed delivery", "failed deliveries", adds_up=True),
    comparison=Comparison.AT_LEAST,
    threshold=lambda _: 1,
    window=_INCIDENT,
    happened="Bedrock could not deliver invocation logs of this account, or bodies that are too large for the log "
    "group; they are lost.",
    look_at="the delivery role, the log group, the bucket for large bodies and the key policy.",
)
# An intervention is an invocation: it is in both series.
_INTERVENED = f"100*{beside('v', filled('i'))}/{filled('i')}"
# Assumption: guardrail-metrics-apply-only
GUARDRAIL_INTERVENTIONS = AlarmKind(
    name="guardrail-interventions",
    severity=Severity.WARNING,
    missing_data=MissingData.TRAFFIC,
    metrics={"i": catalogue.GUARDRAIL_INVOCATIONS, "v": catalogue.GUARDRAIL_INTERVENED},
    expression=f"IF({filled('i')} >= {{floor}}, {_INTERVENED}, 0)",
    drawn=judged(_INTERVENED, f"{filled('i')} >= {{floor}}"),
    unit=SHARE_OF_CALLS,
    comparison=Comparison.ABOVE,
    threshold=lambda limits: limits.guardrail_intervention_percent,
    window=_LASTING,
    happened="Guardrail {subject} intervenes in more than {threshold} % of the calls of ApplyGuardrail.",
    look_at="which policy intervenes, on input or output: an attack, a new kind of user, or too strict a policy.",
)

# A call names its model by id or by ARN, and the log has what the caller wrote: g by id, h by ARN.
_LOGGED = summed((filled("g"), filled("h"), f"0*{filled('i')}"))
# Whether a call whose input was blocked is in Invocations is not documented. The larger of both is the whole: so the
# share is never below the true one, and never above 100.
# Assumption: blocked-calls-counted
_GUARDED = f"MAX([{filled('i')}, {_LOGGED}])"
_LOGGED_SHARE = f"100*{_LOGGED}/{_GUARDED}"
MODEL_INTERVENTIONS = AlarmKind(
    name="model-interventions",
    severity=Severity.WARNING,
    missing_data=MissingData.TRAFFIC,
    metrics={"i": catalogue.INVOCATIONS, **dict.fromkeys("gh", catalogue.LOGGED_INTERVENTIONS)},
    expression=f"IF({_GUARDED} >= {{floor}}, {_LOGGED_SHARE}, 0)",
    drawn=judged(_LOGGED_SHARE, f"{_GUARDED} >= {{floor}}"),
    unit=SHARE_OF_REQUESTS,
    comparison=Comparison.ABOVE,
    threshold=lambda limits: limits.model_intervention_percent,
    window=_LASTING,
    happened="Guardrails intervene in more than {threshold} % of the requests to model {subject}.",
    look_at="trace.guardrail of these records in the invocation log: which policy, on input or output; whose calls.",
)
RUN_FAILED = AlarmKind(
    name="run-failed",
    severity=Severity.CRITICAL,
    incident=Incident.RUN,
    missing_data=MissingData.RUN,
    metrics={"f": catalogue.RUN_FAILED},
    unit=Unit(codes=("not failed", "failed")),
    comparison=Comparison.AT_LEAST,
    threshold=lambda _: 1,
    window=_RUN_WINDOW,
    happened="A run of evaluation {subject} failed; it has no scores and no verdict.",
    look_at="reason and message in run.json of the newest run.",
)
JOBS_LEFT = AlarmKind(
    name="jobs-left",
    severity=Severity.WARNING,
    missing_data=MissingData.RUN,
    metrics={"l": catalogue.JOBS_LEFT},
    unit=Unit("job", "jobs"),
    comparison=Comparison.AT_LEAST,
    threshold=lambda _: 1,
    window=_RUN_WINDOW,
    happened="Evaluation {subject} has jobs that Bedrock refused to stop or delete: they may still run and cost "
    "money, or use up the account's quota of 5,000 jobs.",
    look_at="message in run.json and not_deleted in jobs.json of the newest run, which name them with the reason.",
)
EXECUTIONS_FAILED = AlarmKind(
    name="executions-failed",
    # A run that says why it failed rings run-failed, which is critical; this one must not page for it once more.
    severity=Severity.WARNING,
    missing_data=MissingData.TRAFFIC,
    metrics={"f": catalogue.STATES_FAILED, "t": catalogue.STATES_TIMED_OUT, "a": catalogue.STATES_ABORTED},
    expression=total_of("fta"),
    unit=Unit("execution", "executions", adds_up=True),
    comparison=Comparison.AT_LEAST,
    threshold=lambda _: 1,
    window=_EVENT,
    happened="An execution of state machine {subject} failed, timed out or was aborted.",
    look_at="the execution's event history in Step Functions.",
)
# Assumption: queue-metrics-sleep
DEAD_LETTERS = AlarmKind(
    name="dead-letters",
    severity=Severity.CRITICAL,
    # A queue that nobody has accessed for six hours has no metrics; what lies in it still does.
    # Assumption: queue-metrics-sleep
    missing_data=MissingData.RUN,
    metrics={"m": catalogue.QUEUE_MESSAGES, "d": catalogue.DEAD_LETTERS},
    # The queue's own comes within minutes while it is awake, the watchdog's count every hour whatever the queue does.
    expression="MAX([m, d])",
    unit=Unit("message waiting", "messages waiting"),
    comparison=Comparison.AT_LEAST,
    threshold=lambda _: 1,
    window=_EVENT,
    happened="EventBridge Scheduler could not start a target; the event is in queue {subject}.",
    look_at="the error attributes of the messages in that queue.",
)
VERDICT = AlarmKind(
    name="verdict",
    severity=Severity.CRITICAL,
    incident=Incident.QUALITY,
    missing_data=MissingData.RUN,
    metrics={"v": catalogue.GATE_VERDICT},
    unit=Unit(codes=WORDS),
    comparison=Comparison.AT_LEAST,
    threshold=lambda _: 3,
    window=_RUN_WINDOW,
    happened="A gate has failed: {subject}. The whole confidence interval is beyond the bound.",
    look_at="the run's report.html, and what changed since the last run: model, prompt, parameters or dataset.",
)
INCONCLUSIVE = AlarmKind(
    name="inconclusive",
    # With too few cases this is the usual verdict, and the report says how many it would take.
    severity=None,
    incident=Incident.QUALITY,
    missing_data=MissingData.RUN,
    metrics={"v": catalogue.GATE_VERDICT},
    expression=known("(v == 2)", "v"),
    unit=Unit(codes=("decided", "undecided")),
    comparison=Comparison.AT_LEAST,
    threshold=lambda _: 1,
    window=Window(seconds=_DAY, datapoints=3, periods=7),
    datapoints=lambda limits: limits.inconclusive_days,
    happened="A gate is undecided run after run: {subject}. The evaluation has too few cases for it.",
    look_at="needed_n in the run's summary.json, and the coverage.",
)
COVERAGE = AlarmKind(
    name="coverage",
    severity=Severity.WARNING,
    incident=Incident.QUALITY,
    missing_data=MissingData.RUN,
    metrics={"c": catalogue.RUN_COVERAGE},
    unit=Unit("of the cases answered"),
    comparison=Comparison.BELOW,
    window=_RUN_WINDOW,
    happened="{subject}: coverage is below {threshold}. Scores are of the answered cases only, and every gate of that "
    "run is undecided.",
    look_at="failed cases by reason in the run's report.html.",
)
RUN_OVERDUE = AlarmKind(
    name="run-overdue",
    severity=Severity.CRITICAL,
    incident=Incident.RUN,
    missing_data=MissingData.LIVENESS,
    metrics={"o": catalogue.SCHEDULE_OVERDUE},
    unit=Unit(codes=("in time", "overdue")),
    comparison=Comparison.AT_LEAST,
    threshold=lambda _: 1,
    # An hour more than watchdog-silent takes, so that this one is explained before it rings.
    # Assumption: wider-range-of-missing-data
    window=Window(seconds=_HOUR, datapoints=3, periods=3),
    unless="watchdog-silent",
    happened="Evaluation {subject} is overdue: no finished run since its due time plus grace_hours, or the watchdog "
    "does not report.",
    look_at="alarm watchdog-silent first, then the schedule, the dead-letter queue and the newest execution.",
)
WATCHDOG_SILENT = AlarmKind(
    name="watchdog-silent",
    severity=Severity.CRITICAL,
    missing_data=MissingData.LIVENESS,
    metrics={"h": catalogue.WATCHDOG_HEARTBEAT},
    unit=Unit("report", "reports", adds_up=True),
    comparison=Comparison.BELOW,
    threshold=lambda _: 1,
    window=Window(seconds=_HOUR, datapoints=2, periods=2),
    # Assumption: wider-range-of-missing-data
    happened="The watchdog of {subject} has not reported for two hours or more; nothing detects overdue runs.",
    look_at="the log of the watchdog function, its schedule and the dead-letter queue.",
)
UNWATCHED_MODELS = AlarmKind(
    name="unwatched-models",
    severity=Severity.WARNING,
    # The watchdog counts; while it is silent, which has an alarm of its own, nothing has become better.
    missing_data=MissingData.RUN,
    metrics={"u": catalogue.UNWATCHED_MODELS},
    unit=Unit("model", "models"),
    comparison=Comparison.AT_LEAST,
    threshold=lambda _: 1,
    window=_ONE_HOUR,
    happened="Callers use {threshold} or more models in the account of {subject} that no alarm monitors.",
    look_at="their ids on the dashboard, or in the log of the watchdog: declare each, or add it to watched_elsewhere.",
)
UNREAD_METRICS = AlarmKind(
    name="unread-metrics",
    severity=Severity.WARNING,
    missing_data=MissingData.RUN,
    metrics={"u": catalogue.UNREAD_METRICS},
    unit=Unit("metric", "metrics"),
    comparison=Comparison.AT_LEAST,
    threshold=lambda _: 1,
    window=_ONE_HOUR,
    happened="Bedrock publishes {threshold} or more metrics in the account of {subject} that no alarm, graph or cost "
    "estimate reads: monitoring may be incomplete.",
    look_at="their names and dimensions on the dashboard, or in the log of the watchdog.",
)
METRICS_DIFFER = AlarmKind(
    name="metrics-differ",
    severity=Severity.WARNING,
    missing_data=MissingData.RUN,
    metrics={"d": catalogue.METRICS_DIFFER},
    unit=Unit("count", "counts"),
    comparison=Comparison.AT_LEAST,
    threshold=lambda _: 1,
    window=_ONE_HOUR,
    happened="{threshold} or more counts of AWS/Bedrock or the invocation log differ by more than 2 % from what the "
    "newest run of evaluation {subject} counted: calls, errors, throttles or tokens.",
    look_at="both numbers on the dashboard, or in the log of the watchdog; the runbook has the usual causes.",
)
UNDELIVERED = AlarmKind(
    name="undelivered",
    severity=Severity.CRITICAL,
    missing_data=MissingData.TRAFFIC,
    metrics={"f": catalogue.TOPIC_FAILURES},
    unit=Unit("failed delivery", "failed deliveries", adds_up=True),
    comparison=Comparison.AT_LEAST,
    threshold=lambda _: 1,
    # A day: a message about it fails there as well, and who can be reached hears of it once a day, not every hour.
    window=Window(seconds=_HOUR, datapoints=1, periods=24),
    happened="A message of topic {subject} did not reach one of its subscribers; that subscriber gets no alarms.",
    look_at="subscriptions of that topic: a deleted queue, a queue policy that denies, an https endpoint that does "
    "not answer.",
)
SUBSCRIBERS_MISSING = AlarmKind(
    name="subscribers-missing",
    severity=Severity.CRITICAL,
    # The watchdog counts; while it is silent, which has an alarm of its own, nobody has come back.
    missing_data=MissingData.RUN,
    metrics={"m": catalogue.SUBSCRIPTIONS_MISSING},
    unit=Unit("subscription gone", "subscriptions gone"),
    comparison=Comparison.AT_LEAST,
    threshold=lambda _: 1,
    window=_ONE_HOUR,
    happened="A declared subscription to the alarms of {subject} no longer exists; its subscriber gets no alarms.",
    look_at="the message of the watchdog, which names the subscriber. SNS deletes subscriptions that are not "
    "confirmed within 48 hours, and one click in any e-mail unsubscribes.",
)
SUBSCRIBERS_PENDING = AlarmKind(
    name="subscribers-pending",
    severity=Severity.WARNING,
    missing_data=MissingData.RUN,
    metrics={"p": catalogue.SUBSCRIPTIONS_PENDING},
    unit=Unit("subscription not confirmed", "subscriptions not confirmed"),
    comparison=Comparison.AT_LEAST,
    threshold=lambda _: 1,
    # Half a day to confirm in peace; SNS waits for 48 hours.
    window=Window(seconds=_HOUR, datapoints=PENDING_HOURS, periods=PENDING_HOURS),
    happened="A declared subscription to the alarms of {subject} has been pending for half a day; its subscriber gets "
    "no alarms.",
    look_at="the confirmation e-mail or request from SNS, also in the spam folder; it expires after 48 hours.",
)
ACTIONS_FAILED = AlarmKind(
    name="actions-failed",
    severity=Severity.CRITICAL,
    missing_data=MissingData.TRAFFIC,
    metrics={"f": catalogue.ALARM_ACTIONS_FAILED},
    unit=Unit("failed action", "failed actions", adds_up=True),
    comparison=Comparison.AT_LEAST,
    threshold=lambda _: 1,
    # A day: its own action may fail as well, and that is not to ring it anew every hour.
    window=Window(seconds=_HOUR, datapoints=1, periods=24),
    happened="CloudWatch could not run the action of an alarm of {subject}, or the watchdog could not publish a "
    "message.",
    look_at="Action items in the history of the alarms: the error names the policy that denied it: the topic's or the "
    "key's.",
)
BUDGET_BLIND = AlarmKind(
    name="budget-blind",
    severity=Severity.WARNING,
    # Without data nobody knows, as early in a month, and what was known stands.
    missing_data=MissingData.RUN,
    metrics={"b": catalogue.BUDGET_BLIND},
    unit=Unit(codes=("sees cost", "reads 0")),
    comparison=Comparison.AT_LEAST,
    threshold=lambda _: 1,
    # A budget is up to a day behind the calls.
    window=Window(seconds=_HOUR, datapoints=24, periods=24),
    happened="Budget {subject} reads $0, and by our estimate the models have cost more than $1 this month: the budget "
    "does not see that cost and will not notify.",
    look_at="whether the tag application is active for cost allocation, in the billing console of the payer account "
    "or by aws ce update-cost-allocation-tags-status.",
)
FORMATTER_ERRORS = AlarmKind(
    name="formatter-errors",
    severity=Severity.CRITICAL,
    missing_data=MissingData.TRAFFIC,
    metrics={"e": catalogue.LAMBDA_ERRORS, "f": catalogue.TOPIC_FAILURES},
    expression=total_of("ef"),
    unit=Unit("failure", "failures", adds_up=True),
    comparison=Comparison.AT_LEAST,
    threshold=lambda _: 1,
    # That it is over is told through the function itself: while it is broken, it rings again every hour and not more.
    window=_INCIDENT,
    happened="The function {subject} failed or could not be invoked: alarms arrive unformatted or not at all.",
    look_at="the states of the alarms themselves, then the log of that function.",
)

KINDS: Mapping[str, AlarmKind] = MappingProxyType(
    {kind.name: kind for kind in list(globals().values()) if isinstance(kind, AlarmKind)}
)
"""Every kind by its name, which is also its anchor in the runbook."""
