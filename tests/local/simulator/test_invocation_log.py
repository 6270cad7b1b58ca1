"""The account's logging setting, and the records that calls leave in log group and buckets."""

import gzip
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.local.simulator import BASE, LONG_PROMPT, PLAIN, QUESTIONS, Simulator, ask, make_role, trust

STREAM = "aws/bedrock/modelinvocations"
SOURCE_ARN = "arn:aws:bedrock:us-east-1:000000000000:*"
Put = Callable[..., None]


@pytest.fixture
def put(simulator: Simulator, bedrock: Any, log_group: str) -> Put:
    """Puts a logging setting for the test's log group; keyword arguments are members of loggingConfig."""
    condition = {"StringEquals": {"aws:SourceAccount": "000000000000"}, "ArnLike": {"aws:SourceArn": SOURCE_ARN}}
    role = make_role(simulator, log_group, trust_policy=trust(**condition))

    def put_setting(*, large: dict[str, str] | None = None, **members: Any) -> None:
        cloud_watch: dict[str, Any] = {"logGroupName": log_group, "roleArn": role}
        if large:
            cloud_watch["largeDataDeliveryS3Config"] = large
        bedrock.put_model_invocation_logging_configuration(
            loggingConfig={"cloudWatchConfig": cloud_watch, "textDataDeliveryEnabled": True, **members}
        )

    return put_setting


@pytest.fixture
def bucket(simulator: Simulator) -> str:
    """One whose policy is the documented one."""
    name = f"log-{uuid.uuid4().hex[:8]}"
    simulator.client("s3").create_bucket(Bucket=name)
    put_policy(simulator, name)
    return name


