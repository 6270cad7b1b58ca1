"""Bodies and errors of the JSON protocols of AWS: REST-JSON has the code in a header, the other in the body."""

import json
from typing import Any

Response = tuple[int, dict[str, str], bytes]

STATUS = {
    "ValidationException": 400,
    "TooManyTagsException": 400,
    "ServiceQuotaExceededException": 400,
    "ResourceInUse": 400,
    "ResourceLimitExceeded": 400,
    "ResourceNotFound": 400,
    "AccessDeniedException": 403,
    "ResourceNotFoundException": 404,
    "UnknownOperationException": 404,
    "ModelTimeoutException": 408,
    "ConflictException": 409,
    "ModelErrorException": 424,
    "ThrottlingException": 429,
    "InternalServerException": 500,
    "ServiceUnavailableException": 503,
}


class ServiceError(Exception):
    """A refusal with its code; `members` are further members of the modelled exception."""

    def __init__(self, code: str, message: str, **members: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.members = members

    @property
    def status(self) -> int:
        return STATUS[self.code]

    def response(self) -> Response:
        body = json.dumps({"__type": self.code, "message": self.message, **self.members}).encode()
        return self.status, {"Content-Type": "application/json", "x-amzn-errortype": self.code}, body


def invalid(message: str) -> ServiceError:
    """The ValidationException that carries this message."""
    return ServiceError("ValidationException", message)


def json_document(body: bytes) -> dict[str, Any]:
    """The object that is the body of a request.

    Raises:
        ServiceError: the body is something else.
    """
    try:
        document = json.loads(body or b"{}")
    except ValueError as error:
        raise invalid(f"The request body is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise invalid("The request body must be a JSON object.")
    return document


def json_response(payload: dict[str, Any], status: int = 200) -> Response:
    """A successful answer."""
    return status, {"Content-Type": "application/json"}, json.dumps(payload).encode()
