"""The ids that somebody may have meant, and how a model is called from a Region."""

import re
from difflib import SequenceMatcher, get_close_matches

from bedrock_eval.known_models.lookup import known_model
from bedrock_eval.known_models.table import DESTINATIONS, MODELS, REGIONS

_MOST = 3
_ALIKE = 0.62
_CUT_OFF = 0.9
_GLOBAL = "global"
# What ids carry without being part of the name: dates and versions.
_SUFFIX = re.compile(r"(-[0-9]{8})?((-v?[0-9]+)?(:[0-9]+[km]?)+|-v[0-9]+)?$", re.IGNORECASE)


def regions_like(region: str) -> tuple[str, ...]:
    """The Regions whose names are nearest, first those of the same letters in another order."""
    close = get_close_matches(region, REGIONS, n=4, cutoff=0.7)
    return tuple(sorted(close, key=lambda each: sorted(each) != sorted(region))[:2])


def callable_ids(base_id: str, region: str, *, first: str | None = None) -> tuple[str, ...]:
    """The ids by which a model can surely be called from a Region.

    Args:
        first: the profile that stands first, if it is among them.
    """
    model = known_model(base_id)
    if model is None:
        return ()
    order = sorted(model.profiles, key=lambda name: (name != first, name == _GLOBAL, [*DESTINATIONS, name].index(name)))
    profiles = [f"{name}.{base_id}" for name in order if model.profiles[name].has(region)]
    bare = [base_id] if model.in_region.has(region) else []
    return tuple([*profiles, *bare] if first is not None and f"{first}.{base_id}" in profiles else [*bare, *profiles])


def instead(bases: tuple[str, ...], region: str, *, first: str | None) -> tuple[str, ...]:
    """For each model the id by which it can be called from a Region, those that cannot be last."""
    ways = [(callable_ids(base, region, first=first), base) for base in bases]
    ways.sort(key=lambda way: not way[0])
    return tuple(ids[0] if ids else base for ids, base in ways)


def ids_like(base_id: str, region: str, *, profile: str | None) -> tuple[str, ...]:
    """The known ids that are nearest to an unknown one, the best first, as they can be called from a Region."""
    alike = _bases_like(base_id)
    if not alike:
        return ()
    best = alike[0]
    same = f"{profile}.{best}" if profile in MODELS[best].profiles else None
    ways = callable_ids(best, region, first=profile)
    # The same beginning is what was meant, even if it is wrong for another reason that is told next.
    found = [*([same] if same else []), *ways, *([best] if profile is None or not ways else [])]
    found += [ids[0] for other in alike[1:] if (ids := callable_ids(other, region, first=profile))]
    return tuple(dict.fromkeys(found))[: _MOST + 1]


def _bases_like(base_id: str) -> list[str]:
    scores = {known: _likeness(base_id, known) for known in MODELS}
    alike = [known for known in scores if scores[known] >= _ALIKE]
    # Among equals dates and versions decide.
    alike.sort(key=lambda known: (-scores[known], -SequenceMatcher(None, base_id, known).ratio(), known))
    return [known for known in alike if scores[known] >= scores[alike[0]] - 0.15][:_MOST]


def _likeness(one: str, other: str) -> float:
    """Of names without date and version; in whichever order their words stand, as nova-lite-2 and nova-2-lite do."""
    words = [re.findall(r"[a-z]+|[0-9]+", _SUFFIX.sub("", each.lower())) for each in (one, other)]
    shared = sum(min(words[0].count(word), words[1].count(word)) for word in set(words[0]))
    by_words = 2 * shared / (len(words[0]) + len(words[1]) or 1)
    by_letters = SequenceMatcher(None, "-".join(words[0]), "-".join(words[1]), autojunk=False).ratio()
    # What is only cut off is nearer than what differs.
    cut = words[0] == words[1][: len(words[0])]
    return max((by_words + by_letters) / 2, _CUT_OFF if cut else 0)
