"""A small right file to break, and the loader with a fixed day and working directory."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest

from configuration.loading.load import EnvironmentsError, Loaded, load_environments

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
    source: questions.jsonl
evaluations:
  quality:
    dataset: questions
    candidates: [small]
    metrics: [relevance_score, response_length]
    gates:
      - metric: relevance_score
        min: 0.5
"""

TEAM = "arn:aws:sagemaker:us-east-1:111111111111:workteam/private-crowd/support"
_MODELS = """\
  large:
    id: us.anthropic.claude-haiku-4-5-20251001-v1:0
  own:
    id: us.amazon.nova-pro-v1:0
"""
_EVALUATIONS = f"""\
  accuracy:
    kind: automatic
    task: QuestionAndAnswer
    dataset: questions
    candidates:
      - name: careful
        model: small
        parameters: {{temperature: 0, max_tokens: 200}}
        additional_fields: {{top_k: 50}}
    metrics: [Builtin.Accuracy, Builtin.Robustness]
    gates:
      - metric: Builtin.Robustness
        max: 0.2
    schedule: {{expression: rate(7 days)}}
    tags: {{team: support}}
  built-in:
    kind: automatic
    task: QuestionAndAnswer
    dataset: Builtin.BoolQ
    candidates: [large]
    metrics: [Builtin.Toxicity]
  judged:
    kind: judge
    judge: large
    dataset: questions
    candidates: [own]
    metrics: [Builtin.Correctness]
    criteria:
      - name: brand-tone
        instructions: |
          Rate how well the answer keeps our tone.
          Question: {{{{prompt}}}}
          Answer: {{{{prediction}}}}
        scale:
          - {{definition: off, value: 0}}
          - {{definition: on, value: 1}}
        better: higher
    gates:
      - metric: brand-tone
        min: 0.5
  stored:
    kind: judge
    judge: large
    dataset: questions
    candidates: [small]
    metrics: [Builtin.Relevance]
    answers_from: quality
  rated:
    kind: human
    work_team: {TEAM}
    title: Rate answers of the support assistant
    instructions: Thumbs up when the answer solves the question.
    dataset: questions
    candidates: [small]
    ratings:
      - {{name: Helpful, method: ThumbsUpDown, description: Is it helpful?}}
    workers: 3
    task_hours: 72
  compared:
    kind: comparison
    by: automatic
    task: Summarization
    dataset: questions
    candidates: [small, large]
    metrics: [Builtin.Accuracy]
    parallel: 1
  judged-both:
    kind: comparison
    by: judge
    judge: own
    dataset: questions
    candidates: [small, large]
    metrics: [Builtin.Helpfulness]
  preferred:
    kind: comparison
    by: human
    work_team: {TEAM}
    title: Which answer is better?
    instructions: Choose the answer that you would send.
    dataset: questions
    candidates: [small, large]
    ratings:
      - {{name: Better, method: ComparisonChoice}}
"""

Write = Callable[..., Path]
Load = Callable[..., Loaded]
Mistakes = Callable[..., list[str]]


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
    return right.replace("datasets:\n", f"{_MODELS}datasets:\n", 1) + _EVALUATIONS
