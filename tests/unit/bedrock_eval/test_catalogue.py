from collections import Counter

import pytest

from bedrock_eval import catalogue
from bedrock_eval.catalogue import BEDROCK, CUSTOM, FIXED, Metric, score

# Bedrock user guide, monitoring-runtime-metrics.
DOCUMENTED = {
    "Invocations",
    "InvocationLatency",
    "InvocationClientErrors",
    "InvocationServerErrors",
    "InvocationThrottles",
    "InputTokenCount",
    "OutputTokenCount",
    "CacheReadInputTokenCount",
    "CacheWriteInputTokenCount",
    "TimeToFirstToken",
    "LegacyModelInvocations",
    "EstimatedTPMQuotaUsage",
}
# Of the same page: delivery of invocation logs, across all models and without a dimension.
OF_DELIVERY = {
    f"ModelInvocation{what}Delivery{way}"
    for what in ("LogsCloudWatch", "LogsS3", "LargeDataS3")
    for way in ("Success", "Failure")
}
# Bedrock user guide, monitoring-guardrails-cw-metrics; those that come by GuardrailArn and GuardrailVersion.
OF_GUARDRAILS = {
    "Invocations",
    "InvocationLatency",
    "InvocationClientErrors",
    "InvocationServerErrors",
    "InvocationThrottles",
    "InvocationsIntervened",
    "TextUnitCount",
}
# PutMetricData, MetricDatum.Unit; those that we use.
UNITS = {"None", "Count", "Seconds", "Milliseconds"}


def named(namespace: str) -> list[Metric]:
    return [metric for metric in FIXED if metric.namespace == namespace]


def test_every_bedrock_metric_is_a_documented_one() -> None:
    assert {metric.name for metric in named(BEDROCK)} <= DOCUMENTED | OF_DELIVERY


def test_bedrock_metrics_are_by_model_but_for_the_delivery_of_logs() -> None:
    others = [metric for metric in named(BEDROCK) if metric.dimensions != ("ModelId",)]
    assert {metric.name for metric in others} == OF_DELIVERY
    assert {metric.dimensions for metric in others} == {()}


def test_guardrail_metrics_are_documented_with_their_dimensions() -> None:
    found = named(catalogue.GUARDRAILS)
    assert {metric.name for metric in found} == OF_GUARDRAILS
    assert {metric.dimensions for metric in found} == {("GuardrailArn", "GuardrailVersion")}


def test_use_of_a_quota_is_a_sum_of_tokens() -> None:
    # Every successful request puts its tokens; one minute of them is what the quota is about.
    assert (catalogue.QUOTA_TOKENS.unit, catalogue.QUOTA_TOKENS.statistic) == ("Count", "Sum")


def test_no_series_stands_twice() -> None:
    series = Counter((metric.namespace, metric.name, metric.dimensions) for metric in FIXED)
    assert [key for key, count in series.items() if count > 1] == []
    assert len(FIXED) > 25


def test_what_we_publish_is_told_apart_by_application() -> None:
    assert all("Application" in metric.dimensions for metric in named(CUSTOM))


@pytest.mark.parametrize("metric", [m for m in FIXED if m.name.startswith(("run_", "gate_"))], ids=lambda m: m.name)
def test_gauges_of_a_run_are_never_summed(metric: Metric) -> None:
    assert metric.statistic in {"Maximum", "Minimum"} or metric is catalogue.RUN_SKIPPED


def test_the_worst_verdict_and_the_smallest_margin_show() -> None:
    assert (catalogue.GATE_VERDICT.statistic, catalogue.GATE_MARGIN.statistic) == ("Maximum", "Minimum")
    # A run with few answers and a good one in the same hour: the alarm sees the first.
    assert catalogue.RUN_COVERAGE.statistic == "Minimum"


def test_latencies_are_read_by_percentile() -> None:
    latencies = [metric for metric in FIXED if metric.unit == "Milliseconds"]
    assert len(latencies) >= 3
    assert all(metric.statistic == "p90" for metric in latencies)


def test_units_and_dimensions_are_those_of_cloudwatch() -> None:
    for metric in FIXED:
        assert metric.unit in UNITS, metric.name
        assert len(set(metric.dimensions)) == len(metric.dimensions), metric.name
        assert metric.title


def test_a_score_is_averaged_and_the_headline_keeps_the_documents_dimensions() -> None:
    plain = score("f1_score", title="F1")
    headline = score("f1_score", title="F1", headline=True)
    assert (plain.statistic, plain.unit, plain.namespace) == ("Average", "None", CUSTOM)
    assert plain.dimensions == ("ModelId", "Application", "Evaluation", "Candidate")
    assert headline.dimensions == ("ModelId", "Application")
