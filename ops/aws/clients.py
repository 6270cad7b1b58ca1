"""boto3's clients as every command makes and calls them: an error is one message."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoRegionError
from botocore.parsers import ResponseParserError

from ops.errors import OpsError

REGION_SOURCES = "--region, AWS_REGION, AWS_DEFAULT_REGION, or one in the AWS configuration"

_EDGE = Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=5, read_timeout=60)


def client(service: str, *, region: str | None, endpoint_url: str | None = None) -> Any:
    """A client of one service.

    Args:
        region: None: that of the caller's environment.
        endpoint_url: None: AWS_ENDPOINT_URL where it is set, else AWS's own.

    Raises:
        OpsError: it cannot be made: no Region, or an endpoint that is no address.
    """
    with making(service):
        return boto3.client(service, region_name=region or own_region(), endpoint_url=endpoint_url, config=_EDGE)


def own_region() -> str | None:
    """The Region of the caller's environment. boto3 alone of the SDKs ignores AWS_REGION.

    Raises:
        BotoCoreError: the AWS configuration cannot be read.
    """
    return os.environ.get("AWS_REGION") or boto3.Session().region_name


@contextmanager
def making(service: str) -> Iterator[None]:
    """Turn what boto3 raises when a client cannot be made into one message."""
    try:
        yield
    except NoRegionError:
        raise OpsError(f"no Region for {service}; needed: {REGION_SOURCES}") from None
    except (BotoCoreError, ValueError) as error:
        # ValueError: AWS_ENDPOINT_URL, or endpoint_url of the AWS configuration, is no address.
        raise OpsError(f"no client for {service}: {error}") from None


@contextmanager
def calling(what: str) -> Iterator[None]:
    """Turn what boto3 raises into one message that begins with what the command was doing."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise OpsError(f"{what}: {error}") from None
    except (ResponseParserError, KeyError, TypeError) as error:
        # botocore's parsers raise anything when the response is not AWS's.
        if not _raised_by_botocore(error):
            raise
        advice = "the response is not AWS's; check AWS_ENDPOINT_URL and proxies"
        raise OpsError(f"{what}: {advice} ({type(error).__name__}: {error})") from None


def _raised_by_botocore(error: BaseException) -> bool:
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    return at is not None and str(at.tb_frame.f_globals.get("__name__", "")).startswith("botocore.")
