"""The widgets about models and guardrails: traffic, latency, errors, tokens, cost and quota."""

from collections.abc import Mapping, Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from bedrock_eval import catalogue
from bedrock_eval.alarms import kinds
from bedrock_eval.alarms.kinds import AlarmKind
from bedrock_eval.metric_math import beside, filled, judged, known, summed, total_of
from bedrock_eval.pricing.costs import TOKEN_METRICS, TokenExpression, cost_expression, unpriced_expression
from bedrock_eval_cdk.monitoring.metrics import metric, search, search_sum
from bedrock_eval_cdk.monitoring.model_alarms import intervention_math
from bedrock_eval_cdk.monitoring.series import Series, watched_series
from bedrock_eval_cdk.monitoring.subjects import MonitoredGuardrail, MonitoredModel
from bedrock_eval_cdk.monitoring.widgets.drawing import COLUMNS, PERCENTILES, TRAFFIC_PERIOD, Drawing, line

_DAY = Duration.days(1)
_MINUTE = Duration.minutes(1)
_MONTH_START = "-P30D"
_ERRORS = {
    catalogue.CLIENT_ERRORS: cloudwatch.Color.BROWN,
    catalogue.SERVER_ERRORS: cloudwatch.Color.PINK,
    catalogue.THROTTLES: cloudwatch.Color.PURPLE,
}
_RATES = {
    catalogue.CLIENT_ERRORS: kinds.CLIENT_ERRORS,
    catalogue.SERVER_ERRORS: kinds.SERVER_ERRORS,
    catalogue.THROTTLES: kinds.THROTTLES,
}
# Of the middle request, and of streamed requests only, as no other has a time to its first token.
_OUTPUT_SPEED = judged(kinds.OUTPUT_SPEED_MATH, "m1 > m3 AND m2 > 0 AND m3 > 0")
# What alarms watch and no other graph of a model shows.
_ALARMED = {
    kinds.TOKENS_PER_HOUR.name: "Tokens per hour",
    kinds.TOKENS_PER_DAY.name: "Tokens per day",
    kinds.COST_PER_HOUR.name: "Estimated cost per hour",
    kinds.END_OF_LIFE.name: "Days to end of life",
}
_CACHE_SHARE = known(f"100*{beside('r', 'i')}/{summed(('i', filled('r'), filled('w')))}", "i")
_CACHE_PARTS = {"i": catalogue.INPUT_TOKENS, "r": catalogue.CACHE_READ_TOKENS, "w": catalogue.CACHE_WRITE_TOKENS}
_CACHE_UNIT = "% of all input tokens"


def all_models(drawing: Drawing) -> list[cloudwatch.IWidget]:
    """Every model id that is called in this account and Region, declared or not."""
    shown = {
        catalogue.INVOCATIONS: "requests in 5 min",
        catalogue.INVOCATION_LATENCY: "ms",
        catalogue.TIME_TO_FIRST_TOKEN: "ms",
        catalogue.CLIENT_ERRORS: "requests in 5 min",
        catalogue.SERVER_ERRORS: "requests in 5 min",
        catalogue.THROTTLES: "requests in 5 min",
        catalogue.INPUT_TOKENS: "tokens in 5 min",
        catalogue.OUTPUT_TOKENS: "tokens in 5 min",
        catalogue.CACHE_READ_TOKENS: "tokens in 5 min",
        catalogue.CACHE_WRITE_TOKENS: "tokens in 5 min",
        catalogue.QUOTA_TOKENS: "tokens in 5 min",
        catalogue.LEGACY_INVOCATIONS: "requests in 5 min",
    }
    floor = drawing.thresholds.traffic_floor
    rates: list[Series] = [
        _together(str(kind.drawn).format(floor=floor), kind.metrics, label=entry.title, color=_ERRORS[entry])
        for entry, kind in _RATES.items()
    ]
    return [
        *(
            drawing.graph(
                f"{entry.title}, by model" + (", p90" if entry.statistic == "p90" else ""),
                [search(entry, period=TRAFFIC_PERIOD)],
                unit=unit,
                statistic=entry.statistic,
            )
            for entry, unit in shown.items()
        ),
        drawing.graph(
            f"Error and throttle rates of all models (at least {floor} requests)", rates, unit=kinds.THROTTLES.axis
        ),
        drawing.graph(
            "Cache efficiency of all models",
            [_together(_CACHE_SHARE, _CACHE_PARTS, label="Read from cache")],
            unit=_CACHE_UNIT,
            top=100,
        ),
    ]


