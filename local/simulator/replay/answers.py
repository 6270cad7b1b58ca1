"""Recorded answers: JSONL files of `{"modelId", "prompt", "response"}`, optionally `reasoning` and `stopReason`."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REQUIRED = ("modelId", "prompt", "response")
OPTIONAL = ("reasoning", "stopReason")
STOP_REASONS = (
    "end_turn",
    "tool_use",
    "max_tokens",
    "stop_sequence",
    "guardrail_intervened",
    "content_filtered",
    "malformed_model_output",
    "malformed_tool_use",
    "model_context_window_exceeded",
)


class AnswersError(ValueError):
    """An answers file that cannot be used; the message names file, line and reason."""


@dataclass(frozen=True)
class Answer:
    """A recorded answer of a model. `reasoning` is returned as a block before the text."""

    response: str
    reasoning: str | None = None
    stop_reason: str = "end_turn"


@dataclass(frozen=True)
class Answers:
    """Every recorded answer by model id and exact prompt."""

    by_model: Mapping[str, Mapping[str, Answer]] = field(default_factory=dict)

    def models(self) -> list[str]:
        """The model ids that have at least one recorded answer, sorted."""
        return sorted(self.by_model)

    def knows(self, model_ids: Iterable[str]) -> bool:
        """Say whether any of the ids has a recorded answer."""
        return any(model_id in self.by_model for model_id in model_ids)

    def find(self, model_ids: Iterable[str], prompt: str) -> Answer | None:
        """The answer to exactly this prompt under the first of the ids that has one."""
        for model_id in model_ids:
            answer = self.by_model.get(model_id, {}).get(prompt)
            if answer is not None:
                return answer
        return None


def load(paths: Iterable[Path]) -> Answers:
    """Read answers files in order.

    Raises:
        AnswersError: a file cannot be read, or a line is not an answer (the message has `file:line: reason`).
    """
    by_model: dict[str, dict[str, Answer]] = {}
    origin: dict[tuple[str, str], str] = {}
    for path in paths:
        for where, line in _lines(path):
            model_id, prompt, answer = _parse(line, where)
            known = by_model.setdefault(model_id, {}).setdefault(prompt, answer)
            if known != answer:
                raise AnswersError(
                    f"{where}: {model_id} already answers this prompt differently at {origin[model_id, prompt]}"
                )
            origin.setdefault((model_id, prompt), where)
    return Answers(by_model)


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    try:
        # Universal newlines would leave U+2028 alone, as JSONL wants; bytes keep the decoding error's line known.
        raw = path.read_bytes()
    except OSError as error:
        raise AnswersError(f"{path}: cannot be read: {error.strerror}") from error
    for number, line in enumerate(raw.split(b"\n"), start=1):
        where = f"{path}:{number}"
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise AnswersError(f"{where}: not UTF-8 (byte {error.start})") from error
        if text.strip():
            yield where, text


def _parse(line: str, where: str) -> tuple[str, str, Answer]:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise AnswersError(f"{where}: not JSON: {error.msg} (column {error.colno})") from error
    if not isinstance(record, dict):
        raise AnswersError(f'{where}: must be an object {{"modelId", "prompt", "response"}}')
    _check_keys(record, where)
    stop_reason = record.get("stopReason", "end_turn")
    if stop_reason not in STOP_REASONS:
        raise AnswersError(f"{where}: stopReason {stop_reason!r}; allowed: {', '.join(STOP_REASONS)}")
    if not record["modelId"].strip():
        raise AnswersError(f"{where}: modelId is empty")
    answer = Answer(response=record["response"], reasoning=record.get("reasoning"), stop_reason=stop_reason)
    return record["modelId"], record["prompt"], answer


def _check_keys(record: Mapping[str, Any], where: str) -> None:
    for key in REQUIRED:
        if key not in record:
            raise AnswersError(f"{where}: {key!r} is missing; an answer has {', '.join(REQUIRED)}")
    for key, value in record.items():
        if key not in REQUIRED + OPTIONAL:
            raise AnswersError(f"{where}: unknown key {key!r}; allowed: {', '.join(REQUIRED + OPTIONAL)}")
        if not isinstance(value, str):
            raise AnswersError(f"{where}: {key!r} must be a string, not {type(value).__name__}")
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise AnswersError(f"{where}: {key!r} has an unpaired surrogate, which is no character")
