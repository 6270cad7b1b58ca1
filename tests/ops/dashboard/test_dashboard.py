"""The drawn dashboard, from a body to a page."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from ops.__main__ import main
from ops.commands import dashboard
from ops.dashboard.body import Graph, read_body
from ops.dashboard.data import Data, fetch
from ops.dashboard.page import Origin, render
from ops.errors import OpsError

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ORIGIN = Origin("shop-dev", "dev", "out of a test", "data of a test", NOW, timedelta(days=1))
GRAPH: dict[str, Any] = {
    "type": "metric",
    "x": 0,
    "y": 1,
    "width": 8,
    "height": 6,
    "properties": {
        "title": "Latency <b>",
        "region": "eu-central-1",
        "metrics": [["AWS/Bedrock", "InvocationLatency", "ModelId", "chosen", {"stat": "p90", "label": "p90"}]],
        "period": 300,
        "yAxis": {"left": {"label": "ms", "min": 0}},
        "annotations": {"horizontal": [{"value": 7000, "label": "latency-p90 > 7,000", "color": "#ff7f0e"}]},
    },
}
ENVIRONMENT = """\
application: shop
account: "111122223333"
region: us-east-1
owner: us
runbook_url: https://example.com/runbook
models:
  small: {id: us.amazon.nova-2-lite-v1:0}
"""
BODY = {
    "start": "-P1D",
    "variables": [{"type": "pattern", "id": "model", "pattern": "chosen", "defaultValue": "nova"}],
    "widgets": [
        {
            "type": "text",
            "width": 24,
            "height": 1,
            "properties": {"markdown": "## Hi **x** [run](https://e.org/a) [no](javascript:x)"},
        },
        GRAPH,
    ],
}


class Pages:
    """A client whose one answer is `values` at noon."""

    def __init__(self, values: list[float]) -> None:
        self.values = values
        self.asked: list[dict[str, Any]] = []

    def get_paginator(self, name: str) -> "Pages":
        return self

    def paginate(self, **asked: Any) -> list[dict[str, Any]]:
        self.asked.append(asked)
        result = {"Id": "series0", "Label": "p90", "Timestamps": [NOW] * len(self.values), "Values": self.values}
        return [{"MetricDataResults": [result]}]


def test_without_data_thresholds_and_legends_are_drawn_and_nothing_is_zero() -> None:
    page = render(read_body(json.dumps(BODY)), None, origin=ORIGIN)
    assert "latency-p90 &gt; 7,000" in page
    assert "no data" in page
    assert 'class="series"' not in page


def test_names_of_near_thresholds_stand_apart() -> None:
    near = [{"value": value, "label": f"bound {value}"} for value in (7000, 7100, 3000)]
    graph = {**GRAPH, "properties": {**GRAPH["properties"], "annotations": {"horizontal": near}}}
    page = render(read_body(json.dumps({**BODY, "widgets": [graph]})), None, origin=ORIGIN)
    anchors = re.findall(r'text-anchor="(\w+)">bound (\d+)', page)
    assert anchors == [("end", "3000"), ("end", "7000"), ("start", "7100")]


def test_texts_are_escaped_and_only_web_addresses_are_links() -> None:
    page = render(read_body(json.dumps(BODY)), None, origin=ORIGIN)
    assert "Latency &lt;b&gt;" in page
    assert 'href="https://e.org/a"' in page
    assert 'href="javascript' not in page
    assert "<script" not in page


def test_a_pattern_variable_stands_at_its_default() -> None:
    (graph,) = (each for each in read_body(json.dumps(BODY)).widgets if isinstance(each, Graph))
    assert graph.series[0].metric == ("AWS/Bedrock", "InvocationLatency", {"ModelId": "nova"})


@pytest.mark.parametrize(("values", "drawn"), [([4200.0], True), ([], False)])
def test_data_is_asked_with_the_statistic_of_the_widget(values: list[float], drawn: bool) -> None:
    board, client = read_body(json.dumps(BODY)), Pages(values)
    data = fetch(board, {"eu-central-1": client, None: client}, until=NOW, back=timedelta(hours=6))
    (query,) = client.asked[0]["MetricDataQueries"]
    assert query["MetricStat"]["Stat"] == "p90"
    page = render(board, data, origin=ORIGIN)
    assert ('class="series"' in page) is drawn
    assert ("no data" in page) is not drawn
    assert ("4,200" in page) is drawn


def test_counts_have_no_decimals() -> None:
    board = read_body(json.dumps(BODY))
    for value, shown in ((7.0, "7"), (0.0, "0"), (0.25, "0.250"), (-2.0, "\N{MINUS SIGN}2.000")):
        client = Pages([value])
        data = fetch(board, {"eu-central-1": client, None: client}, until=NOW, back=timedelta(hours=6))
        assert f"<b>{shown}</b>" in render(board, data, origin=ORIGIN)


BAND = {"expression": "ANOMALY_DETECTION_BAND(m, 2)", "label": "p90 expected", "color": "#7f7f7f", "id": "band"}


def banded() -> str:
    """The body with a band around its latency."""
    latency = ["AWS/Bedrock", "InvocationLatency", "ModelId", "chosen", {"stat": "p90", "label": "p90", "id": "m"}]
    graph = {**GRAPH, "properties": {**GRAPH["properties"], "metrics": [latency, [BAND]]}}
    return json.dumps({**BODY, "widgets": [graph]})


class Edges(Pages):
    """A client that knows the edges of a band, on two pages, both under one label, the upper one first."""

    def paginate(self, **asked: Any) -> list[dict[str, Any]]:
        def page(minutes: int, *pairs: tuple[str, float]) -> dict[str, Any]:
            moment = NOW - timedelta(minutes=minutes)
            return {
                "MetricDataResults": [
                    {"Id": name, "Label": "p90 expected", "Timestamps": [moment], "Values": [value]}
                    for name, value in pairs
                ]
            }

        return [page(10, ("band", 6900.0), ("band", 5100.0)), page(5, ("band", 6800.0), ("band", 5000.0))]


def test_a_band_is_drawn_as_the_field_between_its_edges() -> None:
    board, client = read_body(banded()), Edges([])
    data = fetch(board, {"eu-central-1": client, None: client}, until=NOW, back=timedelta(hours=6))
    assert [points.values for points in data.lines[0, "band"]] == [
        ((NOW - timedelta(minutes=10), 6900.0), (NOW - timedelta(minutes=5), 6800.0)),
        ((NOW - timedelta(minutes=10), 5100.0), (NOW - timedelta(minutes=5), 5000.0)),
    ]
    page = render(board, data, origin=ORIGIN)
    assert page.count('class="band"') == 1
    assert "p90 expected: newest 5,000 to 6,800" in page


def test_a_band_without_data_has_its_entry_and_no_field() -> None:
    page = render(read_body(banded()), None, origin=ORIGIN)
    assert "p90 expected" in page
    assert 'class="band"' not in page


def test_what_rings_stands_first_without_the_prefix_of_all_names() -> None:
    names = ("warning-service-x", "critical-run-y", "dead-letters")
    arns = [f"arn:aws:cloudwatch:eu-central-1:111122223333:alarm:shop-dev-{name}" for name in names]
    widget = {"type": "alarm", "width": 24, "height": 2, "properties": {"title": "Alarms", "alarms": arns}}
    board = read_body(json.dumps({"widgets": [widget]}))
    states = {"shop-dev-warning-service-x": "OK", "shop-dev-critical-run-y": "ALARM"}
    data = Data(start={}, end=NOW, lines={}, states=states, failures={})
    page = render(board, data, origin=ORIGIN)
    shown = re.findall(r'class="state (\w+)"><b>([a-z ]+)</b> <span title="shop-dev-([a-z-]+)">([a-z-]+)</span>', page)
    assert shown == [
        ("alarm", "alarm", "critical-run-y", "critical-run-y"),
        ("ok", "ok", "warning-service-x", "warning-service-x"),
        ("unknown", "unknown", "dead-letters", "dead-letters"),
    ]
    bare = render(board, None, origin=ORIGIN)
    assert bare.count('class="state unknown"><span') == 3, "without data nothing is said of a state"


def test_a_body_that_is_none_is_refused() -> None:
    with pytest.raises(OpsError, match="no body of a dashboard"):
        read_body('{"rows": []}')


@pytest.mark.parametrize("asked", ["--data", "--deployed"])
def test_the_account_is_known_before_its_data_are_drawn(
    asked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The names of the series are the same in every account."""
    monkeypatch.setenv("BEDROCK_EVAL_ENVIRONMENTS", str(tmp_path))
    (tmp_path / "dev.yaml").write_text(ENVIRONMENT)
    caller = {"Account": "999999999999", "Arn": "arn:aws:iam::999999999999:user/me"}
    monkeypatch.setattr(boto3, "client", lambda _service, **_: SimpleNamespace(get_caller_identity=lambda: caller))
    page = tmp_path / "page.html"
    assert main(["dashboard", "--env", "dev", asked, "--out", str(page)]) == 1
    assert "for account 999999999999; environment dev is in 111122223333" in capsys.readouterr().err
    assert not page.exists()


