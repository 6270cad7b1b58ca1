"""What of Bedrock's metrics nobody reads, by sets of dimensions."""

from collections.abc import Mapping

import pytest

from bedrock_eval import catalogue
from bedrock_eval.catalogue import ALL_MODELS, BEDROCK, GUARDRAILS, MODEL_ID
from bedrock_eval.watchdog.active_metrics import (
    NAMESPACES,
    NOT_READ,
    Overlap,
    Reads,
    ReadSet,
    Search,
    Series,
    Unread,
    unread,
)

WATCHED = "us.amazon.nova-2-lite-v1:0"
PROFILE = "abc123def456"
ARN = f"arn:aws:bedrock:us-east-1:111111111111:application-inference-profile/{PROFILE}"
STRANGER = "us.anthropic.claude-haiku-5-5"
GUARDRAIL = {"GuardrailArn": "arn:aws:bedrock:us-east-1:111111111111:guardrail/gr1", "GuardrailVersion": "1"}

READS = Reads(
    alarms=(
        ReadSet(BEDROCK, {MODEL_ID: WATCHED}, ("InvocationThrottles", "Invocations")),
        ReadSet(BEDROCK, {MODEL_ID: PROFILE}, ("Invocations",)),
        ReadSet(BEDROCK, {}, ("ModelInvocationLogsCloudWatchDeliveryFailure",)),
        ReadSet(BEDROCK, {MODEL_ID: ALL_MODELS}, ("ModelInvocationLogsCloudWatchDeliveryFailure",)),
        ReadSet(GUARDRAILS, GUARDRAIL, ("InvocationsIntervened",)),
    ),
    drawn=(ReadSet(BEDROCK, {MODEL_ID: WATCHED}, ("InputTokenCount",)),),
    searched=(Search(BEDROCK, "EstimatedTPMQuotaUsage", (MODEL_ID,)),),
    elsewhere=("eu.*", "other-profile", "arn:aws:bedrock:us-east-1:111111111111:guardrail/gr9"),
)


def bedrock(name: str, **dimensions: str) -> Series:
    return Series.of(BEDROCK, name, dimensions)


def found(*active: Series, **more: object) -> Unread:
    return unread(active, READS, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "series",
    [
        bedrock("Invocations", ModelId=WATCHED),
        bedrock("InputTokenCount", ModelId=WATCHED),
        bedrock("EstimatedTPMQuotaUsage", ModelId=PROFILE),
        # Where AWS publishes the delivery of logs, nobody has said.
        bedrock("ModelInvocationLogsCloudWatchDeliveryFailure"),
        bedrock("ModelInvocationLogsCloudWatchDeliveryFailure", ModelId=ALL_MODELS),
        Series.of(GUARDRAILS, "InvocationsIntervened", GUARDRAIL),
        bedrock("OutputImageCount", ModelId=WATCHED, ImageSize="1024x1024", BucketedStepSize="50"),
    ],
    ids=str,
)
def test_what_is_read_is_not_told(series: Series) -> None:
    assert found(series) == Unread()


@pytest.mark.parametrize(
    "series",
    [
        bedrock("InvocationServerErrors", ModelId=WATCHED),
        bedrock("AMetricThatAwsInventsTomorrow", ModelId=WATCHED),
        bedrock("AMetricThatAwsInventsTomorrow"),
        bedrock("ModelInvocationLogsS3DeliveryFailure"),
        bedrock("ModelInvocationLogsS3DeliveryFailure", ModelId=ALL_MODELS),
        # Read by id, and published by ARN alone.
        bedrock("Invocations", ModelId=ARN),
        # Read without tiers, and published by tier alone.
        bedrock("Invocations", ModelId=WATCHED, ServiceTier="flex", ResolvedServiceTier="flex"),
        # Of a guardrail that nobody declared.
        Series.of(GUARDRAILS, "Invocations", {**GUARDRAIL, "GuardrailVersion": "2"}),
    ],
    ids=str,
)
def test_a_set_that_nobody_reads_is_told(series: Series) -> None:
    assert found(series) == Unread(metrics=(series,))


def test_models_that_nobody_watches_count_once_each_whatever_they_publish() -> None:
    foreign = f"arn:aws:bedrock:us-east-1:111111111111:application-inference-profile/{'z' * 12}"
    active = (
        bedrock("Invocations", ModelId=STRANGER),
        bedrock("InputTokenCount", ModelId=STRANGER),
        bedrock("Invocations", ModelId=STRANGER, ServiceTier="flex"),
        bedrock("Invocations", ModelId=foreign),
    )
    assert found(*active) == Unread(models=(foreign, STRANGER))


def test_models_that_evaluations_call_or_costs_read_are_watched() -> None:
    active = (bedrock("EstimatedTPMQuotaUsage", ModelId="own"), bedrock("InputTokenCount", ModelId="priced"))
    assert found(*active).models == ("own", "priced")
    costs = [ReadSet(BEDROCK, {MODEL_ID: "priced"}, ("InputTokenCount",))]
    assert found(*active, costs=costs, asked={"own"}) == Unread()


