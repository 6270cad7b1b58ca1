"""The alarms about what watches: the watchdog, the formatter, who is to hear, and traffic that nobody watches."""

from bedrock_eval import catalogue
from bedrock_eval.alarms import kinds
from bedrock_eval_cdk.monitoring.alarms import AlarmFactory
from bedrock_eval_cdk.monitoring.evaluation_alarms import add_runner_alarms
from bedrock_eval_cdk.monitoring.subjects import (
    MonitoredEnvironment,
)

TRAFFIC_KINDS = (kinds.UNWATCHED_MODELS, kinds.UNREAD_METRICS)
"""About what is called in the account, whoever calls it."""


def add_environment_alarms(factory: AlarmFactory, environment: MonitoredEnvironment) -> None:
    """Make the alarms about the environment as a whole, account-wide ones only for the owner of the account."""
    models, names = environment.models, environment.names
    for model in models.models:
        # Also where nothing is announced: AWS may do so after the deploy, and until then there is no data.
        factory.make(
            kinds.END_OF_LIFE,
            model.name,
            dimensions={**models.application_dimensions, catalogue.MODEL_ID: model.model_id},
            about=f"{model.name} ({model.model_id})",
        )
    add_runner_alarms(factory, environment.runner, application=models.identity.application)
    factory.make(kinds.WATCHDOG_SILENT, dimensions=models.application_dimensions)
    if models.owns_account:
        for kind in TRAFFIC_KINDS:
            factory.make(kind, dimensions=models.application_dimensions)
    factory.make(kinds.UNDELIVERED, dimensions=environment.messages_dimensions, about=names.messages_topic)
    if models.budget is not None:
        factory.make(kinds.BUDGET_BLIND, dimensions=models.application_dimensions, about=models.budget)
    for kind in (kinds.SUBSCRIBERS_MISSING, kinds.SUBSCRIBERS_PENDING, kinds.ACTIONS_FAILED):
        factory.make(kind, dimensions=models.application_dimensions)


def add_formatter_alarm(factory: AlarmFactory, environment: MonitoredEnvironment) -> None:
    """Make the alarm about the formatter itself; its factory must notify the people directly."""
    factory.make(
        kinds.FORMATTER_ERRORS,
        dimensions=environment.formatter_dimensions,
        about=environment.names.alarm_formatter,
    )
