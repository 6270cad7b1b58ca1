import copy
import csv
import functools
import gzip
import json
import operator
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_eval.invocation_log.queries import By
from bedrock_eval.invocation_log.records import InvocationRecord, read_line
from bedrock_eval.pricing.costs import Rates
from ops.__main__ import main
from ops.commands.logs import LOGS
from ops.invocation_log import call_tables, failure_tables, token_tables
from ops.invocation_log.exported_source import Records, percentile
from ops.invocation_log.figures import caller
from ops.terminal.csv_file import write_csv
from ops.terminal.tables import SHOWN_ROWS, Column, Table, TableKind
from tests.ops.conftest import SAMPLE
from tests.ops.json_documents import read_document
from tests.support.aws.log_records import HAIKU, NOVA, RECORDS

ROLE = "assumed-role/support"


def ask(*arguments: str, path: Path, folder: Path | None = None) -> list[dict[str, str]]:
    """The first table of a question, through CSV."""
    target = (folder or path) / "answer.csv"
    assert main(["logs", *arguments, "--from", str(path), "--csv", str(target)]) == 0
    rows = list(csv.DictReader(target.read_text().splitlines()))
    target.unlink()
    return rows


def test_the_documents_question_slower_than_three_seconds(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = ask("slow", path=export)
    assert [(row["latency_ms"], row["request"], row["first_token_ms"]) for row in rows] == [
        ("5100.0", "r-3", "310.0"),
        ("4200.0", "r-1", ""),
    ]
    printed = capsys.readouterr()
    assert "2 calls slower than 3,000 ms, of 6 answered; the latency of 2 is unknown" in printed.out
    assert f"10 records in {export} (files read: 3)" in printed.err


def test_percentiles_come_with_their_n_and_unknown_is_not_zero(
    export: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["logs", "slow", "--from", str(export)]) == 0
    lines = capsys.readouterr().out.splitlines()
    (heads,) = (line.split("  ") for line in lines if "p90" in line and "answered" in line)
    assert [head.strip() for head in heads if head.strip()] == [
        *("model", "answered", "known (n)", "unknown", "slower", "p50", "p90", "p99", "longest")
    ]
    # The profile's ARN is the same model as its id.
    assert any(" ".join(line.split()) == f"{HAIKU} 5 4 1 2 3,000 5,100 5,100 5,100" for line in lines)
    assert any(" ".join(line.split()) == f"{NOVA} 1 0 1 0 unknown unknown unknown unknown" for line in lines)


def test_what_is_no_record_is_counted_with_its_reason_and_place(
    export: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["logs", "tokens", "--from", str(export)]) == 0
    told = capsys.readouterr().err
    assert "1 skipped, plain text (first: " in told
    assert "stream.log:1: Permissions are correctly set for Amazon Bedrock logs.)" in told
    assert "1 skipped, not JSON (first: " in told
    assert "stream.log:2)" in told
    assert "1 skipped, not a JSON object" in told
    assert "1 skipped, a large body in a file of its own" in told
    assert "1 skipped, file does not end with" in told


def test_the_threshold_and_the_model(export: Path) -> None:
    assert len(ask("slow", "--threshold-ms", "400", path=export)) == 4
    assert len(ask("slow", "--threshold-ms", "400", "--model", "nova", path=export)) == 0
    assert len(ask("slow", "--env", "dev", "--model", "haiku", path=export)) == 2


def test_errors(export: Path) -> None:
    rows = ask("errors", path=export)
    assert [tuple(row.values()) for row in rows] == [
        *[("ThrottlingException", HAIKU, ROLE, "3", "8", "37.5", "2026-11-23T10:06:00Z", "2026-11-23T10:20:00Z")],
        *[("ValidationException", NOVA, ROLE, "1", "2", "50.0", "2026-11-23T10:21:00Z", "2026-11-23T10:21:00Z")],
    ]


def test_throttles_show_the_worst_five_minutes(export: Path) -> None:
    (row,) = ask("throttles", path=export)
    assert (row["n"], row["model's calls"], row["n in them"]) == ("3", "8", "2")
    assert row["worst 5 min"] == "2026-11-23T10:05:00Z"


def test_tokens_by_purpose(export: Path) -> None:
    rows = {(row["model"], row["purpose"]): row for row in ask("tokens", path=export)}
    assert {key: (row["answered (n)"], row["input"], row["output"]) for key, row in rows.items()} == {
        (HAIKU, ""): ("4", "40", "51"),
        (HAIKU, "evaluation"): ("1", "10", "20"),
        (NOVA, ""): ("1", "10", "20"),
    }


def test_tokens_that_nobody_counted_are_unknown(tmp_path: Path, sample: list[dict[str, Any]]) -> None:
    file = tmp_path / "one.jsonl"
    file.write_text(json.dumps({**sample[0], "input": {}, "output": {}}))
    (row,) = ask("tokens", path=file, folder=tmp_path)
    assert (row["answered (n)"], row["uncounted"], row["input"], row["output"]) == ("1", "1", "", "")


@pytest.mark.parametrize(
    ("counted", "told"),
    [(0, "unknown cost for 2 answered calls"), (1, "at least $0.30 for 2 answered calls"), (2, "$0.60 for 2 answered")],
)
def test_calls_of_unknown_tokens_are_not_free(counted: int, told: str) -> None:
    known = {"inputTokenCount": 100_000}
    records = [
        read_line(
            json.dumps({**RECORDS["Converse"], "input": known if n < counted else {}, "output": {}}), where="here"
        )
        for n in range(2)
    ]
    source = Records([record for record in records if isinstance(record, InvocationRecord)])
    (table,) = token_tables.costs(source, By.MODEL, rates={HAIKU: Rates(3, 15)})
    assert table.title.startswith(told)


def test_truncated(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = ask("truncated", path=export)
    assert [(row["request"], row["stop reason"]) for row in rows] == [("r-3", "max_tokens"), ("r-2", "max_tokens")]
    assert "2 truncated answers of 6; the stop reason of 1 is unknown" in capsys.readouterr().out


def test_hours_count_back_from_now(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask("errors", "--hours", "1", path=export) == []
    told = capsys.readouterr().err
    assert "--hours 1 matches none of 10 records; they are of 2026-11-23 10:00 to 2026-11-23 10:21 UTC" in told


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            ("--model", "nosuch"),
            "--model nosuch matches none of 10 records; there are: us.anthropic.claude-haiku-5-5 (8), "
            "us.amazon.nova-2-lite-v1:0 (2)",
        ),
        (
            ("--model", "nova", "--hours", "1"),
            "--model nova and --hours 1 together match none of 10 records; 2 records of the model, the newest at "
            "2026-11-23 10:21 UTC",
        ),
        (("--by", "application"), "--by application groups nothing: no answered call has requestMetadata.application"),
    ],
)
def test_a_filter_that_matches_nothing_says_what_there_is(
    options: tuple[str, ...], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = [{**each, "requestMetadata": None} for each in SAMPLE]
    if "--hours" in options:
        records[0] |= {"timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, records)))
    assert main(["logs", "tokens", "--from", str(tmp_path), *options]) == 0
    assert told in capsys.readouterr().err


def test_a_call_in_two_files_counts_once_and_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sample: list[dict[str, Any]]
) -> None:
    """Both deliveries, to S3 and to CloudWatch, hold every call."""
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_text("\n".join(map(json.dumps, sample)))
    unnamed = [{**sample[0], "requestId": None}] * 2
    (tmp_path / "c.jsonl").write_text("\n".join(map(json.dumps, unnamed)))
    assert main(["logs", "tokens", "--from", str(tmp_path)]) == 0
    told = capsys.readouterr()
    assert "in 8 answered calls" in told.out
    assert f"10 skipped, the same requestId once more (first: {tmp_path}/b.jsonl)" in told.err


@pytest.mark.parametrize(
    "name",
    [
        *("list.json", "pretty.json", "lines.jsonl", "lines.log", "lines.json.gz", "plain.json.gz"),
        *("one-by-one.json", "filter-log-events.json", "bracket.log", "000000.gz"),
    ],
)
def test_a_single_file(tmp_path: Path, name: str, sample: list[dict[str, Any]]) -> None:
    lines = "\n".join(json.dumps(record) for record in sample)
    content = {
        "list.json": json.dumps(sample).encode(),
        "pretty.json": json.dumps(sample, indent=2).encode(),
        "lines.json.gz": gzip.compress(lines.encode()),
        # As CreateExportTask writes them: the time of the event before its text.
        "000000.gz": gzip.compress(re.sub("^", "2026-11-23T10:00:00.000Z ", lines, flags=re.MULTILINE).encode()),
        "one-by-one.json": "\n".join(json.dumps(record, indent=2) for record in sample).encode(),
        "filter-log-events.json": json.dumps(
            {"events": [{"message": each} for each in lines.split("\n")]}, indent=4
        ).encode(),
        "bracket.log": f"[INFO] begun\n{lines}".encode(),
    }.get(name, lines.encode())
    (tmp_path / name).write_bytes(content)
    assert len(ask("slow", path=tmp_path / name, folder=tmp_path)) == 2


def test_links_are_followed_to_files_and_told_of_otherwise(
    tmp_path: Path, sample: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.json").write_text(json.dumps(sample))
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "b.json").symlink_to(tmp_path / "elsewhere" / "a.json")
    (folder / "more").symlink_to(tmp_path / "elsewhere")
    (folder / "gone.json").symlink_to(tmp_path / "nothing")
    assert main(["logs", "errors", "--from", str(folder)]) == 0
    told = capsys.readouterr().err
    assert f"{len(sample):,} records in" in told
    assert f"2 skipped, no file, or a link to none (first: {folder / 'gone.json'})" in told


def test_a_folder_that_may_not_be_read_is_no_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.jsonl").write_text("")
    (tmp_path / "closed").mkdir()
    scandir = os.scandir

    def refuse(path: Any) -> Any:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert main(["logs", "errors", "--from", str(tmp_path)]) == 1
    assert f"error: --from {tmp_path / 'closed'}: cannot be read: Permission denied" in capsys.readouterr().err


def test_what_was_read_before_a_break_counts(
    tmp_path: Path, sample: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    whole = "\n".join(json.dumps(record, indent=1) for record in sample[:2])
    (tmp_path / "cut.json").write_text(whole + '\n{\n "schemaType": "Mod')
    assert main(["logs", "errors", "--from", str(tmp_path)]) == 0
    told = capsys.readouterr().err
    assert f"2 records in {tmp_path}" in told
    assert f"1 skipped, not JSON (first: {tmp_path / 'cut.json'}:{whole.count(chr(10)) + 2})" in told


@pytest.mark.parametrize("broken", ["{\n'a': 1\n}", '{\n "schemaType": "ModelInv'])
def test_a_value_over_several_lines_that_cannot_be_read_is_one(
    tmp_path: Path, broken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.json").write_text(broken)
    assert main(["logs", "errors", "--from", str(tmp_path)]) == 0
    assert f"1 skipped, not JSON (first: {tmp_path / 'broken.json'}:1)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("absent.jsonl", None, "absent.jsonl: no such file or folder"),
        ("records.txt", b"", "records.txt: not a file of records; allowed: .jsonl, .json, .log"),
        ("cut.json.gz", gzip.compress(b"{}" * 1000)[:-12], "cut.json.gz: cannot be read to its end"),
    ],
)
def test_a_file_that_cannot_be_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes | None, told: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert main(["logs", "slow", "--from", str(tmp_path / name)]) == 1
    captured = capsys.readouterr()
    assert told in captured.err
    assert captured.out == ""


def test_a_folder_without_records(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["logs", "slow", "--from", str(tmp_path)]) == 1
    assert "holds no file of records" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["logs"], "the following arguments are required: QUESTION"),
        (["logs", "slowest"], "invalid choice: 'slowest'"),
        (["logs", "slow", "--hours", "0"], "'0' is not a number above 0"),
        (["logs", "slow", "--hours", "1e12"], "'1e12' hours are too many; allowed: up to 87,672"),
        (["logs", "slow", "--threshold-ms", "nan"], "'nan' is not a number above 0"),
        (["logs", "slow", "--model", 'x" or 1'], "is not part of a model id; allowed: letters"),
    ],
)
def test_usage_errors_end_with_1(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 1
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["logs", "slow"], "--env is missing"),
        (["logs", "slow", "--env", "nowhere"], "no environment 'nowhere'; there are: dev"),
        (["logs", "slow", "--env", "local"], "runs on the emulator, not on AWS; start it with `make up`"),
    ],
)
def test_what_is_missing_is_said(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 1
    assert told in capsys.readouterr().err


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of everything inside of a JSON value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        yield (*at, key)
        yield from places(each, (*at, key))


JUNK: list[Any] = [
    *(None, True, 0, -1, 1.5, 10**400, float("nan"), "", "/", "\x1b[2J", "\ud800", "9999-12-31T23:59:59-14:00"),
    *([], {}, [[]], [None], {"a": 1}, "max_tokens", '{"stopReason": "max_tokens"}', "ThrottlingException"),
]


@given(st.data())
def test_no_record_ends_a_question_whatever_stands_in_it(data: st.DataObject) -> None:
    broken = copy.deepcopy(list(RECORDS.values()))
    for each in broken:
        *way, last = data.draw(st.sampled_from(list(places(each))))
        functools.reduce(operator.getitem, way, each)[last] = data.draw(st.sampled_from(JUNK))
    lines = [line for each in broken if (line := read_line(json.dumps(each), where="here")) is not None]
    assert len(lines) == len(broken)
    records = [line for line in lines if isinstance(line, InvocationRecord)]
    source = Records(records)
    tables = [
        *(*call_tables.slow(source, threshold_ms=1), *failure_tables.errors(source), *failure_tables.throttles(source)),
        *(*token_tables.tokens(source), *call_tables.longest(source), *call_tables.truncated(source)),
        *token_tables.evaluation(source),
        *(table for by in By for table in token_tables.costs(source, by, rates={HAIKU: Rates(1, 5)})),
    ]
    assert all(table.text() for table in tables)
    answered = sum(record.answered for record in records)
    assert f", of {answered:,} answered;" in tables[0].title


def test_as_a_command(export: Path) -> None:
    command = [sys.executable, "-m", "ops", "logs", "errors", "--from", str(export)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "4 failed calls of 10 logged" in done.stdout


def a_table(rows: list[tuple[Any, ...]]) -> Table:
    columns = tuple(Column(key, "") for key in "abc"[: len(rows[0])])
    return TableKind("t", "", columns).table("t", rows)


def test_csv_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "answer.csv"
    target.write_text("before")

    def full(*_: Any, **__: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fdopen", full)
    with pytest.raises(Exception, match=r"answer\.csv: cannot be written: No space left on device"):
        write_csv(a_table([("x",)]), target)
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_is_not_there(tmp_path: Path, export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["logs", "slow", "--from", str(export), "--csv", str(tmp_path / "no" / "a.csv")]) == 1
    captured = capsys.readouterr()
    assert "a.csv: cannot be written: No such file or directory" in captured.err
    assert "2 calls slower than 3,000 ms" in captured.out


def test_what_was_skipped_is_shown_without_control_characters(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.log").write_text("Permissions\x1b[2J are set\n")
    assert main(["logs", "slow", "--from", str(tmp_path)]) == 0
    assert "plain text (first: " in (told := capsys.readouterr().err)
    assert "\x1b" not in told


def test_somebody_elses_text_reaches_neither_terminal_nor_spreadsheet_as_a_command(tmp_path: Path) -> None:
    table = a_table([("=1+1\x1b[2J", None), ("half \ud800 a character", 1)])
    assert "\x1b" not in table.text()
    assert "unknown" in table.text()
    write_csv(table, tmp_path / "a.csv")
    assert list(csv.reader((tmp_path / "a.csv").read_text().splitlines()))[1][0].startswith("'=")


def test_a_long_table_says_what_it_leaves_out() -> None:
    table = replace(a_table([(i,) for i in range(60)]), most=SHOWN_ROWS)
    assert "... and 10 more; --csv and --json hold all of them" in table.text()


def test_callers_are_roles_not_sessions() -> None:
    assert caller("arn:aws:sts::1:assumed-role/Role/session") == "assumed-role/Role"
    assert caller("arn:aws:iam::1:user/path/name") == "user/path/name"
    assert caller("nonsense") == "nonsense"
    assert caller(None) is None


@given(st.lists(st.floats(0, 1e6), min_size=1), st.sampled_from([0.5, 0.9, 0.99]))
def test_a_percentile_is_the_smallest_value_that_covers_its_share(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    covered = sum(value <= found for value in values)
    below = sum(value < found for value in values)
    assert covered * 100 >= round(share * 100) * len(values) > below * 100


@pytest.mark.parametrize(
    ("question", "tables"),
    [
        (["slow"], ["slow_calls", "latencies"]),
        (["errors"], ["errors"]),
        (["throttles"], ["throttles"]),
        (["tokens"], ["tokens"]),
        (["tokens", "--by", "day"], ["tokens_by"]),
        (["cost", "--env", "dev"], ["costs"]),
        (["longest"], ["longest_prompts"]),
        (["truncated"], ["truncated_answers", "truncations"]),
        (["evaluation"], ["traffic"]),
    ],
)
def test_every_question_as_json(
    question: list[str], tables: list[str], export: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["logs", *question, "--from", str(export), "--json"]) == 0
    found = read_document(capsys.readouterr().out, LOGS, *tables)
    assert all(found[table] for table in tables)
    assert len(found["titles"]) == len(tables)


def test_json_has_what_the_table_has(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["logs", "slow", "--from", str(export), "--json"]) == 0
    found = read_document(capsys.readouterr().out, LOGS, "slow_calls", "latencies")
    assert found["slow_calls"][0]["time"] == "2026-11-23T10:03:00Z"
    haiku = found["latencies"][0]
    assert (haiku["answered"], haiku["known"], haiku["unknown"], haiku["longest_ms"]) == (5, 4, 1, 5100)
