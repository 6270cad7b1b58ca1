"""The monitoring stack of small environments, synthesized once, and its template in a form that is easy to ask."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_cdk import App, Stack, assertions
from aws_cdk import Environment as CdkEnvironment
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from bedrock_eval_cdk.storage.evaluation_buckets import EvaluationData
from configuration.schema.environment import Environment
from stacks.evaluation import EvaluationStack
from stacks.invocation_logging import InvocationLoggingStack
from stacks.monitoring import MonitoredConstructs, MonitoringStack

REGION = "eu-central-1"
ACCOUNT = "111122223333"
PREFIX = "shop-dev"
RUNBOOK = "https://example.com/runbook.md"

_SCHEDULE = {"expression": "cron(0 6 ? * MON *)", "timezone": "Europe/Berlin"}
_OWNER: Mapping[str, Any] = {
    "name": "dev",
    "application": "shop",
    "account": ACCOUNT,
    "region": REGION,
    "owns_account": True,
    "owner": "Team Search",
    "runbook_url": RUNBOOK,
    "models": {
        "haiku": {"id": "eu.anthropic.claude-haiku-5-5"},
        "nova": {"id": "amazon.nova-lite-v1:0"},
    },
    "datasets": {"questions": {"source": "datasets/questions.jsonl"}},
    "evaluations": {
        "quality": {
            "dataset": "questions",
            "candidates": ["haiku", {"name": "nova-short", "model": "nova", "system": "Be short."}],
            "metrics": ["relevance_score", "response_length", "f1_score"],
            "gates": [{"metric": "relevance_score", "min": 0.5}, {"metric": "response_length", "max": 900}],
            "schedule": _SCHEDULE,
            "min_coverage": 0.9,
        },
        "by-hand": {"dataset": "questions", "candidates": ["nova"], "metrics": ["exact_match"]},
    },
    "subscriptions": [
        {"protocol": "email", "endpoint": "search@example.com"},
        {"protocol": "https", "endpoint": "https://example.com/hook?team=search"},
    ],
    "alarms": {"latency_p90_ms": 7000, "throttle_count": 11, "traffic_floor": 25, "server_error_percent": 2.5},
}


@dataclass(frozen=True)
class Monitoring:
    """A synthesized monitoring stack."""

    template: Mapping[str, Any]

    def resources(self, kind: str) -> dict[str, dict[str, Any]]:
        """Properties by logical id."""
        return {
            logical_id: resource["Properties"]
            for logical_id, resource in self.template["Resources"].items()
            if resource["Type"] == kind
        }

    def only(self, kind: str) -> dict[str, Any]:
        (properties,) = self.resources(kind).values()
        return properties

    def logical_id(self, kind: str) -> str:
        (logical_id,) = self.resources(kind)
        return logical_id

    @property
    def alarms(self) -> dict[str, dict[str, Any]]:
        """Properties by alarm name, intrinsics flattened to text."""
        return {alarm["AlarmName"]: flat(alarm) for alarm in self.resources("AWS::CloudWatch::Alarm").values()}

    @property
    def composites(self) -> dict[str, dict[str, Any]]:
        """Properties of composite alarms by name."""
        return {each["AlarmName"]: flat(each) for each in self.resources("AWS::CloudWatch::CompositeAlarm").values()}

    def children(self, composite: str) -> set[str]:
        """The alarms whose ringing a composite tells of."""
        return set(re.findall(r'(?<!NOT )ALARM\("([^"]+)"\)', self.composites[composite]["AlarmRule"]))

    @property
    def dashboard(self) -> dict[str, Any]:
        """The dashboard's body."""
        body = json.loads(flat(self.only("AWS::CloudWatch::Dashboard")["DashboardBody"]))
        assert isinstance(body, dict)
        return body

    def graphs(self) -> list[dict[str, Any]]:
        """The properties of every widget that plots."""
        return [widget["properties"] for widget in self.dashboard["widgets"] if widget["type"] == "metric"]

    def graph(self, title: str, *, holding: str = "") -> dict[str, Any]:
        """The one graph of this title whose series mention `holding`."""
        (found,) = [
            graph
            for graph in self.graphs()
            if graph["title"].startswith(title) and holding in json.dumps(graph["metrics"])
        ]
        return found


def flat(value: Any) -> Any:
    """Intrinsic functions as text, `Fn::Join` joined."""
    if isinstance(value, Mapping):
        match list(value.items()):
            case [("Fn::Join", [separator, parts])]:
                return separator.join(str(flat(part)) for part in parts)
            case [("Ref", name)]:
                return f"<{name}>"
            case [("Fn::GetAtt", [name, attribute])]:
                return f"<{name}.{attribute}>"
            case [("Fn::ImportValue", name)]:
                return f"<{flat(name)}>"
        return {key: flat(item) for key, item in value.items()}
    return [flat(item) for item in value] if isinstance(value, list) else value


@dataclass(frozen=True)
class Series:
    """One plotted or watched series: a metric, or an expression over metrics."""

    namespace: str | None
    name: str | None
    dimensions: tuple[tuple[str, str], ...]
    statistic: str | None
    period: int | None
    expression: str | None = None
    parts: frozenset["Series"] = frozenset()


