"""How long data is kept."""

from typing import Annotated

from pydantic import AfterValidator, Field

from configuration.schema.values.base import Strict, enum
from configuration.schema.values.numbers import Days

# The values that CloudWatch Logs accepts for a retention (PutRetentionPolicy).
LOG_RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)


def _log_retention(days: int) -> int:
    if days not in LOG_RETENTION_DAYS:
        raise ValueError(
            f"{days} is not a retention that CloudWatch Logs offers; allowed: {', '.join(map(str, LOG_RETENTION_DAYS))}"
        )
    return days


LogRetention = Annotated[int, AfterValidator(_log_retention), Field(json_schema_extra=enum(LOG_RETENTION_DAYS))]


class RetentionConfig(Strict):
    """Retention by kind of data, in days."""

    invocation_logs: LogRetention = Field(
        default=90, description="Prompts and answers of the whole account, in log group and bucket."
    )
    function_logs: LogRetention = Field(default=30, description="Logs of the functions and the state machine.")
    runs: Days = Field(default=400, description="Results of runs. Accepted baselines do not expire.")
    access_logs: Days = Field(default=90, description="Access logs of the buckets.")
    noncurrent_versions: Days = Field(default=30, description="Noncurrent versions of objects.")