def put_policy(simulator: Simulator, bucket: str, *, source_arn: str = SOURCE_ARN, **changes: Any) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "bedrock.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"StringEquals": {"aws:SourceAccount": "000000000000"}, "ArnLike": {"aws:SourceArn": source_arn}},
        **changes,
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    simulator.client("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


def messages(simulator: Simulator, log_group: str) -> list[str]:
    events = simulator.client("logs").get_log_events(logGroupName=log_group, logStreamName=STREAM, startFromHead=True)
    return [event["message"] for event in events["events"]]


def records(simulator: Simulator, log_group: str) -> list[dict[str, Any]]:
    return [json.loads(message) for message in messages(simulator, log_group)[1:]]


def read_object(simulator: Simulator, uri: str) -> Any:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return json.loads(gzip.decompress(simulator.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()))


def test_the_setting_comes_back_and_goes_away(simulator: Simulator, bedrock: Any, put: Put, log_group: str) -> None:
    assert "loggingConfig" not in bedrock.get_model_invocation_logging_configuration()
    put(embeddingDataDeliveryEnabled=False)
    setting = bedrock.get_model_invocation_logging_configuration()["loggingConfig"]
    assert setting["cloudWatchConfig"]["logGroupName"] == log_group
    assert setting["embeddingDataDeliveryEnabled"] is False
    assert messages(simulator, log_group) == ["Permissions are correctly set for Amazon Bedrock logs."]
    bedrock.delete_model_invocation_logging_configuration()
    assert "loggingConfig" not in bedrock.get_model_invocation_logging_configuration()


def test_an_answer_is_recorded_with_bodies_counts_and_identity(
    simulator: Simulator, runtime: Any, put: Put, log_group: str
) -> None:
    put()
    answer = ask(runtime, QUESTIONS[1], model=f"us.{BASE}", requestMetadata={"app": "evaluator"})
    (record,) = records(simulator, log_group)
    assert record["schemaType"] == "ModelInvocationLog"
    assert record["schemaVersion"] == "1.0"
    assert record["requestId"] == answer["ResponseMetadata"]["RequestId"]
    assert record["operation"] == "Converse"
    assert record["modelId"] == f"us.{BASE}"
    assert (record["accountId"], record["region"]) == ("000000000000", "us-east-1")
    assert record["identity"] == {"arn": "arn:aws:iam::000000000000:root"}
    assert record["requestMetadata"] == {"app": "evaluator"}
    assert record["inferenceRegion"] in ("us-east-1", "us-east-2", "us-west-2")
    assert record["input"]["inputTokenCount"] == answer["usage"]["inputTokens"]
    assert record["input"]["inputBodyJson"]["messages"][0]["content"][0]["text"] == QUESTIONS[1]
    assert record["output"]["outputTokenCount"] == answer["usage"]["outputTokens"]
    assert record["output"]["outputBodyJson"]["metrics"] == answer["metrics"]
    assert record["output"]["outputBodyJson"]["stopReason"] == "end_turn"
    assert record["output"]["outputBodyJson"]["output"] == answer["output"]
    assert "errorCode" not in record
    assert "latencyMs" not in record


def test_the_record_keeps_the_arn_that_was_called(simulator: Simulator, runtime: Any, put: Put, log_group: str) -> None:
    put()
    arn = f"arn:aws:bedrock:us-east-1::foundation-model/{PLAIN}"
    ask(runtime, QUESTIONS[1], model=arn)
    (record,) = records(simulator, log_group)
    assert (record["modelId"], record["inferenceRegion"]) == (arn, "us-east-1")
    assert "requestMetadata" not in record


def test_a_stream_is_recorded_as_one_object(simulator: Simulator, runtime: Any, put: Put, log_group: str) -> None:
    put()
    content = [{"role": "user", "content": [{"text": QUESTIONS[0]}]}]
    list(runtime.converse_stream(modelId=PLAIN, messages=content)["stream"])
    (record,) = records(simulator, log_group)
    assert record["operation"] == "ConverseStream"
    assert record["output"]["outputBodyJson"]["metrics"]["latencyMs"] > 0


@pytest.mark.parametrize("fault", ["throttle", "500", "denied"])
def test_a_failure_is_recorded_without_input_and_output(
    simulator: Simulator, runtime: Any, put: Put, log_group: str, fault: str
) -> None:
    put()
    simulator.configure(faults={"*": {fault: 1}})
    with pytest.raises(ClientError) as caught:
        ask(runtime, QUESTIONS[0])
    (record,) = records(simulator, log_group)
    assert record["errorCode"] == caught.value.response["Error"]["Code"]
    assert record["modelId"] == PLAIN
    assert record["identity"]["arn"]
    assert not {"input", "output", "inferenceRegion"} & set(record)


def test_without_text_delivery_only_the_counts_stay(
    simulator: Simulator, runtime: Any, put: Put, log_group: str
) -> None:
    put(textDataDeliveryEnabled=False)
    answer = ask(runtime, QUESTIONS[0])
    (record,) = records(simulator, log_group)
    assert record["input"] == {
        "inputContentType": "application/json",
        "inputTokenCount": answer["usage"]["inputTokens"],
    }
    assert set(record["output"]) == {"outputContentType", "outputTokenCount"}


def test_large_bodies_go_to_the_large_data_bucket(
    simulator: Simulator, runtime: Any, put: Put, log_group: str, bucket: str
) -> None:
    put(large={"bucketName": bucket, "keyPrefix": "big"})
    answer = ask(runtime, LONG_PROMPT)
    (record,) = records(simulator, log_group)
    assert "inputBodyJson" not in record["input"]
    assert "outputBodyJson" not in record["output"]
    path = record["input"]["inputBodyS3Path"]
    assert path.startswith(f"s3://{bucket}/big/AWSLogs/000000000000/BedrockModelInvocationLogs/us-east-1/")
    assert read_object(simulator, path)["messages"][0]["content"][0]["text"] == LONG_PROMPT
    assert read_object(simulator, record["output"]["outputBodyS3Path"])["metrics"] == answer["metrics"]


def test_large_bodies_are_dropped_without_a_bucket(
    simulator: Simulator, runtime: Any, put: Put, log_group: str
) -> None:
    put()
    ask(runtime, LONG_PROMPT)
    (record,) = records(simulator, log_group)
    assert set(record["input"]) == {"inputContentType", "inputTokenCount"}


def test_records_also_reach_the_bucket_of_the_setting(
    simulator: Simulator, runtime: Any, put: Put, log_group: str, bucket: str
) -> None:
    put(s3Config={"bucketName": bucket})
    ask(runtime, QUESTIONS[0])
    (entry,) = simulator.client("s3").list_objects_v2(Bucket=bucket)["Contents"]
    assert entry["Key"].startswith("AWSLogs/000000000000/BedrockModelInvocationLogs/us-east-1/")
    assert [read_object(simulator, f"s3://{bucket}/{entry['Key']}")] == records(simulator, log_group)


def delivery_failures(simulator: Simulator, what: str = "LogsCloudWatch") -> float:
    metrics = simulator.client("cloudwatch").get_metric_data(
        MetricDataQueries=[
            {
                "Id": "f",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/Bedrock",
                        "MetricName": f"ModelInvocation{what}DeliveryFailure",
                    },
                    "Period": 3600,
                    "Stat": "Sum",
                },
            }
        ],
        StartTime="2020-01-01T00:00:00Z",
        EndTime="2100-01-01T00:00:00Z",
    )
    return float(sum(metrics["MetricDataResults"][0]["Values"]))


def test_a_log_group_that_vanished_counts_as_failed_delivery(
    simulator: Simulator, runtime: Any, put: Put, log_group: str
) -> None:
    put()
    logs = simulator.client("logs")
    logs.delete_log_group(logGroupName=log_group)
    before = delivery_failures(simulator)
    assert ask(runtime, QUESTIONS[0])["stopReason"] == "end_turn"
    assert delivery_failures(simulator) == before + 1
    logs.create_log_group(logGroupName=log_group)


