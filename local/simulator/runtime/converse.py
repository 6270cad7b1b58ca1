"""Converse and ConverseStream, on ministack's event loop: nothing here blocks, and other requests go on during a stall.

ApplyGuardrail is in guardrails.py.
"""

import asyncio
import re
import uuid
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any
from urllib.parse import unquote

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.core.router import extract_access_key_id

from local.simulator.models import inference_profiles
from local.simulator.models.identifiers import Scope, Target, resolve
from local.simulator.models.known import refuses_sampling
from local.simulator.monitoring import invocation_log, metrics
from local.simulator.monitoring.invocation_log import Call
from local.simulator.protocol import service_model
from local.simulator.protocol.errors import Response, ServiceError, invalid, json_document, json_response
from local.simulator.replay.calls import prompt_key
from local.simulator.replay.faults import DENIED, STALL, THROTTLE, ModelFaults, draw
from local.simulator.replay.turns import Turn, play, prompt_of
from local.simulator.runtime import event_stream, guardrails
from local.simulator.settings.state import SIMULATOR

# The id that ministack puts into the response's header, so that the log record names the same one.
REQUEST_ID: ContextVar[str] = ContextVar("simulator_request_id", default="")

_ROUTE = re.compile(r"/model/(?P<model>.+)/(?P<operation>converse|converse-stream)")
_OPERATIONS = {"converse": "Converse", "converse-stream": "ConverseStream"}
_STREAMING = "ConverseStream"
_INJECTED = {
    THROTTLE: ("ThrottlingException", "Too many requests, please wait before trying again."),
    "500": ("InternalServerException", "The system encountered an unexpected error during processing."),
    "503": ("ServiceUnavailableException", "Bedrock is unable to process your request."),
    "408": ("ModelTimeoutException", "Model has timed out in processing the request. Try your request again."),
    "424": ("ModelErrorException", "The request failed due to an error while processing the model."),
    DENIED: ("AccessDeniedException", "You don't have access to the model with the specified model ID."),
}
_PROMPT_SHOWN = 60


async def handle_request(
    method: str, path: str, headers: Mapping[str, str], body: bytes, _query: Mapping[str, list[str]]
) -> Response:
    """Answer a request of the bedrock-runtime API, in ministack's handler signature."""
    guarded = guardrails.ROUTE.fullmatch(path)
    if method == "POST" and guarded is not None:
        return guardrails.apply(guarded, body)
    match = _ROUTE.fullmatch(path)
    if method != "POST" or match is None:
        return ServiceError(
            "UnknownOperationException",
            f"The local simulator does not offer {method} {path}; it offers Converse, ConverseStream "
            "and ApplyGuardrail.",
        ).response()
    call = Call(
        operation=_OPERATIONS[match["operation"]],
        model_id=unquote(match["model"]),
        request_id=REQUEST_ID.get() or str(uuid.uuid4()),
        identity_arn=_caller_arn(headers),
        scope=Scope(get_account_id(), get_region()),
    )
    SIMULATOR.calls.enter()
    try:
        return await _respond(call, body)
    finally:
        SIMULATOR.calls.leave()


async def _respond(call: Call, body: bytes) -> Response:
    try:
        request = _read(call, body)
        target = resolve(call.model_id, scope=call.scope, copied_from=inference_profiles.copied_from)
        turn = await _counted_turn(request, target)
    except ServiceError as error:
        metrics.publish_error(call.model_id, error.status)
        invocation_log.log_error(call, error.code)
        return error.response()
    streaming = call.operation == _STREAMING
    if draw(seed=0, model=target.name, prompt=call.request_id, attempt=1) >= SIMULATOR.config.publishing.unpublished:
        metrics.publish_turn(target, turn, called=call.model_id, streaming=streaming)
    invocation_log.log_turn(call, request=request, target=target, turn=turn)
    if streaming:
        return 200, {"Content-Type": event_stream.CONTENT_TYPE}, event_stream.encode(turn)
    return json_response(turn.converse_body())


def _read(call: Call, body: bytes) -> dict[str, Any]:
    request = json_document(body)
    service_model.check("bedrock-runtime", call.operation, {**request, "modelId": call.model_id})
    _check_conversation(request.get("messages") or [])
    return request


def _check_conversation(messages: list[dict[str, Any]]) -> None:
    if not messages or messages[0]["role"] != "user":
        raise invalid("A conversation must start with a user message. Try again with one that does.")
    for number, message in enumerate(messages):
        for index, block in enumerate(message["content"]):
            if "text" in block and not block["text"].strip():
                raise invalid(
                    f"The text field in the ContentBlock object at messages.{number}.content.{index} is blank."
                )


async def _counted_turn(request: Mapping[str, Any], target: Target) -> Turn:
    prompt = prompt_of(request)
    count = SIMULATOR.calls.count(target.name, prompt)
    count.attempts += 1
    try:
        turn = await _turn(request, target, prompt=prompt, attempt=count.attempts)
    except ServiceError:
        count.refused += 1
        raise
    count.answered += 1
    return turn


async def _turn(request: Mapping[str, Any], target: Target, *, prompt: str, attempt: int) -> Turn:
    config = SIMULATOR.config
    _check_model(request, target)
    faults = config.faults_for((target.metric_id, *target.sources))
    fault = faults.pick(draw(seed=config.seed, model=target.name, prompt=prompt, attempt=attempt))
    await _strike(fault, faults, target)
    answer = SIMULATOR.answers.find(target.sources, prompt)
    if answer is None:
        raise _no_answer(target, prompt)
    turn = play(
        answer,
        request=request,
        fault=fault,
        key=(config.seed, target.name, prompt, attempt),
        median_ms=config.default_latency_ms,
    )
    if config.sleep_share:
        await asyncio.sleep(config.sleep_share * turn.latency_ms / 1000)
    return turn


def _check_model(request: Mapping[str, Any], target: Target) -> None:
    if not SIMULATOR.answers.knows(target.sources):
        known = ", ".join(SIMULATOR.answers.models()) or "none"
        raise ServiceError(
            "ResourceNotFoundException",
            f"Could not resolve the foundation model from the model identifier: {target.name} "
            f"(local simulator; models with recorded answers: {known})",
        )
    sampling = request.get("inferenceConfig") or {}
    for member, parameter in (("temperature", "temperature"), ("topP", "top_p")):
        if sampling.get(member) is not None and refuses_sampling(target.name):
            raise invalid(
                f"The model returned the following errors: `{parameter}` is deprecated for this model. "
                f"(inferenceConfig.{member})"
            )


async def _strike(fault: str | None, faults: ModelFaults, target: Target) -> None:
    if fault == STALL:
        await asyncio.sleep(faults.stall_seconds)
    if fault in _INJECTED:
        code, message = _INJECTED[fault]
        members = {"originalStatusCode": 500, "resourceName": target.name} if fault == "424" else {}
        raise ServiceError(code, message, **members)


def _no_answer(target: Target, prompt: str) -> ServiceError:
    shown = prompt if len(prompt) <= _PROMPT_SHOWN else f"{prompt[:_PROMPT_SHOWN]}..."
    return ServiceError(
        "ModelErrorException",
        f"The local simulator has no recorded answer of {target.name} to the prompt {shown!r} "
        f"(sha256 {prompt_key(prompt)}); recorded answers match the last user message exactly.",
        originalStatusCode=404,
        resourceName=target.name,
    )


def _caller_arn(headers: Mapping[str, str]) -> str:
    identity = iam_evaluator.resolve_caller_identity(extract_access_key_id(headers))
    return str(identity["userArn"]) if identity else f"arn:aws:iam::{get_account_id()}:root"
