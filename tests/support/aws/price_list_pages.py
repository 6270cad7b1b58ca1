"""Answers of GetProducts, written by hand after public copies of the Price List (us-east-1, autumn 2026).

Names, usage types, units and the prices of Nova 2.0 Lite are those of the copies; SKUs are made up, and the prices of
Claude are only plausible. The entries that are no plain on-demand price stand there to be passed over.
"""

import json
from typing import Any
from zlib import crc32


def product(service: str, usage_type: str, price: str, unit: str, **attributes: str) -> str:
    sku = f"SKU{crc32(usage_type.encode()):08X}"
    dimension = {
        "unit": unit,
        "beginRange": "0",
        "endRange": "Inf",
        "description": f"${price} per {unit} for {usage_type}",
        "pricePerUnit": {"USD": price},
    }
    entry: dict[str, Any] = {
        "product": {"sku": sku, "attributes": {"usagetype": usage_type, "regionCode": "us-east-1", **attributes}},
        "serviceCode": service,
        "terms": {"OnDemand": {f"{sku}.JRTCKXETXF": {"priceDimensions": {f"{sku}.JRTCKXETXF.6YS6EN2CT7": dimension}}}},
        "version": "20260901205051",
    }
    return json.dumps(entry)


def nova(kind: str, price: str, *, unit: str = "1K tokens", **attributes: str) -> str:
    more = {"model": "Nova 2.0 Lite", "feature": "On-demand Inference", **attributes}
    return product("AmazonBedrock", f"USE1-Nova2.0Lite-{kind}", price, unit, **more)


def claude(field: str, price: str, *, name: str = "Claude Haiku 5.5", unit: str = "1M tokens") -> str:
    service_name = f"{name} (Amazon Bedrock Edition)"
    return product(
        "AmazonBedrockFoundationModels", f"USE1-MP:USE1_{field}-Units", price, unit, servicename=service_name
    )


NOVA_2_LITE = (
    nova("input-tokens", "0.0003300000"),
    nova("output-tokens", "0.0027500000"),
    nova("cache-read-input-token-count", "0.0000825000"),
    nova("cache-write-input-token-count", "0.0000000000"),
    nova("input-tokens-cross-region-global", "0.0003000000"),
    nova("output-tokens-cross-region-global", "0.0025000000"),
    nova("input-tokens-flex", "0.0001650000", service_tier="flex"),
    nova("input-tokens-priority", "0.0005775000"),
    nova("input-tokens-batch", "0.0001650000", feature="Batch Inference"),
    nova("input-tokens-custom-model", "0.0003000000", feature="Model Customization"),
    nova("Customization-Training", "0.0037800000"),
)
HAIKU_5_5 = (
    claude("input_tokens_standard", "0.1100000000"),
    claude("output_tokens_standard", "0.5500000000"),
    claude("cache_read_tokens_standard", "0.0110000000"),
    claude("cache_write_tokens_standard", "0.1375000000"),
    claude("cache_write_tokens_1h_standard", "0.2200000000"),
    claude("input_tokens_global_standard", "0.1000000000"),
    claude("output_tokens_global_standard", "0.5000000000"),
    claude("input_tokens_long_ctx_standard", "0.5500000000"),
    claude("input_tokens_batch", "0.0550000000"),
)
HAIKU_4_5 = (
    claude("InputTokenCount", "1.1000000000", name="Claude Haiku 4.5"),
    claude("OutputTokenCount", "5.5000000000", name="Claude Haiku 4.5"),
    claude("InputTokenCount_Global", "1.0000000000", name="Claude Haiku 4.5"),
    claude("OutputTokenCount_Global", "5.0000000000", name="Claude Haiku 4.5"),
    claude("CacheReadInputTokenCount", "0.1100000000", name="Claude Haiku 4.5"),
    claude("CacheWriteInputTokenCount", "1.3750000000", name="Claude Haiku 4.5"),
    claude("CacheWrite1hInputTokenCount", "2.2000000000", name="Claude Haiku 4.5"),
    claude("InputTokenCount_Batch", "0.5500000000", name="Claude Haiku 4.5"),
)
