"""One slice of a run: as many cases as fit before the function's deadline, and the summary after the last."""

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bedrock_eval import catalogue
from bedrock_eval.codec import DecodeError
from bedrock_eval.costs import Cost
from bedrock_eval.definition import Candidate, Definition, read_definition
from bedrock_eval.estimates import Estimate, estimate, mean_answer_tokens
from bedrock_eval.layout import RunLayout, definition_key
from bedrock_eval.outcomes import FATAL_REASONS, STORM_REASONS, Outcome
from bedrock_eval.planning import plan
from bedrock_eval.runs import RunFailureReason, RunState, RunStatus, read_state, timestamp
from custom_evaluator import locks
from custom_evaluator.converse import Asker
from custom_evaluator.datasets import dataset_cases, dataset_version, measure
from custom_evaluator.errors import RunFailed
from custom_evaluator.events import SliceEvent
from custom_evaluator.finishing import write_results
from custom_evaluator.parts import PartWriter
from custom_evaluator.publication import publish_fact
from custom_evaluator.runner import Limits, Runner, Work
from custom_evaluator.services import Services
from custom_evaluator.spending import check_estimate, check_spent, last_summary, spent
from custom_evaluator.store import Store, Version

RESERVE_SECONDS = 60.0
"""A slice is over this long before its function's deadline."""

DRAIN_SECONDS = 30.0
"""Nothing is begun this long before the end of a slice (less in a short one), so that most of it comes back."""

STATE_SECONDS = 5.0
"""How often run.json follows the progress."""

STORM_LENGTH = 25
"""So many refusals of one candidate in a row end the run."""

logger = logging.getLogger(__name__)


class SliceStatus(StrEnum):
    """What the state machine's choice goes by."""

    RUNNING = "running"
    WAITING = "waiting"
    FINISHED = "finished"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class SliceResult:
    """What a slice returns to the state machine.

    Attributes:
        completed, total: cases over all candidates.
        pause_seconds: with WAITING, how long the state machine waits before the next slice.
    """

    status: SliceStatus
    run_id: str
    completed: int = 0
    total: int | None = None
    reason: str | None = None
    pause_seconds: int = 0

    def to_json(self) -> dict[str, object]:
        value: dict[str, object] = {
            "status": self.status.value,
            "runId": self.run_id,
            "completed": self.completed,
            "total": self.total,
            "pauseSeconds": self.pause_seconds,
        }
        return value if self.reason is None else {**value, "reason": self.reason}


def run_slice(services: Services, event: SliceEvent, *, remaining_seconds: float) -> SliceResult:
    """Work on a run for what is left of the function's time, less a reserve of 60 s.

    Raises:
        RunFailed: the run cannot go on; what was answered until then is kept.
    """
    layout = event.layout
    if services.store.exists(layout.summary):
        return finished(layout, saved_state(services.store, layout))
    if remaining_seconds <= RESERVE_SECONDS:
        raise RunFailed(
            RunFailureReason.TIME_LIMIT,
            f"the function has {remaining_seconds:.0f} s left; a slice needs more than {RESERVE_SECONDS:.0f}",
        )
    now = services.now()
    deadline = now + timedelta(seconds=remaining_seconds)
    holding = locks.acquire(services.store, layout, owner=event.execution, now=now, deadline=deadline)
    if not holding.ours:
        # run.json is the other's, who works on it.
        return skipped(services, layout, "another execution works on this run")
    if holding.fresh:
        earlier = locks.earlier_run(services.store, layout, holding.lock, now=now)
        if earlier is not None:
            return give_way(services, event, earlier)
    return _Slice(services, event, now=now).run(services.clock() + remaining_seconds - RESERVE_SECONDS)


def finished(layout: RunLayout, state: RunState | None) -> SliceResult:
    """The result of a run that has its summary."""
    completed, total = (state.completed, state.total) if state is not None else (0, None)
    return SliceResult(SliceStatus.FINISHED, layout.run_id, completed, total)


def give_way(services: Services, event: SliceEvent, earlier: str) -> SliceResult:
    """Leave the evaluation to an earlier run that is not finished, counted and with a word in run.json."""
    layout, now = event.layout, services.now()
    reason = f"run {earlier} of the same evaluation is not finished"
    state = saved_state(services.store, layout) or new_state(layout, now=now)
    state = replace(state, status=RunStatus.SKIPPED, updated=timestamp(now), reason="overlap", message=reason)
    services.store.put(layout.state, state.to_json())
    locks.release(services.store, layout, owner=event.execution, now=now)
    return skipped(services, layout, reason)


