"""Quotas, guardrails and what alarms are set to in an environment file."""

import pytest

from bedrock_eval.alarms.kinds import KINDS
from bedrock_eval.alarms.thresholds import DECLARATIONS, ThresholdError, Thresholds
from configuration.schema.alarms import AlarmsConfig, ModelAlarmsConfig
from tests.support.environment_files import Load, Mistakes, Write

ID = "id: amazon.nova-lite-v1:0"
OWNER = "owner: team"
ARN = "arn:aws:bedrock:us-east-1:111111111111:guardrail/abc123"


def test_one_quota_is_enough(write: Write, load: Load) -> None:
    write("dev", (ID, f"{ID}\n    quota: {{tokens_per_minute: 200000}}"))
    quota = load().environments[0].models["small"].quota
    assert quota is not None
    assert (quota.tokens_per_minute, quota.requests_per_minute) == (200_000, None)


@pytest.mark.parametrize(
    ("quota", "told"),
    [
        ("{}", "9: models.small.quota: no quota is given; needed: tokens_per_minute, requests_per_minute or both"),
        (
            "{requests_per_minute: 0}",
            "9: models.small.quota.requests_per_minute: 0 is not allowed; allowed: 1 to 1,000,000,000",
        ),
    ],
)
def test_wrong_quotas_are_named(quota: str, told: str, write: Write, mistakes: Mistakes) -> None:
    write("dev", (ID, f"{ID}\n    quota: {quota}"))
    assert mistakes() == [told]


def test_guardrails_are_given_by_id_or_arn(write: Write, load: Load) -> None:
    listed = f'  - {{name: a, id: abc123, version: DRAFT}}\n  - {{name: b, id: "{ARN}", version: "12"}}'
    write("dev", (OWNER, f"{OWNER}\nguardrails:\n{listed}"))
    assert [(each.name, each.is_arn) for each in load().environments[0].guardrails] == [("a", False), ("b", True)]


@pytest.mark.parametrize(
    ("guardrail", "told"),
    [
        (
            '{name: b, id: My Guard, version: "1"}',
            "7: guardrails[1].id: 'My Guard' is not allowed; allowed: a guardrail's id, as gr1abcd2efgh, or its ARN",
        ),
        (
            "{name: b, id: abc124, version: 1}",
            '7: guardrails[1].version: 1 is a number; needed: text, so put it in quotes: "1"',
        ),
        (
            '{name: b, id: abc124, version: "0"}',
            """7: guardrails[1].version: '0' is not allowed; allowed: DRAFT or a number in quotes, as "1\"""",
        ),
        ('{name: a, id: abc124, version: "1"}', "7: guardrails[1].name: 'a' is already in guardrails[0]"),
        (
            f'{{name: b, id: "{ARN}", version: DRAFT}}',
            "7: guardrails[1]: abc123 version DRAFT is already in guardrails[0]",
        ),
        (
            f'{{name: b, id: "{ARN.replace("us-east-1", "eu-west-1")}", version: "1"}}',
            "7: guardrails[1].id: 'arn:aws:bedrock:eu-west-1:111111111111:guardrail/abc123' is in another Region "
            "and has its metrics there; needed: a guardrail in us-east-1",
        ),
    ],
)
def test_wrong_guardrails_are_named(guardrail: str, told: str, write: Write, mistakes: Mistakes) -> None:
    first = "  - {name: a, id: abc123, version: DRAFT}"
    write("dev", (OWNER, f"{OWNER}\nguardrails:\n{first}\n  - {guardrail}"))
    assert mistakes() == [told]


def test_severities_are_given_by_kind(write: Write, load: Load) -> None:
    write("dev", (OWNER, f"{OWNER}\nalarms:\n  severity: {{inconclusive: warning, client-errors: off}}"))
    assert load().environments[0].alarms.severity == {"inconclusive": "warning", "client-errors": "off"}


@pytest.mark.parametrize(
    ("severity", "told"),
    [
        (
            "{latency: off}",
            f"6: alarms.severity.latency: 'latency' is not a kind of alarm (did you mean 'latency-p90'?); allowed: "
            f"{', '.join(KINDS)}",
        ),
        (
            "{verdict: page}",
            "6: alarms.severity.verdict: 'page' is not allowed; allowed: critical, warning, off",
        ),
    ],
)
def test_wrong_severities_are_named(severity: str, told: str, write: Write, mistakes: Mistakes) -> None:
    write("dev", (OWNER, f"{OWNER}\nalarms:\n  severity: {severity}"))
    assert mistakes() == [told]


def test_a_model_has_thresholds_of_its_own(write: Write, load: Load, mistakes: Mistakes) -> None:
    write("dev", (ID, f"{ID}\n    alarms: {{latency_p90_ms: 30000}}"))
    assert load().environments[0].models["small"].alarms.model_dump(exclude_none=True) == {"latency_p90_ms": 30_000}
    write("dev", (ID, f"{ID}\n    alarms: {{end_of_life_days: 30}}"))
    (told,) = mistakes()
    assert told.startswith("9: models.small.alarms.end_of_life_days: no such key")


def test_thresholds_of_the_file_are_those_of_the_table(write: Write, load: Load) -> None:
    of_models = {name for name, each in DECLARATIONS.items() if each.per_model}
    assert set(AlarmsConfig.model_fields) - {"severity"} == set(DECLARATIONS)
    assert set(ModelAlarmsConfig.model_fields) == of_models
    write("dev")
    assert load().environments[0].thresholds() == Thresholds()


def test_a_model_keeps_the_thresholds_that_it_does_not_set(write: Write, load: Load) -> None:
    write("dev", (ID, f"{ID}\n    alarms: {{traffic_floor: 7}}"), (OWNER, f"{OWNER}\nalarms: {{throttle_count: 9}}"))
    assert load().environments[0].thresholds("small") == Thresholds(traffic_floor=7, throttle_count=9)


@pytest.mark.parametrize("name", DECLARATIONS)
def test_the_bounds_of_a_threshold_hold_in_the_file_and_in_python(name: str, write: Write, mistakes: Mistakes) -> None:
    beyond = DECLARATIONS[name].high + 1
    write("dev", (OWNER, f"{OWNER}\nalarms: {{{name}: {beyond}}}"))
    assert mistakes() == [f"5: alarms.{name}: {beyond} is not allowed; allowed: {DECLARATIONS[name].allowed}"]
    with pytest.raises(ThresholdError, match=f"threshold {name}: .* is not allowed; allowed: "):
        Thresholds(**{name: beyond}).check()
    Thresholds().check()
