"""The AWS/Bedrock metrics of each call, written straight into the emulator's CloudWatch store.

`Invocations` counts what was accepted for processing, also when it failed afterwards (408, 424, 5xx), as the newest
text of the user guide has it. Refused requests (400, 403, 404) are only client errors, and a throttled request is in
`InvocationThrottles` and nowhere else. Each metric is published twice: with the dimension ModelId, and without any. The
metrics of a guardrail count ApplyGuardrail alone: its part in Converse is in the invocation log. Where AWS's pages
leave a question open, `publishing` of the configuration decides.
"""

import time

from ministack.services import cloudwatch

from local.simulator.models.identifiers import Target, last_part
from local.simulator.models.known import is_legacy, quota_weight
from local.simulator.replay.turns import Turn
from local.simulator.settings.config import LOG_DELIVERIES
from local.simulator.settings.state import SIMULATOR

NAMESPACE, GUARDRAILS = "AWS/Bedrock", "AWS/Bedrock/Guardrails"
_COUNT, _MILLISECONDS = "Count", "Milliseconds"
_ACCEPTED_THEN_FAILED = (408, 424, 500, 503)
_TOO_MANY_REQUESTS = 429


def publish_turn(target: Target, turn: Turn, *, called: str, streaming: bool) -> None:
    """Publish the metrics of a call that was answered, under the model that it named."""
    model_id = dimension(called)
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
    """Publish the metrics of a call of ApplyGuardrail, in each of its dimension sets."""
    for dimensions in (
        {"Operation": "ApplyGuardrail"},
        {"GuardrailContentSource": source.capitalize()},
        {"GuardrailArn": arn, "GuardrailVersion": version},
    ):
        _add("Invocations", 1, _COUNT, dimensions, namespace=GUARDRAILS)
        _add("TextUnitCount", units, _COUNT, dimensions, namespace=GUARDRAILS)
        if intervened:
            _add("InvocationsIntervened", 1, _COUNT, dimensions, namespace=GUARDRAILS)


def publish_error(called: str, status: int) -> None:
    """Publish the metrics of a call that ended with this HTTP status, under the model that it named."""
    model_id = dimension(called)
    if status == _TOO_MANY_REQUESTS:
        _publish(model_id, "InvocationThrottles", 1, _COUNT)
        return
    if status in _ACCEPTED_THEN_FAILED:
        _publish(model_id, "Invocations", 1, _COUNT)
    name = "InvocationServerErrors" if status >= 500 else "InvocationClientErrors"
    _publish(model_id, name, 1, _COUNT)


def dimension(called: str) -> str:
    """The `ModelId` of calls of an identifier: the last part of an ARN, or all of it, as the configuration says."""
    by_arn = SIMULATOR.config.publishing.profiles_by_arn and ":application-inference-profile/" in called
    return called if by_arn else last_part(called)


def publish_delivery(destination: str, *, delivered: bool) -> None:
    """Publish whether a log record reached its destination (`CloudWatch`, `S3`, `LargeDataS3`)."""
    prefix = "ModelInvocationLargeData" if destination == "LargeDataS3" else "ModelInvocationLogs"
    place = "S3" if destination == "LargeDataS3" else destination
    across = SIMULATOR.config.publishing.log_delivery
    dimensions = {} if across == LOG_DELIVERIES[0] else {"ModelId": across}
    _add(f"{prefix}{place}Delivery{'Success' if delivered else 'Failure'}", 1, _COUNT, dimensions)


def _publish(model_id: str, name: str, value: float, unit: str) -> None:
    behaviour, plain = SIMULATOR.config.publishing, {"ModelId": model_id}
    if not behaviour.tiers_apart:
        _add(name, value, unit, plain)
    if behaviour.tiers or behaviour.tiers_apart:
        _add(name, value, unit, {**plain, "ServiceTier": "default", "ResolvedServiceTier": "default"})
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
