"""What is called in the account and watched by nobody, as the watchdog tells it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bedrock_eval import codec
from bedrock_eval.evaluation.definition import Candidate
from bedrock_eval.evaluation.job_settings import JobKind, JobSettings
from bedrock_eval.layout import definition_key
from bedrock_eval.pricing.costs import Rates
from bedrock_eval.scores.job_measures import Task
from bedrock_eval.watchdog.active_metrics import Reads, ReadSet, Search
from bedrock_eval.watchdog.watch_list import WatchList, read_watch_list
from tests.support.fakes import FakeCloudWatch, FakeS3, client_error
from tests.support.watchdog import deploy, look

BEDROCK, GUARDRAILS = "AWS/Bedrock", "AWS/Bedrock/Guardrails"
PROFILE = "arn:aws:bedrock:us-east-1:111111111111:application-inference-profile/own-profile"
READS = Reads(
    alarms=(ReadSet(BEDROCK, {"ModelId": "haiku"}, ("Invocations",)),),
    searched=(Search(BEDROCK, "Invocations", ("ModelId",)),),
    elsewhere=("elsewhere*",),
)


@pytest.fixture
def s3() -> FakeS3:
    return FakeS3()


@pytest.fixture
def cloudwatch() -> FakeCloudWatch:
    return FakeCloudWatch()


def counts(
    s3: FakeS3, cloudwatch: FakeCloudWatch, *, reads: Reads | None = READS, **more: Any
) -> tuple[float, float] | None:
    """Models that nobody watches, and metrics that nobody reads; None: not published."""
    found = look(s3, cloudwatch=cloudwatch, watch_list=WatchList(reads=reads, **more))
    if "unwatched_models" not in found and "unread_metrics" not in found:
        return None
    return found["unwatched_models"][""], found["unread_metrics"][""]


def called(*models: str, name: str = "Invocations", **more: str) -> list[tuple[str, str, dict[str, str]]]:
    return [(BEDROCK, name, {"ModelId": model, **more}) for model in models]


def named(caplog: pytest.LogCaptureFixture, message: str, field: str) -> list[str]:
    return [record.__dict__[field] for record in caplog.records if record.message == message]


def test_all_is_read(s3: FakeS3, cloudwatch: FakeCloudWatch) -> None:
    assert counts(s3, cloudwatch) == (0, 0)
    cloudwatch.active = [*called("haiku", "elsewhere-1"), (BEDROCK, "Invocations", {})]
    assert counts(s3, cloudwatch) == (0, 0)


def test_models_and_metrics_are_counted_and_named(
    s3: FakeS3, cloudwatch: FakeCloudWatch, caplog: pytest.LogCaptureFixture
) -> None:
    cloudwatch.active = [
        *called("haiku", "stranger", "foreign"),
        *called("stranger", name="InputTokenCount"),
        *called("haiku", name="NewOfTomorrow"),
        (GUARDRAILS, "Invocations", {"GuardrailArn": "arn:g", "GuardrailVersion": "1"}),
    ]
    assert counts(s3, cloudwatch) == (2, 2)
    assert named(caplog, "no alarm watches this model", "model") == ["foreign", "stranger"]
    assert named(caplog, "nobody reads this metric", "metric") == ["NewOfTomorrow", "Invocations"]
    assert named(caplog, "nobody reads this metric", "dimensions") == [
        "ModelId=haiku",
        "GuardrailArn=arn:g, GuardrailVersion=1",
    ]


def test_a_name_for_each_up_to_a_hundred(
    s3: FakeS3, cloudwatch: FakeCloudWatch, caplog: pytest.LogCaptureFixture
) -> None:
    cloudwatch.active = called(*(f"m{number}" for number in range(150)))
    assert counts(s3, cloudwatch) == (150, 0)
    assert len(named(caplog, "no alarm watches this model", "model")) == 100


def test_what_evaluations_call_and_what_costs_read_is_watched(s3: FakeS3, cloudwatch: FakeCloudWatch) -> None:
    cloudwatch.active = called("own-profile", "plain", "judge", "priced")
    assert counts(s3, cloudwatch) == (4, 0)
    deploy(s3, candidates=(Candidate("a", "haiku", PROFILE), Candidate("b", "plain", "plain")), schedule=None)
    judged = JobSettings(JobKind.JUDGE, Task.CUSTOM, judge="judge")
    deploy(s3, evaluation="judged", candidates=(), job=judged, metrics=(), schedule=None)
    assert counts(s3, cloudwatch, priced={"priced": Rates(1.0, 2.0)}) == (0, 0)


def test_tiers_beside_the_plain_set_are_told_when_they_hold_more(s3: FakeS3, cloudwatch: FakeCloudWatch) -> None:
    cloudwatch.active = [*called("haiku"), *called("haiku", ServiceTier="flex")]
    cloudwatch.series = {("Invocations", "haiku"): [60.0, 40.0], ("Invocations", "flex haiku"): [70.0]}
    assert counts(s3, cloudwatch) == (0, 0)
    (asked,) = cloudwatch.asked
    assert (asked["EndTime"] - asked["StartTime"]).total_seconds() == 3 * 3_600
    cloudwatch.series["Invocations", "flex haiku"] = [70.0, 40.0]
    assert counts(s3, cloudwatch) == (0, 1)


@pytest.mark.parametrize("reads", [None, READS])
def test_only_the_owner_of_the_account_looks(s3: FakeS3, cloudwatch: FakeCloudWatch, reads: Reads | None) -> None:
    cloudwatch.active = called("stranger")
    assert counts(s3, cloudwatch, reads=reads) == (None if reads is None else (1, 0))


def test_what_is_not_known_is_not_published(
    s3: FakeS3, cloudwatch: FakeCloudWatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither as 0 nor as all; and the heartbeat does not go with it."""
    cloudwatch.refused = client_error("AccessDenied", status=403)
    found = look(s3, cloudwatch=cloudwatch, watch_list=WatchList(reads=READS))
    assert found == {"watchdog_heartbeat": {"": 1.0}}
    assert "AccessDenied" in named(caplog, "metrics in use not listed", "reason")[0]


def test_half_an_answer_is_no_answer(s3: FakeS3, cloudwatch: FakeCloudWatch) -> None:
    cloudwatch.active = [*called("haiku"), *called("haiku", ServiceTier="flex")]
    cloudwatch.status = "InternalError"
    assert counts(s3, cloudwatch) is None


def test_without_a_definition_its_profile_would_seem_unwatched(s3: FakeS3, cloudwatch: FakeCloudWatch) -> None:
    s3.put_object(Bucket="results", Key=definition_key("broken"), Body=b"{")
    cloudwatch.active = called("own-profile")
    assert counts(s3, cloudwatch) is None


def test_the_watch_list_keeps_what_is_read() -> None:
    """As the deploy writes it and the watchdog reads it."""
    listed = WatchList(reads=replace(READS, logs=False))
    assert read_watch_list(json.dumps(codec.encode(listed)), name="w") == listed