def skipped(services: Services, layout: RunLayout, reason: str) -> SliceResult:
    """The result of a run that does not take place, counted."""
    publish_fact(services, catalogue.RUN_SKIPPED, evaluation=layout.evaluation)
    logger.warning("run skipped", extra={"evaluation": layout.evaluation, "run": layout.run_id, "reason": reason})
    return SliceResult(SliceStatus.SKIPPED, layout.run_id, reason=reason)


def saved_state(store: Store, layout: RunLayout) -> RunState | None:
    """run.json, None when there is none that can be read."""
    stored = store.read(layout.state)
    try:
        return None if stored is None else read_state(stored.body)
    except DecodeError:
        return None


def new_state(layout: RunLayout, *, now: datetime) -> RunState:
    moment = timestamp(now)
    return RunState(
        evaluation=layout.evaluation,
        run_id=layout.run_id,
        status=RunStatus.RUNNING,
        started=moment,
        updated=moment,
    )


class _Slice:
    """A slice that holds the lock. It is also the sink of its runner."""

    def __init__(self, services: Services, event: SliceEvent, *, now: datetime) -> None:
        self._services = services
        self._layout = event.layout
        self._execution = event.execution
        self._definition = run_definition(services.store, event.layout)
        saved = saved_state(services.store, event.layout) or new_state(event.layout, now=now)
        # A run that failed and is started again by hand goes on where it stopped.
        self._state = replace(saved, status=RunStatus.RUNNING, execution=event.execution, reason=None, message=None)
        self._saved_at = services.clock()
        self._storms = dict.fromkeys((candidate.name for candidate in self._definition.candidates), 0)
        self._writers = {
            candidate.name: PartWriter(services.store, event.layout, candidate.name, services.clock)
            for candidate in self._definition.candidates
        }

    def run(self, end: float) -> SliceResult:
        """Ask until all is done or the clock shows `end`."""
        version = self._open_dataset()
        for writer in self._writers.values():
            writer.resume()
        self._save()
        self._services.progress(self._state)
        self._check_cost()
        before = self._state.completed
        if not self._ask_all(version, end):
            self._log("slice ended", asked=self._state.completed - before)
            return self._result(SliceStatus.RUNNING)
        self._finish()
        self._log("run finished", asked=self._state.completed - before)
        return self._result(SliceStatus.FINISHED)

    def take(self, outcome: Outcome) -> None:
        """Record an outcome; one that every further call would share ends the run, unrecorded: it is asked again."""
        if outcome.failure in FATAL_REASONS:
            raise RunFailed(RunFailureReason(outcome.failure.value), f"candidate {outcome.candidate}: {outcome.detail}")
        self._writers[outcome.candidate].add(outcome)
        check_spent(self._definition, self._spent())
        if outcome.failure not in STORM_REASONS:
            self._storms[outcome.candidate] = 0
            return
        self._storms[outcome.candidate] += 1
        if self._storms[outcome.candidate] >= STORM_LENGTH:
            raise RunFailed(
                RunFailureReason.THROTTLING_STORM,
                f"candidate {outcome.candidate}: {STORM_LENGTH} calls in a row were refused, last {outcome.detail}",
            )

    def tick(self) -> None:
        for writer in self._writers.values():
            writer.flush_if_due()
        if self._services.clock() - self._saved_at >= STATE_SECONDS:
            self._save()
        self._services.progress(self._present())

    def _open_dataset(self) -> Version:
        """The dataset of the first slice, counted and checked once."""
        s3, dataset = self._services.s3, self._definition.dataset
        version = dataset_version(s3, dataset, expected_etag=self._state.dataset_etag)
        if self._state.total is None:
            size = measure(s3, self._definition, version)
            last = last_summary(self._services.store, self._layout)
            made = estimate(self._definition, size, answer_tokens=mean_answer_tokens(last, self._definition))
            planned = plan(self._definition, last, cases=size.cases)
            self._state = replace(self._state, total=made.calls, dataset_etag=version.etag, estimate=made, plan=planned)
            self._log_estimate(made)
        return version

    def _check_cost(self) -> None:
        """Before the first call of every slice, so that a run that is started again meets its limit again."""
        if self._state.estimate is not None:
            check_estimate(self._definition, self._state.estimate)
        check_spent(self._definition, self._spent())

    def _spent(self) -> Cost:
        return spent(self._definition, {name: writer.usage for name, writer in self._writers.items()})

    def _ask_all(self, version: Version, end: float) -> bool:
        asker = Asker(self._services.models(self._definition), definition=self._definition, run_id=self._layout.run_id)
        clock = self._services.clock
        drain = min(DRAIN_SECONDS, (end - clock()) / 3)
        limits = Limits(
            concurrency=self._definition.concurrency, stop_at=end - drain, drain_until=end, drain_seconds=drain
        )
        try:
            runner = Runner(ask=asker.ask, limits=limits, clock=clock, stopping=self._services.stopping)
            return runner.run(self._work(version), self)
        finally:
            for writer in self._writers.values():
                writer.flush()
            self._save()

    def _work(self, version: Version) -> Iterator[Work]:
        """Case by case over all candidates, so that they advance together; what is in a part is passed over."""
        candidates: tuple[Candidate, ...] = self._definition.candidates
        for case in dataset_cases(self._services.s3, self._definition.dataset, version):
            for candidate in candidates:
                if case.id not in self._writers[candidate.name].done:
                    yield candidate, case

    def _finish(self) -> None:
        store, layout, now = self._services.store, self._layout, self._services.now()
        write_results(store, layout, self._definition, started=self._state.started, finished=now)
        self._state = replace(self._state, status=RunStatus.FINISHED)
        self._save()
        locks.release(store, layout, owner=self._execution, now=now)

    def _present(self) -> RunState:
        return replace(self._state, candidates={name: writer.progress for name, writer in self._writers.items()})

    def _save(self) -> None:
        now = timestamp(self._services.now())
        self._state = replace(self._present(), cost=self._spent(), updated=now)
        self._services.store.put(self._layout.state, self._state.to_json())
        self._saved_at = self._services.clock()

    def _result(self, status: SliceStatus) -> SliceResult:
        return SliceResult(status, self._layout.run_id, self._state.completed, self._state.total)

    def _log_estimate(self, made: Estimate) -> None:
        logger.info(
            "run estimated",
            extra={
                "evaluation": self._layout.evaluation,
                "run": self._layout.run_id,
                "calls": made.calls,
                "estimate": str(made),
                "max_cost": self._definition.max_cost,
                "gates": [str(each) for each in self._state.plan],
            },
        )

    def _log(self, what: str, *, asked: int) -> None:
        failed = sum(progress.failed for progress in self._state.candidates.values())
        logger.info(
            what,
            extra={
                "evaluation": self._layout.evaluation,
                "run": self._layout.run_id,
                "asked": asked,
                "completed": self._state.completed,
                "failed": failed,
                "total": self._state.total,
                "cost": str(self._state.cost),
            },
        )


