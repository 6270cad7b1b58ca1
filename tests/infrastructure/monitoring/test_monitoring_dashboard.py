"""The dashboard's body: every series exists, has the right statistic, and stands beside its alarm's threshold."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import combinations
from typing import Any

import pytest
from aws_cdk import Duration

from bedrock_eval import catalogue
from bedrock_eval.alarms.units import figure
from bedrock_eval.direction import Better
from bedrock_eval.invocation_log import queries
from bedrock_eval.pricing.costs import Rates, cost_expression, unpriced_expression
from bedrock_eval.scores import METRICS
from bedrock_eval_cdk.core.errors import DeclarationError
from bedrock_eval_cdk.monitoring.metrics import metric
from bedrock_eval_cdk.monitoring.widgets.dashboard import CHOSEN_MODEL, dashboard_url
from local.emulator.cloudwatch.metric_math.evaluator import Scope
from local.emulator.cloudwatch.metric_math.parser import parse
from local.emulator.cloudwatch.metric_math.readings import Readings
from local.emulator.cloudwatch.metric_math.values import Series as Points
from local.emulator.logs.insights.parser import run
from tests.support.aws.log_records import events, record
from tests.support.metric_math import EVERY_READING, evaluated
from tests.support.synthesis.monitoring import (
    PREFIX,
    REGION,
    Monitoring,
    Series,
    alarm_series,
    all_series,
    environment,
    graph_series,
    owner,
    synthesize,
    tenant,
    watchful,
)

SCORES = [catalogue.score(name, title=item.title) for name, item in METRICS.items()]
CATALOGUE = {(entry.namespace, entry.name): entry for entry in (*catalogue.FIXED, *SCORES)}
SETS = {
    name: [set(each.dimensions) for each in (*catalogue.FIXED, *SCORES) if (each.namespace, each.name) == name]
    for name in CATALOGUE
}
GUARDED = re.compile(r"IF\((.+? >= [\d.]+(?: AND [^,]+)?), (.+), [\d.]+\)")
PERCENTILE = re.compile(r"p\d\d?")
SEARCH = re.compile(r"SEARCH\('\{([^}]+)\} MetricName=\"(\w+)\"(?: (\w+)=\"([^\"]+)\")?', '(\w+)', (\d+)\)")


Search = Callable[[str, str, int], list[Points]]

# Bedrock user guide, monitoring-runtime-otps; the number of streamed requests is its floor.
PARTS_OF_THE_OUTPUT_SPEED = {
    ("OutputTokenCount", "p50"),
    ("TimeToFirstToken", "p50"),
    ("TimeToFirstToken", "SampleCount"),
}

RATES = {"input": 1.1, "output": 5.5, "verified_until": "2027-01-31"}
GUARDRAIL = "arn:aws:bedrock:eu-central-1:111122223333:guardrail/abc123def456"


@cache
def rich() -> Monitoring:
    """The owner's environment with rates, quotas and a guardrail."""
    models = {
        "haiku": {
            "id": "eu.anthropic.claude-haiku-5-5",
            "rates": RATES,
            "quota": {"tokens_per_minute": 400_000, "requests_per_minute": 200},
        },
        "nova": {"id": "amazon.nova-lite-v1:0"},
    }
    guardrails = [{"name": "no-advice", "id": GUARDRAIL, "version": "3"}]
    return synthesize(environment(models=models, guardrails=guardrails))


@pytest.fixture(params=["owner", "tenant", "rich", "watchful"])
def made(request: pytest.FixtureRequest) -> Monitoring:
    return {"owner": owner, "tenant": tenant, "rich": rich, "watchful": watchful}[str(request.param)]()


def graphs(made: Monitoring) -> list[dict[str, Any]]:
    """What has axes: not the single numbers."""
    return [graph for graph in made.graphs() if graph["view"] == "timeSeries"]


def plain(made: Monitoring) -> list[Series]:
    return [series for series in all_series(made.graphs()) if series.namespace]


def test_every_series_is_in_the_catalogue(made: Monitoring) -> None:
    assert plain(made)
    for series in plain(made):
        assert {name for name, _ in series.dimensions} in SETS[series.namespace or "", series.name or ""]
        assert all(value for _, value in series.dimensions)


def test_every_series_is_read_by_the_statistic_that_tells_the_truth(made: Monitoring) -> None:
    for series in plain(made):
        entry = CATALOGUE[series.namespace or "", series.name or ""]
        if (series.name, series.statistic) in PARTS_OF_THE_OUTPUT_SPEED:
            continue
        if PERCENTILE.fullmatch(entry.statistic):
            assert PERCENTILE.fullmatch(series.statistic or ""), series
        else:
            assert series.statistic == entry.statistic, series


def test_graphs_end_before_the_period_that_is_not_complete(made: Monitoring) -> None:
    """An end of a widget is a fixed time (Dashboard Body Structure), so the header says what may be missing."""
    drawn = graphs(made)
    assert drawn
    assert all(graph["liveData"] is False for graph in drawn)
    header = made.dashboard["widgets"][0]["properties"]["markdown"]
    assert "Metrics and log records arrive late: the last 5 minutes may be incomplete." in header


