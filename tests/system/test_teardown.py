"""`cdk destroy` leaves what RETAIN says, and `local` retains nothing."""

from pathlib import Path

import boto3
import pytest

from bedrock_eval.layout import DEFINITIONS, definition_key
from local.deployment import ENVIRONMENT, destroy, run_cdk, synthesize
from local.process import REGION
from tests.support.frozen import ENVIRONMENTS
from tests.support.local.deployment import Deployments, Stack


@pytest.fixture(scope="module")
def stack(deployments: Deployments) -> Stack:
    """A deployment that is gone afterwards."""
    return deployments.taken()


def test_what_is_retained_from_now_on_keeps_what_it_holds(stack: Stack, tmp_path: Path) -> None:
    """CloudFormation then deletes the custom resources that would have emptied the buckets."""
    held = stack.keys(DEFINITIONS)
    assert held
    original = (ENVIRONMENTS / "local.yaml").read_text()
    assert original.count("removal_policy: destroy") == 1
    (tmp_path / "local.yaml").write_text(original.replace("removal_policy: destroy", "removal_policy: retain"))
    endpoint, retained = stack.deployment.endpoint, tmp_path / "cdk.out"
    synthesize(retained, endpoint=endpoint, context={"environments_directory": str(tmp_path)})
    # And back, for the next test.
    for assembly in (retained, stack.directory / "cdk.out"):
        storage = [f"{ENVIRONMENT}/storage", "--exclusively", "--require-approval", "never"]
        run_cdk(["deploy", *storage, "--app", str(assembly)], endpoint=endpoint)
        assert stack.keys(DEFINITIONS) == held


def test_destroy_leaves_nothing(stack: Stack) -> None:
    human = stack.read(definition_key("rated-by-people"))["job"]["flow_definition_arn"].rpartition("/")[2]
    destroy(stack.deployment.endpoint, directory=stack.directory)
    environment = stack.deployment.endpoint.environment

    def client(service: str) -> object:
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=stack.deployment.endpoint.url,
            region_name=REGION,
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        )

    prefix = stack.names.prefix
    buckets = [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]]  # type: ignore[attr-defined]
    assert [name for name in buckets if not name.startswith("cdk-")] == []
    groups = client("logs").describe_log_groups()["logGroups"]  # type: ignore[attr-defined]
    assert [group["logGroupName"] for group in groups if prefix in group["logGroupName"]] == []
    functions = client("lambda").list_functions()["Functions"]  # type: ignore[attr-defined]
    assert [function["FunctionName"] for function in functions] == []
    alarms = client("cloudwatch").describe_alarms(AlarmNamePrefix=prefix)  # type: ignore[attr-defined]
    assert alarms["MetricAlarms"] + alarms["CompositeAlarms"] == []
    assert client("cloudwatch").list_dashboards()["DashboardEntries"] == []  # type: ignore[attr-defined]
    assert client("scheduler").list_schedules()["Schedules"] == []  # type: ignore[attr-defined]
    profiles = client("bedrock").list_inference_profiles(typeEquals="APPLICATION")  # type: ignore[attr-defined]
    assert profiles["inferenceProfileSummaries"] == []
    logging = client("bedrock").get_model_invocation_logging_configuration()  # type: ignore[attr-defined]
    assert "loggingConfig" not in logging
    parameters = client("ssm").describe_parameters()["Parameters"]  # type: ignore[attr-defined]
    assert [found["Name"] for found in parameters if not found["Name"].startswith("/cdk-bootstrap")] == []
    with pytest.raises(stack.clients.sagemaker.exceptions.ResourceNotFound):
        stack.clients.sagemaker.describe_flow_definition(FlowDefinitionName=human)
