"""What the watchdog is told that alarms and widgets read, held to the alarms and widgets of the same template."""

import json
from collections.abc import Iterable
from typing import Any

import pytest

from bedrock_eval.watchdog.active_metrics import NAMESPACES, Reads, ReadSet, Search
from bedrock_eval.watchdog.watch_list import read_watch_list
from tests.infrastructure.monitoring.test_monitoring_stack import statements
from tests.support.synthesis.monitoring import (
    PREFIX,
    Monitoring,
    Series,
    alarm_series,
    all_series,
    environment,
    flat,
    owner,
    synthesize,
    tenant,
    watchful,
)

KINDS = ("unwatched-models", "unread-metrics")
Found = set[tuple[str, str, tuple[tuple[str, str], ...]]]


def told(made: Monitoring) -> Reads | None:
    text = flat(made.only("Custom::WatchdogReport"))["WatchList"]
    return read_watch_list(text, name="WatchList").reads


def reads(made: Monitoring) -> Reads:
    found = told(made)
    assert found is not None
    return found


def listed(sets: Iterable[ReadSet]) -> Found:
    return {(each.namespace, each.name, each.dimensions) for one in sets for each in one.series()}


def of(series: Iterable[Series]) -> Found:
    parts = [part for each in series for part in (each.parts if each.expression else (each,))]
    return {
        (each.namespace, each.name, each.dimensions) for each in parts if each.namespace in NAMESPACES and each.name
    }


@pytest.mark.parametrize("made", [owner, watchful])
def test_alarms_and_widgets_are_told_as_they_are_in_the_template(made: Any) -> None:
    found, template = reads(made()), made()
    by_alarms = of(alarm_series(alarm) for alarm in template.alarms.values())
    assert listed(found.alarms) == by_alarms
    assert listed(found.drawn) == of(all_series(template.graphs())) - by_alarms
    assert len(by_alarms) > 15


def test_a_search_is_told_with_the_names_of_its_dimensions() -> None:
    found = reads(owner()).searched
    assert Search("AWS/Bedrock", "EstimatedTPMQuotaUsage", ("ModelId",)) in found
    assert all(f'{each.name}\\\\\\"' in json.dumps(json.dumps(owner().dashboard)) for each in found)
    assert {each.namespace for each in found} == {"AWS/Bedrock"}


def test_a_profile_is_told_by_the_id_that_its_alarms_read() -> None:
    made = synthesize(environment(models={"nova": {"id": "amazon.nova-lite-v1:0", "profile": True}}, evaluations={}))
    models = {each.dimensions.get("ModelId", "") for each in reads(made).alarms}
    assert any(model.startswith("<SsmParameterValueshopdevprofilesnovaid") for model in models)
    assert "amazon.nova-lite-v1:0" not in models


def test_log_delivery_is_read_with_and_without_its_dimension() -> None:
    alarm = owner().alarms[f"{PREFIX}-log-delivery"]
    dimensions = {
        (query["MetricStat"]["Metric"]["MetricName"], json.dumps(query["MetricStat"]["Metric"].get("Dimensions")))
        for query in alarm["Metrics"]
        if "MetricStat" in query
    }
    across = json.dumps([{"Name": "ModelId", "Value": "Across all model IDs"}])
    assert dimensions == {
        (name, where)
        for name in ("ModelInvocationLogsCloudWatchDeliveryFailure", "ModelInvocationLargeDataS3DeliveryFailure")
        for where in ("null", across)
    }
    ids = {query["Id"] for query in alarm["Metrics"] if "MetricStat" in query}
    (expression,) = [query["Expression"] for query in alarm["Metrics"] if "Expression" in query]
    assert all(f"FILL({each}" in expression for each in ids)


def test_what_others_watch_is_told() -> None:
    made = synthesize(environment(watched_elsewhere=["eu.anthropic.*", "abc123def456"]))
    assert reads(made).elsewhere == ("eu.anthropic.*", "abc123def456")
    assert reads(made).logs
    assert not reads(synthesize(environment(invocation_logging={"mode": "none"}))).logs


def test_only_the_owner_of_the_account_looks_rings_and_shows() -> None:
    assert told(tenant()) is None
    for made, owns in ((owner(), True), (tenant(), False)):
        assert {f"{PREFIX}-{kind}" in made.alarms for kind in KINDS} == {owns}
        allowed = [
            each for each in statements(made, f"{PREFIX}-watchdog") if each["Action"] == "cloudwatch:ListMetrics"
        ]
        assert bool(allowed) == owns
        assert ("Models in use without an alarm" in json.dumps(made.dashboard)) == owns


def test_the_names_stand_on_the_dashboard() -> None:
    queries = [widget["properties"]["query"] for widget in owner().dashboard["widgets"] if widget["type"] == "log"]
    of_watchdog = [query for query in queries if query.startswith(f"SOURCE '/aws/lambda/{PREFIX}-watchdog'")]
    assert len(of_watchdog) == 3
    assert all("latest(@timestamp)" in query for query in of_watchdog)


def test_runs_are_held_against_the_log_only_where_it_is_ours() -> None:
    for made, logs in ((owner(), True), (tenant(), False)):
        text = flat(made.only("Custom::WatchdogReport"))["WatchList"]
        assert bool(read_watch_list(text, name="WatchList").log_group) == logs
        asked = [each for each in statements(made, f"{PREFIX}-watchdog") if "logs:StartQuery" in each["Action"]]
        assert len(asked) == logs
        for each in asked:
            assert set(each["Action"]) == {"logs:StartQuery", "logs:GetQueryResults"}
            assert all("log-group:/aws/bedrock/model-invocations" in arn for arn in each["Resource"])


def test_an_evaluation_without_a_profile_of_its_own_is_held_against_nothing() -> None:
    assert f"{PREFIX}-metrics-differ-quality" in owner().alarms
    assert f"{PREFIX}-metrics-differ-quality" not in synthesize(environment(own_profile=False)).alarms