def test_searches_are_over_the_catalogue(made: Monitoring) -> None:
    searches = [series.expression for graph in made.graphs() for series in graph_series(graph) if not series.namespace]
    found = [SEARCH.fullmatch(text) for text in searches if text and text.startswith("SEARCH")]
    # Whoever logs also looks for what is counted in the log.
    assert len(found) == (14 if "guardrail_interventions" in str(searches) else 13)
    for match in found:
        assert match is not None
        schema, name, fixed, _, statistic, _ = match.groups()
        namespace, *dimensions = schema.split(",")
        entry = CATALOGUE[namespace, name]
        assert tuple(dimensions) == entry.dimensions
        assert statistic == entry.statistic
        assert fixed is None or fixed in entry.dimensions


def test_no_series_is_left_to_defaults(made: Monitoring) -> None:
    for graph in graphs(made):
        assert graph["stat"]
        assert graph["yAxis"]["left"]["label"]
        assert "right" not in graph["yAxis"]
    for graph in made.graphs():
        assert graph["title"]
        assert graph["period"] in (60, 300, 3600, 86400)
        assert graph["region"] == REGION
    assert all(series.statistic and series.period for series in plain(made))
    assert made.dashboard["periodOverride"] == "inherit"


def test_one_unit_a_graph(made: Monitoring) -> None:
    for graph in graphs(made):
        entries = [CATALOGUE[s.namespace, s.name] for s in graph_series(graph) if s.namespace and s.name]
        assert len({entry.unit for entry in entries}) <= 1, graph["title"]


def test_every_graph_draws_the_threshold_of_every_alarm_on_its_series(subtests: pytest.Subtests) -> None:
    for made in (owner(), watchful()):
        for name, alarm in made.alarms.items():
            # A band is no line; it has a test of its own.
            if "Threshold" not in alarm:
                continue
            with subtests.test(alarm=name):
                watched = _percentile(alarm_series(alarm))
                lines = [
                    [line["value"] for line in graph.get("annotations", {}).get("horizontal", [])]
                    for graph in graphs(made)
                    if any(same(series, watched) for series in drawn(graph))
                ]
                assert lines, "no graph shows what the alarm watches"
                assert all(alarm["Threshold"] in values for values in lines)


def _percentile(watched: Series) -> Series:
    """Of a latency from the floor on the latency itself: it is drawn for few calls too, which the alarm leaves out."""
    latency = [part for part in watched.parts if part.statistic == "p90"]
    return latency[0] if latency else watched


def test_every_line_is_an_alarms_threshold_a_gate_or_the_coverage() -> None:
    for made in (owner(), watchful()):
        allowed = {alarm.get("Threshold") for alarm in made.alarms.values()} | {0, 0.5, 900} | {0.9, 0.95} | {100}
        lines = [line for graph in made.graphs() for line in graph.get("annotations", {}).get("horizontal", [])]
        assert {line["value"] for line in lines} <= allowed
        assert all(figure(line["value"]) in line["label"] for line in lines)


def test_alarms_with_one_threshold_share_a_line() -> None:
    """Two names on one line would cover each other."""
    even = synthesize(environment(alarms={"server_error_percent": 5, "throttle_percent": 5, "client_error_percent": 8}))
    lines = even.graph("Error and throttle rates (", holding="haiku")["annotations"]["horizontal"]
    assert [(line["value"], line["label"], line["color"]) for line in lines] == [
        (5, "server-errors, throttles > 5", "#d62728"),
        (8, "client-errors > 8", "#ff7f0e"),
    ]
    for made in (owner(), watchful()):
        for graph in made.graphs():
            values = [line["value"] for line in graph.get("annotations", {}).get("horizontal", [])]
            assert len(values) == len(set(values)), graph["title"]


def test_no_threshold_is_drawn_for_an_alarm_that_another_environment_has() -> None:
    for graph in tenant().graphs():
        if any(series.namespace == catalogue.BEDROCK for series in all_series([graph])):
            assert "annotations" not in graph, graph["title"]


def test_widgets_lie_within_the_columns_and_on_no_other(made: Monitoring) -> None:
    widgets = made.dashboard["widgets"]
    assert len(widgets) <= 500
    for widget in widgets:
        assert widget["x"] >= 0
        assert widget["x"] + widget["width"] <= 24
        assert widget["type"] != "metric" or widget["width"] >= 8, "too narrow to read at 1280 px"
    for one, other in combinations(widgets, 2):
        beside = one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
        below = one["y"] + one["height"] <= other["y"] or other["y"] + other["height"] <= one["y"]
        assert beside or below, (one["properties"], other["properties"])


def shown_states(made: Monitoring) -> dict[str, list[str]]:
    """Names of the alarms in each widget of states, by its title."""
    names = {
        logical_id: properties["AlarmName"]
        for kind in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
        for logical_id, properties in made.resources(kind).items()
    }
    widgets = [widget["properties"] for widget in made.dashboard["widgets"] if widget["type"] == "alarm"]
    assert all(widget["sortBy"] == "stateUpdatedTimestamp" and len(widget["alarms"]) <= 100 for widget in widgets)
    return {
        widget["title"]: [names[arn.removeprefix("<").removesuffix(".Arn>")] for arn in widget["alarms"]]
        for widget in widgets
    }


