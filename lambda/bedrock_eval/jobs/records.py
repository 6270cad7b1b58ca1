"""One line of a job's output, in every shape that Bedrock has been seen to write.

Sources: Bedrock user guide, model-evaluation-report-s3 (two spellings of names and keys, list or object); SageMaker
developer guide, clarify-foundation-model-evaluate-results-human (texts as objects, `text` for `response`); records of
public projects: integers, nulls, values above 1, answers that stand twice, retrieval jobs with turns.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bedrock_eval.scores.job_measures import RatingMethod, canonical

_METHODS = {method.casefold(): method for method in RatingMethod}
_LIKERT_STEPS = 5
_LARGEST = 2.0**360
"""Source: API reference of Amazon CloudWatch, MetricDatum."""


@dataclass(frozen=True)
class Answer:
    """What a model answered, None where the record does not hold it; `model` is its identifier, or the ARN called."""

    model: str | None
    text: str | None


@dataclass(frozen=True)
class Score:
    """One score of one answer.

    Attributes:
        model: None when the record has a single answer and does not say whose.
        value: None when Bedrock gave none, or a text (then in `label`).
        worker: a number within the record, in the place of the person's identity, which is dropped.
        off_scale: the rating is on another scale than the one that is known.
    """

    metric: str
    value: float | None
    model: str | None = None
    label: str | None = None
    explanation: str | None = None
    method: RatingMethod | None = None
    worker: int | None = None
    off_scale: bool = False

    @property
    def compares(self) -> bool:
        """Whether it says how two answers stand to each other."""
        return self.method is not None and self.method.compares


@dataclass(frozen=True)
class JobRecord:
    """One prompt with its answers and their scores. `where`: file and line."""

    prompt: str
    reference: str | None
    category: str | None
    answers: tuple[Answer, ...]
    scores: tuple[Score, ...]
    where: str
    by_people: bool = False


@dataclass(frozen=True)
class Unread:
    """A line that is no record, and why."""

    reason: str
    where: str


def read_record(line: str, *, where: str) -> JobRecord | Unread | None:
    """Read one line of an output file; None for a blank one."""
    if not line.strip():
        return None
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return Unread("not JSON", where)
    if not isinstance(value, dict):
        return Unread("not a JSON object", where)
    return _turns(value, where) if "conversationTurns" in value else _scored(value, where)


def _scored(value: Mapping[str, Any], where: str) -> JobRecord | Unread:
    if "automatedEvaluationResult" in value:
        scores = tuple(_automatic_scores(value["automatedEvaluationResult"]))
    elif "humanEvaluationResult" in value:
        if _names_a_model_twice(value["humanEvaluationResult"]):
            return Unread("names two answers of one model, so the ratings cannot be assigned to answers", where)
        scores = tuple(_human_scores(value["humanEvaluationResult"]))
    else:
        return Unread("holds no automatedEvaluationResult, humanEvaluationResult or conversationTurns", where)
    source = _object(value.get("inputRecord"))
    prompt = _words(source.get("prompt"))
    if prompt is None:
        return Unread("inputRecord holds no prompt", where)
    return JobRecord(
        prompt=prompt,
        reference=_words(source.get("referenceResponse")),
        category=_text(source.get("category")),
        answers=_answers(value, source),
        scores=scores,
        where=where,
        by_people="automatedEvaluationResult" not in value,
    )


def _answers(value: Mapping[str, Any], source: Mapping[str, Any]) -> tuple[Answer, ...]:
    """Answers of one's own stand in the input record and again at the top: one place is enough."""
    listed = _objects(value.get("modelResponses")) or _objects(source.get("modelResponses"))
    found = (
        Answer(_text(each.get("modelIdentifier")), _text(each.get("response", each.get("text")))) for each in listed
    )
    return tuple(dict.fromkeys(found))


def _automatic_scores(result: Any) -> Iterator[Score]:
    for holder in _objects(result):
        for each in _objects(holder.get("scores")):
            yield from _score(each)


def _score(each: Mapping[str, Any]) -> Iterator[Score]:
    name = _text(each.get("metricName"))
    if name is None:
        return
    details = _objects(each.get("evaluatorDetails"))
    explanation = next((text for text in (_text(detail.get("explanation")) for detail in details) if text), None)
    result = each.get("result")
    value = _number(result)
    yield Score(
        canonical(name),
        value,
        model=_text(each.get("modelIdentifier")),
        label=result if value is None and isinstance(result, str) else None,
        explanation=explanation,
    )


