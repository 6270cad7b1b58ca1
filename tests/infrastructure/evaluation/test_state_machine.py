"""The state machine: slice, again, publish; every failure is recorded and ends as what it was."""

import json
from typing import Any

import pytest

from tests.support.synthesis.templates import Resource, Template, by_jobs, listed, retained

TASKS = ("EvaluateSlice", "Publish", "RecordFailure")
FULL = "Lambda.TooManyRequestsException"
OWN_ERRORS = {"RunFailed", "EventError"}


def template() -> Template:
    return retained()["evaluation"]


def machine() -> Resource:
    return template().only("AWS::StepFunctions::StateMachine")


def definition() -> dict[str, Any]:
    found = json.loads(machine()["DefinitionString"])
    assert isinstance(found, dict)
    return found


def states() -> dict[str, Any]:
    found = definition()["States"]
    assert isinstance(found, dict)
    return found


def payload(state: str) -> dict[str, str]:
    found = states()[state]["Parameters"]["Payload"]
    assert isinstance(found, dict)
    return found


class TestPath:
    @pytest.mark.parametrize(
        ("status", "following"),
        [("running", "EvaluateSlice"), ("waiting", "Pause"), ("skipped", "Skipped"), ("finished", "Publish")],
    )
    def test_a_slice_says_what_follows(self, status: str, following: str) -> None:
        slice_state = states()["EvaluateSlice"]
        assert slice_state["ResultPath"] == "$.slice"
        assert slice_state["ResultSelector"]["status.$"] == "$.Payload.status"
        choices = {each["StringEquals"]: each for each in states()[slice_state["Next"]]["Choices"]}
        assert choices[status]["Variable"] == "$.slice.status"
        assert choices[status]["Next"] == following

    def test_it_begins_with_a_slice_and_a_published_run_is_finished(self) -> None:
        assert definition()["StartAt"] == "EvaluateSlice"
        assert states()["Pause"] == {"Type": "Wait", "SecondsPath": "$.slice.pauseSeconds", "Next": "EvaluateSlice"}
        assert states()[states()["Publish"]["Next"]]["Type"] == "Succeed"
        assert states()["Skipped"]["Type"] == "Succeed"

    def test_every_state_is_reached(self) -> None:
        text = json.dumps(definition())
        for name in states():
            assert f'"{name}"' in text.replace(f'"{name}": {{', "", 1), name


class TestEvents:
    @pytest.mark.parametrize(
        ("state", "action"), [("EvaluateSlice", "slice"), ("Publish", "publish"), ("RecordFailure", "fail")]
    )
    def test_each_action_gets_the_input_as_it_came_and_the_execution(self, state: str, action: str) -> None:
        found = payload(state)
        assert found["action"] == action
        assert (found["input.$"], found["execution.$"]) == ("$$.Execution.Input", "$$.Execution.Id")

    def test_a_failure_is_recorded_with_its_error(self) -> None:
        assert payload("RecordFailure")["error.$"] == "$.error"
        assert all(states()[name]["Catch"][0]["ResultPath"] == "$.error" for name in ("EvaluateSlice", "Publish"))