def test_states_of_all_alarms_are_shown_once_and_what_tells_comes_first(made: Monitoring) -> None:
    shown = shown_states(made)
    *telling, parts = shown
    assert telling == ["Alarms that notify: critical", "Alarms that notify: warning"]
    assert parts == "Alarms grouped into incidents"
    every = {**made.alarms, **made.composites}
    listed = [name for names in shown.values() for name in names]
    assert sorted(listed) == sorted(every)
    for title in telling:
        severity = title.rpartition(" ")[2]
        assert all(every[name]["AlarmDescription"].startswith(f"[{severity}] ") for name in shown[title])
        assert all("AlarmActions" in every[name] for name in shown[title])
    assert set(shown[parts]) == set().union(*map(made.children, made.composites))


def test_the_band_of_an_anomaly_alarm_is_drawn_around_what_it_watches() -> None:
    for name, alarm in watchful().alarms.items():
        if "Threshold" in alarm:
            continue
        watched = _percentile(alarm_series(alarm))
        model = name.removeprefix(f"{PREFIX}-latency-anomaly-")
        bands = [
            band
            for graph in graphs(watchful())
            for band in graph_series(graph)
            if (band.expression or "").startswith("ANOMALY_DETECTION_BAND(") and band.parts == {watched}
        ]
        assert [band.expression for band in bands] == ["ANOMALY_DETECTION_BAND(usual, 2)"], model
    assert "ANOMALY" not in json.dumps(owner().dashboard), "a band that no alarm is about"


def test_gates_show_how_much_room_they_leave() -> None:
    gates = [
        {"metric": "relevance_score", "min": 0.5, "max_drop": 0.1},
        {"metric": "response_length", "max": 900},
        {"metric": "f1_score", "max_drop": 0.05},
    ]
    quality = environment().evaluations["quality"].model_dump(mode="json", exclude_none=True)
    made = synthesize(environment(evaluations={"quality": {**quality, "gates": gates}}))
    lines = {
        "Relevance": [(0, "0: equal to the baseline"), (-0.1, "-0.1: max_drop")],
        "Response length": [(0, "0: the bound")],
        "F1": [(0, "0: equal to the baseline"), (-0.05, "-0.05: max_drop")],
    }
    for title, expected in lines.items():
        graph = made.graph(f"Gate margin: {title}")
        assert [(line["value"], line["label"]) for line in graph["annotations"]["horizontal"]] == expected
        assert "min" not in graph["yAxis"]["left"], "a margin is below 0 when a gate is broken"
        assert {(series.name, series.statistic) for series in graph_series(graph)} == {("gate_margin", "Minimum")}
        assert [dict(series.dimensions)["Candidate"] for series in graph_series(graph)] == ["haiku", "nova-short"]


def test_a_drop_gate_is_drawn_below_the_accepted_run_or_above_it() -> None:
    quality = environment().evaluations["quality"].model_dump(mode="json", exclude_none=True)
    gates = [{"metric": "f1_score", "max_drop": 0.05}, {"metric": "word_error_rate", "max_drop": 0.00002, "max": 1.5}]
    metrics = ["f1_score", "word_error_rate"]
    made = synthesize(environment(evaluations={"quality": {**quality, "metrics": metrics, "gates": gates}}))
    f1, errors = made.graph("F1"), made.graph("Word error rate")
    expected = (
        ["(b0 - 0.05)/(b0 == b0)", "(b1 - 0.05)/(b1 == b1)"],
        ["(b0 + 0.00002)/(b0 == b0)", "(b1 + 0.00002)/(b1 == b1)"],
    )
    for graph, expressions, metric_name in zip((f1, errors), expected, metrics, strict=True):
        drops = [series for series in graph_series(graph) if series.expression]
        assert [series.expression for series in drops] == expressions
        for series, candidate in zip(drops, ("haiku", "nova-short"), strict=True):
            (part,) = series.parts
            dimensions = {"Application": "shop", "Evaluation": "quality", "Candidate": candidate, "Metric": metric_name}
            assert (part.name, part.statistic, dict(part.dimensions)) == ("gate_baseline", "Maximum", dimensions)
    labels = [entry[-1]["label"] for entry in f1["metrics"] if "expression" in entry[-1]]
    assert labels[0] == "haiku: gate, 0.05 below the baseline"
    assert "annotations" not in f1


def test_titles_fit_over_their_widgets_at_1280_px(made: Monitoring) -> None:
    """A column is about 50 px there, and a letter of a title about 8; long titles are cut."""
    for widget in made.dashboard["widgets"]:
        title = widget["properties"].get("title")
        assert title is None or len(title) <= widget["width"] * 50 / 8, title


def test_what_is_below_the_floor_is_not_drawn_as_a_number(made: Monitoring) -> None:
    """The alarm reads 0 there, or its threshold; a person would take it for a good rate."""
    expressions = [series.expression or "" for graph in made.graphs() for series in graph_series(graph)]
    floored = [text for text in expressions if ">=" in text]
    assert floored
    assert all(re.search(r"/\([^/]* >= [\d.]+[^/]*\)$", text) for text in floored)
    # An IF gives 0 where it has nothing to give, and without an else perhaps, too.
    assert not [text for text in expressions if "IF(" in text]


