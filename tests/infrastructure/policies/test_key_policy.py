"""Every service that touches what the key encrypts is in the key's policy: no tool would notice a missing one.

A log group that CloudWatch Logs may not encrypt fails the deploy; a topic that CloudWatch may not encrypt for swallows
every alarm; a queue that Scheduler's role may not encrypt for loses what it was made to keep.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest

from tests.support.synthesis.templates import Deployed, Resource, environment, listed, synthesize

_HERE = "<AWS::Region>:<AWS::AccountId>"


def policy(deployed: Deployed) -> list[Resource]:
    found = deployed["storage"].only("AWS::KMS::Key")["KeyPolicy"]["Statement"]
    assert isinstance(found, list)
    return found


def allowing(deployed: Deployed, principal: dict[str, str], action: str) -> Iterator[Resource]:
    """The conditions under which the key's policy lets a principal do an action."""
    for statement in policy(deployed):
        if statement["Principal"] == principal and any(
            fnmatchcase(action, each) for each in listed(statement["Action"])
        ):
            yield statement.get("Condition", {})


def encrypted(deployed: Deployed, kind: str, key: str) -> Iterator[Resource]:
    """The resources of a type that the environment's key encrypts."""
    (export,) = deployed["storage"].raw("AWS::KMS::Key")
    for properties in deployed.resources(kind):
        if export in str(properties.get(key, "")):
            yield properties


def matches(patterns: Any, value: str) -> bool:
    return any(fnmatchcase(value, pattern) for pattern in listed(patterns))


