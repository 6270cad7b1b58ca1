"""Reads the environment files: all mistakes of all files at once, each with its file, line and key."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import combinations
from pathlib import Path

from pydantic import ValidationError

from bedrock_eval.errors import UserError
from bedrock_eval.names import NAME_RULE, is_name
from bedrock_eval.wording import suggestion
from configuration.document import reading as yaml
from configuration.document.reading import Document, DocumentError, Mistake
from configuration.loading.rules.checks import mistakes_between, notes
from configuration.loading.rules.dataset_reader import DatasetReader
from configuration.loading.rules.environment import LOCAL
from configuration.loading.rules.parts import Parts, parts_of
from configuration.loading.sentences import mistakes_of
from configuration.schema.environment import Environment

_NAME_GIVEN = "the name of the file is the name of the environment; leave this key out"


class EnvironmentsError(UserError):
    """Environment files with mistakes. The text has one line for each, as `mistakes` has."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)


@dataclass(frozen=True)
class Loaded:
    """The environments in the order of their names (or as `only` has them), and the warnings."""

    environments: tuple[Environment, ...]
    warnings: tuple[str, ...] = ()


def load_environments(
    directory: Path, *, only: Sequence[str] | None = None, today: date, deployed: datetime | None = None
) -> Loaded:
    """Read `<directory>/*.yaml`, one environment a file.

    Args:
        only: names; no other file is opened. By default all but `local`.
        today: the day that ends of life are compared with.
        deployed: when the schedules are made, so that an at() before it is a mistake; None: nothing is deployed.

    Raises:
        EnvironmentsError: with every mistake of every file that was read.
    """
    datasets = DatasetReader()
    files = [_read(path, datasets=datasets, today=today, deployed=deployed) for path in _chosen(directory, only)]
    mistakes = [line for file in files for line in file.mistakes] + list(_between_files(files))
    if mistakes:
        raise EnvironmentsError(mistakes)
    return Loaded(
        environments=tuple(file.environment for file in files if file.environment is not None),
        warnings=tuple(line for file in files for line in file.warnings),
    )


def _chosen(directory: Path, only: Sequence[str] | None) -> list[Path]:
    known = {path.stem: path for path in sorted(directory.glob("*.yaml"))}
    if not known:
        raise EnvironmentsError([f"{_shown(directory)}: holds no <environment>.yaml"])
    if only is None:
        stray = [f"{_shown(path)}: is not read; needed: the ending .yaml" for path in sorted(directory.glob("*.yml"))]
        if stray:
            raise EnvironmentsError(stray)
        return [path for name, path in known.items() if name != LOCAL]
    unknown = [name for name in only if name not in known]
    if unknown or not only:
        asked = ", ".join(f"{name!r}{suggestion(name, known)}" for name in unknown) or "nothing"
        raise EnvironmentsError([f"{_shown(directory)}: no environment {asked}; there are: {', '.join(known)}"])
    return [known[name] for name in dict.fromkeys(only)]


def _shown(path: Path) -> str:
    """A path relative to the working directory if it is below that."""
    here = Path.cwd()
    full = here / path
    return (full.relative_to(here) if full.is_relative_to(here) else full).as_posix()


@dataclass(frozen=True)
class _File:
    """One file, as far as it could be read."""

    shown: str
    mistakes: tuple[str, ...]
    document: Document | None = None
    parts: Parts | None = None
    environment: Environment | None = None
    warnings: tuple[str, ...] = ()