def test_a_title_too_long_for_a_third_has_more_room() -> None:
    """Two criteria may differ in their last letter."""
    names = [f"{'x' * 61}-{number}" for number in (1, 2)]
    judged = {
        "kind": "judge",
        "judge": "nova",
        "dataset": "questions",
        "candidates": ["haiku"],
        "metrics": names,
        "criteria": [{"name": name, "instructions": "Rate {{prediction}} of {{prompt}}."} for name in names],
        "gates": [{"metric": name, "max_drop": 0.1} for name in names],
    }
    made = synthesize(environment(evaluations={"judged": judged}))
    long = [widget for widget in made.dashboard["widgets"] if "x" * 61 in str(widget["properties"].get("title"))]
    assert len(long) == 4
    assert all(len(each["properties"]["title"]) * 8 <= each["width"] * 50 for each in long)


ASKED_FOR = {
    "invocations": ("Invocations", "Sum"),
    "latency p50": ("InvocationLatency", "p50"),
    "latency p90": ("InvocationLatency", "p90"),
    "latency p99": ("InvocationLatency", "p99"),
    "time to first token": ("TimeToFirstToken", "p90"),
    "output tokens per second": "m2/(m1-m3)*1000/(m1 > m3 AND m2 > 0 AND m3 > 0)",
    "client errors": ("InvocationClientErrors", "Sum"),
    "server errors": ("InvocationServerErrors", "Sum"),
    "throttles": ("InvocationThrottles", "Sum"),
    **{
        f"rate of {what}, with a floor": (
            f"100*SUM([FILL({part},0), 0*FILL(i,0)])/SUM([FILL(i,0), FILL({part},0)])"
            f"/(SUM([FILL(i,0), FILL({part},0)]) >= 20)"
        )
        for what, part in {"client errors": "c", "server errors": "s", "throttles": "t"}.items()
    },
    "input tokens": ("InputTokenCount", "Sum"),
    "output tokens": ("OutputTokenCount", "Sum"),
    "tokens read from cache": ("CacheReadInputTokenCount", "Sum"),
    "tokens written to cache": ("CacheWriteInputTokenCount", "Sum"),
    "cache efficiency": "100*SUM([FILL(r,0), 0*i])/SUM([i, FILL(r,0), FILL(w,0)])/(i == i)",
    "quota of tokens": "100*FILL(q0,0)/200000",
    "quota of requests": "100*FILL(q0,0)/100",
    "calls of legacy models": ("LegacyModelInvocations", "Sum"),
    "interventions of guardrails": ("InvocationsIntervened", "Sum"),
    "delivery of the invocation log": ("ModelInvocationLogsCloudWatchDeliveryFailure", "Sum"),
    "scores": ("relevance_score", "Average"),
    "verdicts": ("gate_verdict", "Maximum"),
    "margins of gates": ("gate_margin", "Minimum"),
    "coverage": ("run_coverage", "Minimum"),
    "failed cases": ("run_failed_cases", "Maximum"),
    "failed runs": ("run_failed", "Maximum"),
    "finished runs": ("run_finished", "Maximum"),
    "overdue runs": ("schedule_overdue", "Maximum"),
    "cost of runs": ("run_cost", "Maximum"),
    "cost of the month": ("month_to_date_cost", "Maximum"),
    "bill of the month": ("budget_spend", "Maximum"),
    "a budget that sees nothing": ("budget_blind", "Maximum"),
    "errors of the evaluator": ("Errors", "Sum"),
    "executions that failed": ("ExecutionsFailed", "Sum"),
    "messages in dead-letter queues": ("ApproximateNumberOfMessagesVisible", "Maximum"),
    "heartbeat of the watchdog": ("watchdog_heartbeat", "Sum"),
    "words of alarms": ("NumberOfNotificationsFailed", "Sum"),
    "subscribers who hear": ("subscriptions_confirmed", "Minimum"),
    "subscribers who have not confirmed": ("subscriptions_pending", "Maximum"),
    "subscribers who are gone": ("subscriptions_missing", "Maximum"),
    "models that AWS tells nothing of": ("models_without_lifecycle", "Maximum"),
    "alarms that told nobody": ("alarm_actions_failed", "Sum"),
}


@pytest.mark.parametrize("wanted", ASKED_FOR.values(), ids=ASKED_FOR.keys())
def test_what_a_person_on_call_asks_for_is_there(wanted: str | tuple[str, str]) -> None:
    shown = [series for graph in watchful().graphs() for series in graph_series(graph)]
    if isinstance(wanted, str):
        assert wanted in {series.expression for series in shown}
    else:
        every = {(each.name, each.statistic) for series in shown for each in series.parts or {series}}
        assert wanted in every


@pytest.mark.parametrize("model_id", ["eu.anthropic.claude-haiku-5-5", "amazon.nova-lite-v1:0"])
def test_a_declared_model_appears_with_everything(model_id: str) -> None:
    shown = {
        (series.name, series.statistic)
        for series in plain(owner())
        if series.dimensions == ((catalogue.MODEL_ID, model_id),)
    }
    assert shown == PARTS_OF_THE_OUTPUT_SPEED | {
        ("Invocations", "Sum"),
        *(("InvocationLatency", percentile) for percentile in ("p50", "p90", "p99")),
        ("InvocationClientErrors", "Sum"),
        ("InvocationServerErrors", "Sum"),
        ("InvocationThrottles", "Sum"),
        *(("TimeToFirstToken", percentile) for percentile in ("p50", "p90", "p99")),
        ("InputTokenCount", "Sum"),
        ("OutputTokenCount", "Sum"),
        ("CacheReadInputTokenCount", "Sum"),
        ("CacheWriteInputTokenCount", "Sum"),
        ("LegacyModelInvocations", "Sum"),
        ("guardrail_interventions", "Sum"),
    }


