"""What the models of the application have cost since the month began, by the token metrics of AWS/Bedrock."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bedrock_eval import catalogue
from bedrock_eval.names import start_minute
from bedrock_eval.pricing.costs import TOKEN_METRICS, Cost, Rates, cost, total
from bedrock_eval.pricing.usage import Usage
from bedrock_eval_functions.watchdog.metric_sums import Wanted, sums

_DAY_SECONDS = 86_400


def month_to_date(cloudwatch: Any, models: Mapping[str, Rates | None], *, now: datetime) -> Cost:
    """The cost of all tokens of `models` (rates by `ModelId`) since the first of the month in UTC, as AWS bills.

    Raises:
        ClientError: CloudWatch refused.
        UnreadableMetricsError: it did not answer in full.
    """
    wanted = {
        f"m{number}_{kind}": Wanted(metric.namespace, metric.name, {catalogue.MODEL_ID: model_id}, metric.statistic)
        for number, model_id in enumerate(models)
        for kind, metric in TOKEN_METRICS.items()
    }
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    # The end is exclusive, and must be after the beginning in the month's first minute too.
    end = start_minute(now) + timedelta(minutes=1)
    counted = sums(cloudwatch, wanted, start=month, end=end, period=_DAY_SECONDS)
    return total(
        cost(Usage(**{kind: int(counted[f"m{number}_{kind}"]) for kind in TOKEN_METRICS}), rates)
        for number, rates in enumerate(models.values())
    )
