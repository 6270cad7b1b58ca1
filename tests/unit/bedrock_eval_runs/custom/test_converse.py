from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import (
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
    UnknownServiceError,
)
from hypothesis import given
from hypothesis import strategies as st

from bedrock_eval.evaluation.cases import Case
from bedrock_eval.evaluation.definition import Candidate, Definition
from bedrock_eval.pricing.usage import Usage
from bedrock_eval.results.outcomes import FailureReason, Outcome
from bedrock_eval.runs.traffic import Traffic
from bedrock_eval.sdk import UnknownFieldError
from bedrock_eval_runs.custom.converse import Asker, Later, Question, failure_of
from tests.support.fakes import FakeModels, answer, client_error
from tests.support.runs.custom import DEFINITION, RUN_ID

SMALL, LARGE = DEFINITION.candidates
SCORING_THOUGHTS = replace(DEFINITION, score_thoughts=True)
CASE = Case("a", "alpha", reference="to alpha")


def asked(
    models: FakeModels, *, case: Case = CASE, candidate: Candidate = SMALL, definition: Definition = DEFINITION
) -> Outcome | Later:
    """Asked again until there is an outcome, or the service has no room."""
    asker = Asker(models, definition=definition, run_id=RUN_ID)
    found = asker.ask(Question(candidate, case))
    while isinstance(found, Later) and not found.failure.busy:
        assert found.seconds > 0
        found = asker.ask(found.question)
    return found


def ask(models: FakeModels, **options: Any) -> Outcome:
    found = asked(models, **options)
    assert isinstance(found, Outcome)
    return found


def ask_for(result: dict[str, Any] | BaseException) -> Outcome:
    return ask(FakeModels(lambda model, prompt: result))


def test_what_is_not_configured_is_not_sent_but_for_the_longest_answer() -> None:
    models = FakeModels()
    ask(models)
    [request] = models.requests
    assert sorted(request) == ["inferenceConfig", "messages", "modelId", "requestMetadata"]
    assert request["modelId"] == "profile-small"
    assert request["messages"] == [{"role": "user", "content": [{"text": "alpha"}]}]
    assert request["inferenceConfig"] == {"maxTokens": 4096}


def test_system_parameters_and_template_are_sent() -> None:
    models = FakeModels()
    ask(models, candidate=LARGE)
    [request] = models.requests
    assert request["system"] == [{"text": "Be brief."}]
    assert request["inferenceConfig"] == {"maxTokens": 64, "temperature": 0.5}
    assert request["messages"][0]["content"] == [{"text": "Q: alpha A:"}]
    assert request["requestMetadata"] == {
        "purpose": "evaluation",
        "application": "shop",
        "evaluation": "support",
        "candidate": "large",
        "run": RUN_ID,
    }


def test_further_fields_of_the_model_are_sent() -> None:
    models = FakeModels()
    thinking = replace(SMALL, additional_fields='{"thinking": {"type": "disabled"}}')
    definition = replace(DEFINITION, candidates=(thinking,))
    ask(models, candidate=thinking, definition=definition)
    [request] = models.requests
    assert request["additionalModelRequestFields"] == {"thinking": {"type": "disabled"}}


def test_an_answer_is_scored_with_its_usage() -> None:
    outcome = ask_for(answer({"text": "to "}, {"text": "alpha"}))
    assert outcome.response == "to alpha"
    assert outcome.scores == {"relevance_score": 1.0, "response_length": 8.0}
    assert (outcome.usage, outcome.latency_ms) == (Usage(input_tokens=3, output_tokens=5), 120)
    assert (outcome.calls, outcome.unknown_calls) == (1, 0)


def test_a_metric_without_reference_does_not_apply() -> None:
    outcome = ask(FakeModels(), case=Case("c", "gamma"))
    assert outcome.scored
    assert outcome.scores == {"relevance_score": None, "response_length": 8.0}


def test_reasoning_first_is_not_the_answer() -> None:
    reasoning = {"reasoningContent": {"reasoningText": {"text": "hmm"}}}
    outcome = ask_for(answer(reasoning, {"text": "yes"}))
    assert (outcome.response, outcome.thought) == ("yes", "hmm")


@pytest.mark.parametrize("content", [(), ({"text": ""},), ({"text": " \n"},), ({"toolUse": {}},)])
def test_no_text_is_an_empty_answer(content: tuple[dict[str, Any], ...]) -> None:
    outcome = ask_for(answer(*content))
    assert outcome.failure is FailureReason.EMPTY_ANSWER
    assert outcome.scores == {}
    # Paid all the same.
    assert outcome.usage == Usage(input_tokens=3, output_tokens=5)


