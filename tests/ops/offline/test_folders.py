"""`ops evaluate` in folders that another attempt, another process or a damage has left."""

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from xml.etree.ElementTree import parse

import pytest

from bedrock_eval.results.summary import Summary, read_summary
from ops.__main__ import main
from ops.commands import evaluate
from tests.support.fakes import FakeModels, answer, client_error

ROOT = Path(__file__).resolve().parents[3]
MODEL = "amazon.nova-lite-v1:0"
OUT = Path("out")
CASES = 12

Run = Callable[..., int]


def right(_: str, prompt: str) -> dict[str, Any]:
    return answer({"text": f"answer {prompt.rsplit(maxsplit=1)[-1]}"})


def down(*_: str) -> dict[str, Any]:
    return client_error("ModelErrorException", "the model is broken", status=424)  # type: ignore[return-value]


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> FakeModels:
    fake = FakeModels(right)
    monkeypatch.setattr(evaluate, "model_client", lambda definition, **_: fake)
    return fake


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    write_cases(CASES)

    def evaluated(*options: str, model: str = MODEL) -> int:
        command = ["evaluate", "--dataset", "cases.jsonl", "--model", model, "--region", "us-east-1", "--out", "out"]
        return main([*command, "--metric", "exact_match", *options])

    return evaluated


