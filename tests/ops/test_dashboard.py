"""The drawn dashboard, from a body to a page."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from ops import environment
from ops.__main__ import main
from ops.dashboard_body import Graph, read_body
from ops.dashboard_data import fetch
from ops.dashboard_page import Origin, render
from ops.errors import OpsError

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ORIGIN = Origin("shop-dev", "dev", "out of a test", "data of a test", NOW, timedelta(days=1))
GRAPH = {
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
    data = fetch(board, {"eu-central-1": client, None: client}, now=NOW, back=timedelta(hours=6))
    (query,) = client.asked[0]["MetricDataQueries"]
    assert query["MetricStat"]["Stat"] == "p90"
    page = render(board, data, origin=ORIGIN)
    assert ('class="series"' in page) is drawn
    assert ("no data" in page) is not drawn
    assert ("4,200" in page) is drawn


def test_a_body_that_is_none_is_refused() -> None:
    with pytest.raises(OpsError, match="no body of a dashboard"):
        read_body('{"rows": []}')


@pytest.mark.parametrize("asked", ["--data", "--deployed"])
def test_the_account_is_known_before_its_data_are_drawn(
    asked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The names of the series are the same in every account."""
    monkeypatch.setattr(environment, "ENVIRONMENTS", tmp_path)
    (tmp_path / "dev.yaml").write_text(ENVIRONMENT)
    caller = {"Account": "999999999999", "Arn": "arn:aws:iam::999999999999:user/me"}
    monkeypatch.setattr(boto3, "client", lambda _service, **_: SimpleNamespace(get_caller_identity=lambda: caller))
    page = tmp_path / "page.html"
    assert main(["dashboard", "--env", "dev", asked, "--out", str(page)]) == 1
    assert "of account 999999999999; environment dev is in 111122223333" in capsys.readouterr().err
    assert not page.exists()


def test_an_environment_without_aws_has_no_data_without_an_endpoint(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert main(["dashboard", "--env", "local", "--data"]) == 1
    assert "local has no AWS behind it" in capsys.readouterr().err