def test_one_more_model_adds_its_graphs_and_alarms() -> None:
    models = {name: {"id": config.id} for name, config in environment().models.items()}
    more = synthesize(environment(models={**models, "new": {"id": "eu.amazon.nova-pro-v1:0"}}))
    assert {name.removeprefix(f"{PREFIX}-") for name in set(more.alarms) - set(owner().alarms)} == {
        "latency-p90-new",
        "output-speed-new",
        "legacy-model-new",
        "end-of-life-new",
        "server-errors-new",
        "client-errors-new",
        "throttles-new",
        "throttle-count-new",
        "model-interventions-new",
    }
    assert len(more.graphs()) == len(owner().graphs()) + 14


def test_all_models_are_found_by_search_among_series_with_a_model(made: Monitoring) -> None:
    """AWS/Bedrock also has series without dimensions, the sum of all: a wider search would count twice."""
    texts = [entry[-1].get("expression", "") for graph in made.graphs() for entry in graph["metrics"]]
    found = [text for text in texts if "AWS/Bedrock" in text]
    assert all(re.match(r"(SUM\()?SEARCH\('\{AWS/Bedrock,ModelId\} MetricName=", text) for text in found)
    assert sum(text.startswith("SEARCH") for text in found) == 12


def test_rates_and_cache_of_all_models_are_those_of_the_sums(made: Monitoring) -> None:
    (rates,) = [graph for graph in made.graphs() if graph["title"].startswith("Error and throttle rates of all models")]
    cache = made.graph("Cache efficiency of all models")
    values = {
        "Invocations": {"a": 90.0, "b": 0.0},
        "InvocationClientErrors": {"a": 10.0},
        "InvocationThrottles": {"b": 100.0},
        "InputTokenCount": {"a": 100.0, "b": 100.0},
        "CacheReadInputTokenCount": {"b": 600.0},
    }

    def found(query: str, statistic: str, period: int) -> list[Points]:
        name = re.search(r'MetricName="(\w+)"', query)
        assert name is not None
        assert (statistic, period) == ("Sum", 300)
        return [Points({0: value}, 300) for value in values.get(name[1], {}).values()]

    right = {"Client errors": 10, "Server errors": 0, "Throttles": 100 * 100 / 190, "Read from cache": 75}
    for readings in EVERY_READING:
        assert {**computed(rates, found, readings), **computed(cache, found, readings)} == right
    values["Invocations"], values["InvocationClientErrors"] = {"a": 5.0}, {"a": 5.0}
    for readings in EVERY_READING:
        assert computed(rates, found, readings)["Client errors"] is None, "below the floor nothing is known"


def computed(graph: dict[str, Any], search: Search, readings: Readings) -> dict[str, float | None]:
    """The newest value of each line, by its label."""
    entries = [entry[-1] for entry in graph["metrics"]]
    scope = Scope(
        queries={each["id"]: {"Expression": each["expression"], "Period": 300} for each in entries if "id" in each},
        read=lambda _: Points({}, 300),
        search=search,
        grid=lambda period: range(0, period, period),
        readings=readings,
    )
    shown = {each["label"]: each["expression"] for each in entries if each.get("visible", True)}
    lines = {label: scope.as_series(scope.evaluate(parse(text)))[0].points for label, text in shown.items()}
    return {label: points.get(0) for label, points in lines.items()}


def test_one_row_is_switched_and_no_other(made: Monitoring) -> None:
    (variable,) = made.dashboard["variables"]
    assert (variable["type"], variable["pattern"]) == ("pattern", CHOSEN_MODEL)
    assert "property" not in variable
    assert variable["search"] == '{AWS/Bedrock,ModelId} MetricName="Invocations"'
    assert variable["populateFrom"] == catalogue.MODEL_ID
    assert variable["defaultValue"] == "eu.anthropic.claude-haiku-5-5"
    switched = [graph for graph in made.graphs() if CHOSEN_MODEL in json.dumps(graph)]
    declared = [graph for graph in made.graphs() if '"eu.anthropic.claude-haiku-5-5"' in json.dumps(graph["metrics"])]
    assert [graph["title"] for graph in switched] == [graph["title"] for graph in declared][: len(switched)]
    assert len(switched) == 9


def test_output_speed_is_the_documented_math() -> None:
    graph = rich().graph("Output speed", holding='"eu.anthropic')
    assert str(graph_series(graph)[0].expression).startswith("m2/(m1-m3)*1000/(")
    shown = {entry[-1]["id"]: (entry[1], entry[-1].get("stat")) for entry in graph["metrics"] if "id" in entry[-1]}
    assert {name: shown[name] for name in ("m1", "m2", "m3")} == {
        "m1": ("InvocationLatency", "p50"),
        "m2": ("OutputTokenCount", "p50"),
        "m3": ("TimeToFirstToken", "p50"),
    }


