"""SNS to Lambda and SQS, and subscriptions that wait to be confirmed.

Stock ministack confirms a subscription by mail at once, lists the ARN of a pending one, and keeps it for ever. SNS asks
by mail, lists `PendingConfirmation` in place of the ARN, and drops a subscription that is not confirmed within 48
hours. There is no mail here: its token is the last part of the subscription's ARN, which Subscribe gives with
`ReturnSubscriptionArn`.

Stock ministack calls the function once and forgets how it ended. SNS invokes asynchronously: an error is retried as the
function's configuration says, and then goes to its on-failure destination or dead-letter queue. A function or queue
that is gone, or a queue that refuses, counts as a failed delivery of the topic.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

from ministack.services import cloudwatch, lambda_svc, sns, sqs

logger = logging.getLogger("sns")

_BY_MAIL = ("email", "email-json")
_CONFIRM_WITHIN_SECONDS = 48 * 3_600
_PAGE = 100


def await_confirmation(subscription_arn: str, _properties: Mapping[str, Any] | None = None) -> None:
    """Make a new subscription by mail wait until its token comes."""
    found = sns._find_subscription(sns._sub_arn_to_topic.get(subscription_arn, ""), subscription_arn)
    if found is None or found["protocol"] not in _BY_MAIL or "asked" in found:
        return
    found.update(confirmed=False, token=subscription_arn.rpartition(":")[2], asked=time.time())
    found["attributes"].update(PendingConfirmation="true", ConfirmationWasAuthenticated="false")


def _drop_the_unconfirmed(topic: dict[str, Any]) -> None:
    latest = time.time() - _CONFIRM_WITHIN_SECONDS
    stale = [each for each in topic["subscriptions"] if not each["confirmed"] and each.get("asked", latest) < latest]
    for each in stale:
        topic["subscriptions"].remove(each)
        sns._sub_arn_to_topic.pop(each["arn"], None)


def _subscribe(stock: Callable[..., Any]) -> Callable[..., Any]:
    def subscribe(params: dict[str, Any]) -> Any:
        answer = stock(params)
        protocol, endpoint = sns._p(params, "Protocol"), sns._p(params, "Endpoint")
        topic = sns._topic_by_arn_any_scope(sns._p(params, "TopicArn"))
        if answer[0] >= 400 or topic is None or protocol not in _BY_MAIL:
            return answer
        made = next(e for e in topic["subscriptions"] if (e["protocol"], e["endpoint"]) == (protocol, endpoint))
        await_confirmation(made["arn"])
        shown = made["confirmed"] or sns._p(params, "ReturnSubscriptionArn").lower() == "true"
        arn = made["arn"] if shown else "pending confirmation"
        inner = f"<SubscribeResult><SubscriptionArn>{arn}</SubscriptionArn></SubscribeResult>"
        return sns._xml(200, "SubscribeResponse", inner)

    return subscribe


def _list_by_topic(params: dict[str, Any]) -> Any:
    topic, error = sns._get_topic(sns._p(params, "TopicArn"), "sns:ListSubscriptionsByTopic")
    if error is not None:
        return error
    _drop_the_unconfirmed(topic)
    start = int(sns._p(params, "NextToken") or 0)
    page = topic["subscriptions"][start : start + _PAGE]
    members = "".join(
        f"<member><SubscriptionArn>{each['arn'] if each['confirmed'] else 'PendingConfirmation'}</SubscriptionArn>"
        f"<Owner>{each['owner']}</Owner><TopicArn>{topic['arn']}</TopicArn><Protocol>{each['protocol']}</Protocol>"
        f"<Endpoint>{sns._xml_escape(each['endpoint'])}</Endpoint></member>"
        for each in page
    )
    more = start + _PAGE < len(topic["subscriptions"])
    token = f"<NextToken>{start + _PAGE}</NextToken>" if more else ""
    inner = f"<Subscriptions>{members}</Subscriptions>{token}"
    result = f"<ListSubscriptionsByTopicResult>{inner}</ListSubscriptionsByTopicResult>"
    return sns._xml(200, "ListSubscriptionsByTopicResponse", result)


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
    """Hand an event to Lambda without blocking: it is on its way when Publish answers."""

    def __init__(self, *, target: Callable[..., Any], args: tuple[Any, ...], daemon: bool) -> None:
        super().__init__(target=target, args=args, daemon=daemon)
        self._at_once = partial(target, *args) if _deliver in args else None

    def start(self) -> None:
        if self._at_once is None:
            super().start()
        else:
            self._at_once()


def apply() -> None:
    """Deliver to functions as an asynchronous invocation, count what cannot be delivered, and ask before mailing."""
    sns._subscribe = _subscribe(sns._subscribe)
    sns._list_subscriptions_by_topic = _list_by_topic
    sns._deliver_to_lambda = _deliver
    sns._deliver_to_sqs = _to_queue(sns._deliver_to_sqs)
    sns._threading = SimpleNamespace(**{**vars(threading), "Thread": _Thread})
