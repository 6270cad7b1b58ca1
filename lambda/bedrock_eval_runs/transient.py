"""Which errors of AWS pass by themselves, and the class in which the state machine tries them again."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as BotoConnectionError

from bedrock_eval_runs.errors import PassingError
from bedrock_eval_runs.store import error_code

_SERVERS_FAULT = 500
_STATUSES = frozenset({408, 429})
# With a status of 400, or of none where the protocol tells none.
_CODES = frozenset(
    {"SlowDown", "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestLimitExceeded"}
    | {"RequestThrottledException", "TooManyRequestsException", "BandwidthLimitExceeded", "KMS.ThrottlingException"}
    | {"RequestTimeout", "RequestTimeoutException", "OperationAborted", "ConditionalRequestConflict"}
    | {"InternalError", "InternalFailure", "InternalServiceError", "InternalServiceFault", "InternalServerException"}
    | {"InternalServerError", "ServiceUnavailable", "ServiceUnavailableException", "ServiceFailure"}
)


def passes(error: BaseException) -> bool:
    """Whether the same call may well go through a little later."""
    if isinstance(error, ClientError):
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        return error_code(error) in _CODES or status in _STATUSES or status >= _SERVERS_FAULT
    return isinstance(error, HTTPClientError | BotoConnectionError | IncompleteReadError | PassingError)


@contextmanager
def passing_errors() -> Iterator[None]:
    """Raise what passes as PassingError, everything else as it is.

    Raises:
        PassingError: of the class that the state machine's Retry names.
    """
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        if not passes(error):
            raise
        raise PassingError(f"{type(error).__name__}: {error}") from error
