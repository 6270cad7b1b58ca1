"""The actual spend of budgets.

Stock ministack has no bill: every budget reads 0 for ever. Here `POST /_emulator/budgets` with `{"actual_spend": 12.5}`
sets the actual spend of every budget.
"""

import json
from collections.abc import Callable
from typing import Any

from ministack.services import budgets

from local.emulator.patches import control_paths

Answer = tuple[int, dict[str, str], bytes]

PATH = "/_emulator/budgets"
_spent = {"amount": "0"}


def _calculated(stock: Callable[[dict[str, Any]], Answer]) -> Callable[[dict[str, Any]], Answer]:
    def describe(data: dict[str, Any]) -> Answer:
        status, headers, body = stock(data)
        document = json.loads(body)
        for budget in (*document.get("Budgets", ()), *([document["Budget"]] if "Budget" in document else ())):
            budget["CalculatedSpend"]["ActualSpend"]["Amount"] = _spent["amount"]
        return status, headers, json.dumps(document).encode()

    return describe


def _change(body: bytes) -> None:
    try:
        spend = json.loads(body)["actual_spend"]
    except (ValueError, LookupError, TypeError):
        spend = None
    if isinstance(spend, bool) or not isinstance(spend, int | float) or spend < 0:
        raise ValueError('needed: {"actual_spend": US dollars}')
    _spent["amount"] = str(spend)


def apply() -> None:
    """Serve the actual spend of budgets."""
    for action in ("DescribeBudget", "DescribeBudgets"):
        budgets._DISPATCH[action] = _calculated(budgets._DISPATCH[action])
    control_paths.serve(PATH, show=lambda: {"actual_spend": float(_spent["amount"])}, change=_change)
