"""One slice of a run: as many cases as fit before the function's deadline, and the summary after the last."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from bedrock_eval.evaluation.definition import Candidate
from bedrock_eval.layout import RunLayout
from bedrock_eval.results.failed_cases import commonest, nothing_answered, reason_of
from bedrock_eval.results.outcomes import FATAL_REASONS, SETTLED_REASONS, FailureReason, Outcome
from bedrock_eval.results.summary import Summary
from bedrock_eval.runs.estimates import Estimate, estimate, mean_answer_tokens
from bedrock_eval.runs.planning import plan
from bedrock_eval.runs.state import Progress, RunFailureReason, RunState, RunStatus, timestamp
from bedrock_eval.runs.traffic import Traffic
from bedrock_eval.wording import percent
from bedrock_eval_runs import locks
from bedrock_eval_runs.custom.converse import Asker, Later
from bedrock_eval_runs.custom.runner import Lane, Limits, Runner, Work
from bedrock_eval_runs.custom.spending import Spending, check_estimate, last_summary
from bedrock_eval_runs.datasets import dataset_cases, dataset_version, measure
from bedrock_eval_runs.definitions import begun_definition, custom_run, deployed_definition, run_definition
from bedrock_eval_runs.errors import RunFailed
from bedrock_eval_runs.events import SliceEvent
from bedrock_eval_runs.finishing import write_results
from bedrock_eval_runs.parts import PartWriter, read_lines
from bedrock_eval_runs.services import Services
from bedrock_eval_runs.slice_results import SliceResult, SliceStatus, finished, leave_out, skipped
from bedrock_eval_runs.states import has_begun, new_state, saved_state
from bedrock_eval_runs.store import Version
from bedrock_eval_runs.transient import passes

RESERVE_SECONDS = 60.0
"""A slice is over this long before its function's deadline."""

DRAIN_SECONDS = 30.0
"""Nothing is begun this long before the end of a slice (less in a short one), so that most of it comes back."""

STATE_SECONDS = 5.0
"""How often run.json follows the progress."""

STREAK_LENGTH = 25
"""So many cases of one candidate in a row without an answer, all for one reason, end the run."""

FLUSH_WAITS = (1.0, 2.0, 4.0, 8.0)
"""Seconds between the attempts to write what is left at the end of a slice."""

LOW_COVERAGE = "low_coverage"
"""The reason in run.json of a finished run that has too few answers to be a success."""

logger = logging.getLogger(__name__)


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
    # A try that broke off before this was decided has left the lock to the next.
    decided = not holding.fresh and has_begun(saved_state(services.store, layout))
    if services.store.append is None and not decided:
        definition = begun_definition(services.store, layout) or deployed_definition(services.store, layout.evaluation)
        left_out = leave_out(services, event, definition.schedule, now=now)
        if left_out is not None:
            return left_out
    resumed = replace(event, resumed=event.resumed or holding.fresh)
    return _Slice(services, resumed, now=now).run(services.clock() + remaining_seconds - RESERVE_SECONDS)


