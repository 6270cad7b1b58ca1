"""SageMaker's flow definitions for human evaluations: created, Active after a while, never changed, deleted.

A state changes when its time is up and a caller reads it: no caller can see the difference, as AWS sends no event
either.
"""

import re
import time
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region

from local.simulator.permissions.roles import SAGEMAKER, role_problem
from local.simulator.protocol import service_model
from local.simulator.protocol.errors import ServiceError, invalid
from local.simulator.settings.state import SIMULATOR

SOURCE = "AWS/Bedrock/Evaluation"
_KNOWN_SOURCE = "AWS/Textract/AnalyzeDocument/Forms/V1"
_SHOWN = ("FlowDefinitionName", "HumanLoopRequestSource", "HumanLoopConfig", "OutputConfig", "RoleArn")
_S3_OUTPUT = re.compile(r"s3://([^/]+)/?(.*?)/?")


@dataclass
class FlowDefinition:
    """One flow definition. Times in seconds since the epoch."""

    request: Mapping[str, Any]
    created: float
    changed: float
    status: str = "Initializing"
    failure: str | None = None

    @property
    def name(self) -> str:
        return str(self.request["FlowDefinitionName"])

    @property
    def arn(self) -> str:
        return _arn(self.name)

    @property
    def workers(self) -> int:
        """The number of people who rate each prompt."""
        return int(self.request["HumanLoopConfig"]["TaskCount"])

    @property
    def output_arn(self) -> str:
        """The ARN of an object below its output path."""
        return _output_arn(self.request)

    def to_json(self) -> dict[str, Any]:
        """The members of DescribeFlowDefinition's answer."""
        return {
            **{key: self.request[key] for key in _SHOWN if key in self.request},
            "FlowDefinitionArn": self.arn,
            "FlowDefinitionStatus": self.status,
            "CreationTime": self.created,
            **({"FailureReason": self.failure} if self.failure else {}),
        }


_flows: Any = AccountRegionScopedDict()


def reset() -> None:
    """Forget every flow definition."""
    _flows.clear()


def create(request: Mapping[str, Any]) -> FlowDefinition:
    """Make one from a CreateFlowDefinition request.

    Raises:
        ServiceError: the request does not fit the service model or a documented rule, the name is taken, the role
            cannot be used, or a refusal is injected.
    """
    if SIMULATOR.flow_refusals:
        code = SIMULATOR.flow_refusals.pop(0)
        raise ServiceError(code, f"injected: {code}")
    _check(request)
    name = request["FlowDefinitionName"]
    if _current(name) is not None:
        raise ServiceError("ResourceInUse", f"Flow definition {_arn(name)} exists already.")
    problem = role_problem(
        request["RoleArn"],
        service=SAGEMAKER,
        source_arn=_arn(name),
        wanted=[(action, _output_arn(request)) for action in ("s3:GetObject", "s3:PutObject")],
    )
    if problem:
        raise invalid(f"The execution role {request['RoleArn']} cannot be used: {problem}")
    now = time.time()
    flow = _flows[name] = FlowDefinition(deepcopy(dict(request)), created=now, changed=now)
    return flow


def find(name: str) -> FlowDefinition:
    """The flow definition of this name, brought up to date.

    Raises:
        ServiceError: ResourceNotFound.
    """
    flow = _current(name)
    if flow is None:
        raise ServiceError("ResourceNotFound", f"Flow definition {_arn(name)} does not exist.")
    return flow


def find_by_arn(arn: str) -> FlowDefinition | None:
    """The flow definition of this ARN, None when there is none in this account and Region."""
    flow = _current(arn.rpartition("/")[2])
    return flow if flow is not None and flow.arn == arn else None


def delete(name: str) -> None:
    """Begin to delete it.

    Raises:
        ServiceError: ResourceNotFound, or ResourceInUse while it is neither Active nor Failed.
    """
    flow = find(name)
    if flow.status not in {"Active", "Failed"}:
        raise ServiceError("ResourceInUse", f"Flow definition {flow.arn} is {flow.status}.")
    flow.status, flow.changed = "Deleting", time.time()


def _current(name: str) -> FlowDefinition | None:
    found = _flows.get(name)
    if found is None:
        return None
    assert isinstance(found, FlowDefinition)  # noqa: S101 - only these are put in
    behaviour, age = SIMULATOR.config.flow_definitions, time.time() - found.changed
    if found.status == "Deleting" and age >= behaviour.deleting_seconds:
        del _flows[name]
        return None
    if found.status == "Initializing" and age >= behaviour.seconds:
        found.status, found.failure = ("Failed", behaviour.failure) if behaviour.failure else ("Active", None)
    return found


def _check(request: Mapping[str, Any]) -> None:
    source = request.get("HumanLoopRequestSource", {}).get("AwsManagedHumanLoopRequestSource")
    # The enumeration lacks the source of human evaluations, which the Bedrock user guide asks for.
    known = {"HumanLoopRequestSource": {"AwsManagedHumanLoopRequestSource": _KNOWN_SOURCE}} if source == SOURCE else {}
    service_model.check("sagemaker", "CreateFlowDefinition", {**request, **known})
    if source != SOURCE:
        raise invalid(f"The simulator knows flow definitions of the source {SOURCE} only, not of {source}.")
    config = request.get("HumanLoopConfig")
    if config is None:
        raise invalid("HumanLoopConfig is missing.")
    page = f"arn:aws:sagemaker:{get_region()}:394669845002:human-task-ui/Evaluation"
    if config["HumanTaskUiArn"] != page:
        raise invalid(f"The specified HumanTaskUi '{config['HumanTaskUiArn']}' is not the one of {SOURCE}: {page}")
    team = config["WorkteamArn"]
    if not team.startswith(f"arn:aws:sagemaker:{get_region()}:{get_account_id()}:workteam/"):
        raise invalid(f"The specified Workteam '{team}' does not exist or you do not have access to it.")


def _arn(name: str) -> str:
    return f"arn:aws:sagemaker:{get_region()}:{get_account_id()}:flow-definition/{name}"


def _output_arn(request: Mapping[str, Any]) -> str:
    match = _S3_OUTPUT.fullmatch(request["OutputConfig"]["S3OutputPath"])
    if match is None:
        raise invalid(f"{request['OutputConfig']['S3OutputPath']} is not an S3 path.")
    return f"arn:aws:s3:::{'/'.join(part for part in match.groups() if part)}/x"
