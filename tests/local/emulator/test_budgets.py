"""Budgets: what they read, which no bill says here."""

import json
import urllib.error
import urllib.request
import uuid

import pytest

from local.process import ACCOUNT, Endpoint
from tests.support.local.emulator import Clients


def post(endpoint: Endpoint, body: object) -> None:
    request = urllib.request.Request(f"{endpoint.url}/_emulator/budgets", data=json.dumps(body).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=10) as answer:
        json.load(answer)


def test_a_budget_reads_what_the_control_says(clients: Clients, emulator: Endpoint) -> None:
    budgets, name = clients("budgets"), f"b{uuid.uuid4().hex[:8]}"
    budgets.create_budget(
        AccountId=ACCOUNT,
        Budget={
            "BudgetName": name,
            "BudgetType": "COST",
            "TimeUnit": "MONTHLY",
            "BudgetLimit": {"Amount": "5", "Unit": "USD"},
        },
    )

    def read() -> str:
        found = budgets.describe_budget(AccountId=ACCOUNT, BudgetName=name)["Budget"]
        return str(found["CalculatedSpend"]["ActualSpend"]["Amount"])

    assert float(read()) == 0
    post(emulator, {"actual_spend": 12.5})
    assert float(read()) == 12.5
    post(emulator, {"actual_spend": 0})
    assert float(read()) == 0


@pytest.mark.parametrize("body", [{}, {"actual_spend": -1}, {"actual_spend": "much"}])
def test_what_is_no_amount_is_refused(emulator: Endpoint, body: object) -> None:
    with pytest.raises(urllib.error.HTTPError, match="400"):
        post(emulator, body)
