"""One round: what is overdue, which model ends when, what the month has cost, and the sign that somebody looked."""

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bedrock_eval import catalogue
from bedrock_eval.codec import DecodeError
from bedrock_eval.evaluation.definition import CustomDefinition, Definition, JobDefinition, read_definition
from bedrock_eval.jobs.progress import longest
from bedrock_eval.layout import DEFINITIONS, WATCH_LIST, RunLayout, evaluation_prefix
from bedrock_eval.models import metric_id
from bedrock_eval.names import is_run_id, run_id, run_time
from bedrock_eval.pricing.costs import Cost, Rates
from bedrock_eval.results.publishing import Datum
from bedrock_eval.runs.state import TOO_EARLY, RunStatus, read_state
from bedrock_eval.watchdog.active_metrics import Reads
from bedrock_eval.watchdog.overdue import Requirement, requirement
from bedrock_eval.watchdog.reconciling import Run, UnknownError
from bedrock_eval.watchdog.watch_list import People, read_watch_list
from bedrock_eval_functions.watchdog import budget, reconcile, traffic
from bedrock_eval_functions.watchdog.datums import of_application
from bedrock_eval_functions.watchdog.letters import letters
from bedrock_eval_functions.watchdog.lifecycles import Lifecycles
from bedrock_eval_functions.watchdog.reasons import MISSING, reason
from bedrock_eval_functions.watchdog.spending import month_to_date
from bedrock_eval_functions.watchdog.subscribers import Subscribers

logger = logging.getLogger(__name__)

_READS = 3
# For the runs of all evaluations that are held against metrics, of the hundred that the function has.
_SECONDS_FOR_RUNS = 25.0


