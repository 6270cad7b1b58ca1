"""A SageMaker flow definition: which people rate the answers of a human evaluation, and on what terms.

CloudFormation has no type for it and SageMaker no update: other properties make another one under another name. The
new physical id makes CloudFormation delete the old one when all else is done, or the new one when it rolls back.

Properties: Name (what the name begins with), WorkteamArn, HumanTaskUiArn, TaskTitle, TaskDescription, TaskCount,
TaskAvailabilityLifetimeInSeconds, TaskTimeLimitInSeconds, S3OutputPath, KmsKeyId, RoleArn. Attribute: Arn.

Source: Bedrock user guide, model-evaluation-jobs-management-create-human; SageMaker developer guide,
a2i-delete-flow-definition.
"""

import hashlib
import json
import logging
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from bedrock_eval_functions.custom_resources.cfn import Request, RequestType, ResourceError, client, error_code, respond
from bedrock_eval_functions.custom_resources.patience import patiently

SOURCE = "AWS/Bedrock/Evaluation"
"""Documented, though the service model's enumeration lacks it."""

MOST_NAME = 63

_HASH_DIGITS = 8
_USELESS = frozenset({"Failed", "Deleting"})
_NUMBERS = ("TaskCount", "TaskAvailabilityLifetimeInSeconds", "TaskTimeLimitInSeconds")

logging.getLogger("bedrock_eval_functions").setLevel(logging.INFO)
logger = logging.getLogger(__name__)


class _NotYetError(Exception):
    """It is on its way."""


def handler(event: Mapping[str, Any], context: Any) -> None:
    """Entry point."""
    respond(event, context, work=work, identify=identify)


def identify(request: Request) -> str:
    """The name. It ends in a hash of all that cannot be changed, and of the logical id.

    Without the logical id, a resource that got another one would share its flow definition with its predecessor, whose
    Delete takes it away.
    """
    content = json.dumps([request.logical_id, _content(request)], sort_keys=True)
    end = hashlib.sha256(content.encode()).hexdigest()[:_HASH_DIGITS]
    start = request.text("Name")[: MOST_NAME - _HASH_DIGITS - 1].rstrip("-")
    return f"{start}-{end}"


def work(request: Request) -> dict[str, str] | None:
    """Make it and wait until it is Active, or delete it.

    Raises:
        ResourceError: it failed, with SageMaker's reason; or it does not get ready in time.
    """
    if request.type is RequestType.DELETE:
        name = str(request.physical_id)
        if not _remove(name, request):
            logger.warning("workers have tasks open; SageMaker deletes it when they are done", extra={"resource": name})
        return None
    return {"Arn": _make(identify(request), _content(request), request)}


def _content(request: Request) -> dict[str, Any]:
    """The request of CreateFlowDefinition without its name."""
    texts = {key: request.text(key) for key in ("WorkteamArn", "HumanTaskUiArn", "TaskTitle", "TaskDescription")}
    return {
        "HumanLoopRequestSource": {"AwsManagedHumanLoopRequestSource": SOURCE},
        "HumanLoopConfig": {**texts, **{key: request.whole(key) for key in _NUMBERS}},
        "OutputConfig": {key: request.text(key) for key in ("S3OutputPath", "KmsKeyId")},
        "RoleArn": request.text("RoleArn"),
    }


def _make(name: str, content: Mapping[str, Any], request: Request) -> str:
    """Its ARN. One that an earlier attempt of the same request left is taken, unless it failed or is going."""
    standing = _describe(name)
    if _status(standing) in _USELESS and not _remove(name, request):
        raise ResourceError(f"flow definition {name} is being deleted and workers have tasks open; deploy again later")
    patiently(lambda: _create(name, content), again=_may_be_the_fresh_role, seconds_left=request.seconds_left)
    try:
        made = patiently(
            lambda: _ready(name), again=_is_not_yet, seconds_left=request.seconds_left, wait_seconds=float("inf")
        )
    except _NotYetError as error:
        raise ResourceError(f"flow definition {name} does not become Active, {error}; deploy again") from None
    if not _holds(made, content):
        raise ResourceError(f"flow definition {name} exists with other settings; delete it and deploy again")
    return str(made["FlowDefinitionArn"])


def _create(name: str, content: Mapping[str, Any]) -> None:
    try:
        client("sagemaker").create_flow_definition(FlowDefinitionName=name, **content)
    except ClientError as error:
        if error_code(error) != "ResourceInUse":
            raise


def _may_be_the_fresh_role(error: Exception) -> bool:
    """SageMaker refuses a role that it cannot assume yet; what will never fit it refuses in other words."""
    if not isinstance(error, ClientError) or error_code(error) != "ValidationException":
        return False
    message = str(error.response["Error"].get("Message", ""))
    return "validation error detected" not in message and "Workteam" not in message


def _ready(name: str) -> Mapping[str, Any]:
    found = _describe(name)
    status = _status(found)
    if found is None or status not in {"Active", *_USELESS}:
        # Initializing, or a state that SageMaker has got since this was written.
        raise _NotYetError(f"it is {status}")
    if status != "Active":
        reason = found.get("FailureReason") or "no reason is given"
        raise ResourceError(f"flow definition {name} is {status}: {reason}")
    return found


def _status(found: Mapping[str, Any] | None) -> str:
    """Its state as SageMaker names it."""
    return "not there" if found is None else str(found.get("FlowDefinitionStatus") or "in an unknown state")


def _holds(standing: Mapping[str, Any], content: Mapping[str, Any]) -> bool:
    """Whether what stands there is what was asked for; defaults that the service adds do not count."""
    return all(
        _holds(standing.get(key) or {}, value) if isinstance(value, Mapping) else standing.get(key) == value
        for key, value in content.items()
    )


def _remove(name: str, request: Request) -> bool:
    """Delete it and wait until it is gone; False when it is still on its way out after two minutes.

    Its human loops go with it. A task that a worker has open keeps it Deleting until that is submitted or expires,
    hours perhaps, and needs nobody to wait.
    """
    patiently(lambda: _delete(name), again=_is_in_use, seconds_left=request.seconds_left)
    try:
        patiently(lambda: _absent(name), again=_is_not_yet, seconds_left=request.seconds_left)
    except _NotYetError:
        return False
    return True


def _delete(name: str) -> None:
    try:
        client("sagemaker").delete_flow_definition(FlowDefinitionName=name)
    except ClientError:
        standing = _describe(name)
        if standing is not None and _status(standing) != "Deleting":
            raise


def _absent(name: str) -> None:
    if _describe(name) is not None:
        raise _NotYetError


def _is_in_use(error: Exception) -> bool:
    """Only an Active one can be deleted, and one that was just asked for is Initializing."""
    return isinstance(error, ClientError) and error_code(error) == "ResourceInUse"


def _is_not_yet(error: Exception) -> bool:
    return isinstance(error, _NotYetError)


def _describe(name: str) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = client("sagemaker").describe_flow_definition(FlowDefinitionName=name)
    except ClientError as error:
        if error_code(error) == "ResourceNotFound":
            return None
        raise
    return found
