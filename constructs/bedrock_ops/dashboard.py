"""The dashboard of an environment: what a person opens when an alarm rings."""

from collections.abc import Iterator, Sequence

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch

from bedrock_eval import catalogue
from bedrock_eval.alarms.kinds import Thresholds
from bedrock_eval.arrival import LAST_MINUTES
from bedrock_eval.console import dashboard_url
from bedrock_ops.alarms import RoutedAlarm
from bedrock_ops.errors import DeclarationError
from bedrock_ops.evaluation_widgets import evaluation_widgets
from bedrock_ops.health_widgets import account_traffic, counts_of_runs, health, log_delivery, log_metrics, log_tables
from bedrock_ops.model_widgets import all_models, cost_of_all, declared_model, guardrail, one_model
from bedrock_ops.monitoring_subjects import Watched, WatchedModel
from bedrock_ops.monitoring_widgets import COLUMNS, Drawing, heading, text_rows
from constructs import Construct

CHOSEN_MODEL = "chosen-model-id"
"""What the dashboard's variable replaces, wherever it stands. A variable by property would replace every ModelId."""

# Dashboard body structure, and the quotas of CloudWatch; the metrics of expressions count too.
_MOST_WIDGETS = 500
_MOST_METRICS = 2_500
_MOST_METRICS_OF_ONE = 500


class MonitoringDashboard(Construct):
    """Header, alarm states, all models, one model to choose, every declared model, guardrails, cost, every evaluation,
    the invocation log, and the health of the evaluator.

    Args:
        alarms: their states are shown and their thresholds drawn.
        region: of every series; a dashboard itself is global.

    Raises:
        ValueError: more widgets than a dashboard can hold.

    Attributes:
        widgets: all that it shows.
    """

    def __init__(  # noqa: PLR0913 - all by keyword but the first two
        self,
        scope: Construct,
        construct_id: str,
        *,
        watched: Watched,
        alarms: Sequence[RoutedAlarm],
        thresholds: Thresholds,
        region: str,
    ) -> None:
        super().__init__(scope, construct_id)
        drawing = Drawing(watched=watched, alarms=alarms, thresholds=thresholds, region=region)
        rows = list(_rows(drawing))
        self.widgets = tuple(widget for row in rows for widget in row)
        _check(self, watched.names.dashboard, self.widgets)
        self.dashboard = cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=watched.names.dashboard,
            default_interval=Duration.days(1),
            period_override=cloudwatch.PeriodOverride.INHERIT,
            variables=[_choice(watched)],
            widgets=rows,
        )
        self.url = dashboard_url(watched.names.dashboard, region=region)


def _check(scope: Construct, name: str, widgets: Sequence[cloudwatch.IWidget]) -> None:
    """What a search finds is not known here and counts besides."""
    drawn = Stack.of(scope).resolve([each for widget in widgets for each in widget.to_json()])
    metrics = [sum(isinstance(entry[0], str) for entry in each["properties"].get("metrics", ())) for each in drawn]
    for count, most, what in (
        (len(widgets), _MOST_WIDGETS, "widgets"),
        (sum(metrics), _MOST_METRICS, "metrics"),
        (max(metrics), _MOST_METRICS_OF_ONE, "metrics in a widget"),
    ):
        if count > most:
            raise DeclarationError(
                f"dashboard {name} would have {count:,} {what}; allowed: {most:,}; split the environment: "
                "move some models and evaluations to another file"
            )


def _choice(watched: Watched) -> cloudwatch.DashboardVariable:
    """Lets a person switch the row of one model to any id that is called."""
    entry = catalogue.INVOCATIONS
    first = next((model.metric_id for model in watched.models), None)
    return cloudwatch.DashboardVariable(
        id="model",
        label="One model",
        type=cloudwatch.VariableType.PATTERN,
        value=CHOSEN_MODEL,
        input_type=cloudwatch.VariableInputType.SELECT,
        values=cloudwatch.Values.from_search_components(
            namespace=entry.namespace,
            dimensions=list(entry.dimensions),
            metric_name=entry.name,
            populate_from=catalogue.MODEL_ID,
        ),
        default_value=cloudwatch.DefaultValue.FIRST if first is None else cloudwatch.DefaultValue.value(first),
        visible=True,
    )


def _rows(drawing: Drawing) -> Iterator[list[cloudwatch.IWidget]]:
    """Rows wrap after 24 columns."""
    watched = drawing.watched
    yield [_header(drawing)]
    yield drawing.states()
    yield [heading("All models"), *all_models(drawing)]
    chosen = WatchedModel("chosen", CHOSEN_MODEL, drawing.thresholds)
    yield [heading(f"One model, chosen at the top: `{CHOSEN_MODEL}`"), *one_model(drawing, chosen)]
    for model in watched.models:
        through = "" if model.profile_id is None else f" through profile `{model.profile_id}`"
        yield [heading(f"Model {model.name}: `{model.model_id}`{through}"), *declared_model(drawing, model)]
    for each in watched.guardrails:
        yield [
            heading(f"Guardrail {each.name}, version {each.version}: calls of ApplyGuardrail"),
            *guardrail(drawing, each),
        ]
    yield [heading("Cost, estimated by the rates of the environment file"), *cost_of_all(drawing)]
    for evaluation in watched.evaluations:
        candidates = ", ".join(f"{item.name} = `{item.model_id}`" for item in evaluation.candidates)
        yield [heading(f"Evaluation {evaluation.name}", candidates), *evaluation_widgets(drawing, evaluation)]
    if watched.log_group is not None:
        yield [heading(f"Invocation log `{watched.log_group}`"), *log_delivery(drawing)]
        if watched.log_filters:
            yield log_metrics(drawing, watched.log_filters)
        yield log_tables(drawing, log_group=watched.log_group)
    if watched.owns_account:
        yield [heading("Traffic of the account that nobody watches"), *account_traffic(drawing)]
    yield [heading("Health of the evaluator"), *health(drawing), *counts_of_runs(drawing)]


def _header(drawing: Drawing) -> cloudwatch.TextWidget:
    watched = drawing.watched
    alarmed = "" if watched.owns_account else " Their alarms belong to the environment that owns the account."
    book = watched.runbook_url.partition("#")[0]
    kinds = dict.fromkeys(routed.kind.name for routed in drawing.alarms)
    before = (
        f"# {watched.names.prefix}",
        "Do the models answer, in time and as well as before, and at what cost? "
        f"Application **{watched.application}** | environment **{watched.environment}** | "
        f"owner **{watched.owner}** | [runbook]({watched.runbook_url})",
        f"Figures of models are those of the whole account in {drawing.region}.{alarmed} {_traffic(watched)} "
        f"Metrics and log records arrive late: {LAST_MINUTES} need not be complete.",
    )
    linked = " | ".join(f"[{kind}]({book}#{kind})" for kind in kinds)
    return cloudwatch.TextWidget(
        markdown="\n\n".join((*before, f"What to do when one rings: {linked}")),
        width=COLUMNS,
        # Of a link only its name is shown.
        height=text_rows(*before, f"What to do when one rings: {' | '.join(kinds)}"),
    )


def _traffic(watched: Watched) -> str:
    if watched.own_profile:
        ids = {model.name: model.evaluation_id for model in watched.models if model.evaluation_id is not None}
        listed = ", ".join(f"{name} `{profile}`" for name, profile in ids.items())
        return (
            "Evaluations call through inference profiles of their own: they are in *All models* under the ids of those "
            f"profiles{f' ({listed})' if listed else ''}, and not in the figures per model."
        )
    return "These figures include evaluation traffic, which calls the same model ids (`own_profile` is off)."
