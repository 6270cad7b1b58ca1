"""The dashboard's body: every series exists, has the right statistic, and stands beside its alarm's threshold."""

import re
from itertools import combinations
from typing import Any

import pytest
from aws_cdk import Duration

from bedrock_eval import catalogue
from bedrock_eval.alarm_kinds import figure
from bedrock_eval.metrics import METRICS
from bedrock_ops.dashboard import dashboard_url
from bedrock_ops.monitoring_metrics import metric
from tests.infrastructure.monitoring_support import (
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

SCORES = [catalogue.score(name, better=item.better, title=item.title) for name, item in METRICS.items()]
CATALOGUE = {(entry.namespace, entry.name): entry for entry in (*catalogue.FIXED, *SCORES)}
PERCENTILE = re.compile(r"p\d\d?")
SEARCH = re.compile(r"SEARCH\('\{([^}]+)\} MetricName=\"(\w+)\"(?: (\w+)=\"([^\"]+)\")?', '(\w+)', (\d+)\)")

# Bedrock user guide, monitoring-runtime-otps; the number of streamed requests is its floor.
PARTS_OF_THE_OUTPUT_SPEED = {
    ("OutputTokenCount", "p50"),
    ("TimeToFirstToken", "p50"),
    ("TimeToFirstToken", "SampleCount"),
}


@pytest.fixture(params=["owner", "tenant"])
def made(request: pytest.FixtureRequest) -> Monitoring:
    return owner() if request.param == "owner" else tenant()


def plain(made: Monitoring) -> list[Series]:
    return [series for series in all_series(made.graphs()) if series.namespace]


def test_every_series_is_in_the_catalogue(made: Monitoring) -> None:
    assert plain(made)
    for series in plain(made):
        entry = CATALOGUE[series.namespace or "", series.name or ""]
        assert {name for name, _ in series.dimensions} == set(entry.dimensions)
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


def test_searches_are_over_the_catalogue(made: Monitoring) -> None:
    searches = [series.expression for graph in made.graphs() for series in graph_series(graph) if not series.namespace]
    found = [SEARCH.fullmatch(text) for text in searches if text and text.startswith("SEARCH")]
    assert len(found) == 2
    for match in found:
        assert match is not None
        schema, name, fixed, _, statistic, _ = match.groups()
        namespace, *dimensions = schema.split(",")
        entry = CATALOGUE[namespace, name]
        assert tuple(dimensions) == entry.dimensions
        assert statistic == entry.statistic
        assert fixed is None or fixed in entry.dimensions


def test_no_series_is_left_to_defaults(made: Monitoring) -> None:
    for graph in made.graphs():
        assert graph["stat"]
        assert graph["period"] in (60, 300, 3600, 86_400)
        assert graph["region"] == REGION
        assert graph["yAxis"]["left"]["label"]
    assert all(series.statistic and series.period for series in plain(made))
    assert made.dashboard["periodOverride"] == "inherit"


def test_one_unit_a_graph(made: Monitoring) -> None:
    for graph in made.graphs():
        entries = [CATALOGUE[s.namespace, s.name] for s in graph_series(graph) if s.namespace and s.name]
        assert len({entry.unit for entry in entries}) <= 1, graph["title"]


def test_every_graph_draws_the_threshold_of_every_alarm_on_its_series(subtests: pytest.Subtests) -> None:
    for made in (owner(), watchful()):
        for name, alarm in made.alarms.items():
            # A band is no line.
            if "Threshold" not in alarm:
                continue
            with subtests.test(alarm=name):
                watched = alarm_series(alarm)
                lines = [
                    [line["value"] for line in graph.get("annotations", {}).get("horizontal", [])]
                    for graph in made.graphs()
                    if any(same(series, watched) for series in drawn(graph))
                ]
                assert lines, "no graph shows what the alarm watches"
                assert all(alarm["Threshold"] in values for values in lines)


def test_every_line_is_an_alarms_threshold_a_gate_or_the_coverage() -> None:
    for made in (owner(), watchful()):
        allowed = {alarm.get("Threshold") for alarm in made.alarms.values()} | {0.5, 900} | {0.9, 0.95}
        lines = [line for graph in made.graphs() for line in graph.get("annotations", {}).get("horizontal", [])]
        assert {line["value"] for line in lines} <= allowed
        assert all(figure(line["value"]) in line["label"] for line in lines)


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


def test_states_of_all_alarms_are_shown(made: Monitoring) -> None:
    (states,) = [widget for widget in made.dashboard["widgets"] if widget["type"] == "alarm"]
    arns = states["properties"]["alarms"]
    assert len(set(arns)) == len(made.resources("AWS::CloudWatch::Alarm"))


@pytest.mark.parametrize("model_id", ["eu.anthropic.claude-haiku-5-5", "amazon.nova-lite-v1:0"])
def test_a_declared_model_appears_with_everything(model_id: str) -> None:
    shown = {
        (series.name, series.statistic)
        for series in plain(owner())
        if series.dimensions == ((catalogue.MODEL_ID, model_id),)
    }
    assert shown == PARTS_OF_THE_OUTPUT_SPEED | {
        ("Invocations", "Sum"),
        ("LegacyModelInvocations", "Sum"),
        *(("InvocationLatency", percentile) for percentile in ("p50", "p90", "p99")),
        ("InvocationClientErrors", "Sum"),
        ("InvocationServerErrors", "Sum"),
        ("InvocationThrottles", "Sum"),
        ("InputTokenCount", "Sum"),
        ("OutputTokenCount", "Sum"),
    }


def test_one_more_model_adds_its_graphs_and_alarms() -> None:
    models = {name: {"id": config.id} for name, config in environment().models.items()}
    more = synthesize(environment(models={**models, "new": {"id": "eu.amazon.nova-pro-v1:0"}}))
    assert {name.removeprefix(f"{PREFIX}-") for name in set(more.alarms) - set(owner().alarms)} == {
        "latency-p90-new",
        "output-speed-new",
        "legacy-model-new",
        "server-errors-new",
        "client-errors-new",
        "throttles-new",
        "throttle-count-new",
    }
    assert len(more.graphs()) == len(owner().graphs()) + 7


@pytest.mark.parametrize("name", ["relevance_score", "response_length", "f1_score"])
def test_scores_are_shown_for_each_candidate_with_their_gates(name: str) -> None:
    graph = owner().graph(METRICS[name].title, holding='"quality"')
    assert {dict(series.dimensions)["Candidate"] for series in graph_series(graph)} == {"haiku", "nova-short"}
    gates = {"relevance_score": [0.5], "response_length": [900]}
    lines = [line["value"] for line in graph.get("annotations", {}).get("horizontal", [])]
    assert lines == gates.get(name, [])
    axis = graph["yAxis"]["left"]
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


def test_header_says_whose_figures_these_are() -> None:
    for made, expected in (
        (owner(), "not in the figures per model"),
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
    with pytest.raises(ValueError, match=r"dashboard shop-dev would have \d{3} widgets; allowed: 500"):
        synthesize(environment(models=models, evaluations={}, owns_account=False))


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
    return (shown.namespace, shown.name, shown.dimensions, shown.statistic, shown.expression, shown.parts) == (
        watched.namespace,
        watched.name,
        watched.dimensions,
        watched.statistic,
        watched.expression,
        watched.parts,
    )
