"""What a run is said to cost before its first call."""

from dataclasses import replace
from datetime import UTC, datetime

from bedrock_eval import codec
from bedrock_eval.evaluation.cases import Case
from bedrock_eval.evaluation.definition import Candidate, CustomDefinition, Dataset, Definition, InferenceParameters
from bedrock_eval.pricing.costs import Rates
from bedrock_eval.pricing.usage import Usage
from bedrock_eval.results.outcomes import FailureReason, Outcome
from bedrock_eval.results.summarising import summarise
from bedrock_eval.results.summary import Summary
from bedrock_eval.runs.estimates import (
    DEFAULT_OUTPUT_TOKENS,
    AnswerLength,
    DatasetSize,
    Estimate,
    estimate,
    mean_answer_tokens,
)

RATES = Rates(input=2.0, output=10.0)
PLAIN = Candidate("plain", "us.a.plain", "arn:plain", rates=RATES)
FRAMED = Candidate(
    "framed",
    "us.a.framed",
    "arn:framed",
    system="12345678",
    template="Q: {{prompt}} A",
    parameters=InferenceParameters(max_tokens=64),
)
DEFINITION = CustomDefinition(
    application="shop",
    environment="dev",
    evaluation="quality",
    candidates=(PLAIN, FRAMED),
    dataset=Dataset("faq", "bucket", "datasets/faq.jsonl"),
    metrics=("exact_match",),
)
SIZE = DatasetSize(cases=10, prompt_bytes=400)
NOW = datetime(2026, 11, 23, tzinfo=UTC)


def summary(definition: Definition = DEFINITION) -> Summary:
    outcomes = [Outcome(f"{n}", "plain", "p", usage=Usage(output_tokens=n)) for n in (10, 30)]
    outcomes.append(Outcome("x", "plain", "p", failure=FailureReason.THROTTLED))
    outcomes.append(Outcome("x", "framed", "p", failure=FailureReason.THROTTLED))
    return summarise(definition, run_id="r", started=NOW, finished=NOW, outcomes=outcomes)


def test_input_is_a_quarter_of_the_bytes_of_all_that_is_sent() -> None:
    made = estimate(DEFINITION, SIZE, answer_tokens={})
    assert made.calls == 20
    assert made.candidates["plain"].input_tokens == 100
    # System and template add 8 and 5 bytes a case.
    assert made.candidates["framed"].input_tokens == (400 + 10 * 13 + 3) // 4


def test_bytes_not_characters_are_counted() -> None:
    size = DatasetSize().with_case(Case(id="a", prompt="日本語")).with_case(Case(id="b", prompt="abc"))
    assert size == DatasetSize(cases=2, prompt_bytes=12)


def test_the_length_of_answers_is_the_last_runs_else_the_limit_else_a_default() -> None:
    first = estimate(DEFINITION, SIZE, answer_tokens={})
    assert (first.candidates["plain"].output_tokens, first.candidates["plain"].answer_length) == (
        10 * DEFAULT_OUTPUT_TOKENS,
        AnswerLength.DEFAULT,
    )
    assert (first.candidates["framed"].output_tokens, first.candidates["framed"].answer_length) == (
        640,
        AnswerLength.MAX_TOKENS,
    )
    later = estimate(DEFINITION, SIZE, answer_tokens=mean_answer_tokens(summary(), DEFINITION))
    assert (later.candidates["plain"].output_tokens, later.candidates["plain"].answer_length) == (
        200,
        AnswerLength.LAST_RUN,
    )
    # It has never answered.
    assert later.candidates["framed"].answer_length is AnswerLength.MAX_TOKENS


def test_another_model_under_the_same_name_has_no_last_run() -> None:
    moved = replace(DEFINITION, candidates=(replace(PLAIN, model_id="us.a.other"), FRAMED))
    assert mean_answer_tokens(summary(), DEFINITION) == {"plain": 20}
    assert mean_answer_tokens(summary(), moved) == {}
    assert mean_answer_tokens(None, DEFINITION) == {}


def test_cost_of_what_has_rates_and_tokens_of_what_has_none() -> None:
    made = estimate(DEFINITION, SIZE, answer_tokens={"plain": 50})
    assert made.candidates["plain"].cost.usd == (100 * 2 + 500 * 10) / 1_000_000
    assert not made.candidates["framed"].cost.known
    assert made.cost.unpriced_tokens == 133 + 640
    assert str(made) == "at least $0.0052 for 20 calls (plain $0.0052; no rates for framed: about 773 tokens)"


def test_it_survives_run_json() -> None:
    made = estimate(DEFINITION, SIZE, answer_tokens={})
    assert codec.decode(Estimate, codec.encode(made), "estimate") == made
