"""Rules about dataset files, and the references that metrics need."""

from collections.abc import Iterator

from bedrock_eval.evaluation.dataset_references import gap
from configuration.document.reading import Mistake
from configuration.loading.rules.dataset_reader import DatasetReader
from configuration.loading.rules.parts import EvaluationParts, Parts, of_evaluation


def mistakes(parts: Parts, datasets: DatasetReader) -> Iterator[Mistake]:
    """Files that cannot be read, and metrics whose reference no case has."""
    yield from _files(parts, datasets)
    for name, evaluation in parts.evaluations.items():
        yield from of_evaluation(name, _references(evaluation, parts, datasets, refused=True))


def gaps(parts: Parts, datasets: DatasetReader) -> Iterator[Mistake]:
    """Evaluations of which some cases have no reference: a warning, the other cases are scored."""
    for name, evaluation in parts.evaluations.items():
        yield from of_evaluation(name, _references(evaluation, parts, datasets, refused=False))


def _files(parts: Parts, datasets: DatasetReader) -> Iterator[Mistake]:
    for name, dataset in parts.datasets.items():
        if dataset is None or dataset.is_s3:
            continue
        for wrong in datasets.read(dataset).mistakes:
            yield Mistake(("datasets", name, "source"), wrong)


def _references(
    evaluation: EvaluationParts, parts: Parts, datasets: DatasetReader, *, refused: bool
) -> Iterator[Mistake]:
    """Metrics whose reference no case has, or, not `refused`, only some have not."""
    dataset = parts.datasets.get(evaluation.dataset or "")
    if dataset is None or dataset.is_s3 or not evaluation.custom:
        return
    found = gap(datasets.read(dataset).gaps, metrics=evaluation.metrics, source=dataset.source)
    if found is not None and found.refused is refused:
        yield Mistake(("metrics", evaluation.metrics.index(found.metrics[0])), found.message)