def test_cost_is_that_of_the_rates_and_what_has_none_is_said_in_tokens() -> None:
    rates = Rates(**RATES)
    cost = rich().graph("Estimated cost per day", holding='"eu.anthropic')
    assert [series.expression for series in graph_series(cost)] == [cost_expression(rates).expression]
    assert cost["title"] == "Estimated cost per day (rates until 2027-01-31)"
    assert (cost["period"], cost["start"]) == (86400, "-P30D")
    unpriced = [graph for graph in graphs(rich()) if graph["title"].startswith("Unpriced tokens per day")]
    assert [series.expression for graph in unpriced for series in graph_series(graph)] == [
        getattr(unpriced_expression(each), "expression", None) for each in (rates, None)
    ]
    assert not any("1.1" in json.dumps(graph) for graph in owner().graphs()), "a price that nobody gave"


@pytest.mark.parametrize(("days", "start"), [("day", "-P1D"), ("30 days", "-P30D")])
def test_costs_of_the_last_days_are_one_number_each(days: str, start: str) -> None:
    (number,) = [
        graph
        for graph in rich().graphs()
        if graph["title"] == f"Estimated cost by model, last {days}, without evaluations"
    ]
    assert (number["view"], number["setPeriodToTimeRange"], number["start"]) == ("singleValue", True, start)
    labels = [entry[-1]["label"] for entry in number["metrics"] if "expression" in entry[-1]]
    assert labels == ["haiku, US dollars", "haiku, unpriced tokens", "nova, unpriced tokens"]


def test_quotas_are_a_percentage_of_the_number_in_the_environment() -> None:
    shown = {
        series.expression: {part.name for part in series.parts}
        for graph in graphs(rich())
        if " per minute, share of the quota" in graph["title"]
        for series in graph_series(graph)
    }
    assert shown == {
        "100*FILL(q0,0)/400000": {"EstimatedTPMQuotaUsage"},
        "100*FILL(q0,0)/200": {"Invocations"},
        "100*SUM([FILL(q0,0), FILL(q1,0)])/400000": {"EstimatedTPMQuotaUsage"},
        "100*SUM([FILL(q0,0), FILL(q1,0)])/200": {"Invocations"},
    }
    lines = [
        line["value"]
        for graph in graphs(rich())
        if " per minute, share of the quota" in graph["title"]
        for line in graph["annotations"]["horizontal"]
    ]
    assert 100 in lines
    assert not [graph for graph in owner().graphs() if " per minute, share of the quota" in graph["title"]]


def test_evaluations_use_the_same_quota_and_are_told_apart() -> None:
    """They call through profiles of their own, whose ids only the deploy knows."""
    graph = rich().graph("Tokens per minute, share of the quota", holding='"eu.anthropic')
    labels = [entry[-1]["label"] for entry in graph["metrics"] if "expression" in entry[-1]]
    assert labels == ["used, without evaluations", "used, with evaluations"]
    called = [{dict(part.dimensions)["ModelId"] for part in series.parts} for series in graph_series(graph)]
    (profile,) = called[1] - called[0]
    parameter = rich().template["Parameters"][profile.strip("<>")]
    assert parameter["Type"] == "AWS::SSM::Parameter::Value<String>"
    assert parameter["Default"] == "/shop-dev/profiles/haiku/evaluation-id"
    assert f"haiku `{profile}`" in header(rich())
    assert "evaluation-id" not in json.dumps(tenant().template)


def test_a_model_that_is_called_through_a_profile_keeps_its_own_id_in_its_heading() -> None:
    texts = [each["properties"]["markdown"] for each in watchful().dashboard["widgets"] if each["type"] == "text"]
    (nova,) = [text for text in texts if text.startswith("## Model nova")]
    assert re.fullmatch(r"## Model nova: `amazon\.nova-lite-v1:0` through profile `<\w+>`", nova)


def test_guardrails_are_shown_when_there_are_some() -> None:
    shown = {series.name for series in plain(rich()) if series.namespace == catalogue.GUARDRAILS}
    assert {"Invocations", "InvocationsIntervened", "InvocationLatency", "InvocationThrottles", "TextUnitCount"} < shown
    assert all(
        dict(series.dimensions) == {"GuardrailArn": GUARDRAIL, "GuardrailVersion": "3"}
        for series in plain(rich())
        if series.namespace == catalogue.GUARDRAILS
    )
    assert not [series for series in plain(owner()) if series.namespace == catalogue.GUARDRAILS]


def test_every_delivery_of_the_invocation_log_is_shown_to_whom_it_concerns() -> None:
    every = {(name, way) for name in ("LogsCloudWatch", "LogsS3", "LargeDataS3") for way in ("Success", "Failure")}
    shown = {series.name for series in plain(owner()) if "Delivery" in (series.name or "")}
    assert shown == {f"ModelInvocation{name}Delivery{way}" for name, way in every}
    assert not [series for series in plain(tenant()) if "Delivery" in (series.name or "")]


def log_tables(made: Monitoring | None = None) -> list[dict[str, Any]]:
    """What shows the invocation log."""
    logs = [widget["properties"] for widget in (made or owner()).dashboard["widgets"] if widget["type"] == "log"]
    return [each for each in logs if each["query"].startswith("SOURCE '/aws/bedrock/")]


