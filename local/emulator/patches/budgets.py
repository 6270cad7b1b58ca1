"""What a budget has counted.

Stock ministack has no bill: every budget reads 0 for ever. Here `POST /_emulator/budgets` with `{"actual_spend": 12.5}`
says what all budgets read from now on, as the bill would.
"""

import json
from collections.abc import Callable
from typing import Any

from ministack import app
from ministack.services import budgets

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


def _answer(method: str, body: bytes) -> Answer:
    spend = json.loads(body).get("actual_spend") if method == "POST" else None
    if isinstance(spend, bool) or not isinstance(spend, int | float) or spend < 0:
        refusal = {"error": f'{method} {PATH} cannot be used; needed: POST {{"actual_spend": US dollars}}'}
        return 400, {"Content-Type": "application/json"}, json.dumps(refusal).encode()
    _spent["amount"] = str(spend)
    return 200, {"Content-Type": "application/json"}, json.dumps({"actual_spend": spend}).encode()


def apply() -> None:
    """Let the control say what budgets read."""
    for action in ("DescribeBudget", "DescribeBudgets"):
        budgets._DISPATCH[action] = _calculated(budgets._DISPATCH[action])
    dispatch = app._dispatch_service_request

    async def dispatch_with_bill(method: str, path: str, headers: dict[str, str], body: bytes, *rest: Any) -> Any:
        if path == PATH:
            return _answer(method, body)
        return await dispatch(method, path, headers, body, *rest)

    app._dispatch_service_request = dispatch_with_bill
