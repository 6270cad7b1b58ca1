"""Times of schedules that the clocks of their zone leave out: of an at() a mistake, of a cron a warning."""

from datetime import UTC, date, datetime

import pytest

from configuration.loading.load import EnvironmentsError
from configuration.resolve.first_runs import first_runs
from tests.support.environment_files import Load, Mistakes, Write

GATES = "    gates:\n      - metric: relevance_score"
WEEKLY = "schedule: {expression: rate(7 days)}"
TODAY = date(2026, 11, 29)


def scheduled(expression: str, zone: str = "Europe/Berlin") -> tuple[str, str]:
    """The change that gives the custom evaluation a schedule."""
    return GATES, f"    {schedule(expression, zone)}\n{GATES}"


def schedule(expression: str, zone: str = "Europe/Berlin") -> str:
    return f"schedule: {{expression: '{expression}', timezone: {zone}}}"


@pytest.mark.parametrize(
    ("expression", "zone", "told"),
    [
        ("at(2027-03-28T02:30:00)", "Europe/Berlin", ("02:30 on 2027-03-28", "at(2027-03-28T03:30:00)")),
        ("at(2026-10-04T02:15:00)", "Australia/Lord_Howe", ("02:15 on 2026-10-04", "at(2026-10-04T02:45:00)")),
        ("at(2011-12-30T12:00:00)", "Pacific/Apia", ("12:00 on 2011-12-30", "at(2011-12-31T12:00:00)")),
    ],
)
def test_a_single_run_at_a_time_that_does_not_exist_is_refused(
    write: Write, mistakes: Mistakes, expression: str, zone: str, told: tuple[str, str]
) -> None:
    write("dev", scheduled(expression, zone))
    [line] = mistakes()
    assert "evaluations.quality.schedule.expression: " in line
    missing, instead = told
    assert f"{missing} does not exist in {zone}, where clocks go forward; allowed: " in line
    assert instead in line


def test_it_is_told_beside_other_mistakes_and_of_jobs_too(write: Write, mistakes: Mistakes, every_kind: str) -> None:
    lost = (WEEKLY, schedule("at(2027-03-28T02:30:00)"))
    write("dev", lost, ("title: Rate answers of", "titel: Rate answers of"), text=every_kind)
    lines = mistakes()
    assert sum("accuracy.schedule.expression: 'at(2027-03-28T02:30:00)': 02:30" in line for line in lines) == 1
    assert any("titel" in line for line in lines)


def test_a_cron_that_loses_a_week_is_a_warning(write: Write, load: Load) -> None:
    write("dev", scheduled("cron(30 2 ? * SUN *)"))
    [line] = load(today=TODAY).warnings
    assert "evaluations.quality.schedule.expression: 'cron(30 2 ? * SUN *)': 02:30 on 2027-03-28 does not exist" in line
    assert "skips the run; the next run is on 2027-04-04 at 02:30; use an hour that exists on every day, as 04" in line


def test_a_cron_that_never_runs_says_so(write: Write, load: Load) -> None:
    write("dev", scheduled("cron(30 2 ? 3 SUNL *)"))
    [line] = load(today=TODAY).warnings
    assert "skips the run; no run follows" in line


@pytest.mark.parametrize(
    "expression", ["cron(30 2 * * ? *)", "cron(0 * * * ? *)", "cron(0 6 ? * SUN *)", "at(2027-03-28T03:30:00)"]
)
def test_one_that_runs_again_on_the_next_day_is_none(write: Write, load: Load, expression: str) -> None:
    write("dev", scheduled(expression))
    assert load(today=TODAY).warnings == ()


class TestAnAtThatIsPast:
    NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("expression", "zone", "told"),
        [
            ("at(2020-01-01T00:00:00)", "UTC", "2020-01-01 at 00:00"),
            ("at(2026-11-29T12:00:00)", "UTC", "2026-11-29 at 12:00"),
            ("at(2026-11-29T12:30:00)", "Europe/Berlin", "2026-11-29 at 11:30"),
        ],
    )
    def test_it_is_refused_where_schedules_are_made(
        self, write: Write, load: Load, expression: str, zone: str, told: str
    ) -> None:
        write("dev", scheduled(expression, zone))
        with pytest.raises(EnvironmentsError) as refused:
            load(today=TODAY, deployed=self.NOON)
        [line] = str(refused.value).splitlines()[-1:]
        assert f"evaluations.quality.schedule.expression: {expression!r} is in the past ({told} UTC); needed: " in line
        assert "environments/dev.yaml:" in line

    def test_of_jobs_too(self, write: Write, load: Load, every_kind: str) -> None:
        write("dev", (WEEKLY, schedule("at(2026-01-01T00:00:00)")), text=every_kind)
        with pytest.raises(EnvironmentsError, match=r"accuracy\.schedule\.expression: .* is in the past"):
            load(today=TODAY, deployed=self.NOON)

    @pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
    def test_one_that_is_still_to_come_is_not(self, write: Write, load: Load, zone: str) -> None:
        write("dev", scheduled("at(2026-11-29T12:01:00)", zone))
        assert load(today=TODAY, deployed=self.NOON).environments

    def test_where_nothing_is_deployed_it_may_stand(self, write: Write, load: Load) -> None:
        write("dev", scheduled("at(2020-01-01T00:00:00)", "UTC"))
        assert load(today=TODAY).environments


def test_what_the_first_deploy_runs_is_told_once_and_by_name(write: Write, load: Load, every_kind: str) -> None:
    write("dev", scheduled("rate(12 hours)"), text=every_kind)
    told = first_runs(load().environments[0])
    assert told is not None
    assert "dev: quality (rate(12 hours))" in told
    assert "accuracy (rate(7 days))" in told
    assert "run at the first deploy" in told


def test_what_judges_the_answers_of_another_evaluation_is_told_to_fail_at_first(
    write: Write, load: Load, every_kind: str
) -> None:
    source = "    answers_from: quality\n"
    write("dev", scheduled("rate(7 days)"), (source, f"{source}    {WEEKLY}\n"), text=every_kind)
    told = str(first_runs(load().environments[0]))
    assert "; stored then fails, because no run of quality is published yet: schedule it with cron(...)" in told
    assert "quality then fails" not in told


@pytest.mark.parametrize("expression", ["cron(0 6 ? * MON *)", "at(2100-01-01T06:00:00)"])
def test_schedules_that_wait_for_their_time_are_not_told(write: Write, load: Load, expression: str) -> None:
    write("dev", scheduled(expression))
    assert first_runs(load().environments[0]) is None
