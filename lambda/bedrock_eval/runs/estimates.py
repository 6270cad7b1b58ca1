"""What a run will cost, before its first call.

Tokens are estimated. Of the input, four bytes of UTF-8 are one token: English has about four characters a token, other
scripts fewer, and more bytes a character. An answer is as long as the candidate's were on average in its last run, else
as long as its own `max_tokens` allows, else `DEFAULT_OUTPUT_TOKENS`. Calls that are asked again after an interruption
are not in it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from bedrock_eval.evaluation.cases import Case
from bedrock_eval.evaluation.definition import PROMPT_MARK, Candidate, Definition, InferenceParameters
from bedrock_eval.evaluation.quotas import quota_sentence
from bedrock_eval.pricing.costs import Cost, cost, dollars, total
from bedrock_eval.pricing.usage import Usage
from bedrock_eval.results.summary import Summary
from bedrock_eval.wording import count

BYTES_PER_TOKEN = 4
DEFAULT_OUTPUT_TOKENS = 500
"""Of an answer of which nothing is known; about 375 English words."""


class AnswerLength(StrEnum):
    """Where the assumed length of an answer comes from."""

    LAST_RUN = "last_run"
    MAX_TOKENS = "max_tokens"
    DEFAULT = "default"


@dataclass(frozen=True)
class DatasetSize:
    """A dataset as far as an estimate needs it."""

    cases: int = 0
    prompt_bytes: int = 0

    def with_case(self, case: Case) -> "DatasetSize":
        return DatasetSize(self.cases + 1, self.prompt_bytes + len(case.prompt.encode()))


@dataclass(frozen=True)
class CandidateEstimate:
    """One candidate's calls, all cases together."""

    input_tokens: int
    output_tokens: int
    answer_length: AnswerLength
    cost: Cost


@dataclass(frozen=True)
class Estimate:
    """A run's calls and their cost, by candidate. Estimated, not measured.

    Attributes:
        quotas: how many calls a minute the named quotas allow, in words.
    """

    calls: int
    candidates: Mapping[str, CandidateEstimate]
    quotas: tuple[str, ...] = ()

    @property
    def cost(self) -> Cost:
        return total(each.cost for each in self.candidates.values())

    @property
    def input_tokens_per_call(self) -> dict[str, float]:
        """By candidate, of a prompt of mean length."""
        cases = self.calls / max(1, len(self.candidates))
        return {name: each.input_tokens / cases if cases else 0.0 for name, each in self.candidates.items()}

    def __str__(self) -> str:
        """For people: `$0.52 for 84 calls (haiku $0.40, nova $0.12)`, `unknown (about 900 tokens; no rates for x)`."""
        if not self.cost.known:
            tokens = sum(each.input_tokens + each.output_tokens for each in self.candidates.values())
            return f"unknown (about {tokens:,} tokens; no rates for {', '.join(self.candidates)})"
        known = {name: each.cost for name, each in self.candidates.items() if each.cost.known}
        facts = [", ".join(f"{name} {dollars(each.usd)}" for name, each in known.items())]
        unpriced = [name for name, each in self.candidates.items() if each.cost.unpriced_tokens]
        if unpriced:
            facts.append(f"no rates for {', '.join(unpriced)}: about {self.cost.unpriced_tokens:,} tokens")
        amount = f"{'at least ' if unpriced else ''}{dollars(self.cost.usd)}"
        return f"{amount} for {count(self.calls, 'call')} ({'; '.join(facts)})"


def estimate(definition: Definition, size: DatasetSize, *, answer_tokens: Mapping[str, float]) -> Estimate:
    """Estimate a whole run.

    Args:
        answer_tokens: mean output tokens of an answer by candidate, where known; see `mean_answer_tokens`.
    """
    found = {each.name: _candidate(each, size, answer_tokens.get(each.name)) for each in definition.candidates}
    sentences = (
        quota_sentence(each, input_tokens=found[each.name].input_tokens / max(1, size.cases))
        for each in definition.candidates
    )
    return Estimate(
        calls=size.cases * len(definition.candidates),
        candidates=found,
        quotas=tuple(sentence for sentence in sentences if sentence is not None),
    )


def _candidate(candidate: Candidate, size: DatasetSize, answer_tokens: float | None) -> CandidateEstimate:
    input_tokens = math.ceil((size.prompt_bytes + size.cases * _frame_bytes(candidate)) / BYTES_PER_TOKEN)
    length, source = _answer_length(candidate, answer_tokens)
    output_tokens = math.ceil(size.cases * length)
    return CandidateEstimate(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        answer_length=source,
        cost=cost(Usage(input_tokens=input_tokens, output_tokens=output_tokens), candidate.rates),
    )


def _frame_bytes(candidate: Candidate) -> int:
    """What every request of a candidate carries beside the prompt."""
    frame = (candidate.system or "") + (candidate.template or "").replace(PROMPT_MARK, "")
    return len(frame.encode())


def _answer_length(candidate: Candidate, answer_tokens: float | None) -> tuple[float, AnswerLength]:
    if answer_tokens is not None:
        return answer_tokens, AnswerLength.LAST_RUN
    limit = candidate.parameters.max_tokens
    # The default is there to be out of the way, and says nothing of how long answers are.
    if limit not in (None, replace(candidate, parameters=InferenceParameters()).max_tokens):
        return candidate.max_tokens, AnswerLength.MAX_TOKENS
    return DEFAULT_OUTPUT_TOKENS, AnswerLength.DEFAULT


def mean_answer_tokens(last: Summary | None, definition: Definition) -> dict[str, float]:
    """Mean output tokens of a scored answer in the last run, of the candidates that still have the model they had."""
    models = {candidate.name: candidate.model_id for candidate in definition.candidates}
    return {
        candidate.name: usage.output_tokens / candidate.scored
        for candidate in (last.candidates if last is not None else ())
        if (usage := candidate.usage) is not None
        if candidate.scored and usage.output_tokens and models.get(candidate.name) == candidate.model_id
    }
