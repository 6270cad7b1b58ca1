"""A run's own counts beside AWS's."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from botocore.session import get_session

from bedrock_eval.pricing.usage import Usage
from bedrock_eval.runs.traffic import Traffic
from bedrock_eval.watchdog.reconciling import COUNTED, LOG, METRICS, Run, UnknownError, held, newest, of_log, through

NOW = datetime(2026, 11, 23, 13, 20, tzinfo=UTC)
PROFILE = "arn:aws:bedrock:us-east-1:111111111111:application-inference-profile/own"
OTHER = f"{PROFILE}-other"
OWN = Traffic(PROFILE, answered=100, throttles=10, usage=Usage(5_000, 2_000, 300, 200))
FOUND = {
    "calls": 100,
    "throttles": 10,
    "input_tokens": 5_000,
    "output_tokens": 2_000,
    "cache_read_tokens": 300,
    "cache_write_tokens": 200,
}


def apart(own: Traffic, found: Mapping[str, float], *, source: str = METRICS) -> set[str]:
    return {each.quantity for each in held(own, source=source, found=found) if each.apart}


def test_equal_counts_are_not_apart() -> None:
    assert apart(OWN, FOUND) == apart(OWN, FOUND, source=LOG) == set()
    assert {each.quantity for each in held(OWN, source=METRICS, found=FOUND)} == set(COUNTED)


@pytest.mark.parametrize(
    ("changes", "quantities"),
    [
        ({"calls": 98}, set()),
        ({"calls": 102}, set()),
        ({"calls": 97}, {"calls"}),
        ({"calls": 103}, {"calls"}),
        # One of ten is more than 2 %, and one at least.
        ({"throttles": 9}, {"throttles"}),
        ({"throttles": 0}, {"throttles"}),
        ({"client_errors": 1}, {"client_errors"}),
        # Less than one is no call.
        ({"client_errors": 0.5}, set()),
        # As if cached tokens were among the input tokens.
        ({"input_tokens": 5_500}, {"input_tokens"}),
    ],
)
def test_more_than_two_per_cent_and_one_at_least(changes: Mapping[str, float], quantities: set[str]) -> None:
    assert apart(OWN, {**FOUND, **changes}) == quantities


def test_silence_after_a_run_that_called_is_a_difference() -> None:
    """No metric under the profile's id is what a wrong id looks like."""
    assert apart(OWN, {}) == set(FOUND)
    assert {each.percent for each in held(OWN, source=METRICS, found={}) if each.apart} == {100.0}


def test_calls_that_failed_late_may_be_counted_or_not() -> None:
    own = Traffic(PROFILE, answered=10, taken_and_failed=5, server_errors=5)
    for calls in (10, 15):
        assert apart(own, {"calls": calls, "server_errors": 5}) == set()
    assert apart(own, {"calls": 16, "server_errors": 5}) == {"calls"}
    # A record is one of an answer or of an error.
    assert apart(own, {"calls": 15, "server_errors": 5}, source=LOG) == {"calls"}


def test_what_nobody_knows_of_a_call_is_a_range() -> None:
    own = Traffic(PROFILE, answered=10, unknown=2, usage=Usage(100, 50))
    assert apart(own, {"calls": 12, "input_tokens": 120, "output_tokens": 60}) == set()
    assert apart(own, {"calls": 10, "server_errors": 2, "input_tokens": 100, "output_tokens": 50}) == set()
    assert apart(own, {"calls": 13, "input_tokens": 90, "output_tokens": 50}) == {"calls", "input_tokens"}


def test_rows_of_the_log_by_error_code() -> None:
    rows = [
        {"calls": "90", "input": "4000", "output": "100", "cached": "7"},
        {"calls": "3", "error_code": "ThrottlingException"},
        {"calls": "2", "error_code": "AccessDeniedException"},
        {"calls": "1", "error_code": "ValidationException"},
        {"calls": "4", "error_code": "InternalServerException"},
    ]
    found = of_log(rows)
    assert {name: value for name, value in found.items() if value} == {
        "calls": 90,
        "input_tokens": 4_000,
        "output_tokens": 100,
        "cache_read_tokens": 7,
        "throttles": 3,
        "client_errors": 3,
        "server_errors": 4,
    }


def _errors() -> list[tuple[str, int]]:
    """Every error that bedrock-runtime documents, with its HTTP status."""
    model = get_session().get_service_model("bedrock-runtime")
    errors = [shape.metadata["error"] for shape in model.error_shapes]
    return [(shape.name, error["httpStatusCode"]) for shape, error in zip(model.error_shapes, errors, strict=True)]


@pytest.mark.parametrize(("code", "status"), _errors())
def test_a_failed_call_is_the_same_to_the_run_and_to_the_log(code: str, status: int) -> None:
    own = Traffic(PROFILE, answered=100).with_failure(status)
    found = of_log([{"calls": "100"}, {"calls": "1", "error_code": code}])
    assert apart(own, found, source=LOG) == set()


def run(
    run_id: str,
    *,
    hours_ago: float,
    minutes: float | None = 10,
    evaluation: str = "support",
    traffic: Traffic | None = OWN,
    profile: str = PROFILE,
) -> Run:
    """A run that began so long ago; it took so many minutes, or None: is at work."""
    started = NOW - timedelta(hours=hours_ago)
    return Run(
        evaluation=evaluation,
        run_id=run_id,
        started=started,
        ended=None if minutes is None else started + timedelta(minutes=minutes),
        called=frozenset({profile}),
        traffic={} if traffic is None else {profile: traffic},
    )


def test_the_newest_run_of_each_evaluation_when_its_metrics_have_come() -> None:
    old, new = run("old", hours_ago=10), run("new", hours_ago=5)
    assert newest([new, old], now=NOW) == {"support": new}
    late = run("late", hours_ago=0.5, minutes=1)
    assert newest([new, late], now=NOW) == {}, "the newest is not known yet, and an older one says nothing of it"
    assert newest([late], now=NOW + timedelta(minutes=2)) == {"support": late}
    assert newest([new, run("works", hours_ago=1, minutes=None)], now=NOW) == {"support": new}
    assert newest([run("long ago", hours_ago=30)], now=NOW) == {}


def test_a_run_alone_from_its_first_minute_to_some_after_its_last() -> None:
    alone = run("a", hours_ago=2)
    found = through(PROFILE, alone, [alone, run("b", hours_ago=8), run("c", hours_ago=2, profile=OTHER)])
    assert (found.start, found.end) == (alone.started, alone.started + timedelta(minutes=13))
    assert found.own == OWN


def test_runs_at_once_through_one_profile_are_added_up() -> None:
    first, second = run("a", hours_ago=2), run("b", hours_ago=1.9, evaluation="other")
    third = run("c", hours_ago=1.8, evaluation="third")
    for each in (first, second, third):
        found = through(PROFILE, each, [first, second, third])
        assert found.own.answered == 300
        assert (found.start, found.end.replace(second=0)) == (
            first.started,
            (third.started + timedelta(minutes=13)).replace(second=0),
        )


@pytest.mark.parametrize(
    "other",
    [
        run("b", hours_ago=2, minutes=None, evaluation="other"),
        run("b", hours_ago=2, traffic=None, evaluation="jobs"),
        run("b", hours_ago=2, traffic=Traffic(PROFILE, exact=False), evaluation="other"),
    ],
)
def test_with_calls_that_nobody_has_counted_nothing_is_known(other: Run) -> None:
    one = run("a", hours_ago=2)
    with pytest.raises(UnknownError, match="run b of"):
        through(PROFILE, one, [one, other])
