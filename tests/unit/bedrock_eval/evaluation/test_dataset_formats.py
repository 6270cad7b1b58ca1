"""Files that are no JSONL, named for what they are."""

import bz2
import gzip
import io
import lzma
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_eval.evaluation.cases import DatasetError, read_cases

LINE = b'{"prompt": "a", "referenceResponse": "b"}\n'


def told(content: bytes, source: str = "q.jsonl") -> str:
    with pytest.raises(DatasetError) as raised:
        list(read_cases(content.split(b"\n"), source=source))
    (mistake,) = raised.value.mistakes
    return mistake


def zipped(name: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, LINE)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (gzip.compress(LINE * 50), "is packed with gzip; needed: the file inside it, as by gunzip"),
        (bz2.compress(LINE), "is packed with bzip2"),
        (lzma.compress(LINE), "is packed with xz"),
        (zipped("cases.jsonl"), "is packed with zip"),
        (zipped("[Content_Types].xml"), "is"),
        (b"PAR1\x15\x04\x15", "is a Parquet file"),
        (LINE.decode().encode("utf-16"), "is UTF-16; needed: UTF-8, as by iconv -f UTF-16 -t UTF-8"),
        (LINE.decode().encode("utf-16-le"), "is UTF-16"),
        (LINE.decode().encode("utf-16-be"), "is UTF-16"),
        (LINE.decode().encode("utf-32"), "is UTF-32"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "is a Git LFS pointer, not the file itself"),
        (b"/annex/objects/SHA256E-s12--0.jsonl\n", "is a git-annex pointer, not the file itself"),
        (b"../.git/annex/objects/a/b/SHA256E-s12--0", "is a git-annex pointer, not the file itself"),
        (b"prompt,referenceResponse\na,b\n", "is CSV (commas between)"),
        (b'"prompt","referenceResponse"\n"a","b"\n', "is CSV (commas between)"),
        (b"\xef\xbb\xbfprompt;referenceResponse\n", "is CSV (semicolons between)"),
        (b"prompt\treferenceResponse\n", "is TSV (tabs between)"),
        (b"[" + LINE + b"]\n", "is a JSON array; needed: its objects one a line"),
        (b"\n  [\n  {\n", "is a JSON array"),
        (b"{'prompt': 'a'}\n", "has Python's quotes (')"),
        (b'{\n  "prompt": "a"\n}\n', "is JSON over several lines; needed: each object in one line"),
        (b'{"prompt": "a",\n "referenceResponse": "b"}\n', "is JSON over several lines"),
        (b"<!doctype html>\n<html>", "is HTML or XML"),
    ],
)
def test_a_foreign_file_is_named_with_what_to_do(content: bytes, what: str) -> None:
    assert told(content).startswith(f"q.jsonl: {what}")
    assert "needed: " in told(content)


def test_the_ending_of_a_name_helps() -> None:
    assert told(b"prompt\na\n", "cases.csv").startswith("cases.csv: is CSV")
    assert told(zipped("data.bin"), "cases.xlsx").startswith("cases.xlsx: is an Excel file")


def test_the_columns_of_a_table_are_not_told_as_they_may_be_questions() -> None:
    assert "SECRET" not in told(b"What is the SECRET?,the SECRET\n")


@pytest.mark.parametrize("content", [b"{bad\n", b'{"prompt": "a", }\n', b"hello\n", b'{"prompt": "a"} {}\n'])
def test_a_bad_line_is_a_bad_line(content: bytes) -> None:
    assert told(content).startswith("q.jsonl:1: not JSON: ")


def test_objects_with_commas_between_are_not_taken_for_objects_over_several_lines() -> None:
    assert told(b'{"prompt": "a"},\n{"prompt": "b"}\n').startswith("q.jsonl: has a comma behind an object; needed: ")


def test_a_line_that_is_cut_off_is_told_at_its_end() -> None:
    assert told(LINE + b'{"prompt": "a"\n') == "q.jsonl:2: not JSON: Expecting ',' delimiter at column 15"


def test_only_the_beginning_says_what_a_file_is() -> None:
    assert told(LINE + b"prompt,answer\n").startswith("q.jsonl:2: not JSON: ")


@given(st.binary(max_size=80))
def test_any_bytes_are_cases_or_told(content: bytes) -> None:
    try:
        list(read_cases(content.split(b"\n"), source="q.jsonl"))
    except DatasetError as error:
        assert all(mistake.startswith("q.jsonl:") for mistake in error.mistakes)  # noqa: PT017 - most raise, some not


def test_a_line_that_begins_with_a_bracket_is_not_at_once_an_array() -> None:
    assert "JSON array" not in told(b"[INST] Why? [/INST]\n")
