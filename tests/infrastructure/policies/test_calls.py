"""Every function may do what its code calls, and nothing else: the emulator enforces no permissions, so AWS would be
the first to say what is missing.

Which permission a call needs is in the Service Authorization Reference.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import pytest

from tests.support.aws.function_calls import calls, handlers
from tests.support.synthesis.templates import Deployed, billed, by_jobs, destroyed, listed, retained

PERMISSIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        call: frozenset(actions.split())
        for call, actions in {
            "abort_multipart_upload": "s3:AbortMultipartUpload",
            "batch_delete_evaluation_job": "bedrock:BatchDeleteEvaluationJob",
            "converse": "bedrock:InvokeModel",
            "copy_object": "s3:GetObject s3:PutObject",
            "create_evaluation_job": "bedrock:CreateEvaluationJob bedrock:TagResource iam:PassRole",
            "create_flow_definition": "sagemaker:CreateFlowDefinition iam:PassRole",
            "delete_flow_definition": "sagemaker:DeleteFlowDefinition",
            "delete_model_invocation_logging_configuration": "bedrock:DeleteModelInvocationLoggingConfiguration",
            "delete_object": "s3:DeleteObject",
            "delete_objects": "s3:DeleteObject s3:DeleteObjectVersion",
            "delete_parameter": "ssm:DeleteParameter",
            "describe_alarm_history": "cloudwatch:DescribeAlarmHistory",
            "describe_alarms": "cloudwatch:DescribeAlarms",
            "describe_budget": "budgets:ViewBudget",
            "describe_flow_definition": "sagemaker:DescribeFlowDefinition",
            "get_bucket_tagging": "s3:GetBucketTagging",
            "get_evaluation_job": "bedrock:GetEvaluationJob",
            "get_foundation_model": "bedrock:GetFoundationModel",
            "get_metric_data": "cloudwatch:GetMetricData",
            "get_metric_statistics": "cloudwatch:GetMetricStatistics",
            "get_model_invocation_logging_configuration": "bedrock:GetModelInvocationLoggingConfiguration",
            # Without s3:ListBucket S3 answers 403, not 404, for what is not there.
            "get_object": "s3:GetObject s3:ListBucket",
            "get_parameter": "ssm:GetParameter",
            "get_query_results": "logs:GetQueryResults",
            "get_queue_attributes": "sqs:GetQueueAttributes",
            "get_queue_url": "sqs:GetQueueUrl",
            "head_object": "s3:GetObject s3:ListBucket",
            "invoke": "lambda:InvokeFunction",
            "list_evaluation_jobs": "bedrock:ListEvaluationJobs",
            "list_metrics": "cloudwatch:ListMetrics",
            "list_multipart_uploads": "s3:ListBucketMultipartUploads",
            "list_object_versions": "s3:ListBucketVersions",
            "list_objects_v2": "s3:ListBucket",
            "list_subscriptions_by_topic": "sns:ListSubscriptionsByTopic",
            "publish": "sns:Publish",
            "put_metric_data": "cloudwatch:PutMetricData",
            "put_model_invocation_logging_configuration": (
                "bedrock:PutModelInvocationLoggingConfiguration iam:PassRole"
            ),
            "put_object": "s3:PutObject",
            "put_parameter": "ssm:PutParameter",
            "start_query": "logs:StartQuery",
            "stop_evaluation_job": "bedrock:StopEvaluationJob",
        }.items()
    }
)

WHAT_EVERY_FUNCTION_HAS = ("logs:CreateLogStream", "logs:PutLogEvents", "xray:", "kms:")


def allowed(deployed: Deployed) -> dict[str, set[str]]:
    """What the role of each function allows, by the function's handler."""
    found: dict[str, set[str]] = {}
    for template in deployed:
        for function in template.resources("AWS::Lambda::Function").values():
            role = str(function["Role"]).removeprefix("<").removesuffix(".Arn>")
            actions = {action for each in template.statements(role) for action in listed(each["Action"])}
            module = str(function["Handler"]).rpartition(".")[0]
            found[module] = {action for action in actions if not action.startswith(WHAT_EVERY_FUNCTION_HAS)}
    return found


@cache
def functions() -> Mapping[str, set[str]]:
    found = {**allowed(destroyed()), **allowed(retained()), **allowed(by_jobs())}
    # It asks for the budget only where there is one.
    return {
        **found,
        "bedrock_eval_functions.watchdog.handler": allowed(billed())["bedrock_eval_functions.watchdog.handler"],
    }


@pytest.mark.parametrize("module", handlers())
def test_a_function_may_do_what_its_code_calls_and_nothing_else(module: str) -> None:
    made = calls(module)
    assert made
    assert not made - set(PERMISSIONS), "say which permission it needs"
    needed = {action for call in made for action in PERMISSIONS[call]}
    assert needed - functions()[module] == set()
    assert functions()[module] - needed == set()


def test_every_permission_here_is_of_a_call_that_is_made() -> None:
    assert set(PERMISSIONS) == {call for module in handlers() for call in calls(module)}
