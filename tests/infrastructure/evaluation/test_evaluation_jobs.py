"""Evaluations that Bedrock scores: the function, its permissions, its state machine, their schedules and alarms."""

import ast
import json
from collections.abc import Iterator
from datetime import timedelta
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import pytest

from app import ROOT
from bedrock_eval.evaluation.job_settings import JobKind
from bedrock_eval.evaluation.schedules import parse_schedule
from bedrock_eval.jobs.progress import longest, pause
from bedrock_eval.jobs.rules import MOST_HOURS
from configuration.schema.environment import Environment
from stacks.monthly_cost import custom_metrics
from tests.support.synthesis.templates import (
    Resource,
    Template,
    by_jobs,
    by_jobs_environment,
    environment,
    listed,
    retained,
    synthesize,
)

NAME = "shop-dev-evaluation-jobs"
JOBS = "arn:<AWS::Partition>:bedrock:<AWS::Region>:<AWS::AccountId>:evaluation-job/*"
OURS = {"application": "shop", "environment": "dev"}
ACTIONS = {
    *("bedrock:CreateEvaluationJob", "bedrock:GetEvaluationJob", "bedrock:StopEvaluationJob"),
    *("bedrock:ListEvaluationJobs", "bedrock:BatchDeleteEvaluationJob", "bedrock:TagResource"),
}
_MODEL = "arn:<AWS::Partition>:bedrock:{region}::foundation-model/{model}"
_SYSTEM = "arn:<AWS::Partition>:bedrock:eu-central-1:<AWS::AccountId>:inference-profile/{model}"


def evaluation() -> Template:
    return by_jobs()["evaluation"]


def function() -> Resource:
    return evaluation().named("AWS::Lambda::Function", "FunctionName", NAME)


def statements() -> list[Resource]:
    found = evaluation().statements("JobsRole")
    assert found
    return found


def allowing(action: str) -> list[Resource]:
    return [each for each in statements() if action in listed(each["Action"])]


def resources(action: str, role: str = "JobsRole") -> set[str]:
    return {
        str(resource)
        for each in evaluation().statements(role)
        if action in listed(each["Action"])
        for resource in listed(each["Resource"])
    }


def job_role() -> str:
    """The ARN of the role that Bedrock's jobs assume."""
    (found,) = [
        logical_id
        for logical_id, each in evaluation().resources("AWS::IAM::Role").items()
        if each.get("RoleName") == "shop-dev-evaluation-job"
    ]
    return f"<{found}.Arn>"


def variables(path: str) -> Iterator[str]:
    """Names of the environment variables that a source file reads."""
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ":
            yield ast.literal_eval(node.slice)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "os.environ.get":
            yield ast.literal_eval(node.args[0])


class TestFunction:
    def test_has_the_environment_that_its_code_reads_and_no_more(self) -> None:
        read = {
            *variables("lambda/bedrock_eval_runs/jobs/services.py"),
            *variables("lambda/bedrock_eval_runs/services.py"),
        }
        # The other is boto3's.
        assert set(function()["Environment"]["Variables"]) - {"AWS_DATA_PATH"} == read
        assert len(read) == 5

    def test_jobs_work_with_the_one_role_in_our_bucket_under_our_key(self) -> None:
        given = function()["Environment"]["Variables"]
        assert given["JOB_ROLE"] == job_role()
        assert given["JOBS_OUTPUT"] == f"s3://{given['RESULTS_BUCKET']}/jobs/"
        assert given["RESULTS_BUCKET"].startswith("shop-dev-storage:")
        assert given["JOBS_KEY"].startswith("shop-dev-storage:")
        assert given["APPLICATION"] == "shop"

    def test_is_the_function_that_is_tested(self) -> None:
        """That its asset holds what it imports is in test_assets.py."""
        assert function()["Handler"] == "bedrock_eval_functions.evaluation_jobs.handler.handler"
        assert function()["Timeout"] == 900

    def test_is_made_for_evaluations_by_jobs_alone(self) -> None:
        without = retained()["evaluation"]
        assert len(without.raw("AWS::StepFunctions::StateMachine")) == 1
        assert NAME not in {each["FunctionName"] for each in without.resources("AWS::Lambda::Function").values()}
        assert not {action for each in without.statements() for action in listed(each["Action"]) if action in ACTIONS}


