"""The control plane's edge: each call, and what its errors mean for a run."""

import logging
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from bedrock_eval.jobs.progress import JobStatus, known_status
from bedrock_eval.runs.state import RunFailureReason
from bedrock_eval.sdk import UnknownFieldError
from bedrock_eval_runs.errors import RunFailed
from bedrock_eval_runs.transient import passes

_MOST_DELETED = 25
MOST_JOBS = 5_000
"""Evaluation jobs in an account and a Region, ended ones too (endpoints and quotas of Bedrock: not adjustable)."""
_COUNT_SECONDS = 300.0
_AT_ONCE = re.compile(r"concurren|in progress|running|at a time|at once|simultan", re.IGNORECASE)
_IN_ALL = re.compile(r"\b5,?000\b")
_AGED = {"jobArn", "creationTime"}
_FULL = "ServiceQuotaExceededException"
_DELETABLE = (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.STOPPED)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Seen:
    """A job as Bedrock shows it."""

    status: JobStatus
    message: str | None = None


@dataclass(frozen=True)
class Pruned:
    """What came of deleting old jobs: how many are gone, and each that is not with the reason."""

    deleted: int = 0
    refused: tuple[str, ...] = ()


class NotNowError(Exception):
    """The service refuses for the moment; asking again later may do."""


class NoRoomError(NotNowError):
    """A quota is full, and has room again when a job ends."""


@contextmanager
def _asking() -> Iterator[None]:
    """Turns whatever is raised into one of two: it passes (NotNowError), or it stays (RunFailed).

    An answer that cannot be read, by boto3 or by us, passes: a job's name and token make asking again safe, and the
    run's deadline ends it.
    """
    try:
        yield
    except RunFailed:
        raise
    except (ParamValidationError, UnknownFieldError) as error:
        raise RunFailed(RunFailureReason.JOB_REFUSED, str(error)) from None
    except ClientError as error:
        # A quota that is full for good does not come as far as this.
        if _code(error) == _FULL:
            raise NoRoomError(_sentence(error)) from None
        if passes(error):
            raise NotNowError(_sentence(error)) from None
        raise RunFailed(RunFailureReason.JOB_REFUSED, _sentence(error)) from None
    except Exception as error:
        # botocore's parsers raise what they like of a body that is none of the service's.
        raise NotNowError(f"{type(error).__name__}: {error}") from None


