"""From the output files of finished jobs to outcomes, the same that the custom evaluator's answers become."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from bedrock_eval.cases import Case, prompt_id
from bedrock_eval.jobs.records import JobRecord, Score, Unread, read_record
from bedrock_eval.outcomes import FailureReason, Outcome
from bedrock_eval.summary import Agreement

RESULT_ENDING = "_output.jsonl"
_KNOWN_STRAYS = ("custom_metrics/",)


@dataclass
class Collected:
    """What the output of a job held.

    Attributes:
        outcomes: of every case that was asked, an unanswered one as a failed case.
        unread: lines that were not taken, by reason and place.
        strays: files below the job's prefix that hold no results.
        unexpected: metrics that came back without being asked for.
    """

    outcomes: list[Outcome]
    agreement: tuple[Agreement, ...] = ()
    unread: tuple[Unread, ...] = ()
    strays: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()


def result_keys(keys: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Keys below a job's prefix as (files of results, strays); custom metrics and empty folders are neither."""
    results, strays = [], []
    for key in sorted(keys):
        if key.endswith(RESULT_ENDING):
            results.append(key)
        elif not key.endswith("/") and not any(known in key for known in _KNOWN_STRAYS):
            strays.append(key)
    return tuple(results), tuple(strays)


def read_output(body: bytes, *, source: str) -> Iterator[JobRecord | Unread]:
    """Every record of a file of results, and every line that is none."""
    # At newlines only: an answer may hold other characters that Python takes for the end of a line.
    yield from read_lines(body.decode("utf-8", "replace").split("\n"), source=source)


def read_lines(lines: Iterable[str], *, source: str) -> Iterator[JobRecord | Unread]:
    """Every record among some lines, and every line that is none."""
    for number, line in enumerate(lines, start=1):
        found = read_record(line, where=f"{source}:{number}")
        if found is not None:
            yield found


def collect(
    records: Iterable[JobRecord | Unread],
    *,
    candidates: Mapping[str, str],
    metrics: Sequence[str],
    asked: Sequence[Case] | None,
    strays: Sequence[str] = (),
) -> Collected:
    """Outcomes by candidate and case.

    Args:
        candidates: name of each candidate by what the output may call its model: identifier, ARN or source of answers.
            With one candidate every answer is its, whatever it is called.
        asked: the dataset's cases, None for one of Bedrock's own: then only what came back is known.
    """
    gathering = _Gathering(candidates=candidates, metrics=metrics, asked=asked)
    for record in records:
        if isinstance(record, Unread):
            gathering.unread.append(record)
        else:
            gathering.add(record)
    return Collected(
        outcomes=list(gathering.outcomes()),
        agreement=gathering.agreement(),
        unread=tuple(gathering.unread),
        strays=tuple(strays),
        unexpected=tuple(sorted(gathering.unexpected)),
    )


