"""Entry point: called every hour, and once by the deploy."""

import logging
import os
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from bedrock_eval.catalogue import CUSTOM
from bedrock_eval.results.publishing import batches
from bedrock_eval.sdk import fitting
from bedrock_eval_functions.watchdog.watch import Watch

logging.getLogger("bedrock_eval_functions").setLevel(logging.INFO)
logger = logging.getLogger(__name__)

_CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=5, read_timeout=30)


@cache
def client(service: str) -> Any:
    return fitting(boto3.client(service, config=_CONFIG))


def handler(_event: object, _context: object) -> dict[str, object]:
    """Look once and publish; how many datums were sent.

    Raises:
        KeyError: the environment variable APPLICATION or RESULTS_BUCKET is missing.
        DecodeError: the watch list is not what the monitoring stack writes.
        ClientError: S3 or CloudWatch refused; the heartbeat then stays away, and its alarm rings.
    """
    s3 = client("s3")
    watch = Watch(
        s3=s3,
        cloudwatch=client("cloudwatch"),
        bedrock=client("bedrock"),
        sqs=client("sqs"),
        logs=client("logs"),
        bucket=os.environ["RESULTS_BUCKET"],
        application=os.environ["APPLICATION"],
        region=s3.meta.region_name,
        sns=client("sns"),
        budgets=client("budgets"),
    )
    datums = watch.round(datetime.now(UTC))
    for batch in batches(datums):
        client("cloudwatch").put_metric_data(Namespace=CUSTOM, MetricData=batch)
    logger.info("looked", extra={"datums": len(datums)})
    return {"datums": len(datums)}
