"""The table of models and its rules. What each use of a model needs is asked in tests/ops/aws/model_questions.json."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_eval.known_models.lookup import claude_version, dead_model, features_of, known_model
from bedrock_eval.known_models.nearest import ids_like
from bedrock_eval.known_models.table import DEAD, DESTINATIONS, MODELS, REGIONS, VERIFIED_ON
from bedrock_eval.model_checks.checks import findings, table_finding
from bedrock_eval.model_checks.findings import About, Finding, Question, Use, Verdict, nearest_of, verdict_of
from bedrock_eval.models import PROVIDERS, Model, base_id

TODAY = date(2026, 11, 28)
OPUS_41 = "us.anthropic.claude-opus-4-1-20250805-v1:0"


def told(model_id: str, region: str = "us-east-1", *, today: date = TODAY, **more: object) -> tuple[Finding, ...]:
    return findings(Question(model_id, region, **more), today=today)  # type: ignore[arg-type]


def test_every_row_is_a_foundation_model_with_a_source_and_a_date() -> None:
    for model_id, row in MODELS.items():
        assert Model(model_id, region="us-east-1").profile is None
        assert model_id.partition(".")[0] in PROVIDERS
        assert row.source
        assert row.verified_on <= VERIFIED_ON
        assert dead_model(model_id) is None
    assert all(dead.source and dead.verified_on <= VERIFIED_ON for dead in DEAD.values())


def test_the_dead_are_told_with_something_that_lives() -> None:
    for begin, dead in DEAD.items():
        assert known_model(begin.rstrip("-")) is None
        assert all(each in MODELS for each in dead.instead), begin
    assert all(each in MODELS for row in MODELS.values() for each in row.instead)


def test_profiles_and_their_regions_are_those_that_there_are() -> None:
    assert all(set(regions) <= set(REGIONS) for regions in DESTINATIONS.values())
    for row in MODELS.values():
        assert set(row.in_region.names).union(*(each.names for each in row.profiles.values())) <= set(REGIONS)
        assert "global" not in row.profiles or not [name for name in row.profiles["global"].names if "gov" in name]


@pytest.mark.parametrize(
    ("model", "version"),
    [
        ("anthropic.claude-haiku-5-5", ("haiku", (5, 5))),
        ("anthropic.claude-opus-6", ("opus", (6, 0))),
        ("anthropic.claude-haiku-4-5-20251001-v1:0", ("haiku", (4, 5))),
        ("anthropic.claude-opus-4-20250514-v1:0", ("opus", (4, 0))),
        ("anthropic.claude-3-5-haiku-20241022-v1:0", ("haiku", (3, 5))),
        ("anthropic.claude-sonnet-5.5", ("sonnet", (5, 5))),
        ("anthropic.claude-opus-10-1", ("opus", (10, 1))),
        ("anthropic.claude-v2", None),
        ("amazon.nova-2-lite-v1:0", None),
    ],
)
def test_a_claude_is_known_by_tier_and_version(model: str, version: object) -> None:
    assert claude_version(model) == version


@given(
    st.sampled_from(["haiku", "sonnet", "opus", "fable", "mythos", "saga"]),
    st.integers(5, 40),
    st.sampled_from(["", "-1", "-5", "-9"]),
)
def test_no_claude_to_come_takes_sampling(tier: str, major: int, minor: str) -> None:
    model = f"us.anthropic.claude-{tier}-{major}{minor}"
    for key, value in (("temperature", 0.3), ("top_p", 0.5), ("top_k", 5)):
        assert verdict_of(told(model, use=Use.CANDIDATE, parameters={key: value})) is Verdict.REFUSED


@given(st.sampled_from(sorted(PROVIDERS)), st.from_regex(r"[a-z]{3,8}-[0-9]", fullmatch=True), st.sampled_from(Use))
def test_a_model_that_nobody_knows_is_never_refused(provider: str, name: str, use: Use) -> None:
    for model_id in (f"{provider}.{name}", f"us.{provider}.{name}", f"global.{provider}.{name}"):
        found = told(model_id, "eu-west-1", use=use, parameters={"output_schema": True, "service_tier": "flex"})
        if known_model(base_id(model_id)) is None and dead_model(base_id(model_id)) is None:
            assert verdict_of(found) is Verdict.WARNING


def test_destination_regions_stand_for_what_is_known_of_profiles() -> None:
    given_regions = ("ap-southeast-1", "ap-southeast-2")
    for model_id in ("apac.anthropic.claude-haiku-5-5", "au.anthropic.claude-haiku-5-5", "ca.amazon.nova-lite-v1:0"):
        assert told(model_id, "ap-southeast-1", destination_regions=given_regions) == ()
    dead = told("us.amazon.nova-premier-v1:0", "ap-southeast-1", destination_regions=given_regions)
    assert [each.about for each in dead] == [About.LIFE]


def test_destination_regions_are_regions() -> None:
    (finding,) = told("us.amazon.nova-lite-v1:0", destination_regions=("us-east-1", "us-east-9"))
    assert (finding.verdict, finding.key) == (Verdict.REFUSED, "destination_regions")
    assert finding.message.startswith("'us-east-9' is not a Region of AWS (did you mean us-east-2")


@pytest.mark.parametrize(
    ("today", "verdict", "said"),
    [
        (date(2027, 1, 7), Verdict.WARNING, "is Legacy: it ends on 2027-01-08, in 1 day; use"),
        (date(2027, 1, 8), Verdict.REFUSED, "reached its end of life on 2027-01-08; AWS no longer serves it; use"),
    ],
)
def test_a_model_is_refused_from_the_day_of_its_end(today: date, verdict: Verdict, said: str) -> None:
    (finding,) = told(OPUS_41, today=today)
    assert (finding.verdict, finding.about) == (verdict, About.LIFE)
    assert said in finding.message


@pytest.mark.parametrize(
    ("today", "count"), [(date(2027, 1, 19), 0), (date(2027, 1, 20), 1), (date(2027, 3, 20), 1), (date(2027, 4, 1), 1)]
)
def test_an_end_by_a_third_party_is_a_warning_from_60_days_before_it(today: date, count: int) -> None:
    found = told("us.writer.palmyra-x5-v1:0", today=today)
    assert [each.verdict for each in found] == [Verdict.WARNING] * count
    assert all("according to a list that is not AWS's" in each.message for each in found)


def test_a_legacy_model_of_a_third_partys_list_is_told_in_one_sentence() -> None:
    (finding,) = told("deepseek.v3-v1:0", "us-west-2")
    assert "is Legacy according to a list that is not AWS's: it ends on 2027-03-30, in 122 days" in finding.message


def test_a_profile_is_named_as_the_only_way_where_there_is_one() -> None:
    (unreached,) = told("deepseek.v3.2", "eu-west-1")
    assert "through an inference profile" not in unreached.message
    assert unreached.message.count("only from") == 0
    assert unreached.message.count("its own id from us-east-1") == 1
    (reached,) = told("amazon.nova-lite-v1:0", "us-west-1")
    assert "only through an inference profile; allowed from there: us.amazon.nova-lite-v1:0" in reached.message


def test_the_dead_are_announced_before_their_end() -> None:
    (finding,) = told("ai21.jamba-1-5-mini-v1:0", today=date(2026, 11, 1))
    assert finding.verdict is Verdict.WARNING
    assert "ends on 2026-11-26, in 25 days" in finding.message


def test_a_table_that_nobody_looked_at_is_told() -> None:
    assert table_finding(today=VERIFIED_ON + timedelta(days=90)) is None
    stale = table_finding(today=VERIFIED_ON + timedelta(days=91))
    assert stale is not None
    assert stale.message.startswith(f"the table of models was last checked on {VERIFIED_ON}, 91 days ago")


def test_a_wrong_region_is_blamed_and_no_model() -> None:
    (finding,) = told("us.amazon.nova-2-lite", "us-esat-1")
    assert finding.about is About.REGION
    assert finding.message.startswith("'us-esat-1' is not a Region of AWS (did you mean us-east-1")


def test_a_bare_id_without_its_region_names_the_profiles_that_can_be_called_from_there() -> None:
    (finding,) = told("anthropic.claude-haiku-5-5", "ap-northeast-3")
    assert finding.verdict is Verdict.REFUSED
    assert finding.nearest == ("jp.anthropic.claude-haiku-5-5", "global.anthropic.claude-haiku-5-5")


@given(st.sampled_from(sorted(MODELS)), st.data())
def test_a_letter_too_few_is_found_again(model_id: str, data: st.DataObject) -> None:
    provider, _, name = model_id.partition(".")
    at = data.draw(st.integers(1, len(name) - 2))
    wrong = f"{provider}.{name[:at]}{name[at + 1 :]}"
    if wrong not in MODELS and name[at].isalpha():
        found = {base_id(each) for each in ids_like(wrong, "us-east-1", profile=None)}
        like = {each for each in MODELS if each[: len(provider) + 4] == model_id[: len(provider) + 4]}
        assert model_id in found or found & like


def test_what_a_row_says_counts_before_its_family() -> None:
    assert features_of("cohere.embed-v4:0").reserved is False
    assert features_of("anthropic.claude-haiku-4-5-20251001-v1:0").reserved is True
    assert features_of("amazon.unknown-v1:0").sampling is None


def test_system_prompts_go_to_those_that_have_them() -> None:
    assert told("us.anthropic.claude-haiku-5-5", use=Use.CANDIDATE, parameters={"system": True}) == ()
    (finding,) = told("qwen.qwen3-32b-v1:0", use=Use.CANDIDATE, parameters={"system": True})
    assert (finding.verdict, finding.key) == (Verdict.WARNING, "system")


def test_an_id_that_is_none_is_told_with_what_was_meant() -> None:
    (finding,) = told("claude-haiku-5-5")
    assert (finding.verdict, finding.about) == (Verdict.REFUSED, About.ID)
    assert nearest_of((finding,))[0] == "us.anthropic.claude-haiku-5-5"
