"""The dataset of a run, read from S3, with each of its faults turned into the reason why the run fails."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from bedrock_eval.evaluation.cases import Case, DatasetError, EmptyDatasetError, read_cases
from bedrock_eval.evaluation.dataset_references import Gaps, gap
from bedrock_eval.evaluation.definition import Dataset, Definition
from bedrock_eval.runs.estimates import DatasetSize
from bedrock_eval.runs.state import RunFailureReason
from bedrock_eval_runs.errors import RunFailed
from bedrock_eval_runs.store import Version, error_code, object_lines, object_version

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


logger = logging.getLogger(__name__)


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


def measure(s3: Any, definition: Definition, version: Version) -> DatasetSize:
    """Read the whole dataset once before anything is asked, so that a bad last line costs no model call.

    Raises:
        RunFailed: also when no case has the reference that a metric needs.
    """
    size, gaps = DatasetSize(), Gaps()
    for case in dataset_cases(s3, definition.dataset, version):
        size, gaps = size.with_case(case), gaps.with_case(case)
    found = gap(gaps, metrics=definition.metrics, source=definition.dataset.uri)
    if found is not None and found.refused:
        raise RunFailed(RunFailureReason.DATASET_INVALID, found.message)
    if found is not None:
        logger.info("cases without a reference", extra={"evaluation": definition.evaluation, "gap": found.message})
    return size


@contextmanager
def _faults(dataset: Dataset) -> Iterator[None]:
    try:
        yield
    except EmptyDatasetError as error:
        raise RunFailed(RunFailureReason.DATASET_EMPTY, str(error)) from None
    except DatasetError as error:
        raise RunFailed(RunFailureReason.DATASET_INVALID, str(error)) from None
    except ClientError as error:
        reason = _FAULTS.get(error_code(error))
        if reason is None:
            raise
        raise _failed(reason, dataset) from None


def _failed(reason: RunFailureReason, dataset: Dataset) -> RunFailed:
    return RunFailed(reason, f"{dataset.uri}: {_SENTENCES[reason]}")
