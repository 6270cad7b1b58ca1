"""The dataset of a run, read from S3, with each of its faults turned into the reason why the run fails."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from bedrock_eval.cases import Case, DatasetError, read_cases
from bedrock_eval.definition import Dataset
from bedrock_eval.estimates import DatasetSize
from bedrock_eval.runs import RunFailureReason
from custom_evaluator.errors import RunFailed
from custom_evaluator.store import Version, error_code, object_lines, object_version

_FAULTS = {
    **dict.fromkeys(("404", "NoSuchKey", "NoSuchBucket", "NotFound"), RunFailureReason.DATASET_MISSING),
    **dict.fromkeys(("403", "AccessDenied", "Forbidden"), RunFailureReason.DATASET_DENIED),
    **dict.fromkeys(("412", "PreconditionFailed"), RunFailureReason.DATASET_CHANGED),
}
_SENTENCES = {
    RunFailureReason.DATASET_MISSING: "there is no such object",
    RunFailureReason.DATASET_DENIED: "the evaluator may not read it (bucket policy, key policy, or no such object)",
    RunFailureReason.DATASET_CHANGED: "it has changed since the run began; start a new run",
}


def dataset_version(s3: Any, dataset: Dataset, *, expected_etag: str | None) -> Version:
    """The dataset's present version, which must be the one that the run began with.

    Raises:
        RunFailed: missing, denied or changed.
    """
    with _faults(dataset):
        version = object_version(s3, bucket=dataset.bucket, key=dataset.key)
    if expected_etag not in (None, version.etag):
        raise _failed(RunFailureReason.DATASET_CHANGED, dataset)
    return version


def dataset_cases(s3: Any, dataset: Dataset, version: Version) -> Iterator[Case]:
    """The cases, streamed.

    Raises:
        RunFailed: at the first line that is not a case, naming it, or when the object cannot be read.
    """
    with _faults(dataset):
        lines = object_lines(s3, bucket=dataset.bucket, key=dataset.key, version=version)
        yield from read_cases(lines, source=dataset.uri)


def measure(s3: Any, dataset: Dataset, version: Version) -> DatasetSize:
    """Read the whole dataset once before anything is asked, so that a bad last line costs no model call.

    Raises:
        RunFailed: also when there is no case in it.
    """
    size = DatasetSize()
    for case in dataset_cases(s3, dataset, version):
        size = size.with_case(case)
    if not size.cases:
        raise RunFailed(RunFailureReason.DATASET_EMPTY, f"{dataset.uri}: holds no case")
    return size


@contextmanager
def _faults(dataset: Dataset) -> Iterator[None]:
    try:
        yield
    except DatasetError as error:
        raise RunFailed(RunFailureReason.DATASET_INVALID, str(error)) from None
    except ClientError as error:
        reason = _FAULTS.get(error_code(error))
        if reason is None:
            raise
        raise _failed(reason, dataset) from None


def _failed(reason: RunFailureReason, dataset: Dataset) -> RunFailed:
    return RunFailed(reason, f"{dataset.uri}: {_SENTENCES[reason]}")
