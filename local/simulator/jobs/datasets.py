"""The documented format of a dataset for an evaluation job; CreateEvaluationJob refuses other datasets.

Source: Bedrock user guide, model-evaluation-prompt-datasets, -judge and -custom-human. AWS may notice some of this
later and let the job fail instead.
"""

import json
from collections.abc import Sequence
from typing import Any

_MOST_PROMPTS = 1_000
_MOST_PROMPT_BYTES = 4_096
_MOST_ANSWERS_OF_PEOPLE = 2


def dataset_problem(text: str, *, sources: Sequence[str], human: bool) -> str | None:
    """The reason why a job cannot take this file, None when it can.

    Args:
        sources: identifiers of answers that the request says are in the file.
    """
    lines = [line for line in text.split("\n") if line.strip()]
    if not 1 <= len(lines) <= _MOST_PROMPTS:
        return f"it has {len(lines)} lines; allowed: 1 to {_MOST_PROMPTS}"
    identifiers: set[frozenset[str]] = set()
    for number, line in enumerate(lines, start=1):
        row = _row(line)
        prompt = row.get("prompt")
        if not isinstance(prompt, str) or not 1 <= len(prompt.encode("utf-8", "surrogatepass")) <= _MOST_PROMPT_BYTES:
            return f"line {number} has no prompt of 1 to {_MOST_PROMPT_BYTES} bytes"
        if not sources:
            continue
        found = _identifiers(row)
        if found is None or len(found) != len(set(found)) or not 1 <= len(found) <= _most(human):
            return f"line {number} needs modelResponses: 1 to {_most(human)}, each with response and modelIdentifier"
        identifiers.add(frozenset(found))
    if sources and identifiers != {frozenset(sources)}:
        return f"its modelIdentifiers are not on each line those of the request: {', '.join(sources)}"
    return None


def _most(human: bool) -> int:
    return _MOST_ANSWERS_OF_PEOPLE if human else 1


def _row(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _identifiers(row: dict[str, Any]) -> list[str] | None:
    listed = row.get("modelResponses")
    if not isinstance(listed, list):
        return None
    whole = all(isinstance(each, dict) and {"response", "modelIdentifier"} <= each.keys() for each in listed)
    return [str(each["modelIdentifier"]) for each in listed] if whole else None
