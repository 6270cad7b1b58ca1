"""The configuration and the answers files: what is refused, and with which words."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.simulator.replay import answers
from local.simulator.replay.answers import AnswersError
from local.simulator.replay.faults import KINDS, ModelFaults, draw
from local.simulator.settings.config import Config
from local.simulator.settings.documents import ConfigError, load, parse

HERE = Path("/somewhere")
LINE = {"modelId": "a.b", "prompt": "p", "response": "r"}


def read(document: object) -> Config:
    return parse(json.dumps(document), source="simulator.json", directory=HERE)


def test_defaults_are_without_faults_and_without_waiting() -> None:
    config = read({})
    assert config == Config()
    assert config.faults_for(("any",)).pick(0.0) is None
    assert config.sleep_share == 0


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"answer": []}, ["unknown key 'answer'", "answers", "seed"]),
        ([], ["the document", "an object"]),
        ({"seed": 1.5}, ["seed", "1.5", "a whole number"]),
        ({"seed": True}, ["seed", "true"]),
        ({"sleep_share": 2}, ["sleep_share", "2", "from 0 to 1"]),
        ({"default_latency_ms": 0}, ["default_latency_ms", "from 1"]),
        ({"fail_first_logging_puts": -1}, ["fail_first_logging_puts", "-1", "at least 0"]),
        ({"answers": "a.jsonl"}, ["answers", "a list of file names"]),
        ({"faults": []}, ["faults", "an object"]),
        ({"faults": {"*": {"throtle": 0.1}}}, ["faults.*", "unknown fault 'throtle'", "throttle", "stall_seconds"]),
        ({"faults": {"*": {"throttle": "0.1"}}}, ["faults.*.throttle", '"0.1"', "from 0 to 1"]),
        ({"faults": {"a.b": {"throttle": 0.6, "500": 0.6}}}, ["faults.a.b", "add up to 1.2"]),
        ({"faults": {"*": {"stall": 0.1, "stall_seconds": -1}}}, ["faults.*.stall_seconds", "-1"]),
        ({"ends_of_life": {"a.b": "soon"}}, ["ends_of_life.a.b", '"soon"', "a day, as 2027-01-08"]),
        ({"ends_of_life": []}, ["ends_of_life", "an object of model id to day"]),
        ({"flow_definitions": {"second": 1}}, ["flow_definitions", "unknown key 'second'", "deleting_seconds"]),
        ({"flow_definitions": {"refusals": ["ConflictException"]}}, ["flow_definitions.refusals", "ResourceLimit"]),
    ],
)
def test_a_wrong_document_is_refused_with_file_and_key(document: object, words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        read(document)
    message = str(caught.value)
    assert message.startswith("simulator.json: ")
    assert "\n" not in message
    for word in words:
        assert word in message


def test_a_file_that_is_no_json_or_missing_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    with pytest.raises(ConfigError, match=r"broken\.json: not JSON"):
        load(broken)
    with pytest.raises(ConfigError, match=r"absent\.json: cannot be read"):
        load(tmp_path / "absent.json")


def test_answers_are_relative_to_the_file(tmp_path: Path) -> None:
    file = tmp_path / "simulator.json"
    file.write_text('{"answers": ["x.jsonl", "/abs/y.jsonl"]}')
    assert load(file).answers == (tmp_path / "x.jsonl", Path("/abs/y.jsonl"))


def test_a_partial_document_changes_only_its_keys() -> None:
    base = read({"seed": 3, "sleep_share": 0.5, "faults": {"*": {"throttle": 0.5}}})
    merged = parse('{"seed": 4}', source="PUT", directory=HERE, base=base)
    assert (merged.seed, merged.sleep_share, merged.faults) == (4, 0.5, base.faults)


def test_what_is_shown_can_be_read_again() -> None:
    config = read({"seed": 3, "answers": ["x"], "faults": {"*": {"500": 0.5, "stall": 0.1, "stall_seconds": 2}}})
    assert read(config.to_json()) == config


def test_the_most_specific_entry_of_faults_wins_whole() -> None:
    config = read({"faults": {"*": {"throttle": 1}, "a.b": {"500": 1}, "us.a.b": {}}})
    assert config.faults_for(("profile-id", "a.b")).pick(0.5) == "500"
    assert config.faults_for(("us.a.b", "a.b")).pick(0.5) is None
    assert config.faults_for(("other.model",)).pick(0.5) == "throttle"


@given(st.floats(0, 1, exclude_max=True), st.sampled_from(KINDS), st.floats(0, 1))
def test_a_fault_strikes_exactly_its_share_of_the_draws(number: float, kind: str, share: float) -> None:
    assert (ModelFaults({kind: share}).pick(number) == kind) == (number < share)


@given(st.integers(), st.text(), st.text(), st.integers(1, 99))
def test_a_draw_is_a_share_and_repeats(seed: int, model: str, prompt: str, attempt: int) -> None:
    first = draw(seed=seed, model=model, prompt=prompt, attempt=attempt)
    assert 0 <= first < 1
    assert first == draw(seed=seed, model=model, prompt=prompt, attempt=attempt)


def test_draws_are_uniform_and_a_retry_draws_anew() -> None:
    first = [draw(seed=1, model="m", prompt=str(n), attempt=1) for n in range(2000)]
    second = [draw(seed=1, model="m", prompt=str(n), attempt=2) for n in range(2000)]
    assert 0.07 < sum(d < 0.1 for d in first) / 2000 < 0.13
    # Independent: a tenth of the tenth, not all of it again.
    assert sum(a < 0.1 and b < 0.1 for a, b in zip(first, second, strict=True)) < 60


@given(st.text(min_size=1), st.text())
def test_any_text_is_found_again_by_its_exact_prompt(prompt: str, response: str) -> None:
    where = "a.jsonl:1"
    model, key, answer = answers._parse(json.dumps({"modelId": "m", "prompt": prompt, "response": response}), where)
    recorded = answers.Answers({model: {key: answer}})
    found = recorded.find(("other", "m"), prompt)
    assert found is not None
    assert found.response == response
    assert recorded.find(("m",), prompt + " ") is None


@given(prompt=st.text())
def test_a_file_keeps_every_character(tmp_path_factory: pytest.TempPathFactory, prompt: str) -> None:
    file = tmp_path_factory.mktemp("answers") / "a.jsonl"
    line = json.dumps({**LINE, "prompt": prompt}, ensure_ascii=prompt.isascii() or not _encodable(prompt))
    file.write_bytes(line.encode() + b"\r\n\n")
    assert list(answers.load([file]).by_model["a.b"]) == [prompt]


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not JSON"),
        ("[]", "must be an object"),
        (json.dumps({"modelId": "a.b", "prompt": "p"}), "'response' is missing"),
        (json.dumps({**LINE, "response": 3}), "'response' must be a string, not int"),
        (json.dumps({**LINE, "model": "x"}), "unknown key 'model'; allowed: modelId, prompt, response, reasoning"),
        (json.dumps({**LINE, "stopReason": "end"}), "stopReason 'end'; allowed: end_turn"),
        (json.dumps({**LINE, "modelId": " "}), "modelId is empty"),
        (json.dumps({**LINE, "response": "other"}), "already answers this prompt differently at"),
    ],
)
def test_a_bad_line_is_refused_with_file_line_and_reason(tmp_path: Path, line: str, reason: str) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(json.dumps(LINE) + "\n\n" + line + "\n")
    with pytest.raises(AnswersError) as caught:
        answers.load([file])
    assert str(caught.value).startswith(f"{file}:3: ")
    assert reason in str(caught.value)


def test_bytes_that_are_not_utf8_are_refused_with_their_line(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(json.dumps(LINE).encode() + b"\n\xff\n")
    with pytest.raises(AnswersError, match=r"a\.jsonl:2: not UTF-8"):
        answers.load([file])


def test_the_same_answer_twice_is_one_answer(tmp_path: Path) -> None:
    files: list[Path] = []
    for name in ("a.jsonl", "b.jsonl"):
        files.append(tmp_path / name)
        files[-1].write_text(json.dumps(LINE))
    recorded: Any = answers.load(files)
    assert recorded.models() == ["a.b"]
