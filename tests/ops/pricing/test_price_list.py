"""What entries of the Price List say of a model."""

import json
from datetime import date

import pytest

from bedrock_eval.models import Model
from ops.pricing.price_list import AMAZON, LISTINGS, MARKETPLACE, VERIFIED_ON, Quote, listing, quote
from tests.support.aws.price_list_pages import HAIKU_4_5, HAIKU_5_5, NOVA_2_LITE, nova


def of(model_id: str, *products: str) -> Quote:
    return quote(Model(model_id, region="us-east-1"), map(json.loads, products))


@pytest.mark.parametrize(
    ("model_id", "products", "rates"),
    [
        ("us.amazon.nova-2-lite-v1:0", NOVA_2_LITE, (0.33, 2.75, 0.0825, 0.0)),
        ("amazon.nova-2-lite-v1:0", NOVA_2_LITE, (0.33, 2.75, 0.0825, 0.0)),
        ("global.amazon.nova-2-lite-v1:0", NOVA_2_LITE, (0.3, 2.5)),
        ("us.anthropic.claude-haiku-5-5", HAIKU_5_5, (0.11, 0.55, 0.011, 0.1375)),
        ("global.anthropic.claude-haiku-5-5", HAIKU_5_5, (0.1, 0.5)),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", HAIKU_4_5, (1.1, 5.5, 0.11, 1.375)),
        ("global.anthropic.claude-haiku-4-5-20251001-v1:0", HAIKU_4_5, (1.0, 5.0)),
    ],
)
def test_a_geographic_profile_is_the_regions_price_and_global_its_own(
    model_id: str, products: tuple[str, ...], rates: tuple[float, ...]
) -> None:
    kinds = ("input", "output", "cache_read", "cache_write")
    assert of(model_id, *products) == Quote(dict(zip(kinds, rates, strict=False)))


def test_without_input_or_output_there_are_no_rates_at_all() -> None:
    found = of("us.amazon.nova-2-lite-v1:0", nova("input-tokens", "0.1"), nova("cache-read-input-token-count", "0.1"))
    assert found == Quote({}, ("output: no entry for on-demand calls from us-east-1",))
    assert of("us.amazon.nova-2-lite-v1:0").rates == {}


def test_an_unclear_cache_price_leaves_the_others() -> None:
    found = of(
        "us.amazon.nova-2-lite-v1:0",
        *NOVA_2_LITE[:2],
        nova("cache-read-input-token-count", "0.1"),
        nova("cache-read-input-token-count", "0.2"),
    )
    assert set(found.rates) == {"input", "output"}
    assert found.problems == ("cache_read: ambiguous, 2 prices (100, 200)",)


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (nova("input-tokens", "0.1", unit="Hours"), "input: unit 'Hours' is not known; known: 1K tokens, 1M tokens"),
        (nova("input-tokens", "free"), "input: no price in USD ('free')"),
        (nova("input-tokens", "0.1").replace('"OnDemand"', '"Reserved"'), "input: 0 price tiers, 1 is needed"),
    ],
)
def test_a_price_that_cannot_be_read_is_said(broken: str, told: str) -> None:
    found = of("us.amazon.nova-2-lite-v1:0", broken, NOVA_2_LITE[1])
    assert found.rates == {}
    assert told in found.problems


def test_the_same_price_twice_is_not_ambiguous() -> None:
    assert of("us.amazon.nova-2-lite-v1:0", *NOVA_2_LITE, *NOVA_2_LITE).problems == ()


def test_an_entry_of_the_mantle_endpoint_is_another_price() -> None:
    mantle = nova("input-tokens", "0.9").replace("Nova2.0Lite-input", "amazon.nova-2-lite-mantle-input")
    assert of("us.amazon.nova-2-lite-v1:0", *NOVA_2_LITE, mantle).rates["input"] == 0.33


def test_the_table_is_of_models_and_of_both_service_codes() -> None:
    assert {each.service_code for each in LISTINGS.values()} == {AMAZON, MARKETPLACE}
    assert all(Model(model_id, region="us-east-1").profile is None for model_id in LISTINGS)
    assert listing(Model("eu.anthropic.claude-haiku-5-5", region="eu-west-1")) == LISTINGS["anthropic.claude-haiku-5-5"]
    assert listing(Model("meta.llama3-1-8b-instruct-v1:0", region="us-east-1")) is None
    assert date(2026, 1, 1) < VERIFIED_ON
