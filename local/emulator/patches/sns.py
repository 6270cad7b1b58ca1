"""SNS to Lambda.

Stock ministack calls the function once and forgets how it ended. SNS invokes asynchronously: an error is retried as the
function's configuration says, and then goes to its on-failure destination or dead-letter queue. A function that is
gone counts as a failed delivery of the topic.
"""

import json
import logging
import threading
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

from ministack.services import cloudwatch, lambda_svc, sns

logger = logging.getLogger("sns")


def _deliver(endpoint: str, envelope: str, topic: str, subscription: str, *_rest: Any) -> None:
    function, config, name = lambda_svc._get_func_record_for_ref(endpoint)
    if not function or not config:
        logger.warning("no function %s to deliver to", name)
        cloudwatch.record_metric(
            "AWS/SNS", "NumberOfNotificationsFailed", 1.0, "Count", {"TopicName": topic.rpartition(":")[2]}
        )
        return
    record = {
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription,
        "EventSource": "aws:sns",
        "Sns": json.loads(envelope),
    }
    lambda_svc.invoke_async_with_retry(function, {"Records": [record]})


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
    """Deliver as an asynchronous invocation."""
    sns._deliver_to_lambda = _deliver
    sns._threading = SimpleNamespace(**{**vars(threading), "Thread": _Thread})