class _Slice:
    """A slice that holds the lock. It is also the sink of its runner."""

    def __init__(self, services: Services, event: SliceEvent, *, now: datetime) -> None:
        self._services = services
        self._layout = event.layout
        self._execution = event.execution
        self._resumed = event.resumed
        self._definition = custom_run(run_definition(services.store, event.layout, retry_of=event.retry_of))
        saved = saved_state(services.store, event.layout) or new_state(event.layout, now=now)
        # A run that failed and is started again by hand goes on where it stopped.
        self._state = replace(saved, status=RunStatus.RUNNING, execution=event.execution, reason=None, message=None)
        self._saved_at = services.clock()
        self._writers = {
            candidate.name: PartWriter(services.store, event.layout, candidate.name, services.clock)
            for candidate in self._definition.candidates
        }
        self._streaks = {candidate.name: _Streak() for candidate in self._definition.candidates}
        self._traffic = {each.name: _before(saved, each) for each in self._definition.candidates}
        self._asking = True
        self._asker = Asker(services.models(self._definition), definition=self._definition, run_id=self._layout.run_id)

    def run(self, end: float) -> SliceResult:
        """Ask until all is done or the clock shows `end`."""
        version = self._open_dataset()
        self._resume()
        self._spending = Spending(self._definition, self._state, self._writers, self._asker.calls)
        # Who starts the run again has patience anew.
        before = {} if self._resumed else self._state.candidates
        self._throttled = {name: each.throttled_since for name, each in before.items() if each.throttled_since}
        self._save()
        self._services.progress(self._state)
        self._check_cost()
        completed = self._state.completed
        if not self._ask_all(version, end):
            self._log("slice ended", asked=self._state.completed - completed)
            return self._result(SliceStatus.RUNNING)
        self._finish()
        self._log("run finished", asked=self._state.completed - completed)
        return self._result(SliceStatus.FINISHED)

    def take(self, outcome: Outcome) -> None:
        """Record an outcome; one that every further call would share ends the run, unrecorded: it is asked again."""
        name = outcome.candidate
        self._throttled.pop(name, None)
        if outcome.failure in FATAL_REASONS:
            raise RunFailed(RunFailureReason(outcome.failure.value), f"candidate {name}: {outcome.detail}")
        self._writers[name].add(replace(outcome, round=self._state.round))
        self._spending.check()
        if self._streaks[name].lengthened(outcome, answered=self._writers[name].answered):
            raise RunFailed(
                RunFailureReason.REFUSED,
                f"candidate {name}: {STREAK_LENGTH} cases in a row have no answer: {reason_of(outcome)}",
            )

    def put_off(self, later: Later) -> None:
        """Wait for room, as long as the definition has patience."""
        if not later.failure.busy:
            return
        name, now = later.question.candidate.name, self._services.now()
        since = self._throttled.setdefault(name, timestamp(now))
        if now - datetime.fromisoformat(since) >= timedelta(minutes=self._definition.patience_minutes):
            raise RunFailed(
                RunFailureReason.THROTTLED,
                f"candidate {name}: no call found room for {self._definition.patience_minutes:g} minutes "
                f"(patience_minutes): {later.failure.detail}",
            )

    def tick(self) -> None:
        for writer in self._writers.values():
            writer.flush_if_due()
        if self._services.clock() - self._saved_at >= STATE_SECONDS:
            self._save_if_possible()
        self._services.progress(self._present())

    def _open_dataset(self) -> Version:
        """The dataset of the first slice, counted and checked once."""
        s3, dataset = self._services.s3, self._definition.dataset
        expected = self._state.dataset_etag or self._retried_etag()
        version = dataset_version(s3, dataset, expected_etag=expected)
        if self._state.total is None:
            size = measure(s3, self._definition, version)
            last = last_summary(self._services.store, self._layout)
            made = estimate(self._definition, size, answer_tokens=mean_answer_tokens(last, self._definition))
            planned = plan(self._definition, last, cases=size.cases)
            self._state = replace(self._state, total=made.calls, dataset_etag=version.etag, estimate=made, plan=planned)
            self._log_estimate(made)
        return version

    @property
    def _retried(self) -> RunLayout | None:
        """The run whose failed cases this one asks again."""
        retry_of = self._definition.retry_of
        return None if retry_of is None else RunLayout(self._layout.evaluation, retry_of)

    def _retried_etag(self) -> str | None:
        """A retry asks what the other run has asked."""
        state = None if self._retried is None else saved_state(self._services.store, self._retried)
        return None if state is None else state.dataset_etag

    def _resume(self) -> None:
        """Learn what need not be asked, and open what has failed for another round."""
        store = self._services.store
        for name, writer in self._writers.items():
            if self._retried is None:
                writer.resume()
                continue
            answered = frozenset(each.case_id for each, _ in read_lines(store, self._retried, name) if each.scored)
            writer.resume(taken_over=answered)
            if not answered <= writer.done:
                writer.take_over(read_lines(store, self._retried, name))
        self._open_round()

    def _open_round(self) -> None:
        """Failed cases have a new round when somebody starts the run again; without any answer always."""
        failed = [outcome for writer in self._writers.values() for outcome in writer.failed.values()]
        nothing = not any(writer.answered for writer in self._writers.values())
        number = max([self._state.round, *(outcome.round for outcome in failed)])
        if self._resumed and failed and (nothing or number < self._definition.failed_case_rounds):
            number += 1
        self._state = replace(self._state, round=number)
        for writer in self._writers.values():
            writer.ask_again(round_number=number, every=nothing)

    def _check_cost(self) -> None:
        """Before the first call of every slice, so that a run that is started again meets its limit again."""
        if self._state.estimate is not None and self._definition.retry_of is None:
            check_estimate(self._definition, self._state.estimate)
        self._spending.check()

    def _ask_all(self, version: Version, end: float) -> bool:
        clock = self._services.clock
        # As long as a call may take, so that what is paid comes back; the slice ends as soon as nothing is in flight.
        drain = min(max(DRAIN_SECONDS, self._definition.read_timeout_seconds + 1), (end - clock()) / 3)
        limits = Limits(
            concurrency=self._definition.concurrency,
            stop_at=end - drain,
            drain_until=end,
            drain_seconds=min(DRAIN_SECONDS, drain),
        )
        runner = Runner(
            ask=self._asker.ask,
            limits=limits,
            clock=clock,
            idle=self._services.sleep,
            stopping=self._services.stopping,
        )
        try:
            done = runner.run(self._lanes(version), self)
        except Exception:
            # What the run failed of is what people must hear, also when not everything can be written.
            self._keep()
            raise
        trouble = self._keep()
        if trouble is not None:
            raise trouble
        return done

    def _keep(self) -> Exception | None:
        """Write what every writer holds, and run.json: one that fails keeps no other from it. The first trouble."""
        self._asking = False
        found: list[Exception] = []
        for keep in (*(writer.flush for writer in self._writers.values()), self._save):
            trouble = self._kept(keep)
            if trouble is not None:
                logger.warning("not written", extra={"run": self._layout.run_id, "reason": type(trouble).__name__})
                found.append(trouble)
        return found[0] if found else None

    def _kept(self, keep: Callable[[], None]) -> Exception | None:
        trouble: Exception | None = None
        for wait in (0.0, *FLUSH_WAITS):
            if wait:
                self._services.sleep(wait)
            try:
                keep()
            except Exception as error:
                trouble = error
                if not passes(error):
                    break
            else:
                return None
        return trouble

    def _lanes(self, version: Version) -> list[Lane]:
        """One of each model: its candidates share a quota."""
        by_model: dict[str, list[Candidate]] = {}
        for candidate in self._definition.candidates:
            by_model.setdefault(candidate.model_id, []).append(candidate)
        return [Lane(self._work(version, candidates)) for candidates in by_model.values()]

    def _work(self, version: Version, candidates: list[Candidate]) -> Iterator[Work]:
        """Case by case over the candidates of a model, so that they advance together; what is done is passed over."""
        for case in dataset_cases(self._services.s3, self._definition.dataset, version):
            for candidate in candidates:
                if case.id not in self._writers[candidate.name].done:
                    yield candidate, case

    def _finish(self) -> None:
        store, layout, now = self._services.store, self._layout, self._services.now()
        if not any(writer.answered for writer in self._writers.values()):
            raise RunFailed(RunFailureReason.NOTHING_ANSWERED, nothing_answered(self._failed()))
        summary = write_results(
            store,
            layout,
            self._definition,
            started=self._state.started,
            finished=now,
            lost_calls=self._spending.lost_calls,
        )
        shortfall = _shortfall(summary, self._failed())
        reason = None if shortfall is None else LOW_COVERAGE
        self._state = replace(self._state, status=RunStatus.FINISHED, reason=reason, message=shortfall)
        self._save()
        locks.release(store, layout, owner=self._execution, now=now)

    def _failed(self) -> list[Outcome]:
        return [outcome for writer in self._writers.values() for outcome in writer.failed.values()]

    def _present(self) -> RunState:
        return replace(self._state, candidates={name: self._progress(name) for name in self._writers})

    def _progress(self, name: str) -> Progress:
        calls = self._spending.calls(name)
        traffic = self._traffic[name] + self._asker.traffic(name)
        return replace(
            self._writers[name].progress,
            calls=calls,
            throttled_since=self._throttled.get(name),
            # Should this slice be stopped, what comes until then is counted nowhere.
            traffic=replace(traffic, exact=traffic.exact and not self._asking),
        )

    def _save(self) -> None:
        now = timestamp(self._services.now())
        self._state = replace(self._present(), cost=self._spending.cost, updated=now)
        self._services.store.put(self._layout.state, self._state.to_json())
        self._saved_at = self._services.clock()

    def _save_if_possible(self) -> None:
        """On the way run.json may be late: the parts hold what counts."""
        try:
            self._save()
        except Exception as error:
            if not passes(error):
                raise
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


