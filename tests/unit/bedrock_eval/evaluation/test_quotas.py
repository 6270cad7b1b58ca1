from dataclasses import replace
from typing import Any

import pytest

from bedrock_eval.evaluation.definition import Candidate, InferenceParameters, default_max_tokens
from bedrock_eval.evaluation.quotas import calls_a_minute, quota_sentence

NOVA = Candidate("nova", "eu.amazon.nova-lite-v1:0", "profile", tokens_per_minute=600_000)
SONNET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
THINKER = "us.anthropic.claude-haiku-5-5"


@pytest.mark.parametrize(
    ("model", "fields", "limit"),
    [
        ("amazon.nova-lite-v1:0", None, 4096),
        ("arn:aws:bedrock:us-east-1:111122223333:imported-model/abcdefghijkl", None, 4096),
        (THINKER, None, 16384),
        (THINKER, {"thinking": {"type": "disabled"}}, 4096),
        (
            SONNET,
            {"thinking": {"type": "enabled", "budget_tokens": 20000}},
            24096,
        ),
        (SONNET, {"thinking": {"type": "adaptive"}}, 16384),
    ],
)
def test_the_longest_answer_where_nothing_is_said_of_it(model: str, fields: Any, limit: int) -> None:
    assert default_max_tokens(model, additional_fields=fields) == limit


def test_each_call_reserves_its_prompt_and_its_longest_answer() -> None:
    assert calls_a_minute(NOVA, input_tokens=104) == 142
    short = replace(NOVA, parameters=InferenceParameters(max_tokens=1000))
    assert calls_a_minute(short, input_tokens=0) == 600
    assert quota_sentence(NOVA, input_tokens=104) == (
        "nova: 600,000 tokens per minute allow about 142 calls per minute: each call reserves max_tokens 4,096 and "
        "about "
        "104 tokens of its prompt until it ends"
    )
    assert "allow at most 146 calls per minute" in (quota_sentence(NOVA) or "")


def test_without_a_named_quota_nothing_is_said() -> None:
    unnamed = replace(NOVA, tokens_per_minute=None)
    assert calls_a_minute(unnamed, input_tokens=1) is None
    assert quota_sentence(unnamed) is None
