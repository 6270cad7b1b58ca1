"""Flow definitions: made, waited for, replaced and deleted, and the request as SageMaker's service model has it."""

import re
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.model import Shape
from botocore.validate import ParamValidator

from bedrock_eval_functions.custom_resources import flow_definition
from bedrock_eval_functions.custom_resources.flow_definition import MOST_NAME, SOURCE, handler
from tests.support.cloudformation import CloudFormation, FakeTime
from tests.support.fakes import client_error

TEAM = "arn:aws:sagemaker:us-east-1:111122223333:workteam/private-crowd/reviewers"
PROPERTIES = {
    "Name": "shop-dev-tone",
    "WorkteamArn": TEAM,
    "HumanTaskUiArn": "arn:aws:sagemaker:us-east-1:394669845002:human-task-ui/Evaluation",
    "TaskTitle": "Rate answers",
    "TaskDescription": "Rate the tone of answers to customers.",
    "TaskCount": "2",
    "TaskAvailabilityLifetimeInSeconds": "864000",
    "TaskTimeLimitInSeconds": "3600",
    "S3OutputPath": "s3://results/jobs/tone/human-loops",
    "KmsKeyId": "arn:aws:kms:us-east-1:111122223333:key/1",
    "RoleArn": "arn:aws:iam::111122223333:role/human-review",
}
MODEL = boto3.client("sagemaker", region_name="us-east-1").meta.service_model


@dataclass
class SageMaker:
    """Flow definitions by name; each look at one that is not at rest brings it a step further."""

    flows: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    refusals: list[Exception] = field(default_factory=list)
    looks: int = 2
    failure: str | None = None
    open_tasks: bool = False

    def create_flow_definition(self, **request: Any) -> dict[str, Any]:
        check("CreateFlowDefinition", request)
        self.calls.append("create")
        if self.refusals:
            raise self.refusals.pop(0)
        name = request["FlowDefinitionName"]
        if name in self.flows:
            raise client_error("ResourceInUse")
        arn = f"arn:aws:sagemaker:us-east-1:111122223333:flow-definition/{name}"
        self.flows[name] = {
            **deepcopy(request),
            "FlowDefinitionArn": arn,
            "FlowDefinitionStatus": "Initializing",
            "looks": self.looks,
        }
        return {"FlowDefinitionArn": arn}

    def describe_flow_definition(self, **request: Any) -> dict[str, Any]:
        check("DescribeFlowDefinition", request)
        flow = self._found(request["FlowDefinitionName"])
        shown = deepcopy({key: value for key, value in flow.items() if key != "looks"})
        flow["looks"] -= 1
        if flow["looks"] < 0:
            self._come_to_rest(request["FlowDefinitionName"], flow)
            return self.describe_flow_definition(**request)
        return shown

    def delete_flow_definition(self, **request: Any) -> None:
        check("DeleteFlowDefinition", request)
        self.calls.append("delete")
        flow = self._found(request["FlowDefinitionName"])
        if flow["FlowDefinitionStatus"] in {"Initializing", "Deleting"}:
            raise client_error("ResourceInUse", f"it is {flow['FlowDefinitionStatus']}")
        flow.update(FlowDefinitionStatus="Deleting", looks=self.looks)

    def _found(self, name: str) -> dict[str, Any]:
        if name not in self.flows:
            raise client_error("ResourceNotFound")
        return self.flows[name]

    def _come_to_rest(self, name: str, flow: dict[str, Any]) -> None:
        flow["looks"] = 1000
        if flow["FlowDefinitionStatus"] == "Deleting":
            if not self.open_tasks:
                del self.flows[name]
        elif flow["FlowDefinitionStatus"] == "Initializing" and self.failure:
            flow.update(FlowDefinitionStatus="Failed", FailureReason=self.failure)
        elif flow["FlowDefinitionStatus"] == "Initializing":
            # A default that nobody asked for.
            flow["HumanLoopConfig"]["TaskKeywords"] = ["text"]
            flow["FlowDefinitionStatus"] = "Active"


def check(operation: str, request: dict[str, Any]) -> None:
    """Types, required and unknown members by botocore; patterns, lengths and ranges, which it leaves out, here."""
    shape = MODEL.operation_model(operation).input_shape
    report = ParamValidator().validate(request, shape)
    assert not report.has_errors(), report.generate_report()
    assert [*misfits(shape, request)] == []


