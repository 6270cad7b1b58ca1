"""The part of the SageMaker API that human evaluations need; JSON with the operation in a header."""

from collections.abc import Callable, Mapping
from typing import Any

from local.simulator.jobs import flow_definitions
from local.simulator.protocol import service_model
from local.simulator.protocol.errors import Response, ServiceError, json_document, json_response

TARGET = "SageMaker."


async def handle_request(
    _method: str, _path: str, headers: Mapping[str, str], body: bytes, _query: Mapping[str, list[str]]
) -> Response:
    """Answer a request of the SageMaker API, in ministack's handler signature."""
    name = headers.get("x-amz-target", "").removeprefix(TARGET)
    try:
        operation = _OPERATIONS.get(name)
        if operation is None:
            raise ServiceError("UnknownOperationException", f"The local simulator does not offer {name or 'this'}.")
        return json_response(operation(json_document(body)))
    except ServiceError as error:
        return error.response()


def _create(document: dict[str, Any]) -> dict[str, Any]:
    return {"FlowDefinitionArn": flow_definitions.create(document).arn}


def _describe(document: dict[str, Any]) -> dict[str, Any]:
    service_model.check("sagemaker", "DescribeFlowDefinition", document)
    return flow_definitions.find(document["FlowDefinitionName"]).to_json()


def _delete(document: dict[str, Any]) -> dict[str, Any]:
    service_model.check("sagemaker", "DeleteFlowDefinition", document)
    flow_definitions.delete(document["FlowDefinitionName"])
    return {}


_OPERATIONS: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "CreateFlowDefinition": _create,
    "DescribeFlowDefinition": _describe,
    "DeleteFlowDefinition": _delete,
}
