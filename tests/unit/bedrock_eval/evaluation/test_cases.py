import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_eval.evaluation.cases import MOST_MISTAKES, Case, DatasetError, EmptyDatasetError, prompt_id, read_cases
from bedrock_eval.evaluation.dataset_keys import OURS
from bedrock_eval.texts import is_blank


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


@pytest.mark.parametrize("nothing", ["", " \n", "\u200b", None, [], ["", " "], "<OR>", " <OR> \u200b"])
def test_an_empty_reference_is_none(nothing: object) -> None:
    (case,) = read(line(prompt="Why?", referenceResponse=nothing))
    assert (case.reference, case.references) == (None, ())


@pytest.mark.parametrize(
    ("given_", "references"),
    [
        (" one ", (" one ",)),
        (["one"], ("one",)),
        (["one", "", "two"], ("one", "two")),
        ("one<OR>two <OR> three", ("one", "two", "three")),
        ("<OR>one", ("one",)),
        (["one<OR>two", "three"], ("one", "two", "three")),
        ("one <or> two", ("one <or> two",)),
    ],
)
def test_several_answers_may_be_right(given_: object, references: tuple[str, ...]) -> None:
    (case,) = read(line(prompt="Why?", referenceResponse=given_))
    assert case.references == references


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
    assert str(raised.value) == "q.jsonl:3: id 'x' is already in line 1"


def test_an_id_that_is_that_of_another_prompt_is_refused() -> None:
    with pytest.raises(DatasetError, match=r"^q\.jsonl:2: id '.{16}' is already in line 1$"):
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
        ("5", '1: not a JSON object; needed: {"prompt": ..., "referenceResponse": ...}'),
        ('{"topic": "a"}', "1: key 'prompt' is missing (there: 'topic')"),
        ("{}", "1: key 'prompt' is missing (there: none)"),
        ('{"question": "a"}', "1: key 'prompt' is missing (there: 'question'); rename 'question' to 'prompt'"),
        (
            '{"Prompt": "a", "input": "b", "Reference-Response": "c"}',
            "1: key 'prompt' is missing (there: 'Prompt', 'input', 'Reference-Response'); rename 'Prompt' or 'input' "
            "to 'prompt', and 'Reference-Response' to 'referenceResponse'",
        ),
        ('{"What is tea?": "a drink"}', "1: key 'prompt' is missing (there: 1 more)"),
        (
            '{"prompt": "a", "reference_response": "b"}',
            "1: key 'reference_response' is not read; rename it to 'referenceResponse'",
        ),
        ('{"prompt": "a", "Category": "b"}', "1: key 'Category' is not read; rename it to 'category'"),
        ('{"prompt": null}', "1: key 'prompt' is missing (there: 'prompt')"),
        (
            '{"prompt": "a", "prompt": "b"}',
            "1: 'prompt' stands twice among the keys of one object; needed: each key once",
        ),
        (
            '{"prompt": "a", "more": [{"x": 1, "x": 1, "y": 2, "y": 3}]}',
            "1: 'x', 'y' stands twice among the keys of one object; needed: each key once",
        ),
        ('{"prompt": "\\u0000"}', "1: key 'prompt' must be text that is not blank"),
        ('{"prompt": "\\u200b\\u2060 \\ufe0f\\u3164"}', "1: key 'prompt' must be text that is not blank"),
        (
            '{"prompt": "a \\ud83d"}',
            "1: key 'prompt' holds half of a surrogate pair (\\ud83d), which is no character; needed: both halves, "
            "or none",
        ),
        (
            '{"prompt": "a", "notes": {"b": ["\\udc00"]}}',
            "1: key 'notes' holds half of a surrogate pair (\\udc00), which is no character; needed: both halves, "
            "or none",
        ),
        ('{"prompt": " \\n"}', "1: key 'prompt' must be text that is not blank"),
        ('{"prompt": 5}', "1: key 'prompt' must be text that is not blank"),
        (
            '{"prompt": "a", "expected": "b"}',
            "1: key 'expected' is not read; the reference answer's key is 'referenceResponse'",
        ),
        (
            '{"prompt": "a", "expected": "b", "answer": "c"}',
            "1: keys 'expected', 'answer' are not read; the reference answer's key is 'referenceResponse'",
        ),
        (
            '{"question": "a", "expected": "b"}',
            "1: key 'prompt' is missing (there: 'question', 'expected'); rename 'question' to 'prompt', and 'expected' "
            "to 'referenceResponse'",
        ),
        ('{"messages": []}', "1: key 'messages' is reserved; give the question as 'prompt'"),
        ('{"prompt": "a", "id": 5}', "1: key 'id' must be text, not a number"),
        ('{"prompt": "a", "id": ""}', "1: key 'id' must be text, not an empty one"),
        ('{"prompt": "a", "category": ["x"]}', "1: key 'category' must be text, not a list"),
        ('{"prompt": "a", "cluster": null}', "1: key 'cluster' must be text, not null"),
        (
            '{"prompt": "a", "referenceResponse": ["a secret", 5]}',
            "1: key 'referenceResponse' must be text or a list of texts, not a list with a number in it",
        ),
        (
            '{"prompt": "a", "referenceResponse": [null]}',
            "1: key 'referenceResponse' must be text or a list of texts, not a list with null in it",
        ),
        (
            '{"prompt": "a", "referenceResponse": {"text": "b"}}',
            "1: key 'referenceResponse' must be text or a list of texts, not an object",
        ),
        (
            '{"prompt": "a", "referenceResponse": false}',
            "1: key 'referenceResponse' must be text or a list of texts, not true or false",
        ),
        (f'{{"prompt": "a", "n": {"1" * 5000}}}', "1: not a case: a number has too many digits"),
        ('{"a":' * 100_000 + "5", "1: not a case: nested too deeply"),
    ],
)
def test_what_is_no_case_is_told_with_its_line_and_key(text: str, told: str) -> None:
    with pytest.raises(DatasetError) as raised:
        read(text)
    assert str(raised.value) == f"q.jsonl:{told}"


