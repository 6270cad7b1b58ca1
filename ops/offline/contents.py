"""The folder of an evaluation, read as far as it can be: no damage ends in a traceback or costs an answer that can be
read."""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from bedrock_eval.codec import DecodeError
from bedrock_eval.evaluation.cases import DatasetError, read_cases
from bedrock_eval.evaluation.definition import CustomDefinition, JobDefinition, read_definition
from bedrock_eval.layout import RunLayout
from bedrock_eval.names import is_run_id, run_id
from bedrock_eval.results.outcomes import Outcome
from bedrock_eval.results.summary import Summary, read_summary
from bedrock_eval.runs.state import Lock, RunState, read_lock, read_state
from bedrock_eval.wording import count, instant
from bedrock_eval_runs.parts import read_outcome
from bedrock_eval_runs.states import new_state
from ops.errors import OpsError
from ops.terminal.output import print_note

OWNER = "terminal"
"""Holds the run's lock, whichever process it is: the folder's own lock lets one in at a time."""

_STATE, _DEFINITION, _LOCK, _SUMMARY = "run.json", "definition.json", "lock.json", "summary.json"
_FILES = (_STATE, _DEFINITION, _LOCK, _SUMMARY, "report.html", "junit.xml")
_RESULTS = "results"
_UNREADABLE = (AttributeError, KeyError, TypeError, ValueError, RecursionError)

T = TypeVar("T")


@dataclass(frozen=True)
class _Answers:
    """What the parts hold: records that can be read, those of them with an answer or a cost, and other lines."""

    records: int
    paid: int
    unreadable: int


