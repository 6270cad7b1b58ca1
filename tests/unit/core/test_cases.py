import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_eval.cases import Case, DatasetError, prompt_id, read_cases


def read(*lines: str | bytes) -> list[Case]:
    return list(read_cases(lines, source="q.jsonl"))


def line(**values: object) -> str:
    return json.dumps(values)


def test_a_line_is_a_case_with_its_reference() -> None:
    (case,) = read(line(prompt="Why?", referenceResponse="Because.", category="c", cluster="k", id="one", weight=2))
    assert (case.id, case.prompt, case.reference) == ("one", "Why?", "Because.")
    assert (case.references, case.category, case.cluster) == (("Because.",), "c", "k")
    assert dict(case.extra) == {"weight": 2}


def test_without_a_reference_there_are_none() -> None:
    (case,) = read(line(prompt="Why?"))
    assert (case.reference, case.references) == (None, ())
    (empty,) = read(line(prompt="Why?", referenceResponse=""))
    assert empty.references == ("",)


def test_the_id_is_made_of_the_prompt_alone() -> None:
    expected = hashlib.sha256("Wie spät?".encode()).hexdigest()[:16]
    first, second = read(line(prompt="Wie spät?", category="a"), line(prompt="wie spät?"))
    assert first.id == expected == prompt_id("Wie spät?")
    assert second.id != expected


def test_repeated_prompts_are_numbered_from_the_second() -> None:
    base = prompt_id("a")
    assert [case.id for case in read(*[line(prompt="a")] * 3, line(prompt="b"))] == [
        base,
        f"{base}#2",
        f"{base}#3",
        prompt_id("b"),
    ]


def test_an_id_given_twice_names_the_first_line() -> None:
    with pytest.raises(DatasetError) as raised:
        read(line(prompt="a", id="x"), "", line(prompt="b", id="x"))
    assert str(raised.value) == "q.jsonl:3: id 'x' stands already in line 1"


def test_an_id_that_is_that_of_another_prompt_is_refused() -> None:
    with pytest.raises(DatasetError, match=r"^q\.jsonl:2: id '.{16}' stands already in line 1$"):
        read(line(prompt="a"), line(prompt="b", id=prompt_id("a")))


def test_blank_lines_are_passed_over_and_counted() -> None:
    assert len(read("", "  \n", line(prompt="a"), "\n", b"\r\n")) == 1
    with pytest.raises(DatasetError, match=r"^q\.jsonl:3: "):
        read("", "\n", "x")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"prompt": }', "1: not JSON: Expecting value at column 12"),
        ('"prompt"', '1: not a JSON object; needed: {"prompt": ..., "referenceResponse": ...}'),
        ("[]", '1: not a JSON object; needed: {"prompt": ..., "referenceResponse": ...}'),
        ('{"question": "a"}', "1: key 'prompt' is missing"),
        ('{"prompt": null}', "1: key 'prompt' is missing"),
        ('{"prompt": " \\n"}', "1: key 'prompt' must be text that is not blank"),
        ('{"prompt": 5}', "1: key 'prompt' must be text that is not blank"),
        (
            '{"prompt": "a", "expected": "b"}',
            "1: key 'expected' is not read; the reference answer's key is 'referenceResponse'",
        ),
        ('{"messages": []}', "1: key 'messages' is reserved; give the question as 'prompt'"),
        ('{"prompt": "a", "id": 5}', "1: key 'id' must be text, not a number"),
        ('{"prompt": "a", "id": ""}', "1: key 'id' must be text, not an empty one"),
        ('{"prompt": "a", "category": ["x"]}', "1: key 'category' must be text, not a list"),
        ('{"prompt": "a", "cluster": null}', "1: key 'cluster' must be text, not null"),
        (
            '{"prompt": "a", "referenceResponse": ["a secret", "b"]}',
            "1: key 'referenceResponse' must be text, not a list",
        ),
        (
            '{"prompt": "a", "referenceResponse": {"text": "b"}}',
            "1: key 'referenceResponse' must be text, not an object",
        ),
        ('{"prompt": "a", "referenceResponse": false}', "1: key 'referenceResponse' must be text, not true or false"),
        (f'{{"prompt": "a", "n": {"1" * 5000}}}', "1: not a case: a number has too many digits"),
        ("[" * 100_000, "1: not a case: nested too deeply"),
    ],
)
def test_what_is_no_case_is_told_with_its_line_and_key(text: str, told: str) -> None:
    with pytest.raises(DatasetError) as raised:
        read(text)
    assert str(raised.value) == f"q.jsonl:{told}"


def test_a_byte_order_mark_is_told_as_what_it_is() -> None:
    with pytest.raises(DatasetError) as raised:
        read('{"prompt": "a"}'.encode("utf-8-sig"))
    assert str(raised.value) == "q.jsonl:1: begins with a byte order mark; needed: UTF-8 without one"


def test_bytes_that_are_no_utf8_are_told_with_their_place() -> None:
    with pytest.raises(DatasetError) as raised:
        read(b'{"prompt": "a"}', '{"prompt": "café"}'.encode("latin-1"))
    assert str(raised.value) == "q.jsonl:2: not UTF-8 (byte 16 of the line)"


@given(st.text(min_size=1).filter(str.strip))
def test_the_prompt_comes_through_unchanged(prompt: str) -> None:
    for text in (json.dumps({"prompt": prompt}), json.dumps({"prompt": prompt}, ensure_ascii=False).encode()):
        assert read(text)[0].prompt == prompt


@given(st.lists(st.sampled_from(["a", "b", "c"]), max_size=20))
def test_ids_are_unique_and_stable_when_lines_are_added(prompts: list[str]) -> None:
    ids = [case.id for case in read(*(line(prompt=prompt) for prompt in prompts))]
    assert len(set(ids)) == len(prompts)
    assert ids == [case.id for case in read(*(line(prompt=prompt) for prompt in [*prompts, "d"]))][: len(ids)]


@given(st.binary(max_size=40))
def test_any_bytes_are_a_case_or_a_dataset_error(content: bytes) -> None:
    try:
        read(content)
    except DatasetError as error:
        assert str(error).startswith("q.jsonl:1: ")  # noqa: PT017 - most bytes raise, some do not