def test_a_byte_order_mark_is_dropped_where_files_were_joined_too() -> None:
    with_mark = '{"prompt": "a"}'.encode("utf-8-sig")
    assert [case.prompt for case in read(with_mark, b"", with_mark, with_mark.decode())] == ["a"] * 3


def test_all_mistakes_are_told_at_once_and_no_case_comes_after_the_first() -> None:
    lines = (line(prompt="a"), "x", line(prompt="b", id=5, category=["c"]), line(prompt="d"), line(answer="e"))
    cases, mistakes = [], ()
    try:
        cases.extend(read_cases(lines, source="q.jsonl"))
    except DatasetError as error:
        mistakes = error.mistakes
        assert str(error) == "\n".join(mistakes)  # noqa: PT017 - the cases before it are needed too
    assert [each.partition(": ")[0] for each in mistakes] == [f"q.jsonl:{number}" for number in (2, 3, 3, 5)]


def test_many_mistakes_are_counted() -> None:
    with pytest.raises(DatasetError) as raised:
        read(*["{}"] * (MOST_MISTAKES + 7))
    assert len(raised.value.mistakes) == MOST_MISTAKES + 1
    assert raised.value.mistakes[-1] == "q.jsonl: and 7 further mistakes"


@pytest.mark.parametrize("lines", [(), (b"",), ("\n", "  "), (b"\xef\xbb\xbf",)])
def test_a_file_without_a_line_is_told(lines: tuple[str | bytes, ...]) -> None:
    with pytest.raises(
        EmptyDatasetError, match=r"^q\.jsonl: holds no case \(the file is empty\); needed: at least one"
    ):
        read(*lines)


def test_what_is_kept_of_a_line_is_what_is_not_read() -> None:
    text, several = read(line(prompt="a", referenceResponse="b", x=1), line(prompt="a", referenceResponse=["b"], x=1))
    assert (dict(text.extra), dict(several.extra)) == ({"x": 1}, {"x": 1, "referenceResponse": ["b"]})
    assert (text.line, several.line) == (1, 2)


def test_bytes_that_are_no_utf8_are_told_with_their_place() -> None:
    with pytest.raises(DatasetError) as raised:
        read(b'{"prompt": "a"}', '{"prompt": "café"}'.encode("latin-1"))
    assert str(raised.value) == "q.jsonl:2: not UTF-8 (byte 16 of the line)"


@given(st.text(min_size=1).filter(lambda text: not is_blank(text)))
def test_the_prompt_comes_through_unchanged(prompt: str) -> None:
    for text in (json.dumps({"prompt": prompt}), json.dumps({"prompt": prompt}, ensure_ascii=False).encode()):
        assert read(text)[0].prompt == prompt


@given(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=20))
def test_ids_are_unique_and_stable_when_lines_are_added(prompts: list[str]) -> None:
    ids = [case.id for case in read(*(line(prompt=prompt) for prompt in prompts))]
    assert len(set(ids)) == len(prompts)
    assert ids == [case.id for case in read(*(line(prompt=prompt) for prompt in [*prompts, "d"]))][: len(ids)]


@given(st.binary(max_size=40))
def test_any_bytes_are_a_case_or_a_dataset_error(content: bytes) -> None:
    try:
        read(content)
    except DatasetError as error:
        assert str(error).startswith(("q.jsonl:1: ", "q.jsonl: "))  # noqa: PT017 - most bytes raise, some do not


JSON_TEXTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3)
)


@given(
    st.dictionaries(
        st.sampled_from([*OURS, "Prompt", "answer", "messages", "expected"]) | st.text(max_size=8),
        JSON_TEXTS,
        max_size=6,
    )
)
def test_any_record_is_a_case_with_all_that_was_meant_or_told(record: dict[str, object]) -> None:
    try:
        (case,) = read(json.dumps(record))
    except DatasetError as error:
        assert all(each.startswith(("q.jsonl:1: ", "q.jsonl: ")) for each in error.mistakes)  # noqa: PT017
        return
    assert case.prompt == record["prompt"]
    assert all(not is_blank(each) for each in (case.prompt, *case.references))


@given(st.lists(st.text().filter(lambda text: "<OR>" not in text)))
def test_a_list_and_or_between_say_the_same(answers: list[str]) -> None:
    several, joined = read(
        line(prompt="a", referenceResponse=answers), line(prompt="b", referenceResponse="<OR>".join(answers))
    )
    assert several.references == joined.references
    assert len(several.references) == sum(not is_blank(each) for each in answers)
