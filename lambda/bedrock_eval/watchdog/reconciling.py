"""A run's own counts held against those of AWS/Bedrock and of the invocation log, quantity by quantity."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from bedrock_eval import catalogue
from bedrock_eval.pricing.costs import TOKEN_METRICS
from bedrock_eval.runs.traffic import Traffic

TOLERANCE = 0.02
"""Two counts may be so far apart, as a share of the greater, and always by less than one."""

# Assumption: metrics-arrive-late
SETTLES_AFTER = timedelta(minutes=30)
"""So long after its end a run is not looked at: metrics and records are still on their way."""

COMPARED_FOR = timedelta(hours=25)
"""So long after its end it is looked at every hour; a look gives the same as the one before, or has more data."""

# The last call ends with the run, and its datapoint may carry a later second.
_MARGIN = timedelta(minutes=2)

METRICS, LOG = "AWS/Bedrock", "invocation log"
"""What a run is held against."""

HELD = "counted by the run and by AWS"
"""What the watchdog logs of each quantity, with both numbers."""

HELD_QUERY = f"""filter message = "{HELD}"
| stats latest(percent) as percent_apart, latest(own) as run_counted, latest(found) as source_has,
  latest(run) as newest_run, latest(@timestamp) as last_seen by evaluation, profile, source, quantity
| sort percent_apart desc, evaluation asc
| limit 100"""
"""What the newest runs have counted beside what AWS has, the greatest difference first: for Logs Insights."""

COUNTED: Mapping[str, catalogue.Metric] = MappingProxyType(
    {
        "calls": catalogue.INVOCATIONS,
        "client_errors": catalogue.CLIENT_ERRORS,
        "server_errors": catalogue.SERVER_ERRORS,
        "throttles": catalogue.THROTTLES,
        **TOKEN_METRICS,
    }
)
"""The metric of each quantity."""

# Of the codes that bedrock-runtime documents, those whose HTTP status is 429 or from 500 on: runs count by the status.
_ERRORS_BY_CODE = {
    "ThrottlingException": "throttles",
    "ModelNotReadyException": "throttles",
    "TooManyRequestsException": "throttles",
    "InternalServerException": "server_errors",
    "ServiceUnavailableException": "server_errors",
}


@dataclass(frozen=True)
class Own:
    """What a run counted, as a range: how AWS counts a call that failed late is not settled.

    Attributes:
        high: None: nobody knows how much more it may be.
    """

    low: float
    high: float | None

    def distance(self, found: float) -> float:
        if found < self.low:
            return self.low - found
        return 0.0 if self.high is None else max(0.0, found - self.high)

    def __str__(self) -> str:
        if self.high == self.low:
            return f"{self.low:g}"
        return f"at least {self.low:g}" if self.high is None else f"{self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class Held:
    """One quantity of a run beside what a source has of it."""

    source: str
    quantity: str
    own: Own
    found: float

    @property
    def percent(self) -> float:
        """How far apart, in per cent of the greater."""
        distance = self.own.distance(self.found)
        return 100 * distance / max(self.found, self.own.low, distance) if distance else 0.0

    @property
    def apart(self) -> bool:
        """One call is no difference of two per cent of ten, but it is a difference; less than one is none."""
        return self.own.distance(self.found) >= 1 and self.percent > 100 * TOLERANCE


# Assumption: failed-calls-logged, input-tokens-without-cache
def held(own: Traffic, *, source: str, found: Mapping[str, float]) -> tuple[Held, ...]:
    """Every quantity beside what `found` has of it; what is not there is 0, which is how silence looks."""
    return tuple(Held(source, quantity, _own(own, quantity, source), found.get(quantity, 0.0)) for quantity in COUNTED)


def _own(own: Traffic, quantity: str, source: str) -> Own:
    if quantity == "calls":
        # AWS has described Invocations as all that are taken and as those that succeed; a record has one or the other.
        late = own.taken_and_failed if source == METRICS else 0
        return Own(own.answered, own.answered + late + own.unknown)
    if quantity in TOKEN_METRICS:
        tokens = getattr(own.usage, quantity)
        return Own(tokens, None if own.untold or own.unknown else tokens)
    counted = getattr(own, quantity)
    return Own(counted, counted + own.unknown)


def of_log(rows: Iterable[Mapping[str, str]]) -> dict[str, float]:
    """The quantities in the rows of `log_queries.counts`: answered calls, and failed ones by their code."""
    found: dict[str, float] = {}
    for row in rows:
        code = row.get("error_code")
        if code:
            quantity = _ERRORS_BY_CODE.get(code, "client_errors")
            found[quantity] = found.get(quantity, 0.0) + float(row["calls"])
            continue
        found["calls"] = found.get("calls", 0.0) + float(row["calls"])
        columns = {"input": "input_tokens", "output": "output_tokens"}
        columns |= {"cached": "cache_read_tokens", "written": "cache_write_tokens"}
        for column, quantity in columns.items():
            found[quantity] = found.get(quantity, 0.0) + float(row.get(column) or 0)
    return found


@dataclass(frozen=True)
class Run:
    """A run as far as it matters here.

    Attributes:
        ended: None: it is at work.
        called: the profiles of its own that it calls.
        traffic: by profile; a profile of `called` that is missing here has unknown calls.
    """

    evaluation: str
    run_id: str
    started: datetime
    ended: datetime | None
    called: frozenset[str]
    traffic: Mapping[str, Traffic]

    def overlaps(self, start: datetime, end: datetime) -> bool:
        return self.started <= end and (self.ended is None or self.ended + _MARGIN >= start)


@dataclass(frozen=True)
class Through:
    """All that went through a profile in a time that no other run reaches into."""

    profile: str
    start: datetime
    end: datetime
    own: Traffic


class UnknownError(ValueError):
    """Counts that cannot be held against anything; the message says why."""


def newest(runs: Iterable[Run], *, now: datetime) -> dict[str, Run]:
    """By evaluation, the newest run that has ended, if it is old enough to be looked at, and not too old."""
    ended = [run for run in runs if run.ended is not None and run.called]
    found: dict[str, Run] = {}
    for run in sorted(ended, key=lambda each: str(each.ended)):
        found[run.evaluation] = run
    return {name: run for name, run in found.items() if run.ended and SETTLES_AFTER <= now - run.ended <= COMPARED_FOR}


def through(profile: str, run: Run, runs: Iterable[Run]) -> Through:
    """What a run and all runs at the same time sent through a profile.

    Raises:
        UnknownError: one of them is at work, or its calls are not all counted.
    """
    others = [each for each in runs if profile in each.called]
    start, end = run.started, run.ended or run.started
    members: list[Run] = [run]
    while more := [each for each in others if each not in members and each.overlaps(start, end + _MARGIN)]:
        members += more
        start = min(each.started for each in members)
        end = max(each.ended or each.started for each in members)
    counted = [_exact(each, profile) for each in members]
    own = sum(counted[1:], counted[0])
    return Through(profile, start.replace(second=0, microsecond=0), _next_minute(end + _MARGIN), own)


def _exact(run: Run, profile: str) -> Traffic:
    counted = run.traffic.get(profile)
    if run.ended is None or counted is None or not counted.exact:
        why = "is in progress" if run.ended is None else "has not counted all its calls"
        raise UnknownError(f"run {run.run_id} of {run.evaluation} {why}")
    return counted


def _next_minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
