"""SageMaker's flow definitions: states over time, what is refused, and our custom resource at work on them."""

import re
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bedrock_eval_functions.custom_resources import cfn, flow_definition, patience
from tests.support.local.simulator import SAGEMAKER, Simulator, flow_request, make_working_role, trust


@dataclass(frozen=True)
class Flows:
    """SageMaker's client, and a request that it takes."""

    simulator: Simulator
    client: Any
    request: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.request["FlowDefinitionName"])

    def status(self) -> str:
        return str(self.client.describe_flow_definition(FlowDefinitionName=self.name)["FlowDefinitionStatus"])

    def refused(self, call: Any, **arguments: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as caught:
            call(**arguments)
        error = caught.value.response["Error"]
        return str(error["Code"]), str(error["Message"])


@pytest.fixture
def flows(simulator: Simulator) -> Iterator[Flows]:
    bucket = f"flows-{uuid.uuid4().hex[:8]}"
    simulator.client("s3").create_bucket(Bucket=bucket)
    simulator.configure(flow_definitions={"seconds": 0.2, "deleting_seconds": 0.2})
    yield Flows(simulator, simulator.client("sagemaker"), flow_request(simulator, bucket=bucket))
    simulator.configure(flow_definitions={})


def test_it_is_made_becomes_active_and_goes(flows: Flows) -> None:
    arn = flows.client.create_flow_definition(**flows.request)["FlowDefinitionArn"]
    assert arn == f"{SAGEMAKER}:flow-definition/{flows.name}"
    assert flows.status() == "Initializing"
    code, message = flows.refused(flows.client.delete_flow_definition, FlowDefinitionName=flows.name)
    assert (code, "Initializing" in message) == ("ResourceInUse", True)
    time.sleep(0.25)
    shown = flows.client.describe_flow_definition(FlowDefinitionName=flows.name)
    assert shown["FlowDefinitionStatus"] == "Active"
    assert {key: shown[key] for key in flows.request} == flows.request
    assert abs(shown["CreationTime"].timestamp() - time.time()) < 60
    flows.client.delete_flow_definition(FlowDefinitionName=flows.name)
    assert flows.status() == "Deleting"
    assert flows.refused(flows.client.create_flow_definition, **flows.request)[0] == "ResourceInUse"
    time.sleep(0.25)
    for call in (flows.client.describe_flow_definition, flows.client.delete_flow_definition):
        assert flows.refused(call, FlowDefinitionName=flows.name)[0] == "ResourceNotFound"


def test_it_never_changes(flows: Flows) -> None:
    flows.client.create_flow_definition(**flows.request)
    assert flows.refused(flows.client.create_flow_definition, **flows.request)[0] == "ResourceInUse"
    assert not [name for name in dir(flows.client) if re.fullmatch("update_flow_definition", name)]


def test_a_failure_says_why(flows: Flows) -> None:
    flows.simulator.configure(flow_definitions={"seconds": 0, "failure": "The bucket is gone."})
    flows.client.create_flow_definition(**flows.request)
    shown = flows.client.describe_flow_definition(FlowDefinitionName=flows.name)
    assert (shown["FlowDefinitionStatus"], shown["FailureReason"]) == ("Failed", "The bucket is gone.")


def test_refusals_are_injected_one_call_each(flows: Flows) -> None:
    codes = ["ResourceLimitExceeded", "ThrottlingException"]
    flows.simulator.configure(flow_definitions={"refusals": codes})
    assert [flows.refused(flows.client.create_flow_definition, **flows.request)[0] for _ in codes] == codes
    assert flows.client.create_flow_definition(**flows.request)


REFUSED = {
    "name": ({"FlowDefinitionName": "Upper_Case"}, "regular expression"),
    "long name": ({"FlowDefinitionName": "n" * 64}, "length less than or equal to 63"),
    "title": ({"TaskTitle": "t" * 129}, "less than or equal to 128"),
    "description": ({"TaskDescription": "two\nlines"}, "regular expression"),
    "workers": ({"TaskCount": 4}, "less than or equal to 3"),
    "team of another account": (
        {"WorkteamArn": "arn:aws:sagemaker:us-east-1:111111111111:workteam/private-crowd/x"},
        "does not exist or you do not have access",
    ),
    "page of one's own": ({"HumanTaskUiArn": f"{SAGEMAKER}:human-task-ui/Evaluation"}, "394669845002"),
    "another source": (
        {"HumanLoopRequestSource": {"AwsManagedHumanLoopRequestSource": "AWS/Bedrock/Evaluations"}},
        "enum value set",
    ),
    "role that is not there": ({"RoleArn": "arn:aws:iam::000000000000:role/nobody"}, "does not exist"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_sagemaker_refuses_is_refused(flows: Flows, case: str) -> None:
    changes, words = REFUSED[case]
    request = {key: changes.get(key, value) for key, value in flows.request.items()}
    request["HumanLoopConfig"] |= {key: value for key, value in changes.items() if key not in flows.request}
    code, message = flows.refused(flows.client.create_flow_definition, **request)
    assert (code, words in message) == ("ValidationException", True), message


@pytest.mark.parametrize(
    ("service", "allowed", "words"),
    [
        ("bedrock.amazonaws.com", "s3:*", "does not let sagemaker.amazonaws.com"),
        ("sagemaker.amazonaws.com", "s3:GetObject", "does not allow s3:PutObject"),
    ],
)
def test_a_role_that_sagemaker_cannot_work_with_is_refused(
    flows: Flows, service: str, allowed: str, words: str
) -> None:
    role = make_working_role(flows.simulator, {"Action": allowed, "Resource": "*"}, trust_policy=trust(service))
    code, message = flows.refused(flows.client.create_flow_definition, **{**flows.request, "RoleArn": role})
    assert (code, words in message) == ("ValidationException", True), message


def test_an_operation_that_is_not_there_is_refused_by_name(flows: Flows) -> None:
    code, message = flows.refused(flows.client.list_flow_definitions)
    assert (code, "ListFlowDefinitions" in message) == ("UnknownOperationException", True)


def test_our_custom_resource_makes_replaces_and_deletes_them(flows: Flows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow_definition, "client", {"sagemaker": flows.client}.__getitem__)
    monkeypatch.setattr(patience, "time", QuickTime())
    config = flows.request["HumanLoopConfig"]
    properties = {
        "Name": "shop-dev-tone",
        **{key: str(value) for key, value in config.items()},
        "TaskAvailabilityLifetimeInSeconds": "864000",
        "TaskTimeLimitInSeconds": "3600",
        "S3OutputPath": flows.request["OutputConfig"]["S3OutputPath"],
        "KmsKeyId": "arn:aws:kms:us-east-1:000000000000:key/1",
        "RoleArn": flows.request["RoleArn"],
    }
    first, second = (request("Create", {**properties, "TaskCount": count}) for count in ("1", "3"))
    arns = [flow_definition.work(each) for each in (first, first, second)]
    assert arns == [
        {"Arn": f"{SAGEMAKER}:flow-definition/{flow_definition.identify(each)}"} for each in (first, first, second)
    ]
    for made in (first, second):
        gone = request("Delete", made.properties, physical_id=flow_definition.identify(made))
        assert flow_definition.work(gone) is None
        assert (
            flows.refused(flows.client.describe_flow_definition, FlowDefinitionName=flow_definition.identify(made))[0]
            == "ResourceNotFound"
        )


class QuickTime:
    """Pauses of a tenth."""

    monotonic = staticmethod(time.monotonic)

    @staticmethod
    def sleep(seconds: float) -> None:
        time.sleep(seconds / 10)


def request(kind: str, properties: Any, *, physical_id: str | None = None) -> cfn.Request:
    return cfn.Request(cfn.RequestType(kind), "Tone", properties, physical_id=physical_id)
