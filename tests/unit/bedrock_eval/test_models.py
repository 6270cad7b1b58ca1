from datetime import date

import pytest

from bedrock_eval.known_models.table import DESTINATIONS
from bedrock_eval.models import GLOBAL_PROFILE, Lifecycle, Model, ModelError, candidate_name, thinks_by_default
from bedrock_eval.names import is_name

NOVA = "amazon.nova-2-lite-v1:0"
SOURCES = {
    "us": "us-east-1",
    "eu": "eu-central-1",
    "au": "ap-southeast-2",
    "jp": "ap-northeast-1",
    "apac": "ap-south-1",
    "us-gov": "us-gov-west-1",
}


def test_a_foundation_model_is_called_in_its_own_region() -> None:
    model = Model(NOVA, region="eu-west-1")
    assert (model.profile, model.base_id, model.destinations) == (None, NOVA, ("eu-west-1",))
    assert model.foundation_model_arns(partition="aws") == (f"arn:aws:bedrock:eu-west-1::foundation-model/{NOVA}",)
    assert model.profile_arn(partition="aws", account="1") is None
    assert model.source_arn(partition="aws", account="1") == f"arn:aws:bedrock:eu-west-1::foundation-model/{NOVA}"


def test_every_profile_of_the_table_has_a_source_in_this_test() -> None:
    assert set(SOURCES) == {name for name in DESTINATIONS if name != GLOBAL_PROFILE}


@pytest.mark.parametrize(("profile", "region"), SOURCES.items())
def test_a_profile_reaches_the_model_in_every_destination(profile: str, region: str) -> None:
    model = Model(f"{profile}.{NOVA}", region=region)
    assert (model.profile, model.base_id) == (profile, NOVA)
    assert region in model.destinations
    assert model.foundation_model_arns(partition="aws-x") == tuple(
        f"arn:aws-x:bedrock:{destination}::foundation-model/{NOVA}" for destination in model.destinations
    )
    arn = f"arn:aws-x:bedrock:{region}:123456789012:inference-profile/{profile}.{NOVA}"
    assert model.profile_arn(partition="aws-x", account="123456789012") == arn
    assert model.source_arn(partition="aws-x", account="123456789012") == arn


def test_a_source_region_outside_the_table_is_a_destination_too() -> None:
    assert Model(f"us.{NOVA}", region="ca-central-1").destinations == (
        "ca-central-1",
        "us-east-1",
        "us-east-2",
        "us-west-2",
    )


def test_global_adds_the_arn_with_an_empty_region() -> None:
    model = Model(f"global.{NOVA}", region="eu-west-1")
    assert model.destinations == ("eu-west-1",)
    assert model.foundation_model_arns(partition="aws") == (
        f"arn:aws:bedrock:eu-west-1::foundation-model/{NOVA}",
        f"arn:aws:bedrock:::foundation-model/{NOVA}",
    )
    assert model.profile_arn(partition="aws", account="1") == (
        f"arn:aws:bedrock:eu-west-1:1:inference-profile/global.{NOVA}"
    )


def test_given_destinations_replace_the_table_and_open_unknown_profiles() -> None:
    regions = ("sa-east-1", "us-east-1")
    assert Model(f"us.{NOVA}", region="us-east-1", destination_regions=regions).destinations == regions
    model = Model(f"sa.{NOVA}", region="sa-east-1", destination_regions=regions)
    assert (model.profile, model.base_id, model.destinations) == ("sa", NOVA, regions)


@pytest.mark.parametrize(
    ("model_id", "region", "told"),
    [
        (f"arn:aws:bedrock:us-east-1::foundation-model/{NOVA}", "us-east-1", "is an ARN; allowed"),
        ("nova", "us-east-1", "is not a model id; allowed"),
        ("", "us-east-1", "is not a model id; allowed"),
        ("amazon.*", "us-east-1", "is not a model id; allowed"),
        (f"{NOVA} ", "us-east-1", "is not a model id; allowed"),
    ],
)
def test_a_wrong_id_says_what_is_allowed(model_id: str, region: str, told: str) -> None:
    with pytest.raises(ModelError) as raised:
        Model(model_id, region=region)
    assert told in str(raised.value)
    assert repr(model_id) in str(raised.value)


def test_destinations_mean_nothing_without_a_profile() -> None:
    with pytest.raises(ModelError, match="is not an inference profile"):
        Model(NOVA, region="us-east-1", destination_regions=("us-east-1",))


