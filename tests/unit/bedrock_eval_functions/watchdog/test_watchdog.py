import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, IncompleteReadError
from botocore.model import ServiceModel
from botocore.parsers import ResponseParserError

from bedrock_eval import catalogue, codec
from bedrock_eval.alarms.subscribers import Subscription
from bedrock_eval.evaluation.definition import Candidate, CustomDefinition, Dataset, Schedule
from bedrock_eval.evaluation.job_settings import JobKind, JobSettings
from bedrock_eval.layout import WATCH_LIST, RunLayout, definition_key
from bedrock_eval.pricing.costs import Rates
from bedrock_eval.results.publishing import Datum, datum
from bedrock_eval.runs.state import RunState, RunStatus
from bedrock_eval.scores.job_measures import Task
from bedrock_eval.watchdog.overdue import OverdueError, Requirement, requirement
from bedrock_eval.watchdog.watch_list import People, WatchList
from bedrock_eval_functions.watchdog import handler as entry
from bedrock_eval_functions.watchdog.watch import Watch
from tests.support.aws.older_sdk import older_model
from tests.support.definitions import by_jobs
from tests.support.fakes import FakeCloudWatch, FakeContext, FakeQueues, FakeS3, client_error

# A Monday.
NOW = datetime(2026, 11, 23, 13, 20, 30, tzinfo=UTC)
DEPLOYED = datetime(2026, 11, 2, 9, tzinfo=UTC)
WATCHED = WatchList(
    models=("anthropic.claude-opus-4-1-20250805-v1:0", "amazon.nova-lite-v1:0"),
    priced={"haiku": Rates(1.0, 5.0), "nova": None},
)
MINUTE = NOW.replace(second=0)
DAILY = Schedule("cron(0 6 * * ? *)")
DEFINITION = CustomDefinition(
    application="shop",
    environment="dev",
    evaluation="support",
    candidates=(Candidate("small", "amazon.nova-lite-v1:0", "profile"),),
    dataset=Dataset("questions", "data", "key"),
    metrics=("exact_match",),
    schedule=DAILY,
    first_deployed=DEPLOYED.isoformat(),
)


class TestRequirement:
    @pytest.mark.parametrize(
        ("schedule", "since"),
        [
            # Due at 6, late from 12 on.
            (DAILY, datetime(2026, 11, 23, 6, tzinfo=UTC)),
            # Within the grace of today's, yesterday's must be there.
            (replace(DAILY, grace_hours=8), datetime(2026, 11, 22, 6, tzinfo=UTC)),
            (replace(DAILY, timezone="America/New_York"), datetime(2026, 11, 22, 11, tzinfo=UTC)),
            (Schedule("at(2026-11-23T06:00:00)"), datetime(2026, 11, 23, 6, tzinfo=UTC)),
        ],
    )
    def test_what_must_have_finished(self, schedule: Schedule, since: datetime) -> None:
        assert requirement(schedule, first_deployed=DEPLOYED.isoformat(), now=NOW) == Requirement(since)

    @pytest.mark.parametrize("changed", [False, True])
    def test_of_a_rate_one_run_in_every_interval_and_grace(self, *, changed: bool) -> None:
        since = NOW - timedelta(days=1, hours=6)
        found = requirement(Schedule("rate(1 day)"), first_deployed=DEPLOYED.isoformat(), now=NOW, changed=changed)
        assert found == Requirement(since, excused=timedelta(hours=12))

    def test_a_rate_is_due_at_once_when_its_schedule_is_made(self) -> None:
        weekly = Schedule("rate(7 days)")
        deployed = NOW - timedelta(hours=6)
        found = requirement(weekly, first_deployed=deployed.isoformat(), now=NOW)
        assert found is not None
        # Scheduled a moment after the deploy; and one of the days before is what the first is left out for.
        assert found.met_by(deployed + timedelta(seconds=5))
        assert found.met_by(deployed - timedelta(days=3))
        assert not found.met_by(deployed - timedelta(days=4))
        assert requirement(weekly, first_deployed=deployed.isoformat(), now=NOW - timedelta(seconds=1)) is None

    def test_a_rate_that_was_changed_has_an_interval_to_run(self) -> None:
        daily, deployed = Schedule("rate(1 day)"), NOW - timedelta(days=1, hours=6)
        assert requirement(daily, first_deployed=deployed.isoformat(), now=NOW, changed=True) is not None
        earlier = NOW - timedelta(seconds=1)
        assert requirement(daily, first_deployed=deployed.isoformat(), now=earlier, changed=True) is None

    def test_a_run_that_came_too_early_excuses_the_one_it_was_left_out_for(self) -> None:
        needed = Requirement(NOW, excused=timedelta(hours=12))
        before = NOW - timedelta(hours=8)
        assert needed.met_by(before, skipped=NOW)
        assert not needed.met_by(before, skipped=NOW - timedelta(seconds=1))
        assert not needed.met_by(NOW - timedelta(hours=13), skipped=NOW)
        assert not needed.met_by(None, skipped=NOW)

    @pytest.mark.parametrize(
        ("schedule", "deployed"),
        [
            (DAILY, NOW - timedelta(hours=2)),
            (DAILY, datetime(2026, 11, 23, 6, 0, 1, tzinfo=UTC)),
            (Schedule("rate(1 day)"), NOW - timedelta(hours=5)),
            (Schedule("at(2026-11-23T06:00:00)"), NOW),
            (Schedule("at(2027-01-01T06:00:00)"), DEPLOYED),
            (Schedule("cron(0 6 1 * ? *)"), DEPLOYED),
        ],
    )
    def test_nothing_is_due_before_the_first_time(self, schedule: Schedule, deployed: datetime) -> None:
        assert requirement(schedule, first_deployed=deployed.isoformat(), now=NOW) is None

    def test_the_run_of_that_very_time_meets_it(self) -> None:
        needed = Requirement(NOW)
        assert needed.met_by(NOW)
        assert not needed.met_by(NOW - timedelta(seconds=1))
        assert not needed.met_by(None)

    def test_a_schedule_that_never_was_deployed_is_an_error(self) -> None:
        with pytest.raises(OverdueError, match="first_deployed"):
            requirement(DAILY, first_deployed=None, now=NOW)