class TestFailure:
    @pytest.mark.parametrize("state", ["EvaluateSlice", "Publish"])
    def test_whatever_fails_is_recorded(self, state: str) -> None:
        (catch,) = states()[state]["Catch"]
        assert (catch["ErrorEquals"], catch["Next"]) == (["States.ALL"], "RecordFailure")

    def test_recording_keeps_the_error_and_ends_failed_even_when_it_fails_itself(self) -> None:
        recording = states()["RecordFailure"]
        (catch,) = recording["Catch"]
        assert recording["ResultPath"].startswith("$."), "else its result replaces the error"
        assert recording["ResultPath"] != "$.error"
        assert recording["Next"] == catch["Next"] == "Failed"
        assert catch["ResultPath"] != "$.error"
        assert states()["Failed"] == {
            "Type": "Fail",
            "ErrorPath": "$.error.Error",
            "CausePath": "$.error.Cause",
        }

    @pytest.mark.parametrize("state", TASKS)
    def test_only_what_passes_by_itself_is_tried_again(self, state: str) -> None:
        trouble, _, retry = states()[state]["Retry"]
        assert trouble["ErrorEquals"] == ["PassingError"]
        assert (trouble["MaxAttempts"], trouble["BackoffRate"], trouble["JitterStrategy"]) == (5, 2, "FULL")
        assert not OWN_ERRORS & set(retry["ErrorEquals"])
        assert not {"States.ALL", "States.TaskFailed"} & set(retry["ErrorEquals"])
        assert {"Lambda.ServiceException", "Lambda.Unknown", "Sandbox.Timedout"} <= set(retry["ErrorEquals"])
        assert (retry["MaxAttempts"], retry["BackoffRate"], retry["JitterStrategy"]) == (4, 2, "FULL")

    def test_a_full_concurrency_is_waited_out_by_every_task_of_every_machine(self) -> None:
        """A slice holds its place for a quarter of an hour, and with full jitter half of each delay is waited."""
        machines = by_jobs()["evaluation"].resources("AWS::StepFunctions::StateMachine").values()
        definitions = [json.loads(each["DefinitionString"]) for each in machines]
        assert len(definitions) == 2
        for found in definitions:
            tasks = [state for state in found["States"].values() if state["Type"] == "Task"]
            assert len(tasks) == len(TASKS)
            for task in tasks:
                (full,) = [each for each in task["Retry"] if FULL in each["ErrorEquals"]]
                assert (full["ErrorEquals"], full["JitterStrategy"]) == ([FULL], "FULL")
                delays = [
                    min(full["IntervalSeconds"] * float(full["BackoffRate"]) ** attempt, full["MaxDelaySeconds"])
                    for attempt in range(full["MaxAttempts"])
                ]
                assert 4 * 3600 < sum(delays) / 2 < found["TimeoutSeconds"]

    @pytest.mark.parametrize("state", TASKS)
    def test_a_task_waits_longer_than_the_function_may_run(self, state: str) -> None:
        function = template().named("AWS::Lambda::Function", "FunctionName", "shop-dev-custom-evaluator")
        assert states()[state]["TimeoutSeconds"] == function["Timeout"] + 60

    def test_an_execution_ends_and_stays_below_the_limit_of_events(self) -> None:
        """25,000 events an execution; a slice of a quarter of an hour has about ten."""
        slices = definition()["TimeoutSeconds"] / (14 * 60)
        assert slices * 10 < 25_000


class TestResource:
    def test_is_standard_traced_and_logs_errors_without_data(self) -> None:
        assert machine()["StateMachineType"] == "STANDARD"
        assert machine()["TracingConfiguration"] == {"Enabled": True}
        logging = machine()["LoggingConfiguration"]
        assert (logging["Level"], logging["IncludeExecutionData"]) == ("ERROR", False)
        group = template().named("AWS::Logs::LogGroup", "LogGroupName", "/aws/vendedlogs/states/shop-dev-evaluation")
        assert group["RetentionInDays"] == 30

    def test_invokes_the_evaluator_and_nothing_else(self) -> None:
        invoked = [
            resource
            for statement in template().statements("RunnerStateMachineRole")
            if statement["Action"] == "lambda:InvokeFunction"
            for resource in listed(statement["Resource"])
        ]
        function = template().logical_id("RunnerEvaluatorFunctionF")
        assert invoked == [f"<{function}.Arn>"]
        assert {states()[name]["Parameters"]["FunctionName"] for name in TASKS} == set(invoked)

    def test_step_functions_may_assume_its_role_for_this_machine_alone(self) -> None:
        (role,) = [
            role
            for logical_id, role in template().resources("AWS::IAM::Role").items()
            if logical_id.startswith("RunnerStateMachineRole")
        ]
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        arn = "arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:stateMachine:shop-dev-evaluation"
        assert statement["Principal"] == {"Service": "states.amazonaws.com"}
        assert statement["Condition"]["ArnLike"] == {"aws:SourceArn": arn}
