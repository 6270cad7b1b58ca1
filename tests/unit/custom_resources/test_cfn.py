import json
import logging
import threading
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError, URLError

import pytest

from custom_resources import cfn
from custom_resources.cfn import Request, RequestType, ResourceError, respond
from tests.unit.custom_resources.conftest import CloudFormation, FakeTime
from tests.unit.fakes import FakeContext, client_error


def handler_of(work: Any, *, identify: Any = lambda request: "the-id") -> Any:
    return lambda event, context: respond(event, context, work=work, identify=identify)


def test_the_answer_carries_ids_and_attributes(cloudformation: CloudFormation) -> None:
    seen: list[Request] = []

    def work(request: Request) -> Mapping[str, str]:
        seen.append(request)
        return {"Key": "value"}

    answer = cloudformation.works(handler_of(work), "Create", {"Name": "x", "ServiceTimeout": "360"})
    assert answer == {
        "Status": "SUCCESS",
        "Reason": "done",
        "PhysicalResourceId": "the-id",
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "Thing",
        "Data": {"Key": "value"},
    }
    assert seen[0].type is RequestType.CREATE
    assert seen[0].properties == {"Name": "x"}


def test_every_error_is_answered(cloudformation: CloudFormation) -> None:
    def refuse(request: Request) -> None:
        raise ResourceError("the reason")

    def break_down(request: Request) -> None:
        raise KeyError("lost")

    assert cloudformation.fails(handler_of(refuse), "Create", {}) == "the reason"
    assert cloudformation.fails(handler_of(break_down), "Create", {}) == "KeyError: 'lost'"


def test_a_request_that_is_none_is_answered(cloudformation: CloudFormation) -> None:
    assert "Explode" in cloudformation.fails(handler_of(lambda request: None), "Explode", {})


def test_a_long_reason_is_cut(cloudformation: CloudFormation) -> None:
    def refuse(request: Request) -> None:
        raise ResourceError("é" * 5000)

    assert len(cloudformation.fails(handler_of(refuse), "Create", {})) <= 1000


def test_too_large_an_answer_fails_instead_of_getting_lost(cloudformation: CloudFormation) -> None:
    reason = cloudformation.fails(handler_of(lambda request: {"Key": "x" * 5000}), "Create", {})
    assert "larger than 4096" in reason


def test_running_out_of_time_is_answered_once(cloudformation: CloudFormation) -> None:
    answered = threading.Event()
    sent = cloudformation.answers

    def hang(request: Request) -> None:
        while not sent:
            answered.wait(0.001)

    event = {
        "RequestType": "Create",
        "ResponseURL": "https://cloudformation.example/answer",
        "StackId": "s",
        "RequestId": "r",
        "LogicalResourceId": "Thing",
    }
    respond(event, FakeContext(10.02), work=hang, identify=lambda request: "the-id")
    [answer] = sent
    assert answer["Status"] == "FAILED"
    assert "ran out of time" in answer["Reason"]
    assert answer["PhysicalResourceId"] == "the-id"


def test_what_never_was_made_does_not_keep_the_stack_from_going(cloudformation: CloudFormation) -> None:
    def identify(request: Request) -> str:
        return request.text("Missing")

    def work(request: Request) -> None:
        raise AssertionError("nothing to do")

    assert "Missing" in cloudformation.fails(handler_of(work, identify=identify), "Create", {})
    cloudformation.works(handler_of(work, identify=identify), "Delete", {})


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
def test_a_fresh_role_is_waited_for(cloudformation: CloudFormation, time: FakeTime, kind: str) -> None:
    """Also when a deploy is rolled back before the role is known everywhere."""
    answers = iter([client_error("AccessDenied"), client_error("AccessDeniedException"), None])

    def work(request: Request) -> None:
        error = next(answers)
        if error:
            raise error

    cloudformation.works(handler_of(work), kind, {})
    assert time.slept == [2.0, 4.0]


def test_a_lasting_denial_fails_after_two_minutes(cloudformation: CloudFormation, time: FakeTime) -> None:
    def work(request: Request) -> None:
        raise client_error("AccessDenied", "not allowed")

    assert "not allowed" in cloudformation.fails(handler_of(work), "Create", {})
    assert 100 < sum(time.slept) <= 120


def test_the_wait_ends_before_the_function_does(cloudformation: CloudFormation, time: FakeTime) -> None:
    def work(request: Request) -> None:
        raise client_error("AccessDenied", "not allowed")

    cloudformation.fails(handler_of(work), "Create", {}, seconds=30)
    assert sum(time.slept) <= 15


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({}, "property Mode: missing"),
        ({"Mode": {"a": "b"}}, "property Mode: not text"),
        ({"Mode": "seize"}, "property Mode: 'seize' is not allowed; allowed: own, adopt"),
    ],
)
def test_a_wrong_property_is_named(properties: dict[str, Any], message: str) -> None:
    request = Request(RequestType.CREATE, "Thing", properties)
    with pytest.raises(ResourceError, match=message):
        request.text("Mode", allowed=("own", "adopt"))


def test_logs_do_not_hold_properties(cloudformation: CloudFormation, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    def work(request: Request) -> None:
        raise ResourceError(f"bad {request.properties}")

    cloudformation.fails(handler_of(work), "Create", {"Definition": "SECRET"})
    logged = " ".join(str(record.__dict__) for record in caplog.records)
    assert "Thing" in logged
    assert "SECRET" not in logged


class TestSending:
    """The PUT itself."""

    @pytest.fixture
    def sent(self, time: FakeTime, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        """Requests as they go out; errors put in beforehand are raised first."""
        requests: list[Any] = []

        class Response:
            def __enter__(self) -> None:
                return None

            def __exit__(self, *error: object) -> None:
                return None

        def urlopen(request: Any, timeout: float) -> Response:
            requests.append(request)
            if self.errors:
                raise self.errors.pop(0)
            return Response()

        self.errors: list[Exception] = []
        monkeypatch.setattr(cfn, "urlopen", urlopen)
        return requests

    def test_it_is_a_put_without_content_type(self, sent: list[Any]) -> None:
        cfn._put("https://x.example/", json.dumps({"a": 1}).encode())
        [request] = sent
        assert (request.get_method(), request.get_header("Content-type")) == ("PUT", "")

    def test_a_passing_failure_is_tried_again(self, sent: list[Any], time: FakeTime) -> None:
        self.errors = [URLError("reset"), HTTPError("u", 503, "slow", {}, None)]  # type: ignore[arg-type]
        cfn._put("https://x.example/", b"{}")
        assert len(sent) == 3

    def test_a_refusal_is_not(self, sent: list[Any]) -> None:
        self.errors = [HTTPError("u", 403, "expired", {}, None)]  # type: ignore[arg-type]
        with pytest.raises(HTTPError):
            cfn._put("https://x.example/", b"{}")
        assert len(sent) == 1

    def test_it_gives_up_in_the_end(self, sent: list[Any]) -> None:
        self.errors = [URLError("reset")] * 9
        with pytest.raises(URLError):
            cfn._put("https://x.example/", b"{}")
        assert len(sent) == 4
