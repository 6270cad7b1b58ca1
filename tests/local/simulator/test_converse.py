"""Converse and ConverseStream: answers, refusals, and their shapes against botocore's service model."""

import json
import math
from typing import Any

import botocore.validate
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from local.simulator.replay.turns import estimate_tokens, latency_ms
from tests.support.local.simulator import BASE, NO_SAMPLING, PLAIN, QUESTIONS, Simulator, ask

USER = {"role": "user", "content": [{"text": QUESTIONS[0]}]}


def assert_fits(client: Any, operation: str, body: Any) -> None:
    """The JSON that came over the wire has botocore's output shape: nothing missing, unknown or of another type."""
    shape = client.meta.service_model.operation_model(operation).output_shape
    report = botocore.validate.ParamValidator().validate(body, shape)
    assert not report.has_errors(), report.generate_report()


@pytest.fixture
def raw(runtime: Any) -> list[Any]:
    """The bodies of Converse responses as they came, before botocore parsed them."""
    bodies: list[Any] = []

    def keep(response_dict: Any, **_: Any) -> None:
        bodies.append(json.loads(response_dict["body"]))

    runtime.meta.events.register("before-parse.bedrock-runtime.Converse", keep)
    return bodies


def test_an_answer_comes_back_as_recorded_with_usage_and_latency(runtime: Any, raw: list[Any]) -> None:
    answer = ask(runtime, QUESTIONS[3], system=[{"text": "Be brief."}])
    text = f"The answer to {QUESTIONS[3].lower()}"
    assert answer["output"]["message"] == {"role": "assistant", "content": [{"text": text}]}
    assert answer["stopReason"] == "end_turn"
    expected_input = math.ceil(len(QUESTIONS[3]) / 4) + math.ceil(len("Be brief.") / 4)
    assert answer["usage"]["inputTokens"] == expected_input
    assert answer["usage"]["outputTokens"] == math.ceil(len(text) / 4)
    assert answer["usage"]["totalTokens"] == expected_input + math.ceil(len(text) / 4)
    assert answer["metrics"]["latencyMs"] > 0
    assert answer["ResponseMetadata"]["RequestId"]
    assert_fits(runtime, "Converse", raw[0])


def test_latency_is_the_same_for_the_same_attempt_and_scales(simulator: Simulator, runtime: Any) -> None:
    first = ask(runtime, QUESTIONS[3])["metrics"]["latencyMs"]
    second_attempt = ask(runtime, QUESTIONS[3])["metrics"]["latencyMs"]
    simulator.http("DELETE", "/_simulator/calls")
    assert ask(runtime, QUESTIONS[3])["metrics"]["latencyMs"] == first != second_attempt
    simulator.configure(default_latency_ms=8000)
    simulator.http("DELETE", "/_simulator/calls")
    assert ask(runtime, QUESTIONS[3])["metrics"]["latencyMs"] == pytest.approx(10 * first, abs=10)


@pytest.mark.parametrize("fault", ["empty", "reasoning_first", "truncated"])
def test_every_bent_answer_still_has_the_shape(simulator: Simulator, runtime: Any, raw: list[Any], fault: str) -> None:
    simulator.configure(faults={PLAIN: {fault: 1}})
    answer = ask(runtime, QUESTIONS[0])
    assert_fits(runtime, "Converse", raw[0])
    content = answer["output"]["message"]["content"]
    text = f"The answer to {QUESTIONS[0].lower()}"
    if fault == "empty":
        assert content == []
    if fault == "reasoning_first":
        assert list(content[0]) == ["reasoningContent"]
        assert content[1] == {"text": text}
    if fault == "truncated":
        assert answer["stopReason"] == "max_tokens"
        assert text.startswith(content[0]["text"])
        assert 0 < len(content[0]["text"]) < len(text)


def test_recorded_reasoning_and_stop_reason_are_returned(runtime: Any, raw: list[Any]) -> None:
    thoughtful = ask(runtime, QUESTIONS[0], model=NO_SAMPLING)
    assert thoughtful["output"]["message"]["content"] == [
        {"reasoningContent": {"reasoningText": {"text": "Let me see."}}},
        {"text": "Yes."},
    ]
    assert ask(runtime, QUESTIONS[1], model=NO_SAMPLING)["stopReason"] == "max_tokens"
    for body in raw:
        assert_fits(runtime, "Converse", body)