def _before(saved: RunState, candidate: Candidate) -> Traffic:
    """What earlier slices have counted; of a run that began without counting, not all."""
    progress = saved.candidates.get(candidate.name, Progress())
    return progress.traffic or Traffic(candidate.invoke_id, exact=not progress.calls)


class _Streak:
    """Cases of one candidate in a row that have no answer for one and the same reason."""

    def __init__(self) -> None:
        self._reason: FailureReason | None = None
        self._length = 0

    def lengthened(self, outcome: Outcome, *, answered: int) -> bool:
        """Whether the streak is so long that every further case would fail too."""
        reason = None if outcome.failure in SETTLED_REASONS else outcome.failure
        # Once the model has answered, what is wrong with a request or a response is so of its prompt. Cases with
        # responses that cannot be read are asked again and end last, in a row.
        unreadable = reason is FailureReason.NO_RESPONSE and outcome.calls > 0
        if answered and (unreadable or reason is FailureReason.INVALID_REQUEST or outcome.response is not None):
            reason = None
        self._length = self._length + 1 if reason is self._reason else 1
        self._reason = reason
        return reason is not None and self._length >= STREAK_LENGTH


def _shortfall(summary: Summary, failed: list[Outcome]) -> str | None:
    """What run.json says of a finished run that has too few answers."""
    short = [
        f"{each.name} answered {percent(each.coverage, digits=1)} of its cases"
        for each in summary.candidates
        if each.coverage is None or each.coverage < summary.min_coverage
    ]
    if not short:
        return None
    needed = f"min_coverage is {percent(summary.min_coverage, digits=1)}"
    return f"{', '.join(short)}; {needed}; {commonest(failed)}"