@pytest.fixture
def s3() -> FakeS3:
    return FakeS3()


def deploy(s3: FakeS3, **changes: Any) -> None:
    made = by_jobs if "job" in changes else replace
    definition = made(DEFINITION, **changes)
    body = json.dumps(definition.to_json()).encode()
    s3.put_object(Bucket="results", Key=definition_key(definition.evaluation), Body=body)


def watch_on(s3: FakeS3, watch_list: WatchList) -> None:
    s3.put_object(Bucket="results", Key=WATCH_LIST, Body=json.dumps(codec.encode(watch_list)).encode())


def run(s3: FakeS3, run_id: str, *, evaluation: str = "support", finished: bool = True) -> None:
    layout = RunLayout(evaluation, run_id)
    for key in (layout.lock, layout.state, *((layout.summary,) if finished else ())):
        s3.put_object(Bucket="results", Key=key, Body=b"{}")


@dataclass
class FakeBedrock:
    """What AWS announces, by foundation model: an end, None without one; an error for a model that is not there.

    Attributes:
        answer: what comes for every model instead, or is raised.
        model: boto3's of the service.
    """

    ends: Mapping[str, datetime | None] = field(default_factory=dict)
    answer: Any = None
    model: ServiceModel = field(default_factory=lambda: older_model("bedrock"))

    @property
    def meta(self) -> Any:
        return SimpleNamespace(service_model=self.model)

    def get_foundation_model(self, *, modelIdentifier: str) -> Any:  # noqa: N803 - boto3's name
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is not None:
            return self.answer
        if modelIdentifier not in self.ends:
            raise client_error("ResourceNotFoundException", status=404)
        end = self.ends[modelIdentifier]
        life = {"status": "ACTIVE"} if end is None else {"status": "LEGACY", "endOfLifeTime": end}
        return {"modelDetails": {"modelId": modelIdentifier, "modelLifecycle": life}}


def clients(s3: FakeS3, cloudwatch: FakeCloudWatch) -> dict[str, Any]:
    """What the function makes, by service."""
    return {
        "s3": s3,
        "cloudwatch": cloudwatch,
        "bedrock": FakeBedrock(),
        "sns": None,
        "budgets": None,
        "sqs": FakeQueues(),
        "logs": None,
    }


def look(s3: FakeS3, **world: Any) -> dict[str, dict[str, float]]:
    """Metric name -> what it is about -> value; without the count that every look ends with."""
    found = look_at_all(s3, **world)
    del found["models_without_lifecycle"]
    return found


