"""How long a run of jobs takes, and in how many looks."""

from datetime import timedelta

import pytest

from bedrock_eval.evaluation.job_settings import JobKind
from bedrock_eval.jobs.progress import STOPPING_LIMIT, longest, pause
from bedrock_eval.jobs.rules import MOST_HOURS


def looks(kind: JobKind, *, hours: float, starts: int) -> int:
    """How often a run is looked at in so many hours, when its jobs start one after another at even distances."""
    whole, count = timedelta(hours=hours), 0
    for _ in range(starts):
        elapsed = timedelta()
        while elapsed < whole / starts:
            elapsed += pause(kind, since_start=elapsed)
            count += 1
    return count


@pytest.mark.parametrize("kind", JobKind)
def test_pauses_grow_from_a_minute_and_have_an_end(kind: JobKind) -> None:
    minutes = [pause(kind, since_start=timedelta(minutes=each)).total_seconds() / 60 for each in (0, 4, 8, 40, 99_999)]
    assert minutes == [1, 1, 2, 10, 120 if kind is JobKind.HUMAN else 30]


@pytest.mark.parametrize("kind", JobKind)
def test_the_longest_run_outlives_its_deadline_and_what_stopping_takes(kind: JobKind) -> None:
    hours = MOST_HOURS[kind]
    late = 2 * pause(kind, since_start=timedelta(hours=hours))
    assert longest(kind, deadline_hours=hours) > timedelta(hours=hours) + STOPPING_LIMIT + late


def test_ten_jobs_one_after_another_take_few_more_looks_than_one() -> None:
    one, ten = (looks(JobKind.JUDGE, hours=MOST_HOURS[JobKind.JUDGE], starts=starts) for starts in (1, 10))
    assert one < ten < 2 * one
