"""Says which evaluations the first deploy starts: those scheduled by a rate."""

from collections.abc import Iterable

from configuration.schema.environment import Environment


def first_runs(environment: Environment) -> str | None:
    """The sentence about the runs that the first deploy starts; None without a schedule by a rate."""
    rates = {
        name: config.schedule.expression
        for name, config in environment.evaluations.items()
        if config.schedule is not None and config.schedule.expression.startswith("rate(")
    }
    if not rates:
        return None
    named = ", ".join(f"{name} ({expression})" for name, expression in rates.items())
    runs, waits = ("runs", "its schedule is") if len(rates) == 1 else ("run", "their schedules are")
    return (
        f"{environment.name}: {named} {runs} at the first deploy, as soon as {waits} created and before the "
        f"monitoring stack exists; cron(...) and at(...) wait for their time{_too_soon_to_judge(environment, rates)}"
    )


def _too_soon_to_judge(environment: Environment, rates: Iterable[str]) -> str:
    """A run that judges the answers of another evaluation needs a run of that."""
    sources = {name: getattr(environment.evaluations[name], "answers_from", None) for name in rates}
    judging = "".join(
        f"; {name} then fails, because no run of {of} is published yet" for name, of in sources.items() if of
    )
    return f"{judging}: schedule it with cron(...) some hours after the other" if judging else ""