@dataclass(frozen=True)
class Control:
    """Evaluation jobs of this account and Region."""

    client: Any
    clock: Callable[[], float] = time.monotonic

    def create(self, request: dict[str, Any], *, room_comes: bool) -> str | None:
        """Start a job; the ARN, also of the one that an earlier call with this name and token has started.

        None: it was accepted and its ARN not told; `find` may. AWS says that a repeated request is ignored without an
        error, and not what it answers.

        Args:
            room_comes: a job of the run is under way, so that a full quota is no reason to give up.

        Raises:
            NotNowError: throttled, at a quota, or trouble of the service.
            RunFailed: refused for good.
        """
        with _asking():
            try:
                answer = self._create_with_room(request, room_comes=room_comes)
            except ClientError as error:
                if _code(error) != "ConflictException":
                    raise
                known = self._listed(request["jobName"])
                # An earlier call started it and its answer was lost, past the token's life.
                if known is None:
                    raise
                return known
            # Assumption: create-job-repeat
            arn: str | None = answer.get("jobArn")
            return arn

    def find(self, name: str) -> str | None:
        """The ARN of the job that has the name; None while Bedrock lists none.

        Raises:
            RunFailed: refused for good.
        """
        try:
            with _asking():
                return self._listed(name)
        except NotNowError as error:
            logger.warning("job not found yet", extra={"job": name, "reason": str(error)})
            return None

    def _create_with_room(self, request: dict[str, Any], *, room_comes: bool) -> dict[str, Any]:
        """Ask for a job; a full quota stays a ClientError while the end of a running job can make room.

        Raises:
            ClientError: refused.
            RunFailed: the account has as many jobs as it may, or a quota is full and no job runs.
        """
        try:
            created: dict[str, Any] = self.client.create_evaluation_job(**request)
        except ClientError as error:
            if _code(error) == _FULL and self._account_is_full(error):
                message = (
                    f"{_sentence(error)} (the account has {MOST_JOBS:,} evaluation jobs, its quota: delete old ones)"
                )
                raise RunFailed(RunFailureReason.JOB_REFUSED, message) from None
            if _code(error) != _FULL or room_comes or self._others_run():
                raise
        else:
            return created
        # The last job may have ended between the two questions: a second refusal is no matter of waiting.
        try:
            created = self.client.create_evaluation_job(**request)
        except ClientError as error:
            if _code(error) != _FULL:
                raise
            message = f"{_sentence(error)} (no job is in progress; delete old jobs)"
            raise RunFailed(RunFailureReason.JOB_REFUSED, message) from None
        return created

    def _account_is_full(self, error: ClientError) -> bool:
        """Whether the quota is that of all jobs, whatever runs, by its words or else by counting.

        False where neither tells: it is waited for. A page has five jobs, so that counting may take too long.
        """
        told = str(error.response.get("Error", {}).get("Message", ""))
        if _IN_ALL.findall(told) or _AT_ONCE.findall(told):
            return bool(_IN_ALL.findall(told))
        until = self.clock() + _COUNT_SECONDS
        try:
            for number, _ in enumerate(self._list(), start=1):
                if number >= MOST_JOBS:
                    return True
                if self.clock() > until:
                    logger.warning("jobs not counted to the end", extra={"counted": number})
                    return False
        except ClientError as trouble:
            logger.warning("jobs not counted", extra={"reason": _sentence(trouble)})
        return False

    def _others_run(self) -> bool:
        """Whether a job's end can make room.

        One code stands for two quotas: of jobs that run at once, and of all that exist, which waiting does not mend.
        """
        try:
            return any(any(self._list(status=status)) for status in JobStatus if status.under_way)
        except ClientError as error:
            # Not known: the quota stays the reason that is told, and is waited for.
            logger.warning("jobs not listed", extra={"reason": _sentence(error)})
            return True

    def _listed(self, name: str) -> str | None:
        return next((job["jobArn"] for job in self._list(containing=name) if _is(job, name)), None)

    def look(self, arn: str) -> Seen | None:
        """The job's state; None when the service does not tell for the moment, or tells what is not known here.

        Raises:
            RunFailed: refused for good.
        """
        try:
            with _asking():
                try:
                    job = self.client.get_evaluation_job(jobIdentifier=arn)
                except ClientError as error:
                    if _code(error) != "ResourceNotFoundException":
                        raise
                    return Seen(JobStatus.DELETING, "the job has been deleted")
        except NotNowError as error:
            logger.warning("job not seen", extra={"job": arn, "reason": str(error)})
            return None
        told = str(job.get("status"))
        status = known_status(told)
        if status is None:
            logger.warning("state of a job is unknown", extra={"job": arn, "status": told})
            return None
        return Seen(status, "; ".join(map(str, job.get("failureMessages") or ())) or None)

    def stop(self, arn: str) -> str | None:
        """Ask a job to stop; None: it does, or has ended meanwhile. Else why it does not for now.

        Raises:
            RunFailed: refused for good.
        """
        try:
            with _asking():
                try:
                    # Assumption: jobs-tags
                    self.client.stop_evaluation_job(jobIdentifier=arn)
                except ClientError as error:
                    if _code(error) not in ("ConflictException", "ResourceNotFoundException"):
                        raise
                    seen = self.look(arn)
                    if seen is not None and seen.status is JobStatus.IN_PROGRESS:
                        return _sentence(error)
        except NotNowError as error:
            logger.warning("job not stopped", extra={"job": arn, "reason": str(error)})
            return str(error)
        return None

    def prune(self, *, containing: str, keep: int) -> Pruned:
        """Delete all but the newest `keep` ended jobs whose name holds a text; what is refused is told, not raised.

        One whose age or ARN the list does not tell stays.
        """
        try:
            with _asking():
                listed = list(self._list(containing=containing))
        except (NotNowError, RunFailed) as error:
            return Pruned(refused=(f"no job can be listed: {error}",))
        ended = [job for job in listed if job.get("status") in _DELETABLE and set(job) >= _AGED]
        old = [str(job["jobArn"]) for job in sorted(ended, key=lambda job: job["creationTime"], reverse=True)[keep:]]
        found = [self._deleted(old[start : start + _MOST_DELETED]) for start in range(0, len(old), _MOST_DELETED)]
        return Pruned(sum(each.deleted for each in found), tuple(why for each in found for why in each.refused))

    def _deleted(self, arns: Sequence[str]) -> Pruned:
        try:
            with _asking():
                # Assumption: jobs-tags
                answer = self.client.batch_delete_evaluation_job(jobIdentifiers=list(arns))
        except (NotNowError, RunFailed) as error:
            return Pruned(refused=tuple(f"{arn}: {error}" for arn in arns))
        refused = (error for error in answer.get("errors") or () if error.get("code") != "ResourceNotFoundException")
        return Pruned(
            len(answer.get("evaluationJobs") or ()),
            tuple(
                f"{error.get('jobIdentifier')}: {error.get('code')}: {error.get('message', '')}" for error in refused
            ),
        )

    def _list(self, *, containing: str | None = None, status: JobStatus | None = None) -> Iterator[dict[str, Any]]:
        """A page has five entries whatever is asked for."""
        asked = {"nameContains": containing, "statusEquals": status}
        pages = self.client.get_paginator("list_evaluation_jobs").paginate(
            **{name: value for name, value in asked.items() if value is not None}
        )
        for page in pages:
            yield from page.get("jobSummaries") or ()


def _is(job: dict[str, Any], name: str) -> bool:
    return job.get("jobName") == name and bool(job.get("jobArn"))


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _sentence(error: ClientError) -> str:
    return f"{_code(error)}: {error.response.get('Error', {}).get('Message', '')}"