def misfits(shape: Shape, value: Any, path: str = "") -> list[str]:
    if shape.type_name == "structure":
        return [found for key, item in value.items() for found in misfits(shape.members[key], item, f"{path}.{key}")]
    rules = shape.metadata
    size = len(value) if isinstance(value, str) else value
    found = [] if rules.get("min", size) <= size <= rules.get("max", size) else [f"{path}: {value!r} is {size}"]
    if "pattern" in rules and not re.fullmatch(rules["pattern"], value):
        found.append(f"{path}: {value!r} does not match {rules['pattern']}")
    return found


@pytest.fixture
def sagemaker(monkeypatch: pytest.MonkeyPatch) -> SageMaker:
    fake = SageMaker()
    monkeypatch.setattr(flow_definition, "client", {"sagemaker": fake}.__getitem__)
    return fake


def status(sagemaker: SageMaker) -> dict[str, str]:
    return {name: flow["FlowDefinitionStatus"] for name, flow in sagemaker.flows.items()}


class TestMaking:
    def test_it_is_waited_for_until_active(
        self, cloudformation: CloudFormation, sagemaker: SageMaker, time: FakeTime
    ) -> None:
        answer = cloudformation.works(handler, "Create", PROPERTIES)
        name = answer["PhysicalResourceId"]
        assert re.fullmatch(r"shop-dev-tone-[0-9a-f]{8}", name)
        assert status(sagemaker) == {name: "Active"}
        assert answer["Data"] == {"Arn": sagemaker.flows[name]["FlowDefinitionArn"]}
        assert time.slept == [2.0, 4.0]

    def test_the_request_is_bedrocks(self, cloudformation: CloudFormation, sagemaker: SageMaker) -> None:
        cloudformation.works(handler, "Create", PROPERTIES)
        (made,) = sagemaker.flows.values()
        assert made["HumanLoopRequestSource"] == {"AwsManagedHumanLoopRequestSource": SOURCE}
        assert SOURCE not in MODEL.shape_for("AwsManagedHumanLoopRequestSource").enum
        config = made["HumanLoopConfig"]
        assert (config["TaskCount"], config["TaskTimeLimitInSeconds"]) == (2, 3600)
        assert made["OutputConfig"] == {key: PROPERTIES[key] for key in ("S3OutputPath", "KmsKeyId")}
        assert made["RoleArn"] == PROPERTIES["RoleArn"]

    def test_the_longest_name_is_cut_before_its_hash(
        self, cloudformation: CloudFormation, sagemaker: SageMaker
    ) -> None:
        long = {**PROPERTIES, "Name": f"{'a' * 32}-{'b' * 20}---e"}
        name = cloudformation.works(handler, "Create", long)["PhysicalResourceId"]
        assert len(name) <= MOST_NAME
        assert re.fullmatch(rf"{'a' * 32}-{'b' * 20}-[0-9a-f]{{8}}", name)

    def test_a_fresh_role_is_waited_for(
        self, cloudformation: CloudFormation, sagemaker: SageMaker, time: FakeTime
    ) -> None:
        sagemaker.refusals = [
            client_error("ValidationException", "Could not assume role"),
            client_error("AccessDeniedException"),
        ]
        cloudformation.works(handler, "Create", PROPERTIES)
        assert sagemaker.calls == ["create"] * 3

    @pytest.mark.parametrize(
        "message",
        [
            "1 validation error detected: Value 'x' at 'humanLoopConfig.taskTitle' failed to satisfy constraint",
            f"The specified Workteam '{TEAM}' does not exist or you do not have access to it.",
        ],
    )
    def test_what_will_never_fit_fails_at_once(
        self, cloudformation: CloudFormation, sagemaker: SageMaker, time: FakeTime, message: str
    ) -> None:
        sagemaker.refusals = [client_error("ValidationException", message)]
        assert message in cloudformation.fails(handler, "Create", PROPERTIES)
        assert time.slept == []

    def test_one_that_fails_says_why(self, cloudformation: CloudFormation, sagemaker: SageMaker) -> None:
        sagemaker.failure = "no access to s3://results"
        reason = cloudformation.fails(handler, "Create", PROPERTIES)
        assert "is Failed: no access to s3://results" in reason
        # CloudFormation rolls back what its answer named.
        cloudformation.works(handler, "Delete", PROPERTIES)
        assert sagemaker.flows == {}

    @pytest.mark.parametrize("odd", ["Queued", None], ids=repr)
    def test_a_state_that_is_not_known_is_waited_for_and_named(
        self, cloudformation: CloudFormation, sagemaker: SageMaker, monkeypatch: pytest.MonkeyPatch, odd: str | None
    ) -> None:
        shown = sagemaker.describe_flow_definition
        left = [odd, odd]

        def describe(**request: Any) -> dict[str, Any]:
            found = shown(**request)
            return {**found, "FlowDefinitionStatus": left.pop()} if left else found

        monkeypatch.setattr(sagemaker, "describe_flow_definition", describe)
        cloudformation.works(handler, "Create", PROPERTIES)
        left.extend([odd] * 1000)
        told = cloudformation.fails(handler, "Create", {**PROPERTIES, "TaskTitle": "Another"}, seconds=600)
        assert f"does not become Active, it is {odd or 'in an unknown state'}; deploy again" in told

    def test_one_that_never_gets_ready_fails_before_the_function_does(
        self, cloudformation: CloudFormation, sagemaker: SageMaker, time: FakeTime
    ) -> None:
        sagemaker.looks = 10_000
        assert "does not become Active" in cloudformation.fails(handler, "Create", PROPERTIES, seconds=600)
        assert 500 < sum(time.slept) < 590

    @pytest.mark.parametrize(
        ("key", "value", "reason"),
        [
            ("TaskCount", "two", "property TaskCount: 'two' is not a whole number"),
            ("TaskTitle", "", "property TaskTitle"),
        ],
    )
    def test_a_property_that_does_not_fit_is_named(
        self, cloudformation: CloudFormation, sagemaker: SageMaker, key: str, value: str, reason: str
    ) -> None:
        assert reason in cloudformation.fails(handler, "Create", {**PROPERTIES, key: value})
        cloudformation.works(handler, "Delete", {**PROPERTIES, key: value})
        assert sagemaker.calls == []


