"""Injected faults: the modelled exception of each, its share, and that a stall holds up nobody else."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.local.simulator import BASE, PLAIN, QUESTIONS, Simulator, ask


@pytest.mark.parametrize(
    ("fault", "exception", "status"),
    [
        ("throttle", "ThrottlingException", 429),
        ("500", "InternalServerException", 500),
        ("503", "ServiceUnavailableException", 503),
        ("408", "ModelTimeoutException", 408),
        ("424", "ModelErrorException", 424),
        ("denied", "AccessDeniedException", 403),
    ],
)
def test_each_fault_raises_the_modelled_exception(
    simulator: Simulator, runtime: Any, fault: str, exception: str, status: int
) -> None:
    simulator.configure(faults={"*": {fault: 1}})
    with pytest.raises(getattr(runtime.exceptions, exception)) as caught:
        ask(runtime, QUESTIONS[0])
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert caught.value.response["Error"]["Message"]


def refused(runtime: Any, model: str = PLAIN) -> set[str]:
    struck: set[str] = set()
    for question in QUESTIONS:
        try:
            ask(runtime, question, model=model)
        except ClientError:
            struck.add(question)
    return struck


def test_a_share_of_the_requests_is_hit_and_the_seed_decides_which(simulator: Simulator, runtime: Any) -> None:
    simulator.configure(faults={PLAIN: {"throttle": 0.25}})
    first = refused(runtime)
    assert 30 <= len(first) <= 70
    simulator.http("DELETE", "/_simulator/calls")
    assert refused(runtime) == first
    # Counts go on, so these are second attempts: they draw anew.
    assert refused(runtime) != first
    simulator.configure(seed=8)
    simulator.http("DELETE", "/_simulator/calls")
    assert refused(runtime) != first


def test_faults_of_one_model_leave_the_others_alone(simulator: Simulator, runtime: Any) -> None:
    simulator.configure(faults={BASE: {"500": 1}})
    assert ask(runtime, QUESTIONS[0])["stopReason"] == "end_turn"
    for model in (BASE, f"us.{BASE}"):
        with pytest.raises(runtime.exceptions.InternalServerException):
            ask(runtime, QUESTIONS[0], model=model)


def test_a_stall_delays_its_own_request_only(simulator: Simulator, runtime: Any) -> None:
    simulator.configure(faults={BASE: {"stall": 1, "stall_seconds": 1.0}})
    with ThreadPoolExecutor(4) as pool:
        started = time.monotonic()
        stalled = [pool.submit(ask, runtime, question, model=BASE) for question in QUESTIONS[:3]]
        time.sleep(0.2)
        assert ask(runtime, QUESTIONS[0])["stopReason"] == "end_turn"
        assert time.monotonic() - started < 0.9
        assert all(future.result()["stopReason"] == "end_turn" for future in stalled)
    assert 1.0 <= time.monotonic() - started < 2.5
    assert simulator.calls()["max_in_flight"] == 4


def test_latency_is_waited_when_asked_for(simulator: Simulator, runtime: Any) -> None:
    simulator.configure(sleep_share=0.5, default_latency_ms=1500)
    started = time.monotonic()
    reported = ask(runtime, QUESTIONS[0])["metrics"]["latencyMs"]
    assert time.monotonic() - started >= reported / 2000


def test_calls_are_counted_by_model_and_prompt(simulator: Simulator, runtime: Any) -> None:
    simulator.configure(faults={BASE: {"throttle": 1}})
    ask(runtime, QUESTIONS[0])
    ask(runtime, QUESTIONS[0])
    with pytest.raises(ClientError):
        ask(runtime, "Never recorded")
    with pytest.raises(ClientError):
        ask(runtime, QUESTIONS[0], model=BASE)
    calls = simulator.calls()
    by_prompt = calls["calls"][PLAIN]
    assert sorted(map(str, by_prompt.values())) == sorted(
        map(str, ({"attempts": 2, "answered": 2, "refused": 0}, {"attempts": 1, "answered": 0, "refused": 1}))
    )
    assert calls["calls"][BASE] == {next(iter(by_prompt)): {"attempts": 1, "answered": 0, "refused": 1}}
    assert calls["totals"] == {"attempts": 4, "answered": 2, "refused": 2}
    assert calls["max_in_flight"] == 1
    simulator.http("DELETE", "/_simulator/calls")
    assert simulator.calls() == {
        "calls": {},
        "totals": {"attempts": 0, "answered": 0, "refused": 0},
        "max_in_flight": 0,
    }


def test_a_wrong_change_at_run_time_changes_nothing(simulator: Simulator) -> None:
    before = simulator.http("GET", "/_simulator/config")
    status, answer = simulator.http("PUT", "/_simulator/config", {"seed": 9, "faults": {"*": {"slow": 1}}})
    assert status == 400
    assert answer["error"].startswith("PUT /_simulator/config: faults.*: unknown fault 'slow'")
    status, answer = simulator.http("PUT", "/_simulator/config", {"seed": 9, "answers": ["/nowhere.jsonl"]})
    assert (status, answer["error"]) == (400, "/nowhere.jsonl: cannot be read: No such file or directory")
    assert simulator.http("GET", "/_simulator/config") == before
    assert simulator.http("GET", "/_simulator/unknown")[0] == 404


def test_answers_can_be_exchanged_at_run_time(simulator: Simulator, runtime: Any, tmp_path: Path) -> None:
    before = simulator.http("GET", "/_simulator/config")[1]["answers"]
    other = tmp_path / "other.jsonl"
    other.write_text('{"modelId": "meta.new-v1:0", "prompt": "Hi", "response": "Hello"}\n')
    try:
        simulator.configure(answers=[*before, str(other)])
        assert ask(runtime, "Hi", model="meta.new-v1:0")["output"]["message"]["content"] == [{"text": "Hello"}]
        assert ask(runtime, QUESTIONS[0])["stopReason"] == "end_turn"
    finally:
        simulator.configure(answers=before)
    with pytest.raises(runtime.exceptions.ResourceNotFoundException):
        ask(runtime, "Hi", model="meta.new-v1:0")


def test_a_reset_of_the_emulator_forgets_state_but_not_the_configuration(
    simulator: Simulator, runtime: Any, bedrock: Any
) -> None:
    source = f"arn:aws:bedrock:us-east-1::foundation-model/{PLAIN}"
    arn = bedrock.create_inference_profile(inferenceProfileName="gone", modelSource={"copyFrom": source})
    ask(runtime, QUESTIONS[0])
    assert simulator.http("POST", "/_ministack/reset")[0] == 200
    assert simulator.calls()["calls"] == {}
    with pytest.raises(bedrock.exceptions.ResourceNotFoundException):
        bedrock.get_inference_profile(inferenceProfileIdentifier=arn["inferenceProfileArn"])
    assert ask(runtime, QUESTIONS[0])["stopReason"] == "end_turn"