def test_what_others_watch_is_not_told() -> None:
    other = "arn:aws:bedrock:us-east-1:111111111111:application-inference-profile/other-profile"
    assert (
        found(
            bedrock("Invocations", ModelId="eu.amazon.nova-2-lite-v1:0"),
            bedrock("Invocations", ModelId="other-profile"),
            bedrock("Invocations", ModelId=other, ServiceTier="flex"),
            Series.of(GUARDRAILS, "Invocations", {**GUARDRAIL, "GuardrailArn": READS.elsewhere[2]}),
        )
        == Unread()
    )


def test_deliveries_of_a_log_that_is_not_ours_are_not_told() -> None:
    delivery = bedrock("ModelInvocationLogsS3DeliveryFailure")
    assert unread([delivery], Reads(logs=False)) == Unread()
    assert unread([delivery], Reads()) == Unread(metrics=(delivery,))


@pytest.mark.parametrize(
    ("total", "part"),
    [
        (bedrock("Invocations"), bedrock("Invocations", ModelId=WATCHED)),
        (
            Series.of(GUARDRAILS, "InvocationsIntervened", {"GuardrailPolicyType": "TopicPolicy"}),
            Series.of(GUARDRAILS, "InvocationsIntervened", GUARDRAIL),
        ),
    ],
)
def test_a_sum_is_told_only_where_its_parts_are_not_there(total: Series, part: Series) -> None:
    assert found(total, part) == Unread()
    assert found(total) == Unread(metrics=(total,))


WHOLE = bedrock("Invocations", ModelId=WATCHED)
FLEX = bedrock("Invocations", ModelId=WATCHED, ResolvedServiceTier="flex", ServiceTier="flex")
PRIORITY = bedrock("Invocations", ModelId=WATCHED, ResolvedServiceTier="priority", ServiceTier="priority")
BY_ID, BY_ARN = bedrock("Invocations", ModelId=PROFILE), bedrock("Invocations", ModelId=ARN)


@pytest.mark.parametrize(
    ("active", "counts", "told"),
    [
        # All calls are in the plain set, those without a tier too.
        ((WHOLE, FLEX, PRIORITY), {WHOLE: 100, FLEX: 40, PRIORITY: 30}, ()),
        ((WHOLE, FLEX, PRIORITY), {WHOLE: 100, FLEX: 50, PRIORITY: 51}, ()),
        ((WHOLE, FLEX, PRIORITY), {WHOLE: 100, FLEX: 50, PRIORITY: 60}, (FLEX, PRIORITY)),
        # The same calls under two names, or half of them under each.
        ((BY_ID, BY_ARN), {BY_ID: 100, BY_ARN: 99}, ()),
        ((BY_ID, BY_ARN), {BY_ID: 100, BY_ARN: 60}, (BY_ARN,)),
        ((BY_ID, BY_ARN), {BY_ID: 60, BY_ARN: 100}, (BY_ARN,)),
    ],
)
def test_sets_beside_one_that_is_read_are_counted(
    active: tuple[Series, ...], counts: Mapping[Series, float], told: tuple[Series, ...]
) -> None:
    looked = found(*active)
    assert (looked.models, looked.metrics) == ((), ())
    assert looked.decided(counts) == Unread(metrics=told)


def test_a_latency_is_counted_by_its_samples() -> None:
    assert bedrock("InvocationLatency", ModelId=WATCHED).statistic == "SampleCount"
    assert bedrock("InputTokenCount", ModelId=WATCHED).statistic == "Sum"


def test_overlaps_of_several_metrics_are_decided_each_by_itself() -> None:
    tokens = bedrock("InputTokenCount", ModelId=WATCHED)
    flex = bedrock("InputTokenCount", ModelId=WATCHED, ResolvedServiceTier="flex", ServiceTier="flex")
    looked = found(WHOLE, FLEX, tokens, flex)
    assert looked.overlaps == (Overlap(tokens, (flex,), same=False), Overlap(WHOLE, (FLEX,), same=False))
    assert looked.decided({WHOLE: 10, FLEX: 5, tokens: 10, flex: 50}).metrics == (flex,)


def test_what_is_not_read_has_a_reason_and_a_namespace_that_is_asked() -> None:
    assert all(row.reason and row.namespace in NAMESPACES for row in NOT_READ)


def test_the_catalogue_has_both_ways_of_log_delivery() -> None:
    ways = {
        entry.name: {each.dimensions for each in catalogue.FIXED if each.name == entry.name}
        for entry in catalogue.FIXED
        if "Delivery" in entry.name
    }
    assert len(ways) == 6
    assert all(dimensions == {(), (MODEL_ID,)} for dimensions in ways.values())
