"""`ops logs` against the deployed log: calls of the simulator that are slow, failed, throttled, cut off or long."""

import csv
import gzip
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from bedrock_eval.invocation_log.queries import saved_queries
from local.deployment import ENVIRONMENT, ROOT
from local.process import ACCOUNT, REGION
from tests.support.aws.log_records import RECORDS
from tests.support.frozen import ANSWERS
from tests.support.local.deployment import Stack
from tests.support.local.operator import ops

STREAM = "aws/bedrock/modelinvocations"
CALLER = "assumed-role/shop"
HAIKU, NOVA = "us.anthropic.claude-haiku-5-5", "us.amazon.nova-2-lite-v1:0"
# Nobody else calls it here, so that figures without a caller are those of these tests.
OTHER = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
QUESTION, ESSAY = "Where is my order?", "Read this: " + "x" * 120_000
SHOP = {"application": "shop"}


@dataclass(frozen=True)
class Calls:
    """The ids of the requests that were sent, by what became of them."""

    slow: Sequence[str]
    stream: str
    quick: str
    truncated: str
    essay: str
    evaluation: str


class Application:
    """An application of its own role, which calls models."""

    def __init__(self, stack: Stack) -> None:
        self._settings: dict[str, Any] = {
            "endpoint_url": stack.deployment.endpoint.url,
            "region_name": REGION,
            "config": Config(retries={"total_max_attempts": 1, "mode": "standard"}, read_timeout=30),
        }
        given = stack.deployment.endpoint.environment
        owner = {"aws_access_key_id": given["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": "local"}
        anyone = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
        role = boto3.client("iam", **self._settings, **owner).create_role(
            RoleName="shop", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [anyone]})
        )["Role"]
        session = boto3.client("sts", **self._settings, **owner).assume_role(RoleArn=role["Arn"], RoleSessionName="i-1")
        self._credentials = {
            "aws_access_key_id": session["Credentials"]["AccessKeyId"],
            "aws_secret_access_key": session["Credentials"]["SecretAccessKey"],
            "aws_session_token": session["Credentials"]["SessionToken"],
        }
        self.runtime = boto3.client("bedrock-runtime", **self._settings, **self._credentials)

    def converse(self, model: str, prompt: str = QUESTION, **more: Any) -> str:
        """The id of the request."""
        message = {"role": "user", "content": [{"text": prompt}]}
        answer = self.runtime.converse(modelId=model, messages=[message], **more)
        return str(answer["ResponseMetadata"]["RequestId"])

    def stream(self, model: str) -> str:
        message = {"role": "user", "content": [{"text": QUESTION}]}
        answer = self.runtime.converse_stream(modelId=model, messages=[message])
        assert list(answer["stream"])
        return str(answer["ResponseMetadata"]["RequestId"])

    def fail(self, model: str) -> str:
        """The error code."""
        with pytest.raises(ClientError) as caught:
            self.converse(model)
        return str(caught.value.response["Error"]["Code"])


