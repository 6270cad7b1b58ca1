"""The thresholds and severities of alarms."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from bedrock_eval.alarm_kinds import KINDS, TOTAL_FAILURE_PERCENT
from bedrock_eval.wording import suggestion
from configuration.schema.values.base import Strict, enum
from configuration.schema.values.numbers import Days, Dollars, Milliseconds, PerSecond, Requests, Tokens


def _alarm_name(name: str) -> str:
    if name not in KINDS:
        raise ValueError(f"{name!r} is not a kind of alarm{suggestion(name, KINDS)}; allowed: {', '.join(KINDS)}")
    return name


AlarmName = Annotated[str, AfterValidator(_alarm_name), Field(json_schema_extra=enum(tuple(KINDS)))]
Percent = Annotated[float, Field(ge=0.001, le=100)]
# Of alarms that ring above them, and could not at these ends.
Share = Annotated[float, Field(gt=0, lt=100)]
ErrorShare = Annotated[float, Field(gt=0, lt=TOTAL_FAILURE_PERCENT)]
# With less the band is no band, and the number has an exponent in the template.
Deviations = Annotated[float, Field(ge=0.1, le=10)]


class ModelAlarmsConfig(Strict):
    """Thresholds of one model; what is left out is as in `alarms`."""

    latency_p90_ms: Milliseconds | None = Field(default=None, description="As in `alarms`.")
    latency_anomaly: Deviations | None = Field(default=None, description="As in `alarms`.")
    output_tokens_per_second: PerSecond | None = Field(default=None, description="As in `alarms`.")
    throttle_count: Requests | None = Field(default=None, description="As in `alarms`.")
    traffic_floor: Requests | None = Field(default=None, description="As in `alarms`.")
    model_intervention_percent: Share | None = Field(default=None, description="As in `alarms`.")
    tokens_per_hour: Tokens | None = Field(default=None, description="As in `alarms`.")
    tokens_per_day: Tokens | None = Field(default=None, description="As in `alarms`.")
    cost_per_hour: Dollars | None = Field(default=None, description="As in `alarms`.")
    cost_per_day: Dollars | None = Field(default=None, description="As in `alarms`.")


class AlarmsConfig(Strict):
    """Thresholds and severities. Rates are per cent of all requests in 5 minutes; with fewer requests than
    `traffic_floor` neither they nor latencies are judged.

    A limit that is left out, with no default, makes no alarm.
    """

    latency_p90_ms: Milliseconds = Field(default=10_000, description="Latency to the last token, in milliseconds.")
    latency_anomaly: Deviations | None = Field(
        default=None,
        description="Standard deviations above the latency that CloudWatch expects; it learns for two weeks.",
    )
    output_tokens_per_second: PerSecond | None = Field(
        default=10, description="Of streamed answers; 80 % of what the model usually gives is a good bound."
    )
    server_error_percent: ErrorShare = Field(
        default=5,
        description="Errors of the service. Total failure may read as 50 %, so the limit is below.",
    )
    client_error_percent: ErrorShare = Field(
        default=10, description="Refused requests, throttles not counted; the limit is below 50, too."
    )
    throttle_percent: Share = Field(default=5, description="Throttled requests.")
    throttle_count: Requests = Field(default=20, description="In 5 minutes; holds when nothing but throttles happens.")
    traffic_floor: Requests = Field(
        default=20, description="Requests in 5 minutes; with fewer, rates and latencies say nothing."
    )
    quota_percent: Percent = Field(default=80, description="Of each quota that `models.<name>.quota` names.")
    tokens_per_hour: Tokens | None = Field(default=None, description="Of each model, cached tokens included.")
    tokens_per_day: Tokens | None = Field(default=None, description="Of each model, cached tokens included.")
    cost_per_hour: Dollars | None = Field(default=None, description="US dollars of each model, by its `rates`.")
    cost_per_day: Dollars | None = Field(default=None, description="US dollars of each model, by its `rates`.")
    end_of_life_days: Days = Field(default=60, description="Days to a model's end of life.")
    guardrail_intervention_percent: Share = Field(
        default=20, description="Interventions in calls of ApplyGuardrail, of each guardrail of `guardrails`."
    )
    model_intervention_percent: Share = Field(
        default=20,
        description="Requests to a model in which a guardrail intervened, counted in the invocation log.",
    )
    inconclusive_days: int = Field(
        default=3, ge=1, le=7, description="Days of a week with an undecided gate; the alarm is off by default."
    )
    severity: Mapping[AlarmName, Literal["critical", "warning", "off"]] = Field(
        default={}, description="Other severities than those of the table, by kind of alarm; off: not made."
    )
