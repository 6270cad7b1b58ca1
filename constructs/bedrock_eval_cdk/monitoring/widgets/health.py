"""The widgets about what watches: what runs evaluations, the watchdog, the invocation log and what it holds."""

from collections.abc import Mapping

from aws_cdk import aws_cloudwatch as cloudwatch

from bedrock_eval import catalogue
from bedrock_eval.alarms import kinds
from bedrock_eval.watchdog.active_metrics import UNREAD_QUERY, UNWATCHED_QUERY
from bedrock_eval.watchdog.reconciling import HELD_QUERY
from bedrock_eval_cdk.monitoring.metrics import metric, search
from bedrock_eval_cdk.monitoring.series import Series
from bedrock_eval_cdk.monitoring.subjects import MonitoredEnvironment, MonitoredMachine, MonitoredRunner
from bedrock_eval_cdk.monitoring.widgets.drawing import COLUMNS, RUN_PERIOD, TRAFFIC_PERIOD, Drawing


def health(drawing: Drawing, environment: MonitoredEnvironment) -> list[cloudwatch.IWidget]:
    """Whether what runs evaluations, and what watches, do their work."""
    runner = environment.runner
    functions = {machine.label: machine.function for machine in runner.machines}
    functions["watchdog"] = environment.names.watchdog
    return [
        functions_graph(drawing, "Function errors", catalogue.LAMBDA_ERRORS, functions, unit="errors in 5 min"),
        functions_graph(drawing, "Function duration (p90)", catalogue.LAMBDA_DURATION, functions, unit="ms"),
        *(executions(drawing, machine) for machine in runner.machines),
        _formatter(drawing, environment),
        drawing.watch("Messages not delivered", kinds.UNDELIVERED, {"messages": environment.messages_dimensions}),
        *_people(drawing),
        dead_letters(drawing, runner),
        drawing.watch("Watchdog heartbeat", kinds.WATCHDOG_SILENT, {"watchdog": environment.application_dimensions}),
        *_overdue(drawing, environment),
        *_ends_of_life(drawing),
    ]


def runner_health(drawing: Drawing, runner: MonitoredRunner) -> list[cloudwatch.IWidget]:
    """What runs evaluations: its functions, its state machines, and deliveries of schedules that failed."""
    functions = {machine.label: machine.function for machine in runner.machines}
    return [
        functions_graph(drawing, "Function errors", catalogue.LAMBDA_ERRORS, functions, unit="errors in 5 min"),
        functions_graph(drawing, "Function duration (p90)", catalogue.LAMBDA_DURATION, functions, unit="ms"),
        *(executions(drawing, machine) for machine in runner.machines),
        *([] if runner.dead_letters is None else [dead_letters(drawing, runner)]),
    ]


def account_traffic(drawing: Drawing) -> list[cloudwatch.IWidget]:
    """Whether somebody watches all that is called in the account, and the names of what nobody does."""
    dimensions = drawing.models.application_dimensions
    tables = {
        "Models in use without an alarm": UNWATCHED_QUERY,
        "Metrics in use that nothing reads": UNREAD_QUERY,
    }
    return [
        drawing.watch(catalogue.UNWATCHED_MODELS.title, kinds.UNWATCHED_MODELS, {"models": dimensions}),
        drawing.watch(catalogue.UNREAD_METRICS.title, kinds.UNREAD_METRICS, {"metrics": dimensions}),
        *(_told_by_the_watchdog(drawing, f"{title}: their names", query) for title, query in tables.items()),
    ]


def counts_of_runs(drawing: Drawing, environment: MonitoredEnvironment) -> list[cloudwatch.IWidget]:
    """What runs through profiles of their own have counted, beside what AWS has."""
    held = {each.name: each.dimensions for each in environment.evaluations if each.own_profile}
    if not held:
        return []
    return [
        drawing.watch(catalogue.METRICS_DIFFER.title, kinds.METRICS_DIFFER, held),
        _told_by_the_watchdog(drawing, "Counts of the newest runs, compared with AWS", HELD_QUERY),
    ]