def look_at_all(
    s3: FakeS3,
    *,
    now: datetime = NOW,
    cloudwatch: FakeCloudWatch | None = None,
    bedrock: FakeBedrock | None = None,
    priced: Mapping[str, Rates | None] | None = None,
    watch_list: WatchList | None = None,
    queues: Mapping[str, tuple[int, int, int]] | None = None,
    logs: Any = None,
) -> dict[str, dict[str, float]]:
    """Metric name -> what it is about -> value."""
    found: dict[str, dict[str, float]] = {}
    watch = Watch(
        s3=s3,
        cloudwatch=cloudwatch or FakeCloudWatch(),
        bedrock=bedrock or FakeBedrock(),
        sqs=FakeQueues(queues or {}),
        logs=logs,
        bucket="results",
        application="shop",
        region="us-east-1",
    )
    watch_on(s3, watch_list or WatchList(priced=priced or {}))
    for each in watch.round(now):
        request = each.request()
        dimensions = {item["Name"]: item["Value"] for item in request["Dimensions"]}
        assert dimensions.pop("Application") == "shop"
        assert request["Timestamp"] == now.replace(second=0, microsecond=0)
        found.setdefault(request["MetricName"], {})["".join(dimensions.values())] = request["Value"]
    return found


class TestOverdue:
    def test_in_time(self, s3: FakeS3) -> None:
        deploy(s3)
        run(s3, "20261123T060000Z")
        assert look(s3) == {"watchdog_heartbeat": {"": 1.0}, "schedule_overdue": {"support": 0.0}}

    @pytest.mark.parametrize(
        "runs",
        [
            {},
            {"20261122T060000Z": True},
            {"20261122T060000Z": True, "20261123T060000Z": False},
            {"20261123T055959Z-manual-0a1b": True},
        ],
    )
    def test_late(self, s3: FakeS3, runs: dict[str, bool]) -> None:
        deploy(s3)
        for run_id, finished in runs.items():
            run(s3, run_id, finished=finished)
        assert look(s3)["schedule_overdue"] == {"support": 1.0}

    def test_a_finished_run_by_hand_counts_by_its_time(self, s3: FakeS3) -> None:
        deploy(s3)
        run(s3, "20261123T060000Z", finished=False)
        run(s3, "20261123T101500Z-manual-0a1b")
        assert look(s3)["schedule_overdue"] == {"support": 0.0}

    def test_a_newer_unfinished_run_does_not_hide_a_finished_one(self, s3: FakeS3) -> None:
        deploy(s3)
        run(s3, "20261123T060000Z")
        for hour in range(7, 12):
            run(s3, f"20261123T{hour:02}0000Z-manual-0a1b", finished=False)
        assert look(s3)["schedule_overdue"] == {"support": 0.0}

    def test_the_run_of_another_evaluation_does_not_count(self, s3: FakeS3) -> None:
        deploy(s3)
        run(s3, "20261123T060000Z", evaluation="support-b")
        assert look(s3)["schedule_overdue"] == {"support": 1.0}

    def test_what_is_no_run_is_passed_over(self, s3: FakeS3) -> None:
        deploy(s3)
        s3.put_object(Bucket="results", Key="runs/support/notes/summary.json", Body=b"")
        assert look(s3)["schedule_overdue"] == {"support": 1.0}

    def test_a_run_of_jobs_may_take_until_its_deadline_and_what_stopping_takes(self, s3: FakeS3) -> None:
        """Its grace alone, six hours, would ring while people still rate."""
        days = JobSettings(JobKind.HUMAN, Task.CUSTOM, deadline_hours=5 * 24)
        weekly = Schedule("cron(0 6 ? * MON *)")
        deploy(s3, job=days, schedule=weekly, metrics=())
        run(s3, "20261116T060000Z")
        run(s3, "20261123T060000Z", finished=False)
        assert look(s3, now=NOW + timedelta(days=5))["schedule_overdue"] == {"support": 0.0}
        late = look(s3, now=NOW + timedelta(days=5, hours=12))
        assert late["schedule_overdue"] == {"support": 1.0}, "a job that never ends is seen"

    @pytest.mark.parametrize(
        ("reason", "overdue"), [("too_early", 0.0), ("overlap", 1.0), (None, 1.0)], ids=["early", "overlap", "unread"]
    )
    def test_a_run_that_came_too_early_by_its_rate_is_not_overdue(
        self, s3: FakeS3, reason: str | None, overdue: float
    ) -> None:
        """Changed at 20:00, it is due then and every day at 20:00: what was left out then is not missed before."""
        deploy(s3, schedule=Schedule("rate(1 day)"))
        now = datetime(2026, 11, 23, 19, tzinfo=UTC)
        run(s3, "20261122T120000Z")
        run(s3, "20261122T200000Z", finished=False)
        if reason is not None:
            layout = RunLayout("support", "20261122T200000Z")
            state = RunState("support", layout.run_id, RunStatus.SKIPPED, "", "", reason=reason, message="why")
            s3.put_object(Bucket="results", Key=layout.state, Body=state.to_json().encode())
        assert look(s3, now=now)["schedule_overdue"] == {"support": overdue}
        # The next that is due, at 20:00, has its grace and no more.
        later = look(s3, now=datetime(2026, 11, 24, 3, tzinfo=UTC))
        assert later["schedule_overdue"] == {"support": 1.0}

    def test_without_a_schedule_nothing_can_be_late(self, s3: FakeS3) -> None:
        deploy(s3, schedule=None)
        assert "schedule_overdue" not in look(s3)

    def test_the_newest_run_is_looked_at_first(self, s3: FakeS3) -> None:
        deploy(s3)
        for hour in range(6, 13):
            run(s3, f"20261123T{hour:02}0000Z", finished=hour == 12)
        assert look(s3)["schedule_overdue"] == {"support": 0.0}
        assert s3.calls["head_object"] == 1

    def test_old_runs_are_not_even_listed(self, s3: FakeS3) -> None:
        deploy(s3)
        for day in range(1, 20):
            run(s3, f"202610{day:02}T060000Z")
        look(s3)
        assert s3.calls["head_object"] == 0

    @pytest.mark.parametrize(
        "body",
        [b"{", b"{}", json.dumps({**DEFINITION.to_json(), "schedule": {"expression": "daily"}}).encode()],
    )
    def test_a_bad_definition_is_overdue_and_stops_no_other(
        self, s3: FakeS3, body: bytes, caplog: pytest.LogCaptureFixture
    ) -> None:
        deploy(s3)
        run(s3, "20261123T060000Z")
        s3.put_object(Bucket="results", Key=definition_key("broken"), Body=body)
        assert look(s3)["schedule_overdue"] == {"broken": 1.0, "support": 0.0}
        [record] = [record for record in caplog.records if record.message == "cannot be watched"]
        assert record.__dict__["evaluation"] == "broken"
        assert "Error: " in record.__dict__["reason"]

    def test_an_unknown_time_zone_stops_no_other(self, s3: FakeS3) -> None:
        deploy(s3, schedule=replace(DAILY, timezone="Mars/Olympus"))
        assert look(s3) == {"watchdog_heartbeat": {"": 1.0}, "schedule_overdue": {"support": 1.0}}

    def test_a_bucket_that_cannot_be_listed_stops_the_heartbeat(self, s3: FakeS3) -> None:
        s3.denied.add("definitions/")
        with pytest.raises(Exception, match="AccessDenied"):
            look(s3)


