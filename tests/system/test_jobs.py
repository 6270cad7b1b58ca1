"""Evaluations by Bedrock's jobs as deployed: from the state machine to scores in CloudWatch, and a job that fails."""

import json
from pathlib import Path
from typing import Any

import pytest

from bedrock_eval.layout import RunLayout, definition_key
from bedrock_eval.results.summary import Summary, read_summary
from local.deployment import ENVIRONMENT, DeploymentError, run_cdk, synthesize
from local.evaluation import cloudwatch_means
from tests.support.frozen import ENVIRONMENTS
from tests.support.local.deployment import EVALUATION, Stack
from tests.support.local.operator import ops

QUICK = {"seconds": 0.2}
CASES = 42


def begin(stack: Stack, evaluation: str) -> tuple[RunLayout, str]:
    """Start a run of its own; gives where it lies and the execution."""
    when = stack.scheduled_time()
    return stack.layout(evaluation, when), stack.begin(evaluation, when)


@pytest.fixture(scope="module")
def runs(stack: Stack) -> dict[str, RunLayout]:
    """A custom run and, once its answers are stored, a run of each kind by jobs, side by side."""
    stack.simulator("PUT", "config", {"evaluation_jobs": QUICK})
    layouts: dict[str, RunLayout] = {}
    layouts[EVALUATION], custom = begin(stack, EVALUATION)
    assert stack.wait(custom)["status"] == "SUCCEEDED"
    executions = {}
    for name in ("bedrock-scores", "judged-answers", "rated-by-people"):
        layouts[name], executions[name] = begin(stack, name)
    ended = {name: stack.wait(execution) for name, execution in executions.items()}
    assert {name: each["status"] for name, each in ended.items()} == dict.fromkeys(executions, "SUCCEEDED"), ended
    return layouts


def summary_of(stack: Stack, layout: RunLayout) -> Summary:
    return read_summary(stack.clients.s3.get_object(Bucket=stack.bucket, Key=layout.summary)["Body"].read())


@pytest.mark.parametrize(
    ("evaluation", "metrics"),
    [
        ("bedrock-scores", {"Builtin.Accuracy", "Builtin.Toxicity"}),
        ("judged-answers", {"Builtin.Correctness", "Builtin.Helpfulness"}),
        ("rated-by-people", {"Preference"}),
    ],
)
def test_each_kind_ends_with_scores_a_comparison_and_a_report(
    stack: Stack, runs: dict[str, RunLayout], evaluation: str, metrics: set[str]
) -> None:
    summary = summary_of(stack, runs[evaluation])
    assert {each.name: (each.cases, each.failed) for each in summary.candidates} == {
        "haiku": (CASES, 0),
        "nova": (CASES, 0),
    }
    assert all(set(each.metrics) == metrics for each in summary.candidates)
    assert {(each.metric, each.estimate.n) for each in summary.comparisons} == {(name, CASES) for name in metrics}
    assert runs[evaluation].report in stack.keys(runs[evaluation].report)


def test_cloudwatch_has_the_means_of_the_summary(stack: Stack, runs: dict[str, RunLayout]) -> None:
    for name, layout in runs.items():
        if name != EVALUATION:
            summary = summary_of(stack, layout)
            ours = {
                (each.name, metric): found.mean for each in summary.candidates for metric, found in each.metrics.items()
            }
            assert cloudwatch_means(stack.clients, summary) == pytest.approx(ours)


def test_the_judge_was_given_the_answers_of_the_newest_custom_run(stack: Stack, runs: dict[str, RunLayout]) -> None:
    answers = summary_of(stack, runs["judged-answers"]).answers
    assert answers is not None
    source = RunLayout(answers.evaluation, answers.run_id)
    assert source.evaluation == EVALUATION
    stored = {each["case_id"]: each["response"] for each in stack.outcomes(source, "haiku") if "response" in each}
    judged = {each["case_id"]: each["response"] for each in stack.outcomes(runs["judged-answers"], "haiku")}
    assert stored
    assert judged == stored


