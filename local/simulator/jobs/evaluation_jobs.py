"""Evaluation jobs as the control plane shows them: created, in progress for a while, ended, deleted.

A job ends when its time is up and a caller reads it: no caller can see the difference, as AWS sends no event either.
"""

import contextvars
import hashlib
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region

from local.simulator.jobs import output
from local.simulator.jobs.objects import read_object, split, write_object
from local.simulator.jobs.requests import check
from local.simulator.protocol import service_model
from local.simulator.protocol.errors import ServiceError, invalid
from local.simulator.settings.state import SIMULATOR

MOST_OF_A_PAGE = 5
MOST_JOBS = 5_000
_MOST_DELETED = 25
_ENDED = ("Completed", "Failed", "Stopped")
_SHOWN = (
    *("jobName", "jobDescription", "roleArn", "customerEncryptionKeyId", "applicationType"),
    *("evaluationConfig", "inferenceConfig", "outputDataConfig"),
)


@dataclass
class Job:
    """One evaluation job. Times in seconds since the epoch."""

    request: Mapping[str, Any]
    job_id: str
    created: float
    changed: float
    status: str = "InProgress"
    failures: list[str] = field(default_factory=list)

    @property
    def arn(self) -> str:
        return f"arn:aws:bedrock:{get_region()}:{get_account_id()}:evaluation-job/{self.job_id}"

    @property
    def name(self) -> str:
        return str(self.request["jobName"])

    @property
    def human(self) -> bool:
        return "human" in self.request["evaluationConfig"]

    @property
    def judge(self) -> Mapping[str, Any] | None:
        automated = self.request["evaluationConfig"].get("automated", {})
        judge: Mapping[str, Any] | None = automated.get("evaluatorModelConfig")
        return judge

    def to_json(self) -> dict[str, Any]:
        """The members of GetEvaluationJob's answer."""
        return {
            **{key: self.request[key] for key in _SHOWN if key in self.request},
            "jobArn": self.arn,
            "status": self.status,
            "jobType": "Human" if self.human else "Automated",
            "creationTime": _timestamp(self.created),
            "lastModifiedTime": _timestamp(self.changed),
            **({"failureMessages": self.failures} if self.failures else {}),
        }

    def summary(self) -> dict[str, Any]:
        """The members of an entry of ListEvaluationJobs' answer."""
        config = next(iter(self.request["evaluationConfig"].values()))
        models = self.request["inferenceConfig"].get("models", ())
        return {
            "jobArn": self.arn,
            "jobName": self.name,
            "status": self.status,
            "jobType": "Human" if self.human else "Automated",
            "creationTime": _timestamp(self.created),
            "evaluationTaskTypes": [each["taskType"] for each in config["datasetMetricConfigs"]],
            "modelIdentifiers": [output.source_of(model) for model in models],
            "applicationType": self.request.get("applicationType", "ModelEvaluation"),
        }


_jobs: Any = AccountRegionScopedDict()


def reset() -> None:
    """Forget every job."""
    _jobs.clear()


def create(request: Mapping[str, Any]) -> Job:
    """Start a job from a CreateEvaluationJob request; a known client token gives the job that has it.

    Raises:
        ServiceError: the request does not fit the service model, a documented rule or a quota, or a fault is injected.
    """
    if SIMULATOR.job_refusals:
        code = SIMULATOR.job_refusals.pop(0)
        raise ServiceError(code, f"injected: {code}")
    check(request)
    token = request.get("clientRequestToken")
    for job in _jobs.values():
        if token and job.request.get("clientRequestToken") == token:
            return _as_job(job)
        if job.name == request["jobName"]:
            raise ServiceError("ConflictException", f"An evaluation job named {job.name} exists already.")
    if len(_jobs) + SIMULATOR.config.evaluation_jobs.others >= MOST_JOBS:
        # The message does not name the quota: AWS's own words are not known.
        raise ServiceError("ServiceQuotaExceededException", "The number of evaluation jobs exceeds the service quota.")
    now = time.time()
    seed = f"{get_account_id()}{get_region()}{request['jobName']}"
    job = Job(dict(request), hashlib.sha256(seed.encode()).hexdigest()[:12], created=now, changed=now)
    _jobs[job.job_id] = job
    return job


def _as_job(job: Any) -> Job:
    assert isinstance(job, Job)  # noqa: S101 - only jobs are put in
    return job


def find(arn: str) -> Job:
    """The job with this ARN, brought up to date.

    Raises:
        ServiceError: not an ARN, or there is no such job.
    """
    if not arn.startswith("arn:"):
        raise invalid(f"The identifier {arn} is not the ARN of an evaluation job.")
    job = _jobs.get(arn.rpartition("/")[2])
    if job is None or job.arn != arn:
        raise ServiceError("ResourceNotFoundException", f"There is no evaluation job {arn}.")
    return _current(_as_job(job))


