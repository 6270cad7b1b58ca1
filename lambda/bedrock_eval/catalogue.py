"""Every CloudWatch metric that we read or publish: name, namespace, dimensions, unit, statistic, title.

A wrong metric name fails silently (a widget shows nothing, an alarm looks healthy), so widgets, alarms and publishers
take theirs from here and a test holds them to it. Sources: Bedrock user guide, monitoring-runtime-metrics; the
CloudWatch pages of Step Functions, SQS, Lambda and EventBridge Scheduler.
"""

from dataclasses import dataclass, replace

BEDROCK = "AWS/Bedrock"
GUARDRAILS = "AWS/Bedrock/Guardrails"
CUSTOM = "Custom/Bedrock"
INVOCATION_LOG = "Custom/Bedrock/InvocationLog"


@dataclass(frozen=True)
class Metric:
    """One metric series family.

    Attributes:
        statistic: the one that tells the truth (counts are summed, gauges of a run read by the worst of a period).
        unit: CloudWatch's unit at publishing; never set on alarms, where a differing unit matches nothing.
    """

    namespace: str
    name: str
    dimensions: tuple[str, ...]
    unit: str
    statistic: str
    title: str


MODEL_ID = "ModelId"
ALL_MODELS = "Across all model IDs"
"""The value of MODEL_ID under which AWS describes what is about no single model."""

APPLICATION = "Application"
EVALUATION = "Evaluation"
CANDIDATE = "Candidate"
METRIC = "Metric"
ERROR_CODE = "ErrorCode"
QUEUE = "QueueName"
GUARDRAIL_ARN = "GuardrailArn"
GUARDRAIL_VERSION = "GuardrailVersion"

SCORE_DIMENSIONS = (MODEL_ID, APPLICATION, EVALUATION, CANDIDATE)
HEADLINE_DIMENSIONS = (MODEL_ID, APPLICATION)
RUN_DIMENSIONS = (APPLICATION, EVALUATION, CANDIDATE)
EVALUATION_DIMENSIONS = (APPLICATION, EVALUATION)
VERDICT_DIMENSIONS = (APPLICATION, EVALUATION, CANDIDATE, METRIC)
GUARDRAIL_DIMENSIONS = (GUARDRAIL_ARN, GUARDRAIL_VERSION)


def _bedrock(name: str, title: str, *, unit: str = "Count", statistic: str = "Sum") -> Metric:
    return Metric(BEDROCK, name, (MODEL_ID,), unit, statistic, title)


INVOCATIONS = _bedrock("Invocations", "Invocations")
INVOCATION_LATENCY = _bedrock("InvocationLatency", "Latency to the last token", unit="Milliseconds", statistic="p90")
TIME_TO_FIRST_TOKEN = _bedrock("TimeToFirstToken", "Time to first token", unit="Milliseconds", statistic="p90")
CLIENT_ERRORS = _bedrock("InvocationClientErrors", "Client errors")
SERVER_ERRORS = _bedrock("InvocationServerErrors", "Server errors")
THROTTLES = _bedrock("InvocationThrottles", "Throttles")
INPUT_TOKENS = _bedrock("InputTokenCount", "Input tokens (not cached)")
OUTPUT_TOKENS = _bedrock("OutputTokenCount", "Output tokens")
CACHE_READ_TOKENS = _bedrock("CacheReadInputTokenCount", "Input tokens read from cache")
CACHE_WRITE_TOKENS = _bedrock("CacheWriteInputTokenCount", "Input tokens written to cache")
LEGACY_INVOCATIONS = _bedrock("LegacyModelInvocations", "Calls of legacy models")

# Tokens that count against the quota, not a percentage, and without what `max_tokens` reserves: a lower estimate.
# Which statistic is a minute's figure AWS does not say, and others read its maximum.
# Assumption: quota-metric-statistic
QUOTA_TOKENS = _bedrock("EstimatedTPMQuotaUsage", "Tokens of the quota, estimated")


def _guardrail(name: str, title: str, *, unit: str = "Count", statistic: str = "Sum") -> Metric:
    return Metric(GUARDRAILS, name, GUARDRAIL_DIMENSIONS, unit, statistic, title)


GUARDRAIL_INVOCATIONS = _guardrail("Invocations", "Guardrail calls")
GUARDRAIL_INTERVENED = _guardrail("InvocationsIntervened", "Interventions")
GUARDRAIL_LATENCY = _guardrail("InvocationLatency", "Latency of the guardrail", unit="Milliseconds", statistic="p90")
GUARDRAIL_CLIENT_ERRORS = _guardrail("InvocationClientErrors", "Client errors")
GUARDRAIL_SERVER_ERRORS = _guardrail("InvocationServerErrors", "Server errors")
GUARDRAIL_THROTTLES = _guardrail("InvocationThrottles", "Throttles")
GUARDRAIL_TEXT_UNITS = _guardrail("TextUnitCount", "Text units")


def _delivery(name: str, title: str) -> Metric:
    # Assumption: log-delivery-dimension
    return Metric(BEDROCK, name, (), "Count", "Sum", title)


