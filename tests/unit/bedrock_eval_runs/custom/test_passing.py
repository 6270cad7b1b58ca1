"""Which errors the state machine tries again."""

from typing import Any

import pytest
from botocore.exceptions import (
    EndpointConnectionError,
    IncompleteReadError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from bedrock_eval_runs.errors import PassingError, RunFailed
from bedrock_eval_runs.transient import passing_errors
from tests.support.fakes import client_error

PASSING: tuple[Any, ...] = (
    client_error("SlowDown", status=503),
    client_error("Throttling", status=400),
    client_error("ThrottlingException", status=400),
    client_error("SomethingNew", status=429),
    client_error("500", status=500),
    client_error("RequestTimeout", status=400),
    ReadTimeoutError(endpoint_url="https://x"),
    EndpointConnectionError(endpoint_url="https://x"),
    ResponseStreamingError(error="broken"),
    IncompleteReadError(actual_bytes=1, expected_bytes=2),
)
STAYING: tuple[Any, ...] = (
    client_error("AccessDenied", status=403),
    client_error("NoSuchBucket", status=404),
    client_error("ValidationError", status=400),
    NoCredentialsError(),
    ParamValidationError(report="no"),
    KeyError("RESULTS_BUCKET"),
)


@pytest.mark.parametrize("error", PASSING, ids=str)
def test_trouble_that_passes_has_a_class_of_its_own(error: Exception) -> None:
    with pytest.raises(PassingError, match=type(error).__name__), passing_errors():
        raise error


@pytest.mark.parametrize("error", STAYING, ids=str)
def test_everything_else_stays_what_it_is(error: Exception) -> None:
    with pytest.raises(type(error)), passing_errors():
        raise error


def test_it_is_named_as_the_state_machine_expects() -> None:
    assert (PassingError.__name__, issubclass(PassingError, RunFailed)) == ("PassingError", False)
