"""What a definition says of every call, and how many of them a named quota allows."""

from typing import Any

import pytest

from configuration.resolve.definitions import Places, definition, quota_sentences
from tests.support.environment_files import Load, Mistakes, Write

CANDIDATES, ID = "    candidates: [small]", "    id: amazon.nova-lite-v1:0"
PLACES = Places(profiles={}, datasets_bucket="data", account="111111111111", partition="aws")


def test_the_longest_answer_stands_in_the_definition(write: Write, load: Load) -> None:
    write("dev")
    assert definition(load().environments[0], "quality", places=PLACES).candidates[0].parameters.max_tokens == 4096
    write("dev", (ID, "    id: us.anthropic.claude-haiku-5-5"))
    assert definition(load().environments[0], "quality", places=PLACES).candidates[0].parameters.max_tokens == 16384
    own = "    candidates: [{name: a, model: small, parameters: {max_tokens: 64}}]"
    write("dev", (CANDIDATES, own))
    assert definition(load().environments[0], "quality", places=PLACES).candidates[0].parameters.max_tokens == 64


def test_how_calls_are_made_is_a_matter_of_keys(write: Write, load: Load) -> None:
    keys: dict[str, Any] = {
        "read_timeout_seconds": 300,
        "max_attempts": 2,
        "patience_minutes": 5.0,
        "failed_case_rounds": 0,
        "score_thoughts": True,
    }
    lines = "".join(f"\n    {key}: {str(value).lower()}" for key, value in keys.items())
    write("dev", (CANDIDATES, CANDIDATES + lines))
    found = definition(load().environments[0], "quality", places=PLACES)
    assert {key: getattr(found, key) for key in keys} == keys


@pytest.mark.parametrize("line", ["read_timeout_seconds: 0", "read_timeout_seconds: 900", "max_attempts: 0"])
def test_bounds_are_said_with_the_key(write: Write, mistakes: Mistakes, line: str) -> None:
    write("dev", (CANDIDATES, f"{CANDIDATES}\n    {line}"))
    (told,) = mistakes()
    assert f"evaluations.quality.{line.partition(':')[0]}" in told


def test_a_named_quota_says_how_many_calls_it_allows(write: Write, load: Load) -> None:
    write("dev")
    assert quota_sentences(load().environments[0], "quality") == ()
    write("dev", (ID, f"{ID}\n    quota: {{tokens_per_minute: 600000}}"))
    assert quota_sentences(load().environments[0], "quality") == (
        "dev: quality: small: 600,000 tokens a minute allow at most 146 calls a minute, as each reserves max_tokens "
        "4,096 and its prompt until it ends",
    )
