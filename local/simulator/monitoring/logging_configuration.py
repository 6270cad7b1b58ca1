"""The account's model invocation logging setting; a destination that Bedrock cannot write to is refused, as on AWS."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region
from ministack.services import cloudwatch_logs

from local.simulator.permissions.buckets import bucket_problem
from local.simulator.permissions.roles import role_problem
from local.simulator.protocol import service_model
from local.simulator.protocol.errors import invalid
from local.simulator.settings.state import SIMULATOR

LOG_STREAM = "aws/bedrock/modelinvocations"
_KEY = "configuration"
_PERMISSIONS_LINE = "Permissions are correctly set for Amazon Bedrock logs."
_DELIVERY_ACTIONS = ("logs:CreateLogStream", "logs:PutLogEvents")

_configurations: Any = AccountRegionScopedDict()


def reset() -> None:
    """Forget the setting of every account and Region."""
    _configurations.clear()


def current() -> dict[str, Any] | None:
    """The setting of the calling account and Region, as it was put."""
    configuration: dict[str, Any] | None = _configurations.get(_KEY)
    return configuration


def put(request: Mapping[str, Any]) -> None:
    """Validate and store a setting, and write the plain-text line that AWS leaves in the log group.

    Raises:
        ServiceError: ValidationException: malformed, a destination that is missing, or a role or bucket that Bedrock
            cannot use.
    """
    service_model.check("bedrock", "PutModelInvocationLoggingConfiguration", request)
    configuration = request["loggingConfig"]
    cloud_watch = configuration.get("cloudWatchConfig")
    if cloud_watch:
        _check_log_group(cloud_watch)
    for destination in _buckets(configuration):
        _check_bucket(destination)
    _configurations[_KEY] = configuration
    if cloud_watch:
        write_log_event(cloud_watch["logGroupName"], _PERMISSIONS_LINE)


def delete() -> None:
    """Remove the setting, if there is one."""
    _configurations.pop(_KEY, None)


def write_log_event(log_group: str, message: str) -> bool:
    """Append an event to Bedrock's log stream, making the stream first; False if the group is gone."""
    group = cloudwatch_logs._log_groups.get(log_group)
    if group is None:
        return False
    if LOG_STREAM not in group["streams"]:
        cloudwatch_logs._create_log_stream({"logGroupName": log_group, "logStreamName": LOG_STREAM})
    event = {"timestamp": int(time.time() * 1000), "message": message}
    status: int = cloudwatch_logs._put_log_events(
        {"logGroupName": log_group, "logStreamName": LOG_STREAM, "logEvents": [event]}
    )[0]
    return status < 400


def _buckets(configuration: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    cloud_watch = configuration.get("cloudWatchConfig") or {}
    for destination in (configuration.get("s3Config"), cloud_watch.get("largeDataDeliveryS3Config")):
        if destination:
            yield destination


def _check_log_group(cloud_watch: Mapping[str, Any]) -> None:
    group, role_arn = cloud_watch["logGroupName"], cloud_watch["roleArn"]
    reason = _propagation_problem() or _log_group_problem(group) or _role_problem(role_arn, group)
    if reason:
        raise invalid(
            f"Failed to validate permissions for log group: {group}, with role: {role_arn}. "
            f"Verify the IAM role permissions are correct. ({reason})"
        )


def _check_bucket(destination: Mapping[str, Any]) -> None:
    bucket = destination["bucketName"]
    reason = bucket_problem(bucket, prefix=destination.get("keyPrefix"), source_arn=_source_arn())
    if reason:
        raise invalid(
            f"Failed to validate permissions for bucket: {bucket}. Verify the bucket policy is correct. ({reason})"
        )


def _propagation_problem() -> str | None:
    if SIMULATOR.logging_puts_to_fail <= 0:
        return None
    SIMULATOR.logging_puts_to_fail -= 1
    return "injected: the role has not propagated yet"


def _log_group_problem(group: str) -> str | None:
    return None if group in cloudwatch_logs._log_groups else "the log group does not exist"


def _role_problem(role_arn: str, group: str) -> str | None:
    stream_arn = f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{group}:log-stream:{LOG_STREAM}"
    wanted = [(action, stream_arn) for action in _DELIVERY_ACTIONS]
    return role_problem(role_arn, source_arn=_source_arn(), wanted=wanted)


def _source_arn() -> str:
    return f"arn:aws:bedrock:{get_region()}:{get_account_id()}:*"
