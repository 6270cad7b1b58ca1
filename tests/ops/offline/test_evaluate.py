"""`ops evaluate` with faked models: what is asked, written, refused and concluded."""

import io
import json
import re
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree.ElementTree import parse

import pytest
from botocore.exceptions import ClientError

from bedrock_eval.pricing.costs import Cost
from bedrock_eval.results.summary import read_summary
from bedrock_eval.runs.estimates import AnswerLength, CandidateEstimate, Estimate
from bedrock_eval.runs.state import Progress, RunState, RunStatus
from bedrock_eval_runs.store import Store
from ops.__main__ import main
from ops.commands import evaluate
from ops.offline.disk import Disk
from ops.results.finished_run import RUN
from ops.terminal.progress import ProgressBar
from tests.support.fakes import FakeModels, answer, client_error
from tests.support.json_documents import read_document

MODEL = "amazon.nova-lite-v1:0"
CASES = 12

Run = Callable[..., int]


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> FakeModels:
    fake = FakeModels(lambda _, prompt: answer({"text": f"answer {prompt.split()[-1]}"}))
    monkeypatch.setattr(evaluate, "model_client", lambda definition, **_: fake)
    return fake


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    lines = [{"prompt": f"question {n}", "referenceResponse": f"answer {n}"} for n in range(CASES)]
    (tmp_path / "cases.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    region = ("--region", "us-east-1")

    def evaluated(*options: str, model: str = MODEL) -> int:
        return main(["evaluate", "--dataset", "cases.jsonl", "--model", model, *region, *options])

    return evaluated


def test_a_run_leaves_report_summary_and_junit(
    run: Run, models: FakeModels, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--metric", "f1_score", "--gate", "f1_score>=0.5") == 0
    out = tmp_path / "build" / "evaluate" / "cases"
    summary = read_summary((out / "summary.json").read_bytes())
    assert (summary.dataset, summary.candidates[0].metrics["f1_score"].mean) == ("cases.jsonl", 1.0)
    assert (out / "report.html").read_text().startswith("<!doctype html>")
    assert parse(out / "junit.xml").getroot().find("testsuite/testcase") is not None
    told = capsys.readouterr()
    assert "nova-lite  (amazon.nova-lite-v1:0)" in told.out
    assert re.search(r"nova-lite +f1_score +at least 0.5 .* passed ", told.out)


@pytest.mark.parametrize(
    ("gate", "code"), [("f1_score>=0.5", 0), ("f1_score<=0.5", 10), ("f1_score>=0.9", 11), ("response_length>=8", 11)]
)
def test_the_exit_code_is_the_verdict(gate: str, code: int, run: Run, models: FakeModels) -> None:
    assert run("--gate", gate) == code


def test_the_same_command_asks_nothing_again(run: Run, models: FakeModels, capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    first = capsys.readouterr().out
    assert run() == 0
    told = capsys.readouterr()
    assert len(models.requests) == CASES
    assert told.out == first
    assert "this evaluation is finished" in told.err


def test_what_stopped_goes_on_without_asking_again(
    run: Run, models: FakeModels, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: str, prompt: str) -> dict[str, Any]:
        if len(models.requests) == 5:
            signal.raise_signal(signal.SIGINT)
        return answer({"text": prompt})

    models.script = interrupted
    assert run("--concurrency", "1") == 130
    kept = len(models.requests)
    assert kept < CASES
    assert f"{kept} answers in build/evaluate/cases: the same command resumes" in capsys.readouterr().err
    assert not (tmp_path / "build/evaluate/cases/summary.json").exists()
    assert run("--concurrency", "4") == 0
    assert max(models.asked().values()) == 1
    assert len(models.requests) == CASES
    assert f"resumes after {kept} answers" in capsys.readouterr().err


def test_the_requests_carry_the_options(run: Run, models: FakeModels, tmp_path: Path) -> None:
    (tmp_path / "system.txt").write_text("Be brief.\n")
    (tmp_path / "around.txt").write_text("Q: {{prompt}}\nA:\n")
    options = ("--system", "system.txt", "--template", "around.txt", "--max-tokens", "64")
    sampling = ("--temperature", "0.5", "--top-p", "0.9", "--stop-sequence", "Q:", "--stop-sequence", "A:")
    assert run(*options, *sampling, model=f"mine={MODEL}") == 0
    request = models.requests[0]
    assert (request["modelId"], request["system"]) == (MODEL, [{"text": "Be brief."}])
    assert request["inferenceConfig"] == {
        "maxTokens": 64,
        "temperature": 0.5,
        "topP": 0.9,
        "stopSequences": ["Q:", "A:"],
    }
    assert request["messages"][0]["content"][0]["text"].endswith("\nA:")
    assert request["requestMetadata"]["candidate"] == "mine"


@pytest.mark.parametrize(("limit", "asked"), [(5, 5), (100, CASES)])
def test_a_limit_asks_the_first_cases_only(
    limit: int, asked: int, run: Run, models: FakeModels, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("cases.jsonl").write_text("\n \n" + Path("cases.jsonl").read_text())
    assert run("--limit", str(limit)) == 0
    assert {request["messages"][0]["content"][0]["text"] for request in models.requests} == {
        f"question {n}" for n in range(asked)
    }
    assert f"cases.jsonl (first {limit} cases)" in capsys.readouterr().out
    assert run("--limit", str(limit)) == 0
    assert len(models.requests) == asked
    assert run() == 1
    assert f'dataset.name is "cases.jsonl (first {limit} cases)" there, "cases.jsonl" here' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--dataset", "s3://bucket/a.jsonl"), "s3://bucket/a.jsonl is not on this machine; needed: a path"),
        (("--system", "https://host/a.txt"), "https://host/a.txt is not on this machine"),
        (("--temperature", "1.5"), "'1.5' is not a number of 0 to 1"),
        (("--top-p", "nan"), "'nan' is not a number of 0 to 1"),
        (("--stop-sequence", ""), "is empty; needed: the text that ends an answer"),
        (("--limit", "0"), "'0' is not a whole number; allowed: 1 to 1,000,000,000"),
    ],
)
def test_an_option_that_cannot_be_used_is_a_usage_error(
    options: tuple[str, ...], message: str, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        run(*options)
    assert stopped.value.code == 1
    assert message in capsys.readouterr().err


def test_a_drop_against_the_folder_of_an_earlier_evaluation(run: Run, models: FakeModels) -> None:
    assert run("--out", "before") == 0
    held = ("--baseline", "before", "--max-drop", "unicode_f1_score=0.1", "--out")
    assert run(*held, "same") == 11
    models.script = lambda _, prompt: answer({"text": "nothing of it" if prompt[-1] != "3" else "answer 3"})
    assert run(*held, "worse") == 10
    summary = read_summary(Path("worse/summary.json").read_bytes())
    assert summary.baseline is not None
    assert summary.candidates[0].gates[0].n == CASES


def test_a_model_that_is_refused_is_one_message(
    run: Run, models: FakeModels, capsys: pytest.CaptureFixture[str]
) -> None:
    models.script = lambda *_: client_error("AccessDeniedException", "no access to the model", status=403)
    assert run() == 1
    assert "error: candidate nova-lite: AccessDeniedException: no access to the model" in capsys.readouterr().err


REFUSED = [
    (
        ("--metric", "rouge"),
        "--metric rouge: 'rouge' is not a metric (did you mean 'rouge_l'?); allowed: relevance_score",
    ),
    (("--gate", "f1_score>=5"), "--gate f1_score: 5 is outside the range of f1_score; allowed: 0 to 1 (share)"),
    (("--gate", "f1_score>=０.5"), "'０.5' is not a number"),
    (("--metric", 'regex_match={"pattern": "("}'), "no regular expression"),
    (("--gate", "f1_score>0.5"), "--gate f1_score>0.5: cannot be read; needed: as f1_score>=0.5"),
    (("--gate", "f1_score>=much"), "'much' is not a number"),
    (("--gate", "f1_score>=0.5", "--gate", "f1_score>=0.6"), "f1_score has another min already"),
    (("--gate", "f1_score>=0.6", "--gate", "f1_score<=0.5"), "min 0.6 is not below max 0.5"),
    (("--max-drop", "f1_score=0.1"), "needed: --baseline"),
    (("--max-drop", "response_length=1"), "the metric has no better direction"),
    (("--baseline", "."), "--baseline .: has no summary.json"),
    (("--model", "no such model"), "--model no such model:"),
    (("--model", f"nova-lite={MODEL}"), "there is another candidate nova-lite"),
    (("--system", "absent.txt"), "--system absent.txt: cannot be read"),
    (("--template", "cases.jsonl"), "--template cases.jsonl: holds {{prompt}} 0 times; needed: once"),
    (("--out", "."), "--out .: holds cases.jsonl and no evaluation"),
    (("--dataset", "absent.jsonl"), "--dataset absent.jsonl: no such file"),
    (("--dataset", ".//absent.jsonl"), "--dataset .//absent.jsonl: no such file"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_what_does_not_fit_is_one_message(
    options: tuple[str, ...], message: str, run: Run, models: FakeModels, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*options) == 1
    told = capsys.readouterr()
    assert message in told.err
    assert told.out == ""
    assert not models.requests


def test_a_folder_of_another_evaluation_is_refused_and_named(
    run: Run, models: FakeModels, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "system.txt").write_text("Be brief.")
    assert run() == 0
    asked = len(models.requests)
    assert run("--system", "system.txt") == 1
    assert 'candidates[0].system is not given there, "Be brief." here' in capsys.readouterr().err
    (tmp_path / "cases.jsonl").write_text('{"prompt": "another", "referenceResponse": "a"}\n')
    assert run() == 1
    assert "cases.jsonl has changed; needed: the file as it was" in capsys.readouterr().err
    assert len(models.requests) == asked


def test_one_process_at_a_time_works_in_a_folder(
    run: Run, models: FakeModels, capsys: pytest.CaptureFixture[str]
) -> None:
    codes: list[int] = []

    def second(_: str, prompt: str) -> dict[str, Any]:
        if not codes:
            codes.append(0)
            codes[0] = main(["evaluate", "--dataset", "cases.jsonl", "--model", MODEL, "--region", "us-east-1"])
        return answer({"text": prompt})

    models.script = second
    assert run("--concurrency", "1") == 0
    assert codes == [1]
    assert "another process uses this folder" in capsys.readouterr().err


def test_a_dataset_with_a_mistake_names_its_line(
    run: Run, models: FakeModels, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (tmp_path / "cases.jsonl").open("a") as file:
        file.write('{"prompt": ""}\n')
    assert run() == 1
    assert f"cases.jsonl:{CASES + 1}: key 'prompt' must be text that is not blank" in capsys.readouterr().err
    assert not models.requests


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"prompt": "a", "answer": "b"}\n', "no case of cases.jsonl has a referenceResponse"),
        (b'{"prompt": "a \\ud83d"}\n', "cases.jsonl:1: key 'prompt' has an unpaired surrogate"),
        (b"\x1f\x8b\x08\x00", "cases.jsonl: is packed with gzip"),
        (b"", "cases.jsonl: has no cases (the file is empty)"),
    ],
)
def test_a_dataset_that_cannot_be_used_leaves_no_folder(
    content: bytes, told: str, *, run: Run, models: FakeModels, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cases.jsonl").write_bytes(content)
    assert run() == 1
    assert told in capsys.readouterr().err
    assert not (tmp_path / "build").exists()
    assert not models.requests


def test_a_folder_is_no_dataset(models: FakeModels, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--dataset", str(tmp_path), "--model", MODEL, "--region", "us-east-1"]) == 1
    assert f"--dataset {tmp_path}: is a folder; needed: a .jsonl file" in capsys.readouterr().err


def test_a_case_without_a_reference_is_told_of_and_not_scored(
    run: Run, models: FakeModels, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (tmp_path / "cases.jsonl").open("a") as file:
        file.write('{"prompt": "question 99", "referenceResponse": "", "target": "answer 99"}\n')
    assert run("--metric", "f1_score", "--metric", "response_length") == 0
    told = f"1 of {CASES + 1} cases of cases.jsonl has no referenceResponse (line {CASES + 1}); f1_score"
    error = capsys.readouterr().err
    assert told in error
    assert "'target' (in 1 line)" in error
    metrics = read_summary((tmp_path / "build/evaluate/cases/summary.json").read_bytes()).candidates[0].metrics
    assert (metrics["f1_score"].n, metrics["response_length"].n) == (CASES, CASES + 1)


def test_every_one_of_several_right_answers_counts(run: Run, models: FakeModels, tmp_path: Path) -> None:
    lines = (
        '{"prompt": "question 1", "referenceResponse": "no <OR> answer 1"}\n'
        '{"prompt": "question 2", "referenceResponse": ["answer 2", "no"]}\n'
    )
    (tmp_path / "cases.jsonl").write_text(lines)
    assert run("--metric", "exact_match") == 0
    summary = read_summary((tmp_path / "build/evaluate/cases/summary.json").read_bytes())
    assert summary.candidates[0].metrics["exact_match"].mean == 1.0


def test_a_byte_order_mark_is_sent_to_nobody(run: Run, models: FakeModels, tmp_path: Path) -> None:
    for name, text in {"system.txt": "Be brief.", "around.txt": "Q: {{prompt}}"}.items():
        (tmp_path / name).write_bytes(text.encode("utf-8-sig"))
    (tmp_path / "cases.jsonl").write_bytes((tmp_path / "cases.jsonl").read_text().encode("utf-8-sig"))
    assert run("--system", "system.txt", "--template", "around.txt") == 0
    assert "\ufeff" not in json.dumps(models.requests, ensure_ascii=False)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("Be brief.".encode("utf-16"), "is UTF-16; needed: UTF-8"),
        (b"caf\xe9", "is not UTF-8 (byte 4)"),
        ("\u200b\n".encode(), "is empty"),
    ],
)
def test_a_system_prompt_that_cannot_be_sent_is_told(
    content: bytes, told: str, *, run: Run, models: FakeModels, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "system.txt").write_bytes(content)
    assert run("--system", "system.txt") == 1
    assert f"--system system.txt: {told}" in capsys.readouterr().err


def test_files_honour_the_conditions_of_the_bucket(tmp_path: Path) -> None:
    store = Store(Disk({"runs/a/1/": tmp_path / "one"}), "")
    key = "runs/a/1/results/small/part-00000.jsonl"
    assert store.read(key) is None
    assert store.create(key, "first")
    assert not store.create(key, "second")
    found = store.read(key)
    assert found is not None
    assert found.body == b"first"
    assert store.replace(key, "third", etag=found.etag)
    assert not store.replace(key, "fourth", etag=found.etag)
    assert not store.replace("runs/a/1/absent", "x", etag=found.etag)
    assert list(store.keys("runs/a/1/")) == [key]
    assert list(store.folders("runs/a/")) == ["1"]
    with pytest.raises(ClientError, match="NoSuchBucket"):
        store.put("elsewhere/x", "x")


def a_state(completed: int, failed: int = 0) -> RunState:
    candidates = {"small": Progress(completed, failed)}
    return RunState("a", "1", RunStatus.RUNNING, "", "", total=100, candidates=candidates)


def test_the_estimate_is_shown_once_and_before_everything() -> None:
    stream = io.StringIO()
    bar = ProgressBar(stream, clock=lambda: 0.0)
    small = CandidateEstimate(10, 20, AnswerLength.DEFAULT, Cost(0.5, 30))
    bar.show(replace(a_state(0), estimate=Estimate(calls=100, candidates={"small": small})))
    bar.show(a_state(100))
    assert stream.getvalue().splitlines()[0] == "Cost estimate: $0.50 for 100 calls (small $0.50)"
    assert stream.getvalue().count("Cost estimate") == 1


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def plain(text: str) -> str:
    """Without colours and movements of the cursor."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_has_rate_remaining_time_and_failures(terminal: bool) -> None:
    clock = SimpleNamespace(now=0.0)
    stream = Terminal() if terminal else io.StringIO()
    bar = ProgressBar(stream, clock=lambda: clock.now)
    for second, done in ((0.0, 40), (0.01, 41), (20.0, 60), (40.0, 100)):
        clock.now = second
        bar.show(a_state(done, failed=done // 30))
    bar.close()
    shown = plain(stream.getvalue()).replace("\r", "\n").split("\n")
    # What was answered before this command does not count in the rate.
    assert any("60 of 100 cases (60%), 1.0 a second, 40 s left, 2 failed" in line for line in shown)
    assert "100 of 100 cases (100%)" in shown[-2]
    assert ("━" in shown[-2]) == terminal
    # rich draws the last line once more when it leaves it.
    assert sum("cases" in line for line in shown) == (4 if terminal else 2)


@pytest.mark.parametrize(
    ("updated", "told"),
    [
        ("2026-11-29T02:30:05+00:00", "1.0 a second, 40 s left, 0 failed"),
        ("2026-11-29T02:45:00+00:00", "1.0 a second, 0 failed, throttled: small since 02:30:00 UTC"),
    ],
)
def test_progress_says_which_model_is_throttled(updated: str, told: str) -> None:
    clock = SimpleNamespace(now=0.0)
    stream = io.StringIO()
    bar = ProgressBar(stream, clock=lambda: clock.now)
    bar.show(a_state(40))
    clock.now = 20.0
    waiting = {"small": Progress(60, 0, throttled_since="2026-11-29T02:30:00+00:00")}
    bar.show(replace(a_state(60), updated=updated, candidates=waiting))
    assert stream.getvalue().splitlines()[-1] == f"60 of 100 cases (60%), {told}"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("jp.anthropic.claude-haiku-5-5",), "--model jp.anthropic.claude-haiku-5-5: profile "),
        (("anthropic.claude-haiku-5-5",), "allowed from there: us.anthropic.claude-haiku-5-5, global."),
        (("us.anthropic.claude-3-5-haiku-20241022-v1:0",), "reached its end of life on 2026-06-19"),
        (("amazon.titan-embed-text-v2:0",), "is an embedding model, which returns no text"),
        (
            ("us.anthropic.claude-sonnet-4-6", *("--max-tokens", "100000")),
            "is more than 'us.anthropic.claude-sonnet-4-6'",
        ),
        ((MODEL, *("--region", "us-esat-1")), "--region: 'us-esat-1' is not a Region of AWS (did you mean us-east-1"),
    ],
)
def test_a_model_that_cannot_answer_is_refused_before_anything_is_asked(
    given: tuple[str, ...], told: str, run: Run, models: FakeModels, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*given[1:], model=given[0]) == 1
    assert told in capsys.readouterr().err
    assert not models.requests


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            ("us.amazon.nova-2-lite",),
            "warning: --model us.amazon.nova-2-lite: 'us.amazon.nova-2-lite' is not among the models",
        ),
        (("ca.amazon.nova-lite-v1:0",), "'ca' is not a known prefix of inference profiles"),
        (("us.anthropic.claude-haiku-5-5", *("--max-tokens", "100")), "thinks before it answers"),
        (("jp.anthropic.claude-haiku-5-5", *("--destination-region", "ap-northeast-1")), ""),
        (("one=arn:aws:bedrock:us-east-1:111122223333:imported-model/abcdefghijkl",), ""),
    ],
)
def test_what_may_not_work_is_a_warning_and_asked(
    given: tuple[str, ...], told: str, run: Run, models: FakeModels, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*given[1:], model=given[0]) == 0
    error = capsys.readouterr().err
    assert told in error
    assert ("warning: " in error) is bool(told)
    assert len(models.requests) == CASES


def test_an_evaluation_as_json(run: Run, models: FakeModels, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--metric", "f1_score", "--gate", "f1_score>=0.5", "--json") == 0
    found = read_document(capsys.readouterr().out, RUN)
    assert found["report"] == "build/evaluate/cases/report.html"
    assert [(row["metric"], row["verdict"]) for row in found["gates"]] == [("f1_score", "passed")]
