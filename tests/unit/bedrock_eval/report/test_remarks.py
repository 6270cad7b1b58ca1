from dataclasses import replace
from datetime import UTC, datetime

from bedrock_eval.evaluation.cases import Case
from bedrock_eval.evaluation.definition import Candidate, CustomDefinition, Dataset
from bedrock_eval.pricing.costs import Rates
from bedrock_eval.pricing.usage import Usage
from bedrock_eval.report.words.remarks import remarks
from bedrock_eval.results.outcomes import FailureReason, Outcome
from bedrock_eval.results.publishing import run_datums
from bedrock_eval.results.summarising import summarise
from bedrock_eval.results.summary import Summary, read_summary
from ops.results.run_tables import run_text

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
CANDIDATE = Candidate("small", "amazon.nova-lite-v1:0", "p", rates=Rates(input=1000.0, output=1000.0))
DEFINITION = CustomDefinition("shop", "dev", "support", (CANDIDATE,), Dataset("d", "b", "k"), ("response_length",))
ANSWER = Outcome("a", "small", "p", response="yes", scores={"response_length": 3.0}, usage=Usage(1000, 1000))
OUTCOMES = (
    ANSWER,
    replace(ANSWER, case_id="b", stop_reason="max_tokens", thought="hmm"),
    replace(ANSWER, case_id="c", usage=None, unknown_calls=1),
    Outcome.of(Case("d", "p"), candidate="small", failure=FailureReason.GUARDRAIL_INTERVENED, usage=Usage(1000)),
    Outcome.of(Case("e", "p"), candidate="small", failure=FailureReason.THROTTLED, calls=0),
)


def summary() -> Summary:
    return summarise(
        DEFINITION,
        run_id="20261123T060000Z",
        started=NOW,
        finished=NOW,
        outcomes=OUTCOMES,
        lost_calls={"small": 2},
    )


def test_the_table_says_what_the_answers_were() -> None:
    (small,) = summary().candidates
    assert remarks(small) == (
        "max_tokens 4,096 cut off 1 answer of 3 (33.3%)",
        "1 answer withheld by a guardrail or filter",
        "thoughts of 1 answer set aside",
        "6 calls",
    )
    shown = run_text(summary())
    assert "; ".join(remarks(small)) in shown
    assert "estimated cost at least $5.00 (3 calls of unknown usage)" in shown


def test_it_survives_its_json_and_its_metrics_are_published() -> None:
    found = summary()
    assert read_summary(found.to_json()) == found
    values = {each.metric.name: each.values[0].value for each in run_datums(found) if len(each.values) == 1}
    assert (values["run_withheld_cases"], values["run_truncated"]) == (1.0, 1 / 3)


def test_usage_of_which_nothing_is_known_is_no_zero() -> None:
    unknown = [replace(each, usage=None, calls=1, unknown_calls=1) for each in OUTCOMES[:1]]
    found = summarise(DEFINITION, run_id="20261123T060000Z", started=NOW, finished=NOW, outcomes=unknown)
    (small,) = found.candidates
    assert (small.usage, str(small.cost)) == (None, "1 call of unknown usage")
    assert "tokens unknown; estimated cost 1 call of unknown usage" in run_text(found)
    assert not {"run_cost", "run_input_tokens"} & {each.metric.name for each in run_datums(found)}
