"""Answers that a custom evaluation has stored, as a dataset that a judge's job takes. No model is asked again.

Sources: CreateEvaluationJob, precomputedInferenceSource; Bedrock user guide, model-evaluation-prompt-datasets-judge:
one answer a line, and one identifier in the whole file, which the request repeats.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bedrock_eval.evaluation.cases import Case
from bedrock_eval.evaluation.definition import JobDefinition
from bedrock_eval.layout import RunLayout
from bedrock_eval.names import is_name, is_run_id
from bedrock_eval.results.outcomes import FailureReason, Outcome


def judging(definition: JobDefinition, *, run_id: str) -> JobDefinition:
    """The definition of a run that judges the answers of exactly this run of `answers_from`."""
    job = replace(definition.job, answers_run=run_id)
    candidates = tuple(
        replace(candidate, answers_of=answer_source(job.answers_from or "", run_id, candidate.name))
        for candidate in definition.candidates
    )
    return replace(definition, candidates=candidates, job=job)


def answer_source(evaluation: str, run_id: str, candidate: str) -> str:
    """What requests, datasets and outputs call the stored answers: whose they are can be read off any record."""
    return f"{evaluation}.{run_id}.{candidate}"


def source_candidate(source: str) -> str | None:
    """The candidate of an `answer_source`; None for what somebody else has called so."""
    evaluation, _, rest = source.partition(".")
    run, _, candidate = rest.partition(".")
    return candidate if is_name(evaluation) and is_run_id(run) and is_name(candidate) else None


@dataclass(frozen=True)
class StoredAnswers:
    """What one candidate has answered in a run, case by case."""

    run: RunLayout
    candidate: str
    outcomes: Sequence[Outcome]

    @property
    def asked(self) -> list[Case]:
        """The cases with an answer, in the order of the dataset's lines."""
        return [
            Case(each.case_id, each.prompt, each.reference, each.category, each.cluster)
            for each in self.outcomes
            if _answer(each) is not None
        ]

    def dataset(self) -> str:
        """The lines for the judge: the cases with an answer."""
        source = answer_source(self.run.evaluation, self.run.run_id, self.candidate)
        return "".join(
            json.dumps(_line(each, answer, source)) + "\n"
            for each in self.outcomes
            if (answer := _answer(each)) is not None
        )

    def unanswered(self) -> list[Outcome]:
        """The cases without one: failed here too, so that they count in the coverage."""
        return [self._unanswered(each) for each in self.outcomes if _answer(each) is None]

    def _unanswered(self, outcome: Outcome) -> Outcome:
        why = "the answer is empty" if outcome.failure is None else outcome.failure.value
        said = f": {outcome.detail}" if outcome.detail else ""
        return Outcome(
            case_id=outcome.case_id,
            candidate=self.candidate,
            prompt=outcome.prompt,
            reference=outcome.reference,
            category=outcome.category,
            cluster=outcome.cluster,
            failure=FailureReason.NOT_ANSWERED,
            detail=f"{self.run} has no answer to judge ({why}{said})",
        )

    def differences(self, cases: Iterable[Case]) -> list[str]:
        """Ids of cases that the run has not asked as they stand in the dataset now, and of those that are gone."""
        asked = {each.case_id: (each.prompt, each.reference) for each in self.outcomes}
        there = {case.id: (case.prompt, case.reference) for case in cases}
        return sorted(identifier for identifier in {*asked, *there} if asked.get(identifier) != there.get(identifier))


def _answer(outcome: Outcome) -> str | None:
    answer = outcome.response
    return answer if outcome.scored and answer is not None and answer.strip() else None


def _line(outcome: Outcome, answer: str, source: str) -> Mapping[str, Any]:
    known = {"prompt": outcome.prompt, "referenceResponse": outcome.reference, "category": outcome.category}
    return {
        **{key: value for key, value in known.items() if value is not None},
        "modelResponses": [{"response": answer, "modelIdentifier": source}],
    }