def graph_series(graph: Mapping[str, Any]) -> list[Series]:
    """What a widget plots; series with an id are parts of its expressions, and most of these are hidden."""
    plain, named, expressions = [], {}, []
    for entry in graph["metrics"]:
        options = entry[-1] if isinstance(entry[-1], Mapping) else {}
        names = [part for part in entry if isinstance(part, str)]
        if "expression" in options:
            expressions.append(options)
            continue
        series = Series(
            namespace=names[0],
            name=names[1],
            dimensions=tuple(sorted(zip(names[2::2], names[3::2], strict=True))),
            statistic=options.get("stat", graph.get("stat")),
            period=options.get("period", graph.get("period")),
        )
        if "id" in options:
            named[options["id"]] = series
        if options.get("visible", True):
            plain.append(series)
    return [*plain, *(_expression(options, named, graph.get("period")) for options in expressions)]


def alarm_series(alarm: Mapping[str, Any]) -> Series:
    """What an alarm watches."""
    if "Metrics" not in alarm:
        return _metric(alarm, alarm.get("Statistic") or alarm.get("ExtendedStatistic"), alarm["Period"])
    hidden, result = {}, None
    for query in alarm["Metrics"]:
        if query.get("ReturnData", True) and query["Id"] != alarm.get("ThresholdMetricId"):
            result = query
        if "MetricStat" in query:
            stat = query["MetricStat"]
            hidden[query["Id"]] = _metric(stat["Metric"], stat["Stat"], stat["Period"])
    assert result is not None
    if "MetricStat" in result:
        return hidden[result["Id"]]
    period = next(iter(hidden.values())).period
    return _expression({"expression": result["Expression"]}, hidden, period)


def all_series(graphs: list[dict[str, Any]]) -> Iterator[Series]:
    """Every metric of some graphs, parts of expressions included."""
    for graph in graphs:
        for series in graph_series(graph):
            yield from series.parts if series.expression else (series,)


def _metric(value: Mapping[str, Any], statistic: str | None, period: int) -> Series:
    return Series(
        namespace=value["Namespace"],
        name=value["MetricName"],
        dimensions=tuple(sorted((item["Name"], item["Value"]) for item in value.get("Dimensions", []))),
        statistic=statistic,
        period=period,
    )


def _expression(options: Mapping[str, Any], hidden: Mapping[str, Series], period: int | None) -> Series:
    """Only the parts that the expression names: a graph holds those of several expressions."""
    used = {series for name, series in hidden.items() if re.search(rf"\b{name}\b", options["expression"])}
    return Series(None, None, (), None, period, options["expression"], frozenset(used))


def environment(**changes: Any) -> Environment:
    """The owner of the account, with top-level keys replaced."""
    return Environment.model_validate({**_OWNER, **changes})


def synthesize(configuration: Environment) -> Monitoring:
    """Synthesize the monitoring stack beside those whose constructs it monitors, over simple storage."""
    app = App(analytics_reporting=False)
    env = CdkEnvironment(account=configuration.account, region=configuration.region)
    storage = Stack(app, "storage", env=env)
    key, results = kms.Key(storage, "Key"), s3.Bucket(storage, "Results")
    data = EvaluationData(s3.Bucket(storage, "Datasets"), results)
    evaluation = EvaluationStack(app, "evaluation", environment=configuration, data=data, key=key)
    logging = InvocationLoggingStack(app, "logging", environment=configuration, key=key)
    stack = MonitoringStack(
        app,
        "monitoring",
        environment=configuration,
        key=key,
        monitored=MonitoredConstructs(results, evaluation.evaluations, logging.logging),
    )
    return Monitoring(assertions.Template.from_stack(stack).to_json())


@cache
def owner() -> Monitoring:
    """The environment that owns its account, with two models and two evaluations."""
    return synthesize(environment())


@cache
def watchful() -> Monitoring:
    """An owner with everything that can be watched: quotas, rates, profile, guardrail, a model that ends, limits."""
    return synthesize(
        environment(
            models={
                "haiku": {
                    "id": "eu.anthropic.claude-haiku-5-5",
                    "quota": {"tokens_per_minute": 200_000, "requests_per_minute": 100},
                    "rates": {"input": 1, "output": 5, "cache_read": 0.1, "cache_write": 1.25},
                },
                "nova": {"id": "amazon.nova-lite-v1:0", "profile": True, "quota": {"tokens_per_minute": 1000}},
                "old": {
                    "id": "anthropic.claude-opus-4-1-20250805-v1:0",
                    "rates": {"input": 15, "output": 75},
                    "alarms": {"latency_p90_ms": 30_000, "tokens_per_day": 5_000_000, "traffic_floor": 3},
                },
            },
            guardrails=[{"name": "pii", "id": "abc1def2", "version": "3"}],
            budget={"monthly_usd": 500},
            alarms={
                "latency_anomaly": 2,
                "output_tokens_per_second": 44,
                "tokens_per_hour": 1_000_000,
                "cost_per_hour": 2.5,
                "cost_per_day": 10,
                "inconclusive_days": 4,
                "severity": {"inconclusive": "warning", "throttles": "off", "latency-p90": "critical"},
            },
        )
    )


@cache
def tenant() -> Monitoring:
    """An environment in an account that another one owns, whose evaluations have no profile of their own."""
    return synthesize(environment(owns_account=False, own_profile=False, account=None))
