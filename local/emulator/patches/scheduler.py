"""EventBridge Scheduler.

Stock ministack wakes up every ten seconds, passes ``<aws.scheduler.*>`` on as text, reads every cron and at() as UTC,
accepts expressions that it then never fires, lets a rate wait for its first interval, and drops a delivery that
fails. Scheduler fills in its context attributes, knows time zones, refuses what it cannot read, runs a rate without a
start date at once when it is made, and sends what it could not deliver to the target's dead-letter queue.

Sources: "Adding context attributes", "Schedule types" and "Configuring a dead-letter queue" in its user guide.
"""

import contextvars
import json
import logging
import threading
import time
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ministack.core import responses
from ministack.services import cloudwatch, eventbridge, lambda_svc, scheduler, sqs, stepfunctions

logger = logging.getLogger("scheduler")

Answer = tuple[int, dict[str, str], bytes]
Schedule = dict[str, Any]

_TICK_SECONDS = 0.5
_AT_GRACE_SECONDS = 60.0
_MOMENT_SECONDS = 0.001
_LOCAL_MAX_RETRIES = 2
_RETRY_PAUSE_SECONDS = 1.0
_DELIVERY_SECONDS = 10.0


@dataclass
class Updates:
    """The reading in force: a rate schedule runs at once when it is updated, or it keeps its rhythm."""

    run_at_once: bool = True


UPDATES = Updates()


