"""What AWS/Bedrock has measured of an environment's models, in the periods that the alarms look at."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bedrock_eval import catalogue
from bedrock_eval.alarms.kinds import LATENCY_P90
from bedrock_eval.arrival import complete_until
from ops.aws.account import Account
from ops.aws.clients import calling
from ops.errors import OpsError
from ops.proposals.bounds import guarded_rates

PERIOD_SECONDS = LATENCY_P90.window.seconds

RATES: Mapping[str, catalogue.Metric] = {
    "server_error_percent": catalogue.SERVER_ERRORS,
    "client_error_percent": catalogue.CLIENT_ERRORS,
    "throttle_percent": catalogue.THROTTLES,
}
"""The keys of `alarms` that are rates, with what they count."""

_SERIES = (catalogue.INVOCATION_LATENCY, catalogue.INVOCATIONS, *RATES.values())


@dataclass(frozen=True)
class ModelHistory:
    """One model's past, in periods of 5 minutes.

    Attributes:
        floor: requests in a period from which on the alarms judge it; periods below are in none of the others.
        latency: p90 in milliseconds.
        rates: per cent, by key of `alarms`.
    """

    name: str
    floor: int
    latency: Mapping[datetime, float]
    rates: Mapping[str, Mapping[datetime, float]]


def histories(account: Account, *, days: int, now: datetime) -> Iterator[ModelHistory]:
    """Of every model that the environment has alarms on: all for the account's owner, else those with a profile.

    Raises:
        OpsError: CloudWatch does not answer, or not with everything; or a profile is not deployed.
    """
    environment = account.environment
    for name, config in environment.models.items():
        if not (environment.owns_account or config.profile):
            continue
        series = _series(account, _model_id(account, name), days=days, now=now)
        floor = environment.thresholds(name).traffic_floor
        whole = series[catalogue.INVOCATIONS.name]
        rates = {key: guarded_rates(series[metric.name], whole, floor=floor) for key, metric in RATES.items()}
        latency = series[catalogue.INVOCATION_LATENCY.name]
        judged = {moment: value for moment, value in latency.items() if whole.get(moment, 0) >= floor}
        yield ModelHistory(name, floor, judged, rates)


def _model_id(account: Account, name: str) -> str:
    """The value of the dimension ModelId that the alarms watch."""
    config = account.environment.models[name]
    if not config.profile:
        return config.id
    parameter = account.names.profile_parameter(name, "id")
    with calling(f"parameter {parameter}"):
        return str(account.client("ssm").get_parameter(Name=parameter)["Parameter"]["Value"])


def arrived(now: datetime) -> datetime:
    """The end of the newest period whose metrics have arrived."""
    until = complete_until(now, now=now).timestamp()
    return datetime.fromtimestamp(until // PERIOD_SECONDS * PERIOD_SECONDS, UTC)


def _series(account: Account, model_id: str, *, days: int, now: datetime) -> dict[str, dict[datetime, float]]:
    """By metric name; a model without traffic has empty ones."""
    end = arrived(now)
    found: dict[str, dict[datetime, float]] = {metric.name: {} for metric in _SERIES}
    status = dict.fromkeys(found, "Missing")
    with calling(f"metrics of model {model_id}"):
        pages = account.client("cloudwatch").get_paginator("get_metric_data")
        for page in pages.paginate(
            MetricDataQueries=[_query(number, metric, model_id) for number, metric in enumerate(_SERIES)],
            StartTime=end - timedelta(days=days),
            EndTime=end,
            ScanBy="TimestampAscending",
        ):
            for result in page["MetricDataResults"]:
                name = _SERIES[int(result["Id"].removeprefix("m"))].name
                found[name].update(zip(result["Timestamps"], map(float, result["Values"]), strict=True))
                status[name] = result["StatusCode"]
    broken = [f"{name} {code}" for name, code in status.items() if code != "Complete"]
    if broken:
        raise OpsError(f"CloudWatch did not give all metrics of model {model_id}: {', '.join(broken)}")
    return found


def _query(number: int, metric: catalogue.Metric, model_id: str) -> dict[str, Any]:
    series = {
        "Namespace": metric.namespace,
        "MetricName": metric.name,
        "Dimensions": [{"Name": catalogue.MODEL_ID, "Value": model_id}],
    }
    return {"Id": f"m{number}", "MetricStat": {"Metric": series, "Period": PERIOD_SECONDS, "Stat": metric.statistic}}