def test_the_invocation_log_is_asked_with_the_texts_of_the_saved_queries() -> None:
    for each, query in zip(
        log_tables(),
        (
            queries.slow_calls(threshold_ms=7000, model=None).text,
            f"{queries.errors(model=None).text}\n| sort calls desc",
            f"{queries.tokens(model=None).text}\n| sort input desc",
            f"{queries.tokens_by(queries.By.APPLICATION, model=None).text}\n| sort input desc",
        ),
        strict=True,
    ):
        assert each["query"] == f"SOURCE '/aws/bedrock/model-invocations' | {query}\n| limit 20"
        assert (each["region"], each["view"]) == (REGION, "table")
        assert each["title"]
    assert not log_tables(tenant())


def test_log_tables_leave_the_small_groups_out() -> None:
    """More callers than rows; the biggest comes last in the log."""
    calls = [
        record(
            number % 60,
            "Converse",
            input=None if failed else {"inputTokenCount": 10 + number},
            output=None if failed else {"outputTokenCount": 1},
            role=f"caller/{number}",
            metadata={"application": f"app-{number}"},
            **({"errorCode": "ThrottlingException"} if failed else {}),
        )
        for failed in (False, True)
        for number in range(30)
        for _ in range(number + 1 if failed else 1)
    ]
    logs = [each["query"] for each in log_tables()]
    for query, column, largest in zip(
        logs[1:], ("caller", "caller", "application"), ("caller/29", "caller/29", "app-29"), strict=True
    ):
        rows = run(query.partition(" | ")[2], events(calls)).rows
        assert len(rows) == 20
        assert rows[0][column].endswith(largest), query


def test_a_large_number_is_written_out() -> None:
    quality = environment().evaluations["quality"].model_dump(mode="json", exclude_none=True)
    gates = [{"metric": "response_length", "max": 1_000_000}]
    made = synthesize(
        environment(evaluations={"quality": {**quality, "gates": gates}}, alarms={"latency_p90_ms": 1_000_000})
    )
    assert "e+06" not in json.dumps(made.dashboard)
    assert made.graph("Response length")["annotations"]["horizontal"][0]["label"] == "gate max 1,000,000"


def test_the_last_run_is_a_number_for_each_candidate() -> None:
    last = owner().graph("Last run", holding='"quality"')
    assert (last["view"], last["start"]) == ("singleValue", "-P60D")
    assert len(graph_series(last)) == 2 * 3 + 1


@pytest.mark.parametrize("readings", EVERY_READING)
@pytest.mark.parametrize(
    ("finished", "days"), [({5: 1, 191: 1, 192: 0}, {5: 9.75, 191: 2.0}), ({7: 0}, {}), ({}, {}), ({239: 1}, {239: 0})]
)
def test_the_last_run_says_how_many_days_ago_it_began(
    finished: dict[int, float], days: dict[int, float], readings: Readings
) -> None:
    """The newest of the values is shown; where no run has finished there is none."""
    (age,) = [series for series in graph_series(owner().graph("Last run", holding='"quality"')) if series.expression]
    assert {(part.name, part.statistic) for part in age.parts} == {("run_finished", "Maximum")}
    points = {hour * 3600: value for hour, value in finished.items()}
    drawn = evaluated(str(age.expression), {"f": points}, readings, grid=range(0, 240 * 3600, 3600), period=3600)
    assert drawn == {hour * 3600: value for hour, value in days.items()}


@pytest.mark.parametrize("name", ["relevance_score", "response_length", "f1_score"])
def test_scores_are_shown_for_each_candidate_with_their_gates(name: str) -> None:
    graph = owner().graph(METRICS[name].title, holding='"quality"')
    assert {dict(series.dimensions)["Candidate"] for series in graph_series(graph)} == {"haiku", "nova-short"}
    gates = {"relevance_score": [0.5], "response_length": [900]}
    lines = [line["value"] for line in graph.get("annotations", {}).get("horizontal", [])]
    assert lines == gates.get(name, [])
    axis = graph["yAxis"]["left"]
    better = METRICS[name].better
    assert axis["label"].partition(", ")[2] == ("" if better is Better.NEUTRAL else f"{better} is better")
    assert axis["min"] == 0
    assert axis.get("max") == (None if name == "response_length" else 1)


def test_a_candidate_keeps_its_colour() -> None:
    colours: dict[str, set[str]] = {}
    for name in ("Relevance", "Response length", "F1", "Coverage", "Duration of runs"):
        for entry in owner().graph(name, holding='"quality"')["metrics"]:
            colours.setdefault(entry[-1]["label"], set()).add(entry[-1]["color"])
    assert {label: len(found) for label, found in colours.items()} == {"haiku": 1, "nova-short": 1}
    assert colours["haiku"] != colours["nova-short"]


def test_an_evaluation_without_gates_has_no_verdicts() -> None:
    verdicts = [graph for graph in owner().graphs() if graph["title"].startswith("Verdicts")]
    assert len(verdicts) == 1
    assert len(graph_series(verdicts[0])) == 4


def test_runs_look_further_back_than_the_dashboard() -> None:
    assert owner().dashboard["start"] == "-P1D"
    assert owner().graph("Relevance")["start"] == "-P60D"
    assert "start" not in owner().graph("Latency", holding="haiku")


