"""Rates, and the limit of a run, in an environment file."""

from datetime import date

import pytest

from bedrock_eval.pricing.costs import Rates
from tests.support.environment_files import Load, Mistakes, Write

ID = "id: amazon.nova-lite-v1:0"
RATES = f"{ID}\n    rates:\n      input: 0.06\n      output: 0.24"
CANDIDATES = "candidates: [small]"


def test_rates_are_dollars_per_million_tokens(write: Write, load: Load) -> None:
    write("dev", (ID, f"{RATES}\n      cache_read: 0.015\n      verified_until: 2027-01-31"))
    (environment,) = load().environments
    assert environment.rates("small") == Rates(0.06, 0.24, cache_read=0.015, verified_until="2027-01-31")


def test_a_model_without_rates_has_none(write: Write, load: Load) -> None:
    write("dev")
    assert load().environments[0].rates("small") is None


@pytest.mark.parametrize(
    ("rates", "told"),
    [
        ("input: 1", "9: models.small.rates.output: required, but missing (output tokens)"),
        ("{input: -1, output: 1}", "9: models.small.rates.input: -1 is not allowed; allowed: 0 to 1,000,000"),
        (
            "{input: 1, output: 1, verified_until: 31.12.2026}",
            "9: models.small.rates.verified_until: '31.12.2026' is not allowed; allowed: a day, as 2026-12-31",
        ),
        (
            "{input: 1, output: 1, verified_until: 2026-02-30}",
            "9: models.small.rates.verified_until: '2026-02-30' is not a date; allowed: a day, as 2026-12-31",
        ),
    ],
)
def test_wrong_rates_are_named(rates: str, told: str, write: Write, mistakes: Mistakes) -> None:
    written = f"\n      {rates}" if not rates.startswith("{") else f" {rates}"
    write("dev", (ID, f"{ID}\n    rates:{written}"))
    assert mistakes() == [told]


@pytest.mark.parametrize("rates", ["", "\n    rates: {input: 0.07, output: 0.24}"])
def test_one_model_has_one_price(rates: str, write: Write, mistakes: Mistakes) -> None:
    again = f"  again:\n    {ID}{rates}"
    write("dev", (ID, f"{RATES}\n{again}"))
    at = "14: models.again.rates" if rates else "12: models.again"
    other = "models.small has the same id with other rates; needed: the same rates"
    assert mistakes() == [f"{at}: 'amazon.nova-lite-v1:0' {other}"]


def test_one_model_may_have_two_names(write: Write, load: Load) -> None:
    write("dev", (ID, f"{RATES}\n  again:\n    {RATES}\n      verified_until: 2027-01-31"))
    assert load().environments[0].rates("again") is not None


def test_rates_that_were_not_compared_in_time_are_a_warning(write: Write, load: Load) -> None:
    write("dev", (ID, f"{RATES}\n      verified_until: 2026-11-23"))
    assert load(today=date(2026, 11, 23)).warnings == ()
    loaded = load(today=date(2026, 11, 24))
    assert len(loaded.environments) == 1
    assert loaded.warnings == (
        "environments/dev.yaml:12: models.small.rates.verified_until: 2026-11-23 is past; compare the rates with "
        "AWS's: python -m ops prices --env dev",
    )


def test_the_rates_of_the_simulator_are_nobodys(write: Write, load: Load) -> None:
    account = ('"111111111111"', '"000000000000"\nstand_in: true')
    write("local", account, (ID, f"{RATES}\n      verified_until: 2020-01-01"))
    assert load("local").warnings == ()


def test_a_limit_needs_the_rates_of_every_candidate(write: Write, load: Load, mistakes: Mistakes) -> None:
    write("dev", (CANDIDATES, f"{CANDIDATES}\n    max_cost: 0.5"))
    assert mistakes() == [
        "15: evaluations.quality.candidates[0].model: model small has no rates, so max_cost would stop every run; "
        "needed: rates, or allow_unpriced: true"
    ]
    write("dev", (CANDIDATES, f"{CANDIDATES}\n    max_cost: 0.5"), (ID, RATES))
    assert load().environments[0].evaluations["quality"].max_cost == 0.5
    write("dev", (CANDIDATES, f"{CANDIDATES}\n    max_cost: 0.5\n    allow_unpriced: true"))
    loaded = load()
    assert loaded.environments[0].evaluations["quality"].allow_unpriced
    told = "evaluations.quality.allow_unpriced: max_cost does not include small: no rates"
    assert loaded.warnings == (f"environments/dev.yaml:17: {told}",)
    write("dev", (CANDIDATES, f"{CANDIDATES}\n    max_cost: 0.5\n    allow_unpriced: true"), (ID, RATES))
    assert load().warnings == ()


def test_unpriced_is_allowed_under_a_limit_only(write: Write, mistakes: Mistakes) -> None:
    write("dev", (CANDIDATES, f"{CANDIDATES}\n    allow_unpriced: true"))
    assert mistakes() == [
        "16: evaluations.quality.allow_unpriced: needs max_cost: set max_cost, or leave allow_unpriced out"
    ]


BUDGET = ("owner: team", "owner: team\nbudget:\n  monthly_usd: 50")


def test_a_budget_tells_of_80_and_100_per_cent_of_the_application(write: Write, load: Load) -> None:
    write("dev", BUDGET, (ID, f"{ID}\n    profile: true"))
    loaded = load()
    budget = loaded.environments[0].budget
    assert budget is not None
    assert (budget.monthly_usd, budget.notify_percent, budget.scope) == (50, (80, 100), "application")
    assert loaded.warnings == ()


def test_a_budget_that_sees_no_model_is_a_warning(write: Write, load: Load) -> None:
    write("dev", BUDGET)
    (warning,) = load().warnings
    assert warning.startswith("environments/dev.yaml:5: budget: does not include model calls")
    write("dev", ("owner: team", "owner: team\nbudget: {monthly_usd: 50, scope: account}"))
    assert load().warnings == ()


@pytest.mark.parametrize(
    ("budget", "told"),
    [
        ("{monthly_usd: 0}", "budget.monthly_usd: 0 is not allowed; allowed: 0.0001 to 1,000,000,000"),
        ("{monthly_usd: 5, notify_percent: [80, 80]}", "notify_percent: a percentage is given twice"),
        (
            "{monthly_usd: 5, notify_percent: [1, 2, 3, 4, 5, 6]}",
            "budget.notify_percent: 6 are given; allowed: 1 to 5",
        ),
        ("{}", "budget.monthly_usd: required, but missing"),
    ],
)
def test_a_wrong_budget_is_named(budget: str, told: str, write: Write, mistakes: Mistakes) -> None:
    write("dev", ("owner: team", f"owner: team\nbudget: {budget}"))
    (mistake,) = mistakes()
    assert told in mistake
