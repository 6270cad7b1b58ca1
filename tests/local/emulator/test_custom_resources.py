"""Custom resources: every request reaches the function, and a broken function does not hang the stack."""

import json
import time
import uuid
from typing import Any

import pytest

from tests.support.local.emulator import ROLE, Clients, Deploy, Stack, eventually

SOURCE = """
import boto3, json, os, urllib.request

def handler(event, context):
    name = "%s-%s" % (event["RequestType"], event["ResourceProperties"].get("Version"))
    body = {k: event.get(k) for k in ("ResourceProperties", "OldResourceProperties", "PhysicalResourceId")}
    boto3.client("s3").put_object(Bucket=os.environ["BUCKET"], Key=name, Body=json.dumps(body).encode())
    failed = event["ResourceProperties"].get("Fail") == event["RequestType"]
    answer = {
        "Status": "FAILED" if failed else "SUCCESS",
        "Reason": "asked to fail",
        "PhysicalResourceId": event["ResourceProperties"]["Id"],
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "Data": {"Value": "made"},
    }
    request = urllib.request.Request(event["ResponseURL"], data=json.dumps(answer).encode(), method="PUT")
    urllib.request.urlopen(request)
"""


def template(bucket: str, *, source: str = SOURCE, seconds: str = "60", **properties: Any) -> dict[str, Any]:
    function = {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": ROLE,
        "Timeout": 5,
        "Code": {"ZipFile": source},
        "Environment": {"Variables": {"BUCKET": bucket}},
    }
    own = {"ServiceToken": {"Fn::GetAtt": ["Fn", "Arn"]}, "ServiceTimeout": seconds, "Id": "fixed", **properties}
    return {
        "Fn": {"Type": "AWS::Lambda::Function", "Properties": function},
        "Own": {"Type": "Custom::Own", "Properties": own},
        "Shown": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Type": "String", "Value": {"Fn::GetAtt": ["Own", "Value"]}},
        },
    }


@pytest.fixture
def bucket(clients: Clients) -> str:
    name = f"custom-{uuid.uuid4().hex[:8]}"
    clients("s3").create_bucket(Bucket=name)
    return name


def requests(clients: Clients, bucket: str) -> dict[str, Any]:
    s3 = clients("s3")
    keys = [o["Key"] for o in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return {key: json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys}


def test_create_update_delete(clients: Clients, deploy: Deploy, bucket: str) -> None:
    stack: Stack = deploy(template(bucket, Version="1", Nested={"flag": True, "n": [1, 2]}))
    parameter = clients("ssm").get_parameter(Name=stack.id_of("Shown"))["Parameter"]
    assert parameter["Value"] == "made"
    assert stack.update(template(bucket, Version="2")) == "UPDATE_COMPLETE"
    stack.delete()
    eventually(lambda: "Delete-2" in requests(clients, bucket))
    seen = requests(clients, bucket)
    assert set(seen) == {"Create-1", "Update-2", "Delete-2"}
    assert seen["Create-1"]["ResourceProperties"]["Nested"] == {"flag": "true", "n": ["1", "2"]}
    assert seen["Update-2"]["OldResourceProperties"]["Version"] == "1"
    assert seen["Update-2"]["PhysicalResourceId"] == "fixed"
    assert seen["Delete-2"]["PhysicalResourceId"] == "fixed"


def test_a_new_physical_id_deletes_the_old_resource(clients: Clients, deploy: Deploy, bucket: str) -> None:
    stack = deploy(template(bucket, Version="1", Id="first"))
    assert stack.update(template(bucket, Version="2", Id="second")) == "UPDATE_COMPLETE"
    eventually(lambda: "Delete-1" in requests(clients, bucket))
    assert requests(clients, bucket)["Delete-1"]["PhysicalResourceId"] == "first"
    assert stack.id_of("Own") == "second"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import not_in_the_bundle\n\ndef handler(event, context):\n    pass\n", "not_in_the_bundle"),
        ("def handler(event, context):\n    raise RuntimeError('broken')\n", "broken"),
        ("import os\n\ndef handler(event, context):\n    os._exit(1)\n", "Runtime exited"),
    ],
)
def test_a_function_that_fails_fails_the_stack_at_once(deploy: Deploy, bucket: str, source: str, reason: str) -> None:
    """And its roll-back, which asks it to delete what it may have made."""
    started = time.monotonic()
    stack = deploy(template(bucket, source=source, seconds="3600"), expect="ROLLBACK_FAILED")
    assert time.monotonic() - started < 10
    assert reason in stack.reasons()


def test_silence_ends_with_the_service_timeout(deploy: Deploy, bucket: str) -> None:
    started = time.monotonic()
    silent = "def handler(event, context):\n    return None\n"
    stack = deploy(template(bucket, source=silent, seconds="2"), expect="ROLLBACK_FAILED")
    assert 4 <= time.monotonic() - started < 10
    assert "ServiceTimeout (2 seconds)" in stack.reasons()


def test_a_reported_failure_is_the_reason_and_what_is_half_made_is_deleted(
    clients: Clients, deploy: Deploy, bucket: str
) -> None:
    stack = deploy(template(bucket, Fail="Create", Version="1"), expect="ROLLBACK_COMPLETE")
    assert "asked to fail" in stack.reasons()
    seen = requests(clients, bucket)
    assert set(seen) == {"Create-1", "Delete-1"}
    assert seen["Delete-1"]["PhysicalResourceId"] == "fixed"


def test_an_update_deletes_what_it_half_made(clients: Clients, deploy: Deploy, bucket: str) -> None:
    made = template(bucket, Version="1")
    stack = deploy({"Fn": made["Fn"]})
    assert stack.update({**template(bucket, Fail="Create", Version="1")}) == "UPDATE_ROLLBACK_COMPLETE"
    eventually(lambda: set(requests(clients, bucket)) == {"Create-1", "Delete-1"})