def _together(
    expression: str, parts: Mapping[str, catalogue.Metric], *, label: str, color: str | None = None
) -> cloudwatch.MathExpression:
    """Metric math over sums of all models, which the searches find."""
    return cloudwatch.MathExpression(
        expression=expression,
        using_metrics={name: search_sum(entry, period=TRAFFIC_PERIOD) for name, entry in parts.items()},
        period=TRAFFIC_PERIOD,
        label=label,
        color=color,
    )


def one_model(drawing: Drawing, model: MonitoredModel) -> list[cloudwatch.IWidget]:
    """Traffic, latency, errors and tokens of one model id, declared or chosen."""
    return [
        drawing.graph(
            "Invocations", drawing.counts({catalogue.INVOCATIONS: None}, model.dimensions), unit="requests in 5 min"
        ),
        _latency(drawing, model),
        drawing.graph(
            "Time to first token, streamed requests",
            drawing.percentiles(catalogue.TIME_TO_FIRST_TOKEN, model.dimensions),
            unit="ms",
            statistic="p90",
        ),
        _output_speed(drawing, model),
        drawing.graph(
            "Errors and throttles",
            drawing.counts(_ERRORS, model.dimensions),
            unit=kinds.THROTTLE_COUNT.axis,
            limits=drawing.limits([kinds.THROTTLE_COUNT], model.dimensions),
        ),
        _rates(drawing, model),
        drawing.graph(
            "Tokens",
            drawing.counts(dict.fromkeys(TOKEN_METRICS.values()), model.dimensions),
            unit="tokens in 5 min",
        ),
        _cache_share(drawing, model),
        drawing.watch(
            "Calls while the model is marked legacy",
            kinds.LEGACY_MODEL,
            {catalogue.LEGACY_INVOCATIONS.title: model.dimensions},
        ),
    ]


def declared_model(drawing: Drawing, model: MonitoredModel) -> list[cloudwatch.IWidget]:
    """All of one model, and what is known of it beside: rates and quotas."""
    return [
        *one_model(drawing, model),
        *_cost(drawing, model),
        *_quota(drawing, model),
        *_model_interventions(drawing, model),
        *drawing.alarmed(_ALARMED, model.name),
    ]


def cost_of_all(drawing: Drawing) -> list[cloudwatch.IWidget]:
    """What the models of this environment cost, a number each, and what the watchdog adds up since the month began."""
    monitored = drawing.models
    models, dimensions = monitored.models, monitored.application_dimensions
    series = [each for place, model in enumerate(models) for each in _costs(model, prefix=f"m{place}_", name=True)]
    # The month's cost has them: the watchdog knows their profiles.
    apart = ", without evaluations" if monitored.own_profile else ""
    month = {
        catalogue.MONTH_TO_DATE_COST: "US dollars",
        catalogue.MONTH_TO_DATE_UNPRICED_TOKENS: "tokens",
    }
    return [
        *(
            drawing.total(f"Estimated cost by model, last {days}{apart}", series, days=count, width=COLUMNS)
            for days, count in (("day", 1), ("30 days", 30))
            if series
        ),
        *(
            drawing.graph(
                entry.title,
                [metric(entry, dimensions=dimensions, period=Duration.hours(1), label=entry.title)],
                unit=unit,
                width=COLUMNS // 2,
                period=Duration.hours(1),
                statistic=entry.statistic,
                start=_MONTH_START,
            )
            for entry, unit in (month.items() if monitored.watchdog else ())
        ),
        *_budget(drawing),
    ]