@pytest.mark.parametrize(
    ("model", "question", "words"),
    [
        (f"arn:aws:bedrock:us-east-1::foundation-model/{BASE}", 1, "Well, "),
        (f"us.{BASE}", 0, "From the profile."),
        (f"us.{BASE}", 1, "Well, "),
        (f"global.{BASE}", 1, "Well, "),
        (f"arn:aws:bedrock:us-east-1:000000000000:inference-profile/eu.{BASE}", 1, "Well, "),
        (f"arn:aws:bedrock:us-east-1:000000000000:inference-profile/us.{BASE}", 0, "From the profile."),
    ],
)
def test_ids_profiles_and_arns_reach_the_answers(runtime: Any, model: str, question: int, words: str) -> None:
    content = ask(runtime, QUESTIONS[question], model=model)["output"]["message"]["content"]
    assert content[0]["text"].startswith(words)


def test_the_last_user_message_is_matched_exactly(runtime: Any) -> None:
    messages = [
        {"role": "user", "content": [{"text": QUESTIONS[1]}]},
        {"role": "assistant", "content": [{"text": "Hm."}]},
        {"role": "user", "content": [{"text": "Question"}, {"text": " 2?"}]},
    ]
    answer = runtime.converse(modelId=PLAIN, messages=messages)
    assert answer["output"]["message"]["content"] == [{"text": "The answer to question 2?"}]
    with pytest.raises(runtime.exceptions.ModelErrorException):
        ask(runtime, QUESTIONS[2] + " ")


def test_a_prompt_without_answer_is_a_model_error_that_says_so(runtime: Any) -> None:
    with pytest.raises(runtime.exceptions.ModelErrorException) as caught:
        ask(runtime, "Never recorded")
    response = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["resourceName"] == PLAIN
    assert "no recorded answer of amazon.nova-lite-v1:0 to the prompt 'Never recorded'" in response["Error"]["Message"]


@pytest.mark.parametrize(
    "model",
    [
        "amazon.unheard-of-v1:0",
        "us.amazon.unheard-of-v1:0",
        "arn:aws:bedrock:us-east-1:000000000000:application-inference-profile/abcdefabcdef",
    ],
)
def test_a_model_that_nobody_knows_is_not_found(runtime: Any, model: str) -> None:
    with pytest.raises(runtime.exceptions.ResourceNotFoundException) as caught:
        ask(runtime, QUESTIONS[0], model=model)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert "Could not resolve the foundation model from the model identifier" in str(caught.value)


