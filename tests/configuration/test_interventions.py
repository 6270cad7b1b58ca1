"""What synth says of the environment that counts interventions of guardrails in model calls."""

import pytest

from configuration.resolve.interventions import interventions_sentence
from configuration.schema.environment import Environment

OWNER = {
    "application": "shop",
    "account": "111122223333",
    "region": "eu-central-1",
    "owner": "team",
    "owns_account": True,
    "runbook_url": "https://example.com/runbook",
    "models": {"small": {"id": "amazon.nova-lite-v1:0"}},
}


def named(name: str, **changes: object) -> Environment:
    return Environment.model_validate({**OWNER, "name": name, **changes})


def test_whoever_logs_says_nothing() -> None:
    assert interventions_sentence(named("prod"), ()) is None


def test_another_environment_of_the_account_is_named() -> None:
    dev = named("dev", owns_account=False)
    said = interventions_sentence(dev, (dev, named("prod")))
    assert said == (
        "dev: interventions of guardrails in model calls are counted by prod, which logs the invocations of this "
        "account"
    )


@pytest.mark.parametrize(
    "other",
    [
        {"account": "999999999999"},
        {"account": None},
        {"invocation_logging": {"mode": "none"}},
        {"invocation_logging": {"text": False}},
    ],
    ids=["another account", "an account that is not named", "logs nothing", "logs no text"],
)
def test_where_it_is_not_in_this_synth_that_is_said(other: dict[str, object]) -> None:
    said = interventions_sentence(named("dev", owns_account=False), [named("prod", **other)])
    assert said is not None
    assert said.endswith("which is not in this synth; without one model-interventions never goes into alarm")


@pytest.mark.parametrize(
    ("logging", "why"),
    [({"mode": "none"}, "so calls are not logged"), ({"text": False}, "so answers are not logged")],
)
def test_an_owner_that_cannot_count_says_why(logging: dict[str, object], why: str) -> None:
    said = interventions_sentence(named("prod", invocation_logging=logging), ())
    assert said is not None
    assert "are not counted, and there is no alarm model-interventions" in said
    assert said.endswith(why)
