"""The CloudFormation type AWS::Bedrock::ApplicationInferenceProfile, which stock ministack does not have.

As its resource schema says: `Ref` is the profile's id, only the tags can change in place, and a change of name,
description or source makes a new profile.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ministack.services.cloudformation import provisioners

from local.simulator.models import inference_profiles
from local.simulator.models.inference_profiles import Profile
from local.simulator.protocol.errors import ServiceError

TYPE = "AWS::Bedrock::ApplicationInferenceProfile"
_CREATE_ONLY = ("Description", "InferenceProfileName", "ModelSource")


def register() -> None:
    """Teach the emulator's CloudFormation the type."""
    provisioners._RESOURCE_HANDLERS[TYPE] = {"create": _create, "update": _update, "delete": _delete}
    provisioners._REPLACING_PROPERTIES[TYPE] = _CREATE_ONLY
    provisioners._STACK_TAG_PROPERTY[TYPE] = ("Tags", "list")


def _create(_logical_id: str, properties: Mapping[str, Any], _stack: str) -> tuple[str, dict[str, Any]]:
    request = {
        "inferenceProfileName": properties.get("InferenceProfileName"),
        "description": properties.get("Description"),
        "modelSource": {"copyFrom": (properties.get("ModelSource") or {}).get("CopyFrom")},
        "tags": [{"key": key, "value": value} for key, value in _tags(properties).items()],
    }
    try:
        profile = inference_profiles.create(request)
    except ServiceError as error:
        # CloudFormation shows a ValueError's text as the reason of CREATE_FAILED.
        raise ValueError(f"{error.message} (Service: Bedrock, Status Code: {error.status})") from error
    return profile.profile_id, _attributes(profile)


def _update(
    profile_id: str, _old: Mapping[str, Any], properties: Mapping[str, Any], _stack: str
) -> tuple[str, dict[str, Any]]:
    inference_profiles.set_tags(profile_id, _tags(properties))
    return profile_id, _attributes(inference_profiles.find(profile_id))


def _delete(profile_id: str, _properties: Mapping[str, Any]) -> None:
    with suppress(ServiceError):  # Gone already: as good as deleted.
        inference_profiles.delete(profile_id)


def _tags(properties: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: str(tag["Value"]) for tag in properties.get("Tags") or []}


def _attributes(profile: Profile) -> dict[str, Any]:
    details = profile.to_json()
    return {
        "InferenceProfileArn": profile.arn,
        "InferenceProfileId": profile.profile_id,
        "InferenceProfileIdentifier": profile.profile_id,
        "Status": details["status"],
        "Type": details["type"],
        "Models": [{"ModelArn": model["modelArn"]} for model in details["models"]],
        "CreatedAt": details["createdAt"],
        "UpdatedAt": details["updatedAt"],
    }
