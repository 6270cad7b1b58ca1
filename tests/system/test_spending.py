"""Money as deployed: the estimate, the cost of a run, the limit, and what the watchdog makes of the token metrics."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bedrock_eval.evaluation.definition import read_definition
from bedrock_eval.layout import definition_key
from tests.support.local.deployment import EVALUATION, Stack


def month_to_date(stack: Stack) -> float:
    """What the watchdog says when it is called now."""
    answer = stack.clients.functions.invoke(FunctionName=stack.names.watchdog, Payload=b"{}")
    assert "FunctionError" not in answer, answer["Payload"].read()
    now = datetime.now(UTC)
    points = stack.clients.cloudwatch.get_metric_statistics(
        Namespace="Custom/Bedrock",
        MetricName="month_to_date_cost",
        Dimensions=[{"Name": "Application", "Value": stack.environment.application}],
        StartTime=now - timedelta(minutes=10),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Maximum"],
    )["Datapoints"]
    return float(max(points, key=lambda point: point["Timestamp"])["Maximum"])


def test_a_run_costs_what_the_month_grows_by(stack: Stack) -> None:
    before, when = month_to_date(stack), stack.scheduled_time()
    assert stack.wait(stack.begin(EVALUATION, when))["status"] == "SUCCEEDED"
    layout = stack.layout(EVALUATION, when)
    costs = [candidate["cost"] for candidate in stack.read(layout.summary)["candidates"]]
    spent = sum(cost["usd"] for cost in costs)
    assert spent > 0
    assert all(cost["unpriced_tokens"] == 0 for cost in costs)
    # Through the evaluator's own profiles, whose ids the watchdog reads in the definition.
    assert month_to_date(stack) - before == pytest.approx(spent)
    state = stack.read(layout.state)
    assert state["cost"]["usd"] == pytest.approx(spent)
    assert state["estimate"]["calls"] == state["total"]


def test_a_run_over_its_limit_asks_nothing_and_says_why(stack: Stack) -> None:
    key = definition_key(EVALUATION)
    deployed: dict[str, Any] = stack.read(key)
    body = json.dumps({**read_definition(json.dumps(deployed)).to_json(), "max_cost": 0.000001})
    stack.clients.s3.put_object(Bucket=stack.bucket, Key=key, Body=body.encode())
    stack.simulator("DELETE", "calls")
    try:
        when = stack.scheduled_time()
        assert stack.wait(stack.begin(EVALUATION, when))["status"] == "FAILED"
    finally:
        stack.clients.s3.put_object(Bucket=stack.bucket, Key=key, Body=json.dumps(deployed).encode())
    state = stack.read(stack.layout(EVALUATION, when).state)
    assert (state["status"], state["reason"]) == ("failed", "estimate_over_limit")
    assert "no case was sent" in state["message"]
    assert stack.simulator("GET", "calls")["totals"]["attempts"] == 0