def test_a_job_that_fails_fails_the_run_with_the_words_of_bedrock(stack: Stack) -> None:
    message = "The dataset could not be read."
    stack.simulator("PUT", "config", {"evaluation_jobs": {**QUICK, "failure": message}})
    layout, execution = begin(stack, "bedrock-scores")
    ended: dict[str, Any] = stack.wait(execution)
    assert ended["status"] == "FAILED"
    assert message in ended["cause"]
    state = stack.read(layout.state)
    assert (state["status"], state["reason"]) == ("failed", "job_failed")
    assert message in state["message"]


def variant(stack: Stack, name: str, **job: Any) -> None:
    """Write the definition of an evaluation like bedrock-scores, with other settings of its jobs."""
    definition = stack.read(definition_key("bedrock-scores"))
    definition["evaluation"] = name
    definition["job"].update(job)
    body = json.dumps(definition).encode()
    stack.clients.s3.put_object(Bucket=stack.bucket, Key=definition_key(name), Body=body)


def test_a_job_that_never_ends_is_stopped_at_the_deadline(stack: Stack) -> None:
    stack.simulator("PUT", "config", {"evaluation_jobs": {"never_ends": True}})
    variant(stack, "never-ends", deadline_hours=5 / 3600)
    layout, execution = begin(stack, "never-ends")
    ended = stack.wait(execution)
    assert ended["status"] == "FAILED"
    assert stack.read(layout.state)["reason"] == "job_overdue"
    assert [each["status"] for each in stack.read(layout.jobs)["jobs"]] == ["Stopped", "Stopped"]


def test_output_that_comes_late_and_lies_elsewhere_is_found(stack: Stack) -> None:
    late = {**QUICK, "output_seconds": 3, "output_folder": "/{id}/{name}/"}
    stack.simulator("PUT", "config", {"evaluation_jobs": late})
    variant(stack, "late")
    layout, execution = begin(stack, "late")
    assert stack.wait(execution)["status"] == "SUCCEEDED"
    assert {each.coverage for each in summary_of(stack, layout).candidates} == {1}
    assert any(key.startswith(f"{layout.job_output}/") for key in stack.keys(layout.job_output))


def test_an_account_that_is_full_of_jobs_fails_the_run_at_once(stack: Stack) -> None:
    stack.simulator("PUT", "config", {"evaluation_jobs": {**QUICK, "others": 5_000}})
    variant(stack, "full")
    layout, execution = begin(stack, "full")
    assert stack.wait(execution)["status"] == "FAILED"
    state = stack.read(layout.state)
    assert state["reason"] == "job_refused"
    assert "the account has 5,000 evaluation jobs, its quota: delete old ones" in state["message"]


def test_a_job_that_is_refused_to_be_stopped_is_told_with_the_command_that_stops_it(stack: Stack) -> None:
    refused = {"never_ends": True, "stop_refusal": "AccessDeniedException"}
    stack.simulator("PUT", "config", {"evaluation_jobs": refused})
    variant(stack, "goes-on", deadline_hours=5 / 3600)
    layout, execution = begin(stack, "goes-on")
    assert stack.wait(execution)["status"] == "FAILED"
    state = stack.read(layout.state)
    assert state["reason"] == "job_overdue"
    arns = [job["arn"] for job in stack.read(layout.jobs)["jobs"]]
    assert state["message"].endswith(f"aws bedrock stop-evaluation-job --region us-east-1 --job-identifier {arns[-1]}")
    stack.simulator("PUT", "config", {"evaluation_jobs": QUICK})
    for arn in arns:
        assert stack.clients.bedrock.get_evaluation_job(jobIdentifier=arn)["status"] == "Completed", arn


def test_old_jobs_are_pruned_and_their_output_stays(stack: Stack) -> None:
    stack.simulator("PUT", "config", {"evaluation_jobs": QUICK})
    variant(stack, "pruned", keep_jobs=2)
    layouts = []
    for _ in range(2):
        layout, execution = begin(stack, "pruned")
        assert stack.wait(execution)["status"] == "SUCCEEDED"
        layouts.append(layout)
    first, second = ({each["name"] for each in stack.read(layout.jobs)["jobs"]} for layout in layouts)
    left = {
        each["jobName"] for each in stack.clients.bedrock.list_evaluation_jobs(nameContains="pruned")["jobSummaries"]
    }
    assert left == second
    assert not left & first
    assert all(any(key.endswith("_output.jsonl") for key in stack.keys(layout.job_output)) for layout in layouts)