class TestEndOfLife:
    def test_days_are_published_for_models_whose_end_is_known(self, s3: FakeS3) -> None:
        ids = (
            "us.anthropic.claude-opus-4-1-20250805-v1:0",
            "anthropic.claude-3-haiku-20240307-v1:0",
            "anthropic.claude-3-opus-20240229-v1:0",
            "amazon.nova-lite-v1:0",
            "mars.anthropic.claude-opus-4-1-20250805-v1:0",
        )
        candidates = tuple(Candidate(f"c{number}", model_id, "profile") for number, model_id in enumerate(ids))
        deploy(s3, candidates=candidates, schedule=None)
        assert look(s3)["days_to_end_of_life"] == {
            "us.anthropic.claude-opus-4-1-20250805-v1:0": 46.0,
            "mars.anthropic.claude-opus-4-1-20250805-v1:0": 46.0,
            "anthropic.claude-3-haiku-20240307-v1:0": -74.0,
            "anthropic.claude-3-opus-20240229-v1:0": 0.0,
        }

    def test_what_aws_announces_today_stands_above_the_table(self, s3: FakeS3) -> None:
        ids = {
            "opus": "us.anthropic.claude-opus-4-1-20250805-v1:0",
            "haiku": "anthropic.claude-3-haiku-20240307-v1:0",
            "lite": "amazon.nova-lite-v1:0",
            "pro": "amazon.nova-pro-v1:0",
        }
        announced = {
            "anthropic.claude-opus-4-1-20250805-v1:0": datetime(2027, 3, 1, 8, tzinfo=UTC),
            "anthropic.claude-3-haiku-20240307-v1:0": None,
            "amazon.nova-lite-v1:0": datetime(2026, 11, 30, tzinfo=UTC),
            "amazon.nova-pro-v1:0": None,
        }
        candidates = tuple(Candidate(name, model_id, "profile") for name, model_id in ids.items())
        deploy(s3, candidates=candidates, schedule=None)
        assert look(s3, bedrock=FakeBedrock(announced))["days_to_end_of_life"] == {
            ids["opus"]: 98.0,
            # Nothing announced: as the table has it, or unknown.
            ids["haiku"]: -74.0,
            ids["lite"]: 7.0,
        }

    def test_a_model_that_aws_does_not_tell_of_is_named_and_stops_no_other(
        self, s3: FakeS3, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.WARNING)
        candidates = tuple(
            Candidate(name, model_id, "profile")
            for name, model_id in {"a": "us.amazon.nova-lite-v1:0", "b": "amazon.nova-pro-v1:0"}.items()
        )
        deploy(s3, candidates=candidates, schedule=None)
        found = look(s3, bedrock=FakeBedrock({"amazon.nova-pro-v1:0": datetime(2026, 12, 3, tzinfo=UTC)}))
        assert found["days_to_end_of_life"] == {"amazon.nova-pro-v1:0": 10.0}
        (record,) = [record for record in caplog.records if record.message == "AWS tells no end of life"]
        assert record.__dict__["model"] == "amazon.nova-lite-v1:0"
        assert "ResourceNotFoundException" in record.__dict__["reason"]

    def test_a_model_id_that_is_none_stops_nothing(self, s3: FakeS3, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.WARNING)
        deploy(s3, candidates=(Candidate("c", "arn:aws:bedrock:x", "profile"),), schedule=None)
        assert look(s3) == {"watchdog_heartbeat": {"": 1.0}}
        assert "end of life unknown" in caplog.text

    @pytest.mark.parametrize(
        "answer",
        [
            {},
            {"modelDetails": None},
            {"modelDetails": {}},
            {"modelDetails": {"modelLifecycle": None}},
            {"modelDetails": {"modelLifecycle": {"status": "PAUSED", "endOfLifeTime": None}}},
            {"modelDetails": {"modelLifecycle": {"endOfLifeTime": "soon"}}},
            {"modelDetails": "none"},
            ResponseParserError("not JSON"),
            UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
            EndpointConnectionError(endpoint_url="https://bedrock"),
            AttributeError("'list' object has no attribute 'get'"),
        ],
        ids=repr,
    )
    def test_an_answer_that_tells_nothing_leaves_the_table(self, s3: FakeS3, answer: Any) -> None:
        deploy(s3, candidates=(Candidate("c", "anthropic.claude-opus-4-1-20250805-v1:0", "profile"),), schedule=None)
        found = look(s3, bedrock=FakeBedrock(answer=answer))
        assert found.keys() == {"watchdog_heartbeat", "days_to_end_of_life"}

    @pytest.mark.parametrize(
        ("answer", "untold"),
        [
            ({"modelDetails": {"modelLifecycle": {"status": "ACTIVE"}}}, 0),
            ({"modelDetails": {"modelLifecycle": {"endOfLifeTime": datetime(2027, 3, 1, tzinfo=UTC)}}}, 0),
            ({"modelDetails": {"modelLifecycle": {"endOfLifeTime": "soon"}}}, 2),
            ({"modelDetails": {"modelLifecycle": None}}, 2),
            ({}, 2),
            (client_error("AccessDeniedException", status=403), 2),
            (client_error("ResourceNotFoundException", status=404), 2),
        ],
        ids=repr,
    )
    def test_models_that_aws_tells_nothing_of_are_counted(self, s3: FakeS3, answer: Any, untold: int) -> None:
        """Nothing announced is an answer; a refusal is none."""
        found = look_at_all(s3, bedrock=FakeBedrock(answer=answer), watch_list=WATCHED)
        assert found["models_without_lifecycle"] == {"": untold}

    def test_an_end_that_is_announced_after_the_deploy_has_a_datapoint(self, s3: FakeS3) -> None:
        end = {"amazon.nova-lite-v1:0": datetime(2026, 12, 23, tzinfo=UTC)}
        models = WatchList(models=("amazon.nova-lite-v1:0",))
        assert "days_to_end_of_life" not in look(s3, watch_list=models)
        assert look(s3, watch_list=models, bedrock=FakeBedrock(end))["days_to_end_of_life"] == {
            "amazon.nova-lite-v1:0": 30.0
        }

    def test_a_boto3_that_drops_the_end_is_told_of_once(self, s3: FakeS3, caplog: pytest.LogCaptureFixture) -> None:
        candidates = tuple(Candidate(f"c{number}", f"amazon.nova-{number}-v1:0", "profile") for number in range(5))
        deploy(s3, candidates=candidates, schedule=None)
        look(s3)
        assert "boto3 of this runtime drops" not in caplog.text
        older = older_model("bedrock", FoundationModelLifecycle=("endOfLifeTime",))
        look(s3, bedrock=FakeBedrock(dict.fromkeys((c.model_id for c in candidates), None), model=older))
        [record] = [each for each in caplog.records if "boto3 of this runtime drops" in each.message]
        assert record.__dict__["field"] == "modelDetails.modelLifecycle.endOfLifeTime"
        assert record.levelname == "ERROR"


