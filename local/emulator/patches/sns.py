"""SNS to Lambda.

Stock ministack calls the function once and forgets how it ended. SNS invokes asynchronously: an error is retried as the
function's configuration says, and then goes to its on-failure destination or dead-letter queue. A function that is
gone counts as a failed delivery of the topic.
"""

import json
import logging
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


def apply() -> None:
    """Deliver as an asynchronous invocation."""
    sns._deliver_to_lambda = _deliver
