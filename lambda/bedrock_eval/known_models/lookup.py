"""Finds what the table has of a foundation model id."""

import re
from dataclasses import fields
from functools import cache

from bedrock_eval.known_models.facts import DeadModel, Features, KnownModel, Rule
from bedrock_eval.known_models.table import DEAD, DESTINATIONS, MODELS, RULES

# claude-opus-4-8, claude-haiku-4-5-20251001-v1:0 and, as it was once written, claude-3-5-haiku-20241022-v1:0.
_CLAUDE = re.compile(
    r"anthropic[.]claude-(?:(?P<tier>[a-z]+)-(?P<version>[0-9]{1,2}(?:[.-][0-9]{1,2})?)"
    r"|(?P<old_version>[0-9]{1,2}(?:[.-][0-9]{1,2})?)-(?P<old_tier>[a-z]+))(?![0-9])"
)
# The size of a context, as in ...-v1:0:128k.
_SIZE = re.compile(r"(:[0-9]+):[0-9]+[km]$", re.IGNORECASE)


def known_model(base_id: str) -> KnownModel | None:
    """The row of a foundation model id; None: the table does not know it, or it is dead."""
    return MODELS.get(_SIZE.sub(r"\1", base_id))


def dead_model(base_id: str) -> DeadModel | None:
    """Which of the dead it is."""
    found = (dead for begin, dead in DEAD.items() if base_id.startswith(begin) or base_id == begin.rstrip("-"))
    return next(found, None)


def claude_version(base_id: str) -> tuple[str, tuple[int, int]] | None:
    """Tier and version of a Claude, whether the table knows it or not: ("haiku", (5, 5))."""
    match = _CLAUDE.match(base_id)
    if match is None:
        return None
    major, _, minor = (match["version"] or match["old_version"]).replace(".", "-").partition("-")
    return match["tier"] or match["old_tier"], (int(major), int(minor or 0))


@cache
def features_of(base_id: str) -> Features:
    """What a model takes, by its own row, else by the first rule of its family that says something."""
    model = known_model(base_id)
    told = [*([] if model is None else [model.features]), *(rule.features for rule in RULES if _holds(rule, base_id))]
    values = {
        each.name: next((value for one in told if (value := getattr(one, each.name)) is not None), None)
        for each in fields(Features)
    }
    return Features(**values)


def _holds(rule: Rule, base_id: str) -> bool:
    if not rule.claude:
        return base_id.startswith(rule.ids)
    found = claude_version(base_id)
    if found is None:
        return False
    tier, version = found
    return (not rule.tiers or tier in rule.tiers) and rule.first <= version <= rule.last


def destinations_of(base_id: str, *, profile: str, region: str) -> tuple[str, ...]:
    """The Regions that a geographic profile routes to from a Region; of an unknown one that Region alone."""
    model = known_model(base_id)
    common = DESTINATIONS.get(profile, ())
    routed = common if model is None else model.destinations.get(profile, common)
    further = () if model is None else model.further_destinations.get(region, ())
    own = () if region in routed else (region,)
    return (*own, *routed, *(each for each in further if each not in routed))
