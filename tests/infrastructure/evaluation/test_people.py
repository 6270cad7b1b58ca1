"""An environment with an evaluation by people: what it has beside the others, and that the others lack it."""

from typing import Any

from tests.support.synthesis.templates import WORK_TEAM, by_jobs, listed, retained

FLOW = "Custom::FlowDefinition"
LOOPS = {
    "sagemaker:StartHumanLoop",
    "sagemaker:DescribeFlowDefinition",
    "sagemaker:DescribeHumanLoop",
    "sagemaker:StopHumanLoop",
    "sagemaker:DeleteHumanLoop",
}


def cors(deployed: Any) -> list[Any]:
    buckets = deployed["storage"].resources("AWS::S3::Bucket")
    return [
        (logical_id[: len("BucketsResults")], rule)
        for logical_id, each in buckets.items()
        for rule in each.get("CorsConfiguration", {}).get("CorsRules", [])
    ]


def loop_statements(deployed: Any) -> list[Any]:
    statements = deployed["evaluation"].statements("JobRole")
    return [each for each in statements if LOOPS & set(listed(each["Action"]))]


def test_people_are_asked_by_a_flow_definition_of_the_evaluation() -> None:
    (flow,) = by_jobs()["evaluation"].resources(FLOW).values()
    assert flow["WorkteamArn"] == WORK_TEAM
    assert (flow["TaskTitle"], flow["TaskCount"]) == ("Which answer is better?", 3)
    assert flow["TaskDescription"] == "Evaluation rated: rate by Preference"
    assert flow["TaskAvailabilityLifetimeInSeconds"] == 72 * 3600


def test_the_job_names_the_flow_definition() -> None:
    (logical_id,) = by_jobs()["evaluation"].raw(FLOW)
    definitions = by_jobs()["evaluation"].resources("Custom::EvaluationDefinition").values()
    (rated,) = [each for each in definitions if each["Definition"]["evaluation"] == "rated"]
    assert rated["Definition"]["job"]["flow_definition_arn"] == f"<{logical_id}.Arn>"


def test_task_pages_may_read_the_results_bucket_and_no_other() -> None:
    ((bucket, rule),) = cors(by_jobs())
    assert bucket == "BucketsResults"
    assert rule["AllowedMethods"] == ["GET"]
    assert rule["AllowedOrigins"] == ["https://mturk-console-template-preview-hooks.s3.amazonaws.com"]


def test_bedrock_may_make_human_loops_of_our_flow_definitions() -> None:
    (statement,) = loop_statements(by_jobs())
    assert set(listed(statement["Action"])) == LOOPS
    assert "*" not in listed(statement["Resource"])


def test_without_people_none_of_it_is_there() -> None:
    assert not cors(retained())
    assert not loop_statements(retained())
    assert not retained()["evaluation"].raw(FLOW)