@pytest.mark.parametrize(
    ("model_id", "region", "destinations"),
    [
        # The list of a profile is by model, and what a source Region adds by both.
        ("eu.amazon.nova-pro-v1:0", "eu-west-1", "eu-central-1 eu-north-1 eu-west-1 eu-west-3"),
        ("eu.amazon.nova-pro-v1:0", "eu-south-2", "eu-south-2 eu-central-1 eu-north-1 eu-west-1 eu-west-3"),
        (
            *("eu.amazon.nova-pro-v1:0", "il-central-1"),
            "il-central-1 eu-central-1 eu-north-1 eu-west-1 eu-west-3 eu-south-1",
        ),
        (
            *("eu.anthropic.claude-haiku-5-5", "eu-west-2"),
            "eu-west-2 eu-central-1 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-3",
        ),
        ("au.anthropic.claude-sonnet-4-6", "ap-southeast-6", "ap-southeast-6 ap-southeast-2 ap-southeast-4"),
        ("jp.amazon.nova-2-lite-v1:0", "ap-northeast-1", "ap-northeast-1 ap-northeast-3"),
        # Of what nobody knows only the calling Region can be named.
        ("ca.amazon.nova-lite-v1:0", "ca-central-1", "ca-central-1"),
    ],
)
def test_destinations_are_by_model_and_profile(model_id: str, region: str, destinations: str) -> None:
    assert Model(model_id, region=region).destinations == tuple(destinations.split())


def test_a_model_ends_on_the_day_of_its_end_behind_a_profile_too() -> None:
    lifecycle = Model("us.anthropic.claude-opus-4-1-20250805-v1:0", region="us-east-1").lifecycle
    assert lifecycle == Lifecycle(end=date(2027, 1, 8), removed=False)
    assert not lifecycle.past(date(2027, 1, 7))
    assert lifecycle.past(date(2027, 1, 8))
    assert lifecycle.days_left(date(2027, 1, 1)) == 7
    assert lifecycle.days_left(date(2027, 1, 10)) == -2


def test_a_removed_model_is_past_at_any_date() -> None:
    lifecycle = Model("anthropic.claude-3-opus-20240229-v1:0", region="us-east-1").lifecycle
    assert lifecycle.past(date(2020, 1, 1))
    assert lifecycle.days_left(date(2020, 1, 1)) is None


def test_a_model_without_an_announced_end_is_not_past() -> None:
    lifecycle = Model(NOVA, region="us-east-1").lifecycle
    assert not lifecycle.past(date(2100, 1, 1))
    assert lifecycle.days_left(date(2100, 1, 1)) is None


@pytest.mark.parametrize(
    ("model_id", "name"),
    [
        ("us.amazon.nova-2-lite-v1:0", "nova-2-lite"),
        ("eu.amazon.nova-2-lite-v1:0", "nova-2-lite"),
        ("global.anthropic.claude-haiku-5-5", "claude-haiku-5-5"),
        ("anthropic.claude-3-sonnet-20240229-v1:0", "claude-3-sonnet"),
        ("meta.llama3-1-70b-instruct-v1:0:128k", "llama3-1-70b-instruct"),
        ("openai.gpt-oss-120b-1:0", "gpt-oss-120b-1"),
    ],
)
def test_a_candidate_is_named_after_its_model(model_id: str, name: str) -> None:
    assert candidate_name(model_id) == name


def test_a_taken_candidate_name_gets_a_number_and_stays_a_name() -> None:
    long = "us.provider.a-model-with-a-very-long-name-indeed"
    taken: list[str] = []
    for _ in range(12):
        taken.append(candidate_name("amazon.a-model-with-a-very-long-name-indeed", taken=taken))
    assert len(set(taken)) == 12
    assert all(is_name(name) for name in taken)
    assert taken[1] == candidate_name(long.replace("provider", "amazon"), taken=taken[:1])


@pytest.mark.parametrize(
    ("model_id", "thinks"),
    [
        ("us.anthropic.claude-haiku-5-5", True),
        ("global.anthropic.claude-opus-5", True),
        ("us.anthropic.claude-opus-6", True),
        ("us.deepseek.r1-v1:0", True),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", False),
        ("anthropic.claude-opus-4-8", False),
        ("us.amazon.nova-2-lite-v1:0", False),
        ("arn:aws:bedrock:us-east-1:111122223333:imported-model/abcdefghijkl", False),
    ],
)
def test_models_that_think_unless_told_not_to(model_id: str, thinks: bool) -> None:
    assert thinks_by_default(model_id) is thinks


@pytest.mark.parametrize(
    ("resource", "name"),
    [
        ("imported-model/abcdefghijkl", "imported-abcdefghijkl"),
        ("application-inference-profile/abcdefghijkl", "profile-abcdefghijkl"),
        ("provisioned-model/abcdefghijkl", "provisioned-abcdefghijkl"),
        ("custom-model-deployment/abcdefghijkl", "deployment-abcdefghijkl"),
        ("custom-model/amazon.nova-lite-v1:0:300k/abcdefghijkl", "custom-abcdefghijkl"),
        ("prompt-router/abcdefghijkl", "router-abcdefghijkl"),
        ("inference-profile/us.amazon.nova-2-lite-v1:0", "nova-2-lite"),
        ("foundation-model/amazon.nova-lite-v1:0", "nova-lite"),
        ("something-new/abc", "something-new-abc"),
    ],
)
def test_the_name_of_an_arn_tells_the_model(resource: str, name: str) -> None:
    assert candidate_name(f"arn:aws:bedrock:us-east-1:111122223333:{resource}") == name