def test_cloudwatch_logs_encrypts_every_log_group(deployed: Deployed) -> None:
    groups = [group["LogGroupName"] for group in encrypted(deployed, "AWS::Logs::LogGroup", "KmsKeyId")]
    assert len(groups) >= 5
    for action in ("kms:Encrypt", "kms:Decrypt", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:DescribeKey"):
        assert all(may(deployed, action, name) for name in groups)


def may(deployed: Deployed, action: str, log_group: str) -> bool:
    """Whether CloudWatch Logs may use the key so for a group."""
    logs = {"Service": "logs.<AWS::Region>.<AWS::URLSuffix>"}
    arn = f"arn:<AWS::Partition>:logs:{_HERE}:log-group:{log_group}"
    return any(
        matches(condition["ArnLike"]["kms:EncryptionContext:aws:logs:arn"], arn)
        for condition in allowing(deployed, logs, action)
    )


@pytest.mark.parametrize(
    ("owner", "setting", "written"),
    [
        (True, {"mode": "none"}, True),
        # Another environment took the account over, and with it, imported, the group.
        (False, {}, True),
        (True, {"mode": "own", "log_group": "/another/name"}, False),
        (False, {"log_group": "/another/name"}, False),
    ],
    ids=["switched off", "no longer the owner", "another name", "both"],
)
def test_a_retained_log_group_stays_readable(*, owner: bool, setting: dict[str, str], written: bool) -> None:
    """Under every name that it may have had; who still logs to the one that is declared goes on writing it."""
    made = synthesize(environment(owns_account=owner, invocation_logging=setting))
    group = "/aws/bedrock/model-invocations"
    assert may(made, "kms:Decrypt", group)
    for action in ("kms:Encrypt", "kms:GenerateDataKey"):
        assert may(made, action, group) == written
        assert may(made, action, setting.get("log_group", group))
        assert not may(made, action, "/somebody/elses")


def test_cloudwatch_encrypts_for_the_topic_of_every_alarm(deployed: Deployed) -> None:
    assert list(encrypted(deployed, "AWS::SNS::Topic", "KmsMasterKeyId"))
    alarms = [alarm["AlarmName"] for alarm in deployed.resources("AWS::CloudWatch::Alarm")]
    assert alarms
    for action in ("kms:Decrypt", "kms:GenerateDataKey"):
        (condition,) = allowing(deployed, {"Service": "cloudwatch.amazonaws.com"}, action)
        # No page of AWS says that CloudWatch tells these of its use of a key: with others than its own it is refused.
        assert condition["StringEqualsIfExists"] == {"aws:SourceAccount": "<AWS::AccountId>"}
        assert set(condition) == {"StringEqualsIfExists", "ArnLikeIfExists"}
        for name in alarms:
            arn = f"arn:<AWS::Partition>:cloudwatch:{_HERE}:alarm:{name}"
            assert matches(condition["ArnLikeIfExists"]["aws:SourceArn"], arn), name


def test_the_role_of_every_schedule_encrypts_for_its_dead_letter_queue(deployed: Deployed) -> None:
    assert list(encrypted(deployed, "AWS::SQS::Queue", "KmsMasterKeyId"))
    roles = {
        f"<{logical_id}.Arn>": role["RoleName"]
        for template in deployed
        for logical_id, role in template.resources("AWS::IAM::Role").items()
        if "RoleName" in role
    }
    schedules = [each["Target"] for each in deployed.resources("AWS::Scheduler::Schedule")]
    assert schedules
    account = policy(deployed)[0]["Principal"]
    for action in ("kms:Decrypt", "kms:GenerateDataKey"):
        (condition,) = [found for found in allowing(deployed, account, action) if found]
        assert condition["StringEquals"]["kms:ViaService"] == "sqs.<AWS::Region>.<AWS::URLSuffix>"
        for target in schedules:
            assert "DeadLetterConfig" in target
            arn = f"arn:<AWS::Partition>:iam::<AWS::AccountId>:role/{roles[target['RoleArn']]}"
            assert arn in condition["ArnEquals"]["aws:PrincipalArn"]


def test_evaluation_jobs_use_the_key_for_themselves_alone(deployed: Deployed) -> None:
    bedrock = {"Service": "bedrock.amazonaws.com"}
    jobs = f"arn:<AWS::Partition>:bedrock:{_HERE}:evaluation-job/*"
    for action in ("kms:Decrypt", "kms:GenerateDataKey"):
        (condition,) = [found for found in allowing(deployed, bedrock, action) if jobs in str(found)]
        assert condition == {
            "StringEqualsIfExists": {"aws:SourceAccount": "<AWS::AccountId>"},
            "ArnLike": {"aws:SourceArn": jobs, "kms:EncryptionContext:evaluationJobArn": jobs},
        }
    (condition,) = allowing(deployed, bedrock, "kms:DescribeKey")
    assert condition["ArnLike"] == {"aws:SourceArn": jobs}


def test_bedrock_encrypts_large_bodies_of_the_log_where_there_is_a_bucket_for_them(deployed: Deployed) -> None:
    """As the guide has it: GenerateDataKey alone, so that the service can write and not read."""
    bedrock, logging = {"Service": "bedrock.amazonaws.com"}, f"arn:<AWS::Partition>:bedrock:{_HERE}:*"

    def delivering(action: str) -> list[Resource]:
        return [
            found for found in allowing(deployed, bedrock, action) if found["ArnLike"].get("aws:SourceArn") == logging
        ]

    settings = deployed["logging"].resources("Custom::ModelInvocationLogging").values()
    wanted = [
        {"StringEquals": {"aws:SourceAccount": "<AWS::AccountId>"}, "ArnLike": {"aws:SourceArn": logging}}
        for setting in settings
        if "largeDataDeliveryS3Config" in setting["Config"]["cloudWatchConfig"]
    ]
    assert delivering("kms:GenerateDataKey") == wanted
    assert delivering("kms:Decrypt") == delivering("kms:DescribeKey") == []


def test_nobody_else_is_in_the_policy_and_nobody_is_without_a_condition(deployed: Deployed) -> None:
    first, *others = policy(deployed)
    assert (first["Action"], str(first["Principal"]["AWS"]).endswith(":root")) == ("kms:*", True)
    services = {str(next(iter(statement["Principal"].values()))).partition(".")[0] for statement in others}
    budgets = {"budgets"} if deployed["monitoring"].raw("AWS::Budgets::Budget") else set()
    assert services == {"logs", "cloudwatch", "bedrock", str(first["Principal"]["AWS"])} | budgets
    assert all(statement["Condition"] for statement in others)


def test_the_key_never_refers_to_a_later_stack(deployed: Deployed) -> None:
    assert "Fn::ImportValue" not in str(deployed["storage"].content)


def test_the_key_is_rotated_and_named(deployed: Deployed) -> None:
    storage = deployed["storage"]
    assert storage.only("AWS::KMS::Key")["EnableKeyRotation"] is True
    assert storage.only("AWS::KMS::Alias")["AliasName"] == f"alias/{storage.stack_name.removesuffix('-storage')}"
