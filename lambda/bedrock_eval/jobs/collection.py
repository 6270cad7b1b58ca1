"""From the output files of finished jobs to outcomes, the same that the custom evaluator's answers become."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import chain, combinations, count

from bedrock_eval.evaluation.cases import Case, prompt_id
from bedrock_eval.jobs.records import JobRecord, Score, Unread, read_record
from bedrock_eval.results.outcomes import FailureReason, Outcome
from bedrock_eval.results.same_cases import case_hash
from bedrock_eval.results.summary import Agreement

RESULT_ENDING = "_output.jsonl"
_BY_METRIC = "/datasets/"
_KNOWN_STRAYS = ("custom_metrics/",)
_LEFT_OUT = "Bedrock leaves out what it could not answer"


@dataclass
class Collected:
    """What the output of a job held.

    Attributes:
        outcomes: of every case that was asked, an unanswered one as a failed case.
        unread: lines that were not taken, by reason and place.
        strays: files below the job's prefix that hold no results.
        unexpected: metrics that came back without being asked for.
        unasked: places of prompts that the dataset does not hold; each is a case of its own.
        repeated: answers to a prompt that the same candidate had answered already, where nobody knows how often it was
            asked; each is a case of its own.
    """

    outcomes: list[Outcome]
    agreement: tuple[Agreement, ...] = ()
    unread: tuple[Unread, ...] = ()
    strays: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    unasked: tuple[str, ...] = ()
    repeated: int = 0


def result_keys(keys: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Keys below a job's prefix as (files of results, strays); custom metrics and empty folders are neither.

    The user guide (model-evaluation-report-s3) ends their names in `_output.jsonl`, and once calls them
    `<metric>_<dataset>.jsonl`: these are read where there are no others.
    """
    files = sorted(key for key in keys if not key.endswith("/"))
    results = [key for key in files if key.endswith(RESULT_ENDING)]
    results = results or [key for key in files if _BY_METRIC in key and key.endswith(".jsonl")]
    strays = [key for key in files if key not in results and not any(known in key for known in _KNOWN_STRAYS)]
    return tuple(results), tuple(strays)


def read_output(body: bytes, *, source: str) -> Iterator[JobRecord | Unread]:
    """Every record of a file of results, and every line that is none."""
    # At newlines only: an answer may hold other characters that Python takes for the end of a line.
    yield from read_lines(body.decode("utf-8-sig", "replace").split("\n"), source=source)


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
    asked: Sequence[Case] | int | None,
    strays: Sequence[str] = (),
) -> Collected:
    """Outcomes by candidate and case.

    Args:
        candidates: name of each candidate by what the output may call its model: identifier, ARN or source of answers.
            With one candidate every answer is its, whatever it is called.
        asked: the dataset's cases; of one of Bedrock's own only how many; None: only what came back is known.
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
        unasked=tuple(dict.fromkeys(gathering.unasked)),
        repeated=gathering.cases.repeated,
    )


class _Cases:
    """Which case a record is of. A candidate has each case once, or once a metric: the user guide speaks of a file for
    each metric."""

    def __init__(self, asked: Sequence[Case]) -> None:
        self._asked: defaultdict[str, list[Case]] = defaultdict(list)
        self._spaced: defaultdict[str, list[Case]] = defaultdict(list)
        for case in asked:
            self._asked[case.prompt].append(case)
            self._spaced[_spaced(case.prompt)].append(case)
        self._taken: dict[tuple[str, str], set[str]] = {}
        self.repeated = 0

    def asked(self, record: JobRecord) -> Sequence[Case]:
        """The dataset's cases of this prompt. That Bedrock keeps white space as it was is documented nowhere."""
        # Assumption: job-records
        return self._asked.get(record.prompt) or self._spaced.get(_spaced(record.prompt), [])

    def take(self, candidate: str, record: JobRecord, metrics: Set[str]) -> str | None:
        """The id of the next one that has no score of `metrics` yet; None when the dataset does not hold so many.

        Of several cases of one prompt that with the record's reference comes first: the order of the output is
        documented nowhere either.
        """
        known = self.asked(record)
        free = [case for case in known if self._free(candidate, case.id, metrics)]
        if free:
            identifier = next((case for case in free if case.reference == record.reference), free[0]).id
        elif known:
            return None
        else:
            identifier = self._other(candidate, record.prompt, metrics)
        self._taken.setdefault((candidate, identifier), set()).update(metrics)
        return identifier

    def _free(self, candidate: str, identifier: str, metrics: Set[str]) -> bool:
        taken = self._taken.get((candidate, identifier))
        return taken is None or (bool(metrics) and taken.isdisjoint(metrics))

    def _other(self, candidate: str, prompt: str, metrics: Set[str]) -> str:
        base = prompt_id(prompt)
        identifiers = chain([base], (f"{base}#{number}" for number in count(2)))
        identifier = next(each for each in identifiers if self._free(candidate, each, metrics))
        self.repeated += identifier != base
        return identifier


def _spaced(text: str) -> str:
    return " ".join(text.split())


