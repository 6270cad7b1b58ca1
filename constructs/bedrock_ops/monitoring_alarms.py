"""Which alarms an environment gets: the kinds of the table, for each subject that they are about."""

from collections.abc import Iterator

from bedrock_eval.gates import bound_text
from bedrock_ops import alarms
from bedrock_ops.alarms import AlarmFactory, RoutedAlarm
from bedrock_ops.monitoring_subjects import Watched, WatchedEvaluation

MODEL_KINDS = (
    alarms.LATENCY_P90,
    alarms.SERVER_ERRORS,
    alarms.CLIENT_ERRORS,
    alarms.THROTTLES,
    alarms.THROTTLE_COUNT,
)


def add_alarms(factory: AlarmFactory, watched: Watched) -> tuple[RoutedAlarm, ...]:
    """Make every alarm of the environment, account-wide ones only for the environment that owns the account."""
    return (
        *_of_account(factory, watched),
        *(alarm for evaluation in watched.evaluations for alarm in _of_evaluation(factory, evaluation)),
        *_of_environment(factory, watched),
    )


def _of_account(factory: AlarmFactory, watched: Watched) -> Iterator[RoutedAlarm]:
    if not watched.owns_account:
        return
    for model in watched.models:
        about = f"{model.name} ({model.model_id})"
        for kind in MODEL_KINDS:
            yield factory.make(kind, model.name, dimensions=model.dimensions, about=about)
    if watched.logs_invocations:
        yield factory.make(alarms.LOG_DELIVERY, dimensions={})


def _of_evaluation(factory: AlarmFactory, evaluation: WatchedEvaluation) -> Iterator[RoutedAlarm]:
    yield factory.make(alarms.RUN_FAILED, evaluation.name, dimensions=evaluation.dimensions)
    if evaluation.scheduled:
        yield factory.make(alarms.RUN_OVERDUE, evaluation.name, dimensions=evaluation.dimensions)
    for candidate in evaluation.candidates:
        for gate in evaluation.gates:
            yield factory.make(
                alarms.VERDICT,
                evaluation.name,
                candidate.name,
                gate.metric,
                dimensions=evaluation.verdict_dimensions(candidate, gate),
                about=f"{gate.metric} ({bound_text(gate)}) of {candidate.name} in evaluation {evaluation.name}",
            )


def _of_environment(factory: AlarmFactory, watched: Watched) -> Iterator[RoutedAlarm]:
    names = watched.names
    yield factory.make(alarms.EXECUTIONS_FAILED, dimensions=watched.state_machine_dimensions, about=names.state_machine)
    yield factory.make(alarms.DEAD_LETTERS, dimensions=watched.dead_letters_dimensions, about=names.dead_letters)
    yield factory.make(alarms.WATCHDOG_SILENT, dimensions=watched.application_dimensions)
