"""The AWS/Bedrock metrics of each call, written straight into the emulator's CloudWatch store.

`Invocations` counts what was accepted for processing, also when it failed afterwards (408, 424, 5xx), as the newest
text of the user guide has it. Refused requests (400, 403, 404) are only client errors, and a throttled request is in
`InvocationThrottles` and nowhere else. Each metric stands twice: with the dimension ModelId, and without any. Those of
a guardrail are of ApplyGuardrail alone: what it does inside of Converse is in the invocation log.
"""

import time

from ministack.services import cloudwatch

from local.bedrock.identifiers import Target
from local.bedrock.models import is_legacy, quota_weight
from local.bedrock.replay import Turn

NAMESPACE, GUARDRAILS = "AWS/Bedrock", "AWS/Bedrock/Guardrails"
_COUNT, _MILLISECONDS = "Count", "Milliseconds"
_ACCEPTED_THEN_FAILED = (408, 424, 500, 503)
_TOO_MANY_REQUESTS = 429


def publish_turn(target: Target, turn: Turn, *, streaming: bool) -> None:
    """The metrics of a call that was answered."""
    model_id = target.metric_id
    _publish(model_id, "Invocations", 1, _COUNT)
    _publish(model_id, "InvocationLatency", turn.latency_ms, _MILLISECONDS)
    _publish(model_id, "InputTokenCount", turn.input_tokens, _COUNT)
    _publish(model_id, "OutputTokenCount", turn.output_tokens, _COUNT)
    quota = turn.input_tokens + turn.output_tokens * quota_weight(target.name)
    _publish(model_id, "EstimatedTPMQuotaUsage", quota, _COUNT)
    if streaming:
        _publish(model_id, "TimeToFirstToken", turn.first_token_ms, _MILLISECONDS)
    if is_legacy(target.name):
        _publish(model_id, "LegacyModelInvocations", 1, _COUNT)


# Assumption: guardrail-metrics-apply-only
def publish_guardrail(arn: str, version: str, *, source: str, units: int, intervened: bool) -> None:
    """The metrics of a call of ApplyGuardrail, in each of its dimension sets; a guardrail inside Converse has none."""
    for dimensions in (
        {"Operation": "ApplyGuardrail"},
        {"GuardrailContentSource": source.capitalize()},
        {"GuardrailArn": arn, "GuardrailVersion": version},
    ):
        _add("Invocations", 1, _COUNT, dimensions, namespace=GUARDRAILS)
        _add("TextUnitCount", units, _COUNT, dimensions, namespace=GUARDRAILS)
        if intervened:
            _add("InvocationsIntervened", 1, _COUNT, dimensions, namespace=GUARDRAILS)


def publish_error(model_id: str, status: int) -> None:
    """The metrics of a call that ended with this HTTP status."""
    if status == _TOO_MANY_REQUESTS:
        _publish(model_id, "InvocationThrottles", 1, _COUNT)
        return
    if status in _ACCEPTED_THEN_FAILED:
        _publish(model_id, "Invocations", 1, _COUNT)
    name = "InvocationServerErrors" if status >= 500 else "InvocationClientErrors"
    _publish(model_id, name, 1, _COUNT)


def publish_delivery(destination: str, *, delivered: bool) -> None:
    """Whether an invocation-log record reached its destination (`CloudWatch`, `S3`, `LargeDataS3`); no dimension."""
    prefix = "ModelInvocationLargeData" if destination == "LargeDataS3" else "ModelInvocationLogs"
    place = "S3" if destination == "LargeDataS3" else destination
    _add(f"{prefix}{place}Delivery{'Success' if delivered else 'Failure'}", 1, _COUNT, {})


def _publish(model_id: str, name: str, value: float, unit: str) -> None:
    _add(name, value, unit, {"ModelId": model_id})
    _add(name, value, unit, {})


def _add(name: str, value: float, unit: str, dimensions: dict[str, str], *, namespace: str = NAMESPACE) -> None:
    """Store a value without evaluating alarms; equal values of a minute share a point, to keep the store small."""
    key = (namespace, name, cloudwatch._dims_key(dimensions))
    points = cloudwatch._metric_bucket(key)
    now = time.time()
    last = points[-1] if points else None
    if last is not None and last["Value"] == value and last["Timestamp"] // 60 == now // 60:
        last["Count"] += 1
        return
    points.append({"Timestamp": now, "Unit": unit, "Dimensions": dimensions, "Value": float(value), "Count": 1.0})
