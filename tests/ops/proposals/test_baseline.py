"""`ops baseline` over runs that the evaluator's own code has made, and a scripted CloudWatch."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.validate import ParamValidator

from bedrock_eval.evaluation.definition import Gate
from bedrock_eval.layout import RunLayout
from bedrock_eval_runs.custom.slices import run_slice
from bedrock_eval_runs.events import SliceEvent
from configuration.loading.load import load_environments
from ops.__main__ import main
from ops.commands.baseline import BASELINE
from ops.proposals.alarm_history import arrived
from tests.ops.conftest import clients_of_the_account
from tests.ops.json_documents import read_document
from tests.support.fakes import answer
from tests.support.runs.custom import BUCKET, DATA, DEFINITION, World

DEV = """\
application: shop
region: us-east-1
owns_account: true
owner: us
runbook_url: https://example.com/runbook # ours
models:
  small: {id: us.amazon.nova-2-lite-v1:0}
  large: # called through its profile
    id: us.amazon.nova-pro-v1:0
    profile: true
datasets:
  questions: {source: s3://elsewhere/questions.jsonl}
evaluations:
  support: # the one that counts
    dataset: questions
    candidates: [small, large]
    metrics: [f1_score, exact_match, response_length]
    gates:
      - metric: f1_score # agreed with support
        min: 0.9 # a guess
"""
WRONG = (4, 6, 5)
"""How many of 40 answers are wrong in the first, second and third run."""


@dataclass
class CloudWatch:
    """Series by metric and ModelId, one datapoint a page; requests must be such as botocore takes."""

    series: dict[tuple[str, str], dict[datetime, float]] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    status: str = "Complete"

    def get_paginator(self, name: str) -> Any:
        assert name == "get_metric_data"
        return SimpleNamespace(paginate=self._pages)

    def _pages(self, **request: Any) -> Iterator[dict[str, Any]]:
        shape = _MODEL.operation_model("GetMetricData").input_shape
        assert not ParamValidator().validate(request, shape).has_errors()
        self.asked.append(request)
        for query in request["MetricDataQueries"]:
            metric = query["MetricStat"]["Metric"]
            points = self.series.get((metric["MetricName"], metric["Dimensions"][0]["Value"]), {})
            for moment, value in points.items():
                part = {"Timestamps": [moment], "Values": [value], "StatusCode": "PartialData"}
                yield {"MetricDataResults": [{"Id": query["Id"], **part}]}
            last: dict[str, Any] = {"Timestamps": [], "Values": [], "StatusCode": self.status}
            yield {"MetricDataResults": [{"Id": query["Id"], **last}]}


_MODEL = boto3.client("cloudwatch", region_name="us-east-1").meta.service_model


def hourly(value: float, hours: int = 60) -> dict[datetime, float]:
    start = datetime(2026, 11, 20, tzinfo=UTC)
    return {start + timedelta(hours=hour): value for hour in range(hours)}


def evaluated(world: World, run_id: str, wrong: int) -> None:
    def script(model: str, prompt: str) -> dict[str, Any]:
        number = int(prompt.removesuffix(" A:").split()[-1])
        return answer({"text": "wrong" if number < wrong else f"answer {number}"})

    world.models.script = script
    layout = RunLayout("support", run_id)
    run_slice(world.services, SliceEvent(layout, f"execution of {run_id}"), remaining_seconds=900)


@pytest.fixture
def world() -> World:
    made = World()
    made.dataset(*({"id": f"c{n}", "prompt": f"question {n}", "referenceResponse": f"answer {n}"} for n in range(40)))
    made.deploy(metrics=("f1_score", "exact_match", "response_length"), gates=(Gate("f1_score", min=0.9),))
    for day, wrong in enumerate(WRONG):
        evaluated(made, f"2026112{day}T060000Z", wrong)
    return made


@pytest.fixture
def cloudwatch(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CloudWatch:
    """`small` has 60 hours of traffic without errors, `large` has none."""
    small = "us.amazon.nova-2-lite-v1:0"
    made = CloudWatch({("InvocationLatency", small): hourly(2000.0), ("Invocations", small): hourly(500.0)})
    parameters = SimpleNamespace(get_parameter=lambda Name: {"Parameter": {"Value": f"id of {Name}"}})  # noqa: N803
    clients = clients_of_the_account(BUCKET, ssm=parameters, s3=world.s3, cloudwatch=made)
    monkeypatch.setattr(boto3, "client", lambda service, **_: clients[service])
    monkeypatch.setenv("BEDROCK_EVAL_ENVIRONMENTS", str(tmp_path))
    (tmp_path / "dev.yaml").write_text(DEV)
    return made


def ops(*arguments: str) -> int:
    return main(["baseline", "--env", "dev", *arguments])


def test_a_latency_of_few_calls_is_no_evidence(cloudwatch: CloudWatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The alarm does not judge it: below the floor of 20 requests in a period."""
    small = "us.amazon.nova-2-lite-v1:0"
    first, second, *_ = hourly(0)
    cloudwatch.series["Invocations", small] |= {first: 19.0, second: 20.0}
    cloudwatch.series["InvocationLatency", small] |= {first: 90_000.0}
    ops()
    shown = capsys.readouterr().out
    latency = next(line.split() for line in shown.splitlines() if line.split()[:2] == ["latency_p90_ms", "small"])
    assert latency[2:] == ["59", "2000", "10000", "2500"]


def test_the_patch_is_shown_with_its_numbers_and_nothing_is_written(
    cloudwatch: CloudWatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ops() == 0
    shown = capsys.readouterr().out
    assert "-        min: 0.9 # a guess\n+        min: 0." in shown
    assert "Nothing was written" in shown
    assert (tmp_path / "dev.yaml").read_text() == DEV
    row = next(line.split() for line in shown.splitlines() if line.split()[:2] == ["f1_score", "large"])
    # 5 of 40 are wrong in the mean of the runs.
    assert row[2:6] == ["min", "3", "120", "0.875"]
    latency = next(line.split() for line in shown.splitlines() if line.split()[:2] == ["latency_p90_ms", "small"])
    assert latency[2:] == ["60", "2000", "10000", "2500"]


def test_gates_that_the_file_lacks_are_a_snippet(cloudwatch: CloudWatch, capsys: pytest.CaptureFixture[str]) -> None:
    ops()
    shown = capsys.readouterr().out
    assert "      - metric: exact_match\n        min: 0." in shown
    assert "- metric: response_length" not in shown


def test_the_file_is_written_with_its_comments_and_loads(cloudwatch: CloudWatch, tmp_path: Path) -> None:
    assert ops("--write") == 0
    text = (tmp_path / "dev.yaml").read_text()
    assert "- metric: f1_score # agreed with support" in text
    (environment,) = load_environments(tmp_path, today=datetime(2026, 11, 24, tzinfo=UTC).date()).environments
    bound = environment.evaluations["support"].gates[0].min
    assert bound is not None
    assert 0 < bound < 1 - max(WRONG) / 40
    assert environment.models["small"].alarms.latency_p90_ms == 2500
    assert environment.models["large"].alarms.latency_p90_ms is None
    assert environment.alarms.client_error_percent == 5
    assert "server_error_percent" not in text, "a default that is proposed again is not written"


def test_an_incident_of_one_model_is_no_threshold_of_all(
    cloudwatch: CloudWatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cloudwatch.series[("InvocationClientErrors", "id of /shop-dev/profiles/large/id")] = hourly(90.0)
    assert ops() == 0
    shown = capsys.readouterr().out
    assert "nothing: 50 % or more: an incident, not a baseline" in shown
    assert "+  client_error_percent" not in shown


def test_a_drop_is_proposed_once_a_baseline_is_pinned(
    cloudwatch: CloudWatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dev.yaml").write_text(DEV + '    baseline: "20261120T060000Z"\n')
    ops()
    assert "+        max_drop: 0." in capsys.readouterr().out


def test_runs_held_against_a_baseline_give_the_tighter_drop(
    cloudwatch: CloudWatch, world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dev.yaml").write_text(DEV + '    baseline: "20261120T060000Z"\n')
    ops()
    alone = proposed(capsys.readouterr().out, "max_drop")
    assert main(["runs", "accept", "20261120T060000Z", "--env", "dev"]) == 0
    world.deploy(metrics=("f1_score",), gates=(Gate("f1_score", max_drop=0.5),), baseline="20261120T060000Z")
    for day, wrong in enumerate(WRONG, start=3):
        evaluated(world, f"2026112{day}T060000Z", wrong)
    capsys.readouterr()
    ops("--runs", "3")
    assert 0 < proposed(capsys.readouterr().out, "max_drop") < alone


@pytest.mark.parametrize(
    "changes",
    [
        {"candidates": (replace(DEFINITION.candidates[0], model_id="amazon.nova-pro-v1:0"), DEFINITION.candidates[1])},
        {"dataset": replace(DEFINITION.dataset, key="datasets/others.jsonl")},
    ],
)
def test_runs_of_another_model_or_dataset_are_not_comparable(
    cloudwatch: CloudWatch, world: World, changes: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    body = world.s3.text(DATA, DEFINITION.dataset.key).encode()
    world.s3.put_object(Bucket=DATA, Key="datasets/others.jsonl", Body=body)
    world.deploy(metrics=("f1_score",), **changes)
    evaluated(world, "20261123T060000Z", 4)
    assert ops() == 0
    shown = capsys.readouterr().out
    assert "nothing: 1 comparable run " in shown
    assert "-        min: 0.9" not in shown


def test_a_dataset_that_changed_under_its_name_is_another(
    cloudwatch: CloudWatch, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.dataset(*({"id": f"n{n}", "prompt": f"new {n}", "referenceResponse": f"answer {n}"} for n in range(40)))
    evaluated(world, "20261123T060000Z", 4)
    assert ops() == 0
    told = capsys.readouterr()
    assert "nothing: 1 comparable run " in told.out
    assert "support: 3 runs with another dataset than the newest left out" in told.err


def proposed(shown: str, key: str) -> float:
    """For candidate `small` by f1_score."""
    wanted = ["f1_score", "small", key]
    return float(next(line.split()[-1] for line in shown.splitlines() if line.split()[:3] == wanted))


def test_too_few_runs_and_hours_propose_nothing(
    cloudwatch: CloudWatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloudwatch.series = {key: dict(list(points.items())[:47]) for key, points in cloudwatch.series.items()}
    assert ops("--runs", "2", "--write") == 0
    shown = capsys.readouterr().out
    assert "nothing: 2 comparable runs" in shown
    assert "nothing: 47 hours with datapoints; needed: 48" in shown
    assert "nothing: 0 hours with datapoints; needed: 48" in shown
    assert "Nothing is proposed for the file." in shown
    assert (tmp_path / "dev.yaml").read_text() == DEV


def test_models_are_watched_as_the_alarms_watch_them(cloudwatch: CloudWatch) -> None:
    ops("--days", "3")
    asked = [request["MetricDataQueries"][0]["MetricStat"] for request in cloudwatch.asked]
    watched = [stat["Metric"]["Dimensions"][0]["Value"] for stat in asked]
    assert watched == ["us.amazon.nova-2-lite-v1:0", "id of /shop-dev/profiles/large/id"]
    assert {(stat["Stat"], stat["Period"]) for stat in asked} == {("p90", 300)}
    assert cloudwatch.asked[0]["EndTime"] - cloudwatch.asked[0]["StartTime"] == timedelta(days=3)


@pytest.mark.parametrize(
    ("now", "end"),
    [
        # Periods that are over for five minutes, and no other.
        (datetime(2026, 11, 23, 13, 20, tzinfo=UTC), datetime(2026, 11, 23, 13, 15, tzinfo=UTC)),
        (datetime(2026, 11, 23, 13, 19, 59, tzinfo=UTC), datetime(2026, 11, 23, 13, 10, tzinfo=UTC)),
    ],
)
def test_metrics_end_where_they_have_arrived(now: datetime, end: datetime) -> None:
    assert arrived(now) == end


def test_half_an_answer_of_cloudwatch_is_an_error(cloudwatch: CloudWatch, capsys: pytest.CaptureFixture[str]) -> None:
    cloudwatch.status = "InternalError"
    assert ops() == 1
    assert "did not give all metrics of model us.amazon.nova-2-lite-v1:0" in capsys.readouterr().err


def test_an_unknown_evaluation_is_an_error(cloudwatch: CloudWatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert ops("--evaluation", "sales") == 1
    assert "has no evaluation 'sales'; there are: support" in capsys.readouterr().err


def test_the_proposals_as_json(cloudwatch: CloudWatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert ops("--json") == 0
    found = read_document(capsys.readouterr().out, BASELINE)
    large = next(row for row in found["gates"] if (row["metric"], row["candidate"]) == ("f1_score", "large"))
    assert (large["evaluation"], large["runs"], large["cases"], large["mean"]) == ("support", 3, 120, 0.875)
    none = next(row for row in found["thresholds"] if (row["key"], row["model"]) == ("latency_p90_ms", "large"))
    assert (none["percentile"], none["proposed"]) == (None, None)
    assert none["reason"] == "0 hours with datapoints; needed: 48"
    assert "+        min: 0." in found["patch"]