class TestWatchList:
    """What the monitoring stack says; without it the watchdog would look at nothing and call that fine."""

    def test_models_of_the_list_are_asked_about(self, s3: FakeS3) -> None:
        found = look(s3, watch_list=WATCHED)
        assert found["days_to_end_of_life"] == {"anthropic.claude-opus-4-1-20250805-v1:0": 46.0}

    def test_whom_it_names_is_asked_about_and_the_budget_too(self, s3: FakeS3) -> None:
        """Neither stops the other looks where AWS refuses; here there are no clients for them at all."""
        people = People(
            declared=(Subscription("arn:aws:sns:us-east-1:1:shop-dev-messages", "email", "jane@example.com"),),
            messages="arn:aws:sns:us-east-1:1:shop-dev-messages",
            chat=None,
            prefix="shop-dev",
            runbook="https://example.com/runbook.md",
        )
        budget = "arn:aws:budgets::1:budget/shop-dev-80"
        with_all = replace(WATCHED, people=people, budget=budget)
        read = codec.read(WatchList, json.dumps(codec.encode(with_all)), "watch list")
        assert read == with_all
        assert look(s3, watch_list=with_all) == look(s3, watch_list=WATCHED)
        assert "watchdog/memory.json" in s3.keys("results")

    @pytest.mark.parametrize("body", [None, b"", b"[]", b'{"models": 3}', b'{"priced": {"haiku": {"input": "much"}}}'])
    def test_one_that_is_missing_or_broken_stops_the_heartbeat(self, s3: FakeS3, body: bytes | None) -> None:
        watch = Watch(
            s3=s3,
            cloudwatch=FakeCloudWatch(),
            bedrock=FakeBedrock(),
            sqs=FakeQueues(),
            bucket="results",
            application="shop",
            region="us-east-1",
        )
        if body is not None:
            s3.put_object(Bucket="results", Key=WATCH_LIST, Body=body)
        with pytest.raises((ClientError, codec.DecodeError), match=r"NoSuchKey|watch-list\.json"):
            watch.round(NOW)