def _budget(drawing: Drawing) -> list[cloudwatch.IWidget]:
    """What the bill says beside the estimate, and whether the budget sees it at all."""
    if drawing.models.budget is None:
        return []
    entry, dimensions = catalogue.BUDGET_SPEND, drawing.models.application_dimensions
    return [
        drawing.graph(
            entry.title,
            [metric(entry, dimensions=dimensions, period=Duration.hours(1), label=entry.title)],
            unit="US dollars",
            width=COLUMNS // 2,
            period=Duration.hours(1),
            statistic=entry.statistic,
            start=_MONTH_START,
        ),
        drawing.watch("Budget reads 0 while models cost money", kinds.BUDGET_BLIND, {"budget": dimensions}),
    ]


def guardrail(drawing: Drawing, subject: MonitoredGuardrail) -> list[cloudwatch.IWidget]:
    """Calls of ApplyGuardrail, interventions and their share, latency and errors of a guardrail in one version."""
    calls = {catalogue.GUARDRAIL_INVOCATIONS: None, catalogue.GUARDRAIL_INTERVENED: cloudwatch.Color.ORANGE}
    errors = {
        catalogue.GUARDRAIL_CLIENT_ERRORS: cloudwatch.Color.BROWN,
        catalogue.GUARDRAIL_SERVER_ERRORS: cloudwatch.Color.PINK,
        catalogue.GUARDRAIL_THROTTLES: cloudwatch.Color.PURPLE,
    }
    return [
        drawing.graph("Calls and interventions", drawing.counts(calls, subject.dimensions), unit="requests in 5 min"),
        _interventions(drawing, subject),
        drawing.graph(
            "Latency of the guardrail",
            drawing.percentiles(catalogue.GUARDRAIL_LATENCY, subject.dimensions),
            unit="ms",
            statistic="p90",
        ),
        drawing.graph("Errors and throttles", drawing.counts(errors, subject.dimensions), unit="requests in 5 min"),
        drawing.graph(
            "Text units (what guardrails are billed by)",
            drawing.counts({catalogue.GUARDRAIL_TEXT_UNITS: None}, subject.dimensions),
            unit="text units in 5 min",
        ),
    ]


def _interventions(drawing: Drawing, subject: MonitoredGuardrail) -> cloudwatch.IWidget:
    kind = kinds.GUARDRAIL_INTERVENTIONS
    series = watched_series(
        kind, dimensions=subject.dimensions, thresholds=drawing.thresholds, drawn=True, label="Interventions"
    )
    return drawing.graph(
        f"Share of interventions (at least {drawing.thresholds.traffic_floor} calls)",
        [series],
        unit=kind.axis,
        limits=drawing.limits([kind], subject.dimensions),
        period=Duration.seconds(kind.window.seconds),
    )


def _model_interventions(drawing: Drawing, model: MonitoredModel) -> list[cloudwatch.IWidget]:
    """The share of the requests in which a guardrail intervened, as the alarm has it."""
    kind = kinds.MODEL_INTERVENTIONS
    if not drawing.about(kind, model.name):
        return []
    series = watched_series(
        kind,
        dimensions=model.dimensions,
        thresholds=model.thresholds,
        math=intervention_math(model),
        drawn=True,
        label="Interventions",
    )
    return [
        drawing.graph(
            f"Guardrail interventions (at least {model.thresholds.traffic_floor} requests)",
            [series],
            unit=kind.axis,
            limits=[drawing.limit(routed)],
            period=Duration.seconds(kind.window.seconds),
        )
        for routed in drawing.about(kind, model.name)
    ]