class _Gathering:
    """Records so far, by case id."""

    def __init__(
        self, *, candidates: Mapping[str, str], metrics: Sequence[str], asked: Sequence[Case] | int | None
    ) -> None:
        self._candidates = candidates
        self._names = tuple(dict.fromkeys(candidates.values()))
        self._metrics = frozenset(metrics)
        self._known = not isinstance(asked, int | None)
        self._asked = () if isinstance(asked, int | None) else asked
        self._number = asked if isinstance(asked, int) else len(self._asked)
        self.cases = _Cases(self._asked)
        self._records: dict[tuple[str, str], tuple[JobRecord, dict[str, list[Score]]]] = {}
        self._pairs: Counter[tuple[str, bool]] = Counter()
        self.unread: list[Unread] = []
        self.unexpected: set[str] = set()
        self.unasked: list[str] = []
        self._off_scale: set[str] = set()

    def add(self, record: JobRecord) -> None:
        by_candidate, nobodys = self._by_candidate(record)
        names = self._of(record, by_candidate)
        if nobodys or not names:
            self._refuse(record, "holds answers or scores that are no candidate's")
        compared: set[str] = set()
        for name in names:
            scores: dict[str, list[Score]] = defaultdict(list)
            for score in by_candidate.get(name, ()):
                scores[score.metric].append(score)
            if self._keep(name, record, scores):
                # What one person says of two answers against each other is one rating, not one of each.
                self._count_agreement({metric: given for metric, given in scores.items() if metric not in compared})
                compared |= {metric for metric, given in scores.items() if any(score.compares for score in given)}

    def _by_candidate(self, record: JobRecord) -> tuple[Mapping[str, list[Score]], bool]:
        """The scores that were asked for, and whether some are of no candidate."""
        found: defaultdict[str, list[Score]] = defaultdict(list)
        nobodys = False
        for score in record.scores:
            if score.metric not in self._metrics:
                self.unexpected.add(score.metric)
                continue
            if score.off_scale and score.metric not in self._off_scale:
                # What the other ratings mean is then unknown too, perhaps the opposite.
                self._off_scale.add(score.metric)
                self._refuse(record, f"rates {score.metric} off the scale of 1 to 5: none of its ratings is counted")
            name = self._candidate(score.model, record)
            if name is None:
                nobodys = True
            else:
                found[name].append(score)
        return found, nobodys

    def _keep(self, name: str, record: JobRecord, scores: dict[str, list[Score]]) -> bool:
        """Whether the record is of a case that was asked of the candidate and has no such scores yet."""
        identifier = self.cases.take(name, record, scores.keys())
        if identifier is None:
            self._refuse(record, f"holds a prompt more often than it was asked of {name}")
            return False
        if self._known and not self.cases.asked(record):
            self.unasked.append(record.where)
        self._records.setdefault((name, identifier), (record, {}))[1].update(scores)
        return True

    def _refuse(self, record: JobRecord, reason: str) -> None:
        self.unread.append(Unread(reason, record.where))

    def _of(self, record: JobRecord, scored: Mapping[str, list[Score]]) -> tuple[str, ...]:
        """The candidates that this record is about: those that answered or got a score, or the only one."""
        if len(self._names) == 1:
            return self._names
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

    def _count_agreement(self, scores: Mapping[str, list[Score]]) -> None:
        for metric, given in scores.items():
            for one, other in combinations((score.value for score in given if score.worker is not None), 2):
                if one is not None and other is not None:
                    self._pairs[metric, one == other] += 1

    def agreement(self) -> tuple[Agreement, ...]:
        equal = {metric: self._pairs[metric, True] for metric, _ in list(self._pairs)}
        return tuple(
            Agreement(metric, pairs=equal[metric] + self._pairs[metric, False], equal=equal[metric])
            for metric in sorted(equal.keys() - self._off_scale)
        )

    def outcomes(self) -> Iterator[Outcome]:
        for name in self._names:
            done: set[str] = set()
            for case in self._asked:
                done.add(case.id)
                yield self._outcome(name, case)
            for (candidate, identifier), (record, scores) in self._records.items():
                # Bedrock's own datasets, and a dataset that changed while the job ran.
                if candidate == name and identifier not in done:
                    done.add(identifier)
                    yield self._scored(Case(identifier, record.prompt), name, record, scores)
            for number in range(len(done) + 1, self._number + 1):
                yield _failed(Outcome(f"unknown#{number}", name, ""), f"one of the dataset's prompts; {_LEFT_OUT}")

    def _outcome(self, name: str, case: Case) -> Outcome:
        found = self._records.get((name, case.id))
        if found is None:
            return Outcome.of(
                case,
                candidate=name,
                failure=FailureReason.NO_RESPONSE,
                detail=f"the job's output does not hold this prompt; {_LEFT_OUT}",
            )
        return self._scored(case, name, *found)

    def _scored(self, case: Case, name: str, record: JobRecord, scores: Mapping[str, list[Score]]) -> Outcome:
        answer = next((each.text for each in record.answers if self._candidate(each.model, record) == name), None)
        known = {metric: given for metric, given in scores.items() if metric not in self._off_scale}
        return _scored(case, name, record, known, answer=answer)


def _scored(
    case: Case, candidate: str, record: JobRecord, scores: Mapping[str, list[Score]], *, answer: str | None
) -> Outcome:
    """The record counts, as it is what was asked; the dataset says what the record leaves out."""
    given_all = [score for given in scores.values() for score in given]
    outcome = Outcome(
        case_id=case.id,
        candidate=candidate,
        prompt=record.prompt,
        reference=case.reference if record.reference is None else record.reference,
        category=case.category if record.category is None else record.category,
        cluster=case.cluster,
        response=answer,
        # The dataset's, where it is known: what the output leaves out must not tell two candidates' cases apart.
        case_hash=case_hash(case.id, case.prompt, case.references),
    )
    if all(score.value is None and score.label is None for score in given_all):
        if record.by_people:
            return _failed(outcome, "nobody has rated this answer")
        if answer is None:
            return _failed(outcome, "the job's output holds this prompt with neither an answer nor a score")
    return replace(
        outcome,
        scores={metric: _mean(given) for metric, given in sorted(scores.items())},
        labels=_first((score.metric, score.label) for score in given_all),
        explanations=_first((score.metric, score.explanation) for score in given_all),
    )


def _failed(outcome: Outcome, why: str) -> Outcome:
    return replace(outcome, failure=FailureReason.NO_RESPONSE, detail=why)


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
