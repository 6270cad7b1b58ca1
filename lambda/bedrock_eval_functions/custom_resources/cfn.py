"""CloudFormation's side of a custom resource: the request, and an answer that always comes.

Source: CloudFormation user guide, custom resource request and response objects.
"""

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from http.client import HTTPException
from threading import Lock, Timer
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from bedrock_eval.errors import UserError
from bedrock_eval.numerals import whole
from bedrock_eval.sdk import fitting
from bedrock_eval_functions.custom_resources.patience import patiently

ANSWER_MARGIN_SECONDS = 10.0
"""The answer is FAILED when there is none this long before the function's deadline."""

ANSWER_LIMIT = 4096
"""Bytes of the JSON as it is sent."""

_CUT = "..."
# The last try may still come to its end before Lambda ends the process.
_RESERVE_SECONDS = 1.0
_TRY_SECONDS, _LONGEST_PAUSE = 5.0, 8.0
# What S3 says of a connection that was too slow, and of too many: the same request may pass the next time.
_PASSING_STATUS = frozenset({400, 408, 429})
# Of a role whose statements, or whose credentials, a service does not know yet.
# Assumption: fresh-roles
_FRESH_ROLE = frozenset(
    {
        *("AccessDenied", "AccessDeniedException", "Forbidden", "403"),
        *("InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException"),
    }
)

logger = logging.getLogger(__name__)


class ResourceError(UserError):
    """The resource cannot be made, changed or removed; the message is what CloudFormation shows."""


class RequestType(StrEnum):
    """What CloudFormation asks for."""

    CREATE = "Create"
    UPDATE = "Update"
    DELETE = "Delete"


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes:
        properties: without ServiceToken and ServiceTimeout; every scalar in them is text.
        deadline: on the clock of `time.monotonic`, when the answer must have been given.
        physical_id: of what is to be changed or deleted, as it was answered when that was made; None at Create.
    """

    type: RequestType
    logical_id: str
    properties: Mapping[str, Any]
    deadline: float = field(default=float("inf"))
    physical_id: str | None = None

    def text(self, name: str, *, allowed: tuple[str, ...] = (), default: str | None = None) -> str:
        """A property that must be text.

        Raises:
            ResourceError: naming the property and what is allowed.
        """
        value = self.properties.get(name, default)
        if not isinstance(value, str) or not value:
            raise ResourceError(f"property {name}: {'missing' if value is None else 'not text'}")
        if allowed and value not in allowed:
            raise ResourceError(f"property {name}: {value!r} is not allowed; allowed: {', '.join(allowed)}")
        return value

    def whole(self, name: str) -> int:
        """A property that must be a whole number.

        Raises:
            ResourceError: naming the property.
        """
        text = self.text(name)
        number = whole(text)
        if number is None:
            raise ResourceError(f"property {name}: {text!r} is not a whole number")
        return number

    @property
    def seconds_left(self) -> float:
        return self.deadline - time.monotonic()


Work = Callable[[Request], Mapping[str, str] | None]
"""Does what is asked; returns the resource's attributes."""

Identify = Callable[[Request], str]
"""The physical id, the same at every request about one thing: another one makes CloudFormation delete the old."""


def respond(event: Mapping[str, Any], context: Any, *, work: Work, identify: Identify) -> None:
    """Do the work and tell CloudFormation, whatever happens."""
    remaining = context.get_remaining_time_in_millis() / 1000
    answer = _Answer(event, deadline=time.monotonic() + remaining - _RESERVE_SECONDS)
    seconds = remaining - ANSWER_MARGIN_SECONDS
    timer = Timer(max(seconds, 0.0), answer.out_of_time)
    timer.daemon = True
    timer.start()
    try:
        request = _request(event, deadline=time.monotonic() + seconds)
        if request.type is not RequestType.DELETE:
            answer.physical_id = identify(request)
        logger.info("request", extra={"type": request.type.value, "resource": request.logical_id})
        # Properties that gave no physical id made nothing, and must not keep the stack from going.
        never_made = answer.physical_id == request.logical_id
        data = dict(_carry_out(work, request, never_made=never_made) or {})
    except UserError as error:
        # Its message may show a property's value, which belongs to CloudFormation's event and not into a log.
        logger.error("refused", extra={"resource": event.get("LogicalResourceId")})
        answer.send("FAILED", reason=str(error))
    except Exception as error:
        # Every failure must reach CloudFormation, which otherwise waits for the service timeout.
        logger.exception("failed", extra={"resource": event.get("LogicalResourceId")})
        answer.send("FAILED", reason=f"{type(error).__name__}: {error}")
    else:
        answer.send("SUCCESS", data=data)
    finally:
        timer.cancel()


