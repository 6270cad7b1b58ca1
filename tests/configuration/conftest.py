"""A small right file to break, and the loader with a fixed day and working directory."""

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest

from configuration.loading.load import EnvironmentsError, Loaded, load_environments
from tests.support.environment_files import EVALUATIONS, MODELS, RIGHT, TODAY, Load, Mistakes, Write


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory and the repository, with environments/ in it and a dataset of one case."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("configuration.schema.datasets.REPOSITORY", tmp_path)
    (tmp_path / "environments").mkdir()
    (tmp_path / "questions.jsonl").write_text('{"prompt": "Why?", "referenceResponse": "Because."}\n')
    return tmp_path


@pytest.fixture
def right(folder: Path) -> str:
    return RIGHT


@pytest.fixture
def write(folder: Path, right: str) -> Write:
    """write("dev", old=new, ...) writes the right file with pieces replaced; write("dev", text=...) writes a text."""

    def write_file(name: str, *changes: tuple[str, str], text: str | None = None) -> Path:
        content = right if text is None else text
        for old, new in changes:
            assert content.count(old) == 1, f"{old!r} stands {content.count(old)} times"
            content = content.replace(old, new)
        path = folder / "environments" / f"{name}.yaml"
        path.write_text(content, "utf-8", errors="surrogatepass")
        return path

    return write_file


@pytest.fixture
def load(folder: Path) -> Load:
    def load_all(*only: str, today: date = TODAY, deployed: datetime | None = None) -> Loaded:
        loaded = load_environments(folder / "environments", only=only or None, today=today, deployed=deployed)
        # The files of these tests are full of them; test_placeholders.py is about that.
        told = tuple(line for line in loaded.warnings if " is a placeholder; needed: " not in line)
        return replace(loaded, warnings=told)

    return load_all


@pytest.fixture
def mistakes(load: Load) -> Mistakes:
    """The lines of the error, without `environments/dev.yaml:` where they begin with it."""

    def lines(*only: str) -> list[str]:
        with pytest.raises(EnvironmentsError) as raised:
            load(*only)
        assert str(raised.value).splitlines() == list(raised.value.mistakes)
        return [line.removeprefix("environments/dev.yaml:") for line in raised.value.mistakes]

    return lines


@pytest.fixture
def every_kind(right: str) -> str:
    """The right file with an evaluation of each kind beside its custom one."""
    return right.replace("datasets:\n", f"{MODELS}datasets:\n", 1) + EVALUATIONS
