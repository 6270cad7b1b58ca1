"""Whether the budget sees what models cost: one that reads 0 beside a cost of our own estimate is blind.

A budget by tag counts from the day on which the tag is activated for cost allocation, in the payer account. Until then
it reads 0 and never tells anybody anything.
"""

import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from bedrock_eval import catalogue
from bedrock_eval.pricing.costs import Cost
from bedrock_eval.results.publishing import Datum
from bedrock_eval_functions.watchdog.datums import of_application
from bedrock_eval_functions.watchdog.reasons import reason

logger = logging.getLogger(__name__)

# Below it a budget may round to 0, and nobody misses the money.
_SEEN_FROM_USD = 1


def look(budgets: Any, arn: str | None, *, spent: Cost | None, application: str, now: datetime) -> Iterator[Datum]:
    """What the budget reads, and whether it is blind; nothing of what is not known.

    That it sees cost is known once it reads more than 0, that it is blind while it reads 0 and models have cost more
    than a dollar; a budget is up to a day behind, so that the alarm waits a day.

    Args:
        arn: of the budget; None: there is none.
        spent: the estimated cost of the month; None: unknown.
    """
    if arn is None:
        return
    try:
        read = _read(budgets, arn)
    except Exception as error:
        # Whatever it is, the other looks go on.
        logger.error("budget unknown", extra={"reason": reason(error)})
        return
    yield of_application(catalogue.BUDGET_SPEND, read, application=application, now=now)
    if read > 0:
        yield of_application(catalogue.BUDGET_BLIND, 0, application=application, now=now)
    elif spent is not None and spent.usd > _SEEN_FROM_USD:
        logger.warning("budget reads 0", extra={"estimated_usd": round(spent.usd, 2)})
        yield of_application(catalogue.BUDGET_BLIND, 1, application=application, now=now)


def _read(budgets: Any, arn: str) -> float:
    """What the budget has counted this month.

    Raises:
        ClientError: AWS Budgets refused.
        KeyError, ValueError: the answer holds no amount.
    """
    # Assumption: budget-tag-active
    account, name = arn.split(":")[4], arn.partition(":budget/")[2]
    found = budgets.describe_budget(AccountId=account, BudgetName=name)["Budget"]
    return float(found["CalculatedSpend"]["ActualSpend"]["Amount"])
