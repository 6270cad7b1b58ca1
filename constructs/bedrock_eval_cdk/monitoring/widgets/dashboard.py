"""The dashboard of an environment: what a person opens when an alarm rings."""

from collections.abc import Iterable, Iterator, Sequence

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch

from bedrock_eval import catalogue
from bedrock_eval.arrival import LAST_MINUTES
from bedrock_eval.console import dashboard_url
from bedrock_eval_cdk.core.context import Identity
from bedrock_eval_cdk.core.errors import DeclarationError
from bedrock_eval_cdk.monitoring.subjects import MonitoredModel, MonitoredModels
from bedrock_eval_cdk.monitoring.widgets.drawing import COLUMNS, Drawing, heading, text_rows
from bedrock_eval_cdk.monitoring.widgets.models import all_models, cost_of_all, declared_model, guardrail, one_model
from constructs import Construct

SPLIT = "split it: move some models and evaluations to another one"
CHOSEN_MODEL = "chosen-model-id"
"""What the dashboard's variable replaces, wherever it stands. A variable by property would replace every ModelId."""

# Dashboard body structure, and the quotas of CloudWatch; the metrics of expressions count too.
_MOST_WIDGETS = 500
_MOST_METRICS = 2_500
_MOST_METRICS_OF_ONE = 500


class MonitoringDashboard(Construct):
    """Header, alarm states, all models, one model to choose, every declared model, guardrails, cost, and further rows.

    Args:
        further: rows about what else is monitored.
        existing: a dashboard that is added to, instead of one of its own.

    Raises:
        DeclarationError: more widgets than a dashboard can hold.

    Attributes:
        widgets: all that was added.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        drawing: Drawing,
        further: Iterable[list[cloudwatch.IWidget]] = (),
        existing: cloudwatch.Dashboard | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        rows = [*_rows(drawing), *further]
        self.widgets = tuple(widget for row in rows for widget in row)
        _check(self, drawing.models.identity.label, self.widgets)
        self._name = drawing.models.identity.name(lambda names: names.dashboard)
        self.dashboard = existing or self._make(drawing)
        self.dashboard.add_variable(_choice(drawing.models))
        for row in rows:
            self.dashboard.add_widgets(*row)

    def _make(self, drawing: Drawing) -> cloudwatch.Dashboard:
        return cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=drawing.models.identity.name(lambda names: names.dashboard),
            default_interval=Duration.days(1),
            period_override=cloudwatch.PeriodOverride.INHERIT,
        )

    def url(self, *, region: str) -> str:
        """Where the console shows it."""
        return dashboard_url(self._name or self.dashboard.dashboard_name, region=region)


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
            raise DeclarationError(f"dashboard {name} would have {count:,} {what}; allowed: {most:,}; {SPLIT}")


def _choice(monitored: MonitoredModels) -> cloudwatch.DashboardVariable:
    """Lets a person switch the row of one model to any id that is called."""
    entry = catalogue.INVOCATIONS
    first = next((model.metric_id for model in monitored.models), None)
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
    monitored = drawing.models
    yield [_header(drawing)]
    yield drawing.states()
    yield [heading("All models"), *all_models(drawing)]
    chosen = MonitoredModel("chosen", CHOSEN_MODEL, drawing.thresholds)
    yield [heading(f"One model, chosen at the top: `{CHOSEN_MODEL}`"), *one_model(drawing, chosen)]
    for model in monitored.models:
        through = "" if model.profile_id is None else f" through profile `{model.profile_id}`"
        yield [heading(f"Model {model.name}: `{model.model_id}`{through}"), *declared_model(drawing, model)]
    for each in monitored.guardrails:
        yield [
            heading(f"Guardrail {each.name}, version {each.version}: calls of ApplyGuardrail"),
            *guardrail(drawing, each),
        ]
    yield [heading("Cost, estimated by the declared rates"), *cost_of_all(drawing)]


def _header(drawing: Drawing) -> cloudwatch.TextWidget:
    monitored, identity = drawing.models, drawing.models.identity
    alarmed = "" if monitored.owns_account else " Their alarms belong to the environment that owns the account."
    before = (
        f"# {identity.label}",
        f"Do the models answer, in time and as well as before, and at what cost? {_whose(identity)}",
        f"Figures of models are those of the whole account in {drawing.region}.{alarmed} {_traffic(monitored)}"
        f"Metrics and log records arrive late: {LAST_MINUTES} need not be complete.",
    )
    kinds = dict.fromkeys(routed.kind.name for routed in drawing.alarms)
    book = identity.runbook
    if book is None or not kinds:
        return cloudwatch.TextWidget(markdown="\n\n".join(before), width=COLUMNS, height=text_rows(*before))
    linked = " | ".join(f"[{kind}]({book}#{kind})" for kind in kinds)
    return cloudwatch.TextWidget(
        markdown="\n\n".join((*before, f"What to do when one rings: {linked}")),
        width=COLUMNS,
        # Of a link only its name is shown.
        height=text_rows(*before, f"What to do when one rings: {' | '.join(kinds)}"),
    )


def _whose(identity: Identity) -> str:
    known = [f"Application **{identity.application}**"]
    if identity.names is not None:
        known.append(f"environment **{identity.environment}**")
    if identity.owner is not None:
        known.append(f"owner **{identity.owner}**")
    if identity.runbook_url is not None:
        known.append(f"[runbook]({identity.runbook_url})")
    return " | ".join(known)


def _traffic(monitored: MonitoredModels) -> str:
    if monitored.own_profile is None:
        return ""
    if monitored.own_profile:
        ids = {model.name: model.evaluation_id for model in monitored.models if model.evaluation_id is not None}
        listed = ", ".join(f"{name} `{profile}`" for name, profile in ids.items())
        return (
            "Evaluations call through inference profiles of their own: they are in *All models* under the ids of those "
            f"profiles{f' ({listed})' if listed else ''}, and not in the figures per model. "
        )
    return "These figures include evaluation traffic, which calls the same model ids (`own_profile` is off). "
