"""The sections of the dashboard about what is monitored beside models."""

from collections.abc import Iterator, Sequence

from aws_cdk import aws_cloudwatch as cloudwatch

from bedrock_eval.invocation_log.filters import LogFilter
from bedrock_eval_cdk.monitoring.subjects import (
    MonitoredEnvironment,
    MonitoredEvaluation,
    MonitoredRunner,
)
from bedrock_eval_cdk.monitoring.widgets.drawing import Drawing, heading
from bedrock_eval_cdk.monitoring.widgets.evaluations import evaluation_widgets
from bedrock_eval_cdk.monitoring.widgets.health import (
    account_traffic,
    counts_of_runs,
    health,
    runner_health,
)
from bedrock_eval_cdk.monitoring.widgets.invocation_log import log_delivery, log_metrics, log_tables


def evaluation_rows(drawing: Drawing, evaluation: MonitoredEvaluation) -> Iterator[list[cloudwatch.IWidget]]:
    """The row about one evaluation."""
    candidates = ", ".join(f"{item.name} = `{item.model_id}`" for item in evaluation.candidates)
    yield [heading(f"Evaluation {evaluation.name}", candidates), *evaluation_widgets(drawing, evaluation)]


def runner_rows(drawing: Drawing, runner: MonitoredRunner) -> Iterator[list[cloudwatch.IWidget]]:
    """The row about what runs evaluations, where no watchdog looks after it."""
    yield [heading("Health of the evaluator"), *runner_health(drawing, runner)]


def log_rows(drawing: Drawing, log_group: str, filters: Sequence[LogFilter] = ()) -> Iterator[list[cloudwatch.IWidget]]:
    """The rows about the invocation log."""
    yield [heading(f"Invocation log `{log_group}`"), *log_delivery(drawing)]
    if filters:
        yield log_metrics(drawing, filters)
    yield log_tables(drawing, log_group=log_group)


def environment_rows(drawing: Drawing, environment: MonitoredEnvironment) -> Iterator[list[cloudwatch.IWidget]]:
    """The rows about what watches, and traffic that nobody does."""
    if environment.models.owns_account:
        yield [heading("Unmonitored traffic of the account"), *account_traffic(drawing)]
    yield [
        heading("Health of the evaluator"),
        *health(drawing, environment),
        *counts_of_runs(drawing, environment),
    ]