def _told_by_the_watchdog(drawing: Drawing, title: str, query: str) -> cloudwatch.IWidget:
    return cloudwatch.LogQueryWidget(
        title=title,
        log_group_names=[f"/aws/lambda/{drawing.models.identity.fixed_names.watchdog}"],
        query_string=query,
        view=cloudwatch.LogQueryVisualizationType.TABLE,
        region=drawing.region,
        width=COLUMNS,
        height=6,
    )


def functions_graph(
    drawing: Drawing, title: str, entry: catalogue.Metric, functions: Mapping[str, str], *, unit: str
) -> cloudwatch.IWidget:
    series: list[Series] = [
        metric(entry, dimensions={"FunctionName": name}, period=TRAFFIC_PERIOD, label=label)
        for label, name in functions.items()
    ]
    return drawing.graph(title, series, unit=unit, statistic=entry.statistic)


def executions(drawing: Drawing, machine: MonitoredMachine) -> cloudwatch.IWidget:
    entries = (catalogue.STATES_FAILED, catalogue.STATES_TIMED_OUT, catalogue.STATES_ABORTED)
    return drawing.graph(
        ", ".join(("Failed, timed-out and aborted executions", *machine.subject)),
        drawing.counts(dict.fromkeys(entries), machine.dimensions),
        unit=kinds.EXECUTIONS_FAILED.axis,
        limits=drawing.limits([kinds.EXECUTIONS_FAILED], machine.dimensions),
    )


def _formatter(drawing: Drawing, environment: MonitoredEnvironment) -> cloudwatch.IWidget:
    kind, dimensions = kinds.FORMATTER_ERRORS, environment.formatter_dimensions
    return drawing.graph(
        "Formatter errors",
        drawing.counts(dict.fromkeys(kind.metrics.values()), dimensions),
        unit=kind.axis,
        limits=drawing.limits([kind], dimensions),
    )


def _people(drawing: Drawing) -> list[cloudwatch.IWidget]:
    """Who hears of alarms, as the watchdog counts every hour: many confirmed are good, and one that is gone is not."""
    dimensions = drawing.models.application_dimensions
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
        subscriptions("Missing subscriptions", lost, kinds.SUBSCRIBERS_MISSING, kinds.SUBSCRIBERS_PENDING),
        drawing.watch("Failed alarm actions", kinds.ACTIONS_FAILED, {"actions": dimensions}),
    ]


def dead_letters(drawing: Drawing, runner: MonitoredRunner) -> cloudwatch.IWidget:
    """Both counts apart: those of the queue end when it falls asleep, the watchdog's come every hour."""
    kind, dimensions = kinds.DEAD_LETTERS, runner.dead_letters_dimensions(drawing.models.identity.application)
    counted = kind.metrics.values() if drawing.models.watchdog else [catalogue.QUEUE_MESSAGES]
    return drawing.graph(
        "Failed schedule deliveries",
        drawing.counts(dict.fromkeys(counted), dimensions),
        unit=kind.axis,
        limits=drawing.limits([kind], dimensions),
        statistic=catalogue.DEAD_LETTERS.statistic,
    )


def _overdue(drawing: Drawing, environment: MonitoredEnvironment) -> list[cloudwatch.IWidget]:
    scheduled = {item.name: item.dimensions for item in environment.evaluations if item.scheduled}
    if not scheduled:
        return []
    return [drawing.watch("Overdue evaluations", kinds.RUN_OVERDUE, scheduled)]


def _ends_of_life(drawing: Drawing) -> list[cloudwatch.IWidget]:
    entry, untold = catalogue.DAYS_TO_END_OF_LIFE, catalogue.MODELS_WITHOUT_LIFECYCLE
    dimensions = drawing.models.application_dimensions
    return [
        drawing.graph(
            "Days to end of life (where announced)",
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
