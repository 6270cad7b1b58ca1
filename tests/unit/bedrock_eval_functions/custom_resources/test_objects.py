"""Definitions, datasets, and buckets that are to be emptied."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from botocore.exceptions import IncompleteReadError

from bedrock_eval.evaluation.definition import (
    Candidate,
    CustomDefinition,
    Dataset,
    Gate,
    InferenceParameters,
    Schedule,
    read_definition,
)
from bedrock_eval_functions.custom_resources import bucket_emptier, dataset, definition
from tests.support.cloudformation import CloudFormation, FakeTime
from tests.support.fakes import FakeS3, client_error

DEFINITION = CustomDefinition(
    application="shop",
    environment="dev",
    evaluation="support",
    candidates=(Candidate("small", "m", "p", parameters=InferenceParameters(max_tokens=64, temperature=0.5)),),
    dataset=Dataset("questions", "data", "key"),
    metrics=("exact_match",),
    gates=(Gate("exact_match", min=0.5),),
    schedule=Schedule("rate(1 day)"),
    headline=True,
)
KEY = "definitions/support.json"


def as_cloudformation(value: Any) -> Any:
    """Every scalar as text, as CloudFormation hands it over."""
    if isinstance(value, Mapping):
        return {key: as_cloudformation(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_cloudformation(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def properties(**changes: Any) -> dict[str, Any]:
    return {"Bucket": "results", "Definition": as_cloudformation(replace(DEFINITION, **changes).to_json())}


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch, time: FakeTime) -> FakeS3:
    fake = FakeS3()
    for module in (definition, dataset, bucket_emptier):
        monkeypatch.setattr(module, "client", {"s3": fake}.__getitem__)
    monkeypatch.setattr(bucket_emptier, "time", time)
    return fake


class TestDefinition:
    def test_it_is_written_with_its_types_and_the_time_of_the_first_deploy(
        self, cloudformation: CloudFormation, s3: FakeS3
    ) -> None:
        answer = cloudformation.works(definition.handler, "Create", properties())
        assert (answer["PhysicalResourceId"], answer["Data"]) == ("definition/support", {"Key": KEY})
        written = read_definition(s3.text("results", KEY))
        assert replace(written, first_deployed=None) == DEFINITION
        assert datetime.fromisoformat(str(written.first_deployed)).tzinfo is not None

    def test_an_update_keeps_the_time_unless_the_schedule_is_another(
        self, cloudformation: CloudFormation, s3: FakeS3
    ) -> None:
        old = replace(DEFINITION, first_deployed="2026-01-01T00:00:00+00:00")
        s3.put_object(Bucket="results", Key=KEY, Body=json.dumps(old.to_json()).encode())
        cloudformation.works(definition.handler, "Update", properties(confidence=0.9))
        kept = read_definition(s3.text("results", KEY))
        assert (kept.confidence, kept.first_deployed) == (0.9, "2026-01-01T00:00:00+00:00")
        assert not kept.schedule_changed
        cloudformation.works(definition.handler, "Update", properties(schedule=Schedule("rate(7 days)")))
        changed = read_definition(s3.text("results", KEY))
        assert changed.first_deployed != "2026-01-01T00:00:00+00:00"
        assert changed.schedule_changed
        again = properties(schedule=Schedule("rate(7 days)"), confidence=0.8)
        cloudformation.works(definition.handler, "Update", again)
        assert read_definition(s3.text("results", KEY)) == replace(changed, confidence=0.8)

    def test_a_schedule_that_was_not_there_before_is_not_changed_but_made(
        self, cloudformation: CloudFormation, s3: FakeS3
    ) -> None:
        """A rate runs at once when it is made; when it is changed, AWS does not say."""
        cloudformation.works(definition.handler, "Create", properties(schedule=None))
        cloudformation.works(definition.handler, "Update", properties(schedule=Schedule("rate(7 days)")))
        assert not read_definition(s3.text("results", KEY)).schedule_changed

    def test_a_standing_object_that_is_no_definition_is_replaced(
        self, cloudformation: CloudFormation, s3: FakeS3
    ) -> None:
        s3.put_object(Bucket="results", Key=KEY, Body=b"{}")
        cloudformation.works(definition.handler, "Create", properties())
        assert read_definition(s3.text("results", KEY)).evaluation == "support"

    def test_a_standing_object_that_breaks_off_is_read_again(
        self, cloudformation: CloudFormation, s3: FakeS3, time: FakeTime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        old = replace(DEFINITION, first_deployed="2026-01-01T00:00:00+00:00")
        s3.put_object(Bucket="results", Key=KEY, Body=json.dumps(old.to_json()).encode())
        whole, left = s3.get_object, [IncompleteReadError(actual_bytes=1, expected_bytes=9)] * 2

        def get_object(**request: Any) -> Any:
            if left:
                raise left.pop()
            return whole(**request)

        monkeypatch.setattr(s3, "get_object", get_object)
        cloudformation.works(definition.handler, "Update", properties(confidence=0.9))
        assert read_definition(s3.text("results", KEY)).first_deployed == "2026-01-01T00:00:00+00:00"

    def test_what_does_not_fit_is_named(self, cloudformation: CloudFormation, s3: FakeS3) -> None:
        wrong = properties()
        wrong["Definition"]["concurrency"] = "many"
        reason = cloudformation.fails(definition.handler, "Create", wrong)
        assert "definition.concurrency: 'many' is not a whole number" in reason
        assert s3.objects == {}

    def test_delete(self, cloudformation: CloudFormation, s3: FakeS3) -> None:
        cloudformation.works(definition.handler, "Create", properties())
        cloudformation.works(definition.handler, "Delete", properties())
        assert s3.objects == {}
        # Gone already, then without its bucket.
        cloudformation.works(definition.handler, "Delete", properties())
        s3.missing_buckets.add("results")
        cloudformation.works(definition.handler, "Delete", properties())

    def test_the_successor_under_another_logical_id_keeps_its_object(
        self, cloudformation: CloudFormation, s3: FakeS3
    ) -> None:
        cloudformation.works(definition.handler, "Create", properties())
        cloudformation.logical_id = "Renamed"
        cloudformation.works(definition.handler, "Create", properties(confidence=0.9))
        cloudformation.logical_id = "Thing"
        cloudformation.works(definition.handler, "Delete", properties())
        assert read_definition(s3.text("results", KEY)).confidence == 0.9

    def test_a_denied_delete_is_not_taken_for_gone(self, cloudformation: CloudFormation, s3: FakeS3) -> None:
        cloudformation.works(definition.handler, "Create", properties())
        s3.denied.add(KEY)
        assert "AccessDenied" in cloudformation.fails(definition.handler, "Delete", properties())


class TestDataset:
    PROPERTIES = {  # noqa: RUF012 - read only
        "SourceBucket": "assets",
        "SourceKey": "abc.jsonl",
        "Bucket": "data",
        "Key": "datasets/questions.jsonl",
        "Retain": "false",
    }

    @pytest.fixture(autouse=True)
    def _asset(self, s3: FakeS3) -> None:
        s3.put_object(Bucket="assets", Key="abc.jsonl", Body=b'{"prompt": "x"}')

    def test_it_is_copied(self, cloudformation: CloudFormation, s3: FakeS3) -> None:
        answer = cloudformation.works(dataset.handler, "Create", self.PROPERTIES)
        assert answer["PhysicalResourceId"] == "s3://data/datasets/questions.jsonl"
        assert s3.text("data", "datasets/questions.jsonl") == '{"prompt": "x"}'

    def test_a_changed_file_is_copied_over_the_same_thing(self, cloudformation: CloudFormation, s3: FakeS3) -> None:
        first = cloudformation.works(dataset.handler, "Create", self.PROPERTIES)
        s3.put_object(Bucket="assets", Key="def.jsonl", Body=b'{"prompt": "y"}')
        second = cloudformation.works(dataset.handler, "Update", {**self.PROPERTIES, "SourceKey": "def.jsonl"})
        assert first["PhysicalResourceId"] == second["PhysicalResourceId"]
        assert s3.text("data", "datasets/questions.jsonl") == '{"prompt": "y"}'

    @pytest.mark.parametrize(("retain", "left"), [("true", 1), ("false", 0)])
    def test_delete_obeys_retain(self, cloudformation: CloudFormation, s3: FakeS3, retain: str, left: int) -> None:
        cloudformation.works(dataset.handler, "Create", self.PROPERTIES)
        cloudformation.works(dataset.handler, "Delete", {**self.PROPERTIES, "Retain": retain})
        assert len(s3.keys("data")) == left

    def test_a_missing_asset_fails(self, cloudformation: CloudFormation) -> None:
        reason = cloudformation.fails(dataset.handler, "Create", {**self.PROPERTIES, "SourceKey": "no"})
        assert "NoSuchKey" in reason


class TestBucketEmptier:
    PROPERTIES = {"Bucket": "logs", "Tag": "to-go"}  # noqa: RUF012 - read only

    def fill(self, s3: FakeS3, count: int) -> None:
        s3.tags["logs"] = {"owner": "team", "to-go": "true"}
        s3.versions["logs"] = [{"Key": f"key-{number:05}", "VersionId": str(number)} for number in range(count)]

    @pytest.mark.parametrize("kind", ["Create", "Update"])
    def test_only_delete_empties(self, cloudformation: CloudFormation, s3: FakeS3, kind: str) -> None:
        self.fill(s3, 3)
        cloudformation.works(bucket_emptier.handler, kind, self.PROPERTIES)
        assert len(s3.versions["logs"]) == 3

    @pytest.mark.parametrize("tags", [{}, {"owner": "team"}])
    def test_a_bucket_that_is_to_stay_is_left_alone(
        self, cloudformation: CloudFormation, s3: FakeS3, tags: dict[str, str]
    ) -> None:
        self.fill(s3, 3)
        s3.tags["logs"] = tags
        cloudformation.works(bucket_emptier.handler, "Delete", self.PROPERTIES)
        assert len(s3.versions["logs"]) == 3

    def test_a_bucket_of_which_that_is_not_known_is_left_alone(
        self, cloudformation: CloudFormation, s3: FakeS3, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.fill(s3, 3)

        def refuse(**request: Any) -> None:
            raise client_error("AccessDenied")

        monkeypatch.setattr(s3, "get_bucket_tagging", refuse)
        assert "AccessDenied" in cloudformation.fails(bucket_emptier.handler, "Delete", self.PROPERTIES)
        assert len(s3.versions["logs"]) == 3

    def test_every_version_marker_and_upload_goes(
        self, cloudformation: CloudFormation, s3: FakeS3, time: FakeTime
    ) -> None:
        self.fill(s3, 2500)
        s3.uploads["logs"] = [{"Key": "open", "UploadId": "1"}]
        cloudformation.works(bucket_emptier.handler, "Delete", self.PROPERTIES)
        assert (s3.versions["logs"], s3.uploads["logs"]) == ([], [])
        assert s3.calls["delete_objects"] == 3

    def test_what_arrives_meanwhile_goes_too(
        self, cloudformation: CloudFormation, s3: FakeS3, time: FakeTime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.fill(s3, 1)
        late = [[], [{"Key": "late", "VersionId": "x"}], [], []]

        def sleep(seconds: float) -> None:
            FakeTime.sleep(time, seconds)
            s3.versions["logs"] += late.pop(0)

        monkeypatch.setattr(time, "sleep", sleep)
        cloudformation.works(bucket_emptier.handler, "Delete", self.PROPERTIES)
        assert s3.versions["logs"] == []
        # Something, nothing, the late one, and then two empty listings, each two seconds after the last.
        assert time.slept == [2.0] * 4

    def test_a_bucket_that_is_gone_is_empty(self, cloudformation: CloudFormation, s3: FakeS3) -> None:
        s3.missing_buckets.add("logs")
        cloudformation.works(bucket_emptier.handler, "Delete", self.PROPERTIES)

    def test_what_remains_when_the_time_is_up_is_named(
        self, cloudformation: CloudFormation, s3: FakeS3, time: FakeTime
    ) -> None:
        self.fill(s3, 5)
        s3.denied.update(("key-00001", "key-00003"))
        reason = cloudformation.fails(bucket_emptier.handler, "Delete", self.PROPERTIES, seconds=60)
        assert "2 object versions remain (key-00001, key-00003); refused with InternalError" in reason
        assert time.now - 1000 <= 60

    def test_a_denial_is_not_waited_for(
        self, cloudformation: CloudFormation, s3: FakeS3, time: FakeTime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.fill(s3, 1)
        error = {"Key": "key-00000", "Code": "AccessDenied", "Message": "object lock"}
        monkeypatch.setattr(s3, "delete_objects", lambda **request: {"Errors": [error]})
        reason = cloudformation.fails(bucket_emptier.handler, "Delete", self.PROPERTIES)
        assert "key-00000 may not be deleted: object lock" in reason
        assert time.slept == []

    def test_other_errors_are_not_success(
        self, cloudformation: CloudFormation, s3: FakeS3, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.fill(s3, 1)

        def refuse(**request: Any) -> None:
            raise client_error("SlowDown")

        monkeypatch.setattr(s3, "delete_objects", refuse)
        assert "SlowDown" in cloudformation.fails(bucket_emptier.handler, "Delete", self.PROPERTIES)