@pytest.mark.parametrize(
    ("parameters", "member"),
    [
        ({"messages": [{"role": "user"}]}, "messages.0.content"),
        ({"messages": [{**USER, "role": "robot"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": [{"text": 3}]}]}, "messages.0.content.0.text"),
        ({"messages": [{"role": "user", "content": [{"txt": "a"}]}]}, "messages.0.content.0.txt"),
        ({"messages": [{"role": "user", "content": [{"text": "  "}]}]}, "messages.0.content.0"),
        ({"messages": [{"role": "assistant", "content": [{"text": "a"}]}]}, "start with a user message"),
        ({"messages": []}, "start with a user message"),
        ({"messages": [USER], "inferenceConfig": {"maxTokens": 0}}, "inferenceConfig.maxTokens"),
        ({"messages": [USER], "inferenceConfig": {"temperature": 1.5}}, "inferenceConfig.temperature"),
        ({"messages": [USER], "inferenceConfig": {"top_p": 0.5}}, "inferenceConfig.top_p"),
        ({"messages": [USER], "max_tokens": 5}, "max_tokens"),
        ({"messages": [USER], "requestMetadata": {"a": "é"}}, "requestMetadata.a"),
        ({"messages": [USER], "requestMetadata": {str(n): "" for n in range(17)}}, "requestMetadata"),
        ({"messages": [USER], "performanceConfig": {"latency": "fast"}}, "performanceConfig.latency"),
        (
            {"messages": [{"role": "user", "content": [{"text": "a", "image": {"format": "png", "source": {}}}]}]},
            "messages.0.content.0",
        ),
    ],
)
def test_a_malformed_request_is_refused_with_the_member(simulator: Simulator, parameters: Any, member: str) -> None:
    # Past botocore's own checks, as another SDK would send it.
    status, answer = simulator.http("POST", f"/model/{PLAIN}/converse", parameters)
    assert status == 400
    assert member in answer["message"]


def test_a_body_that_is_no_object_is_refused(simulator: Simulator) -> None:
    assert simulator.http("POST", f"/model/{PLAIN}/converse", [1])[0] == 400


@pytest.mark.parametrize("parameter", ["temperature", "topP"])
def test_models_without_sampling_parameters_refuse_them(runtime: Any, parameter: str) -> None:
    with pytest.raises(runtime.exceptions.ValidationException, match="deprecated for this model"):
        ask(runtime, QUESTIONS[0], model=f"us.{NO_SAMPLING}", inferenceConfig={parameter: 0.5})
    assert ask(runtime, QUESTIONS[0], model=NO_SAMPLING, inferenceConfig={"maxTokens": 5})["stopReason"] == "end_turn"
    assert ask(runtime, QUESTIONS[0], inferenceConfig={parameter: 0.5})["stopReason"] == "end_turn"


def test_an_arn_of_another_account_or_region_is_invalid(runtime: Any) -> None:
    for arn in (
        f"arn:aws:bedrock:eu-west-1::foundation-model/{PLAIN}",
        f"arn:aws:bedrock:us-east-1:111111111111:inference-profile/us.{PLAIN}",
    ):
        with pytest.raises(runtime.exceptions.ValidationException, match="model identifier is invalid"):
            ask(runtime, QUESTIONS[0], model=arn)


def test_other_operations_are_refused_rather_than_mocked(runtime: Any) -> None:
    with pytest.raises(ClientError) as caught:
        runtime.invoke_model(modelId=PLAIN, body=b"{}")
    assert caught.value.response["Error"]["Code"] == "UnknownOperationException"


@pytest.mark.parametrize("model", [PLAIN, NO_SAMPLING])
def test_a_stream_adds_up_to_the_answer(runtime: Any, model: str) -> None:
    whole = ask(runtime, QUESTIONS[0], model=model)
    answer = runtime.converse_stream(modelId=model, messages=[USER])
    events = list(answer["stream"])
    names = [name for event in events for name in event]
    assert (names[0], names[-2], names[-1]) == ("messageStart", "messageStop", "metadata")
    deltas = [event["contentBlockDelta"]["delta"] for event in events if "contentBlockDelta" in event]
    assert "".join(delta.get("text", "") for delta in deltas) == whole["output"]["message"]["content"][-1]["text"]
    assert ("reasoningContent" in deltas[0]) == (model == NO_SAMPLING)
    assert events[-2]["messageStop"]["stopReason"] == "end_turn"
    assert events[-1]["metadata"]["usage"] == whole["usage"]


def test_a_stream_that_fails_raises_before_the_first_event(simulator: Simulator, runtime: Any) -> None:
    simulator.configure(faults={"*": {"throttle": 1}})
    with pytest.raises(runtime.exceptions.ThrottlingException):
        runtime.converse_stream(modelId=PLAIN, messages=[USER])


@given(st.text())
def test_token_estimate_is_a_quarter_of_the_characters(text: str) -> None:
    assert 4 * (estimate_tokens(text) - 1) < len(text) <= 4 * estimate_tokens(text) or text == ""


@given(st.floats(0, 1, exclude_max=True), st.integers(0, 5000), st.floats(1, 10_000))
def test_latency_is_positive_and_grows_with_the_answer(uniform: float, tokens: int, median: float) -> None:
    short = latency_ms(tokens, uniform=uniform, median_ms=median)
    assert 1 <= short <= latency_ms(tokens + 500, uniform=uniform, median_ms=median)


def test_the_configured_median_is_that_of_a_typical_answer() -> None:
    assert latency_ms(150, uniform=0.5, median_ms=800) == 800