def _across(entry: Metric) -> Metric:
    """The same under MODEL_ID = ALL_MODELS: AWS's pages name that dimension, and others have seen none."""
    return replace(entry, dimensions=(MODEL_ID,), title=f"{entry.title} ({ALL_MODELS})")


LOG_DELIVERY_FAILURES = _delivery("ModelInvocationLogsCloudWatchDeliveryFailure", "Invocation logs lost")
LOG_DELIVERY_SUCCESSES = _delivery("ModelInvocationLogsCloudWatchDeliverySuccess", "Invocation logs delivered")
S3_DELIVERY_FAILURES = _delivery("ModelInvocationLogsS3DeliveryFailure", "Invocation logs not in S3")
S3_DELIVERY_SUCCESSES = _delivery("ModelInvocationLogsS3DeliverySuccess", "Invocation logs in S3")
LARGE_DELIVERY_FAILURES = _delivery("ModelInvocationLargeDataS3DeliveryFailure", "Large bodies not in S3")
LARGE_DELIVERY_SUCCESSES = _delivery("ModelInvocationLargeDataS3DeliverySuccess", "Large bodies in S3")
LOG_DELIVERY_FAILURES_ACROSS = _across(LOG_DELIVERY_FAILURES)
LOG_DELIVERY_SUCCESSES_ACROSS = _across(LOG_DELIVERY_SUCCESSES)
S3_DELIVERY_FAILURES_ACROSS = _across(S3_DELIVERY_FAILURES)
S3_DELIVERY_SUCCESSES_ACROSS = _across(S3_DELIVERY_SUCCESSES)
LARGE_DELIVERY_FAILURES_ACROSS = _across(LARGE_DELIVERY_FAILURES)
LARGE_DELIVERY_SUCCESSES_ACROSS = _across(LARGE_DELIVERY_SUCCESSES)


def _logged(name: str, dimension: str, title: str) -> Metric:
    """Counted in the records of the whole account, by a metric filter; without a record there is no datapoint."""
    return Metric(INVOCATION_LOG, name, (dimension,), "Count", "Sum", title)


TRUNCATED_ANSWERS = _logged("truncated_answers", MODEL_ID, "Answers cut off by a limit of tokens")
LOGGED_INTERVENTIONS = _logged("guardrail_interventions", MODEL_ID, "Calls in which a guardrail intervened")
FAILED_CALLS = _logged("failed_calls", ERROR_CODE, "Failed calls by error code")


def _run(name: str, title: str, *, unit: str, statistic: str = "Maximum") -> Metric:
    return Metric(CUSTOM, name, RUN_DIMENSIONS, unit, statistic, title)


RUN_CASES = _run("run_cases", "Cases asked", unit="Count")
RUN_FAILED_CASES = _run("run_failed_cases", "Cases without a usable answer", unit="Count")
RUN_WITHHELD_CASES = _run("run_withheld_cases", "Answers withheld by a guardrail or filter", unit="Count")
RUN_TRUNCATED = _run("run_truncated", "Share of answers cut off by max_tokens", unit="None")
# By its worst run, as all figures of runs: two of one hour share a datapoint.
RUN_COVERAGE = _run("run_coverage", "Answered of asked", unit="None", statistic="Minimum")
RUN_DURATION = _run("run_duration", "Duration of the run", unit="Seconds")
RUN_INPUT_TOKENS = _run("run_input_tokens", "Input tokens", unit="Count")
RUN_OUTPUT_TOKENS = _run("run_output_tokens", "Output tokens", unit="Count")
RUN_COST = _run("run_cost", "Estimated cost of the run, USD", unit="None")
RUN_UNPRICED_TOKENS = _run("run_unpriced_tokens", "Tokens without a price", unit="Count")

GATE_VERDICT = Metric(
    CUSTOM,
    "gate_verdict",
    VERDICT_DIMENSIONS,
    "None",
    "Maximum",
    "Verdict (0 better, 1 passed or not worse, 2 undecided, 3 failed or worse)",
)
GATE_MARGIN = Metric(
    CUSTOM,
    "gate_margin",
    VERDICT_DIMENSIONS,
    "None",
    "Minimum",
    "Margin of the gate (passes from 0 on, a drop from -max_drop)",
)

# Of gates with max_drop, while a run is accepted: where the line of the drop lies.
GATE_BASELINE = Metric(
    CUSTOM,
    "gate_baseline",
    VERDICT_DIMENSIONS,
    "None",
    "Maximum",
    "Mean of the accepted run over the same cases",
)

RUN_FAILED = Metric(CUSTOM, "run_failed", EVALUATION_DIMENSIONS, "Count", "Maximum", "Run failed")
RUN_FINISHED = Metric(CUSTOM, "run_finished", EVALUATION_DIMENSIONS, "Count", "Maximum", "Run finished")
RUN_SKIPPED = Metric(CUSTOM, "run_skipped", EVALUATION_DIMENSIONS, "Count", "Sum", "Run skipped (overlap, too early)")

