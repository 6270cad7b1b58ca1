from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from bedrock_eval.pricing.costs import Cost
from bedrock_eval_functions.watchdog.budget import look
from tests.support.fakes import client_error

NOW = datetime(2026, 11, 23, 13, 20, 30, tzinfo=UTC)
ARN = "arn:aws:budgets::111122223333:budget/shop-dev-80-100"


@dataclass
class FakeBudgets:
    answer: Any

    def describe_budget(self, *, AccountId: str, BudgetName: str) -> Any:  # noqa: N803 - boto3's names
        assert (AccountId, BudgetName) == ("111122223333", "shop-dev-80-100")
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def budget(amount: str) -> dict[str, Any]:
    return {"Budget": {"CalculatedSpend": {"ActualSpend": {"Amount": amount, "Unit": "USD"}}}}


def seen(answer: Any, *, spent: Cost | None, arn: str | None = ARN) -> dict[str, float]:
    found = [each.request() for each in look(FakeBudgets(answer), arn, spent=spent, application="shop", now=NOW)]
    assert all(each["Dimensions"] == [{"Name": "Application", "Value": "shop"}] for each in found)
    return {each["MetricName"]: each["Value"] for each in found}


@pytest.mark.parametrize(
    ("amount", "usd", "blind"),
    [
        ("0", 1.01, 1),
        ("0.0", 250, 1),
        ("0.01", 250, 0),
        ("12.5", 0, 0),
        # Early in the month, or without traffic: nobody knows.
        ("0", 1.0, None),
        ("0", 0, None),
    ],
)
def test_a_budget_that_reads_0_beside_a_cost_is_blind(amount: str, usd: float, blind: int | None) -> None:
    expected = {"budget_spend": float(amount)} | ({} if blind is None else {"budget_blind": blind})
    assert seen(budget(amount), spent=Cost(usd=usd, priced_tokens=10)) == expected


def test_what_has_no_rate_is_not_counted_and_the_rest_is_enough() -> None:
    assert seen(budget("0"), spent=Cost(usd=2, priced_tokens=1, unpriced_tokens=9))["budget_blind"] == 1


def test_an_unknown_cost_says_nothing() -> None:
    assert seen(budget("0"), spent=None) == {"budget_spend": 0}


def test_without_a_budget_nobody_is_asked() -> None:
    assert seen(AssertionError("asked"), spent=Cost(usd=9), arn=None) == {}


@pytest.mark.parametrize(
    "answer",
    [
        client_error("AccessDeniedException", status=403),
        client_error("NotFoundException", status=404),
        {},
        {"Budget": {}},
        {"Budget": {"CalculatedSpend": {"ActualSpend": {"Amount": "much"}}}},
    ],
    ids=repr,
)
def test_a_budget_that_cannot_be_read_is_unknown(answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert seen(answer, spent=Cost(usd=9)) == {}
    assert "budget unknown" in caplog.text