def _read(path: Path, *, datasets: DatasetReader, today: date, deployed: datetime | None) -> _File:
    shown = _shown(path)
    if not is_name(path.stem):
        reason = f"the file's name is the environment's, and {path.stem!r} is not a name; allowed: {NAME_RULE}"
        return _File(shown, (f"{shown}: {reason}",))
    try:
        document = yaml.read_document(path.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = 1 + error.object[: error.start].count(b"\n")
        return _File(shown, (f"{shown}:{line}: is not UTF-8 (byte {error.start + 1} of the file); needed: UTF-8",))
    except OSError as error:
        return _File(shown, (f"{shown}: cannot be read: {error.strerror}",))
    except DocumentError as error:
        return _File(shown, (f"{shown}:{error.line}: {error}",))
    return _check(path.stem, document, shown=shown, datasets=datasets, today=today, deployed=deployed)


def _check(  # noqa: PLR0913 - all by keyword but the first two
    name: str,
    document: Document,
    *,
    shown: str,
    datasets: DatasetReader,
    today: date,
    deployed: datetime | None,
) -> _File:
    environment, by_value = _validate(name, document)
    own = (*document.mistakes, *by_value)
    broken = frozenset(str(mistake.path[0]) for mistake in own if mistake.path)
    parts = parts_of(document.data, name=name, broken=broken)
    between = mistakes_between(parts, datasets=datasets, today=today, deployed=deployed)
    mistakes = tuple(_lines((*own, *between), document, shown=shown))
    warnings = notes(parts, datasets=datasets, today=today)
    return _File(
        shown=shown,
        mistakes=mistakes,
        document=document,
        parts=parts,
        environment=None if mistakes else environment,
        warnings=tuple(_lines(warnings, document, shown=shown)),
    )


def _validate(name: str, document: Document) -> tuple[Environment | None, tuple[Mistake, ...]]:
    given = (Mistake(("name",), _NAME_GIVEN),) if "name" in document.data else ()
    try:
        # JSON, because only then pydantic is strict of scalars and still takes a list for a tuple.
        environment = Environment.model_validate_json(json.dumps({**document.data, "name": name}), strict=True)
    except ValidationError as error:
        known = {mistake.path for mistake in document.mistakes}
        return None, given + tuple(mistake for mistake in mistakes_of(error, document) if mistake.path not in known)
    return environment, given


def _lines(mistakes: Iterable[Mistake], document: Document, *, shown: str) -> Iterator[str]:
    """One line each, in the order of the file."""
    placed = ((mistake.line or document.line(mistake.path), mistake) for mistake in mistakes)
    for line, mistake in sorted(placed, key=lambda pair: pair[0]):
        where = f"{shown}:{line}: {key_path(mistake.path)}".removesuffix(": ")
        yield f"{where}: {' '.join(mistake.message.split())}"


def key_path(path: yaml.Path) -> str:
    """`evaluations.support-quality.gates[0].metric`; other keys are in brackets."""
    text = ""
    for step in path:
        if isinstance(step, str) and step.replace("_", "").replace("-", "").isalnum():
            text += f".{step}"
        else:
            text += f"[{step!r}]"
    return text.removeprefix(".")


def _between_files(files: Sequence[_File]) -> Iterator[str]:
    for first, second in combinations(files, 2):
        if first.parts is None or second.parts is None or second.document is None:
            continue
        if not _may_share_account(first.parts, second.parts):
            continue
        for mistake in _sharing(first, first.parts, second.parts):
            yield from _lines((mistake,), second.document, shown=second.shown)


def _may_share_account(first: Parts, second: Parts) -> bool:
    if not all(parts.sound(key) for parts in (first, second) for key in ("account", "stand_in")):
        return False
    accounts = {first.top.get("account"), second.top.get("account")}
    return first.flag("stand_in") == second.flag("stand_in") and (len(accounts) == 1 or None in accounts)


def _sharing(file: _File, first: Parts, second: Parts) -> Iterator[Mistake]:
    application, region = first.top.get("application"), first.top.get("region")
    # Both sides of `a-b` + `c` and `a` + `b-c` have the same names, and dashboards have no Region.
    if application is not None and _prefix(first) == _prefix(second):
        yield Mistake(("application",), f"resource names would begin like those of {file.shown}: {_prefix(first)!r}")
    if region is None or region != second.top.get("region"):
        return
    where = f"{file.shown}, and both may be in the same account and Region {region}"
    if application is not None and application == second.top.get("application"):
        yield Mistake(
            ("application",),
            f"{application!r} is also the application of {where}; needed: another account, Region or name",
        )
    if first.flag("owns_account") and second.flag("owns_account"):
        yield Mistake(("owns_account",), f"is also true in {where}; allowed: one owner")


def _prefix(parts: Parts) -> str:
    return f"{parts.top.get('application')}-{parts.name}"
