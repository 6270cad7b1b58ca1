"""What holds for every stack of every environment, and fails or lies only on AWS when it does not."""

import re
from collections.abc import Iterator

from bedrock_eval_cdk.core.log_groups import EncryptedLogGroup
from configuration.schema.retention import LOG_RETENTION_DAYS
from tests.support.synthesis.templates import Deployed, Resource, Template, destroyed, listed, retained, tenant

# Actions that know no resource; whatever else names `*` has a narrower one.
_OBJECT = "kms:EncryptionContext:aws:s3:arn"
FOREIGN = {f"arn:<AWS::Partition>:s3:::other-team{key}" for key in ("", "/cases/shop.jsonl")}
"""The dataset of environments here that lies in a bucket which is not ours."""

WITHOUT_RESOURCE = {
    *("xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets"),
    *("logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery"),
    *("logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups"),
    *("cloudwatch:PutMetricData", "cloudwatch:GetMetricData", "cloudwatch:GetMetricStatistics"),
    *("cloudwatch:DescribeAlarmHistory", "cloudwatch:ListMetrics"),
    *("cloudwatch:DescribeAlarms", "bedrock:ListEvaluationJobs", "bedrock:ListInferenceProfiles"),
    # AWS's documents do not agree on its resources; what bounds it is the role that is passed.
    "bedrock:CreateEvaluationJob",
    *(f"bedrock:{verb}ModelInvocationLoggingConfiguration" for verb in ("Get", "Put", "Delete")),
}
# Custom resources: what CloudFormation waits for beyond the function's own timeout.
MARGIN_SECONDS = 60


def assets(deployed: Deployed) -> set[str]:
    """The bucket that the bootstrap made for assets, and what lies in it."""
    copied = deployed["storage"].resources("Custom::DatasetFile").values()
    (bucket,) = {f"arn:<AWS::Partition>:s3:::{each['SourceBucket']}" for each in copied}
    return {bucket, f"{bucket}/*"}


def functions(template: Template) -> Iterator[Resource]:
    yield from template.resources("AWS::Lambda::Function").values()


class TestFunctions:
    def test_are_python_on_arm64_and_nothing_else(self, deployed: Deployed) -> None:
        """A Node.js function would be one that CDK brought in for a custom resource of its own."""
        found = [function for template in deployed for function in functions(template)]
        assert len(found) >= 5
        assert {(each["Runtime"], tuple(each["Architectures"])) for each in found} == {("python3.13", ("arm64",))}

    def test_log_json_to_a_group_of_their_own_that_they_cannot_leave(self, deployed: Deployed) -> None:
        for template in deployed:
            for function in functions(template):
                logging = function["LoggingConfig"]
                assert logging["LogFormat"] == "JSON"
                group = template.resources("AWS::Logs::LogGroup")[logging["LogGroup"].strip("<>")]
                assert group["LogGroupName"] == f"/aws/lambda/{function['FunctionName']}"

    def test_are_traced_and_ask_no_model_twice_and_reserve_nothing(self, deployed: Deployed) -> None:
        for template in deployed:
            retries = {
                each["FunctionName"]: each for each in template.resources("AWS::Lambda::EventInvokeConfig").values()
            }
            for logical_id, function in template.resources("AWS::Lambda::Function").items():
                assert function["TracingConfig"] == {"Mode": "Active"}
                repeated = 2 if function["FunctionName"].endswith("-alarm-formatter") else 0
                assert retries[f"<{logical_id}>"]["MaximumRetryAttempts"] == repeated
                assert "ReservedConcurrentExecutions" not in function

    def test_are_not_called_before_their_role_may_do_anything(self, deployed: Deployed) -> None:
        for template in deployed:
            for function in template.raw("AWS::Lambda::Function").values():
                role = function["Properties"]["Role"]["Fn::GetAtt"][0]
                policies = [
                    logical_id
                    for logical_id, policy in template.resources("AWS::IAM::Policy").items()
                    if f"<{role}>" in policy["Roles"]
                ]
                assert policies
                assert {role, *policies} <= set(function["DependsOn"])