class TestAgain:
    def test_a_create_that_is_repeated_takes_what_the_first_made(
        self, cloudformation: CloudFormation, sagemaker: SageMaker
    ) -> None:
        first = cloudformation.works(handler, "Create", PROPERTIES)
        second = cloudformation.works(handler, "Create", PROPERTIES)
        assert (first["PhysicalResourceId"], first["Data"]) == (second["PhysicalResourceId"], second["Data"])
        assert len(sagemaker.flows) == 1

    def test_one_of_this_name_with_other_content_is_not_taken(
        self, cloudformation: CloudFormation, sagemaker: SageMaker
    ) -> None:
        name = cloudformation.works(handler, "Create", PROPERTIES)["PhysicalResourceId"]
        sagemaker.flows[name]["HumanLoopConfig"]["WorkteamArn"] = f"{TEAM}-of-strangers"
        reason = cloudformation.fails(handler, "Create", PROPERTIES)
        assert f"flow definition {name} exists with other settings" in reason

    def test_one_that_failed_earlier_is_made_anew(self, cloudformation: CloudFormation, sagemaker: SageMaker) -> None:
        sagemaker.failure = "no access yet"
        cloudformation.fails(handler, "Create", PROPERTIES)
        sagemaker.failure = None
        cloudformation.works(handler, "Create", PROPERTIES)
        assert [*status(sagemaker).values()] == ["Active"]

    def test_one_that_is_going_is_waited_for(self, cloudformation: CloudFormation, sagemaker: SageMaker) -> None:
        name = cloudformation.works(handler, "Create", PROPERTIES)["PhysicalResourceId"]
        sagemaker.delete_flow_definition(FlowDefinitionName=name)
        cloudformation.works(handler, "Create", PROPERTIES)
        assert status(sagemaker) == {name: "Active"}
        sagemaker.open_tasks = True
        sagemaker.delete_flow_definition(FlowDefinitionName=name)
        assert "workers have tasks open" in cloudformation.fails(handler, "Create", PROPERTIES)


