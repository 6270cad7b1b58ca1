"""The saved queries of the account's owner: each one is carried out over a record of every shape."""

from typing import Any

import pytest
from aws_cdk import App, Stack

from bedrock_eval.invocation_log.queries import saved_queries
from bedrock_eval.names import PhysicalNames
from bedrock_eval.pricing.costs import Rates
from bedrock_eval_cdk.core.errors import DeclarationError
from bedrock_eval_cdk.invocation_logging.saved_queries import SavedQueries
from local.emulator.logs.insights.parser import run
from tests.support.aws.log_records import HAIKU, NOVA, RECORDS, events
from tests.support.synthesis.templates import Template, environment, retained, synthesize, tenant

QUERY = "AWS::Logs::QueryDefinition"
MODELS: dict[str, Any] = {"haiku": {"id": HAIKU, "rates": {"input": 1, "output": 5}}, "nova": {"id": NOVA}}


def saved(template: Template) -> dict[str, str]:
    return {query["Name"]: query["QueryString"] for query in template.resources(QUERY).values()}


def test_the_owner_has_them_all_on_its_log_group() -> None:
    made = synthesize(environment(region="us-east-1", models=MODELS, invocation_logging={"log_group": "/shop/models"}))[
        "monitoring"
    ]
    expected = saved_queries(rates={HAIKU: Rates(1, 5)})
    assert saved(made) == {f"shop-dev/{name}": text for name, text in expected.items()}
    assert {tuple(query["LogGroupNames"]) for query in made.resources(QUERY).values()} == {("/shop/models",)}


def test_every_query_as_deployed_gives_rows() -> None:
    found = saved(synthesize(environment(region="us-east-1", models=MODELS))["monitoring"])
    assert len(found) == 18
    blocked = {**RECORDS["InvokeModel"], "output": {"outputBodyJson": {"amazon-bedrock-guardrailAction": "INTERVENED"}}}
    records = events([*RECORDS.values(), blocked])
    assert [name for name, text in found.items() if not run(text, records).rows] == []


def test_a_profile_is_priced_by_its_own_id() -> None:
    models = {**MODELS, "haiku": {**MODELS["haiku"], "profile": True}}
    texts = saved(synthesize(environment(region="us-east-1", models=models))["monitoring"])
    assert f'filter model in ["{HAIKU}", "<' in texts["shop-dev/cost by model"]


def test_a_text_that_logs_insights_would_not_take_is_refused() -> None:
    rates = {f"us.anthropic.claude-sonnet-{n}-20260101-v1:0": Rates(3 + n, 15, cache_read=0.3) for n in range(60)}
    stack = Stack(App(), "shop-dev-monitoring")
    with pytest.raises(
        DeclarationError, match=r"'cost by model' with the rates of 60 models .* \d\d,\d+ .* allowed: 10,000"
    ):
        SavedQueries(stack, "Queries", names=PhysicalNames("shop-dev"), log_group="/shop/models", rates=rates)


def test_without_rates_there_is_no_cost() -> None:
    names = {name.rpartition("/")[2] for name in saved(retained()["monitoring"])}
    assert "unpriced tokens" in names
    assert not {name for name in names if name.startswith("cost")}


def test_nobody_else_saves_queries_on_a_log_that_is_not_theirs() -> None:
    for made in (tenant(), synthesize(environment(invocation_logging={"mode": "none"}))):
        assert saved(made["monitoring"]) == {}