def _latency(drawing: Drawing, model: MonitoredModel) -> cloudwatch.IWidget:
    """With the band of the anomaly alarm, where that is made."""
    percentiles = drawing.percentiles(catalogue.INVOCATION_LATENCY, model.dimensions)
    p90 = percentiles[list(PERCENTILES).index("p90")]
    return drawing.graph(
        "Latency to the last token",
        [*percentiles, *(_band(p90, routed.threshold) for routed in drawing.about(kinds.LATENCY_ANOMALY, model.name))],
        unit=kinds.LATENCY_P90.axis,
        limits=drawing.limits([kinds.LATENCY_P90], model.dimensions),
        statistic="p90",
    )


def _band(series: Series, deviations: float) -> cloudwatch.MathExpression:
    """What is usual at this hour, so many standard deviations wide."""
    return cloudwatch.MathExpression(
        expression=f"ANOMALY_DETECTION_BAND(usual, {deviations:g})",
        using_metrics={"usual": series},
        period=TRAFFIC_PERIOD,
        label=f"p90 expected, {deviations:g} standard deviations",
        color=cloudwatch.Color.GREY,
    )


def _output_speed(drawing: Drawing, model: MonitoredModel) -> cloudwatch.IWidget:
    parts = {
        "m1": catalogue.INVOCATION_LATENCY,
        "m2": catalogue.OUTPUT_TOKENS,
        "m3": catalogue.TIME_TO_FIRST_TOKEN,
    }
    series = cloudwatch.MathExpression(
        expression=_OUTPUT_SPEED,
        using_metrics={
            name: metric(entry, dimensions=model.dimensions, period=TRAFFIC_PERIOD, statistic="p50")
            for name, entry in parts.items()
        },
        period=TRAFFIC_PERIOD,
        label="p50",
        color=PERCENTILES["p50"],
    )
    watching = drawing.about(kinds.OUTPUT_SPEED, model.name)
    return drawing.graph(
        "Output speed, streamed requests",
        [series, *(_as_watched(kinds.OUTPUT_SPEED, model) for _ in watching)],
        unit=kinds.OUTPUT_SPEED.axis,
        limits=[drawing.limit(routed) for routed in watching],
        statistic="p50",
    )


def _as_watched(kind: AlarmKind, model: MonitoredModel) -> Series:
    label = f"value that the alarm compares (at least {model.thresholds.traffic_floor} requests)"
    return watched_series(kind, dimensions=model.dimensions, thresholds=model.thresholds, drawn=True, label=label)


def _rates(drawing: Drawing, model: MonitoredModel) -> cloudwatch.IWidget:
    series = [
        watched_series(
            kind,
            dimensions=model.dimensions,
            thresholds=model.thresholds,
            drawn=True,
            label=entry.title,
            color=_ERRORS[entry],
        )
        for entry, kind in _RATES.items()
    ]
    return drawing.graph(
        f"Error and throttle rates (at least {model.thresholds.traffic_floor} requests in 5 min)",
        series,
        unit=kinds.THROTTLES.axis,
        limits=drawing.limits(list(_RATES.values()), model.dimensions),
    )


def _cache_share(drawing: Drawing, model: MonitoredModel) -> cloudwatch.IWidget:
    series = _math(_CACHE_SHARE, _CACHE_PARTS, dimensions=model.dimensions, label="Read from cache")
    return drawing.graph("Cache efficiency", [series], unit=_CACHE_UNIT, top=100)


def _cost(drawing: Drawing, model: MonitoredModel) -> list[cloudwatch.IWidget]:
    priced = None if model.rates is None else cost_expression(model.rates)
    unpriced = unpriced_expression(model.rates)
    until = model.rates and model.rates.verified_until
    rated = f" (rates until {until})" if until else ""
    graphs = {
        f"Estimated cost per day{rated}": (priced, kinds.COST_PER_DAY),
        "Unpriced tokens per day (not in the cost)": (unpriced, kinds.UNPRICED_TOKENS),
    }
    return [
        *(
            drawing.graph(
                title,
                [_tokens(expression, model, label=kind.unit.name)],
                unit=kind.axis,
                limits=[drawing.limit(routed) for routed in drawing.about(kind, model.name)],
                period=_DAY,
                start=_MONTH_START,
            )
            for title, (expression, kind) in graphs.items()
            if expression is not None
        ),
        *(
            drawing.total(f"Estimated cost, last {days}", _costs(model), days=count)
            for days, count in (("day", 1), ("30 days", 30))
        ),
    ]


