from typing import Any

import pytest

from bedrock_eval.layout import RunLayout
from bedrock_eval_runs.errors import EventError
from bedrock_eval_runs.events import FailEvent, PublishEvent, SliceEvent, parse_event
from tests.support.runs.custom import EXECUTION, INPUT, LAYOUT, SLICE


def test_a_slice_names_its_run_and_its_owner() -> None:
    assert parse_event(SLICE) == SliceEvent(LAYOUT, EXECUTION)


def test_publishing_needs_no_execution() -> None:
    assert parse_event({"action": "publish", "input": INPUT}) == PublishEvent(LAYOUT)


def test_a_manual_run_has_an_id_of_its_own() -> None:
    parsed = parse_event({**SLICE, "input": {**INPUT, "manual": "0a1b"}})
    assert isinstance(parsed, SliceEvent)
    assert parsed.layout.run_id == "20261123T060000Z-manual-0a1b"


def test_a_retry_is_named_after_the_run_that_it_retries() -> None:
    given = {"evaluation": "support", "retryOf": LAYOUT.run_id, "retry": "0a1b"}
    parsed = parse_event({**SLICE, "input": given})
    assert parsed == SliceEvent(RunLayout("support", f"{LAYOUT.run_id}-retry-0a1b"), EXECUTION, retry_of=LAYOUT.run_id)
    again = parse_event({**SLICE, "input": {**given, "retryOf": f"{LAYOUT.run_id}-retry-0a1b", "retry": "ffff"}})
    assert isinstance(again, SliceEvent)
    assert again.layout.run_id == f"{LAYOUT.run_id}-retry-ffff"


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ("text", ["event", "object"]),
        ({}, ["action", "slice, publish, fail"]),
        ({"action": "stop"}, ["action", "'stop'", "slice, publish, fail"]),
        ({"action": "slice", "execution": "x"}, ["input", "missing"]),
        ({"action": "slice", "input": {}, "execution": "x"}, ["evaluation", "missing"]),
        ({"action": "slice", "input": {**INPUT, "evaluation": "../etc"}, "execution": "x"}, ["input.evaluation"]),
        ({"action": "slice", "input": INPUT}, ["execution", "missing"]),
        ({"action": "slice", "input": {**INPUT, "scheduledTime": "<aws.scheduler.scheduled-time>"}}, ["scheduledTime"]),
        ({"action": "slice", "input": {"evaluation": "support"}, "execution": "x"}, ["scheduledTime", "ISO 8601"]),
        ({"action": "publish", "input": {**INPUT, "manual": "zz"}}, ["manual", "4 hexadecimal"]),
        ({"action": "publish", "input": {**INPUT, "manual": 7}}, ["manual", "4 hexadecimal"]),
        (
            {"action": "publish", "input": {**INPUT, "scheduledTime": "0001-01-01T00:00:00+23:59"}},
            ["input.scheduledTime", "is no time of a run"],
        ),
        (
            {"action": "publish", "input": {"evaluation": "support", "retryOf": "last", "retry": "0a1b"}},
            ["input.retryOf", "'last' is not a run id"],
        ),
        (
            {"action": "publish", "input": {"evaluation": "support", "retryOf": LAYOUT.run_id, "retry": "xyz"}},
            ["input.retry", "4 hexadecimal"],
        ),
        (
            {"action": "publish", "input": {**INPUT, "retryOf": LAYOUT.run_id, "retry": "0a1b"}},
            ["input.scheduledTime", "not together with retryOf"],
        ),
        ({"action": "fail", "input": INPUT}, ["error", "missing"]),
    ],
)
def test_a_wrong_event_names_key_and_rule(event: Any, words: list[str]) -> None:
    with pytest.raises(EventError) as caught:
        parse_event(event)
    for word in words:
        assert word in str(caught.value)


def test_a_failure_is_read_even_when_the_input_was_at_fault() -> None:
    bad = {"evaluation": "support", "scheduledTime": "yesterday"}
    parsed = parse_event({"action": "fail", "input": bad, "error": {"Error": "EventError", "Cause": "{}"}})
    assert parsed == FailEvent("support", None, None, "EventError", "{}")


def test_a_failure_of_a_nameless_evaluation_has_none() -> None:
    parsed = parse_event({"action": "fail", "input": {"evaluation": "NOT A NAME"}, "error": {"Error": "x"}})
    assert isinstance(parsed, FailEvent)
    assert (parsed.evaluation, parsed.layout) == (None, None)
