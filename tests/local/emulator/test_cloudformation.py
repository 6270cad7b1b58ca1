"""Templates: types that stock ministack lacks, and properties read back from the services that got them."""

import json
import uuid
from typing import Any

import pytest

from local.process import ACCOUNT, REGION
from tests.support.local.emulator import Clients, Deploy, eventually


def test_missing_types(clients: Clients, deploy: Deploy) -> None:
    name = f"n{uuid.uuid4().hex[:8]}"
    budget = {
        "BudgetName": name,
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": {"Amount": 50, "Unit": "USD"},
    }
    notification = {
        "Notification": {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80},
        "Subscribers": [{"SubscriptionType": "SNS", "Address": f"arn:aws:sns:{REGION}:{ACCOUNT}:t"}],
    }
    detector = {
        "Namespace": name,
        "MetricName": "m",
        "Stat": "Average",
        "Dimensions": [{"Name": "ModelId", "Value": "x"}],
    }
    stack = deploy(
        {
            "Detector": {"Type": "AWS::CloudWatch::AnomalyDetector", "Properties": detector},
            "Budget": {
                "Type": "AWS::Budgets::Budget",
                "Properties": {"Budget": budget, "NotificationsWithSubscribers": [notification]},
            },
        }
    )
    found = clients("cloudwatch").describe_anomaly_detectors()["AnomalyDetectors"]
    assert [d["MetricName"] for d in found if d["Namespace"] == name] == ["m"]
    stored = clients("budgets").describe_budget(AccountId=ACCOUNT, BudgetName=name)["Budget"]
    assert stored["BudgetLimit"] == {"Amount": "50", "Unit": "USD"}
    stack.delete()
    eventually(lambda: name not in [d["Namespace"] for d in detectors(clients)])


def detectors(clients: Clients) -> list[dict[str, Any]]:
    return list(clients("cloudwatch").describe_anomaly_detectors()["AnomalyDetectors"])