def _costs(model: MonitoredModel, *, prefix: str = "", name: bool = False) -> list[Series]:
    """US dollars of what has a rate, and the tokens of what has none: an unknown price is never 0."""
    of = f"{model.name}, " if name else ""
    priced = None if model.rates is None else cost_expression(model.rates, prefix=prefix)
    made = {f"{of}US dollars": priced, f"{of}unpriced tokens": unpriced_expression(model.rates, prefix=prefix)}
    return [
        _tokens(expression, model, label=label, color=None)
        for label, expression in made.items()
        if expression is not None
    ]


def _tokens(
    expression: TokenExpression, model: MonitoredModel, *, label: str, color: str | None = None
) -> cloudwatch.MathExpression:
    return _math(
        expression.expression, expression.metrics, dimensions=model.dimensions, label=label, period=_DAY, color=color
    )


def _quota(drawing: Drawing, model: MonitoredModel) -> list[cloudwatch.IWidget]:
    """Per cent of each known quota; a model's quota is also used through its application profile."""
    if model.quota is None:
        return []
    quotas = {
        "Tokens per minute, share of the quota (estimate)": (
            catalogue.QUOTA_TOKENS,
            model.quota.tokens_per_minute,
            kinds.QUOTA_TOKENS,
        ),
        "Requests per minute, share of the quota": (
            catalogue.INVOCATIONS,
            model.quota.requests_per_minute,
            kinds.QUOTA_REQUESTS,
        ),
    }
    return [
        drawing.graph(
            title,
            _shares(entry, quota, model),
            unit=kind.axis,
            limits=[
                line(100, f"100 % = {quota:,} per minute", cloudwatch.Color.RED),
                *(drawing.limit(routed) for routed in drawing.about(kind, model.name)),
            ],
            period=_MINUTE,
            statistic=entry.statistic,
        )
        for title, (entry, quota, kind) in quotas.items()
        if quota is not None
    ]


def _shares(entry: catalogue.Metric, quota: int, model: MonitoredModel) -> list[Series]:
    """What the alarm watches, and with the calls of evaluations, which use the same quota."""
    called = list(dict.fromkeys((model.model_id, model.metric_id)))
    evaluated = "" if model.evaluation_id is None else ", without evaluations"
    shares = {f"used{evaluated}": called}
    if model.evaluation_id is not None:
        shares["used, with evaluations"] = [*called, model.evaluation_id]
    return [_share(entry, quota, ids, label=label) for label, ids in shares.items()]


def _share(entry: catalogue.Metric, quota: int, called: Sequence[str], *, label: str) -> cloudwatch.MathExpression:
    parts = {
        f"q{place}": metric(entry, dimensions={catalogue.MODEL_ID: called_id}, period=_MINUTE)
        for place, called_id in enumerate(called)
    }
    return cloudwatch.MathExpression(
        expression=f"100*{total_of(parts)}/{quota}",
        using_metrics=dict(parts),
        period=_MINUTE,
        label=label,
    )


def _math(  # noqa: PLR0913 - all by keyword but the first two
    expression: str,
    parts: Mapping[str, catalogue.Metric],
    *,
    dimensions: Mapping[str, str],
    label: str,
    period: Duration = TRAFFIC_PERIOD,
    color: str | None = None,
) -> cloudwatch.MathExpression:
    return cloudwatch.MathExpression(
        expression=expression,
        using_metrics={name: metric(entry, dimensions=dimensions, period=period) for name, entry in parts.items()},
        period=period,
        label=label,
        color=color,
    )