def test_header_leads_from_each_alarm_to_its_entry_in_the_runbook() -> None:
    kinds = {name.removeprefix(f"{PREFIX}-") for name in owner().alarms}
    linked = re.findall(r"\[([a-z0-9-]+)\]\(https://example\.com/runbook\.md#([a-z0-9-]+)\)", header(owner()))
    assert linked
    assert all(text == anchor for text, anchor in linked)
    assert all(any(name.startswith(text) for text, _ in linked) for name in kinds)


def test_texts_are_as_high_as_what_stands_in_them() -> None:
    """At 1280 px a line has some 150 letters, in a heading 100, and a row of the grid two lines."""
    candidates = [{"name": f"candidate-number-{number}", "model": "haiku"} for number in range(10)]
    many = {"dataset": "questions", "candidates": candidates, "metrics": ["exact_match"]}
    models = {f"model-{number}": {"id": f"eu.amazon.nova-lite-v{number}:0"} for number in range(20)}
    asked = {"dataset": "questions", "candidates": [f"model-{number}" for number in range(10)]}
    made = synthesize(
        environment(
            models={**models, "haiku": {"id": "eu.anthropic.claude-haiku-5-5"}},
            evaluations={"many": many, "asked": asked},
        )
    )
    texts = [widget for widget in made.dashboard["widgets"] if widget["type"] == "text"]
    for widget in texts:
        shown = re.sub(r"\]\([^)]+\)", "]", re.sub(r"<\w+>", "12-letter-id", widget["properties"]["markdown"]))
        paragraphs = [part for part in shown.split("\n\n") if part]
        lines = sum(-(-len(part) // (100 if part.startswith("#") else 150)) for part in paragraphs)
        assert widget["height"] * 2 >= lines, shown
    (listed,) = [each for each in texts if each["properties"]["markdown"].startswith("## Evaluation many\n\n")]
    assert listed["height"] > 1


def test_header_says_whose_figures_these_are() -> None:
    for made, expected in (
        (owner(), "not in the figures of single models"),
        (tenant(), "include evaluation traffic"),
    ):
        text = header(made)
        for part in ("**shop**", "**dev**", "**Team Search**", "[runbook](https://example.com/runbook.md)", expected):
            assert part in text
    assert "alarms belong to the environment that owns the account" in header(tenant())


def test_environment_without_evaluations_has_a_dashboard() -> None:
    bare = synthesize(environment(evaluations={}, invocation_logging={"mode": "none"}))
    titles = [graph["title"] for graph in bare.graphs()]
    assert "Overdue evaluations" not in titles
    assert "Invocation logs lost" not in titles
    assert "Watchdog heartbeat" in titles


def test_refuses_more_widgets_than_a_dashboard_holds() -> None:
    models = {f"m{number}": {"id": f"amazon.nova-lite-v{number}:0"} for number in range(100)}
    with pytest.raises(DeclarationError, match=r"dashboard shop-dev would have 1,\d+ widgets; allowed: 500; split it"):
        synthesize(environment(models=models, evaluations={}, owns_account=False))


def test_refuses_more_metrics_than_a_dashboard_holds() -> None:
    """Ten candidates with every metric, several times: far from 500 widgets."""
    candidates = [{"name": f"c{number}", "model": "nova"} for number in range(10)]
    metrics = [name for name in METRICS if name not in {"classification_accuracy", "json_schema_match", "regex_match"}]
    each = {"dataset": "questions", "candidates": candidates, "metrics": metrics}
    evaluations = {f"e{number}": each for number in range(8)}
    with pytest.raises(DeclarationError, match=r"dashboard shop-dev would have [23],\d+ metrics; allowed: 2,500; "):
        synthesize(environment(evaluations=evaluations))


def test_a_series_needs_every_dimension() -> None:
    with pytest.raises(ValueError, match="gate_verdict: no value for dimension Candidate, Metric"):
        metric(catalogue.GATE_VERDICT, dimensions={"Application": "a", "Evaluation": "b"}, period=Duration.hours(1))


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-central-1", "eu-central-1.console.aws.amazon.com"),
        ("cn-north-1", "cn-north-1.console.amazonaws.cn"),
        ("us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
    ],
)
def test_url_is_in_the_partition_of_the_region(region: str, host: str) -> None:
    assert dashboard_url("x", region=region) == f"https://{host}/cloudwatch/home?region={region}#dashboards/dashboard/x"


def header(made: Monitoring) -> str:
    text = made.dashboard["widgets"][0]["properties"]["markdown"]
    assert isinstance(text, str)
    return text


def drawn(graph: dict[str, Any]) -> list[Series]:
    """The series of a graph, and the sum of its counts where that is what an alarm watches."""
    series = graph_series(graph)
    return [*series, Series(None, None, (), None, None, "sum", frozenset(series))]


def same(shown: Series, watched: Series) -> bool:
    if shown.expression == "sum":
        return watched.expression is not None and "IF" not in watched.expression and shown.parts == watched.parts
    judged = replace(watched, expression=watched.expression and GUARDED.sub(r"\2/(\1)", watched.expression))
    return any(replace(shown, period=None) == replace(each, period=None) for each in (watched, judged))
