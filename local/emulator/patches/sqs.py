"""AWS/SQS metrics.

Stock ministack publishes none. SQS publishes the state of a queue every minute; here a thread does it every five
seconds, so that an alarm on a dead-letter queue does not keep anyone waiting.
"""

import contextvars
import logging
import threading
import time
from typing import Any

from ministack.core import responses
from ministack.services import cloudwatch, sqs

logger = logging.getLogger("sqs")

_INTERVAL_SECONDS = 5.0


def _publish(queue: dict[str, Any], now: float) -> None:
    messages = list(queue["messages"])
    visible = [m for m in messages if m["visible_at"] <= now]
    dimensions = {"QueueName": queue["name"]}
    values = {
        "ApproximateNumberOfMessagesVisible": float(len(visible)),
        "ApproximateNumberOfMessagesNotVisible": float(len(messages) - len(visible)),
    }
    for name, value in values.items():
        cloudwatch.record_metric("AWS/SQS", name, value, "Count", dimensions)
    age = max((now - m["sent_at"] for m in messages), default=0.0)
    cloudwatch.record_metric("AWS/SQS", "ApproximateAgeOfOldestMessage", age, "Seconds", dimensions)


def _publish_scope(account: str, region: str) -> None:
    responses._request_account_id.set(account)
    responses._request_region.set(region)
    for queue in sqs._queues.values():
        _publish(queue, time.time())


def publish_all() -> None:
    """The metrics of every queue as it stands."""
    for account, region in {(a, r) for a, r, _ in list(sqs._queues._data)}:
        contextvars.copy_context().run(_publish_scope, account, region)


def _run() -> None:
    while True:
        time.sleep(_INTERVAL_SECONDS)
        try:
            publish_all()
        except Exception:
            logger.exception("queue metrics")


def apply() -> None:
    """Start the thread that publishes."""
    threading.Thread(target=_run, daemon=True, name="queue-metrics").start()
