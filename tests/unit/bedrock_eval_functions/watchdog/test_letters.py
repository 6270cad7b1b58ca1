"""Letters in the dead-letter queues, as the watchdog counts them."""

import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from bedrock_eval_functions.watchdog.letters import letters
from tests.support.fakes import FakeQueues, client_error

NOW = datetime(2026, 11, 23, 13, 20, 30, tzinfo=UTC)


def counted(queues: FakeQueues, *names: str) -> dict[str, Any]:
    found = [each.request() for each in letters(queues, names, application="shop", now=NOW)]
    assert {each["MetricName"] for each in found} <= {"dead_letters"}
    assert {each["Timestamp"] for each in found} <= {NOW.replace(second=0)}
    return {{item["Name"]: item["Value"] for item in each["Dimensions"]}["QueueName"]: each["Value"] for each in found}


def test_every_letter_counts_whatever_it_waits_for() -> None:
    queues = FakeQueues({"shop-dev-dead-letters": (2, 3, 4), "empty": (0, 0, 0)})
    assert counted(queues, "shop-dev-dead-letters", "empty") == {"shop-dev-dead-letters": 9.0, "empty": 0.0}


def test_every_queue_is_asked_and_so_kept_awake() -> None:
    queues = FakeQueues({"a": (0, 0, 0), "b": (0, 0, 0)})
    counted(queues, "a", "b")
    assert queues.asked == ["a", "b"]


@pytest.mark.parametrize("error", [client_error("AccessDenied", status=403), KeyError("Attributes")])
def test_a_queue_that_cannot_be_asked_is_unknown_and_stops_no_other(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    queues = FakeQueues({"locked": error, "open": (1, 0, 0)})
    with caplog.at_level(logging.ERROR):
        assert counted(queues, "gone", "locked", "open") == {"open": 1.0}
    told = [record for record in caplog.records if record.message == "dead-letter queues unknown"]
    assert [vars(record)["queue"] for record in told] == ["gone", "locked"]
    assert all(vars(record)["reason"] for record in told)