@pytest.mark.parametrize("stop", ["content_filtered", "guardrail_intervened"])
@pytest.mark.parametrize("content", [(), ({"text": "Sorry, I cannot."},)])
def test_what_a_filter_has_replaced_is_no_answer_with_or_without_text(
    stop: str, content: tuple[dict[str, Any], ...]
) -> None:
    outcome = ask_for(answer(*content, stop=stop))
    assert outcome.failure is FailureReason(stop)
    assert (outcome.stop_reason, outcome.response, outcome.scores) == (stop, None, {})
    assert outcome.usage == Usage(input_tokens=3, output_tokens=5)


def test_a_blocked_prompt_needs_no_output_at_all() -> None:
    blocked = {"stopReason": "guardrail_intervened", "usage": {"inputTokens": 0, "outputTokens": 0}}
    outcome = ask_for(blocked)
    assert (outcome.failure, outcome.usage) == (FailureReason.GUARDRAIL_INTERVENED, Usage())


def test_a_truncated_answer_is_scored_and_says_so() -> None:
    outcome = ask_for(answer({"text": "to al"}, stop="max_tokens"))
    assert (outcome.scored, outcome.stop_reason) == (True, "max_tokens")


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        ("ThrottlingException", 429, FailureReason.THROTTLED),
        ("ServiceQuotaExceededException", 400, FailureReason.THROTTLED),
        ("ModelNotReadyException", 429, FailureReason.MODEL_NOT_READY),
        ("ServiceUnavailableException", 503, FailureReason.SERVICE_UNAVAILABLE),
        ("InternalServerException", 500, FailureReason.INTERNAL_ERROR),
        ("ModelTimeoutException", 408, FailureReason.MODEL_TIMEOUT),
        ("ModelErrorException", 424, FailureReason.MODEL_ERROR),
        ("ValidationException", 400, FailureReason.INVALID_REQUEST),
        ("AccessDeniedException", 403, FailureReason.ACCESS_DENIED),
        ("ExpiredTokenException", 403, FailureReason.ACCESS_DENIED),
        ("ResourceNotFoundException", 404, FailureReason.UNKNOWN_MODEL),
        ("SomethingNew", 429, FailureReason.THROTTLED),
        ("SomethingNew", 424, FailureReason.MODEL_ERROR),
        ("SomethingNew", 418, FailureReason.UNEXPECTED),
        ("502", 502, FailureReason.INTERNAL_ERROR),
    ],
)
def test_each_error_has_its_reason(code: str, status: int, reason: FailureReason) -> None:
    failure = failure_of(client_error(code, "because", status=status))
    assert (failure.reason, failure.detail) == (reason, f"{code}: because")
    found = asked(FakeModels(lambda model, prompt: client_error(code, "because", status=status)))
    assert isinstance(found, Later) == failure.busy
    if isinstance(found, Outcome):
        assert (found.failure, found.response) == (reason, None)


@pytest.mark.parametrize(
    "message",
    [
        "The provided model identifier is invalid.",
        "Invocation of model ID amazon.nova-2-lite-v1:0 with on-demand throughput isn’t supported.",
    ],
)
def test_a_model_id_that_can_never_work_is_told_from_a_bad_prompt(message: str) -> None:
    assert ask_for(client_error("ValidationException", message)).failure is FailureReason.UNKNOWN_MODEL


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ReadTimeoutError(endpoint_url="https://x"), FailureReason.NO_RESPONSE),
        (ConnectTimeoutError(endpoint_url="https://x"), FailureReason.NO_RESPONSE),
        (EndpointConnectionError(endpoint_url="https://x"), FailureReason.NO_RESPONSE),
        (ParamValidationError(report="no"), FailureReason.INVALID_REQUEST),
        (NoCredentialsError(), FailureReason.ACCESS_DENIED),
        (UnknownServiceError(service_name="x", known_service_names="y"), FailureReason.UNEXPECTED),
    ],
)
def test_errors_without_an_answer_have_reasons_too(error: Any, reason: FailureReason) -> None:
    assert ask_for(error).failure is reason


LATE: tuple[Any, ...] = (
    client_error("ModelTimeoutException", status=408),
    ReadTimeoutError(endpoint_url="https://x"),
)


@pytest.mark.parametrize("late", LATE)
def test_a_late_answer_is_asked_for_once_more_and_what_was_lost_is_counted(late: Any) -> None:
    answers = iter([late, answer({"text": "late"})])
    outcome = ask(FakeModels(lambda model, prompt: next(answers)))
    assert (outcome.response, outcome.calls, outcome.unknown_calls) == ("late", 2, 1)
    failing = FakeModels(lambda model, prompt: late)
    outcome = ask(failing)
    assert (outcome.scored, len(failing.requests)) == (False, 2)
    assert (outcome.usage, outcome.calls, outcome.unknown_calls) == (None, 2, 2)


