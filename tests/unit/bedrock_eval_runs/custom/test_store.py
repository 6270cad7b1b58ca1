from typing import Any

import pytest
from botocore.exceptions import ClientError, ResponseStreamingError
from hypothesis import given
from hypothesis import strategies as st

from bedrock_eval_runs import store as module
from bedrock_eval_runs.store import Store, Version, object_lines, object_version
from tests.support.fakes import FakeS3, client_error


@given(st.binary(max_size=60), st.integers(min_value=1, max_value=7))
def test_ranges_cut_no_line(body: bytes, chunk: int) -> None:
    s3 = FakeS3()
    s3.put_object(Bucket="b", Key="k", Body=body)
    version = object_version(s3, bucket="b", key="k")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHUNK_BYTES", chunk)
        lines = list(object_lines(s3, bucket="b", key="k", version=version))
    assert lines == (body.removesuffix(b"\n").split(b"\n") if body else [])


def test_an_object_that_changes_while_it_is_read_is_refused() -> None:
    s3 = FakeS3()
    s3.put_object(Bucket="b", Key="k", Body=b"new")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        list(object_lines(s3, bucket="b", key="k", version=Version('"old"', 3)))


def test_create_writes_once() -> None:
    store = Store(FakeS3(), "b")
    assert store.create("k", "first")
    assert not store.create("k", "second")
    found = store.read("k")
    assert found is not None
    assert found.body == b"first"


def test_replace_writes_only_over_what_was_read() -> None:
    store = Store(FakeS3(), "b")
    assert not store.replace("k", "over nothing", etag='"x"')
    store.put("k", "one")
    read = store.read("k")
    assert read is not None
    assert store.replace("k", "two", etag=read.etag)
    assert not store.replace("k", "three", etag=read.etag)


def test_a_conflict_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bedrock_eval_runs.store.time.sleep", lambda seconds: None)
    s3, conflicts = FakeS3(), iter([True, True])

    def conflict(key: str) -> None:
        if next(conflicts, False):
            raise client_error("ConditionalRequestConflict", status=409)

    s3.before_put = conflict
    assert Store(s3, "b").create("k", "body")
    assert s3.calls["put_object"] == 3


def test_other_errors_are_not_absence() -> None:
    s3 = FakeS3()
    s3.denied.add("k")
    store = Store(s3, "b")
    for call in (store.read, store.exists):
        with pytest.raises(ClientError, match="AccessDenied"):
            call("k")


class _Broken:
    """A body that ends too early."""

    def read(self) -> bytes:
        raise ResponseStreamingError(error="IncompleteRead(20 bytes read)")


@pytest.mark.parametrize("times", [1, 2])
def test_a_body_that_breaks_off_is_read_again(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    s3 = FakeS3()
    s3.put_object(Bucket="b", Key="k", Body=b"one\ntwo")
    whole, left = s3.get_object, [True] * times

    def get(**asked: Any) -> Any:
        answer = whole(**asked)
        return {**answer, "Body": _Broken()} if left and left.pop() else answer

    monkeypatch.setattr(s3, "get_object", get)
    found = Store(s3, "b").read("k")
    assert found is not None
    assert found.body == b"one\ntwo"
    left.extend([True] * times)
    version = object_version(s3, bucket="b", key="k")
    assert list(object_lines(s3, bucket="b", key="k", version=version)) == [b"one", b"two"]


def test_a_body_that_never_comes_whole_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    s3 = FakeS3()
    s3.put_object(Bucket="b", Key="k", Body=b"one")
    monkeypatch.setattr(s3, "get_object", lambda **asked: {"Body": _Broken(), "ETag": "x"})
    with pytest.raises(ResponseStreamingError):
        Store(s3, "b").read("k")