def write_cases(count: int) -> None:
    lines = [{"id": f"c{n}", "prompt": f"question {n}", "referenceResponse": f"answer {n}"} for n in range(count)]
    Path("cases.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def summary(path: Path = OUT) -> Summary:
    return read_summary((path / "summary.json").read_bytes())


def errors(path: Path = OUT) -> int:
    return sum(int(str(suite.get("errors"))) for suite in parse(path / "junit.xml").iter("testsuite"))


def interrupted(run: Run, models: FakeModels, *, after: int = 5) -> int:
    """A run that was stopped after so many answers or one more; how many it has."""

    def stopping(model: str, prompt: str) -> dict[str, Any]:
        if len(models.requests) == after:
            signal.raise_signal(signal.SIGTERM)
        return right(model, prompt)

    models.script = stopping
    assert run("--concurrency", "1") == 130
    models.script = right
    return len(models.requests)


# --- nothing answered, or too little --------------------------------------------------------------------------------


@pytest.mark.parametrize("gate", [(), ("--gate", "exact_match>=0.5")])
def test_nothing_answered_is_no_success_and_the_same_command_asks_again(
    gate: tuple[str, ...], run: Run, models: FakeModels, capsys: pytest.CaptureFixture[str]
) -> None:
    models.script = down
    assert run(*gate) == 1
    told = capsys.readouterr().err
    assert "ModelErrorException: the model is broken" in told
    assert "; retry; if it fails again, send the same request with the AWS CLI" in told
    assert "what was answered" not in told
    assert not (OUT / "summary.json").exists()
    assert errors() == 2
    models.script = right
    asked = len(models.requests)
    assert run(*gate) in (0, 11)
    assert len(models.requests) == asked + CASES
    assert summary().candidates[0].scored == CASES
    assert errors() == 0


def test_too_few_answers_are_inconclusive_whatever_the_gates(
    run: Run, models: FakeModels, capsys: pytest.CaptureFixture[str]
) -> None:
    models.script = lambda model, prompt: right(model, prompt) if prompt.endswith(("1", "2")) else down()
    assert run() == 11
    told = capsys.readouterr().out
    assert "too few cases were answered" in told
    assert "ModelErrorException: the model is broken" in told
    assert errors() == 1


# --- failed cases again ---------------------------------------------------------------------------------------------


def test_a_retry_asks_what_failed_and_leaves_the_old_run_alone(
    run: Run, models: FakeModels, capsys: pytest.CaptureFixture[str]
) -> None:
    models.script = lambda model, prompt: down() if prompt.endswith(("1", "2")) else right(model, prompt)
    assert run() == 11
    before = {path: path.read_bytes() for path in OUT.rglob("*") if path.is_file() and path.name != ".lock"}
    models.requests.clear()
    models.script = lambda model, prompt: down() if prompt.endswith("2") else right(model, prompt)
    assert run("--retry-failed") == 11
    assert {prompt.split()[-1] for prompt in prompts(models)} == {"1", "2", "11"}
    (first,) = [path for path in OUT.iterdir() if "-retry-" in path.name]
    assert summary(first).candidates[0].scored == CASES - 1
    assert summary(first).run_id == first.name
    assert json.loads((first / "definition.json").read_bytes())["retry_of"] == summary().run_id
    assert {path: path.read_bytes() for path in before} == before

    models.requests.clear()
    models.script = right
    assert run("--retry-failed") == 0
    assert {prompt.split()[-1] for prompt in prompts(models)} == {"2"}
    (second,) = [path for path in OUT.iterdir() if "-retry-" in path.name and path != first]
    assert summary(second).candidates[0].scored == CASES
    assert (second / "junit.xml").exists()
    models.requests.clear()
    assert run("--retry-failed") == 0
    assert not models.requests
    assert "no case has failed" in capsys.readouterr().err


def prompts(models: FakeModels) -> Iterator[str]:
    return (request["messages"][0]["content"][0]["text"] for request in models.requests)


def test_a_retry_that_was_stopped_goes_on(run: Run, models: FakeModels) -> None:
    models.script = lambda model, prompt: right(model, prompt) if prompt.endswith("0") else down()
    assert run() == 11
    models.requests.clear()

    def stopping(model: str, prompt: str) -> dict[str, Any]:
        if len(models.requests) == 3:
            signal.raise_signal(signal.SIGTERM)
        return right(model, prompt)

    models.script = stopping
    assert run("--retry-failed", "--concurrency", "1") == 130
    models.script = right
    assert run("--retry-failed") == 0
    assert max(models.asked().values()) == 1
    assert len([path for path in OUT.iterdir() if "-retry-" in path.name]) == 1


def test_a_retry_needs_a_finished_run(run: Run, models: FakeModels, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--retry-failed") == 1
    assert "out has no finished evaluation; the same command without it resumes" in capsys.readouterr().err
    assert not models.requests


# --- leftovers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", ["ValidationException", "AccessDeniedException", "ModelErrorException"])
def test_a_folder_in_which_nothing_was_answered_takes_the_corrected_command(
    error: str, run: Run, models: FakeModels, capsys: pytest.CaptureFixture[str]
) -> None:
    models.script = lambda *_: client_error(error, "The provided model identifier is invalid.")
    assert run(model="amazon.nova-lihgt-v1:0") == 1
    assert "what was answered" not in capsys.readouterr().err
    models.script = right
    assert run() == 0
    assert summary().candidates[0].model_id == MODEL


def test_a_refused_dataset_says_nothing_of_answers_and_blocks_nothing(
    run: Run, models: FakeModels, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("cases.jsonl").write_text("{bad\n")
    assert run() == 1
    assert "answer" not in capsys.readouterr().err
    write_cases(3)
    assert run() == 0


FILES = ("run.json", "definition.json", "lock.json", "summary.json", "report.html", "junit.xml", ".run.json.unfinished")
CONTENTS = (b"", b"null", b"[]", b"{", b'{"run_id": 1}', b"\xff\x00\xfe", b"[" * 100_000)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("content", CONTENTS, ids=range(len(CONTENTS)))
def test_what_a_kill_leaves_blocks_nothing(name: str, content: bytes, run: Run, models: FakeModels) -> None:
    OUT.mkdir()
    (OUT / name).write_bytes(content)
    assert run() == 0
    assert summary().candidates[0].scored == CASES


# --- damage ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["run.json", "lock.json", "summary.json", "definition.json", "part"])
@pytest.mark.parametrize("content", [*CONTENTS, None], ids=range(len(CONTENTS) + 1))
def test_a_damaged_file_is_mended_or_named_and_no_answer_is_asked_twice(
    name: str, content: bytes | None, run: Run, models: FakeModels, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = interrupted(run, models)
    part = next(OUT.glob("results/*/*.jsonl"))
    path = part if name == "part" else OUT / name
    if name == "part" and content is not None:
        content = part.read_bytes() + content + b"\n"
    if content is None:
        path.unlink(missing_ok=True)
        path.mkdir()
    else:
        path.write_bytes(content)
    capsys.readouterr()
    code = run()
    told = capsys.readouterr().err
    if code == 0:
        assert max(models.asked().values()) == 1
        assert len(models.requests) == CASES
    else:
        assert (code, told.count("error: ")) == (1, 1)
        assert len(models.requests) == answers
    assert code == (1 if content is None or name == "definition.json" else 0)
    if name in ("run.json", "part", "definition.json") and content != b"":
        assert path.name in told


@pytest.mark.parametrize(
    "state", [{"started": "yesterday"}, {"started": "2026-11-23T06:00:00"}, {"run_id": "../../x"}, {"evaluation": "y"}]
)
def test_a_state_that_cannot_be_is_made_again(state: dict[str, str], run: Run, models: FakeModels) -> None:
    interrupted(run, models)
    path = OUT / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **state}))
    assert run() == 0
    assert max(models.asked().values()) == 1
    assert (OUT / "run.json.damaged").exists()


def test_answers_to_other_cases_are_not_taken_for_these(
    run: Run, models: FakeModels, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupted(run, models)
    (OUT / "run.json").write_text("null")
    Path("cases.jsonl").write_text('{"id": "c0", "prompt": "another question", "referenceResponse": "x"}\n')
    assert run() == 1
    assert "the answers are not to the cases of this dataset" in capsys.readouterr().err


def test_a_summary_that_cannot_be_read_is_made_again_without_a_call(run: Run, models: FakeModels) -> None:
    assert run() == 0
    (OUT / "summary.json").write_bytes(b"null")
    assert run() == 0
    assert len(models.requests) == CASES
    assert summary().candidates[0].scored == CASES


def test_a_baseline_that_cannot_be_read_is_named(
    run: Run, models: FakeModels, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "before").mkdir()
    for content in CONTENTS:
        (tmp_path / "before" / "summary.json").write_bytes(content)
        assert run("--baseline", "before", "--max-drop", "exact_match=0.1") == 1
        assert "before/summary.json: " in capsys.readouterr().err


# --- others ---------------------------------------------------------------------------------------------------------


def test_the_lock_of_another_is_told_with_its_end(
    run: Run, models: FakeModels, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupted(run, models)
    lock = OUT / "lock.json"
    lock.write_text(
        json.dumps({**json.loads(lock.read_bytes()), "owner": "arn:x", "expires_at": "2099-01-01T02:00:00+02:00"})
    )
    assert run() == 1
    assert "arn:x holds its lock.json until 2099-01-01 00:00 UTC" in capsys.readouterr().err


@pytest.mark.parametrize("until", ["2020-01-01T00:00:00+00:00", "2099-01-01T00:00:00", "soon"])
def test_a_lock_that_holds_nobody_off(until: str, run: Run, models: FakeModels) -> None:
    interrupted(run, models)
    lock = OUT / "lock.json"
    lock.write_text(json.dumps({**json.loads(lock.read_bytes()), "owner": "arn:x", "expires_at": until}))
    assert run() == 0


@pytest.fixture
def endpoint() -> Iterator[str]:
    """Answers Converse slowly; `asked` is told under /asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(body["messages"][0]["content"][0]["text"])
            time.sleep(0.02)
            text = {"message": {"role": "assistant", "content": [{"text": "yes"}]}}
            usage = {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}
            self._send({"output": text, "stopReason": "end_turn", "usage": usage, "metrics": {"latencyMs": 1}})

        def do_GET(self) -> None:
            self._send(asked)

        def _send(self, value: object) -> None:
            content = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked = asked  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.mark.parametrize(("number", "lost"), [(signal.SIGHUP, 0), (signal.SIGTERM, 0), (signal.SIGKILL, 4)])
def test_a_process_that_is_ended_loses_no_more_than_it_must(
    number: signal.Signals, lost: int, endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked() -> list[str]:
        with urllib.request.urlopen(endpoint) as told:
            return list(json.load(told))

    monkeypatch.chdir(tmp_path)
    write_cases(60)
    command = [sys.executable, "-m", "ops", "evaluate", "--dataset", str(tmp_path / "cases.jsonl"), "--model", MODEL]
    command += [
        "--region",
        "us-east-1",
        "--endpoint-url",
        endpoint,
        "--out",
        str(tmp_path / "out"),
        "--concurrency",
        "4",
    ]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while len(asked()) < 20 and child.poll() is None:
        time.sleep(0.01)
    child.send_signal(number)
    assert child.wait() in (130, -number)
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0
    assert len(asked()) <= 60 + lost
