"""When two runs have asked the same case, and how far their datasets differ."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bedrock_eval.wording import count

Cases = Mapping[str, str | None]
"""By case id, what `case_hash` gives; None: the record does not tell what was asked."""


def case_hash(identifier: str, prompt: str, references: Iterable[str]) -> str:
    """The same 16 hex digits for the same id, prompt and references, and for no other; the references in any order."""
    text = json.dumps([identifier, prompt, *sorted({each for each in references if each})])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def only_same(values: Mapping[str, float], *, now: Cases, before: Cases) -> dict[str, float]:
    """Values of an earlier run without those of cases that are other ones now; where nobody can tell, the id counts."""
    return {case: value for case, value in values.items() if not _differs(now.get(case), before.get(case))}


def _differs(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one != other


@dataclass(frozen=True)
class DatasetChange:
    """How the cases of a run differ from those of an earlier one.

    Attributes:
        same: id, prompt and references are the same.
        changed: the id is the same, the prompt or a reference is not.
        added, removed: only the later, only the earlier run has the id.
        unknown: the id is the same, and of one run it is not recorded what was asked.
    """

    same: int
    changed: int = 0
    added: int = 0
    removed: int = 0
    unknown: int = 0

    @classmethod
    def between(cls, now: Cases, before: Cases) -> "DatasetChange":
        """Count them."""
        common = [(now[case], before[case]) for case in now if case in before]
        changed = sum(_differs(*each) for each in common)
        unknown = sum(None in each for each in common)
        return cls(
            same=len(common) - changed - unknown,
            changed=changed,
            added=len(now) - len(common),
            removed=len(before) - len(common),
            unknown=unknown,
        )

    @property
    def differing(self) -> int:
        """Cases that cannot be paired."""
        return self.changed + self.added + self.removed

    @property
    def brief(self) -> str | None:
        """For the reason of a verdict; None when nothing is known to have changed."""
        if not self.differing:
            return None
        return (
            f"the dataset has changed: {count(self.differing, 'case')} left out, {self.same + self.unknown:,} compared"
        )

    def sentence(self, earlier: str) -> str | None:
        """What a reader must know before they believe a comparison with `earlier`; None when that is nothing."""
        unknown = f"{count(self.unknown, 'case')} without a record of prompt and references"
        if not self.differing:
            return f"{unknown} as in {earlier}" if self.unknown else None
        kinds = (
            (self.changed, "with another prompt or reference"),
            (self.added, f"not in {earlier}"),
            (self.removed, f"only in {earlier}"),
        )
        told = ", ".join(f"{count(number, 'case')} {kind}" for number, kind in kinds if number)
        compared = f"compared: {count(self.same + self.unknown, 'case')} in both runs"
        return f"the dataset has changed since {earlier}: {told}; {compared}{f'; {unknown}' if self.unknown else ''}"