@dataclass(frozen=True)
class Watch:
    """Looks at the results bucket of one environment, and at the life and the token metrics of its models.

    What it is to look at stands in the bucket: the watch list, and the definitions of evaluations.
    """

    s3: Any
    cloudwatch: Any
    bedrock: Any
    bucket: str
    application: str
    region: str
    sns: Any = None
    budgets: Any = None
    sqs: Any = None
    logs: Any = None

    def round(self, now: datetime) -> list[Datum]:
        """Every datum of this hour. A definition that cannot be read counts as overdue and stops no other.

        Raises:
            ClientError: the watch list cannot be read, or the definitions cannot be listed; the missing heartbeat
                then rings.
            DecodeError: the watch list is not what the monitoring stack writes.
        """
        watch_list = read_watch_list(self._read(WATCH_LIST), name=WATCH_LIST)
        found = [self._datum(catalogue.WATCHDOG_HEARTBEAT, 1, now)]
        models = set(watch_list.models)
        priced: dict[str, Rates | None] | None = dict(watch_list.priced)
        definitions: list[Definition] = []
        for evaluation, key in self._definitions():
            try:
                definition = read_definition(self._read(key))
                models.update(candidate.model_id for candidate in definition.candidates)
                if priced is not None:
                    priced.update(_own_profiles(definition))
                definitions.append(definition)
                overdue = self._overdue(definition, now)
            except Exception as error:
                # Whatever it is: the other evaluations and the heartbeat are not to go with it.
                logger.error("cannot be watched", extra={"evaluation": evaluation, "reason": reason(error)})
                overdue = True
                # Its profiles are not known: the cost would be too low.
                priced = None
            if overdue is not None:
                found.append(self._datum(catalogue.SCHEDULE_OVERDUE, overdue, now, Evaluation=evaluation))
        spent = self._spent(priced, now)
        name = self.application
        looks: dict[str, Iterable[Datum]] = {
            "lives of models unknown": Lifecycles(self.bedrock, name, self.region).look(models, now),
            "month-to-date cost not told": self._month_to_date(spent, now),
            "budget unknown": budget.look(self.budgets, watch_list.budget, spent=spent, application=name, now=now),
            "subscribers unknown": self._subscribers(watch_list.people, now),
            "dead letters unknown": letters(self.sqs, watch_list.dead_letters, application=name, now=now),
            "traffic not looked at": self._traffic(watch_list.reads, definitions, priced=priced, now=now),
            "runs not held against metrics": self._differences(watch_list.log_group, definitions, now=now),
        }
        return [*found, *(each for unknown, look in looks.items() for each in _as_far_as_it_comes(look, unknown))]

    def _overdue(self, definition: Definition, now: datetime) -> bool | None:
        """None: the evaluation has no schedule."""
        if definition.schedule is None:
            return None
        needed = requirement(
            definition.schedule,
            first_deployed=definition.first_deployed,
            now=now,
            longest=_longest(definition),
            changed=definition.schedule_changed,
        )
        if needed is None:
            return False
        late = not self._met(needed, definition.evaluation)
        if late:
            extra = {"evaluation": definition.evaluation, "since": needed.since.isoformat()}
            logger.warning("run overdue", extra=extra)
        return late

    def _met(self, needed: Requirement, evaluation: str) -> bool:
        """Runs that are older than what matters are not even listed."""
        skipped: datetime | None = None
        for run in sorted(self._runs(evaluation, since=needed.earliest), reverse=True):
            layout = RunLayout(evaluation, run)
            if self._exists(layout.summary):
                return needed.met_by(run_time(run), skipped=skipped)
            if needed.excused and skipped is None and self._came_too_early(layout):
                skipped = run_time(run)
        return False

    def _came_too_early(self, layout: RunLayout) -> bool:
        try:
            state = read_state(self._read(layout.state))
        except (ClientError, DecodeError) as error:
            logger.warning("run.json cannot be read", extra={"run": str(layout), "reason": reason(error)})
            return False
        return state.status is RunStatus.SKIPPED and state.reason == TOO_EARLY

    def _runs(self, evaluation: str, *, since: datetime) -> Iterator[str]:
        prefix = evaluation_prefix(evaluation)
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=prefix, Delimiter="/", StartAfter=prefix + run_id(since)
        )
        for page in pages:
            for entry in page.get("CommonPrefixes", ()):
                name = entry["Prefix"][len(prefix) : -1]
                if is_run_id(name):
                    yield name

    def _spent(self, priced: Mapping[str, Rates | None] | None, now: datetime) -> Cost | None:
        """The cost of the month so far; None where it is not known."""
        if not priced:
            return None
        try:
            return month_to_date(self.cloudwatch, priced, now=now)
        except Exception as error:
            # Also an answer that cannot be read: what is known of schedules and models must not wait for it.
            logger.error("month-to-date cost unknown", extra={"reason": reason(error)})
            return None

    def _month_to_date(self, spent: Cost | None, now: datetime) -> Iterator[Datum]:
        """Nothing where it is not known: a gap in a graph says so, and the next hour may fill it."""
        if spent is None:
            return
        if spent.known:
            yield self._datum(catalogue.MONTH_TO_DATE_COST, spent.usd, now)
        yield self._datum(catalogue.MONTH_TO_DATE_UNPRICED_TOKENS, spent.unpriced_tokens, now)

    def _subscribers(self, people: People | None, now: datetime) -> Iterator[Datum]:
        if people is None:
            return
        subscribers = Subscribers(
            sns=self.sns,
            cloudwatch=self.cloudwatch,
            s3=self.s3,
            bucket=self.bucket,
            region=self.region,
            application=self.application,
            people=people,
        )
        yield from subscribers.look(now)

    def _traffic(
        self,
        reads: Reads | None,
        definitions: Sequence[Definition],
        *,
        priced: Mapping[str, Rates | None] | None,
        now: datetime,
    ) -> Iterator[Datum]:
        """How much of the account's traffic nobody watches: for its owner alone, and nothing where it is not known."""
        if reads is None:
            return
        if priced is None:
            raise UnknownError("what evaluations call is not known")
        unread = traffic.look(self.cloudwatch, reads, priced=priced, asked=_asked(definitions), now=now)
        yield self._datum(catalogue.UNWATCHED_MODELS, len(unread.models), now)
        yield self._datum(catalogue.UNREAD_METRICS, len(unread.metrics), now)

    def _differences(
        self, log_group: str | None, definitions: Sequence[Definition], *, now: datetime
    ) -> Iterator[Datum]:
        """Of the runs through profiles of their own, whether AWS counts what they have counted."""
        deadline = time.monotonic() + _SECONDS_FOR_RUNS
        runs = [
            run
            for definition in definitions
            if _own_profiles(definition)
            for run in self._ran(definition, now, deadline=deadline)
        ]
        sources = reconcile.Sources(self.cloudwatch, self.logs, log_group)
        for evaluation, apart in reconcile.look(runs, sources, now=now):
            yield self._datum(catalogue.METRICS_DIFFER, apart, now, Evaluation=evaluation)

    def _ran(self, definition: Definition, now: datetime, *, deadline: float) -> Iterator[Run]:
        """The runs of the last days, each that has begun.

        Raises:
            UnknownError: there are more than can be read in time; the heartbeat must not wait for them.
        """
        for run in self._runs(definition.evaluation, since=now - reconcile.LOOK_BACK):
            if time.monotonic() >= deadline:
                raise UnknownError(f"more runs in {reconcile.LOOK_BACK} than can be read in {_SECONDS_FOR_RUNS:g} s")
            try:
                yield reconcile.as_run(read_state(self._read(RunLayout(definition.evaluation, run).state)), definition)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") not in MISSING:
                    raise
            except ValueError as error:
                logger.warning("run cannot be read", extra={"run": run, "reason": reason(error)})
                yield reconcile.unreadable_run(run, definition)

    def _definitions(self) -> Iterator[tuple[str, str]]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=DEFINITIONS)
        for page in pages:
            for entry in page.get("Contents", ()):
                key = entry["Key"]
                if key.endswith(".json"):
                    yield key.removeprefix(DEFINITIONS).removesuffix(".json"), key

    def _read(self, key: str) -> bytes:
        for attempt in range(_READS):
            try:
                body: bytes = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            except BotoCoreError:
                # boto3 tries a request again, and not a body that ends too early.
                if attempt == _READS - 1:
                    raise
            else:
                break
        return body

    def _exists(self, key: str) -> bool:
        try:
            self.s3.head_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in MISSING:
                return False
            raise
        return True

    def _datum(self, metric: catalogue.Metric, value: float, now: datetime, **dimensions: str) -> Datum:
        return of_application(metric, value, application=self.application, now=now, **dimensions)