class TestNames:
    def test_every_fixed_name_begins_with_the_prefix(self, deployed: Deployed) -> None:
        prefix = deployed["storage"].stack_name.removesuffix("-storage")
        fixed = {
            "AWS::Lambda::Function": "FunctionName",
            "AWS::IAM::Role": "RoleName",
            "AWS::SQS::Queue": "QueueName",
            "AWS::SNS::Topic": "TopicName",
            "AWS::StepFunctions::StateMachine": "StateMachineName",
            "AWS::Scheduler::Schedule": "Name",
            "AWS::Scheduler::ScheduleGroup": "Name",
            "AWS::CloudWatch::Alarm": "AlarmName",
            "AWS::CloudWatch::Dashboard": "DashboardName",
            "AWS::Bedrock::ApplicationInferenceProfile": "InferenceProfileName",
        }
        names = [each[key] for kind, key in fixed.items() for each in deployed.resources(kind) if key in each]
        assert len(names) > 15
        assert [name for name in names if not f"{name}-".startswith(f"{prefix}-")] == []

    def test_no_bucket_has_a_fixed_name(self, deployed: Deployed) -> None:
        """They are global: another account may have it."""
        assert not [each for each in deployed.resources("AWS::S3::Bucket") if "BucketName" in each]

    def test_log_groups_are_encrypted_and_forget(self, deployed: Deployed) -> None:
        for group in deployed.resources("AWS::Logs::LogGroup"):
            assert group["RetentionInDays"] in LOG_RETENTION_DAYS
            assert ":ExportsOutputFnGetAttKey" in group["KmsKeyId"] or group["KmsKeyId"].startswith("<Key")


class TestCustomResources:
    def test_cloudformation_waits_longer_than_the_function_may_run(self, deployed: Deployed) -> None:
        """With less it rolls back what was about to succeed; without, it waits for an hour."""
        count = 0
        for template in deployed:
            serving = template.resources("AWS::Lambda::Function")
            for logical_id, resource in template.raw().items():
                if resource["Type"].startswith("Custom::"):
                    properties = template.resources(resource["Type"])[logical_id]
                    function = serving[properties["ServiceToken"].strip("<>").removesuffix(".Arn")]
                    waited = int(properties["ServiceTimeout"])
                    assert waited >= function["Timeout"] + MARGIN_SECONDS, logical_id
                    assert waited <= 3600
                    count += 1
        assert count

    def test_types_are_ours(self, deployed: Deployed) -> None:
        assert not [
            resource["Type"]
            for template in deployed
            for resource in template.raw().values()
            if resource["Type"] == "AWS::CloudFormation::CustomResource"
        ]