class _Gathering:
    """Records so far, by case id."""

    def __init__(self, *, candidates: Mapping[str, str], metrics: Sequence[str], asked: Sequence[Case] | None) -> None:
        self._candidates = candidates
        self._names = tuple(dict.fromkeys(candidates.values()))
        self._metrics = frozenset(metrics)
        self._asked = asked
        self._ids: defaultdict[str, list[str]] = defaultdict(list)
        for case in asked or ():
            self._ids[case.prompt].append(case.id)
        self._seen: Counter[tuple[str, str]] = Counter()
        self._records: dict[tuple[str, str], tuple[JobRecord, dict[str, list[Score]]]] = {}
        self._pairs: Counter[tuple[str, bool]] = Counter()
        self.unread: list[Unread] = []
        self.unexpected: set[str] = set()

    def add(self, record: JobRecord) -> None:
        by_candidate: defaultdict[str, list[Score]] = defaultdict(list)
        for score in record.scores:
            if score.metric not in self._metrics:
                self.unexpected.add(score.metric)
                continue
            name = self._candidate(score.model, record)
            if name is not None:
                by_candidate[name].append(score)
        compared: set[str] = set()
        for name in self._of(record, by_candidate):
            identifier = self._case_id(name, record.prompt)
            if identifier is None:
                self.unread.append(Unread(f"holds a prompt more often than it was asked of {name}", record.where))
                continue
            scores: dict[str, list[Score]] = defaultdict(list)
            for score in by_candidate.get(name, ()):
                scores[score.metric].append(score)
            self._records.setdefault((name, identifier), (record, scores))
            # What one person says of two answers against each other is one rating, not one of each.
            self._count_agreement({metric: given for metric, given in scores.items() if metric not in compared})
            compared |= {metric for metric, given in scores.items() if any(score.compares for score in given)}

    def _of(self, record: JobRecord, scored: Mapping[str, list[Score]]) -> tuple[str, ...]:
        """The candidates that this record is about: those that answered or got a score."""
        answered = {self._candidate(answer.model, record) for answer in record.answers}
        return tuple(name for name in self._names if name in answered or name in scored)

    def _candidate(self, model: str | None, record: JobRecord) -> str | None:
        if len(self._names) == 1:
            return self._names[0]
        if model is None and len(record.answers) == 1:
            model = record.answers[0].model
        if model is None:
            return None
        return self._candidates.get(model) or self._candidates.get(model.rpartition("/")[2])

    def _case_id(self, name: str, prompt: str) -> str | None:
        """The n-th record of a prompt is the n-th case with that prompt; None when there are not so many."""
        number = self._seen[name, prompt]
        self._seen[name, prompt] += 1
        known = self._ids.get(prompt, ())
        if known:
            return known[number] if number < len(known) else None
        base = prompt_id(prompt)
        return base if number == 0 else f"{base}#{number + 1}"

    def _count_agreement(self, scores: Mapping[str, list[Score]]) -> None:
        for metric, given in scores.items():
            for one, other in combinations((score.value for score in given if score.worker is not None), 2):
                if one is not None and other is not None:
                    self._pairs[metric, one == other] += 1

    def agreement(self) -> tuple[Agreement, ...]:
        equal = {metric: self._pairs[metric, True] for metric, _ in list(self._pairs)}
        return tuple(
            Agreement(metric, pairs=equal[metric] + self._pairs[metric, False], equal=equal[metric])
            for metric in sorted(equal)
        )

    def outcomes(self) -> Iterator[Outcome]:
        for name in self._names:
            done: set[str] = set()
            for case in self._asked or ():
                done.add(case.id)
                yield self._outcome(name, case)
            for (candidate, identifier), (record, scores) in self._records.items():
                # Bedrock's own datasets, and a dataset that changed while the job ran.
                if candidate == name and identifier not in done:
                    yield self._scored(name, identifier, record, scores, cluster=None)

    def _outcome(self, name: str, case: Case) -> Outcome:
        found = self._records.get((name, case.id))
        if found is None:
            return Outcome.of(
                case,
                candidate=name,
                failure=FailureReason.NO_RESPONSE,
                detail="the job's output does not hold this prompt: Bedrock leaves out what it could not answer",
            )
        return self._scored(name, case.id, *found, cluster=case.cluster)

    def _scored(
        self,
        name: str,
        identifier: str,
        record: JobRecord,
        scores: Mapping[str, list[Score]],
        *,
        cluster: str | None,
    ) -> Outcome:
        answer = next((each for each in record.answers if self._candidate(each.model, record) == name), None)
        given_all = [score for given in scores.values() for score in given]
        return Outcome(
            case_id=identifier,
            candidate=name,
            prompt=record.prompt,
            reference=record.reference,
            category=record.category,
            cluster=cluster,
            response=answer.text if answer is not None else None,
            scores={metric: _mean(given) for metric, given in sorted(scores.items())},
            labels=_first((score.metric, score.label) for score in given_all),
            explanations=_first((score.metric, score.explanation) for score in given_all),
        )


def _first(found: Iterable[tuple[str, str | None]]) -> Mapping[str, str] | None:
    """The first text of each metric; None where there is none at all."""
    texts: dict[str, str] = {}
    for metric, text in found:
        if text is not None:
            texts.setdefault(metric, text)
    return texts or None


def _mean(scores: Sequence[Score]) -> float | None:
    """Of several people's ratings; None where nobody gave a number."""
    values = [score.value for score in scores if score.value is not None]
    return sum(values) / len(values) if values else None
