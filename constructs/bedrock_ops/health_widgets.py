"""The widgets about what watches: what runs evaluations, the watchdog, the invocation log and what it holds."""

from collections.abc import Mapping, Sequence

from aws_cdk import aws_cloudwatch as cloudwatch

from bedrock_eval import catalogue
from bedrock_eval.alarms import kinds
from bedrock_eval.alarms.units import figure
from bedrock_eval.invocation_log import queries
from bedrock_eval.invocation_log.filters import LogFilter
from bedrock_eval.watchdog.active_metrics import UNREAD_QUERY, UNWATCHED_QUERY
from bedrock_eval.watchdog.reconciling import HELD_QUERY
from bedrock_ops.monitoring_metrics import metric, search
from bedrock_ops.monitoring_subjects import DELIVERY_DIMENSIONS, WatchedMachine
from bedrock_ops.monitoring_widgets import COLUMNS, RUN_PERIOD, TRAFFIC_PERIOD, Drawing, Series

_ROWS = 20
_DELIVERIES = {
    "Deliveries of invocation logs to CloudWatch": (
        catalogue.LOG_DELIVERY_SUCCESSES,
        catalogue.LOG_DELIVERY_SUCCESSES_ACROSS,
    ),
    "Deliveries of invocation logs to S3": (
        catalogue.S3_DELIVERY_SUCCESSES,
        catalogue.S3_DELIVERY_SUCCESSES_ACROSS,
        catalogue.S3_DELIVERY_FAILURES,
        catalogue.S3_DELIVERY_FAILURES_ACROSS,
    ),
    "Deliveries of large bodies to S3": (
        catalogue.LARGE_DELIVERY_SUCCESSES,
        catalogue.LARGE_DELIVERY_SUCCESSES_ACROSS,
        catalogue.LARGE_DELIVERY_FAILURES,
        catalogue.LARGE_DELIVERY_FAILURES_ACROSS,
    ),
}


def health(drawing: Drawing) -> list[cloudwatch.IWidget]:
    """Whether what runs evaluations, and what watches, do their work."""
    watched, names = drawing.watched, drawing.watched.names
    functions = {**{machine.label: machine.function for machine in watched.machines}, "watchdog": names.watchdog}
    return [
        _functions(drawing, "Function errors", catalogue.LAMBDA_ERRORS, functions, unit="errors in 5 min"),
        _functions(drawing, "Function duration (p90)", catalogue.LAMBDA_DURATION, functions, unit="ms"),
        *(_executions(drawing, machine) for machine in watched.machines),
        _formatter(drawing),
        drawing.watch("Messages not delivered", kinds.UNDELIVERED, {"messages": watched.messages_dimensions}),
        *_people(drawing),
        _dead_letters(drawing),
        drawing.watch("Watchdog heartbeat", kinds.WATCHDOG_SILENT, {"watchdog": watched.application_dimensions}),
        *_overdue(drawing),
        *_ends_of_life(drawing),
    ]


def account_traffic(drawing: Drawing) -> list[cloudwatch.IWidget]:
    """Whether somebody watches all that is called in the account, and the names of what nobody does."""
    dimensions = drawing.watched.application_dimensions
    tables = {
        "Models in use that no alarm watches": UNWATCHED_QUERY,
        "Metrics in use that nobody reads": UNREAD_QUERY,
    }
    return [
        drawing.watch(catalogue.UNWATCHED_MODELS.title, kinds.UNWATCHED_MODELS, {"models": dimensions}),
        drawing.watch(catalogue.UNREAD_METRICS.title, kinds.UNREAD_METRICS, {"metrics": dimensions}),
        *(_told_by_the_watchdog(drawing, f"{title}: their names", query) for title, query in tables.items()),
    ]


def counts_of_runs(drawing: Drawing) -> list[cloudwatch.IWidget]:
    """What runs through profiles of their own have counted, beside what AWS has."""
    held = {each.name: each.dimensions for each in drawing.watched.evaluations if each.own_profile}
    if not held:
        return []
    return [
        drawing.watch(catalogue.METRICS_DIFFER.title, kinds.METRICS_DIFFER, held),
        _told_by_the_watchdog(
            drawing, "Calls, errors, throttles and tokens of the newest runs, and of AWS", HELD_QUERY
        ),
    ]


def _told_by_the_watchdog(drawing: Drawing, title: str, query: str) -> cloudwatch.IWidget:
    return cloudwatch.LogQueryWidget(
        title=title,
        log_group_names=[f"/aws/lambda/{drawing.watched.names.watchdog}"],
        query_string=query,
        view=cloudwatch.LogQueryVisualizationType.TABLE,
        region=drawing.region,
        width=COLUMNS,
        height=6,
    )


def log_delivery(drawing: Drawing) -> list[cloudwatch.IWidget]:
    """Whether Bedrock can write the invocation log of this account."""
    kind = kinds.LOG_DELIVERY
    return [
        drawing.graph(
            "Invocation logs lost",
            drawing.counts(dict.fromkeys(kind.metrics.values()), DELIVERY_DIMENSIONS),
            unit=kind.axis,
            limits=drawing.limits([kind], DELIVERY_DIMENSIONS),
        ),
        *(
            drawing.graph(
                title, drawing.counts(dict.fromkeys(entries), DELIVERY_DIMENSIONS), unit="deliveries in 5 min"
            )
            for title, entries in _DELIVERIES.items()
        ),
    ]


def log_metrics(drawing: Drawing, filters: Sequence[LogFilter]) -> list[cloudwatch.IWidget]:
    """What is counted in the invocation log: every model and every code that occurs is a series."""
    return [
        drawing.graph(
            each.metric.title,
            [search(each.metric, period=TRAFFIC_PERIOD)],
            unit="calls in 5 min",
            statistic=each.metric.statistic,
        )
        for each in filters
    ]