def test_a_composite_alarm_on_nothing_fails_its_stack(deploy: Deploy) -> None:
    properties = {"AlarmName": f"c{uuid.uuid4().hex[:8]}", "AlarmRule": "ALARM(nobody)"}
    composite = {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": properties}
    assert "nobody" in deploy({"C": composite}, expect="ROLLBACK_COMPLETE").reasons()


def test_a_suppressor_is_refused_rather_than_ignored(deploy: Deploy) -> None:
    properties = {"AlarmRule": "FALSE", "ActionsSuppressor": "x", "ActionsSuppressorWaitPeriod": 60}
    composite = {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": properties}
    assert "ActionsSuppressor" in deploy({"C": composite}, expect="ROLLBACK_COMPLETE").reasons()


def statement(action: str, **principal: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"Effect": "Allow", "Action": action}
    return {**made, **(principal or {"Resource": "*"})}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def test_roles_and_policies(clients: Clients, deploy: Deploy) -> None:
    trust = document(statement("sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"}))
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
    role = {
        "AssumeRolePolicyDocument": trust,
        "Description": "a role",
        "MaxSessionDuration": 7200,
        "PermissionsBoundary": boundary,
        "Policies": [{"PolicyName": "inline", "PolicyDocument": document(statement("s3:GetObject"))}],
        "ManagedPolicyArns": [{"Ref": "Managed"}],
    }
    stack = deploy(
        {
            "Managed": {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {"PolicyDocument": document(statement("s3:ListBucket"))},
            },
            "Role": {"Type": "AWS::IAM::Role", "Properties": role},
            "Policy": {
                "Type": "AWS::IAM::Policy",
                "Properties": {
                    "PolicyName": "extra",
                    "Roles": [{"Ref": "Role"}],
                    "PolicyDocument": document(statement("sqs:SendMessage")),
                },
            },
        }
    )
    iam, name = clients("iam"), stack.id_of("Role")
    stored = iam.get_role(RoleName=name)["Role"]
    assert stored["AssumeRolePolicyDocument"] == trust
    assert (stored["Description"], stored["MaxSessionDuration"]) == ("a role", 7200)
    assert stored["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary
    assert sorted(iam.list_role_policies(RoleName=name)["PolicyNames"]) == ["extra", "inline"]
    extra = iam.get_role_policy(RoleName=name, PolicyName="extra")["PolicyDocument"]
    assert extra == document(statement("sqs:SendMessage"))
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    assert [p["PolicyArn"] for p in attached] == [stack.id_of("Managed")]


@pytest.mark.parametrize("retention", [7, 365])
def test_log_groups_and_queues(clients: Clients, deploy: Deploy, retention: int) -> None:
    name = f"/t/{uuid.uuid4().hex[:8]}"
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k"
    queue = {
        "MessageRetentionPeriod": 1209600,
        "VisibilityTimeout": 120,
        "RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": 3},
    }
    stack = deploy(
        {
            "Group": {
                "Type": "AWS::Logs::LogGroup",
                "Properties": {
                    "LogGroupName": name,
                    "RetentionInDays": retention,
                    "KmsKeyId": key,
                    "LogGroupClass": "STANDARD",
                },
            },
            "Dead": {"Type": "AWS::SQS::Queue"},
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": queue},
        }
    )
    (group,) = clients("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    assert (group["retentionInDays"], group["kmsKeyId"]) == (retention, key)
    attributes = clients("sqs").get_queue_attributes(QueueUrl=stack.id_of("Queue"), AttributeNames=["All"])[
        "Attributes"
    ]
    assert (attributes["MessageRetentionPeriod"], attributes["VisibilityTimeout"]) == ("1209600", "120")
    assert int(json.loads(attributes["RedrivePolicy"])["maxReceiveCount"]) == 3


def test_lambda_permission_names_its_caller(clients: Clients, deploy: Deploy) -> None:
    function = {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": f"arn:aws:iam::{ACCOUNT}:role/r",
        "Code": {"ZipFile": "def handler(event, context):\n    return 1\n"},
    }
    permission = {
        "FunctionName": {"Ref": "Fn"},
        "Action": "lambda:InvokeFunction",
        "Principal": "sns.amazonaws.com",
        "SourceAccount": ACCOUNT,
        "SourceArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:t",
    }
    stack = deploy(
        {
            "Fn": {"Type": "AWS::Lambda::Function", "Properties": function},
            "May": {"Type": "AWS::Lambda::Permission", "Properties": permission},
        }
    )
    policy = json.loads(clients("lambda").get_policy(FunctionName=stack.id_of("Fn"))["Policy"])
    (allowed,) = policy["Statement"]
    assert allowed["Principal"] == {"Service": "sns.amazonaws.com"}
    assert allowed["Condition"]["ArnLike"] == {"AWS:SourceArn": permission["SourceArn"]}
    assert allowed["Condition"]["StringEquals"] == {"AWS:SourceAccount": ACCOUNT}


@pytest.mark.parametrize("trusted", ["scheduler", "lambda"])
def test_a_role_that_the_service_cannot_assume_is_refused(deploy: Deploy, trusted: str) -> None:
    """As one that does not trust it, and one so fresh that the service does not know it."""
    trust = document(statement("sts:AssumeRole", Principal={"Service": f"{trusted}.amazonaws.com"}))
    schedule = {
        "ScheduleExpression": "cron(0 6 1 1 ? 2099)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {
            "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:q",
            "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
        },
    }
    machine = {
        "DefinitionString": json.dumps({"StartAt": "S", "States": {"S": {"Type": "Succeed"}}}),
        "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
    }
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}
    scheduled = {"Role": role, "Schedule": {"Type": "AWS::Scheduler::Schedule", "Properties": schedule}}
    if trusted == "scheduler":
        deploy(scheduled)
    else:
        refused = deploy(scheduled, expect="ROLLBACK_COMPLETE")
        assert "must allow AWS EventBridge Scheduler to assume the role" in refused.reasons()
    refused = deploy(
        {"Role": role, "Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": machine}},
        expect="ROLLBACK_COMPLETE",
    )
    assert "authorized to assume the provided role" in refused.reasons()
