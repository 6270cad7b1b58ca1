"""The widgets about the invocation log: whether it is delivered, and what it holds."""

from collections.abc import Sequence

from aws_cdk import aws_cloudwatch as cloudwatch

from bedrock_eval import catalogue
from bedrock_eval.alarms import kinds
from bedrock_eval.alarms.units import figure
from bedrock_eval.invocation_log import queries
from bedrock_eval.invocation_log.filters import LogFilter
from bedrock_eval_cdk.monitoring.metrics import search
from bedrock_eval_cdk.monitoring.subjects import DELIVERY_DIMENSIONS
from bedrock_eval_cdk.monitoring.widgets.drawing import COLUMNS, TRAFFIC_PERIOD, Drawing

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