JOBS_LEFT = Metric(CUSTOM, "jobs_left", EVALUATION_DIMENSIONS, "Count", "Maximum", "Jobs neither stopped nor deleted")

SCHEDULE_OVERDUE = Metric(
    CUSTOM, "schedule_overdue", EVALUATION_DIMENSIONS, "None", "Maximum", "Run overdue (1) or in time (0)"
)
WATCHDOG_HEARTBEAT = Metric(CUSTOM, "watchdog_heartbeat", (APPLICATION,), "Count", "Sum", "Watchdog has looked")
DAYS_TO_END_OF_LIFE = Metric(
    CUSTOM, "days_to_end_of_life", (APPLICATION, MODEL_ID), "None", "Minimum", "Days to end of life"
)
MODELS_WITHOUT_LIFECYCLE = Metric(
    CUSTOM,
    "models_without_lifecycle",
    (APPLICATION,),
    "Count",
    "Maximum",
    "Models of which AWS tells no lifecycle",
)
MONTH_TO_DATE_COST = Metric(
    CUSTOM,
    "month_to_date_cost",
    (APPLICATION,),
    "None",
    "Maximum",
    "Estimated cost since the month began (UTC), USD",
)
MONTH_TO_DATE_UNPRICED_TOKENS = Metric(
    CUSTOM,
    "month_to_date_unpriced_tokens",
    (APPLICATION,),
    "Count",
    "Maximum",
    "Tokens without a price since the month began (UTC)",
)

BUDGET_SPEND = Metric(
    CUSTOM,
    "budget_spend",
    (APPLICATION,),
    "None",
    "Maximum",
    "Bill of the month as the budget reads it, USD",
)
BUDGET_BLIND = Metric(
    CUSTOM,
    "budget_blind",
    (APPLICATION,),
    "None",
    "Maximum",
    "Budget reads 0 while models cost money (1) or sees cost (0)",
)


def _of_people(name: str, title: str, *, statistic: str = "Maximum") -> Metric:
    """What the watchdog finds out about who hears of alarms."""
    return Metric(CUSTOM, name, (APPLICATION,), "Count", statistic, title)


SUBSCRIPTIONS_CONFIRMED = _of_people(
    "subscriptions_confirmed", "Declared subscriptions that are confirmed", statistic="Minimum"
)
SUBSCRIPTIONS_PENDING = _of_people("subscriptions_pending", "Declared subscriptions that nobody has confirmed")
SUBSCRIPTIONS_MISSING = _of_people("subscriptions_missing", "Declared subscriptions that are gone")
ALARM_ACTIONS_FAILED = _of_people(
    "alarm_actions_failed", "Alarm actions and direct messages that failed", statistic="Sum"
)

DEAD_LETTERS = Metric(
    CUSTOM, "dead_letters", (APPLICATION, QUEUE), "Count", "Maximum", "Messages waiting, by the watchdog"
)
UNWATCHED_MODELS = Metric(
    CUSTOM, "unwatched_models", (APPLICATION,), "Count", "Maximum", "Models in use that no alarm watches"
)
UNREAD_METRICS = Metric(
    CUSTOM, "unread_metrics", (APPLICATION,), "Count", "Maximum", "Metrics in use that nobody reads"
)

METRICS_DIFFER = Metric(
    CUSTOM,
    "metrics_differ",
    EVALUATION_DIMENSIONS,
    "Count",
    "Maximum",
    "Counts of the newest run that differ from AWS's",
)

QUEUE_MESSAGES = Metric(
    "AWS/SQS",
    "ApproximateNumberOfMessagesVisible",
    (QUEUE,),
    "Count",
    "Maximum",
    "Messages waiting",
)
STATES_FAILED = Metric("AWS/States", "ExecutionsFailed", ("StateMachineArn",), "Count", "Sum", "Executions failed")
STATES_TIMED_OUT = Metric(
    "AWS/States", "ExecutionsTimedOut", ("StateMachineArn",), "Count", "Sum", "Executions timed out"
)
STATES_ABORTED = Metric("AWS/States", "ExecutionsAborted", ("StateMachineArn",), "Count", "Sum", "Executions aborted")
LAMBDA_ERRORS = Metric("AWS/Lambda", "Errors", ("FunctionName",), "Count", "Sum", "Function errors")
TOPIC_FAILURES = Metric("AWS/SNS", "NumberOfNotificationsFailed", ("TopicName",), "Count", "Sum", "Deliveries failed")
LAMBDA_DURATION = Metric("AWS/Lambda", "Duration", ("FunctionName",), "Milliseconds", "p90", "Function duration")


def score(name: str, *, title: str, headline: bool = False) -> Metric:
    """The metric that a score is published as: read by Average or a percentile, never by Sum."""
    dimensions = HEADLINE_DIMENSIONS if headline else SCORE_DIMENSIONS
    return Metric(CUSTOM, name, dimensions, "None", "Average", title)


FIXED: tuple[Metric, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
"""Every metric of the catalogue but the scores, whose names are those of `bedrock_eval.scores.METRICS`, of Bedrock's
own metrics, and of the criteria and ratings of an evaluation."""
