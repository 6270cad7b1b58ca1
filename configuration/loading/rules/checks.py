"""What must hold between the values of one environment file.

The rules look at the parts that are right by themselves, so that one mistake does not hide the next.
"""

from collections.abc import Iterator
from datetime import date, datetime

from configuration.document.reading import Mistake
from configuration.loading.rules import (
    datasets as dataset_rules,
)
from configuration.loading.rules import (
    environment,
    evaluations,
    gates,
    guardrails,
    jobs,
    known_models,
    models,
    regions,
    schedules,
)
from configuration.loading.rules.dataset_reader import DatasetReader
from configuration.loading.rules.parts import Parts
from configuration.loading.rules.placeholders import placeholders


def mistakes_between(
    parts: Parts, *, datasets: DatasetReader, today: date, deployed: datetime | None
) -> Iterator[Mistake]:
    """Every rule that a file breaks."""
    for subject in (environment, models, guardrails, regions):
        yield from subject.mistakes(parts)
    yield from dict.fromkeys(known_models.mistakes(parts, today=today))
    yield from dataset_rules.mistakes(parts, datasets)
    yield from evaluations.mistakes(parts)
    yield from gates.mistakes(parts)
    yield from schedules.mistakes(parts, deployed=deployed)
    # A tag of the environment is on the jobs of all its evaluations.
    yield from dict.fromkeys(jobs.mistakes(parts, datasets))


def notes(parts: Parts, *, datasets: DatasetReader, today: date) -> Iterator[Mistake]:
    """What is no mistake but worth saying; of an environment with the simulator, what AWS would not have."""
    yield from dict.fromkeys(known_models.notes(parts, today=today))
    if not parts.flag("stand_in"):
        yield from placeholders(parts.top)
        yield from models.notes(parts, today=today)
        for subject in (environment, evaluations, gates, regions, jobs):
            yield from subject.notes(parts)
        yield from schedules.notes(parts, today=today)
    yield from dataset_rules.gaps(parts, datasets)