def _as_far_as_it_comes(look: Iterable[Datum], unknown: str) -> Iterator[Datum]:
    """What a look finds until it fails, whatever fails: neither the heartbeat nor another look is to go with it."""
    try:
        yield from look
    except Exception as error:
        logger.error(unknown, extra={"reason": reason(error)})


def _own_profiles(definition: Definition) -> dict[str, Rates | None]:
    """The application inference profiles that an evaluation calls through.

    Plain ids are the whole account's, and so are the profiles of Bedrock's own, by which a judge is always named.
    """
    return {
        metric_id(candidate.invoke_id): candidate.rates
        for candidate in definition.candidates
        if reconcile.OWN_PROFILE in candidate.invoke_id
    }


def _asked(definitions: Sequence[Definition]) -> set[str]:
    """The `ModelId` of everything that evaluations call, by us or by Bedrock's jobs."""
    called = {candidate.invoke_id for definition in definitions for candidate in definition.candidates}
    judges = {definition.job.judge for definition in definitions if isinstance(definition, JobDefinition)}
    return {metric_id(each) for each in (*called, *judges) if each}


def _longest(definition: Definition) -> timedelta:
    """People may take longer over a run than any grace."""
    if isinstance(definition, CustomDefinition):
        return timedelta()
    return longest(definition.job.kind, deadline_hours=definition.job.deadline_hours)