class TestPermissions:
    def test_it_does_with_bedrock_what_runs_need_and_no_more(self) -> None:
        found = {action for each in statements() for action in listed(each["Action"]) if action.startswith("bedrock:")}
        assert found == ACTIONS

    def test_it_may_ask_for_any_job_that_works_with_the_one_role(self) -> None:
        """On models, profiles or jobs alone AWS may refuse it: jobs of stored answers name no model at all."""
        (found,) = allowing("bedrock:CreateEvaluationJob")
        assert listed(found["Resource"]) == ["*"]
        # It may not make one that is another environment's; whether a request tells its tags is open.
        assert found["Condition"] == {
            "StringEqualsIfExists": {f"aws:RequestTag/{key}": value for key, value in OURS.items()}
        }
        (passing,) = allowing("iam:PassRole")
        assert listed(passing["Resource"]) == [job_role()]

    def test_the_role_of_jobs_stops_batches_and_lists_profiles_where_aws_asks_for_it(self) -> None:
        batches = "arn:<AWS::Partition>:bedrock:<AWS::Region>:<AWS::AccountId>:model-invocation-job/*"
        assert resources("bedrock:StopModelInvocationJob", "JobRole") == {batches}
        assert batches in resources("bedrock:CreateModelInvocationJob", "JobRole")
        assert resources("bedrock:ListInferenceProfiles", "JobRole") == {"*"}

    def test_it_stops_and_deletes_jobs_of_this_environment_alone(self) -> None:
        """In an account that several applications share, the ids of jobs do not say whose they are; the tags do."""
        for action in ("bedrock:StopEvaluationJob", "bedrock:BatchDeleteEvaluationJob"):
            (found,) = allowing(action)
            assert listed(found["Resource"]) == [JOBS]
            assert found["Condition"] == {
                "StringEquals": {f"aws:ResourceTag/{key}": value for key, value in OURS.items()}
            }

    def test_it_tags_only_as_its_own_and_only_what_is_not_anothers(self) -> None:
        (found,) = allowing("bedrock:TagResource")
        assert listed(found["Resource"]) == [JOBS]
        assert found["Condition"] == {
            "StringEqualsIfExists": {
                f"aws:{kind}/{key}": value for kind in ("RequestTag", "ResourceTag") for key, value in OURS.items()
            }
        }

    def test_a_bare_wildcard_is_for_actions_that_know_no_resource(self) -> None:
        wide = {action for each in statements() if "*" in listed(each["Resource"]) for action in listed(each["Action"])}
        assert wide == {
            *("bedrock:CreateEvaluationJob", "bedrock:ListEvaluationJobs", "cloudwatch:PutMetricData"),
            *("xray:PutTraceSegments", "xray:PutTelemetryRecords"),
        }

    def test_it_hands_the_evaluation_role_to_bedrock_and_to_nobody_else(self) -> None:
        (found,) = allowing("iam:PassRole")
        assert found["Resource"] == job_role()
        assert found["Condition"] == {"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}}

    def test_it_may_use_the_key_as_whoever_creates_a_job_must(self) -> None:
        """Source: user guide, model-evaluation-security-kms."""
        for action in ("kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"):
            (own,) = [each for each in allowing(action) if "Condition" not in each]
            assert str(own["Resource"]).startswith("shop-dev-storage:")

    @pytest.mark.parametrize(
        "key",
        [
            "runs/compared/20261123T060000Z/jobs.json",
            "runs/compared/20261123T060000Z/results/haiku/part-00000.jsonl",
            "jobs/compared/20261123T060000Z/answers/haiku.jsonl",
        ],
    )
    def test_it_writes_its_runs_and_the_answers_for_a_judge(self, key: str) -> None:
        assert written(key)

    @pytest.mark.parametrize(
        "key",
        [
            "definitions/compared.json",
            "baselines/compared/20261123T060000Z/summary.json",
            "jobs/compared/20261123T060000Z/dev-compared-haiku/1/models/m/x_output.jsonl",
        ],
    )
    def test_it_reads_definitions_baselines_and_output_and_does_not_write_them(self, key: str) -> None:
        assert any(
            fnmatchcase(key, arn.rpartition("/")[0].partition("/")[2] + "/*") for arn in resources("s3:GetObject")
        )
        assert not written(key)

    def test_it_deletes_nothing_in_a_bucket(self) -> None:
        assert not {action for each in statements() for action in listed(each["Action"]) if "s3:Delete" in action}

    def test_a_foreign_dataset_is_read_by_the_function_and_by_the_role_of_jobs(self) -> None:
        arn = "arn:<AWS::Partition>:s3:::other-team/cases/shop.jsonl"
        assert arn in resources("s3:GetObject")
        assert arn in resources("s3:GetObject", "JobRole")
        assert "arn:<AWS::Partition>:s3:::other-team" in resources("s3:ListBucket", "JobRole")
        assert not any("other-team" in found for found in resources("s3:PutObject"))
        keys = "arn:<AWS::Partition>:kms:<AWS::Region>:*:key/*"
        assert keys in resources("kms:Decrypt") & resources("kms:Decrypt", "JobRole")

    def test_the_role_of_jobs_calls_through_the_profiles_that_jobs_name(self) -> None:
        for name in ("haiku", "nova"):
            profile = f"<{evaluation().logical_id(f'Profiles{name}')}.InferenceProfileArn>"
            for action in ("InvokeModel", "InvokeModelWithResponseStream", "GetInferenceProfile"):
                assert profile in resources(f"bedrock:{action}", "JobRole")


def written(key: str) -> bool:
    patterns = [arn.partition("/")[2] for arn in resources("s3:PutObject")]
    return any(fnmatchcase(key, pattern) for pattern in patterns)


class TestMachine:
    def machine(self, name: str = NAME) -> Resource:
        return evaluation().named("AWS::StepFunctions::StateMachine", "StateMachineName", name)

    def states(self, name: str = NAME) -> dict[str, Any]:
        found = json.loads(self.machine(name)["DefinitionString"])["States"]
        assert isinstance(found, dict)
        return found

    def test_is_of_the_same_shape_as_that_of_custom_runs(self) -> None:
        assert set(self.states()) == set(self.states("shop-dev-evaluation"))
        for name, state in self.states().items():
            other = self.states("shop-dev-evaluation")[name]
            assert {key: value for key, value in state.items() if key != "Parameters"} == {
                key: value for key, value in other.items() if key != "Parameters"
            }

    def test_calls_the_function_of_jobs_and_nothing_else(self) -> None:
        called = {state["Parameters"]["FunctionName"] for state in self.states().values() if state["Type"] == "Task"}
        invoked = {
            str(resource)
            for each in evaluation().statements("RunnerJobsStateMachineRole")
            if "lambda:InvokeFunction" in listed(each["Action"])
            for resource in listed(each["Resource"])
        }
        (logical_id,) = [
            logical_id
            for logical_id, each in evaluation().resources("AWS::Lambda::Function").items()
            if each["FunctionName"] == NAME
        ]
        assert called == invoked == {f"<{logical_id}.Arn>"}

    def test_every_task_is_tried_again_and_caught(self) -> None:
        for state in self.states().values():
            if state["Type"] == "Task":
                assert state["Retry"]
                assert [catch["ErrorEquals"] for catch in state["Catch"]] == [["States.ALL"]]

    def test_outlives_the_longest_run_that_is_declared(self) -> None:
        """What is cut off records no reason; the function gives up before."""
        limit = json.loads(self.machine()["DefinitionString"])["TimeoutSeconds"]
        hours = max(
            float(properties["Definition"]["job"]["deadline_hours"])
            for properties in evaluation().resources("Custom::EvaluationDefinition").values()
            if "job" in properties["Definition"]
        )
        assert hours == 168, "people take days"
        assert limit > longest(JobKind.JUDGE, deadline_hours=hours).total_seconds()
        assert json.loads(self.machine("shop-dev-evaluation")["DefinitionString"])["TimeoutSeconds"] == 24 * 3600

    @pytest.mark.parametrize("kind", JobKind)
    def test_the_longest_execution_stays_below_the_limit_of_events(self, kind: JobKind) -> None:
        """10 candidates one after another up to the longest deadline: under 10,000 events, and under the 25,000 that
        Step Functions allows even when every task needs all its retries."""
        states = self.states()
        around = ("EvaluateSlice", "SliceResult", "Pause")
        events = sum(5 if states[name]["Type"] == "Task" else 2 for name in around)
        retries = {tuple(retry["ErrorEquals"]): retry for retry in states["EvaluateSlice"]["Retry"]}
        full = retries.pop(("Lambda.TooManyRequestsException",))
        attempts = sum(retry["MaxAttempts"] for retry in retries.values())
        starts = 1 if kind is JobKind.HUMAN else 10
        whole = longest(kind, deadline_hours=MOST_HOURS[kind])
        rounds = 0
        for _ in range(starts):
            elapsed = timedelta()
            while elapsed < whole / starts:
                elapsed += pause(kind, since_start=elapsed)
                rounds += 1
        assert rounds * events < 10_000
        # An attempt that fails is scheduled, started and failed. Those that find no room take time from the rounds.
        waited = timedelta()
        for tries in range(full["MaxAttempts"] + 1):
            slower = starts * (whole / starts) / (whole / rounds + waited)
            assert slower * (events + 3 * (attempts + tries)) < 25_000
            longest_pause = min(full["IntervalSeconds"] * full["BackoffRate"] ** tries, full["MaxDelaySeconds"])
            waited += timedelta(seconds=longest_pause / 2)

    def test_step_functions_may_assume_its_role_for_this_machine_alone(self) -> None:
        (role,) = [
            role
            for logical_id, role in evaluation().resources("AWS::IAM::Role").items()
            if logical_id.startswith("RunnerJobsStateMachineRole")
        ]
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Condition"]["ArnLike"]["aws:SourceArn"].endswith(f":stateMachine:{NAME}")


class TestSchedules:
    def test_each_starts_the_machine_of_its_kind(self) -> None:
        machines = {
            properties["StateMachineName"]: f"<{logical_id}>"
            for logical_id, properties in evaluation().resources("AWS::StepFunctions::StateMachine").items()
        }
        targets = {
            schedule["Name"]: schedule["Target"]["Arn"]
            for schedule in evaluation().resources("AWS::Scheduler::Schedule").values()
        }
        assert targets == {
            "shop-dev-quality": machines["shop-dev-evaluation"],
            "shop-dev-accuracy": machines[NAME],
            "shop-dev-compared": machines[NAME],
        }
        assert resources("states:StartExecution", "RunnerSchedulesRole") == set(machines.values())

    def test_the_watchdog_waits_for_the_deadline_and_not_for_a_grace_alone(self) -> None:
        for properties in evaluation().resources("Custom::EvaluationDefinition").values():
            job, schedule = properties["Definition"].get("job"), properties["Definition"].get("schedule")
            if job and schedule:
                assert float(schedule["grace_hours"]) > float(job["deadline_hours"])
                assert parse_schedule(schedule["expression"])


@cache
def monitoring() -> Template:
    return by_jobs()["monitoring"]


def alarms() -> dict[str, Resource]:
    return {each["AlarmName"]: each for each in monitoring().resources("AWS::CloudWatch::Alarm").values()}


def titles() -> list[str]:
    body = json.loads(monitoring().only("AWS::CloudWatch::Dashboard")["DashboardBody"])
    return [widget["properties"]["title"] for widget in body["widgets"] if widget["type"] == "metric"]


def graph(start: str, *, holding: str) -> dict[str, Any]:
    body = json.loads(monitoring().only("AWS::CloudWatch::Dashboard")["DashboardBody"])
    (found,) = [
        widget["properties"]
        for widget in body["widgets"]
        if widget["type"] == "metric"
        and widget["properties"]["title"].startswith(start)
        and holding in json.dumps(widget["properties"]["metrics"])
    ]
    assert isinstance(found, dict)
    return found


class TestMonitoring:
    def test_a_gate_on_a_metric_of_bedrock_has_its_verdict_alarm(self) -> None:
        alarm = alarms()["shop-dev-verdict-accuracy-nova-Builtin.Robustness"]
        watched = {each["Name"]: each["Value"] for each in alarm["Dimensions"]}
        assert (alarm["MetricName"], watched["Metric"]) == ("gate_verdict", "Builtin.Robustness")
        assert (watched["Evaluation"], watched["Candidate"]) == ("accuracy", "nova")

    def test_every_evaluation_by_jobs_rings_when_it_fails_or_is_overdue(self) -> None:
        for name in ("accuracy", "judged", "compared"):
            assert f"shop-dev-run-failed-{name}" in alarms()
        assert {name for name in alarms() if "run-overdue" in name} == {
            "shop-dev-run-overdue-quality",
            "shop-dev-run-overdue-accuracy",
            "shop-dev-run-overdue-compared",
        }

    def test_both_machines_ring_when_an_execution_fails(self) -> None:
        watched = {
            each["Value"].rpartition(":")[2]
            for name in ("shop-dev-executions-failed", "shop-dev-executions-failed-jobs")
            for query in alarms()[name]["Metrics"]
            if "MetricStat" in query
            for each in query["MetricStat"]["Metric"]["Dimensions"]
        }
        assert watched == {"shop-dev-evaluation", NAME}
        assert "shop-dev-executions-failed-jobs" not in {
            each["AlarmName"] for each in retained()["monitoring"].resources("AWS::CloudWatch::Alarm").values()
        }

    def test_names_of_alarms_are_legal_and_unique(self) -> None:
        names = [each["AlarmName"] for each in monitoring().resources("AWS::CloudWatch::Alarm").values()]
        assert len(names) == len(set(names))
        assert all(len(name) <= 255 and name.isascii() and name.isprintable() for name in names)

    def test_scores_are_drawn_under_their_names_with_their_direction(self) -> None:
        robustness = graph("Robustness", holding="Builtin.Robustness")
        assert robustness["title"] == "Robustness, mean"
        assert robustness["yAxis"]["left"]["label"] == "score, lower is better"
        assert robustness["metrics"][0][:2] == ["Custom/Bedrock", "Builtin.Robustness"]
        assert robustness["annotations"]["horizontal"][0]["label"] == "gate max 0.2"
        assert "max" not in robustness["yAxis"]["left"], "values above 1 have been seen"
        accuracy = graph("Accuracy", holding="Builtin.Accuracy")
        assert accuracy["title"] == "Accuracy, mean"
        assert accuracy["yAxis"]["left"]["label"] == "score, higher is better"
        assert "amazon.nova-lite-v1:0" in accuracy["metrics"][0], "the declared id, not the profile's"
        tone = graph("tone", holding='"tone"')
        assert tone["yAxis"]["left"]["min"] == -1

    def test_tokens_and_cost_which_jobs_do_not_tell_are_not_drawn(self) -> None:
        """An empty graph would read as none."""
        assert titles().count("Tokens of runs") == titles().count("Estimated cost of runs") == 1
        assert titles().count("Coverage") == len(by_jobs_environment().evaluations)

    def test_the_function_of_jobs_is_among_those_that_are_watched(self) -> None:
        assert NAME in json.dumps(graph("Function errors", holding="FunctionName"))


def only(*names: str) -> Environment:
    """The same environment with these evaluations alone."""
    whole = by_jobs_environment().model_dump(mode="json")
    return environment(models=whole["models"], evaluations={name: whole["evaluations"][name] for name in names})


def test_an_evaluation_by_jobs_publishes_no_tokens_and_so_fewer_metrics() -> None:
    # Two of the run; of its candidate two scores, cases, failed cases, coverage and duration.
    assert custom_metrics(only("judged")) - custom_metrics(only()) == 2 + 2 + 4


def test_without_custom_evaluations_the_evaluator_may_call_and_read_nothing_for_them() -> None:
    statements = synthesize(only("judged"))["evaluation"].statements("RunnerEvaluatorRole")
    assert statements
    assert "bedrock:InvokeModel" not in {action for each in statements for action in listed(each["Action"])}
    assert "other-team" not in str(statements)