def _turns(value: Mapping[str, Any], where: str) -> JobRecord | Unread:
    """A record of a retrieval job; its turns are read as one case, as such jobs have one."""
    turns = _objects(value["conversationTurns"])
    if not turns:
        return Unread("conversationTurns is empty", where)
    source = _object(turns[0].get("inputRecord"))
    prompt = _content(source.get("prompt"))
    if prompt is None:
        return Unread("inputRecord holds no prompt", where)
    outputs = [_object(turn.get("output")) for turn in turns]
    references = _objects(source.get("referenceResponses"))
    return JobRecord(
        prompt=prompt,
        reference=_content(references[0]) if references else None,
        category=_text(source.get("category")),
        answers=tuple(
            Answer(
                _text(output.get("modelIdentifier")) or _text(output.get("knowledgeBaseIdentifier")),
                _text(output.get("text")),
            )
            for output in outputs
            if output
        ),
        scores=tuple(score for turn in turns for each in _objects(turn.get("results")) for score in _score(each)),
        where=where,
    )


def _names_a_model_twice(result: Any) -> bool:
    named = [list(_object(task.get("modelResponseIdMap")).values()) for task in _objects(result)]
    return any(models.count(model) > 1 for models in named for model in models)


def _human_scores(result: Any) -> Iterator[Score]:
    for task in _objects(result):
        models = {key: _text(name) for key, name in _object(task.get("modelResponseIdMap")).items()}
        for worker, answer in enumerate(_objects(task.get("humanAnswers"))):
            results = _object(_object(answer.get("answerContent")).get("evaluationResults"))
            for key, ratings in results.items():
                method = _METHODS.get(key.casefold())
                for rating in _objects(ratings) if method else ():
                    yield from _rating(rating, method=method, models=models, worker=worker)


def _rating(
    rating: Mapping[str, Any], *, method: RatingMethod | None, models: Mapping[str, str | None], worker: int
) -> Iterator[Score]:
    name = _text(rating.get("metricName"))
    if name is None:
        return
    for identifier, value in _values(rating, method=method, identifiers=tuple(models)):
        model = models.get(identifier) if identifier is not None else None
        off_scale = method is RatingMethod.COMPARISON_LIKERT and value is not None and not 0 <= value <= 1
        # Under the author's own name, which may be that of a metric of Bedrock's.
        yield Score(name, value, model=model, method=method, worker=worker, off_scale=off_scale)


def _values(
    rating: Mapping[str, Any], *, method: RatingMethod | None, identifiers: Sequence[str]
) -> Iterator[tuple[str | None, float | None]]:
    """(id of the answer, value) of one rating; see measures.rating_measure for what the values mean."""
    result = rating.get("result")
    if method is RatingMethod.COMPARISON_RANK:
        for rank in _objects(result):
            yield _identifier(rank.get("modelResponseId")), _number(rank.get("rank", rank.get("result")))
    elif method is RatingMethod.COMPARISON_CHOICE:
        chosen = _identifier(_object(result).get("modelResponseId") if isinstance(result, dict) else result)
        for identifier in identifiers:
            yield identifier, float(identifier == chosen) if chosen in identifiers else None
    elif method is RatingMethod.COMPARISON_LIKERT:
        step = _number(result)
        # Assumption: job-records
        # From 1, the left answer by far, to 5, the right one: our reading, the guides speak of 0 or 1.
        left = None if step is None else (_LIKERT_STEPS - step) / (_LIKERT_STEPS - 1)
        yield _identifier(rating.get("leftModelResponseId")), left
        yield _identifier(rating.get("rightModelResponseId")), None if left is None else 1 - left
    else:
        yield _identifier(rating.get("modelResponseId")), _truth(result)


def _number(value: Any) -> float | None:
    """A number that CloudWatch takes; true and false count 1 and 0, texts that are numbers as these."""
    if not isinstance(value, bool | int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    # Not so for one that is none (NaN).
    return number if abs(number) <= _LARGEST else None


def _truth(value: Any) -> float | None:
    """A number, or true and false written as texts."""
    written = value.casefold() if isinstance(value, str) else ""
    return float(written == "true") if written in ("true", "false") else _number(value)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _words(value: Any) -> str | None:
    """A text, or that of `{text: ...}`."""
    return _text(_object(value).get("text") if isinstance(value, dict) else value)


def _identifier(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None


def _content(value: Any) -> str | None:
    """The text of `{content: [{text: ...}]}`."""
    texts = [_text(part.get("text")) for part in _objects(_object(value).get("content"))]
    known = [text for text in texts if text is not None]
    return "\n".join(known) if known else None


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list, or the one object that stands in its place."""
    listed = value if isinstance(value, list) else [value]
    return [each for each in listed if isinstance(each, dict)]