@pytest.mark.parametrize(
    ("error", "calls"),
    [
        (client_error("ModelErrorException", status=424), 1),
        (client_error("ValidationException"), 1),
        (client_error("InternalServerException", status=500), DEFINITION.max_attempts),
        (EndpointConnectionError(endpoint_url="https://x"), DEFINITION.max_attempts),
    ],
)
def test_an_error_that_passes_is_tried_again_within_the_attempts(error: Any, calls: int) -> None:
    failing = FakeModels(lambda model, prompt: error)
    outcome = ask(failing)
    assert (outcome.scored, len(failing.requests)) == (False, calls)
    # Nothing of it reached a model.
    assert (outcome.usage, outcome.calls) == (Usage(), 0)


def test_a_service_without_room_is_asked_later_and_no_attempt_is_used_up() -> None:
    headers = {"retry-after": "7"}
    error = client_error("ThrottlingException", "Too many requests", status=429)
    error.response["ResponseMetadata"]["HTTPHeaders"] = headers  # type: ignore[typeddict-item]
    later = asked(FakeModels(lambda model, prompt: error))
    assert isinstance(later, Later)
    assert (later.question, later.seconds) == (Question(SMALL, CASE), 7.0)


def test_a_quota_of_the_day_is_not_waited_for() -> None:
    message = "Too many tokens per day, please wait before trying again."
    outcome = ask_for(client_error("ThrottlingException", message, status=429))
    assert outcome.failure is FailureReason.DAILY_QUOTA