def test_a_person_sees_the_jobs_and_reads_their_output_again(
    stack: Stack, runs: dict[str, RunLayout], tmp_path: Path
) -> None:
    url = stack.deployment.endpoint.url
    listed = ops(stack, "jobs", "list", "--endpoint-url", url)
    assert listed.returncode == 0, listed.stderr
    assert all(runs[name].run_id in listed.stdout for name in ("bedrock-scores", "judged-answers", "rated-by-people"))
    shown = ops(stack, "jobs", "show", "judged-answers", "--endpoint-url", url)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.count("Completed") == 2
    collected = ops(stack, "jobs", "collect", "rated-by-people", "--endpoint-url", url, "--out", str(tmp_path))
    assert collected.returncode == 0, collected.stderr
    again = read_summary((tmp_path / "summary.json").read_bytes())
    assert again.candidates == summary_of(stack, runs["rated-by-people"]).candidates


def flow_definition(stack: Stack) -> str:
    """The name of the flow definition that the next run asks people by."""
    arn: str = stack.read(definition_key("rated-by-people"))["job"]["flow_definition_arn"]
    return arn.rpartition("/")[2]


@pytest.fixture(scope="module")
def changed(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An assembly in which three people rate each prompt instead of two."""
    folder = tmp_path_factory.mktemp("changed")
    original = (ENVIRONMENTS / "local.yaml").read_text()
    assert original.count("workers: 2") == 1
    (folder / "local.yaml").write_text(original.replace("workers: 2", "workers: 3"))
    assembly = folder / "cdk.out"
    synthesize(assembly, endpoint=stack.deployment.endpoint, context={"environments_directory": str(folder)})
    return assembly


def deploy_evaluation(stack: Stack, assembly: Path) -> None:
    only = [f"{ENVIRONMENT}/evaluation", "--exclusively", "--require-approval", "never"]
    run_cdk(["deploy", *only, "--app", str(assembly)], endpoint=stack.deployment.endpoint)


def test_a_flow_definition_that_fails_takes_the_deploy_back(stack: Stack, changed: Path) -> None:
    before = flow_definition(stack)
    stack.simulator("PUT", "config", {"flow_definitions": {"failure": "No access to the bucket."}})
    try:
        with pytest.raises(DeploymentError, match="is Failed: No access to the bucket"):
            deploy_evaluation(stack, changed)
    finally:
        stack.simulator("PUT", "config", {"flow_definitions": {}})
    assert flow_definition(stack) == before
    found = stack.clients.sagemaker.describe_flow_definition(FlowDefinitionName=before)
    assert found["FlowDefinitionStatus"] == "Active"


def test_a_change_of_what_people_are_asked_makes_another_flow_definition(stack: Stack, changed: Path) -> None:
    """Flow definitions cannot be changed: CloudFormation makes the new one and then deletes the old one."""
    sagemaker, before = stack.clients.sagemaker, flow_definition(stack)
    asked = sagemaker.describe_flow_definition(FlowDefinitionName=before)["HumanLoopConfig"]
    assert asked["TaskCount"] == 2
    deploy_evaluation(stack, changed)
    after = flow_definition(stack)
    assert after != before
    made = sagemaker.describe_flow_definition(FlowDefinitionName=after)
    assert made["FlowDefinitionStatus"] == "Active"
    assert made["HumanLoopConfig"] == {**asked, "TaskCount": 3}
    with pytest.raises(sagemaker.exceptions.ResourceNotFound):
        sagemaker.describe_flow_definition(FlowDefinitionName=before)
    stack.simulator("PUT", "config", {"evaluation_jobs": QUICK})
    layout, execution = begin(stack, "rated-by-people")
    assert stack.wait(execution)["status"] == "SUCCEEDED"
    (agreement,) = summary_of(stack, layout).agreement
    # Each two of three people who rated a prompt.
    assert agreement.pairs == 3 * CASES
