"""One line of a dataset is one case. JSONL, keys of Amazon Bedrock's own prompt datasets."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from bedrock_eval.errors import UserError
from bedrock_eval.evaluation.dataset_formats import named_by_bytes, named_by_text
from bedrock_eval.evaluation.dataset_keys import OURS, PROMPT, REFERENCE, misspelt, shown, standing_for
from bedrock_eval.texts import half_pairs, is_blank, without_mark
from bedrock_eval.wording import count

OR = "<OR>"
"""Stands between several right answers in one text, as in AWS's fmeval."""

MOST_MISTAKES = 20
"""So many mistakes of a file are told one by one; the others are counted."""

_GROUPING = ("id", "category", "cluster")


class DatasetError(UserError, ValueError):
    """A dataset that cannot be used; the message has a line a mistake, each `source:line: reason`."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)


class EmptyDatasetError(DatasetError):
    """There is no case in it."""


@dataclass(frozen=True)
class Case:
    """One prompt with what is known about it. `cluster` groups dependent cases; `category` only slices.

    Attributes:
        reference: the right answer in one text; several stand in it with `<OR>` between.
        extra: what else stands in the line; also the reference where it is no text.
        line: where it stands in its file.
    """

    id: str
    prompt: str
    reference: str | None = None
    category: str | None = None
    cluster: str | None = None
    extra: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    line: int | None = field(default=None, compare=False)

    @property
    def references(self) -> tuple[str, ...]:
        """Every right answer by itself."""
        return right_answers(self.reference)


def right_answers(text: str | None) -> tuple[str, ...]:
    """The right answers that stand in one text, with `<OR>` between; none in a blank one."""
    if text is None or is_blank(text):
        return ()
    if OR not in text:
        return (text,)
    return tuple(part.strip() for part in text.split(OR) if not is_blank(part))


def prompt_id(prompt: str) -> str:
    """The id of a case that gives none: the first 16 hex digits of sha256 over the prompt's UTF-8 bytes."""
    # Bedrock's output may hold a lone surrogate: legal in JSON, illegal in UTF-8.
    return hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def read_cases(lines: Iterable[str | bytes], *, source: str) -> Iterator[Case]:
    """Read a dataset line by line; blank lines are passed over.

    After the first mistake no further case comes, but the rest is read, so that all mistakes are told at once.

    Raises:
        DatasetError: with every mistake, naming source, line, key and what is allowed, or what the file is instead.
        EmptyDatasetError: there is no case.
    """
    reader = _Reader(source)
    for number, line in enumerate(lines, start=1):
        case = reader.case(line, number)
        if case is not None and not reader.mistakes:
            yield case
    reader.close()


