"""Evaluation jobs as the control plane shows them: created once, under way for a while, ended, deleted.

A job ends when its time is up and somebody looks: nobody can tell the difference, as AWS sends no event either.
"""

import contextvars
import hashlib
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region
from ministack.services import s3

from local.simulator.jobs import flow_definitions, output
from local.simulator.jobs.datasets import dataset_problem
from local.simulator.models import inference_profiles
from local.simulator.models.identifiers import Scope, resolve
from local.simulator.permissions.roles import role_problem
from local.simulator.protocol import service_model
from local.simulator.protocol.errors import ServiceError, invalid
from local.simulator.settings.state import SIMULATOR

MOST_OF_A_PAGE = 5
MOST_JOBS = 5_000
_MOST_DELETED = 25
_ENDED = ("Completed", "Failed", "Stopped")
_AUTOMATIC = ("Builtin.Accuracy", "Builtin.Robustness", "Builtin.Toxicity")
_SHOWN = (
    *("jobName", "jobDescription", "roleArn", "customerEncryptionKeyId", "applicationType"),
    *("evaluationConfig", "inferenceConfig", "outputDataConfig"),
)
_S3_URI = re.compile(r"s3://([^/]+)/?(.*)")


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
    """Start a job from a CreateEvaluationJob request; with a known client token nothing new is started.

    Raises:
        ServiceError: the request does not fit the service model, a documented rule or a quota, or a fault is injected.
    """
    if SIMULATOR.job_refusals:
        code = SIMULATOR.job_refusals.pop(0)
        raise ServiceError(code, f"injected: {code}")
    _check(request)
    token = request.get("clientRequestToken")
    for job in _jobs.values():
        if token and job.request.get("clientRequestToken") == token:
            return _as_job(job)
        if job.name == request["jobName"]:
            raise ServiceError("ConflictException", f"An evaluation job named {job.name} exists already.")
    if len(_jobs) + SIMULATOR.config.evaluation_jobs.others >= MOST_JOBS:
        # In words that do not say which quota it is: AWS's are not known.
        raise ServiceError("ServiceQuotaExceededException", "The number of evaluation jobs exceeds the service quota.")
    now = time.time()
    seed = f"{get_account_id()}{get_region()}{request['jobName']}"
    job = Job(dict(request), hashlib.sha256(seed.encode()).hexdigest()[:12], created=now, changed=now)
    _jobs[job.job_id] = job
    return job


def _as_job(job: Any) -> Job:
    assert isinstance(job, Job)  # noqa: S101 - only jobs are put in
    return job


def _check(request: Mapping[str, Any]) -> None:
    judged = "evaluatorModelConfig" in request.get("evaluationConfig", {}).get("automated", {})
    # The enumeration lacks General, which the user guide's own judge requests use.
    service_model.check("bedrock", "CreateEvaluationJob", _without_general(request) if judged else request)
    config = request["evaluationConfig"]
    models = request["inferenceConfig"].get("models", [])
    if "automated" in config:
        if len(models) > 1:
            raise invalid("An automated evaluation job supports a single model or inference profile.")
        _check_metrics(config["automated"], judged=judged)
    else:
        _check_human(config["human"])
    for model in models:
        if "bedrockModel" in model:
            # Raises what the runtime would answer.
            here = Scope(get_account_id(), get_region())
            resolve(output.source_of(model), scope=here, copied_from=inference_profiles.copied_from)
    if "automated" in config and not judged and _sources(models):
        raise invalid("Inference response data of your own can be evaluated by a judge or by people.")
    for entry in next(iter(config.values()))["datasetMetricConfigs"]:
        _check_dataset(entry["dataset"], sources=_sources(models), human="human" in config)
    problem = _role_problem(request)
    if problem:
        raise invalid(f"The role {request['roleArn']} cannot be used: {problem}")


def _without_general(request: Mapping[str, Any]) -> Mapping[str, Any]:
    copy = deepcopy(dict(request))
    for entry in copy["evaluationConfig"]["automated"].get("datasetMetricConfigs", ()):
        if entry.get("taskType") == "General":
            entry["taskType"] = "Custom"
    return copy


def _check_metrics(automated: Mapping[str, Any], *, judged: bool) -> None:
    own = {
        each["customMetricDefinition"]["name"]
        for each in automated.get("customMetricConfig", {}).get("customMetrics", ())
    }
    for entry in automated["datasetMetricConfigs"]:
        for name in entry["metricNames"]:
            known = name in own or name in output.JUDGED if judged else name in _AUTOMATIC
            if not known:
                raise invalid(f"Metric {name} is not supported for this kind of job.")
        if not judged and entry["taskType"] == "Classification" and "Builtin.Toxicity" in entry["metricNames"]:
            raise invalid("Builtin.Toxicity is not supported for the task type Classification.")
        if not judged and len(entry["metricNames"]) > 3:
            raise ServiceError("ServiceQuotaExceededException", "At most 3 metrics per dataset.")


