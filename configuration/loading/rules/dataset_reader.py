"""Reads dataset files, each once."""

from dataclasses import dataclass, field

from bedrock_eval.evaluation.cases import Case, DatasetError, read_cases
from bedrock_eval.evaluation.dataset_references import Gaps, gaps_of
from configuration.schema.datasets import DatasetConfig


@dataclass(frozen=True)
class DatasetRead:
    """A dataset file as it was read: its cases, or what is wrong with it."""

    cases: tuple[Case, ...] = ()
    mistakes: tuple[str, ...] = ()

    @property
    def gaps(self) -> Gaps:
        return gaps_of(self.cases)


@dataclass
class DatasetReader:
    """Reads each dataset file once, however many environments use it."""

    _known: dict[str, DatasetRead] = field(default_factory=dict)

    def read(self, dataset: DatasetConfig) -> DatasetRead:
        """The cases of the file, read once."""
        if dataset.source not in self._known:
            self._known[dataset.source] = self._read(dataset)
        return self._known[dataset.source]

    def _read(self, dataset: DatasetConfig) -> DatasetRead:
        try:
            with dataset.file.open("rb") as lines:
                return DatasetRead(tuple(read_cases(lines, source=dataset.source)))
        except DatasetError as error:
            return DatasetRead(mistakes=error.mistakes)
        except FileNotFoundError:
            wrong = f"no such file (expected {dataset.file})"
        except IsADirectoryError:
            wrong = "is a folder; needed: a .jsonl file"
        except (OSError, ValueError) as error:
            wrong = f"cannot be read: {getattr(error, 'strerror', None) or error}"
        return DatasetRead(mistakes=(f"{dataset.source}: {wrong}",))
