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

from bedrock_eval.cases import Case
from bedrock_eval.outcomes import FailureReason, Outcome
from custom_evaluator.converse import Asker, failure_of
from tests.unit.custom_evaluator.conftest import DEFINITION, RUN_ID
from tests.unit.fakes import FakeModels, answer, client_error

SMALL, LARGE = DEFINITION.candidates
CASE = Case("a", "alpha", reference="to alpha")


def ask(models: FakeModels, *, case: Case = CASE) -> Outcome:
    return Asker(models, definition=DEFINITION, run_id=RUN_ID).ask(SMALL, case)


def ask_for(result: dict[str, Any] | BaseException) -> Outcome:
    return ask(FakeModels(lambda model, prompt: result))


def test_what_is_not_configured_is_not_sent() -> None:
    models = FakeModels()
    ask(models)
    [request] = models.requests
    assert sorted(request) == ["messages", "modelId", "requestMetadata"]
    assert request["modelId"] == "profile-small"
    assert request["messages"] == [{"role": "user", "content": [{"text": "alpha"}]}]


def test_system_parameters_and_template_are_sent() -> None:
    models = FakeModels()
    Asker(models, definition=DEFINITION, run_id=RUN_ID).ask(LARGE, CASE)
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


def test_an_answer_is_scored_with_its_usage() -> None:
    outcome = ask_for(answer({"text": "to "}, {"text": "alpha"}))
    assert outcome.response == "to alpha"
    assert outcome.scores == {"relevance_score": 1.0, "response_length": 8.0}
    assert (outcome.usage.input_tokens, outcome.usage.output_tokens, outcome.latency_ms) == (3, 5, 120)


def test_a_metric_without_reference_does_not_apply() -> None:
    outcome = ask(FakeModels(), case=Case("c", "gamma"))
    assert outcome.scored
    assert outcome.scores == {"relevance_score": None, "response_length": 8.0}


def test_reasoning_first_is_not_the_answer() -> None:
    reasoning = {"reasoningContent": {"reasoningText": {"text": "hmm"}}}
    assert ask_for(answer(reasoning, {"text": "yes"})).response == "yes"


@pytest.mark.parametrize("content", [(), ({"text": ""},), ({"text": " \n"},), ({"toolUse": {}},)])
def test_no_text_is_an_empty_answer(content: tuple[dict[str, Any], ...]) -> None:
    outcome = ask_for(answer(*content))
    assert outcome.failure is FailureReason.EMPTY_ANSWER
    assert outcome.scores == {}
    # Paid all the same.
    assert outcome.usage.output_tokens == 5


@pytest.mark.parametrize("stop", ["content_filtered", "guardrail_intervened"])
def test_withheld_is_a_failure_only_without_text(stop: str) -> None:
    assert ask_for(answer(stop=stop)).failure is FailureReason.CONTENT_FILTERED
    kept = ask_for(answer({"text": "masked"}, stop=stop))
    assert (kept.scored, kept.stop_reason) == (True, stop)


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
    ],
)
def test_each_error_has_its_reason(code: str, status: int, reason: FailureReason) -> None:
    outcome = ask_for(client_error(code, "because", status=status))
    assert outcome.failure is reason
    assert outcome.detail == f"{code}: because"
    assert outcome.response is None


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


def test_the_model_timeout_is_tried_once_more_and_nothing_else_is() -> None:
    answers = iter([client_error("ModelTimeoutException", status=408), answer({"text": "late"})])
    models = FakeModels(lambda model, prompt: next(answers))
    assert ask(models).response == "late"
    for code, calls in (("ModelTimeoutException", 2), ("ModelErrorException", 1), ("ThrottlingException", 1)):
        failing = FakeModels(lambda model, prompt, code=code: client_error(code))  # type: ignore[misc]
        assert not ask(failing).scored
        assert len(failing.requests) == calls


def test_details_are_cut() -> None:
    assert len(failure_of(client_error("ModelErrorException", "x" * 301)).detail) == 300


@given(st.lists(st.one_of(st.just({"reasoningContent": {}}), st.builds(lambda text: {"text": text}, st.text()))))
def test_the_answer_is_every_text_in_order(content: list[dict[str, Any]]) -> None:
    outcome = ask_for(answer(*content))
    expected = "".join(block.get("text", "") for block in content)
    assert (outcome.response or "") == (expected if expected.strip() else "")
    assert outcome.scored == bool(expected.strip())
