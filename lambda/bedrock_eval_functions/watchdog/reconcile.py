"""Whether AWS counts what a run has counted: its own figures beside those of AWS/Bedrock and of the invocation log."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bedrock_eval.catalogue import MODEL_ID
from bedrock_eval.evaluation.definition import Definition
from bedrock_eval.invocation_log import queries
from bedrock_eval.models import metric_id
from bedrock_eval.names import run_time
from bedrock_eval.runs.state import RunState, RunStatus
from bedrock_eval.runs.traffic import Traffic
from bedrock_eval.watchdog.reconciling import (
    COUNTED,
    HELD,
    LOG,
    METRICS,
    Held,
    Run,
    Through,
    UnknownError,
    held,
    newest,
    of_log,
    through,
)
from bedrock_eval_functions.watchdog.metric_sums import Wanted, sums
from bedrock_eval_functions.watchdog.reasons import reason

logger = logging.getLogger(__name__)

OWN_PROFILE = ":application-inference-profile/"

LOOK_BACK = timedelta(days=2)
"""A run that began earlier is not looked at; it ended in the last day only if it took longer than that."""

# All queries of one look, so that the watchdog is not stopped before it has published.
_LOG_SECONDS = 40.0
_PAUSE = 1.0
_DONE, _ENDED_BADLY = "Complete", frozenset({"Failed", "Cancelled", "Timeout", "Unknown"})


@dataclass(frozen=True)
class Sources:
    """What runs are held against. No log group: the invocation log is another environment's, or nobody's."""

    cloudwatch: Any
    logs: Any
    log_group: str | None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def as_run(state: RunState, definition: Definition) -> Run:
    """A run by its run.json, and by its definition where it does not say what it called.

    Raises:
        ValueError: its times cannot be compared with others.
    """
    traffic: dict[str, Traffic] = {}
    uncounted = False
    for progress in state.candidates.values():
        counted = progress.traffic
        if counted is None:
            uncounted = True
        elif OWN_PROFILE in counted.invoke_id:
            before = traffic.get(counted.invoke_id)
            traffic[counted.invoke_id] = counted if before is None else before + counted
    skipped = state.status is RunStatus.SKIPPED
    called = _called(definition) if uncounted or not (traffic or skipped) else frozenset()
    return Run(
        evaluation=state.evaluation,
        run_id=state.run_id,
        started=_moment(state.started),
        ended=None if state.status is RunStatus.RUNNING else _moment(state.updated),
        called=frozenset({*traffic, *called}),
        traffic=traffic,
    )


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return found


def unreadable_run(run_id: str, definition: Definition) -> Run:
    """A run of which nothing is known but its time: what was called just then is not known, either."""
    moment = run_time(run_id)
    return Run(definition.evaluation, run_id, moment, moment, called=_called(definition), traffic={})


def _called(definition: Definition) -> frozenset[str]:
    asked = (each.invoke_id for each in definition.candidates if each.answers_of is None)
    return frozenset(each for each in asked if OWN_PROFILE in each)


def look(runs: Sequence[Run], sources: Sources, *, now: datetime) -> Iterator[tuple[str, int]]:
    """By evaluation, how many counts of its newest run differ; nothing where that is not known.

    Every quantity is logged with both numbers, and so is why a run was held against nothing.
    """
    deadline = sources.clock() + _LOG_SECONDS
    for evaluation, run in newest(runs, now=now).items():
        if not any(counted.calls for counted in run.traffic.values()):
            continue
        try:
            found = [
                (profile, each)
                for profile in sorted(run.called)
                for each in _held(through(profile, run, runs), sources, deadline=deadline)
            ]
        except Exception as error:
            # Whatever it is, also an answer that cannot be read: the other runs are looked at.
            extra = {"evaluation": evaluation, "run": run.run_id, "reason": reason(error)}
            logger.warning("counts not compared", extra=extra)
            continue
        for profile, each in found:
            _tell(run, profile, each)
        yield evaluation, sum(each.apart for _, each in found)


def _tell(run: Run, profile: str, quantity: Held) -> None:
    extra = {
        "evaluation": run.evaluation,
        "run": run.run_id,
        "profile": metric_id(profile),
        "source": quantity.source,
        "quantity": quantity.quantity,
        "own": str(quantity.own),
        "found": quantity.found,
        "percent": round(quantity.percent, 1),
    }
    logger.log(logging.WARNING if quantity.apart else logging.INFO, HELD, extra=extra)


def _held(part: Through, sources: Sources, *, deadline: float) -> Iterable[Held]:
    # Assumption: one-dimension-set
    yield from held(part.own, source=METRICS, found=_of_metrics(part, sources.cloudwatch))
    if sources.log_group is not None:
        yield from held(part.own, source=LOG, found=of_log(_rows(part, sources, deadline=deadline)))


def _of_metrics(part: Through, cloudwatch: Any) -> Mapping[str, float]:
    dimensions = {MODEL_ID: metric_id(part.profile)}
    wanted = {name: Wanted(entry.namespace, entry.name, dimensions) for name, entry in COUNTED.items()}
    return sums(cloudwatch, wanted, start=part.start, end=part.end, period=60)


def _rows(part: Through, sources: Sources, *, deadline: float) -> list[dict[str, str]]:
    start, end = part.start.timestamp(), part.end.timestamp()
    query = queries.counts(model=(metric_id(part.profile),))
    started = sources.logs.start_query(
        logGroupName=sources.log_group,
        startTime=int(start),
        endTime=int(end),
        queryString=queries.between(query, start_ms=int(start * 1000), end_ms=int(end * 1000)),
    )
    while True:
        answer = sources.logs.get_query_results(queryId=started["queryId"])
        if answer["status"] == _DONE:
            return [{cell["field"]: cell["value"] for cell in row} for row in answer["results"]]
        if answer["status"] in _ENDED_BADLY:
            raise UnknownError(f"the query of the invocation log ended as {answer['status']}")
        if sources.clock() >= deadline:
            raise UnknownError("the invocation log did not answer in time; the next round retries")
        sources.sleep(_PAUSE)
