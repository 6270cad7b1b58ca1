"""Foundation models and inference profiles: through the API, through CloudFormation, and in calls."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import botocore.validate
import pytest
from botocore.exceptions import ClientError

from bedrock_eval.known_models import table as core
from bedrock_eval.known_models.lookup import dead_model, features_of, known_model
from local.simulator.models import known as models
from tests.support.local.simulator import BASE, PLAIN, QUESTIONS, Simulator, ask

FOUNDATION = "arn:aws:bedrock:us-east-1::foundation-model/"
SYSTEM = "arn:aws:bedrock:us-east-1:000000000000:inference-profile/"


def fits(client: Any, operation: str, answer: dict[str, Any]) -> bool:
    shape = client.meta.service_model.operation_model(operation).output_shape
    body = {key: value for key, value in answer.items() if key != "ResponseMetadata"}
    return not botocore.validate.ParamValidator().validate(body, shape).has_errors()


def create(bedrock: Any, source: str, **more: Any) -> str:
    name = f"profile-{uuid.uuid4().hex[:8]}"
    answer = bedrock.create_inference_profile(inferenceProfileName=name, modelSource={"copyFrom": source}, **more)
    assert answer["status"] == "ACTIVE"
    return str(answer["inferenceProfileArn"])


@pytest.mark.parametrize(
    ("model_id", "status", "end"),
    [
        ("anthropic.claude-3-haiku-20240307-v1:0", "LEGACY", datetime(2026, 9, 10, tzinfo=UTC)),
        ("anthropic.claude-opus-4-1-20250805-v1:0", "LEGACY", datetime(2027, 1, 8, tzinfo=UTC)),
        ("anthropic.claude-3-sonnet-20240229-v1:0", "LEGACY", datetime(2026, 7, 30, tzinfo=UTC)),
        (PLAIN, "ACTIVE", None),
    ],
)
def test_a_foundation_model_tells_its_lifecycle(bedrock: Any, model_id: str, status: str, end: datetime | None) -> None:
    for identifier in (model_id, FOUNDATION + model_id):
        answer = bedrock.get_foundation_model(modelIdentifier=identifier)
        assert fits(bedrock, "GetFoundationModel", answer)
        details = answer["modelDetails"]
        assert (details["modelId"], details["modelArn"]) == (model_id, FOUNDATION + model_id)
        assert details["modelLifecycle"]["status"] == status
        assert details["modelLifecycle"].get("endOfLifeTime") == end


def test_an_end_of_life_can_be_announced(bedrock: Any, simulator: Simulator) -> None:
    simulator.configure(ends_of_life={PLAIN: "2027-05-01"})
    try:
        life = bedrock.get_foundation_model(modelIdentifier=PLAIN)["modelDetails"]["modelLifecycle"]
    finally:
        simulator.configure(ends_of_life={})
    assert life == {"status": "LEGACY", "endOfLifeTime": datetime(2027, 5, 1, tzinfo=UTC)}


@pytest.mark.parametrize(
    "identifier", ["amazon.unheard-of-v1:0", f"us.{BASE}", f"arn:aws:bedrock:eu-west-1::foundation-model/{PLAIN}"]
)
def test_what_is_no_foundation_model_here_is_refused(bedrock: Any, identifier: str) -> None:
    with pytest.raises(bedrock.exceptions.ValidationException, match="model identifier is invalid"):
        bedrock.get_foundation_model(modelIdentifier=identifier)


def test_foundation_models_are_listed_by_provider(bedrock: Any) -> None:
    answer = bedrock.list_foundation_models(byProvider="Amazon")
    assert fits(bedrock, "ListFoundationModels", answer)
    listed = {entry["modelId"] for entry in answer["modelSummaries"]}
    assert PLAIN in listed
    assert all(model_id.startswith("amazon.") for model_id in listed)


def test_a_system_profile_names_its_destinations(bedrock: Any) -> None:
    for identifier in (f"us.{BASE}", f"{SYSTEM}us.{BASE}"):
        answer = bedrock.get_inference_profile(inferenceProfileIdentifier=identifier)
        assert fits(bedrock, "GetInferenceProfile", answer)
        assert answer["type"] == "SYSTEM_DEFINED"
        assert [model["modelArn"].split(":")[3] for model in answer["models"]] == [
            "us-east-1",
            "us-east-2",
            "us-west-2",
        ]
    worldwide = bedrock.get_inference_profile(inferenceProfileIdentifier=f"global.{BASE}")
    assert {model["modelArn"] for model in worldwide["models"]} == {
        FOUNDATION + BASE,
        f"arn:aws:bedrock:::foundation-model/{BASE}",
    }


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (FOUNDATION + PLAIN, "The answer to question 0?"),
        (f"{SYSTEM}us.{BASE}", "From the profile."),
        (f"{SYSTEM}eu.{BASE}", "Well, question 0?"),
    ],
)
def test_an_application_profile_answers_as_its_source(bedrock: Any, runtime: Any, source: str, text: str) -> None:
    arn = create(bedrock, source, description="For tests", tags=[{"key": "a", "value": "b"}])
    details = bedrock.get_inference_profile(inferenceProfileIdentifier=arn)
    assert fits(bedrock, "GetInferenceProfile", details)
    assert (details["type"], details["description"], details["inferenceProfileArn"]) == (
        "APPLICATION",
        "For tests",
        arn,
    )
    assert arn.endswith(f":application-inference-profile/{details['inferenceProfileId']}")
    assert ask(runtime, QUESTIONS[0], model=arn)["output"]["message"]["content"][0]["text"] == text
    bedrock.delete_inference_profile(inferenceProfileIdentifier=details["inferenceProfileId"])
    with pytest.raises(runtime.exceptions.ResourceNotFoundException):
        ask(runtime, QUESTIONS[0], model=arn)
    with pytest.raises(bedrock.exceptions.ResourceNotFoundException):
        bedrock.get_inference_profile(inferenceProfileIdentifier=arn)
    with pytest.raises(bedrock.exceptions.ResourceNotFoundException):
        bedrock.delete_inference_profile(inferenceProfileIdentifier=arn)


def test_profiles_are_listed_by_type_and_page(bedrock: Any) -> None:
    arns = {create(bedrock, FOUNDATION + PLAIN) for _ in range(3)}
    pages = list(
        bedrock.get_paginator("list_inference_profiles").paginate(
            typeEquals="APPLICATION", PaginationConfig={"PageSize": 2}
        )
    )
    assert all(fits(bedrock, "ListInferenceProfiles", page) for page in pages)
    assert len(pages) >= 2
    listed = {entry["inferenceProfileArn"] for page in pages for entry in page["inferenceProfileSummaries"]}
    assert arns <= listed
    system = bedrock.list_inference_profiles(typeEquals="SYSTEM_DEFINED")["inferenceProfileSummaries"]
    assert f"us.{BASE}" in {entry["inferenceProfileId"] for entry in system}
    assert not arns & {entry["inferenceProfileArn"] for entry in system}
    for arn in arns:
        bedrock.delete_inference_profile(inferenceProfileIdentifier=arn)


def test_tags_are_added_removed_and_listed(bedrock: Any) -> None:
    arn = create(bedrock, FOUNDATION + PLAIN, tags=[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}])
    bedrock.tag_resource(resourceARN=arn, tags=[{"key": "a", "value": "9"}, {"key": "c", "value": "3"}])
    bedrock.untag_resource(resourceARN=arn, tagKeys=["b"])
    answer = bedrock.list_tags_for_resource(resourceARN=arn)
    assert fits(bedrock, "ListTagsForResource", answer)
    assert answer["tags"] == [{"key": "a", "value": "9"}, {"key": "c", "value": "3"}]
    bedrock.delete_inference_profile(inferenceProfileIdentifier=arn)


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("double  space", FOUNDATION + PLAIN),
        ("under_score_", "arn:aws:bedrock:eu-west-1::foundation-model/" + PLAIN),
        ("other-account", f"arn:aws:bedrock:us-east-1:111111111111:inference-profile/us.{BASE}"),
        ("plain-id", PLAIN),
    ],
)
def test_a_profile_that_aws_would_refuse_is_refused(bedrock: Any, name: str, source: str) -> None:
    with pytest.raises(bedrock.exceptions.ValidationException):
        bedrock.create_inference_profile(inferenceProfileName=name, modelSource={"copyFrom": source})


def test_a_request_token_makes_creation_idempotent(bedrock: Any) -> None:
    request = {"inferenceProfileName": "once", "clientRequestToken": uuid.uuid4().hex}
    source = {"copyFrom": FOUNDATION + PLAIN}
    first = bedrock.create_inference_profile(**request, modelSource=source)["inferenceProfileArn"]
    assert bedrock.create_inference_profile(**request, modelSource=source)["inferenceProfileArn"] == first
    with pytest.raises(bedrock.exceptions.ConflictException):
        bedrock.create_inference_profile(**request, modelSource={"copyFrom": FOUNDATION + BASE})
    bedrock.delete_inference_profile(inferenceProfileIdentifier=first)


def template(**properties: Any) -> str:
    """A stack of one profile with every attribute as an output."""
    attributes = ("InferenceProfileArn", "InferenceProfileId", "InferenceProfileIdentifier", "Status", "Type")
    outputs: dict[str, Any] = {name: {"Value": {"Fn::GetAtt": ["Profile", name]}} for name in attributes}
    outputs["Ref"] = {"Value": {"Ref": "Profile"}}
    properties = {
        "InferenceProfileName": "stack profile",
        "ModelSource": {"CopyFrom": FOUNDATION + PLAIN},
        **properties,
    }
    resource = {"Type": "AWS::Bedrock::ApplicationInferenceProfile", "Properties": properties}
    return json.dumps({"Resources": {"Profile": resource}, "Outputs": outputs})


def outputs_of(cloudformation: Any, name: str) -> dict[str, str]:
    stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def wait(cloudformation: Any, state: str, name: str) -> None:
    cloudformation.get_waiter(state).wait(StackName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})


def test_a_stack_makes_changes_replaces_and_removes_a_profile(simulator: Simulator, bedrock: Any, runtime: Any) -> None:
    cloudformation = simulator.client("cloudformation")
    name = f"stack-{uuid.uuid4().hex[:8]}"
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=template(Tags=[{"Key": "a", "Value": "1"}], Description="One"),
        Tags=[{"Key": "stack", "Value": "s"}],
    )
    wait(cloudformation, "stack_create_complete", name)
    first = outputs_of(cloudformation, name)
    arn = first["InferenceProfileArn"]
    assert first["Ref"] == first["InferenceProfileId"] == arn.rpartition("/")[2]
    assert (first["Status"], first["Type"]) == ("ACTIVE", "APPLICATION")
    assert ask(runtime, QUESTIONS[0], model=arn)["output"]["message"]["content"][0]["text"].startswith("The answer")
    tags = {tag["key"]: tag["value"] for tag in bedrock.list_tags_for_resource(resourceARN=arn)["tags"]}
    assert (tags["a"], tags["stack"]) == ("1", "s")

    body = template(Tags=[{"Key": "a", "Value": "2"}], Description="One")
    cloudformation.update_stack(StackName=name, TemplateBody=body)
    wait(cloudformation, "stack_update_complete", name)
    assert outputs_of(cloudformation, name)["InferenceProfileArn"] == arn
    assert {"key": "a", "value": "2"} in bedrock.list_tags_for_resource(resourceARN=arn)["tags"]

    source = {"CopyFrom": f"{SYSTEM}us.{BASE}"}
    cloudformation.update_stack(StackName=name, TemplateBody=template(ModelSource=source))
    wait(cloudformation, "stack_update_complete", name)
    replaced = outputs_of(cloudformation, name)["InferenceProfileArn"]
    assert replaced != arn
    with pytest.raises(bedrock.exceptions.ResourceNotFoundException):
        bedrock.get_inference_profile(inferenceProfileIdentifier=arn)
    assert ask(runtime, QUESTIONS[0], model=replaced)["output"]["message"]["content"] == [{"text": "From the profile."}]

    cloudformation.delete_stack(StackName=name)
    wait(cloudformation, "stack_delete_complete", name)
    with pytest.raises(bedrock.exceptions.ResourceNotFoundException):
        bedrock.get_inference_profile(inferenceProfileIdentifier=replaced)


def test_a_stack_with_a_wrong_profile_fails_with_the_reason(simulator: Simulator) -> None:
    cloudformation = simulator.client("cloudformation")
    name = f"stack-{uuid.uuid4().hex[:8]}"
    cloudformation.create_stack(StackName=name, TemplateBody=template(Description="Not, allowed"))
    with pytest.raises(Exception, match="terminal failure state"):
        wait(cloudformation, "stack_create_complete", name)
    reasons = [
        event.get("ResourceStatusReason", "")
        for event in cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    ]
    assert any("Value at 'description' failed to satisfy constraint" in reason for reason in reasons)
    cloudformation.delete_stack(StackName=name)


def test_other_operations_are_refused_rather_than_mocked(bedrock: Any) -> None:
    with pytest.raises(ClientError) as caught:
        bedrock.list_guardrails()
    assert caught.value.response["Error"]["Code"] == "UnknownOperationException"


def test_the_tables_agree_with_those_of_the_core() -> None:
    """Two copies, because the emulator's interpreter does not have the core."""
    assert dict(core.DESTINATIONS) == models.PROFILE_DESTINATIONS
    for model_id, known in models.KNOWN.items():
        row, dead = known_model(model_id), dead_model(model_id)
        confirmed = row.end if row is not None and row.confirmed("end") else None
        assert known.end == (confirmed if dead is None else dead.end), model_id
        assert row is None or set(known.profiles) <= set(row.profiles), model_id
        features = features_of(model_id)
        assert models.refuses_sampling(model_id) == (features.sampling == "none"), model_id
        assert features.burndown in (None, models.quota_weight(model_id)), model_id


@pytest.mark.parametrize(
    ("model_id", "refused"),
    [
        ("anthropic.claude-opus-4-7", True),
        ("us.anthropic.claude-opus-4-8", True),
        ("global.anthropic.claude-sonnet-5", True),
        ("us.anthropic.claude-haiku-5-5", True),
        ("us.anthropic.claude-opus-6", True),
        ("anthropic.claude-opus-4-1-20250805-v1:0", False),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", False),
        ("anthropic.claude-opus-4-6-v1", False),
        ("amazon.nova-lite-v1:0", False),
    ],
)
def test_which_models_refuse_sampling_parameters(model_id: str, refused: bool) -> None:
    assert models.refuses_sampling(model_id) == refused
