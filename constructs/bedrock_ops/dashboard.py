"""The dashboard of an environment: what a person opens when an alarm rings."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from bedrock_eval.alarm_kinds import Thresholds
from bedrock_ops.alarms import RoutedAlarm
from bedrock_ops.monitoring_subjects import Watched
from bedrock_ops.monitoring_widgets import COLUMNS, Widgets, heading
from constructs import Construct

_MOST_WIDGETS = 500
_CONSOLES = {"cn-": "console.amazonaws.cn", "us-gov-": "console.amazonaws-us-gov.com"}


class MonitoringDashboard(Construct):
    """Header, alarm states, every declared model, every evaluation, and the health of the evaluator.

    Args:
        alarms: their states are shown and their thresholds drawn.
        region: of every series; a dashboard itself is global.

    Raises:
        ValueError: more widgets than a dashboard can hold.
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
        widgets = Widgets(watched=watched, alarms=alarms, thresholds=thresholds, region=region)
        rows = _rows(watched, widgets, header=_header(watched, region=region))
        count = sum(map(len, rows))
        if count > _MOST_WIDGETS:
            raise ValueError(
                f"dashboard {watched.names.dashboard} would have {count} widgets; allowed: {_MOST_WIDGETS}"
            )
        self.dashboard = cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=watched.names.dashboard,
            default_interval=Duration.days(1),
            period_override=cloudwatch.PeriodOverride.INHERIT,
            widgets=rows,
        )
        self.url = dashboard_url(watched.names.dashboard, region=region)


def dashboard_url(name: str, *, region: str) -> str:
    """The console's address of a dashboard, in the Region's own partition."""
    host = next((host for start, host in _CONSOLES.items() if region.startswith(start)), "console.aws.amazon.com")
    return f"https://{region}.{host}/cloudwatch/home?region={region}#dashboards/dashboard/{name}"


def _rows(watched: Watched, widgets: Widgets, *, header: str) -> list[list[cloudwatch.IWidget]]:
    """Rows wrap after 24 columns."""
    rows: list[list[cloudwatch.IWidget]] = [
        [cloudwatch.TextWidget(markdown=header, width=COLUMNS, height=4)],
        widgets.states(),
        [heading("All models"), widgets.all_models()],
    ]
    for model in watched.models:
        rows.append([heading(f"Model {model.name}: `{model.model_id}`"), *widgets.model(model)])
    if watched.guardrails:
        rows.append([heading("Guardrails"), *widgets.guardrails()])
    for evaluation in watched.evaluations:
        candidates = ", ".join(f"{item.name} = `{item.model_id}`" for item in evaluation.candidates)
        rows.append([heading(f"Evaluation {evaluation.name}: {candidates}"), *widgets.evaluation(evaluation)])
    rows.append([heading("Health of the evaluator"), *widgets.health()])
    return rows


def _header(watched: Watched, *, region: str) -> str:
    alarmed = "" if watched.owns_account else " Their alarms belong to the environment that owns the account."
    return "\n\n".join(
        (
            f"# {watched.names.prefix}",
            f"Application **{watched.application}** | environment **{watched.environment}** | "
            f"owner **{watched.owner}** | [runbook]({watched.runbook_url})",
            f"Figures of models are those of the whole account in {region}.{alarmed} {_traffic(watched)}",
        )
    )


def _traffic(watched: Watched) -> str:
    if watched.own_profile:
        return (
            "Evaluations call through inference profiles of their own: they are in *All models* under the ids of those "
            "profiles, and not in the figures per model."
        )
    return "These figures include evaluation traffic, which calls the same model ids (`own_profile` is off)."
