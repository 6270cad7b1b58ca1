"""A small right file to break, and the loader with a fixed day and working directory."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from environments.load import EnvironmentsError, Loaded, load_environments

TODAY = date(2026, 11, 23)

RIGHT = """\
application: shop
account: "111111111111"
region: us-east-1
owner: team
runbook_url: https://example.com/runbook
models:
  small:
    id: amazon.nova-lite-v1:0
datasets:
  questions:
    source: {dataset}
evaluations:
  quality:
    dataset: questions
    candidates: [small]
    metrics: [relevance_score, response_length]
    gates:
      - metric: relevance_score
        min: 0.5
"""

Write = Callable[..., Path]
Load = Callable[..., Loaded]
Mistakes = Callable[..., list[str]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with environments/ in it and a dataset of one case."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "environments").mkdir()
    (tmp_path / "questions.jsonl").write_text('{"prompt": "Why?", "referenceResponse": "Because."}\n')
    return tmp_path


@pytest.fixture
def right(folder: Path) -> str:
    return RIGHT.format(dataset=folder / "questions.jsonl")


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
    def load_all(*only: str, today: date = TODAY) -> Loaded:
        return load_environments(folder / "environments", only=only or None, today=today)

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