class Contents:
    """The files of one run in a folder, read as far as they can be."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def check(self, *, now: datetime) -> None:
        """Check that every file can be used, or repaired, and that no other process works on the run.

        Raises:
            OpsError: naming the file.
        """
        for leftover in self.path.rglob(".*.unfinished"):
            leftover.unlink()
        for name in _FILES:
            self._check_file(self.path / name)
        results = self.path / _RESULTS
        if results.exists() and not results.is_dir():
            raise OpsError(f"{results}: is a file; needed: a folder, or nothing of that name")
        for part in self._parts():
            self._check_file(part)
        self._check_lock(now)

    def _check_file(self, path: Path) -> None:
        if path.is_dir():
            raise OpsError(f"{path}: is a folder; needed: a file, or nothing of that name")
        try:
            with path.open("rb"):
                pass
        except FileNotFoundError:
            return
        except OSError as error:
            raise OpsError(f"{path}: cannot be read: {error.strerror}") from None

    def _check_lock(self, now: datetime) -> None:
        """Check the lock. One that cannot be read is removed: this process holds the folder's own."""
        lock = self._read(_LOCK, read_lock)
        try:
            if lock is not None and lock.live(now) and lock.owner != OWNER:
                raise OpsError(_held(self.path, lock))
        except (TypeError, ValueError):
            lock = None
        if lock is None:
            (self.path / _LOCK).unlink(missing_ok=True)

    @property
    def empty(self) -> bool:
        """The folder holds nothing of a run.

        Raises:
            OpsError: but something else is.
        """
        names = {each.name for each in self.path.iterdir() if not each.name.startswith(".")}
        if names & {*_FILES, _RESULTS}:
            return False
        if names:
            raise OpsError(f"--out {self.path}: holds {min(names)} and no evaluation; needed: a new or empty folder")
        return True

    @property
    def definition(self) -> CustomDefinition | None:
        """None: missing, or damaged."""
        return self._read(_DEFINITION, _read_custom)

    @property
    def summary(self) -> Summary | None:
        """None: missing, or damaged."""
        return self._read(_SUMMARY, read_summary)

    def state(self, evaluation: str) -> RunState | None:
        """None: missing, damaged, or of another evaluation."""
        state = self._read(_STATE, read_state)
        return state if state is not None and _sound(state, evaluation) else None

    def problem(self, name: str) -> str:
        """What is wrong with a file of which nothing could be made."""
        return "cannot be read" if (self.path / name).exists() else "is missing"

    def answers_without(self, name: str) -> str:
        """A sentence about answers that nothing can be made of without a file."""
        answers = count(self._answers.records, "answer")
        return f"--out {self.path}: {name} {self.problem(name)}; without it {answers} there belong to no evaluation"

    @property
    def worth_keeping(self) -> bool:
        """Answers that cost something, or a summary, exist."""
        return self._answers.paid > 0 or self.summary is not None

    @cached_property
    def _answers(self) -> _Answers:
        records = paid = unreadable = 0
        for found in self._lines():
            if found is None:
                unreadable += 1
                continue
            records += 1
            used = found.usage
            paid += found.scored or (used is not None and used.input_tokens + used.output_tokens > 0)
        return _Answers(records, paid, unreadable)

    def outcomes(self) -> Iterator[Outcome]:
        """Every record that can be read."""
        return (found for found in self._lines() if found is not None)

    def _lines(self) -> Iterator[Outcome | None]:
        """None for a line that cannot be read."""
        for part in self._parts():
            with part.open("rb") as lines:
                for line in lines:
                    try:
                        yield read_outcome(json.loads(line))
                    except _UNREADABLE:
                        yield None

    def _parts(self) -> list[Path]:
        return sorted(self.path.glob(f"{_RESULTS}/*/*.jsonl"))

    def begin(self, evaluation: str, *, now: datetime) -> RunState:
        """A new run in the place of what was there: nothing that was answered."""
        results = self.path / _RESULTS
        if results.exists() and self._answers.unreadable:
            print_note(f"{results}: holds nothing that can be read; kept as {_aside(results).name}")
        elif results.exists():
            shutil.rmtree(results)
        for name in _FILES:
            (self.path / name).unlink(missing_ok=True)
        return self._write(new_state(RunLayout(evaluation, run_id(now)), now=now))

    def without_damage(self, state: RunState) -> RunState:
        """The run as it stands; a summary that cannot be read is made again out of the answers."""
        if self.summary is None and (self.path / _SUMMARY).exists():
            self._put_aside(_SUMMARY)
        return state

    def rebuilt(self, evaluation: str, *, now: datetime) -> RunState:
        """The run's state made again: its answers stand in the parts."""
        summary, lock = self.summary, self._read(_LOCK, read_lock)
        known = [each.run_id for each in (summary, lock) if each is not None and is_run_id(each.run_id)]
        self._put_aside(_STATE)
        state = new_state(RunLayout(evaluation, known[0] if known else run_id(now)), now=now)
        return self.without_damage(self._write(state))

    def _put_aside(self, name: str) -> None:
        path = self.path / name
        kept = f"; kept as {_aside(path).name}" if path.exists() else ""
        print_note(f"{path}: could not be read and is made again out of the answers{kept}")

    def _write(self, state: RunState) -> RunState:
        (self.path / _STATE).write_text(state.to_json(), encoding="utf-8")
        return state

    def _read(self, name: str, read: Callable[[bytes], T]) -> T | None:
        try:
            return read((self.path / name).read_bytes())
        except (OSError, DecodeError):
            return None


def _sound(state: RunState, evaluation: str) -> bool:
    try:
        started = datetime.fromisoformat(state.started)
    except ValueError:
        return False
    return state.evaluation == evaluation and is_run_id(state.run_id) and started.tzinfo is not None


def _aside(path: Path) -> Path:
    """Rename what is damaged, so that a person can still read it."""
    target, number = path.with_name(f"{path.name}.damaged"), 2
    while target.exists():
        target, number = path.with_name(f"{path.name}.damaged-{number}"), number + 1
    return path.rename(target)


def _held(path: Path, lock: Lock) -> str:
    until = instant(datetime.fromisoformat(lock.expires_at).astimezone(UTC).isoformat())
    return (
        f"--out {path}: {lock.owner} holds its {_LOCK} until {until}; needed: another --out, or wait; "
        f"if no process works there, remove {_LOCK}"
    )


def is_of_dataset(outcomes: Iterable[Outcome], dataset: Path) -> bool:
    """Compare the cases of outcomes with those of a dataset; one with mistakes counts as the same."""
    try:
        with dataset.open("rb") as lines:
            prompts = {case.id: case.prompt for case in read_cases(lines, source=str(dataset))}
    except DatasetError:
        return True
    return all(prompts.get(outcome.case_id) == outcome.prompt for outcome in outcomes)


def _read_custom(text: bytes) -> CustomDefinition:
    found = read_definition(text)
    if isinstance(found, JobDefinition):
        raise DecodeError("definition.job: a folder holds evaluations of kind custom")
    return found
