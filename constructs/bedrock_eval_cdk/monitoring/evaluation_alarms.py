"""The alarms about evaluations and what runs them."""

from bedrock_eval import catalogue
from bedrock_eval.alarms import kinds
from bedrock_eval.verdicts.gates import bound_text
from bedrock_eval_cdk.monitoring.alarms import AlarmFactory
from bedrock_eval_cdk.monitoring.series import Math, MathTerm
from bedrock_eval_cdk.monitoring.subjects import (
    MonitoredEvaluation,
    MonitoredRunner,
)


def add_evaluation_alarms(factory: AlarmFactory, evaluation: MonitoredEvaluation) -> None:
    """Make the alarms of one evaluation: its runs, its coverage and its gates."""
    factory.make(kinds.RUN_FAILED, evaluation.name, dimensions=evaluation.dimensions)
    if evaluation.jobs:
        factory.make(kinds.JOBS_LEFT, evaluation.name, dimensions=evaluation.dimensions)
    if evaluation.scheduled:
        factory.make(kinds.RUN_OVERDUE, evaluation.name, dimensions=evaluation.dimensions)
    if evaluation.own_profile:
        factory.make(kinds.METRICS_DIFFER, evaluation.name, dimensions=evaluation.dimensions)
    for candidate in evaluation.candidates:
        where = f"candidate {candidate.name} in evaluation {evaluation.name}"
        factory.make(
            kinds.COVERAGE,
            evaluation.name,
            candidate.name,
            dimensions=evaluation.candidate_dimensions(candidate),
            about=f"{where[0].upper()}{where[1:]}",
            # Nothing lies below 0.
            threshold=evaluation.min_coverage or None,
        )
        for gate in evaluation.gates:
            for kind in (kinds.VERDICT, kinds.INCONCLUSIVE):
                factory.make(
                    kind,
                    evaluation.name,
                    candidate.name,
                    gate.metric,
                    dimensions=evaluation.verdict_dimensions(candidate, gate),
                    about=f"{gate.metric} ({bound_text(gate)}) of {where}",
                )


def add_runner_alarms(factory: AlarmFactory, runner: MonitoredRunner, *, application: str) -> None:
    """Make the alarms about state machines and, where something is scheduled, about deliveries that failed."""
    for machine in runner.machines:
        factory.make(
            kinds.EXECUTIONS_FAILED,
            *runner.subject,
            *machine.subject,
            dimensions=machine.dimensions,
            about=machine.name,
        )
    if runner.dead_letters is not None:
        factory.make(
            kinds.DEAD_LETTERS,
            *runner.subject,
            dimensions=runner.dead_letters_dimensions(application),
            about=runner.dead_letters,
            math=None if factory.has_watchdog else _queue_alone(runner, application),
        )


def _queue_alone(runner: MonitoredRunner, application: str) -> Math:
    """The queue's own count, where no watchdog counts beside it."""
    return Math("m", {"m": MathTerm(catalogue.QUEUE_MESSAGES, runner.dead_letters_dimensions(application))})
