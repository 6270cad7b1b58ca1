"""The dataset of `ops evaluate`, checked before a folder is made or a model asked."""

from pathlib import Path

from bedrock_eval.evaluation.cases import DatasetError, read_cases
from bedrock_eval.evaluation.dataset_references import gap, gaps_of
from bedrock_eval.evaluation.definition import Definition
from ops.errors import OpsError


def check_dataset(given: str, definition: Definition) -> str | None:
    """Read the whole file; what is worth a warning, None where nothing is.

    Args:
        given: its path as the command line has it, and as messages show it.

    Raises:
        OpsError: with every mistake in it, or when no case has the reference that a metric needs.
    """
    path = Path(given)
    if not path.is_file():
        # A pipe could be read once only, and the run reads it again.
        what = "is no file" if path.exists() else "no such file"
        raise OpsError(f"--dataset {given}: {'is a folder' if path.is_dir() else what}; needed: a .jsonl file")
    try:
        with path.open("rb") as lines:
            gaps = gaps_of(read_cases(lines, source=given))
    except DatasetError as error:
        raise OpsError(str(error)) from None
    except OSError as error:
        raise OpsError(f"--dataset {given}: cannot be read: {error.strerror}") from None
    found = gap(gaps, metrics=definition.metrics, source=given)
    if found is not None and found.refused:
        raise OpsError(found.message)
    return None if found is None else found.message
