import dataclasses
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_eval.names import (
    NAME_PATTERN,
    PREFIX_LIMIT,
    PhysicalNames,
    RunIdError,
    is_name,
    parse_scheduled_time,
    prefix,
    run_id,
    run_time,
    start_minute,
)

MOMENT = datetime(2026, 11, 23, 6, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize("text", ["a", "a1", "support-quality", "a" * 24, "a-"])
def test_names(text: str) -> None:
    assert is_name(text)


@pytest.mark.parametrize("text", ["", "1a", "-a", "A", "a_b", "a.b", "a b", "a" * 25, "a\n", "é", "a²"])
def test_what_is_no_name(text: str) -> None:
    assert not is_name(text)


def test_the_prefix_is_application_and_environment() -> None:
    assert prefix(application="shop", environment="dev") == "shop-dev"


@pytest.mark.parametrize(
    "text",
    ["2026-11-23T06:00:05Z", "2026-11-23T06:00:05+00:00", "2026-11-23T07:00:05+01:00", "20261123T060005Z"],
)
def test_a_scheduled_time_is_read_in_utc(text: str) -> None:
    assert parse_scheduled_time(text) == MOMENT
    assert parse_scheduled_time(text).tzinfo is UTC
    assert run_id(parse_scheduled_time(text)) == "20261123T060005Z"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("<aws.scheduler.scheduled-time>", "does not parse"),
        ("", "does not parse"),
        ("2026-11-23T06:00:05", "has no time zone"),
        (None, "is not text"),
        (1700000000, "is not text"),
        # Out of what datetime holds, or of what a run id can say.
        ("0001-01-01T00:00:00+23:59", "is no time of a run"),
        ("9999-12-31T23:59:59-23:59", "is no time of a run"),
        ("0999-06-01T00:00:00Z", "is no time of a run"),
        ("1969-12-31T23:59:59Z", "is no time of a run"),
    ],
)
def test_an_event_without_a_time_is_refused(value: object, told: str) -> None:
    with pytest.raises(RunIdError) as raised:
        parse_scheduled_time(value)
    assert told in str(raised.value)
    assert repr(value) in str(raised.value)
    assert "needed: an ISO 8601 time with a zone" in str(raised.value)


@given(st.text() | st.datetimes(timezones=st.timezones()).map(datetime.isoformat))
def test_any_text_is_a_time_of_a_run_or_refused(text: str) -> None:
    try:
        moment = parse_scheduled_time(text)
    except RunIdError:
        return
    assert run_time(run_id(moment)) == moment.replace(microsecond=0)


def test_a_run_by_hand_carries_its_mark() -> None:
    assert run_id(MOMENT, manual="0a1f") == "20261123T060005Z-manual-0a1f"
    assert run_time("20261123T060005Z-manual-0a1f") == MOMENT


@pytest.mark.parametrize("mark", ["", "0a1", "0a1f0", "0A1F", "xyzw", "0a1f\n"])
def test_a_mark_is_four_hex_digits(mark: str) -> None:
    with pytest.raises(RunIdError, match="4 hexadecimal digits"):
        run_id(MOMENT, manual=mark)


@pytest.mark.parametrize("text", ["", "20261123T060005", "20261123T060005Z-manual", "x20261123T060005Z", "../x"])
def test_what_is_no_run_id_is_refused(text: str) -> None:
    with pytest.raises(RunIdError, match="is not a run id"):
        run_time(text)


def test_a_run_id_of_no_date_is_refused() -> None:
    with pytest.raises(RunIdError, match="is not a run id"):
        run_time("20261399T060005Z")


MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(9999, 1, 1)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)


@given(MOMENTS)
def test_a_run_id_gives_its_time_back(moment: datetime) -> None:
    assert run_time(run_id(moment)) == moment


@given(MOMENTS, MOMENTS)
def test_run_ids_sort_by_time(first: datetime, second: datetime) -> None:
    assert (run_id(first) < run_id(second)) == (first < second)


@given(MOMENTS, st.integers(-23, 23))
def test_the_zone_of_a_moment_does_not_change_its_run_id(moment: datetime, hours: int) -> None:
    moment = moment.replace(year=2024)  # the last years of datetime have no other zones, and others no 29 February
    assert run_id(moment.astimezone(timezone(timedelta(hours=hours)))) == run_id(moment)


def test_all_datums_of_a_run_carry_its_first_minute() -> None:
    late = datetime(2026, 11, 23, 7, 0, 59, 999999, tzinfo=timezone(timedelta(hours=1)))
    assert start_minute(late) == datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


def test_every_physical_name_begins_with_the_prefix() -> None:
    names = PhysicalNames("shop-dev")
    fixed = [getattr(names, key) for key, value in vars(PhysicalNames).items() if isinstance(value, property)]
    made = [names.schedule("e"), names.function("f"), names.alarm("kind", "m"), names.stack("storage")]
    assert len(fixed) >= 9
    assert all(name == "shop-dev" or name.startswith("shop-dev-") for name in fixed + made)
    assert [field.name for field in dataclasses.fields(names)] == ["prefix"]


def test_names_stay_within_what_aws_takes() -> None:
    names = PhysicalNames("p" * PREFIX_LIMIT)
    longest = "e" * 24
    # IAM roles, functions and schedules: 64 characters; state machines and queues: 80.
    assert max(map(len, (names.scheduler_role, names.evaluation_role, names.schedule(longest), names.watchdog))) <= 64
    assert max(map(len, (names.custom_evaluator, names.function(longest)))) <= 64
    assert max(map(len, (names.state_machine, names.dead_letters))) <= 80


@given(st.from_regex(NAME_PATTERN, fullmatch=True))
def test_the_pattern_and_the_rule_agree(text: str) -> None:
    assert is_name(text)
