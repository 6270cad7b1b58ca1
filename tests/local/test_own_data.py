"""The command line of `make run` on somebody's own data."""

import json
from datetime import date
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import local.own_data
from configuration.loading.load import load_environments
from local.__main__ import main
from local.deployment import ROOT
from local.own_data import OwnDataError, own_data, write_environment
from tests.support.frozen import ENVIRONMENTS


@pytest.fixture(autouse=True)
def _frozen_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local.own_data, "ENVIRONMENTS", ENVIRONMENTS)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    dataset, answers = tmp_path / "d.jsonl", tmp_path / "a.jsonl"
    dataset.write_text('{"prompt": "Why?", "referenceResponse": "Because."}\n')
    answers.write_text('{"modelId": "meta.llama3-8b-instruct-v1:0", "prompt": "Why?", "response": "So."}\n')
    return {"dataset": str(dataset), "answers": str(answers), "models": "meta.llama3-8b-instruct-v1:0"}


def test_nothing_given_means_the_sample() -> None:
    assert own_data(dataset=None, answers=None, models="") is None


def test_all_three_go_together(files: dict[str, str]) -> None:
    with pytest.raises(OwnDataError, match="ANSWERS and MODELS missing"):
        own_data(dataset=files["dataset"], answers=None, models=None)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dataset": "nowhere.jsonl"}, r"DATASET=nowhere\.jsonl: no such file"),
        ({"answers": "nowhere.jsonl"}, r"ANSWERS=nowhere\.jsonl: no such file"),
        ({"models": "a.b,a.b"}, "one or more different model ids"),
        ({"models": " , "}, "one or more different model ids"),
    ],
)
def test_what_cannot_be_used_is_said(files: dict[str, str], change: dict[str, str], said: str) -> None:
    with pytest.raises(OwnDataError, match=said):
        own_data(**{**files, **change})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", r"has no answers of meta\.llama3-8b-instruct-v1:0; it has answers of: no model \(the file is empty\)"),
        ('{"modelId": "a.b", "prompt": "Why?", "response": "So."}\n', "it has answers of: a.b"),
        ('{"modelId": "a.b", "prompt": "Why?"}\n', r"a\.jsonl:1: 'response' is missing"),
        ('{"modelId": "a.b", "prompt": "Why?", "response": "\\ud83d"}\n', r"a\.jsonl:1: 'response' has an unpaired"),
        ("version https://git-lfs.github.com/spec/v1\n", r"a\.jsonl: is a Git LFS pointer"),
    ],
)
def test_bad_answers_are_said_before_anything_starts(files: dict[str, str], content: str, said: str) -> None:
    Path(files["answers"]).write_text(content)
    with pytest.raises(OwnDataError, match=said):
        own_data(**files)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", r"d\.jsonl: has no cases \(the file is empty\)"),
        ('{"prompt": "half \\ud83d"}\n', ":1: key 'prompt' has an unpaired surrogate"),
        (
            '{"prompt": "Why?", "ideal": "x"}\n',
            r"no case of \S+d\.jsonl has a referenceResponse.*'ideal' \(in 1 line\)",
        ),
        ('{"prompt": "Why?", "expected": "Because."}\n', ":1: key 'expected' is not read"),
        ('{"prompt": "Why?"}\nnot json\n', ":2: not JSON"),
    ],
)
def test_a_bad_dataset_is_said_with_its_line(files: dict[str, str], content: str, said: str) -> None:
    Path(files["dataset"]).write_text(content)
    with pytest.raises(OwnDataError, match=said):
        own_data(**files)


def test_a_case_without_a_reference_is_worth_a_word(files: dict[str, str]) -> None:
    with Path(files["dataset"]).open("a") as file:
        file.write('{"prompt": "And?"}\n')
    own = own_data(**files)
    assert own is not None
    assert own.warning is not None
    assert "1 of 2 cases" in own.warning


def test_the_environment_made_of_it_loads() -> None:
    folder = ROOT / "build" / "test-own-data"
    folder.mkdir(parents=True, exist_ok=True)
    dataset, answers = folder / "mine.jsonl", folder / "answers.jsonl"
    dataset.write_text(json.dumps({"prompt": "Why?", "referenceResponse": "Because."}) + "\n")
    models = "anthropic.claude-3-sonnet-20240229-v1:0,meta.llama3-8b-instruct-v1:0"
    lines = [{"modelId": model, "prompt": "Why?", "response": "So."} for model in models.split(",")]
    answers.write_text("".join(json.dumps(line) + "\n" for line in lines))
    own = own_data(dataset=str(dataset), answers=str(answers), models=models)
    assert own is not None
    loaded = load_environments(
        write_environment(own, directory=folder), only=["local"], today=date(2026, 11, 23)
    ).environments[0]
    assert {name: model.id for name, model in loaded.models.items()} == {
        "claude-3-sonnet": "anthropic.claude-3-sonnet-20240229-v1:0",
        "llama3-8b-instruct": "meta.llama3-8b-instruct-v1:0",
    }
    (evaluation,) = loaded.evaluations.values()
    assert [candidate.model for candidate in evaluation.candidates] == ["claude-3-sonnet", "llama3-8b-instruct"]


def test_a_local_yaml_without_its_evaluations_is_enough(
    files: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taken out, or only those by jobs left: the data is then evaluated as the schema has it."""
    folder = ROOT / "build" / "test-own-data"
    (tmp_path / "environments").mkdir()
    monkeypatch.setattr("local.own_data.ENVIRONMENTS", tmp_path / "environments")
    whole = YAML(typ="safe").load((ENVIRONMENTS / "local.yaml").read_text())
    by_jobs = {
        name: each for name, each in whole["evaluations"].items() if "kind" in each and "answers_from" not in each
    }
    without = {key: value for key, value in whole.items() if key != "evaluations"}
    for left in (without, {**without, "evaluations": {}}, {**without, "evaluations": by_jobs}):
        (tmp_path / "environments" / "local.yaml").write_text(json.dumps(left))
        own = own_data(**files)
        assert own is not None
        written = write_environment(own, directory=folder)
        (made,) = load_environments(written, only=["local"], today=date(2026, 11, 23)).environments
        assert [each.metrics != () for each in made.evaluations.values()] == [True]


def test_usage_errors_and_bad_input_end_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--dataset", "nowhere.jsonl", "--answers", "x", "--models", "y"]) == 1
    assert "error: DATASET=nowhere.jsonl: no such file" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["fly"])
    assert ended.value.code == 1
