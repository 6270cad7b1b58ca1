"""Classification: which label an answer gives, whether it is the right one, and the measures of a whole run."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Self

from bedrock_eval.scores.text.unicode_text import is_symbol, joined, position, words


def classification_accuracy(response: str, reference: str, *, labels: Sequence[str] = ()) -> float | None:
    """1 if the answer's label is the reference, else 0; None for an empty reference.

    With `labels` the answer's label is the first of them that stands in it as whole words ("The answer is 2." -> 2),
    the longest where two begin at one place. Without, it is the answer's first words, as many as the reference has,
    symbols before them passed over. Words as in `unicode_text`; a label may have several.

    Source: fmeval, classification_accuracy, whose labels with a capital, with two words or before a full stop never
    match.
    """
    wanted = words(reference)
    if not wanted:
        return None
    if not labels:
        return float(_begins(words(response), wanted))
    found = label_of(response, labels)
    return float(found is not None and words(found) == wanted)


def _begins(given: list[str], wanted: list[str]) -> bool:
    """Whether the words stand first, or behind symbols only: "**B**", "$B$"."""
    start = next((at for at, word in enumerate(given) if word == wanted[0] or not is_symbol(word)), len(given))
    return given[start : start + len(wanted)] == wanted


def label_of(response: str, labels: Sequence[str]) -> str | None:
    """The label that an answer gives: the first that stands in it, None when none does."""
    given = joined(words(response))
    found = [
        (start, -len(sought), index)
        for index, sought in enumerate(map(words, labels))
        if sought and (start := position(sought, given)) is not None
    ]
    return labels[min(found)[2]] if found else None


def check_labels(value: object) -> None:
    """Raise ValueError when this is no list of labels that can be told apart."""
    if not isinstance(value, list | tuple) or not all(isinstance(label, str) for label in value):
        raise ValueError(f"{value!r} is no list of labels; allowed: a list of texts")
    seen: dict[tuple[str, ...], str] = {}
    for label in value:
        key = tuple(words(label))
        if not key:
            raise ValueError(f"{label!r} is no label; allowed: a text that is not blank")
        if key in seen:
            raise ValueError(f"{label!r} and {seen[key]!r} are one label: their words are the same")
        seen[key] = label
    if not seen:
        raise ValueError("the list of labels is empty; allowed: one or more texts")


@dataclass(frozen=True, order=True)
class ConfusionCell:
    """How many cases of one true label were given one label; "" is an answer without any."""

    truth: str
    predicted: str
    count: int


@dataclass(frozen=True)
class Confusion:
    """Counts of true and predicted labels over a run. Those of parts and slices add up, exactly, to those of the whole.

    The classes are the true labels. A measure is None where nothing was counted. Sources: the definitions of
    scikit-learn's balanced_accuracy_score and of its macro-averaged precision and recall; an answer without a label is
    a miss of its class and no class of its own.
    """

    cells: tuple[ConfusionCell, ...] = ()

    @classmethod
    def of(cls, cases: Iterable[tuple[str, str | None]]) -> Self:
        """Count (true label, predicted label or None) of each case."""
        return cls._of(Counter((truth, predicted or "") for truth, predicted in cases))

    @classmethod
    def _of(cls, counts: Counter[tuple[str, str]]) -> Self:
        return cls(tuple(sorted(ConfusionCell(*labels, count) for labels, count in counts.items())))

    def __add__(self, other: "Confusion") -> Self:
        counts: Counter[tuple[str, str]] = Counter()
        for cell in (*self.cells, *other.cells):
            counts[cell.truth, cell.predicted] += cell.count
        return self._of(counts)

    @property
    def n(self) -> int:
        return sum(cell.count for cell in self.cells)

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes, sorted."""
        return tuple(sorted({cell.truth for cell in self.cells}))

    @property
    def accuracy(self) -> float | None:
        """Share of cases whose label was predicted."""
        return sum(map(self._hits, self.labels)) / self.n if self.cells else None

    @property
    def balanced_accuracy(self) -> float | None:
        """Mean of the classes' recalls: the accuracy were every class equally frequent."""
        return _mean([self.recall_of(label) for label in self.labels])

    @property
    def recall(self) -> float | None:
        """The macro-averaged recall, which is the balanced accuracy."""
        return self.balanced_accuracy

    @property
    def precision(self) -> float | None:
        """Mean of the classes' precisions (macro); a class that was never predicted counts as 0."""
        return _mean([self.precision_of(label) or 0.0 for label in self.labels])

    def recall_of(self, label: str) -> float:
        """Share of the class's cases that were predicted as it; 0 for a label that no case has."""
        total = sum(cell.count for cell in self.cells if cell.truth == label)
        return self._hits(label) / total if total else 0.0

    def precision_of(self, label: str) -> float | None:
        """Share of the cases predicted as this class that are of it, None when none was."""
        total = sum(cell.count for cell in self.cells if cell.predicted == label)
        return self._hits(label) / total if total else None

    def _hits(self, label: str) -> int:
        return sum(cell.count for cell in self.cells if cell.truth == cell.predicted == label)


def confusion(answers: Iterable[tuple[str, str]], *, labels: Sequence[str]) -> Confusion:
    """Count a run's (answer, true label) by the label that each answer gives.

    Raises:
        ValueError: the labels are empty or cannot be told apart.
    """
    check_labels(labels)
    names = {tuple(words(label)): label for label in labels}
    return Confusion.of(
        (names.get(tuple(words(truth)), truth), label_of(response, labels)) for response, truth in answers
    )


def _mean(values: Sequence[float]) -> float | None:
    return fsum(values) / len(values) if values else None