@pytest.mark.parametrize("look", ["_month_to_date", "_subscribers", "_traffic", "_differences"])
def test_a_look_that_fails_takes_no_other_along(
    s3: FakeS3, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, look: str
) -> None:
    def fails(*_: object, **__: object) -> Iterator[Datum]:
        yield datum(catalogue.WATCHDOG_HEARTBEAT, dimensions={"Application": "shop"}, value=7, timestamp=MINUTE)
        raise RuntimeError("out of order")

    whole = look_at_all(s3, watch_list=WATCHED)
    monkeypatch.setattr(Watch, look, fails)
    found = look_at_all(s3, watch_list=WATCHED)
    assert "RuntimeError: out of order" in [record.__dict__.get("reason") for record in caplog.records]
    # What it had found before stands.
    assert found["watchdog_heartbeat"] == {"": 7.0}
    assert found.keys() >= whole.keys() - {"month_to_date_cost", "month_to_date_unpriced_tokens"}


class TestBrokenReads:
    """A definition's body that breaks off is read again; one that never comes whole hides no other evaluation."""

    @pytest.mark.parametrize(("breaks", "overdue"), [(2, 0.0), (99, 1.0)])
    def test_a_body_that_ends_too_early(
        self, s3: FakeS3, monkeypatch: pytest.MonkeyPatch, breaks: int, overdue: float
    ) -> None:
        deploy(s3)
        run(s3, "20261123T060000Z")
        deploy(s3, evaluation="other")
        run(s3, "20261123T060000Z", evaluation="other")
        left = [IncompleteReadError(actual_bytes=1, expected_bytes=9)] * breaks
        whole = s3.get_object

        def get_object(**request: Any) -> Any:
            if request["Key"] == definition_key("support") and left:
                raise left.pop()
            return whole(**request)

        monkeypatch.setattr(s3, "get_object", get_object)
        assert look(s3)["schedule_overdue"] == {"support": overdue, "other": 0.0}

    @pytest.mark.parametrize("body", [b"[" * 100_000, b"\xff", b"null", b'{"schedule": {"expression": 5}}'])
    def test_a_definition_of_anything(self, s3: FakeS3, body: bytes) -> None:
        deploy(s3)
        run(s3, "20261123T060000Z")
        s3.put_object(Bucket="results", Key=definition_key("odd"), Body=body)
        assert look(s3)["schedule_overdue"] == {"support": 0.0, "odd": 1.0}