@pytest.mark.parametrize(
    ("stand_in", "end", "said"),
    [
        # What is younger would look like less traffic.
        (False, datetime(2026, 11, 24, 11, 55, tzinfo=UTC), "complete until 2026-11-24 11:55 UTC"),
        # The emulator's metrics are there at once.
        (True, datetime(2026, 11, 24, 12, 1, tzinfo=UTC), "complete until 2026-11-24 12:01 UTC"),
    ],
)
def test_graphs_end_where_metrics_have_arrived(
    stand_in: bool, end: datetime, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEDROCK_EVAL_ENVIRONMENTS", str(tmp_path))
    account = "000000000000" if stand_in else "111122223333"
    declared = ENVIRONMENT.replace("111122223333", account) + ("stand_in: true\n" if stand_in else "")
    (tmp_path / "dev.yaml").write_text(declared)
    (tmp_path / "body.json").write_text(json.dumps(BODY))
    pages = Pages([])
    caller = SimpleNamespace(get_caller_identity=lambda: {"Account": account, "Arn": "arn:aws:iam::1:user/me"})
    monkeypatch.setattr(boto3, "client", lambda service, **_: caller if service == "sts" else pages)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:1")
    page = tmp_path / "page.html"
    options = SimpleNamespace(
        env="dev",
        environments=None,
        out=page,
        body=tmp_path / "body.json",
        deployed=False,
        data=True,
        hours=None,
        endpoint_url=None,
    )
    assert dashboard.run(options, now=NOW) == 0  # type: ignore[arg-type]
    (asked,) = pages.asked
    assert (asked["StartTime"], asked["EndTime"]) == (end - timedelta(days=1), end)
    assert said in page.read_text()


def test_an_environment_without_aws_has_no_data_without_an_endpoint(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert main(["dashboard", "--env", "local", "--data"]) == 1
    assert "local runs on the emulator" in capsys.readouterr().err