def client(stack: Stack, service: str) -> Any:
    given = stack.deployment.endpoint.environment
    return boto3.client(  # type: ignore[call-overload]
        service,
        endpoint_url=stack.deployment.endpoint.url,
        region_name=REGION,
        aws_access_key_id=given["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key="local",
    )


@pytest.fixture(scope="module")
def called(stack: Stack) -> Calls:
    """The calls that the log holds for these tests."""
    answers = stack.directory / "logs.answers.jsonl"
    prompts = {QUESTION: "On its way. " * 40, ESSAY: "It is about x. " * 20}
    lines = [
        {"modelId": model, "prompt": prompt, "response": response}
        for model in (HAIKU, NOVA, OTHER)
        for prompt, response in prompts.items()
    ]
    answers.write_text("".join(json.dumps(line) + "\n" for line in lines))
    application = Application(stack)

    def configure(**keys: object) -> None:
        stack.simulator("PUT", "config", {"faults": {}, "default_latency_ms": 100, **keys})

    configure(answers=[str(ANSWERS), str(answers)])
    quick = application.converse(HAIKU, requestMetadata=SHOP)
    essay = application.converse(HAIKU, ESSAY, requestMetadata=SHOP)
    evaluation = application.converse(OTHER, requestMetadata={**SHOP, "purpose": "evaluation"})
    configure(default_latency_ms=20_000)
    slow = [application.converse(HAIKU), application.converse(NOVA)]
    stream = application.stream(HAIKU)
    configure(faults={"*": {"truncated": 1}})
    truncated = application.converse(NOVA, requestMetadata=SHOP)
    configure(faults={"*": {"throttle": 1}})
    assert {application.fail(HAIKU) for _ in range(3)} == {"ThrottlingException"}
    configure(faults={"*": {"500": 1}})
    assert application.fail(NOVA) == "InternalServerException"
    by_hand(stack)
    return Calls(slow, stream, quick, truncated, essay, evaluation)


def by_hand(stack: Stack) -> None:
    """The records of InvokeModel and its stream, which the simulator does not serve."""
    now = datetime.now(UTC)
    records = [
        {**RECORDS[name], "modelId": OTHER, "timestamp": f"{now:%Y-%m-%dT%H:%M:%SZ}"}
        for name in ("InvokeModel", "InvokeModelWithResponseStream")
    ]
    client(stack, "logs").put_log_events(
        logGroupName=stack.environment.invocation_logging.log_group,
        logStreamName=STREAM,
        logEvents=[{"timestamp": int(now.timestamp() * 1000), "message": json.dumps(each)} for each in records],
    )


@dataclass(frozen=True)
class Answered:
    """The answer of `ops logs`: the rows of the CSV, stdout and stderr."""

    rows: Sequence[dict[str, str]]
    printed: str
    progress: str

    def ours(self, column: str = "caller") -> list[dict[str, str]]:
        """The rows of these tests' caller: other tests call models too."""
        return [row for row in self.rows if row[column] == CALLER]


def ask(stack: Stack, folder: Path, *arguments: str) -> Answered:
    target = folder / "answer.csv"
    done = ops(stack, "logs", *arguments, "--csv", str(target), "--endpoint-url", stack.deployment.endpoint.url)
    assert done.returncode == 0, done.stderr
    return Answered(list(csv.DictReader(target.read_text().splitlines())), done.stdout, done.stderr)


def test_the_first_example_of_the_document_finds_the_slow_calls(stack: Stack, called: Calls, tmp_path: Path) -> None:
    """Slower than three seconds in the last 24 hours, as docs/logs.md asks it, but for the name of the environment."""
    (first, *_) = re.findall(r"^```sh\n(.+?)\n```", (ROOT / "docs" / "logs.md").read_text(), re.MULTILINE)
    assert first == "python -m ops logs slow --env prod --hours 24 --threshold-ms 3000"
    _, _, _, _, question, _, _, *options = first.split()
    found = ask(stack, tmp_path, question, *options)
    rows = {row["request"]: row for row in found.ours()}
    assert set(rows) == {*called.slow, called.stream}
    assert all(float(row["latency_ms"]) > 3000 for row in rows.values())
    assert (rows[called.stream]["operation"], rows[called.slow[1]]["model"]) == ("ConverseStream", NOVA)
    latencies = [float(row["latency_ms"]) for row in found.rows]
    assert latencies == sorted(latencies, reverse=True)
    assert re.search(
        r"^\d+ calls? slower than 3,000 ms, of \d+ answered; the latency of \d+ is unknown$", found.printed, re.M
    )
    assert "Latency in ms by model; percentiles are of the known calls (n)" in found.printed
    # Not on a terminal: a line for each query when it is done.
    lines = found.progress.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["slow calls", "latency by model"]
    assert all(
        re.fullmatch(r"[a-z ]+: Complete, [1-9][\d,]* records, [\d,]+ bytes scanned, \d+ s", line) for line in lines
    )


def test_the_threshold_and_the_model_narrow(stack: Stack, called: Calls, tmp_path: Path) -> None:
    everything = ask(stack, tmp_path, "slow", "--threshold-ms", "1").ours()
    assert {called.quick, called.truncated} <= {row["request"] for row in everything}
    # By a key of the environment's models, and by part of an id.
    assert {row["model"] for row in ask(stack, tmp_path, "slow", "--model", "nova").ours()} == {NOVA}
    part = ask(stack, tmp_path, "slow", "--model", "claude-haiku-5").ours()
    assert {row["request"] for row in part} == {called.slow[0], called.stream}
    (invoked,) = ask(stack, tmp_path, "slow", "--model", "haiku-4-5").rows
    # The latency of InvokeModel is in no record; that of its stream is in its last chunk.
    assert (invoked["operation"], invoked["latency_ms"], invoked["first_token_ms"]) == (
        *("InvokeModelWithResponseStream", "5100.0", "310.0"),
    )


@pytest.mark.usefixtures("called")
def test_errors_and_throttles_say_whose_they_are(stack: Stack, tmp_path: Path) -> None:
    errors = {(row["error"], row["model"]): row["n"] for row in ask(stack, tmp_path, "errors").ours()}
    assert errors == {("ThrottlingException", HAIKU): "3", ("InternalServerException", NOVA): "1"}
    (throttled,) = ask(stack, tmp_path, "throttles").ours()
    assert (throttled["model"], throttled["n"]) == (HAIKU, "3")
    assert int(throttled["model's calls"]) >= 7


def test_tokens_and_cost_by_the_rates_of_the_file(stack: Stack, called: Calls, tmp_path: Path) -> None:
    tokens = {(row["model"], row["purpose"]): row for row in ask(stack, tmp_path, "tokens").ours()}
    assert {key: row["answered (n)"] for key, row in tokens.items()} == {
        (HAIKU, ""): "4",
        (NOVA, ""): "2",
        (OTHER, "evaluation"): "1",
    }
    haiku, nova = tokens[HAIKU, ""], tokens[NOVA, ""]
    assert int(haiku["input"]) > 30_000  # the essay, at four characters a token
    (cost,) = ask(stack, tmp_path, "cost", "--by", "identity").ours("identity")
    expected = sum(
        int(row["input"]) * rates.input / 1e6 + int(row["output"]) * rates.output / 1e6
        for row, rates in (
            (haiku, stack.environment.models["haiku"].rates),
            (nova, stack.environment.models["nova"].rates),
        )
        if rates is not None
    )
    assert float(cost["usd"]) == pytest.approx(expected)
    other = tokens[OTHER, "evaluation"]
    assert int(cost["unpriced tokens"]) == int(other["input"]) + int(other["output"])


def test_truncated_answers_and_evaluations_stand_apart(stack: Stack, called: Calls, tmp_path: Path) -> None:
    truncated = ask(stack, tmp_path, "truncated")
    assert [(row["request"], row["stop reason"]) for row in truncated.ours()] == [(called.truncated, "max_tokens")]
    # Of another caller: the record of InvokeModel, whose stop reason has the model's own name.
    assert [row["operation"] for row in truncated.rows if row["model"] == OTHER] == ["InvokeModel"]
    traffic = ask(stack, tmp_path, "evaluation", "--model", "haiku-4-5").rows
    assert {(row["traffic"], row["answered (n)"]) for row in traffic} == {("evaluation", "1"), ("other", "2")}


def objects(stack: Stack) -> dict[str, bytes]:
    """What lies in the bucket for large bodies."""
    parameter = client(stack, "ssm").get_parameter(Name=stack.names.logging_parameter("bodies-bucket"))
    bucket, s3 = parameter["Parameter"]["Value"], stack.clients.s3
    listed = s3.list_objects_v2(Bucket=bucket).get("Contents", ())
    return {
        f"s3://{bucket}/{each['Key']}": s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in listed
    }


def record_of(stack: Stack, request: str) -> dict[str, Any]:
    group = stack.environment.invocation_logging.log_group
    events = client(stack, "logs").filter_log_events(logGroupName=group, filterPattern=f'"{request}"')["events"]
    (found,) = [json.loads(event["message"]) for event in events]
    assert isinstance(found, dict)
    return found


def test_a_large_body_lies_in_the_bucket_and_its_record_is_answered_for(
    stack: Stack, called: Calls, tmp_path: Path
) -> None:
    record, stored = record_of(stack, called.essay), objects(stack)
    path = record["input"]["inputBodyS3Path"]
    assert f"/AWSLogs/{ACCOUNT}/BedrockModelInvocationLogs/{REGION}/" in path
    body = json.loads(gzip.decompress(stored[path]))
    assert body["messages"][0]["content"][0]["text"] == ESSAY
    assert "inputBodyJson" not in record["input"]
    # The answer is short: inline, and with it the latency.
    assert record["output"]["outputBodyJson"]["metrics"]["latencyMs"] > 0
    live = ask(stack, tmp_path, "longest", "--hours", "1").rows[0]
    assert (live["request"], live["caller"]) == (called.essay, CALLER)
    # The same from files: the records of the log and the bucket as `aws s3 sync` copies it.
    export = tmp_path / "export"
    for uri, content in stored.items():
        file = export / uri.removeprefix("s3://")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    (export / "stream.jsonl").write_text(json.dumps(record) + "\n")
    exported = ask(stack, tmp_path, "longest", "--from", str(export))
    # A record has its time in whole seconds, its log event in milliseconds.
    assert [{**row, "time": ""} for row in exported.rows] == [{**live, "time": ""}]
    assert f"{len(stored):,} skipped, a large body in a file of its own" in exported.progress


def test_the_queries_are_saved_as_the_command_asks_them(stack: Stack) -> None:
    rates = {config.id: stack.environment.rates(name) for name, config in stack.environment.models.items()}
    expected = saved_queries(rates={model: each for model, each in rates.items() if each is not None})
    found = client(stack, "logs").describe_query_definitions(queryDefinitionNamePrefix=f"{stack.names.prefix}/")
    saved = {query["name"].rpartition("/")[2]: query["queryString"] for query in found["queryDefinitions"]}
    assert saved == dict(expected)


@pytest.mark.usefixtures("called")
def test_what_no_metric_of_bedrock_says_is_counted_in_the_log(stack: Stack) -> None:
    namespace = "Custom/Bedrock/InvocationLog"
    listed = stack.clients.cloudwatch.list_metrics(Namespace=namespace)["Metrics"]
    found = {
        (metric["MetricName"], metric["Dimensions"][0]["Value"]): sum(
            point["Sum"]
            for point in stack.clients.cloudwatch.get_metric_statistics(
                Namespace=namespace,
                MetricName=metric["MetricName"],
                Dimensions=metric["Dimensions"],
                StartTime=datetime.now(UTC) - timedelta(hours=3),
                EndTime=datetime.now(UTC) + timedelta(minutes=1),
                Period=3600,
                Statistics=["Sum"],
            )["Datapoints"]
        )
        for metric in listed
    }
    # The record of InvokeModel, put by hand, and the answer of Converse that the simulator cut off.
    assert found["truncated_answers", OTHER] == 1
    assert found["truncated_answers", NOVA] >= 1
    assert found["failed_calls", "ThrottlingException"] >= 3
    assert found["failed_calls", "InternalServerException"] >= 1


def test_without_an_endpoint_nothing_is_asked(stack: Stack) -> None:
    done = ops(stack, "logs", "slow")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"environment {ENVIRONMENT} runs on the emulator, not on AWS; start it with `make up`" in done.stderr