UNREADABLE: dict[str, Any] = {
    "nothing": {},
    "html": {"message": "<html>"},
    "a list": [1, 2],
    "no message": {"output": {}},
    "message is null": {"output": {"message": None}},
    "content is null": {"output": {"message": {"content": None}}},
    "content is text": {"output": {"message": {"content": "hello"}}},
    "a block is text": {"output": {"message": {"content": ["hello"]}}},
    "text is null": answer({"text": None}),
    "text is a number": answer({"text": 42}),
    "cited text is a number": answer({"citationsContent": {"content": [{"text": 42}]}}),
    "cited content is odd": answer({"citationsContent": 3}),
    "the parser fails": AttributeError("'list' object has no attribute 'get'"),
    "not UTF-8": UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    "too deep": RecursionError(),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_answer_that_cannot_be_read_is_one_failed_case_of_unknown_usage(name: str) -> None:
    models = FakeModels(lambda model, prompt: UNREADABLE[name])
    outcome = ask(models)
    assert outcome.failure is FailureReason.NO_RESPONSE
    assert "the answer cannot be read: " in (outcome.detail or "")
    assert len(models.requests) == DEFINITION.max_attempts
    assert (outcome.usage, outcome.unknown_calls) == (None, DEFINITION.max_attempts)


def test_an_answer_that_comes_whole_the_second_time_is_scored() -> None:
    answers = iter([{}, answer({"text": "whole"})])
    outcome = ask(FakeModels(lambda model, prompt: next(answers)))
    assert (outcome.response, outcome.calls, outcome.unknown_calls) == ("whole", 2, 1)


@pytest.mark.parametrize(
    "usage",
    [
        None,
        [],
        {},
        {"inputTokens": 3},
        {"inputTokens": -5, "outputTokens": -7},
        {"inputTokens": 10**400, "outputTokens": 1},
        {"inputTokens": True, "outputTokens": 1},
        {"inputTokens": 3.0, "outputTokens": 1},
        {"inputTokens": "3", "outputTokens": 1},
        {"inputTokens": 3, "outputTokens": 1, "cacheReadInputTokens": -1},
    ],
)
def test_usage_that_cannot_be_right_is_unknown_and_never_zero(usage: Any) -> None:
    outcome = ask_for({**answer({"text": "ok"}), "usage": usage})
    assert (outcome.scored, outcome.usage, outcome.unknown_calls) == (True, None, 1)


@pytest.mark.parametrize("latency", [None, "fast", True, -1, float("nan"), float("inf"), 10**400])
def test_a_latency_that_cannot_be_right_is_unknown(latency: Any) -> None:
    outcome = ask_for({**answer({"text": "ok"}), "metrics": {"latencyMs": latency}})
    assert (outcome.scored, outcome.latency_ms) == (True, None)


def test_half_characters_of_an_answer_are_replaced() -> None:
    outcome = ask_for(answer({"text": "half \ud83d, whole \ud83d\ude00"}))
    assert outcome.response == "half \ufffd, whole \U0001f600"


def test_text_with_citations_belongs_to_the_answer() -> None:
    cited = {"citationsContent": {"content": [{"text": "Paris"}], "citations": [{"title": "map"}]}}
    assert ask_for(answer({"text": "It is "}, cited, {"text": "."})).response == "It is Paris."


def test_a_leading_thought_is_kept_and_not_scored() -> None:
    text = "<think>to beta</think>\nto alpha"
    outcome = ask_for(answer({"text": text}))
    assert (outcome.thought, outcome.response) == ("to beta", "to alpha")
    assert outcome.scores == {"relevance_score": 1.0, "response_length": 8.0}
    whole = ask(FakeModels(lambda model, prompt: answer({"text": text})), definition=SCORING_THOUGHTS)
    assert (whole.thought, whole.response) == (None, text)


def test_thoughts_without_an_answer_are_an_empty_answer() -> None:
    outcome = ask_for(answer({"text": "<think>for ever"}, stop="max_tokens"))
    assert (outcome.failure, outcome.thought) == (FailureReason.EMPTY_ANSWER, "for ever")


def test_an_answer_that_a_metric_cannot_take_is_one_failed_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bedrock_eval.results.scoring.score", lambda name, **rest: float("nan"))
    outcome = ask_for(answer({"text": "odd"}))
    assert (outcome.failure, outcome.response) == (FailureReason.UNEXPECTED, "odd")
    assert "relevance_score is nan" in (outcome.detail or "")


def test_calls_are_counted_while_they_are_under_way_and_after() -> None:
    seen: list[tuple[int, int]] = []

    def script(model: str, prompt: str) -> Any:
        seen.append(asker.calls("small"))
        return client_error("ThrottlingException", status=429) if len(seen) == 1 else answer({"text": "ok"})

    asker = Asker(FakeModels(script), definition=DEFINITION, run_id=RUN_ID)
    for _ in range(2):
        asker.ask(Question(SMALL, CASE))
    assert seen == [(0, 1), (0, 1)]
    assert asker.calls("small") == (1, 0)


def test_every_attempt_is_counted_by_what_came_of_it() -> None:
    """As AWS counts them: those that were never sent are none, and of those without an answer nothing is known."""
    results: list[Any] = [
        answer({"text": "ok"}),
        answer({"text": ""}),
        client_error("ThrottlingException", status=429),
        client_error("ValidationException", status=400),
        client_error("ModelTimeoutException", status=408),
        client_error("ServiceUnavailableException", status=503),
        ReadTimeoutError(endpoint_url="https://bedrock"),
        EndpointConnectionError(endpoint_url="https://bedrock"),
        {"output": "odd"},
    ]
    used = known_usage_of(results[0])
    asker = Asker(FakeModels(lambda model, prompt: results.pop(0)), definition=DEFINITION, run_id=RUN_ID)
    for _ in range(9):
        asker.ask(Question(SMALL, CASE))
    assert asker.traffic("small") == Traffic(
        "profile-small",
        answered=2,
        throttles=1,
        client_errors=2,
        server_errors=1,
        taken_and_failed=2,
        unknown=2,
        usage=used + used,
    )
    assert asker.traffic("large") == Traffic("profile-large")


def known_usage_of(response: dict[str, Any]) -> Usage:
    usage = response["usage"]
    return Usage(usage["inputTokens"], usage["outputTokens"])


def test_a_call_under_way_leaves_the_counts_open() -> None:
    seen: list[bool] = []

    def script(model: str, prompt: str) -> Any:
        seen.append(asker.traffic("small").exact)
        return answer({"text": "ok"})

    asker = Asker(FakeModels(script), definition=DEFINITION, run_id=RUN_ID)
    asker.ask(Question(SMALL, CASE))
    assert (seen, asker.traffic("small").exact) == ([False], True)


def test_details_are_cut() -> None:
    assert len(failure_of(client_error("ModelErrorException", "x" * 301)).detail) == 300


@given(st.lists(st.one_of(st.just({"reasoningContent": {}}), st.builds(lambda text: {"text": text}, st.text()))))
def test_the_answer_is_every_text_in_order(content: list[dict[str, Any]]) -> None:
    outcome = ask_for(answer(*content))
    expected = "".join(block.get("text", "") for block in content)
    assert (outcome.response or "") == (expected if expected.strip() else "")
    assert outcome.scored == bool(expected.strip())


def test_a_field_that_the_runtimes_boto3_lacks_is_told_by_its_name() -> None:
    outcome = ask_for(UnknownFieldError("Converse: the function's boto3 does not know serviceTier"))
    assert outcome.failure is FailureReason.INVALID_REQUEST
    assert "does not know serviceTier" in (outcome.detail or "")