class TestPermissions:
    def test_nobody_elses_managed_policy_is_attached(self, deployed: Deployed) -> None:
        assert not [role for role in deployed.resources("AWS::IAM::Role") if role.get("ManagedPolicyArns")]

    def test_no_action_holds_a_wildcard(self, deployed: Deployed) -> None:
        actions = {
            action for template in deployed for each in template.statements() for action in listed(each["Action"])
        }
        assert actions
        assert not {action for action in actions if "*" in action}

    def test_everything_is_allowed_by_name_unless_it_knows_no_resource(self, deployed: Deployed) -> None:
        for template in deployed:
            for statement in template.statements():
                if "*" in listed(statement["Resource"]):
                    assert set(listed(statement["Action"])) <= WITHOUT_RESOURCE

    def test_keys_that_are_not_ours_decrypt_foreign_datasets_and_assets_alone(self, deployed: Deployed) -> None:
        for template in deployed:
            for statement in template.statements():
                if any(":kms:" in str(arn) and "*" in str(arn) for arn in listed(statement["Resource"])):
                    equal, like = (statement["Condition"].get(each, {}) for each in ("StringEquals", "StringLike"))
                    assert statement["Action"] == "kms:Decrypt"
                    assert equal.pop("kms:ViaService") == "s3.<AWS::Region>.<AWS::URLSuffix>"
                    assert [set(each[_OBJECT]) for each in (equal, like) if each] in ([FOREIGN], [assets(deployed)])

    def test_metrics_go_to_our_namespace_alone(self, deployed: Deployed) -> None:
        publishing = [
            each for template in deployed for each in template.statements() if "PutMetricData" in str(each["Action"])
        ]
        assert publishing
        for statement in publishing:
            assert statement["Condition"]["StringEquals"]["cloudwatch:namespace"] == "Custom/Bedrock"

    def test_services_other_than_lambda_act_for_this_account_alone(self, deployed: Deployed) -> None:
        for role in deployed.resources("AWS::IAM::Role"):
            for statement in role["AssumeRolePolicyDocument"]["Statement"]:
                if statement["Principal"] != {"Service": "lambda.amazonaws.com"}:
                    # What AWS documents no conditions for is asked if it tells (test_policy_conditions.py).
                    asked = statement["Condition"].get("StringEquals") or statement["Condition"]["StringEqualsIfExists"]
                    assert asked["aws:SourceAccount"] == "<AWS::AccountId>"
                    assert "aws:SourceArn" in str(statement["Condition"])

    def test_arns_hold_for_every_partition(self, deployed: Deployed) -> None:
        for template in deployed:
            for found in template.raw().values():
                # Work teams are declared by their ARNs, whose partition is the file's.
                assert "arn:aws:" not in re.sub(r"arn:aws:sagemaker:[^']*:workteam/", "", str(found))

    def test_a_boundary_is_on_every_role(self) -> None:
        roles = tenant().resources("AWS::IAM::Role")
        wanted = "arn:<AWS::Partition>:iam::<AWS::AccountId>:policy/team-boundary"
        assert len(roles) >= 8
        assert {role["PermissionsBoundary"] for role in roles} == {wanted}
        assert not [role for role in retained().resources("AWS::IAM::Role") if "PermissionsBoundary" in role]


class TestStage:
    def test_every_taggable_resource_says_whose_it_is(self) -> None:
        wanted = {("application", "shop"), ("environment", "dev"), ("owner", "Team Search"), ("cost-center", "42")}
        tagged = 0
        for kind in ("AWS::S3::Bucket", "AWS::KMS::Key", "AWS::Lambda::Function", "AWS::IAM::Role", "AWS::SNS::Topic"):
            for properties in tenant().resources(kind):
                assert wanted <= {(tag["Key"], tag["Value"]) for tag in properties["Tags"]}
                tagged += 1
        assert tagged > 15

    def test_stacks_are_protected_unless_the_environment_says_otherwise(self) -> None:
        assert {template.termination_protection for template in retained()} == {True}
        assert {template.termination_protection for template in destroyed()} == {False}

    def test_stacks_are_named_by_prefix_and_room(self, deployed: Deployed) -> None:
        prefix = deployed["storage"].stack_name.removesuffix("-storage")
        assert [template.stack_name for template in deployed] == [
            f"{prefix}-{room}" for room in ("storage", "logging", "evaluation", "monitoring")
        ]

    def test_stacks_are_deployed_in_their_order(self, deployed: Deployed) -> None:
        assert deployed["storage"].dependencies == set()
        assert deployed["evaluation"].dependencies == {"storage"}
        assert {"storage", "evaluation"} <= deployed["monitoring"].dependencies

    def test_function_logs_do_not_block_the_next_deploy(self, deployed: Deployed) -> None:
        """A group that stays behind under its fixed name exists already when it is made again."""
        for template in deployed:
            for group in template.raw("AWS::Logs::LogGroup").values():
                if str(group["Properties"]["LogGroupName"]).startswith("/aws/lambda/"):
                    assert group["DeletionPolicy"] == "Delete"


def test_every_retention_of_the_schema_can_be_made() -> None:
    assert set(EncryptedLogGroup.RETENTION_DAYS) == set(LOG_RETENTION_DAYS)
