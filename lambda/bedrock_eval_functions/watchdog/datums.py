"""The datums of a look: of the application, at the minute in which the watchdog looks."""

from datetime import datetime

from bedrock_eval.catalogue import APPLICATION, Metric
from bedrock_eval.names import start_minute
from bedrock_eval.results.publishing import Datum, datum


def of_application(metric: Metric, value: float, *, application: str, now: datetime, **dimensions: str) -> Datum:
    """One value of a metric; `dimensions` beside that of the application."""
    return datum(metric, dimensions={APPLICATION: application, **dimensions}, value=value, timestamp=start_minute(now))