def _current(job: Job) -> Job:
    behaviour = SIMULATOR.config.evaluation_jobs
    if job.status == "Stopping":
        _end(job, "Stopped")
    if job.status != "InProgress" or behaviour.never_ends or time.time() < job.created + behaviour.seconds:
        return job
    if behaviour.failure is not None:
        job.failures.append(behaviour.failure)
        _end(job, "Failed")
        return job
    if behaviour.output_seconds:
        # In this account and Region, whose scope a thread does not have by itself.
        late = contextvars.copy_context().run
        timer = threading.Timer(behaviour.output_seconds, late, args=(_write_output, job, behaviour.output_folder))
        timer.daemon = True
        timer.start()
    else:
        _write_output(job, behaviour.output_folder)
    _end(job, "Completed")
    return job


def _end(job: Job, status: str) -> None:
    job.status, job.changed = status, time.time()


def _write_output(job: Job, folder: str) -> None:
    bucket, prefix = split(job.request["outputDataConfig"]["s3Uri"])
    root = f"{prefix.rstrip('/')}/{folder.replace('{name}', job.name).replace('{id}', job.job_id)}".lstrip("/")
    for key, text in output.files(job, datasets=_datasets(job)):
        write_object(bucket, key=root + key, body=text.encode())


def _datasets(job: Job) -> Iterator[tuple[Mapping[str, Any], str]]:
    config = next(iter(job.request["evaluationConfig"].values()))
    for entry in config["datasetMetricConfigs"]:
        location = entry["dataset"].get("datasetLocation")
        body = read_object(location["s3Uri"]) if location else None
        yield entry, "" if body is None else body.decode()


def stop(arn: str) -> None:
    """Ask a job to stop.

    Raises:
        ServiceError: ConflictException when it has ended.
    """
    _refuse(SIMULATOR.config.evaluation_jobs.stop_refusal)
    job = find(arn)
    if job.status != "InProgress":
        raise ServiceError("ConflictException", f"The job {arn} is {job.status}; only one in progress can be stopped.")
    job.status, job.changed = "Stopping", time.time()


def _refuse(code: str | None) -> None:
    if code is not None:
        raise ServiceError(code, f"injected: {code}")


def batch_delete(request: Mapping[str, Any]) -> dict[str, Any]:
    """Delete ended jobs; those that cannot be deleted are listed as errors."""
    _refuse(SIMULATOR.config.evaluation_jobs.delete_refusal)
    service_model.check("bedrock", "BatchDeleteEvaluationJob", request)
    identifiers = request["jobIdentifiers"]
    if len(identifiers) > _MOST_DELETED:
        raise invalid(f"At most {_MOST_DELETED} jobs can be deleted at once.")
    errors, deleted = [], []
    for arn in identifiers:
        try:
            job = find(arn)
        except ServiceError as error:
            errors.append({"jobIdentifier": arn, "code": error.code, "message": error.message})
            continue
        if job.status not in _ENDED:
            errors.append({"jobIdentifier": arn, "code": "ConflictException", "message": f"The job is {job.status}."})
            continue
        del _jobs[job.job_id]
        deleted.append({"jobIdentifier": arn, "jobStatus": "Deleting"})
    return {"errors": errors, "evaluationJobs": deleted}


def page(query: Mapping[str, str]) -> dict[str, Any]:
    """A page of ListEvaluationJobs, newest first: five at most, even if `maxResults` is larger."""
    try:
        start = int(query.get("nextToken", "0"))
    except ValueError:
        raise invalid("nextToken must be one that an earlier answer gave.") from None
    own = sorted((_current(_as_job(job)) for job in list(_jobs.values())), key=lambda job: -job.created)
    others = _of_others(SIMULATOR.config.evaluation_jobs.others, get_region(), get_account_id())
    found = [*(job.summary() for job in own), *others]
    found = [
        job
        for job in found
        if query.get("nameContains", "") in job["jobName"] and query.get("statusEquals", job["status"]) == job["status"]
    ]
    if query.get("sortOrder") == "Ascending":
        found.reverse()
    more = {"nextToken": str(start + MOST_OF_A_PAGE)} if start + MOST_OF_A_PAGE < len(found) else {}
    return {"jobSummaries": found[start : start + MOST_OF_A_PAGE], **more}


# A caller that counts them reads a thousand pages, and each page would make them again.
@lru_cache(maxsize=4)
def _of_others(count: int, region: str, account: str) -> tuple[dict[str, Any], ...]:
    """Ended jobs of other users of the account, the oldest of all."""
    return tuple(
        {
            "jobArn": f"arn:aws:bedrock:{region}:{account}:evaluation-job/{number:012}",
            "jobName": f"other-{number}",
            "status": "Completed",
            "jobType": "Automated",
            "creationTime": _timestamp(0),
            "evaluationTaskTypes": ["General"],
            "modelIdentifiers": [],
            "applicationType": "ModelEvaluation",
        }
        for number in range(count)
    )


def _timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