def test_a_bucket_that_vanished_counts_as_failed_delivery_and_the_record_stays(
    simulator: Simulator, runtime: Any, put: Put, log_group: str, bucket: str
) -> None:
    put(large={"bucketName": bucket})
    simulator.client("s3").delete_bucket(Bucket=bucket)
    before = delivery_failures(simulator, "LargeDataS3")
    ask(runtime, LONG_PROMPT)
    # The request and the answer.
    assert delivery_failures(simulator, "LargeDataS3") == before + 2
    assert len(records(simulator, log_group)) == 1


def refusal(bedrock: Any, log_group: str, role: str, **members: Any) -> str:
    with pytest.raises(bedrock.exceptions.ValidationException) as caught:
        bedrock.put_model_invocation_logging_configuration(
            loggingConfig={"cloudWatchConfig": {"logGroupName": log_group, "roleArn": role}, **members}
        )
    assert "loggingConfig" not in bedrock.get_model_invocation_logging_configuration()
    return str(caught.value)


def test_a_missing_group_or_role_is_refused(simulator: Simulator, bedrock: Any, log_group: str) -> None:
    role = make_role(simulator, log_group, trust_policy=trust())
    assert "the log group does not exist" in refusal(bedrock, "/absent", role)
    message = refusal(bedrock, log_group, "arn:aws:iam::000000000000:role/absent")
    assert "the role does not exist" in message
    assert f"Failed to validate permissions for log group: {log_group}, with role: arn:aws:iam::" in message


@pytest.mark.parametrize(
    "policy",
    [
        {
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ]
        },
        trust(StringEquals={"aws:SourceAccount": "111111111111"}),
        trust(ArnLike={"aws:SourceArn": "arn:aws:bedrock:eu-west-1:000000000000:*"}),
    ],
)
def test_a_role_that_bedrock_may_not_assume_is_refused(
    simulator: Simulator, bedrock: Any, log_group: str, policy: dict[str, Any]
) -> None:
    role = make_role(simulator, log_group, trust_policy=policy)
    assert "trust policy" in refusal(bedrock, log_group, role)


def test_a_role_that_may_not_write_there_is_refused(simulator: Simulator, bedrock: Any, log_group: str) -> None:
    role = make_role(simulator, log_group, trust_policy=trust(), allowed="CreateLogStream")
    assert "does not allow logs:PutLogEvents" in refusal(bedrock, log_group, role)


def test_a_missing_bucket_is_refused(simulator: Simulator, bedrock: Any, log_group: str) -> None:
    role = make_role(simulator, log_group, trust_policy=trust())
    message = refusal(bedrock, log_group, role, s3Config={"bucketName": "absent-bucket"})
    assert "absent-bucket" in message


@pytest.mark.parametrize(
    "changes",
    [
        {"Principal": {"Service": "delivery.logs.amazonaws.com"}},
        {"Action": "s3:GetObject"},
        {"Resource": "arn:aws:s3:::{bucket}/AWSLogs/111111111111/BedrockModelInvocationLogs/*"},
        {"source_arn": "arn:aws:bedrock:eu-west-1:000000000000:*"},
        {"Effect": "Deny"},
    ],
    ids=["principal", "action", "resource", "Region", "denied"],
)
def test_a_bucket_that_bedrock_may_not_write_to_is_refused(
    simulator: Simulator, bedrock: Any, log_group: str, bucket: str, changes: dict[str, Any]
) -> None:
    role = make_role(simulator, log_group, trust_policy=trust())
    put_policy(simulator, bucket, **json.loads(json.dumps(changes).replace("{bucket}", bucket)))
    message = refusal(bedrock, log_group, role, s3Config={"bucketName": bucket})
    assert "its policy does not let bedrock.amazonaws.com do s3:PutObject" in message
    simulator.client("s3").delete_bucket_policy(Bucket=bucket)
    assert "its policy does not" in refusal(bedrock, log_group, role, s3Config={"bucketName": bucket})


def test_a_bucket_with_access_lists_is_refused(simulator: Simulator, bedrock: Any, log_group: str, bucket: str) -> None:
    controls = {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    simulator.client("s3").put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=controls)
    role = make_role(simulator, log_group, trust_policy=trust())
    assert "access lists are not disabled" in refusal(bedrock, log_group, role, s3Config={"bucketName": bucket})


def test_the_first_puts_fail_while_the_role_propagates(simulator: Simulator, bedrock: Any, put: Put) -> None:
    simulator.configure(fail_first_logging_puts=2)
    for _ in range(2):
        with pytest.raises(bedrock.exceptions.ValidationException, match="Verify the IAM role permissions"):
            put()
    put()
    assert "loggingConfig" in bedrock.get_model_invocation_logging_configuration()