def _carry_out(work: Work, request: Request, *, never_made: bool) -> Mapping[str, str] | None:
    """The work, with the patience that the function's own fresh role may need: a roll-back can follow at once."""
    if request.type is RequestType.DELETE and never_made:
        return None
    return patiently(lambda: work(request), again=_may_be_the_fresh_role, seconds_left=request.seconds_left)


def _may_be_the_fresh_role(error: Exception) -> bool:
    return isinstance(error, ClientError) and error_code(error) in _FRESH_ROLE


def error_code(error: ClientError) -> str:
    """The service's code of the error, as `ResourceNotFound`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _request(event: Mapping[str, Any], *, deadline: float) -> Request:
    properties = event.get("ResourceProperties") or {}
    return Request(
        type=RequestType(event["RequestType"]),
        logical_id=event["LogicalResourceId"],
        properties={key: value for key, value in properties.items() if key not in ("ServiceToken", "ServiceTimeout")},
        deadline=deadline,
        physical_id=event.get("PhysicalResourceId"),
    )


class _Answer:
    """The one answer to a request; a second one is not sent."""

    def __init__(self, event: Mapping[str, Any], *, deadline: float) -> None:
        self._event = event
        self._deadline = deadline
        self._sent = False
        self._lock = Lock()
        self.physical_id = str(event.get("PhysicalResourceId") or event.get("LogicalResourceId"))

    def out_of_time(self) -> None:
        self.send("FAILED", reason="the function ran out of time before it was done; see its log")

    def send(self, status: str, *, reason: str = "", data: Mapping[str, str] | None = None) -> None:
        with self._lock:
            if self._sent:
                return
            self._sent = True
        body = self._body(status, reason=reason or "done", data=data or {})
        if len(body) > ANSWER_LIMIT and data:
            body = self._body("FAILED", reason=f"the answer is larger than {ANSWER_LIMIT} bytes", data={})
        elif len(body) > ANSWER_LIMIT:
            room = ANSWER_LIMIT - len(self._body(status, reason="", data={}))
            body = self._body(status, reason=_beginning(reason, room), data={})
        _put(self._event["ResponseURL"], body, deadline=self._deadline)

    def _body(self, status: str, *, reason: str, data: Mapping[str, str]) -> bytes:
        answer = {
            "Status": status,
            "Reason": reason,
            "PhysicalResourceId": self.physical_id,
            "StackId": self._event["StackId"],
            "RequestId": self._event["RequestId"],
            "LogicalResourceId": self._event["LogicalResourceId"],
            "Data": data,
        }
        return _sent(answer)


def _sent(value: object) -> bytes:
    """JSON as it is sent: letters of every script as themselves, half a surrogate pair as a question mark."""
    return json.dumps(value, ensure_ascii=False).encode(errors="replace")


def _beginning(reason: str, room: int) -> str:
    """As much of a reason as takes up so many bytes, with what says that something is missing."""
    left = room - len(_CUT)
    for index, character in enumerate(reason):
        left -= len(_sent(character)) - len('""')
        if left < 0:
            return reason[:index] + _CUT
    return reason


def _put(url: str, body: bytes, *, deadline: float) -> None:
    """Send the answer until it goes through or the time is up; without it the stack waits for its own timeout.

    The URL is presigned for S3, with an empty content type.

    Raises:
        OSError: the last failure, at once when S3 refuses for good.
        HTTPException: the last answer was no HTTP.
    """
    pause = 0.5
    while True:
        request = HttpRequest(url, data=body, method="PUT", headers={"Content-Type": ""})  # noqa: S310 - CloudFormation's
        seconds = min(max(deadline - time.monotonic(), 1.0), _TRY_SECONDS)
        try:
            with urlopen(request, timeout=seconds):  # noqa: S310 - CloudFormation's URL
                return
        except (OSError, HTTPException) as error:
            if _is_refused(error) or time.monotonic() + pause > deadline:
                raise
            # Its text may hold the URL, which lets whoever has it answer.
            logger.warning("not answered yet", extra={"reason": type(error).__name__})
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


def _is_refused(error: Exception) -> bool:
    return isinstance(error, HTTPError) and 400 <= error.code < 500 and error.code not in _PASSING_STATUS


@cache
def client(service: str) -> Any:
    """One client a service and process."""
    config = Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=5, read_timeout=60)
    return fitting(boto3.client(service, config=config))