def _check_human(human: Mapping[str, Any]) -> None:
    flow = flow_definitions.find_by_arn(human["humanWorkflowConfig"]["flowDefinitionArn"])
    if flow is None or flow.status != "Active":
        state = "does not exist" if flow is None else f"is {flow.status}"
        raise invalid(f"The flow definition {human['humanWorkflowConfig']['flowDefinitionArn']} {state}.")
    names = {metric["name"] for metric in human.get("customMetrics", ())}
    for entry in human["datasetMetricConfigs"]:
        unknown = set(entry["metricNames"]) - names
        if unknown:
            raise invalid(f"Metrics {', '.join(sorted(unknown))} are not among the custom metrics.")


def _sources(models: Sequence[Mapping[str, Any]]) -> list[str]:
    """Of the answers that come with the dataset."""
    return [output.source_of(model) for model in models if "precomputedInferenceSource" in model]


def _check_dataset(dataset: Mapping[str, Any], *, sources: Sequence[str], human: bool) -> None:
    location = dataset.get("datasetLocation")
    if location is None:
        if not dataset["name"].startswith("Builtin."):
            raise invalid(f"Dataset {dataset['name']} has no location and is not a built-in one.")
        return
    body = read_object(location["s3Uri"])
    if body is None or not location["s3Uri"].endswith(".jsonl"):
        raise invalid(f"The dataset {location['s3Uri']} does not exist, cannot be read or is no .jsonl file.")
    problem = dataset_problem(body.decode(), sources=sources, human=human)
    if problem:
        raise invalid(f"The dataset {location['s3Uri']} cannot be used: {problem}.")


def _role_problem(request: Mapping[str, Any]) -> str | None:
    """The role must write the output, read each dataset, and give people their tasks."""
    config = next(iter(request["evaluationConfig"].values()))
    locations = [entry["dataset"].get("datasetLocation") for entry in config["datasetMetricConfigs"]]
    wanted = [
        ("s3:PutObject", f"{_object_arn(request['outputDataConfig']['s3Uri'])}x"),
        *_wanted_of_people(request["evaluationConfig"]).items(),
        *(("s3:GetObject", _object_arn(location["s3Uri"])) for location in locations if location),
    ]
    here = f"arn:aws:bedrock:{get_region()}:{get_account_id()}:evaluation-job/x"
    return role_problem(request["roleArn"], source_arn=here, wanted=wanted)


def _object_arn(uri: str) -> str:
    return f"arn:aws:s3:::{'/'.join(split(uri))}"


def _wanted_of_people(config: Mapping[str, Any]) -> dict[str, str]:
    """What the role must be allowed to do so that people get tasks."""
    if "human" not in config:
        return {}
    arn = config["human"]["humanWorkflowConfig"]["flowDefinitionArn"]
    flow = flow_definitions.find_by_arn(arn)
    loop = f"arn:aws:sagemaker:{get_region()}:{get_account_id()}:human-loop/x"
    return {
        "sagemaker:StartHumanLoop": arn,
        "sagemaker:DescribeFlowDefinition": arn,
        **{f"sagemaker:{verb}HumanLoop": loop for verb in ("Describe", "Stop", "Delete")},
        **({"s3:GetObject": flow.output_arn} if flow else {}),
    }


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
        s3._put_object(bucket, root + key, text.encode(), {"content-type": "application/octet-stream"})


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
    """A page of ListEvaluationJobs, newest first: five at most, whatever `maxResults` asks for."""
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


# Whoever counts them asks for a thousand pages, and each would make them anew.
@lru_cache(maxsize=4)
def _of_others(count: int, region: str, account: str) -> tuple[dict[str, Any], ...]:
    """Ended jobs that nobody here has started, the oldest of all."""
    return tuple(
        {
            "jobArn": f"arn:aws:bedrock:{region}:{account}:evaluation-job/{number:012}",
            "jobName": f"somebody-elses-{number}",
            "status": "Completed",
            "jobType": "Automated",
            "creationTime": _timestamp(0),
            "evaluationTaskTypes": ["General"],
            "modelIdentifiers": [],
            "applicationType": "ModelEvaluation",
        }
        for number in range(count)
    )


def split(uri: str) -> tuple[str, str]:
    """Bucket and key of an S3 URI."""
    match = _S3_URI.fullmatch(uri)
    if match is None:
        raise invalid(f"{uri} is not an S3 URI.")
    return match[1], match[2]


def read_object(uri: str) -> bytes | None:
    """An object of the emulator's S3, None when there is none."""
    bucket, key = split(uri)
    body: bytes | None = s3._get_object_data(bucket, key)
    return body


def _timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