def log_tables(drawing: Drawing, *, log_group: str) -> list[cloudwatch.IWidget]:
    """What the invocation log says in the time range of the dashboard; each reads the log when it is drawn."""
    slow_ms = drawing.thresholds.latency_p90_ms
    # Groups come in no order: those that are left out must be the small ones.
    texts = {
        f"Slowest calls, over {figure(slow_ms)} ms": queries.slow_calls(threshold_ms=slow_ms, model=None).text,
        "Failed calls by error code, model and caller": f"{queries.errors(model=None).text}\n| sort calls desc",
        "Tokens by model, purpose (requestMetadata.purpose) and caller": (
            f"{queries.tokens(model=None).text}\n| sort input desc"
        ),
        "Tokens by application (requestMetadata.application) and model": (
            f"{queries.tokens_by(queries.By.APPLICATION, model=None).text}\n| sort input desc"
        ),
    }
    return [
        cloudwatch.LogQueryWidget(
            title=title,
            log_group_names=[log_group],
            query_string=f"{query}\n| limit {_ROWS}",
            view=cloudwatch.LogQueryVisualizationType.TABLE,
            region=drawing.region,
            width=COLUMNS,
            height=6,
        )
        for title, query in texts.items()
    ]


def _functions(
    drawing: Drawing, title: str, entry: catalogue.Metric, functions: Mapping[str, str], *, unit: str
) -> cloudwatch.IWidget:
    series: list[Series] = [
        metric(entry, dimensions={"FunctionName": name}, period=TRAFFIC_PERIOD, label=label)
        for label, name in functions.items()
    ]
    return drawing.graph(title, series, unit=unit, statistic=entry.statistic)


def _executions(drawing: Drawing, machine: WatchedMachine) -> cloudwatch.IWidget:
    entries = (catalogue.STATES_FAILED, catalogue.STATES_TIMED_OUT, catalogue.STATES_ABORTED)
    return drawing.graph(
        ", ".join(("Executions that did not finish", *machine.subject)),
        drawing.counts(dict.fromkeys(entries), machine.dimensions),
        unit=kinds.EXECUTIONS_FAILED.axis,
        limits=drawing.limits([kinds.EXECUTIONS_FAILED], machine.dimensions),
    )


def _formatter(drawing: Drawing) -> cloudwatch.IWidget:
    kind, dimensions = kinds.FORMATTER_ERRORS, drawing.watched.formatter_dimensions
    return drawing.graph(
        "Alarms that were not put into words",
        drawing.counts(dict.fromkeys(kind.metrics.values()), dimensions),
        unit=kind.axis,
        limits=drawing.limits([kind], dimensions),
    )


def _people(drawing: Drawing) -> list[cloudwatch.IWidget]:
    """Who hears of alarms, as the watchdog counts every hour: many confirmed are good, and one that is gone is not."""
    dimensions = drawing.watched.application_dimensions
    lost = {catalogue.SUBSCRIPTIONS_PENDING: "not confirmed", catalogue.SUBSCRIPTIONS_MISSING: "gone"}

    def subscriptions(
        title: str, counted: Mapping[catalogue.Metric, str], *told_by: kinds.AlarmKind
    ) -> cloudwatch.IWidget:
        series = [
            metric(entry, dimensions=dimensions, period=RUN_PERIOD, label=label) for entry, label in counted.items()
        ]
        statistic = next(iter(counted)).statistic
        limits = drawing.limits(told_by, dimensions)
        return drawing.graph(title, series, unit="subscriptions", limits=limits, period=RUN_PERIOD, statistic=statistic)

    return [
        subscriptions("Subscriptions confirmed", {catalogue.SUBSCRIPTIONS_CONFIRMED: "confirmed"}),
        subscriptions("Subscriptions lost", lost, kinds.SUBSCRIBERS_MISSING, kinds.SUBSCRIBERS_PENDING),
        drawing.watch("Alarm actions that failed", kinds.ACTIONS_FAILED, {"actions": dimensions}),
    ]


def _dead_letters(drawing: Drawing) -> cloudwatch.IWidget:
    """Both counts apart: those of the queue end when it falls asleep, the watchdog's come every hour."""
    kind, dimensions = kinds.DEAD_LETTERS, drawing.watched.dead_letters_dimensions
    return drawing.graph(
        "Schedule deliveries that failed",
        drawing.counts(dict.fromkeys(kind.metrics.values()), dimensions),
        unit=kind.axis,
        limits=drawing.limits([kind], dimensions),
        statistic=catalogue.DEAD_LETTERS.statistic,
    )


def _overdue(drawing: Drawing) -> list[cloudwatch.IWidget]:
    scheduled = {item.name: item.dimensions for item in drawing.watched.evaluations if item.scheduled}
    if not scheduled:
        return []
    return [drawing.watch("Overdue evaluations", kinds.RUN_OVERDUE, scheduled)]


def _ends_of_life(drawing: Drawing) -> list[cloudwatch.IWidget]:
    entry, untold = catalogue.DAYS_TO_END_OF_LIFE, catalogue.MODELS_WITHOUT_LIFECYCLE
    dimensions = drawing.watched.application_dimensions
    return [
        drawing.graph(
            "Days to the end of life, where announced",
            [search(entry, period=RUN_PERIOD, dimensions=dimensions)],
            unit="days",
            period=RUN_PERIOD,
            statistic=entry.statistic,
        ),
        drawing.graph(
            untold.title,
            [metric(untold, dimensions=dimensions, period=RUN_PERIOD, label="models")],
            unit="models",
            period=RUN_PERIOD,
            statistic=untold.statistic,
        ),
    ]