class TestReplacing:
    @pytest.mark.parametrize("key", [key for key in PROPERTIES if key != "Name"])
    def test_any_change_makes_another_and_leaves_the_old_one_to_cloudformation(
        self, cloudformation: CloudFormation, sagemaker: SageMaker, key: str
    ) -> None:
        before = cloudformation.works(handler, "Create", PROPERTIES)["PhysicalResourceId"]
        changed = {**PROPERTIES, key: f"{PROPERTIES[key]}1" if key != "TaskCount" else "3"}
        after = cloudformation.works(handler, "Update", changed)["PhysicalResourceId"]
        assert before != after
        assert status(sagemaker) == {before: "Active", after: "Active"}
        cloudformation.answers[-1]["PhysicalResourceId"] = before
        cloudformation.works(handler, "Delete", PROPERTIES)
        assert status(sagemaker) == {after: "Active"}

    def test_an_update_without_a_change_keeps_it(self, cloudformation: CloudFormation, sagemaker: SageMaker) -> None:
        before = cloudformation.works(handler, "Create", PROPERTIES)
        assert cloudformation.works(handler, "Update", PROPERTIES)["Data"] == before["Data"]
        assert len(sagemaker.flows) == 1

    def test_a_change_that_fails_leaves_the_old_one(self, cloudformation: CloudFormation, sagemaker: SageMaker) -> None:
        before = cloudformation.works(handler, "Create", PROPERTIES)["PhysicalResourceId"]
        sagemaker.failure = "no access"
        cloudformation.fails(handler, "Update", {**PROPERTIES, "TaskCount": "3"})
        # The rollback asks for the old properties and deletes the new resource.
        failed = cloudformation.answers[-1]["PhysicalResourceId"]
        assert cloudformation.works(handler, "Update", PROPERTIES)["PhysicalResourceId"] == before
        cloudformation.answers[-1]["PhysicalResourceId"] = failed
        cloudformation.works(handler, "Delete", {**PROPERTIES, "TaskCount": "3"})
        assert status(sagemaker) == {before: "Active"}

    def test_the_successor_under_another_logical_id_is_not_taken_away(
        self, cloudformation: CloudFormation, sagemaker: SageMaker
    ) -> None:
        before = cloudformation.works(handler, "Create", PROPERTIES)["PhysicalResourceId"]
        cloudformation.logical_id = "Renamed"
        after = cloudformation.works(handler, "Create", PROPERTIES)["PhysicalResourceId"]
        cloudformation.logical_id = "Thing"
        cloudformation.answers[-1]["PhysicalResourceId"] = before
        cloudformation.works(handler, "Delete", PROPERTIES)
        assert status(sagemaker) == {after: "Active"}


class TestDeleting:
    def test_it_is_waited_for_until_gone(
        self, cloudformation: CloudFormation, sagemaker: SageMaker, time: FakeTime
    ) -> None:
        cloudformation.works(handler, "Create", PROPERTIES)
        time.slept.clear()
        cloudformation.works(handler, "Delete", PROPERTIES)
        assert sagemaker.flows == {}
        assert time.slept == [2.0, 4.0]

    def test_what_is_gone_is_deleted(self, cloudformation: CloudFormation, sagemaker: SageMaker) -> None:
        cloudformation.works(handler, "Create", PROPERTIES)
        cloudformation.works(handler, "Delete", PROPERTIES)
        cloudformation.works(handler, "Delete", PROPERTIES)
        assert sagemaker.flows == {}

    def test_the_name_is_the_physical_id_whatever_the_properties_say_now(
        self, cloudformation: CloudFormation, sagemaker: SageMaker
    ) -> None:
        cloudformation.works(handler, "Create", PROPERTIES)
        cloudformation.works(handler, "Delete", {"Name": "of-an-older-version"})
        assert sagemaker.flows == {}

    def test_one_that_is_not_ready_yet_is_waited_for(
        self, cloudformation: CloudFormation, sagemaker: SageMaker
    ) -> None:
        sagemaker.looks = 10_000
        cloudformation.fails(handler, "Create", PROPERTIES)
        (flow,) = sagemaker.flows.values()
        flow["looks"] = sagemaker.looks = 1
        cloudformation.works(handler, "Delete", PROPERTIES)
        assert sagemaker.flows == {}

    def test_open_tasks_do_not_hold_the_stack(
        self, cloudformation: CloudFormation, sagemaker: SageMaker, caplog: pytest.LogCaptureFixture, time: FakeTime
    ) -> None:
        cloudformation.works(handler, "Create", PROPERTIES)
        sagemaker.open_tasks = True
        time.slept.clear()
        cloudformation.works(handler, "Delete", PROPERTIES)
        assert [*status(sagemaker).values()] == ["Deleting"]
        assert "workers have tasks open" in caplog.text
        assert sum(time.slept) <= 120

    def test_a_denied_delete_is_not_taken_for_gone(
        self, cloudformation: CloudFormation, sagemaker: SageMaker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cloudformation.works(handler, "Create", PROPERTIES)

        def deny(**_request: Any) -> None:
            raise client_error("AccessDeniedException")

        monkeypatch.setattr(sagemaker, "delete_flow_definition", deny)
        assert "AccessDenied" in cloudformation.fails(handler, "Delete", PROPERTIES)


def test_no_text_that_people_read_is_logged(
    cloudformation: CloudFormation, sagemaker: SageMaker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    cloudformation.works(handler, "Create", PROPERTIES)
    sagemaker.failure = "secret"
    cloudformation.fails(handler, "Update", {**PROPERTIES, "TaskCount": "3"})
    logged = caplog.text + str([record.__dict__ for record in caplog.records])
    assert not [text for text in ("secret", PROPERTIES["TaskTitle"], PROPERTIES["TaskDescription"]) if text in logged]
