"""SNS to Lambda and SQS.

Stock ministack calls the function once and forgets how it ended. SNS invokes asynchronously: an error is retried as the
function's configuration says, and then goes to its on-failure destination or dead-letter queue. A function or queue
that is gone, or a queue that refuses, counts as a failed delivery of the topic.
"""

import json
import logging
import threading
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

from ministack.services import cloudwatch, lambda_svc, sns, sqs

logger = logging.getLogger("sns")


def _deliver(endpoint: str, envelope: str, topic: str, subscription: str, *_rest: Any) -> None:
    function, config, name = lambda_svc._get_func_record_for_ref(endpoint)
    if not function or not config:
        logger.warning("no function %s to deliver to", name)
        _count_failure(topic)
        return
    record = {
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription,
        "EventSource": "aws:sns",
        "Sns": json.loads(envelope),
    }
    lambda_svc.invoke_async_with_retry(function, {"Records": [record]})


def _count_failure(topic: str) -> None:
    cloudwatch.record_metric(
        "AWS/SNS", "NumberOfNotificationsFailed", 1.0, "Count", {"TopicName": topic.rpartition(":")[2]}
    )


def _to_queue(stock: Callable[..., None]) -> Callable[..., None]:
    def deliver(endpoint: str, *rest: Any, topic_arn: str = "", **more: Any) -> None:
        account = topic_arn.split(":")[4] if topic_arn else ""
        gone = sqs._queue_by_arn(endpoint) is None
        if gone or not sqs.queue_policy_allows(endpoint, "sns.amazonaws.com", topic_arn, account):
            _count_failure(topic_arn)
        stock(endpoint, *rest, topic_arn=topic_arn, **more)

    return deliver


class _Thread(threading.Thread):
    """Handing an event to Lambda blocks nobody: done at once, it is under way when Publish answers."""

    def __init__(self, *, target: Callable[..., Any], args: tuple[Any, ...], daemon: bool) -> None:
        super().__init__(target=target, args=args, daemon=daemon)
        self._at_once = partial(target, *args) if _deliver in args else None

    def start(self) -> None:
        if self._at_once is None:
            super().start()
        else:
            self._at_once()


def apply() -> None:
    """Deliver to functions as an asynchronous invocation, and count what cannot be delivered."""
    sns._deliver_to_lambda = _deliver
    sns._deliver_to_sqs = _to_queue(sns._deliver_to_sqs)
    sns._threading = SimpleNamespace(**{**vars(threading), "Thread": _Thread})