class _Reader:
    """What has to be known of the lines before."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._first_line: dict[str, int] = {}
        self._repeats: Counter[str] = Counter()
        self._begun = False
        self._more = 0
        self.mistakes: list[str] = []

    def case(self, line: str | bytes, number: int) -> Case | None:
        """The case of a line, None for a blank line and for one with mistakes, which are kept."""
        if number == 1 and isinstance(line, bytes):
            self._refuse_foreign(named_by_bytes(line, self._source))
        try:
            text = without_mark(line if isinstance(line, str) else _decoded(line))
            if not text.strip():
                return None
            if not self._begun:
                self._begun = True
                self._refuse_foreign(named_by_text(text, self._source))
            record = _record(text)
        except _LineError as error:
            self._begun = True
            self._keep(number, str(error))
            return None
        found = [*_mistakes(record), *_halves(record, text)]
        for mistake in found:
            self._keep(number, mistake)
        return None if found else self._identified(record, number)

    def close(self) -> None:
        """Raises DatasetError if there is a mistake, or no line at all."""
        if self._more:
            self.mistakes.append(f"{self._source}: and {count(self._more, 'further mistake')}")
        if self.mistakes:
            raise DatasetError(self.mistakes)
        if not self._begun:
            raise EmptyDatasetError([f"{self._source}: holds no case (the file is empty); needed: at least one line"])

    def _refuse_foreign(self, told: str | None) -> None:
        if told is not None:
            raise DatasetError([f"{self._source}: {told}"])

    def _keep(self, number: int, mistake: str) -> None:
        if len(self.mistakes) < MOST_MISTAKES:
            self.mistakes.append(f"{self._source}:{number}: {mistake}")
        else:
            self._more += 1

    def _identified(self, record: Mapping[str, Any], number: int) -> Case | None:
        identifier = record.get("id")
        if identifier is None:
            base = prompt_id(record[PROMPT])
            self._repeats[base] += 1
            identifier = base if self._repeats[base] == 1 else f"{base}#{self._repeats[base]}"
        first = self._first_line.setdefault(identifier, number)
        if first != number:
            self._keep(number, f"id {identifier!r} is already in line {first}")
            return None
        return _case(identifier, record, number)


class _LineError(ValueError):
    """A line that is no record; the message says why."""


def _decoded(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _LineError(f"not UTF-8 (byte {error.start + 1} of the line)") from None


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = [key for key, times in Counter(key for key, _ in pairs).items() if times > 1]
        raise _LineError(f"{shown(twice)} stands twice among the keys of one object; needed: each key once")
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_each_key_once)


def _record(text: str) -> dict[str, Any]:
    try:
        # Without the line's end, behind which a mistake would be in column 1 of the next.
        record = _DECODER.decode(text.rstrip())
    except _LineError:
        raise
    except json.JSONDecodeError as error:
        raise _LineError(f"not JSON: {error.msg} at column {error.colno}") from None
    except RecursionError:
        raise _LineError("not a case: nested too deeply") from None
    except ValueError:
        raise _LineError("not a case: a number has too many digits") from None
    if not isinstance(record, dict):
        raise _LineError('not a JSON object; needed: {"prompt": ..., "referenceResponse": ...}')
    return record


def _mistakes(record: Mapping[str, Any]) -> Iterator[str]:
    yield from _expected(record)
    if "messages" in record:
        yield "key 'messages' is reserved; give the question as 'prompt'"
    elif record.get(PROMPT) is None:
        yield f"key 'prompt' is missing{_instead(record)}"
    elif not isinstance(record[PROMPT], str) or is_blank(record[PROMPT]):
        yield "key 'prompt' must be text that is not blank"
    # Where the prompt is missing, the sentence above tells of prompt and reference.
    told = (PROMPT,) if record.get(PROMPT) is not None else (PROMPT, REFERENCE)
    for key in record:
        ours = misspelt(key)
        if ours is not None and ours not in (*record, *told):
            yield f"key {shown((key,))} is not read; rename it to {ours!r}"
    for key in _GROUPING:
        if key in record and (not isinstance(record[key], str) or not record[key]):
            yield f"key {key!r} must be text, not {_kind(record[key])}"
    yield from _of_reference(record.get(REFERENCE))


def _expected(record: Mapping[str, Any]) -> Iterator[str]:
    """Refuse `expected`, which earlier datasets have, with all other keys that stand for the reference there."""
    # Where the prompt is missing, the message about it names the keys to rename.
    named_there = record.get(PROMPT) is None and "messages" not in record and REFERENCE not in record
    if "expected" not in record or named_there:
        return
    keys = ("expected",) if REFERENCE in record else standing_for(REFERENCE, record)
    unread = [key for key in keys if misspelt(key) is None]
    are = "keys {} are" if unread[1:] else "key {} is"
    yield f"{are.format(shown(unread))} not read; the reference answer's key is 'referenceResponse'"


def _halves(record: Mapping[str, Any], text: str) -> Iterator[str]:
    """Half an emoji, which JSON can write as an escape; the text of a file itself holds none."""
    if "\\ud" not in text and "\\uD" not in text and not half_pairs(text):
        return
    for key, value in record.items():
        halves = _half_pairs({key: value})
        if halves:
            yield (
                f"key {shown((key,))} holds half of a surrogate pair ({halves[0]}), which is no character; "
                "needed: both halves, or none"
            )


def _instead(record: Mapping[str, Any]) -> str:
    """The keys that stand there, and which of them to rename."""
    renames = [
        f"{' or '.join(shown((key,)) for key in found)} to {ours!r}"
        for ours in (PROMPT, REFERENCE)
        if ours not in record and (found := standing_for(ours, record)[:3])
    ]
    hint = f"; rename {', and '.join(renames)}" if renames else ""
    return f" (there: {shown(record)}){hint}"


def _of_reference(value: object) -> Iterator[str]:
    if isinstance(value, list):
        wrong = next((item for item in value if not isinstance(item, str)), None)
        if wrong is not None or None in value:
            yield f"key 'referenceResponse' must be text or a list of texts, not a list with {_kind(wrong)} in it"
    elif value is not None and not isinstance(value, str):
        yield f"key 'referenceResponse' must be text or a list of texts, not {_kind(value)}"


def _half_pairs(value: object) -> list[str]:
    """The halves of surrogate pairs in a value, whatever it is."""
    if isinstance(value, str):
        return half_pairs(value)
    if isinstance(value, dict):
        return [half for key, item in value.items() for half in (*half_pairs(key), *_half_pairs(item))]
    return [half for item in value for half in _half_pairs(item)] if isinstance(value, list) else []


def _kind(value: object) -> str:
    """What stands there instead of text; not the value, which is a user's, while the message goes into logs."""
    kinds = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return "null" if value is None else kinds.get(type(value), "an empty one")


def _case(identifier: str, record: Mapping[str, Any], number: int) -> Case:
    given = record.get(REFERENCE)
    text = OR.join(given) if isinstance(given, list) else given
    read = set(OURS) if isinstance(given, str) else set(OURS) - {REFERENCE}
    return Case(
        id=identifier,
        prompt=record[PROMPT],
        reference=text if right_answers(text) else None,
        category=record.get("category"),
        cluster=record.get("cluster"),
        extra=MappingProxyType({key: value for key, value in record.items() if key not in read}),
        line=number,
    )
