"""Entry point: SNS delivers what arrives at the alarm topic, and readable messages go on to the people's topics."""

import logging
import os
from dataclasses import replace
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bedrock_eval.alarms.messages import Message, Place
from bedrock_eval.sdk import fitting
from bedrock_eval_functions.alarm_formatter.formatter import Formatter

logging.getLogger("bedrock_eval_functions").setLevel(logging.INFO)
logger = logging.getLogger(__name__)

_CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=3, read_timeout=5)


@cache
def client(service: str) -> Any:
    return fitting(boto3.client(service, config=_CONFIG))


def handler(event: dict[str, Any], _context: object) -> None:
    """Say every message of the event in words; what is no alarm's, or cannot be said, goes on as it came.

    Raises:
        KeyError: an environment variable is missing.
        ClientError: SNS refused; Lambda tries again, and then sends the raw event to the people's topic itself.
    """
    s3 = client("s3")
    formatter = Formatter(
        s3=s3,
        cloudwatch=client("cloudwatch"),
        place=Place(
            region=s3.meta.region_name,
            bucket=os.environ["RESULTS_BUCKET"],
            prefix=os.environ["PREFIX"],
            runbook=os.environ["RUNBOOK_URL"],
        ),
    )
    for record in event["Records"]:
        message = formatter.message(record["Sns"]["Message"], subject=record["Sns"].get("Subject"))
        if message is not None:
            _publish(message)


def _publish(message: Message) -> None:
    """To the chat first: what goes wrong there is told to the people, and is no reason to tell them twice."""
    chat = os.environ.get("CHAT_TOPIC")
    if chat is not None:
        try:
            client("sns").publish(TopicArn=chat, Message=message.to_chat())
        except (ClientError, BotoCoreError) as error:
            logger.exception("chat not notified", extra={"subject": message.subject})
            message = replace(message, text=f"{message.text}\n\nThe chat topic refused this message: {error}")
    client("sns").publish(**message.publication(os.environ["MESSAGES_TOPIC"]))
    logger.info("passed on", extra={"subject": message.subject, "told": message.story is not None})
