"""AWS/Bedrock metrics of calls, read back through CloudWatch's API."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.simulator.models.known import quota_weight
from tests.support.local.simulator import BASE, LEGACY, NO_SAMPLING, PLAIN, QUESTIONS, Simulator, ask

METRICS = (
    "Invocations",
    "InvocationLatency",
    "InputTokenCount",
    "OutputTokenCount",
    "InvocationClientErrors",
    "InvocationServerErrors",
    "InvocationThrottles",
    "TimeToFirstToken",
    "EstimatedTPMQuotaUsage",
    "LegacyModelInvocations",
)


@pytest.fixture
def profile(bedrock: Any) -> Any:
    """A profile of its own for each test, so that its ModelId series starts empty."""
    arn = bedrock.create_inference_profile(
        inferenceProfileName=f"metrics-{uuid.uuid4().hex[:8]}",
        modelSource={"copyFrom": f"arn:aws:bedrock:us-east-1::foundation-model/{PLAIN}"},
    )["inferenceProfileArn"]
    yield arn
    bedrock.delete_inference_profile(inferenceProfileIdentifier=arn)


def statistics(simulator: Simulator, name: str, model_id: str | None, statistic: str = "Sum") -> float | None:
    """One statistic of a metric over the last hour; None without data."""
    now = datetime.now(UTC)
    points = simulator.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Bedrock",
        MetricName=name,
        Dimensions=[] if model_id is None else [{"Name": "ModelId", "Value": model_id}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=7200,
        Statistics=[statistic],
    )["Datapoints"]
    return sum(point[statistic] for point in points) if points else None


def snapshot(simulator: Simulator, model_id: str | None) -> dict[str, float]:
    values = {name: statistics(simulator, name, model_id) for name in METRICS}
    return {name: value for name, value in values.items() if value is not None}


def test_an_answer_counts_once_under_the_profile_id_and_once_without_dimension(
    simulator: Simulator, runtime: Any, profile: str
) -> None:
    before = snapshot(simulator, None)
    answers = [ask(runtime, question, model=profile) for question in QUESTIONS[:4]]
    own = snapshot(simulator, profile.rpartition("/")[2])
    assert own == {
        "Invocations": 4,
        "InvocationLatency": sum(answer["metrics"]["latencyMs"] for answer in answers),
        "InputTokenCount": sum(answer["usage"]["inputTokens"] for answer in answers),
        "OutputTokenCount": sum(answer["usage"]["outputTokens"] for answer in answers),
        # An output token of this model takes one of the quota.
        "EstimatedTPMQuotaUsage": sum(answer["usage"]["totalTokens"] for answer in answers),
    }
    after = snapshot(simulator, None)
    assert {name: after[name] - before.get(name, 0) for name in own} == own
    listed = simulator.client("cloudwatch").list_metrics(Namespace="AWS/Bedrock", MetricName="Invocations")["Metrics"]
    assert [{"Name": "ModelId", "Value": profile.rpartition("/")[2]}] in [metric["Dimensions"] for metric in listed]


def test_units_and_counts_are_those_of_aws(simulator: Simulator, runtime: Any, profile: str) -> None:
    for question in QUESTIONS[:3]:
        ask(runtime, question, model=profile)
    model_id = profile.rpartition("/")[2]
    assert statistics(simulator, "InputTokenCount", model_id, "SampleCount") == 3
    now = datetime.now(UTC)
    for name, unit in (("InvocationLatency", "Milliseconds"), ("Invocations", "Count"), ("OutputTokenCount", "Count")):
        points = simulator.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Bedrock",
            MetricName=name,
            Dimensions=[{"Name": "ModelId", "Value": model_id}],
            StartTime=now - timedelta(minutes=5),
            EndTime=now + timedelta(minutes=1),
            Period=60,
            Statistics=["Average"],
        )["Datapoints"]
        assert {point["Unit"] for point in points} == {unit}


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("throttle", {"InvocationThrottles": 1.0}),
        ("500", {"Invocations": 1.0, "InvocationServerErrors": 1.0}),
        ("503", {"Invocations": 1.0, "InvocationServerErrors": 1.0}),
        ("408", {"Invocations": 1.0, "InvocationClientErrors": 1.0}),
        ("424", {"Invocations": 1.0, "InvocationClientErrors": 1.0}),
        ("denied", {"InvocationClientErrors": 1.0}),
    ],
)
def test_failures_count_where_they_belong_and_nowhere_else(
    simulator: Simulator, runtime: Any, profile: str, fault: str, expected: dict[str, float]
) -> None:
    simulator.configure(faults={"*": {fault: 1}})
    with pytest.raises(ClientError):
        ask(runtime, QUESTIONS[0], model=profile)
    assert snapshot(simulator, profile.rpartition("/")[2]) == expected


def test_a_stream_also_has_a_time_to_first_token(simulator: Simulator, runtime: Any, profile: str) -> None:
    messages = [{"role": "user", "content": [{"text": QUESTIONS[0]}]}]
    list(runtime.converse_stream(modelId=profile, messages=messages)["stream"])
    own = snapshot(simulator, profile.rpartition("/")[2])
    assert own["Invocations"] == 1
    assert 0 < own["TimeToFirstToken"] < own["InvocationLatency"]


def test_an_arn_counts_under_its_last_part(simulator: Simulator, runtime: Any) -> None:
    before = snapshot(simulator, PLAIN).get("Invocations", 0)
    ask(runtime, QUESTIONS[0], model=f"arn:aws:bedrock:us-east-1::foundation-model/{PLAIN}")
    assert snapshot(simulator, PLAIN)["Invocations"] == before + 1


@pytest.mark.parametrize(("model", "weight"), [(PLAIN, 1), ("us." + BASE, 5), (NO_SAMPLING, 10)])
def test_output_tokens_weigh_in_the_quota_as_the_guide_says(
    simulator: Simulator, runtime: Any, model: str, weight: int
) -> None:
    before = snapshot(simulator, model).get("EstimatedTPMQuotaUsage", 0)
    usage = ask(runtime, QUESTIONS[0], model=model)["usage"]
    used = snapshot(simulator, model)["EstimatedTPMQuotaUsage"] - before
    assert used == usage["inputTokens"] + weight * usage["outputTokens"]


@pytest.mark.parametrize(
    ("model", "weight"),
    [
        ("anthropic.claude-opus-4-7", 5),
        ("global.anthropic.claude-opus-4-8", 15),
        ("anthropic.claude-opus-5-5", 10),
        ("anthropic.claude-haiku-5-5", 1),
        ("anthropic.claude-3-haiku-20240307-v1:0", 5),
    ],
)
def test_the_newest_models_weigh_otherwise(model: str, weight: int) -> None:
    assert quota_weight(model) == weight


def test_a_call_of_a_legacy_model_is_counted_as_one(simulator: Simulator, runtime: Any) -> None:
    ask(runtime, QUESTIONS[0], model=LEGACY)
    assert snapshot(simulator, LEGACY)["LegacyModelInvocations"] == 1
    ask(runtime, QUESTIONS[0], model=PLAIN)
    assert "LegacyModelInvocations" not in snapshot(simulator, PLAIN)


def of_guardrail(simulator: Simulator, dimensions: dict[str, str]) -> dict[str, float]:
    now = datetime.now(UTC)
    counted = {}
    for name in ("Invocations", "InvocationsIntervened", "TextUnitCount"):
        points = simulator.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Bedrock/Guardrails",
            MetricName=name,
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(minutes=1),
            Period=7200,
            Statistics=["Sum"],
        )["Datapoints"]
        counted[name] = sum(point["Sum"] for point in points)
    return counted


def test_a_guardrail_inside_of_converse_is_in_none_of_its_metrics(simulator: Simulator, runtime: Any) -> None:
    identifier = f"gr{uuid.uuid4().hex[:10]}"
    guarded = {"guardrailIdentifier": identifier, "guardrailVersion": "1"}
    messages = [{"role": "user", "content": [{"text": QUESTIONS[0]}]}]

    def call(**more: Any) -> tuple[str, str]:
        answer = runtime.converse(modelId=PLAIN, messages=messages, **more)
        return answer["stopReason"], answer["output"]["message"]["content"][0]["text"]

    assert call(guardrailConfig=guarded)[0] == "end_turn"
    simulator.configure(faults={"*": {"guardrail": 1}})
    reason, text = call(guardrailConfig=guarded)
    assert reason == "guardrail_intervened"
    assert "answer to" not in text
    # Nobody intervenes where no guardrail is named.
    assert call()[0] == "end_turn"
    arn = f"arn:aws:bedrock:us-east-1:000000000000:guardrail/{identifier}"
    nothing = {"Invocations": 0, "InvocationsIntervened": 0, "TextUnitCount": 0}
    assert of_guardrail(simulator, {"GuardrailArn": arn, "GuardrailVersion": "1"}) == nothing


def test_apply_guardrail_counts_what_it_saw_and_where_it_intervened(simulator: Simulator, runtime: Any) -> None:
    identifier = f"gr{uuid.uuid4().hex[:10]}"

    def call(text: str) -> Any:
        return runtime.apply_guardrail(
            guardrailIdentifier=identifier, guardrailVersion="1", source="INPUT", content=[{"text": {"text": text}}]
        )

    answer = call("a" * 1_001)
    assert (answer["action"], answer["outputs"], answer["usage"]["contentPolicyUnits"]) == ("NONE", [], 2)
    simulator.configure(faults={identifier: {"guardrail": 1}})
    answer = call("a")
    assert answer["action"] == "GUARDRAIL_INTERVENED"
    assert answer["outputs"]
    arn = f"arn:aws:bedrock:us-east-1:000000000000:guardrail/{identifier}"
    counted = {"Invocations": 2, "InvocationsIntervened": 1, "TextUnitCount": 3}
    assert of_guardrail(simulator, {"GuardrailArn": arn, "GuardrailVersion": "1"}) == counted
    for dimensions in ({"Operation": "ApplyGuardrail"}, {"GuardrailContentSource": "Input"}):
        assert of_guardrail(simulator, dimensions)["InvocationsIntervened"] >= 1


def test_apply_guardrail_refuses_what_the_api_does_not_know(runtime: Any) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        runtime.apply_guardrail(
            guardrailIdentifier="gr1", guardrailVersion="zero", source="INPUT", content=[{"text": {"text": "a"}}]
        )


@pytest.mark.parametrize(
    ("publishing", "found"),
    [
        ({}, {"plain"}),
        ({"profiles_by_arn": True}, {"by ARN"}),
        ({"tiers": True}, {"plain", "by tier"}),
        ({"tiers_apart": True}, {"by tier"}),
        ({"unpublished": 1.0}, set()),
    ],
)
def test_what_aws_leaves_open_is_published_either_way(
    simulator: Simulator, runtime: Any, profile: str, *, publishing: dict[str, Any], found: set[str]
) -> None:
    simulator.configure(publishing=publishing)
    ask(runtime, QUESTIONS[0], model=profile)
    cloudwatch, profile_id = simulator.client("cloudwatch"), profile.rpartition("/")[2]
    pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace="AWS/Bedrock", MetricName="Invocations")
    sets = [
        {entry["Name"]: entry["Value"] for entry in each["Dimensions"]} for page in pages for each in page["Metrics"]
    ]
    ways = {
        "plain": {"ModelId": profile_id},
        "by ARN": {"ModelId": profile},
        "by tier": {"ModelId": profile_id, "ServiceTier": "default", "ResolvedServiceTier": "default"},
    }
    assert {way for way, dimensions in ways.items() if dimensions in sets} == found
