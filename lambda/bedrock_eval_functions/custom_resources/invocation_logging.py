"""The account's model invocation logging: one setting per account and Region, without a CloudFormation type.

Because it is one for all, it is never overwritten unless told to, what was replaced is remembered in an SSM parameter
before the first Put, and a setting that somebody else has changed since is left alone. A flag counts as changed only
where it is given back with another value: Regions give back the flags that they know, and boto3 those that it knows.

Properties: Mode (own, adopt), OnDelete (restore, leave, remove), Config (loggingConfig), ParameterName.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from bedrock_eval.sdk import UnknownFieldError, dropped
from bedrock_eval_functions.custom_resources.cfn import Request, RequestType, ResourceError, client, error_code, respond
from bedrock_eval_functions.custom_resources.patience import patiently

_FLAG = "DataDeliveryEnabled"
_RETRIED = frozenset({"ValidationException", "AccessDeniedException"})

logging.getLogger("bedrock_eval_functions").setLevel(logging.INFO)
logger = logging.getLogger(__name__)

Setting = dict[str, Any]


@dataclass(frozen=True)
class Memory:
    """What the SSM parameter holds: our setting, and the one that it replaced (None: there was none)."""

    ours: Setting
    replaced: Setting | None

    def to_json(self) -> str:
        return json.dumps({"replaced": self.replaced, "ours": self.ours})


def handler(event: Mapping[str, Any], context: Any) -> None:
    """Entry point."""
    respond(event, context, work=work, identify=identify)


def identify(_request: Request) -> str:
    """There is one per account and Region; an id that changed would send a Delete after an Update."""
    return "model-invocation-logging"


def work(request: Request) -> None:
    """Set the account's logging, or give it back.

    Raises:
        ResourceError: a foreign setting stands there and Mode is own; the message says which and what to do.
    """
    if request.type is RequestType.DELETE:
        _give_back(request)
    else:
        _take(request)


def _take(request: Request) -> None:
    mode = request.text("Mode", allowed=("own", "adopt"))
    wanted = _wanted(request.properties.get("Config"))
    parameter = request.text("ParameterName")
    standing, memory = _standing(), _recall(parameter)
    replaced = None if memory is None else memory.replaced
    if standing is None or same(wanted, standing) or (memory is not None and same(memory.ours, standing)):
        pass
    elif mode == "adopt":
        replaced = _adopted(standing, replaced=replaced, wanted=wanted)
    else:
        raise ResourceError(
            "this account and Region already log model invocations to "
            f"{_destination(standing)}, by an existing setting that this stack did not create; "
            "set invocation_logging.mode to adopt to replace it, or to none to leave it"
        )
    if memory != Memory(ours=wanted, replaced=replaced):
        _remember(parameter, Memory(ours=wanted, replaced=replaced))
    if standing is None or not _shows(wanted, standing):
        _put(wanted, request)


def _adopted(standing: Setting, *, replaced: Setting | None, wanted: Setting) -> Setting | None:
    """What Delete is to restore: the first foreign setting, and never one that writes as our own role."""
    if replaced is not None:
        extra = {"stood": _destination(standing), "remembered": _destination(replaced)}
        logger.warning("another existing setting is replaced; the first stays stored", extra=extra)
        return replaced
    if _without_flags(standing) == _without_flags(wanted):
        return None
    lost = dropped(
        client("bedrock"), "GetModelInvocationLoggingConfiguration", *(f"loggingConfig.{key}" for key in wanted)
    )
    if lost:
        logger.warning("boto3 drops what may be set, so it cannot be restored", extra={"fields": ", ".join(lost)})
    return standing


def _give_back(request: Request) -> None:
    parameter = request.text("ParameterName")
    on_delete = request.text("OnDelete", allowed=("restore", "leave", "remove"), default="restore")
    memory = _recall(parameter)
    if memory is None:
        # Create never came as far as the first Put: whatever stands there is not ours.
        return
    standing = _standing()
    if standing is None or not same(memory.ours, standing):
        logger.warning("the setting is no longer ours and stays", extra={"on_delete": on_delete})
    elif on_delete == "leave":
        # What is left is known again by the next deploy, which makes another role: also after a roll-back.
        return
    elif on_delete == "restore" and memory.replaced is not None:
        _restore(memory.replaced, request)
    else:
        client("bedrock").delete_model_invocation_logging_configuration()
    client("ssm").delete_parameter(Name=parameter)


def _restore(replaced: Setting, request: Request) -> None:
    try:
        _put(replaced, request)
    except (ClientError, UnknownFieldError) as error:
        raise ResourceError(
            f"the logging setting that stood here before, to {_destination(replaced)}, cannot be restored: "
            f"{error}; set invocation_logging.on_delete to remove or leave and delete the stack again"
        ) from None


def _put(setting: Setting, request: Request) -> None:
    patiently(
        lambda: client("bedrock").put_model_invocation_logging_configuration(loggingConfig=setting),
        again=lambda error: isinstance(error, ClientError) and error_code(error) in _RETRIED,
        seconds_left=request.seconds_left,
    )


def _standing() -> Setting | None:
    setting = client("bedrock").get_model_invocation_logging_configuration().get("loggingConfig") or {}
    return {key: value for key, value in setting.items() if value is not None} or None


def _wanted(config: object) -> Setting:
    """The property with its flags made booleans again; CloudFormation hands them over as text."""
    if not isinstance(config, dict) or not config:
        raise ResourceError("property Config: missing")
    return {key: _flag(key, value) if key.endswith(_FLAG) else value for key, value in config.items()}


def _flag(key: str, value: object) -> bool:
    if value in ("true", True):
        return True
    if value in ("false", False):
        return False
    raise ResourceError(f"property Config.{key}: {value!r} is not allowed; allowed: true, false")


def same(ours: Mapping[str, Any], standing: Mapping[str, Any]) -> bool:
    """Whether the standing setting is ours: the same but for flags that only one of the two names."""
    mine, theirs = _without_blanks(ours), _without_blanks(standing)
    differing = {key for key in mine.keys() | theirs.keys() if mine.get(key) != theirs.get(key)}
    return all(key.endswith(_FLAG) and not (key in mine and key in theirs) for key in differing)


def _shows(wanted: Mapping[str, Any], standing: Mapping[str, Any]) -> bool:
    """Whether the standing setting gives back all that is wanted, so that no Put is needed."""
    return same(wanted, standing) and _without_blanks(wanted).keys() <= _without_blanks(standing).keys()


def _without_blanks(value: Any) -> Any:
    """Empty members count as absent: the service may give back either."""
    if not isinstance(value, Mapping):
        return value
    cleaned = {key: _without_blanks(item) for key, item in value.items()}
    return {key: item for key, item in cleaned.items() if item not in (None, "", {})}


def _without_flags(setting: Mapping[str, Any]) -> Any:
    """Where records go, and as whom they are written."""
    return _without_blanks({key: value for key, value in setting.items() if not key.endswith(_FLAG)})


def _destination(setting: Mapping[str, Any]) -> str:
    group = (setting.get("cloudWatchConfig") or {}).get("logGroupName")
    bucket = (setting.get("s3Config") or {}).get("bucketName")
    named = [f"log group {group}" if group else "", f"bucket {bucket}" if bucket else ""]
    return " and ".join(name for name in named if name) or "no destination"


def _recall(parameter: str) -> Memory | None:
    """None when nothing is remembered: no parameter, or one that holds something else."""
    try:
        text = client("ssm").get_parameter(Name=parameter)["Parameter"]["Value"]
    except ClientError as error:
        if error_code(error) == "ParameterNotFound":
            return None
        raise
    try:
        value = json.loads(text)
    except ValueError:
        return None
    if not isinstance(value, dict) or not isinstance(value.get("ours"), dict):
        return None
    replaced = value.get("replaced")
    return Memory(ours=value["ours"], replaced=replaced if isinstance(replaced, dict) else None)


def _remember(parameter: str, memory: Memory) -> None:
    client("ssm").put_parameter(Name=parameter, Value=memory.to_json(), Type="String", Overwrite=True)