def run_definition(
    store: Store, layout: RunLayout, *, settle: Callable[[Definition], Definition] | None = None
) -> Definition:
    """The definition as it was when the run began: the first slice copies it, later ones read the copy.

    Args:
        settle: what the copy says more than the deployed one, for what must not change while the run lasts.
    """
    begun = begun_definition(store, layout)
    if begun is not None:
        return begun
    deployed = store.read(definition_key(layout.evaluation))
    if deployed is None:
        raise RunFailed(
            RunFailureReason.DEFINITION_MISSING,
            f"{definition_key(layout.evaluation)} is missing: evaluation {layout.evaluation} is not deployed",
        )
    definition = _decoded(deployed.body)
    if settle is not None:
        definition = settle(definition)
    if store.create(layout.definition, json.dumps(definition.to_json(), indent=1)):
        return definition
    # Another execution came first; what it has settled counts.
    return begun_definition(store, layout) or definition


def begun_definition(store: Store, layout: RunLayout) -> Definition | None:
    """The definition that a run began with; None when it has not begun, or has expired."""
    stored = store.read(layout.definition)
    return None if stored is None else _decoded(stored.body)


def _decoded(body: bytes) -> Definition:
    try:
        return read_definition(body)
    except DecodeError as error:
        raise RunFailed(RunFailureReason.DEFINITION_INVALID, str(error)) from None
