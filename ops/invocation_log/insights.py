"""Logs Insights queries, run to their end over any number of rows."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bedrock_eval.invocation_log.queries import LIMIT, Query, between
from ops.errors import OpsError
from ops.terminal.status_line import StatusLine

Row = Mapping[str, str]

_POLL_SECONDS = 1.0
# Logs Insights itself ends a query after 60 minutes.
_LONGEST_SECONDS = 61 * 60
_LONGEST_UNKNOWN_SECONDS = 60
# More pieces than the rows would need, because calls come unevenly.
_SPARE = 1.5


@dataclass(frozen=True)
class _Result:
    rows: Sequence[Row]
    matched: int


@dataclass(frozen=True)
class Insights:
    """Queries of one log group.

    Args:
        client: boto3's `logs`.
        clock, sleep: in seconds; for tests.
    """

    client: Any
    log_group: str
    status: StatusLine = field(default_factory=StatusLine)
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def rows(self, query: Query, *, start: datetime, end: datetime, name: str) -> list[Row]:
        """All rows of [start, end), of parts of it when the whole has more than one query gives.

        Raises:
            OpsError: the query did not complete, or one second alone holds too many rows.
        """
        return self._rows(query, int(start.timestamp() * 1000), int(end.timestamp() * 1000), name)

    def _rows(self, query: Query, start_ms: int, end_ms: int, name: str) -> list[Row]:
        answer = self._run(between(query, start_ms=start_ms, end_ms=end_ms), start_ms, end_ms, name)
        if len(answer.rows) < LIMIT:
            self._check(query, answer.rows, name)
            return list(answer.rows)
        if not query.adds_up or end_ms - start_ms <= 1000:
            raise OpsError(f"{name}: more than {LIMIT:,} rows that cannot be split by time; narrow it with --model")
        pieces = max(2, math.ceil(answer.matched / LIMIT * _SPARE)) if _rows_are_calls(query) else 2
        pieces = min(pieces, max(2, (end_ms - start_ms) // 1000))
        edges = [start_ms + (end_ms - start_ms) * number // pieces for number in range(pieces + 1)]
        return [row for a, b in pairwise(edges) for row in self._rows(query, a, b, name)]

    def _check(self, query: Query, rows: Sequence[Row], name: str) -> None:
        """Refuse rows of an endpoint that does not know `stats` or `parse`, which gives log events instead."""
        for row in rows:
            missing = [column for column in query.needs if not row.get(column)]
            if missing:
                raise OpsError(
                    f"{name}: a row came back without {', '.join(missing)}; this endpoint does not run the whole "
                    "query, as emulators do. Use --from with exported records"
                )

    def _run(self, text: str, start_ms: int, end_ms: int, name: str) -> _Result:
        query_id = self._call(
            "start_query",
            logGroupName=self.log_group,
            # Whole seconds that hold the range; the query itself cuts to the millisecond.
            startTime=start_ms // 1000,
            endTime=-(-end_ms // 1000),
            queryString=text,
            limit=LIMIT,
        )["queryId"]
        try:
            return self._wait(str(query_id), name)
        except BaseException:
            # A query that nobody waits for still scans, and AWS charges for what it scans.
            self._stop(str(query_id))
            raise

    def _wait(self, query_id: str, name: str) -> _Result:
        began = known_at = self.clock()
        while True:
            result = self._call("get_query_results", queryId=query_id)
            status, now = result["status"], self.clock()
            self._show(_line(name, result, now - began), done=status not in ("Scheduled", "Running", "Unknown"))
            if status == "Complete":
                return self._collect(query_id, result)
            if status in ("Failed", "Cancelled", "Timeout"):
                raise OpsError(f"{name}: the query ended as {status} after {now - began:.0f} s ({_advice(status)})")
            if status != "Unknown":
                known_at = now
            if now - known_at >= _LONGEST_UNKNOWN_SECONDS:
                raise OpsError(
                    f"{name}: the query's status has been Unknown for {_LONGEST_UNKNOWN_SECONDS} s; try again"
                )
            if now - began >= _LONGEST_SECONDS:
                raise OpsError(f"{name}: the query still is {status} after {_LONGEST_SECONDS // 60} minutes")
            self.sleep(_POLL_SECONDS)

    def _collect(self, query_id: str, result: Mapping[str, Any]) -> _Result:
        rows = [_row(each) for each in result["results"]]
        while result.get("nextToken"):
            result = self._call("get_query_results", queryId=query_id, nextToken=result["nextToken"])
            rows += [_row(each) for each in result["results"]]
        return _Result(rows, int((result.get("statistics") or {}).get("recordsMatched") or 0))

    def _call(self, operation: str, **arguments: Any) -> Mapping[str, Any]:
        try:
            answer: Mapping[str, Any] = getattr(self.client, operation)(**arguments)
        except ClientError as error:
            problem = error.response["Error"]
            if problem["Code"] == "ResourceNotFoundException" and operation == "start_query":
                raise OpsError(
                    f"log group {self.log_group} does not exist in this account and Region; the environment "
                    "with owns_account: true creates it, or invocation_logging.log_group names another"
                ) from None
            raise OpsError(
                f"{operation} of {self.log_group}: {problem['Code']}: {problem.get('Message', '')}"
            ) from None
        except BotoCoreError as error:
            raise OpsError(f"{operation} of {self.log_group}: {error}") from None
        return answer

    def _stop(self, query_id: str) -> None:
        try:
            self.client.stop_query(queryId=query_id)
        except (ClientError, BotoCoreError) as error:
            # It has ended by itself, or cannot be reached: the first error is the one to report.
            self._show(f"query {query_id} could not be stopped: {error}", done=True)

    def _show(self, text: str, *, done: bool) -> None:
        """Show how far a query is; where nothing can be written over only its end."""
        if self.status.terminal or done:
            self.status.show(text)
        if done:
            self.status.close()


def _rows_are_calls(query: Query) -> bool:
    return "@timestamp" in query.needs


def _row(fields: Sequence[Mapping[str, str]]) -> Row:
    return {each["field"]: each.get("value", "") for each in fields}


def _line(name: str, result: Mapping[str, Any], seconds: float) -> str:
    statistics = result.get("statistics") or {}
    scanned = f"{statistics.get('recordsScanned') or 0:,.0f} records, {statistics.get('bytesScanned') or 0:,.0f} bytes"
    return f"{name}: {result['status']}, {scanned} scanned, {seconds:.0f} s"


def _advice(status: str) -> str:
    return {
        "Failed": "try again; if it fails again, narrow it with --hours",
        "Cancelled": "someone stopped it",
        "Timeout": "narrow it with --hours or --model",
    }[status]