class DeliveryError(RuntimeError):
    """The target did not take the event."""

    def __init__(self, code: str, message: str, *, again: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.again = again


class ScheduleError(ValueError):
    """Scheduler would refuse the schedule."""


# --- when -----------------------------------------------------------------------------------------------------------


def _zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        raise ScheduleError(f"The time zone '{name}' is not in the IANA database.") from error


def _at_time(expression: str, zone: zoneinfo.ZoneInfo) -> float | None:
    if not (expression.startswith("at(") and expression.endswith(")")):
        return None
    try:
        when = datetime.strptime(expression[3:-1].strip(), "%Y-%m-%dT%H:%M:%S").replace(tzinfo=zone)
    except ValueError as error:
        raise ScheduleError(f"Invalid Schedule Expression {expression}.") from error
    return when.timestamp()


def next_time(schedule: Mapping[str, Any], *, after: float) -> float | None:
    """The first time later than ``after`` (epoch seconds) at which a schedule is due; None when there is none.

    Raises ScheduleError for an expression or time zone that Scheduler does not accept.
    """
    expression, zone = (
        schedule["ScheduleExpression"].strip(),
        _zone(schedule.get("ScheduleExpressionTimezone") or "UTC"),
    )
    once = _at_time(expression, zone)
    if once is not None:
        return once if once > after else None
    interval = eventbridge._parse_rate_seconds(expression)
    if interval is not None:
        # Assumption: rate-schedule-first-run
        made = schedule["LastModificationDate" if UPDATES.run_at_once else "CreationDate"]
        anchor = scheduler._to_epoch(schedule.get("StartDate")) or made
        steps = max(int((after - anchor) // interval) + 1, 0)
        return float(anchor + steps * interval)
    fields = eventbridge._parse_cron_fields(expression)
    if fields is None:
        raise ScheduleError(f"Invalid Schedule Expression {expression}.")
    return _next_cron(fields, after, zone)


def _next_cron(fields: Any, after: float, zone: zoneinfo.ZoneInfo) -> float | None:
    """A local time that does not exist is skipped, and of one that comes twice the first counts."""
    wall = datetime.fromtimestamp(after, zone).replace(fold=0)
    while (due := eventbridge._cron_next_fire(fields, wall)) is not None:
        instant = float(due.replace(fold=0).timestamp())
        if instant > after and datetime.fromtimestamp(instant, zone).replace(tzinfo=None) == due.replace(tzinfo=None):
            return instant
        wall = due
    return None


@dataclass(frozen=True)
class _Plan:
    """The next due time of one version of a schedule (epoch seconds)."""

    version: float
    due: float | None


_plans: dict[tuple[str, str, str], _Plan] = {}
_firing: list[threading.Thread] = []
_ticking = threading.Lock()


def _grace(expression: str) -> float:
    """The seconds before its creation or update in which a schedule may be due: a rate is due at that moment."""
    if expression.startswith("at("):
        return _AT_GRACE_SECONDS
    return _MOMENT_SECONDS if expression.startswith("rate(") else 0.0


def _plan(key: tuple[str, str, str], schedule: Schedule) -> _Plan:
    known = _plans.get(key)
    version = schedule["LastModificationDate"]
    if known is None or known.version != version:
        known = _Plan(version, next_time(schedule, after=version - _grace(schedule["ScheduleExpression"])))
        _plans[key] = known
    return known


# --- delivery -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Firing:
    """One due time of a schedule: ``due`` is epoch seconds."""

    schedule: Schedule
    due: float
    execution_id: str

    @property
    def scheduled_time(self) -> str:
        return datetime.fromtimestamp(self.due, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def payload(self, attempt: int) -> str:
        """The target's input with the context attributes filled in."""
        text: str = self.schedule["Target"].get("Input") or "{}"
        attributes = {
            "schedule-arn": self.schedule["Arn"],
            "scheduled-time": self.scheduled_time,
            "execution-id": self.execution_id,
            "attempt-number": str(attempt),
        }
        for name, value in attributes.items():
            text = text.replace(f"<aws.scheduler.{name}>", value)
        return text


def _deliver(arn: str, payload: str, target: Mapping[str, Any]) -> None:
    service = arn.split(":")[2] if arn.count(":") >= 5 else ""
    if service == "states":
        status, _, body = stepfunctions._start_execution({"stateMachineArn": arn, "input": payload})
        if status >= 400:
            answer = json.loads(body)
            code = str(answer.get("__type", "StateMachineError")).rpartition("#")[2]
            raise DeliveryError(code, str(answer.get("message")), again=status >= 500)
    elif service == "lambda":
        function, config, name = lambda_svc._get_func_record_for_ref(arn)
        if not function or not config:
            raise DeliveryError("ResourceNotFoundException", f"Function not found: {name}")
        lambda_svc.invoke_async_with_retry(
            lambda_svc._execution_record_for_config(function, config), json.loads(payload)
        )
    elif service in {"sqs", "sns", "events"}:
        # These targets exist in ministack's event bus, which reports nothing back.
        eventbridge._invoke_target({**target, "Input": payload}, {"Source": "aws.scheduler", "Detail": "{}"}, {})
    else:
        raise DeliveryError("ValidationException", f"The local emulator cannot deliver to {arn}")


def _count(name: str, schedule: Schedule) -> None:
    cloudwatch.record_metric("AWS/Scheduler", name, 1.0, "Count", {"ScheduleGroup": schedule["GroupName"]})


def _fire(firing: _Firing) -> None:
    target = firing.schedule["Target"]
    policy = target.get("RetryPolicy") or {}
    retries = min(int(policy.get("MaximumRetryAttempts", _LOCAL_MAX_RETRIES)), _LOCAL_MAX_RETRIES)
    for attempt in range(1, retries + 2):
        _count("InvocationAttemptCount", firing.schedule)
        try:
            _deliver(target["Arn"], firing.payload(attempt), target)
        except DeliveryError as error:
            _count("TargetErrorCount", firing.schedule)
            logger.warning("schedule %s: %s: %s", firing.schedule["Name"], error.code, error)
            if error.again and attempt <= retries:
                time.sleep(_RETRY_PAUSE_SECONDS)
                continue
            _give_up(firing, error, attempt)
        return


def _give_up(firing: _Firing, error: DeliveryError, attempt: int) -> None:
    _count("InvocationDroppedCount", firing.schedule)
    arn = (firing.schedule["Target"].get("DeadLetterConfig") or {}).get("Arn")
    queue = sqs._queue_by_arn(arn) if arn else None
    if queue is None:
        if arn:
            _count("InvocationsFailedToBeSentToDeadLetterCount", firing.schedule)
        return
    attributes = {
        "ERROR_CODE": error.code,
        "ERROR_MESSAGE": str(error),
        "EXECUTION_ID": firing.execution_id,
        "SCHEDULE_ARN": firing.schedule["Arn"],
        "SCHEDULED_TIME": firing.scheduled_time,
        "TARGET_ARN": firing.schedule["Target"]["Arn"],
        "RETRY_ATTEMPTS": str(attempt - 1),
        "IS_PAYLOAD_TRUNCATED": "false",
    }
    if error.again:
        attributes["EXHAUSTED_RETRY_CONDITION"] = "MaximumRetryAttempts"
    request = {
        "QueueUrl": queue["url"],
        "MessageBody": firing.payload(attempt),
        "MessageAttributes": {n: {"DataType": "String", "StringValue": v} for n, v in attributes.items()},
    }
    sqs._act_send_message(request, queue["url"])
    _count("InvocationsSentToDeadLetterCount", firing.schedule)


# --- clock ----------------------------------------------------------------------------------------------------------


def _fire_in_scope(account: str, region: str, firing: _Firing) -> None:
    responses._request_account_id.set(account)
    responses._request_region.set(region)
    try:
        _fire(firing)
    except Exception:
        logger.exception("schedule %s", firing.schedule.get("Name"))


def _look_at(key: tuple[str, str, str], schedule: Schedule, now: float) -> None:
    end, start = scheduler._to_epoch(schedule.get("EndDate")), scheduler._to_epoch(schedule.get("StartDate"))
    plan = _plan(key, schedule)
    over = plan.due is None or (end is not None and plan.due > end)
    if over:
        if schedule.get("ActionAfterCompletion") == "DELETE" and end is not None and now > end:
            scheduler._schedules._data.pop(key, None)
        return
    due = plan.due
    if due is None or now < due:
        return
    following = next_time(schedule, after=now)
    _plans[key] = _Plan(plan.version, following)
    if schedule.get("State") != "ENABLED" or (start is not None and due < start):
        return
    firing = _Firing(schedule, due, responses.new_uuid().replace("-", "")[:16])
    # A thread each, because a retry must not hold up the other schedules.
    thread = threading.Thread(
        target=contextvars.copy_context().run, args=(_fire_in_scope, key[0], key[1], firing), daemon=True
    )
    _firing[:] = [*(each for each in _firing if each.is_alive()), thread]
    thread.start()
    if following is None and schedule.get("ActionAfterCompletion") == "DELETE":
        scheduler._schedules._data.pop(key, None)


def _tick() -> None:
    with _ticking:
        now = time.time()
        for key, schedule in list(scheduler._schedules._data.items()):
            try:
                _look_at(key, schedule, now)
            except Exception:
                logger.exception("schedule %s", key)
        for key in [key for key in _plans if key not in scheduler._schedules._data]:
            del _plans[key]


def deliver_what_is_due() -> None:
    """Fire every schedule that is due, and wait until the targets have taken it or the deliveries were given up."""
    _tick()
    for thread in list(_firing):
        thread.join(_DELIVERY_SECONDS)


# --- requests -------------------------------------------------------------------------------------------------------


def check_schedule(schedule: Mapping[str, Any]) -> None:
    """Refuse a schedule that Scheduler refuses. Raises ScheduleError."""
    next_time({"CreationDate": 0.0, "LastModificationDate": 0.0, **schedule}, after=0.0)
    target, window = schedule.get("Target") or {}, schedule.get("FlexibleTimeWindow") or {}
    if window.get("Mode") not in {"OFF", "FLEXIBLE"}:
        raise ScheduleError("FlexibleTimeWindow.Mode must be OFF or FLEXIBLE.")
    if window.get("Mode") == "FLEXIBLE" and not 1 <= int(window.get("MaximumWindowInMinutes") or 0) <= 1440:
        raise ScheduleError("FlexibleTimeWindow.MaximumWindowInMinutes must be from 1 to 1440.")
    policy = target.get("RetryPolicy") or {}
    if not 0 <= int(policy.get("MaximumRetryAttempts", 0)) <= 185:
        raise ScheduleError("RetryPolicy.MaximumRetryAttempts must be from 0 to 185.")
    if not 60 <= int(policy.get("MaximumEventAgeInSeconds", 60)) <= 86_400:
        raise ScheduleError("RetryPolicy.MaximumEventAgeInSeconds must be from 60 to 86400.")


def _checked(stock: Callable[[str, dict[str, Any]], Answer]) -> Callable[[str, dict[str, Any]], Answer]:
    def put(name: str, body: dict[str, Any]) -> Answer:
        if body.get("ScheduleExpression") and body.get("FlexibleTimeWindow") and body.get("Target"):
            try:
                check_schedule(body)
            except ScheduleError as error:
                answer: Answer = scheduler._error(400, "ValidationException", str(error))
                return answer
        return stock(name, body)

    return put


def apply() -> None:
    """Replace the clock, and check schedules before they are stored."""
    scheduler._SCHEDULE_TICK_INTERVAL = _TICK_SECONDS
    scheduler._tick_schedules = _tick
    scheduler._create_schedule = _checked(scheduler._create_schedule)
    scheduler._update_schedule = _checked(scheduler._update_schedule)
