import json
import logging
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.client import BadStatusLine, IncompleteRead, RemoteDisconnected
from typing import Any
from urllib.error import HTTPError, URLError

import pytest

from bedrock_eval_functions.custom_resources import cfn
from bedrock_eval_functions.custom_resources.cfn import Request, RequestType, ResourceError, respond
from tests.support.cloudformation import CloudFormation, FakeTime
from tests.support.fakes import FakeContext, client_error


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


@pytest.mark.parametrize("character", ["x", "é", "設", "😀", '"', "\\", "\n", "\0", "\x7f", "\ud800"], ids=ascii)
def test_a_long_reason_is_cut_by_the_bytes_that_are_sent(
    cloudformation: CloudFormation, time: FakeTime, monkeypatch: pytest.MonkeyPatch, character: str
) -> None:
    bodies: list[bytes] = []
    monkeypatch.setattr(cfn, "_put", lambda url, body, deadline: bodies.append(body))

    def refuse(request: Request) -> None:
        raise ResourceError(f"Retain: {character * 5000}")

    event = {"RequestType": "Create", "ResponseURL": "u", "StackId": "s", "RequestId": "r", "LogicalResourceId": "T"}
    respond(event, FakeContext(300), work=refuse, identify=lambda request: "the-id")
    [body] = bodies
    # As much as fits: one more of the character, of at most six bytes, would not.
    assert cfn.ANSWER_LIMIT - 6 < len(body) <= cfn.ANSWER_LIMIT
    reason = json.loads(body)["Reason"]
    assert reason.startswith(f"Retain: {character * 20}".replace("\ud800", "?"))
    assert reason.endswith("...")


@pytest.mark.parametrize("reason", ["設定が不正です", "half \ud83d a pair"])
def test_a_reason_that_fits_is_whole(cloudformation: CloudFormation, reason: str) -> None:
    def refuse(request: Request) -> None:
        raise ResourceError(reason)

    assert cloudformation.fails(handler_of(refuse), "Create", {}) == reason.replace("\ud83d", "?")


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
    codes = ("AccessDenied", "AccessDeniedException", "UnrecognizedClientException", "InvalidAccessKeyId")
    answers = iter([*map(client_error, codes), None])

    def work(request: Request) -> None:
        error = next(answers)
        if error:
            raise error

    cloudformation.works(handler_of(work), kind, {})
    assert time.slept == [2.0, 4.0, 8.0, 15.0]


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

    def put(self, time: FakeTime, *, seconds: float = 120) -> None:
        cfn._put("https://x.example/", b"{}", deadline=time.monotonic() + seconds)

    def test_it_is_a_put_without_content_type(self, sent: list[Any], time: FakeTime) -> None:
        self.put(time)
        [request] = sent
        assert (request.get_method(), request.get_header("Content-type")) == ("PUT", "")

    @pytest.mark.parametrize(
        "error",
        [
            URLError("refused"),
            URLError(socket.gaierror("no such host")),
            TimeoutError("timed out"),
            ConnectionResetError("reset"),
            RemoteDisconnected("closed without an answer"),
            BadStatusLine("<html>"),
            IncompleteRead(b""),
            ssl.SSLEOFError("ended"),
            *(HTTPError("u", status, "later", Message(), None) for status in (400, 408, 429, 500, 502, 503, 504)),
        ],
        ids=repr,
    )
    def test_whatever_passes_is_tried_again(self, sent: list[Any], time: FakeTime, error: Exception) -> None:
        self.errors = [error] * 6
        self.put(time)
        assert len(sent) == 7

    @pytest.mark.parametrize("status", [401, 403, 404, 410])
    def test_a_refusal_is_not(self, sent: list[Any], time: FakeTime, status: int) -> None:
        self.errors = [HTTPError("u", status, "expired", Message(), None)]
        with pytest.raises(HTTPError):
            self.put(time)
        assert len(sent) == 1

    @pytest.mark.parametrize(("seconds", "tries"), [(0, 1), (10, 5), (110, 17)])
    def test_it_gives_up_when_the_time_is_up(self, sent: list[Any], time: FakeTime, seconds: float, tries: int) -> None:
        begin = time.monotonic()
        self.errors = [ConnectionResetError("reset")] * 99
        with pytest.raises(ConnectionResetError):
            self.put(time, seconds=seconds)
        assert len(sent) == tries
        assert time.monotonic() - begin <= seconds

    def test_the_url_is_in_no_log(self, sent: list[Any], time: FakeTime, caplog: pytest.LogCaptureFixture) -> None:
        self.errors = [HTTPError("https://x.example/?SECRET", 503, "https://x.example/?SECRET", Message(), None)]
        self.put(time)
        assert "not answered yet" in caplog.text
        assert "SECRET" not in " ".join(str(record.__dict__) for record in caplog.records)


@dataclass
class Address:
    """CloudFormation's end, on the loopback: breaks connections in turn and then takes the answer."""

    breaks: list[Callable[[socket.socket], None]]
    bodies: list[bytes] = field(default_factory=list)

    def serve(self, listening: socket.socket) -> None:
        while not self.bodies:
            connection, _ = listening.accept()
            with connection:
                if self.breaks:
                    self.breaks.pop(0)(connection)
                    continue
                head, _, body = connection.recv(65536).partition(b"\r\n\r\n")
                length = int(re.search(rb"content-length: (\d+)", head.lower())[1])  # type: ignore[index]
                while len(body) < length:
                    body += connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                self.bodies.append(body)


def close(connection: socket.socket) -> None:
    """At once, without a word."""


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def talk_nonsense(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"no HTTP at all\r\n\r\n")


def end_in_the_status(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.")


def test_an_answer_survives_every_way_in_which_a_connection_breaks(time: FakeTime) -> None:
    address = Address([close, reset, talk_nonsense, end_in_the_status])
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)
        server = threading.Thread(target=address.serve, args=(listening,), daemon=True)
        server.start()
        event = {
            "RequestType": "Create",
            "ResponseURL": f"http://127.0.0.1:{listening.getsockname()[1]}/cfn",
            "StackId": "s",
            "RequestId": "r",
            "LogicalResourceId": "Thing",
        }
        respond(event, FakeContext(120), work=lambda request: None, identify=lambda request: "the-id")
        server.join(10)
    [body] = address.bodies
    assert json.loads(body)["Status"] == "SUCCESS"