class TestMonthToDate:
    def test_tokens_times_rates_of_the_month_so_far(self, s3: FakeS3) -> None:
        cloudwatch = FakeCloudWatch()
        cloudwatch.series = {
            ("InputTokenCount", "haiku"): [1_000_000.0, 500_000.0],
            ("OutputTokenCount", "haiku"): [100_000.0],
            ("CacheReadInputTokenCount", "haiku"): [2_000_000.0],
            ("InputTokenCount", "other"): [7e9],
        }
        found = look(s3, cloudwatch=cloudwatch, priced={"haiku": Rates(1.0, 5.0, cache_read=0.1)})
        assert found["month_to_date_cost"] == {"": pytest.approx(1.5 + 0.5 + 0.2)}
        assert found["month_to_date_unpriced_tokens"] == {"": 0.0}
        (asked,) = cloudwatch.asked
        assert asked["StartTime"] == datetime(2026, 11, 1, tzinfo=UTC)
        assert {query["MetricStat"]["Period"] for query in asked["MetricDataQueries"]} == {86_400}
        assert asked["EndTime"] == NOW.replace(second=0) + timedelta(minutes=1)

    def test_unpriced_tokens_are_counted_and_cost_nothing_is_not_said(self, s3: FakeS3) -> None:
        cloudwatch = FakeCloudWatch()
        cloudwatch.series = {("InputTokenCount", "nova"): [40.0], ("OutputTokenCount", "nova"): [2.0]}
        found = look(s3, cloudwatch=cloudwatch, priced={"nova": None})
        assert found == {"watchdog_heartbeat": {"": 1.0}, "month_to_date_unpriced_tokens": {"": 42.0}}

    def test_the_first_minute_of_a_month(self, s3: FakeS3) -> None:
        found = look(s3, now=datetime(2026, 12, 1, tzinfo=UTC), priced={"haiku": Rates(1, 5)})
        assert found["month_to_date_cost"] == {"": 0.0}

    def test_the_profiles_of_evaluations_are_the_applications_too(self, s3: FakeS3) -> None:
        own = Candidate(
            "a", "us.haiku.x", "arn:aws:bedrock:us-east-1:1:application-inference-profile/own1", rates=Rates(1, 5)
        )
        plain = Candidate("b", "us.haiku.x", "us.haiku.x", rates=Rates(1, 5))
        deploy(s3, candidates=(own, plain), schedule=None)
        cloudwatch = FakeCloudWatch()
        cloudwatch.series = {("InputTokenCount", "own1"): [1_000_000.0], ("InputTokenCount", "us.haiku.x"): [9e9]}
        assert look(s3, cloudwatch=cloudwatch)["month_to_date_cost"] == {"": 1.0}

    def test_a_profile_of_bedrocks_own_is_the_whole_accounts(self, s3: FakeS3) -> None:
        system = "arn:aws:bedrock:us-east-1:1:inference-profile/us.haiku.x"
        own = "arn:aws:bedrock:us-east-1:1:application-inference-profile/own1"
        job = JobSettings(JobKind.JUDGE, Task.GENERAL, judge=system)
        candidate = Candidate("a", "us.haiku.x", own, rates=Rates(2, 10))
        deploy(s3, candidates=(candidate,), schedule=None, job=job, metrics=("Builtin.Relevance",))
        cloudwatch = FakeCloudWatch()
        cloudwatch.series = {("InputTokenCount", "own1"): [1_000_000.0], ("InputTokenCount", "us.haiku.x"): [9e9]}
        assert look(s3, cloudwatch=cloudwatch)["month_to_date_cost"] == {"": 2.0}

    def test_many_models_are_asked_for_in_turns(self, s3: FakeS3) -> None:
        cloudwatch = FakeCloudWatch()
        priced = {f"m{number}": Rates(1, 5) for number in range(200)}
        cloudwatch.series = {("InputTokenCount", model): [1_000_000.0] for model in priced}
        assert look(s3, cloudwatch=cloudwatch, priced=priced)["month_to_date_cost"] == {"": pytest.approx(200.0)}
        assert len(cloudwatch.asked) == 2

    @pytest.mark.parametrize(
        "page", [{}, {"MetricDataResults": None}, {"MetricDataResults": [{"Id": "m0_input_tokens"}]}]
    )
    def test_an_answer_that_lacks_fields_publishes_no_cost(self, s3: FakeS3, page: dict[str, Any]) -> None:
        class Lacking(FakeCloudWatch):
            def get_paginator(self, name: str) -> Any:
                return SimpleNamespace(paginate=lambda **request: iter([page]))

        found = look(s3, cloudwatch=Lacking(), priced={"haiku": Rates(1, 5)})
        assert found == {"watchdog_heartbeat": {"": 1.0}}

    @pytest.mark.parametrize("value", [float("nan"), float("inf")])
    def test_a_sum_that_is_no_number_publishes_no_cost(self, s3: FakeS3, value: float) -> None:
        cloudwatch = FakeCloudWatch()
        cloudwatch.series = {("InputTokenCount", "haiku"): [value]}
        assert look(s3, cloudwatch=cloudwatch, priced={"haiku": Rates(1, 5)}) == {"watchdog_heartbeat": {"": 1.0}}

    @pytest.mark.parametrize("fault", ["refused", "InternalError", "PartialData"])
    def test_an_error_publishes_no_cost_and_the_heartbeat_goes(
        self, s3: FakeS3, fault: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Refusing(FakeCloudWatch):
            def get_paginator(self, name: str) -> Any:
                raise client_error("AccessDenied", status=403)

        cloudwatch = Refusing() if fault == "refused" else FakeCloudWatch()
        cloudwatch.status = fault
        cloudwatch.series = {("InputTokenCount", "haiku"): [5.0]}
        assert look(s3, cloudwatch=cloudwatch, priced={"haiku": Rates(1, 5)}) == {"watchdog_heartbeat": {"": 1.0}}
        assert "month-to-date cost unknown" in caplog.text

    def test_a_definition_that_cannot_be_read_hides_profiles_so_no_cost_is_said(self, s3: FakeS3) -> None:
        s3.put_object(Bucket="results", Key=definition_key("broken"), Body=b"{")
        assert "month_to_date_cost" not in look(s3, priced={"haiku": Rates(1, 5)})


def test_the_entry_point_publishes_what_it_found(s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    deploy(s3)
    cloudwatch = FakeCloudWatch()
    monkeypatch.setattr(entry, "client", clients(s3, cloudwatch).__getitem__)
    monkeypatch.setenv("APPLICATION", "shop")
    watch_on(s3, WATCHED)
    monkeypatch.setenv("RESULTS_BUCKET", "results")
    assert entry.handler({}, FakeContext()) == {"datums": 6}
    assert cloudwatch.namespaces == {"Custom/Bedrock"}
    assert cloudwatch.values("watchdog_heartbeat") == [({"Application": "shop"}, 1.0)]
    assert cloudwatch.values("month_to_date_cost") == [({"Application": "shop"}, 0.0)]


def test_a_refused_publication_is_an_error(s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(FakeCloudWatch):
        def put_metric_data(self, **request: Any) -> None:
            raise client_error("AccessDenied", status=403)

    monkeypatch.setattr(entry, "client", clients(s3, Refusing()).__getitem__)
    monkeypatch.setenv("APPLICATION", "shop")
    watch_on(s3, WATCHED)
    monkeypatch.setenv("RESULTS_BUCKET", "results")
    with pytest.raises(Exception, match="AccessDenied"):
        entry.handler({}, FakeContext())


def test_letters_are_counted_in_the_queues_of_the_watch_list(s3: FakeS3) -> None:
    """One that is gone stops nothing."""
    found = look(s3, watch_list=WatchList(dead_letters=("waiting", "gone")), queues={"waiting": (2, 0, 1)})
    assert found == {"watchdog_heartbeat": {"": 1.0}, "dead_letters": {"waiting": 3.0}}
