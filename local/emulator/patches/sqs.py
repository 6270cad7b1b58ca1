"""AWS/SQS metrics.

Stock ministack publishes none. SQS publishes the state of a queue every minute; here a thread does it every five
seconds, so that an alarm on a dead-letter queue does not keep anyone waiting. A queue that nothing has accessed for
more than six hours is asleep and has no metrics, even with messages in it, and takes fifteen minutes to report again
once it is accessed. By another reading of the guide a message alone keeps it awake; what works with this reading works
with that.
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
# Assumption: queue-metrics-sleep
_AWAKE_SECONDS = 6 * 3600
_WAKING_SECONDS = 15 * 60
_ACCESSED_AT, _REPORTS_FROM = "accessed_at", "reports_from"


def _access(queue: dict[str, Any], now: float) -> None:
    if now - queue.get(_ACCESSED_AT, now) > _AWAKE_SECONDS:
        queue[_REPORTS_FROM] = now + _WAKING_SECONDS
    queue[_ACCESSED_AT] = now


def _reports(queue: dict[str, Any], now: float) -> bool:
    """Services of the emulator put their messages into a queue without a request."""
    newest = max((m["sent_at"] for m in queue["messages"]), default=0.0)
    if newest > queue.setdefault(_ACCESSED_AT, now):
        _access(queue, newest)
    return bool(now - queue[_ACCESSED_AT] <= _AWAKE_SECONDS and now >= queue.get(_REPORTS_FROM, 0.0))


def _publish(queue: dict[str, Any], now: float) -> None:
    if not _reports(queue, now):
        return
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
    for queue in list(sqs._queues.values()):
        _publish(queue, time.time())


def publish_all() -> None:
    """Publish the metrics of every queue that is awake."""
    for account, region in {(a, r) for a, r, _ in list(sqs._queues._data)}:
        contextvars.copy_context().run(_publish_scope, account, region)


def _run() -> None:
    while True:
        time.sleep(_INTERVAL_SECONDS)
        try:
            publish_all()
        except Exception:
            logger.exception("queue metrics")


def _accessed(name: str) -> None:
    for queue in list(sqs._queues.values()):
        if queue["name"] == name:
            _access(queue, time.time())


def apply() -> None:
    """Note each access to a queue, and start the thread that publishes."""
    dispatch = sqs._dispatch

    async def dispatch_and_note(action: str, data: dict[str, Any], url: str) -> dict[str, Any]:
        # Also a request that is refused wakes a queue.
        _accessed(str(data.get("QueueName") or url.rpartition("/")[2]))
        answer: dict[str, Any] = await dispatch(action, data, url)
        return answer

    sqs._dispatch = dispatch_and_note
    threading.Thread(target=_run, daemon=True, name="queue-metrics").start()
