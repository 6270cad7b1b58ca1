"""The Bedrock simulator as tests use it: recorded answers of some models, its control over HTTP, roles and requests."""

import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
import botocore.client
import botocore.config

from local.process import Endpoint

PLAIN = "amazon.nova-lite-v1:0"
BASE = "anthropic.claude-haiku-4-5-20251001-v1:0"
NO_SAMPLING = "anthropic.claude-sonnet-5"
LEGACY = "anthropic.claude-opus-4-1-20250805-v1:0"
QUESTIONS = [f"Question {number}?" for number in range(200)]
SAGEMAKER = "arn:aws:sagemaker:us-east-1:000000000000"
LONG_PROMPT = "x" * 150_000


def recorded_answers() -> list[dict[str, str]]:
    """The answers that the emulator of these tests replays."""
    lines = [{"modelId": PLAIN, "prompt": q, "response": f"The answer to {q.lower()}"} for q in QUESTIONS]
    lines += [{"modelId": BASE, "prompt": q, "response": f"Well, {q.lower()}"} for q in QUESTIONS[:5]]
    lines += [
        {"modelId": "us." + BASE, "prompt": QUESTIONS[0], "response": "From the profile."},
        {"modelId": NO_SAMPLING, "prompt": QUESTIONS[0], "response": "Yes.", "reasoning": "Let me see."},
        {"modelId": LEGACY, "prompt": QUESTIONS[0], "response": "Still here."},
        {"modelId": NO_SAMPLING, "prompt": QUESTIONS[1], "response": "Cut", "stopReason": "max_tokens"},
        {"modelId": PLAIN, "prompt": LONG_PROMPT, "response": "y" * 200_000},
    ]
    return lines


@dataclass(frozen=True)
class Simulator:
    """The emulator and its run-time control."""

    endpoint: Endpoint

    def client(self, service: str) -> botocore.client.BaseClient:
        return boto3.client(
            service,
            endpoint_url=self.endpoint.url,
            region_name="us-east-1",
            aws_access_key_id=self.endpoint.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key="local",
            config=botocore.config.Config(
                retries={"total_max_attempts": 1, "mode": "standard"}, read_timeout=10, max_pool_connections=16
            ),
        )

    def http(self, method: str, path: str, document: object = None) -> tuple[int, Any]:
        data = None if document is None else json.dumps(document).encode()
        # The credential's scope is all that the emulator needs to find the service.
        headers = {"Authorization": "AWS4-HMAC-SHA256 Credential=LOCAL/20260101/us-east-1/bedrock/aws4_request"}
        request = urllib.request.Request(self.endpoint.url + path, data=data, method=method, headers=headers)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=10) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def configure(self, **keys: object) -> None:
        status, answer = self.http("PUT", "/_simulator/config", keys)
        assert status == 200, answer

    def calls(self) -> Any:
        return self.http("GET", "/_simulator/calls")[1]

    def forget_calls(self) -> None:
        """Wait until nothing is in flight: a caller that was stopped leaves its calls behind."""
        for _ in range(400):
            self.http("DELETE", "/_simulator/calls")
            if self.calls()["max_in_flight"] == 0:
                return
            time.sleep(0.05)
        raise AssertionError("calls of an earlier test never end")


def ask(client: Any, prompt: str, *, model: str = PLAIN, **more: Any) -> Any:
    """One Converse call of one user message."""
    return client.converse(modelId=model, messages=[{"role": "user", "content": [{"text": prompt}]}], **more)


def trust(service: str = "bedrock.amazonaws.com", **condition: Any) -> dict[str, Any]:
    """A trust policy that lets a service, Bedrock by default, assume a role."""
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    return {"Version": "2012-10-17", "Statement": [{**statement, **({"Condition": condition} if condition else {})}]}


def make_working_role(simulator: Simulator, *statements: Mapping[str, Any], trust_policy: Mapping[str, Any]) -> str:
    """A role that may do what the statements say; returns its ARN."""
    iam = simulator.client("iam")
    name = f"role-{uuid.uuid4().hex[:8]}"
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust_policy))["Role"]["Arn"]
    document = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]})
    iam.put_role_policy(RoleName=name, PolicyName="work", PolicyDocument=document)
    return arn


def make_role(simulator: Simulator, log_group: str, *, trust_policy: Mapping[str, Any], allowed: str = "*") -> str:
    """A delivery role that may do `allowed` of the logs actions on Bedrock's stream; returns its ARN."""
    stream = f"arn:aws:logs:us-east-1:000000000000:log-group:{log_group}:log-stream:aws/bedrock/modelinvocations"
    return make_working_role(simulator, {"Action": f"logs:{allowed}", "Resource": stream}, trust_policy=trust_policy)


def flow_request(simulator: Simulator, *, bucket: str, **config: Any) -> dict[str, Any]:
    """A CreateFlowDefinition request with a role that may write to the bucket; `config` goes into HumanLoopConfig."""
    here = {"StringEquals": {"aws:SourceAccount": "000000000000"}, "ArnLike": {"aws:SourceArn": f"{SAGEMAKER}:*"}}
    return {
        "FlowDefinitionName": f"flow-{uuid.uuid4().hex[:8]}",
        "HumanLoopRequestSource": {"AwsManagedHumanLoopRequestSource": "AWS/Bedrock/Evaluation"},
        "HumanLoopConfig": {
            "WorkteamArn": f"{SAGEMAKER}:workteam/private-crowd/reviewers",
            "HumanTaskUiArn": "arn:aws:sagemaker:us-east-1:394669845002:human-task-ui/Evaluation",
            "TaskTitle": "Rate answers",
            "TaskDescription": "Rate the tone of answers to customers.",
            "TaskCount": 2,
            **config,
        },
        "OutputConfig": {"S3OutputPath": f"s3://{bucket}/loops"},
        "RoleArn": make_working_role(
            simulator,
            {"Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"arn:aws:s3:::{bucket}/loops/*"},
            trust_policy=trust("sagemaker.amazonaws.com", **here),
        ),
    }
