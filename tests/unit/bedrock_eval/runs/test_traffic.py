"""What calls came to, by their status."""

import pytest

from bedrock_eval.pricing.usage import Usage
from bedrock_eval.runs.traffic import Traffic


@pytest.mark.parametrize(
    ("status", "counted"),
    [
        (429, {"throttles": 1}),
        (400, {"client_errors": 1}),
        (403, {"client_errors": 1}),
        (404, {"client_errors": 1}),
        (408, {"client_errors": 1, "taken_and_failed": 1}),
        (424, {"client_errors": 1, "taken_and_failed": 1}),
        (500, {"server_errors": 1, "taken_and_failed": 1}),
        (503, {"server_errors": 1, "taken_and_failed": 1}),
        (None, {"unknown": 1}),
        (200, {"unknown": 1}),
    ],
)
def test_a_call_that_failed(status: int | None, counted: dict[str, int]) -> None:
    assert Traffic("p").with_failure(status) == Traffic("p", **counted)  # type: ignore[arg-type]


def test_answers_and_their_tokens() -> None:
    found = Traffic("p").with_answer(Usage(10, 5, 3, 2)).with_answer(None).with_failure(429)
    assert found == Traffic("p", answered=2, untold=1, throttles=1, usage=Usage(10, 5, 3, 2))
    assert found.calls == 3


def test_a_sum_is_exact_where_all_are() -> None:
    one = Traffic("p", answered=1, usage=Usage(1, 1, 1, 1))
    assert one + one == Traffic("p", answered=2, usage=Usage(2, 2, 2, 2))
    assert not (one + Traffic("p", exact=False)).exact
