"""The names of resources that documents give, as `$PREFIX-watchdog`, are those that the templates have."""

import re
from collections.abc import Iterator

import pytest

from bedrock_eval.alarms.kinds import KINDS
from bedrock_eval.names import PhysicalNames
from tests.support.commands import DOCUMENTS
from tests.support.paths import ROOT

_NAMED = re.compile(r"\$PREFIX-[A-Za-z0-9_$-]*[A-Za-z0-9]")
_NAMES = PhysicalNames("$PREFIX")
_STACKS = ("storage", "logging", "evaluation", "monitoring")


def named() -> Iterator[tuple[str, str]]:
    for path in DOCUMENTS:
        for found in _NAMED.findall(path.read_text("utf-8")):
            yield path.relative_to(ROOT).as_posix(), found


def known() -> set[str]:
    """Fixed names, stacks, alarms that an environment has once, and schedules."""
    fixed = {getattr(_NAMES, name) for name, value in vars(PhysicalNames).items() if isinstance(value, property)}
    stacks = {_NAMES.stack(room) for room in _STACKS}
    alarms = {_NAMES.alarm(kind) for kind in KINDS}
    return (
        fixed
        | stacks
        | alarms
        | {_NAMES.schedule(name) for name in ("$EVALUATION", "EVALUATION", "watchdog_hourly")}
        | {_NAMES.function("alarm-formatter")}
    )


@pytest.mark.parametrize(("place", "name"), sorted(set(named())))
def test_a_name_in_a_document_is_one_of_the_templates(place: str, name: str) -> None:
    assert name in known(), place


def test_a_schedule_is_named_with_the_prefix() -> None:
    texts = [path.read_text("utf-8") for path in DOCUMENTS]
    found = {each for text in texts for each in re.findall(r"get-schedule --group-name \S+ --name (\S+?)[`\s]", text)}
    assert len(found) > 1
    assert all(each.startswith("$PREFIX-") for each in found)
