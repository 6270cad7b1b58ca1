"""What CloudFormation lacks in a Region is told when the file is read, with what to do instead."""

import pytest

from configuration.schema.resource_types import ABSENT, APPLICATION_PROFILE, BUDGET, VERIFIED_ON
from tests.support.environment_files import Load, Mistakes, Write

BUDGETED = ("owner: team", "owner: team\nbudget: {monthly_usd: 10}")
# Of those that both types lack, one that has models of its own.
REGION = "eu-north-1"
IN_REGION = ("region: us-east-1", f"region: {REGION}")
THERE = ("id: amazon.nova-lite-v1:0", "id: eu.amazon.nova-lite-v1:0")


def lacking(kind: str) -> str:
    return f"CloudFormation has no {kind} in {REGION} (as of {VERIFIED_ON})"


def test_without_a_word_evaluations_go_without_profiles_of_their_own(write: Write, load: Load) -> None:
    write("dev", IN_REGION, THERE)
    loaded = load()
    (environment,) = loaded.environments
    assert not environment.has_own_profiles
    (warning,) = [each for each in loaded.warnings if "CloudFormation" in each]
    assert warning.startswith(f"environments/dev.yaml:3: region: {lacking(APPLICATION_PROFILE)}")
    assert "own_profile: false" in warning


def test_who_says_so_is_not_warned(write: Write, load: Load) -> None:
    write("dev", IN_REGION, THERE, ("owner: team", "owner: team\nown_profile: false"))
    assert not [each for each in load().warnings if "CloudFormation" in each]


def test_who_asks_for_them_is_refused(write: Write, mistakes: Mistakes) -> None:
    asked = ("owner: team", "owner: team\nown_profile: true")
    profile = (THERE[0], f"{THERE[1]}\n    profile: true")
    write("dev", IN_REGION, profile, asked)
    own, of_application = mistakes()
    assert own.startswith(f"5: own_profile: {lacking(APPLICATION_PROFILE)}; needed: false")
    assert of_application.startswith(f"10: models.small.profile: {lacking(APPLICATION_PROFILE)}; needed: false")


def test_a_budget_is_refused_with_the_way_out(write: Write, mistakes: Mistakes) -> None:
    write("dev", IN_REGION, THERE, BUDGETED)
    (line,) = mistakes()
    assert line.startswith(f"5: budget: {lacking(BUDGET)}; leave it out")


def test_the_simulator_has_everything_everywhere(write: Write, load: Load) -> None:
    stand_in = ('account: "111111111111"', 'account: "000000000000"\nstand_in: true')
    write("dev", IN_REGION, THERE, BUDGETED, stand_in)
    loaded = load()
    assert loaded.environments[0].has_own_profiles
    assert not [each for each in loaded.warnings if "CloudFormation" in each]


def test_elsewhere_nothing_is_said(write: Write, load: Load) -> None:
    write("dev", BUDGETED)
    loaded = load()
    assert loaded.environments[0].has_own_profiles
    assert not [each for each in loaded.warnings if "CloudFormation" in each]
    assert "us-east-1" not in set().union(*ABSENT.values())


@pytest.mark.parametrize(
    ("application", "name", "wrong"),
    [
        ("shop-", "dev", "'shop--dev' (application-environment), which has two hyphens in a row"),
        ("shop--eu", "dev", "'shop--eu-dev' (application-environment), which has two hyphens in a row"),
        ("shop", "de--v", "'shop-de--v' (application-environment), which has two hyphens in a row"),
        ("shop", "dev-", "'shop-dev-' (application-environment), which has a hyphen at its end"),
    ],
)
def test_names_begin_as_every_service_takes_them(
    write: Write, mistakes: Mistakes, application: str, name: str, wrong: str
) -> None:
    write(name, ("application: shop", f"application: {application}"))
    (line,) = mistakes()
    assert f"{name}.yaml:1: application: names begin with {wrong}; allowed: " in f"{name}.yaml:" + line.removeprefix(
        f"environments/{name}.yaml:"
    )
