"""How many letters lie in the dead-letter queues. A queue that nobody asks falls asleep, and so do its metrics."""

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from bedrock_eval import catalogue
from bedrock_eval.results.publishing import Datum
from bedrock_eval_functions.watchdog.datums import of_application
from bedrock_eval_functions.watchdog.reasons import reason

logger = logging.getLogger(__name__)

# Those that wait, those that somebody has received and not deleted, and those that wait to become visible.
_COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


def letters(sqs: Any, queues: Sequence[str], *, application: str, now: datetime) -> Iterator[Datum]:
    """A datum for each queue, by its name; none of a queue that cannot be asked, whose letters are then unknown."""
    for queue in queues:
        try:
            waiting = _waiting(sqs, queue)
        except Exception as error:
            # Whatever it is: neither another queue nor another look is to go with it.
            logger.error("dead-letter queues unknown", extra={"queue": queue, "reason": reason(error)})
            continue
        if waiting:
            logger.warning("messages in dead-letter queues", extra={"queue": queue, "letters": waiting})
        about = {catalogue.QUEUE: queue}
        yield of_application(catalogue.DEAD_LETTERS, waiting, application=application, now=now, **about)


def _waiting(sqs: Any, queue: str) -> int:
    # Assumption: queue-metrics-sleep
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(_COUNTS))["Attributes"]
    return sum(int(found[name]) for name in _COUNTS)
