"""The account's logging setting: made by its owner alone, with the role that Bedrock documents."""

from typing import Any

import pytest
from aws_cdk import aws_logs as logs
from botocore.loaders import Loader

from bedrock_eval.invocation_log.filters import ALARMED, LOG_FILTERS, WANTED
from configuration.schema.data_identifiers import DATA_IDENTIFIERS
from stacks.monthly_cost import custom_metrics
from tests.infrastructure.test_storage import bucket_id, bucket_policy, emptied_after_policy, rules
from tests.support.synthesis.templates import (
    Deployed,
    Resource,
    Template,
    destroyed,
    environment,
    frozen,
    listed,
    retained,
    synthesize,
    tenant,
)

SETTING = "Custom::ModelInvocationLogging"
FILTER = "AWS::Logs::MetricFilter"
INVOCATIONS = "/aws/bedrock/model-invocations"
# How CDK calls the template's parameter that CloudFormation reads from Parameter Store.
BODIES_PARAMETER = "SsmParameterValueshopdevinvocationloggingbodiesbucketC96584B6F00A464EAD1953AFF4B05118Parameter"


def logging(**changes: Any) -> Template:
    """The stack of the account's owner with settings changed."""
    return synthesize(environment(invocation_logging=changes))["logging"]


def delivery_role(template: Template) -> tuple[str, Resource]:
    (found,) = [
        (logical_id, role)
        for logical_id, role in template.resources("AWS::IAM::Role").items()
        if logical_id.startswith("LoggingDeliveryRole")
    ]
    return found


def passing(template: Template) -> list[Resource]:
    return [each for each in template.statements("LoggingFunction") if each["Action"] == "iam:PassRole"]


class TestOwner:
    def test_bedrock_may_assume_the_role_for_this_account_and_region_alone(self) -> None:
        (statement,) = delivery_role(retained()["logging"])[1]["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": "bedrock.amazonaws.com"}
        assert statement["Condition"] == {
            "StringEquals": {"aws:SourceAccount": "<AWS::AccountId>"},
            "ArnLike": {"aws:SourceArn": "arn:<AWS::Partition>:bedrock:<AWS::Region>:<AWS::AccountId>:*"},
        }

    def test_the_role_writes_one_log_stream(self) -> None:
        (statement,) = retained()["logging"].statements("LoggingDeliveryRole")
        group = "arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:/aws/bedrock/model-invocations"
        assert set(statement["Action"]) == {"logs:CreateLogStream", "logs:PutLogEvents"}
        assert statement["Resource"] == f"{group}:log-stream:aws/bedrock/modelinvocations"

    @pytest.mark.parametrize(("on_delete", "policy"), [("leave", "Retain"), ("remove", None), ("restore", None)])
    def test_a_setting_that_stays_keeps_the_role_that_it_names(self, on_delete: str, policy: str | None) -> None:
        """Without the role the account would go on with a setting under which nothing is logged."""
        template = logging(mode="adopt", on_delete=on_delete)
        logical_id, _ = delivery_role(template)
        resources = template.content["Resources"]
        own = [each for name, each in resources.items() if name.startswith(logical_id[:-8])]
        assert {each["Type"] for each in own} == {"AWS::IAM::Role", "AWS::IAM::Policy"}
        assert {each.get("DeletionPolicy") for each in own} == {policy}

    def test_the_setting_is_what_the_environment_says(self) -> None:
        template = logging(mode="adopt", on_delete="leave", text=False, image=True)
        setting = template.only(SETTING)
        assert (setting["Mode"], setting["OnDelete"]) == ("adopt", "leave")
        assert setting["Config"] == {
            "cloudWatchConfig": {
                "logGroupName": "/aws/bedrock/model-invocations",
                "roleArn": f"<{delivery_role(template)[0]}.Arn>",
                "largeDataDeliveryS3Config": {"bucketName": f"<{BODIES_PARAMETER}>"},
            },
            "textDataDeliveryEnabled": False,
            "imageDataDeliveryEnabled": True,
            "embeddingDataDeliveryEnabled": False,
            "videoDataDeliveryEnabled": False,
            "audioDataDeliveryEnabled": False,
        }

    def test_role_and_log_group_stand_before_the_setting(self) -> None:
        """Bedrock checks at Put that it can write: the role's policy counts too."""
        template = retained()["logging"]
        (resource,) = template.raw(SETTING).values()
        for start in ("LoggingInvocationsGroup", "LoggingDeliveryRoleDefaultPolicy"):
            assert template.logical_id(start) in resource["DependsOn"]

    def test_the_function_passes_its_own_role_to_bedrock_alone(self) -> None:
        template = retained()["logging"]
        (statement,) = passing(template)
        assert statement["Resource"] == f"<{delivery_role(template)[0]}.Arn>"
        assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}}

    def test_only_restoring_a_foreign_setting_takes_passing_a_foreign_role(self) -> None:
        foreign = "arn:<AWS::Partition>:iam::<AWS::AccountId>:role/*"
        for on_delete, wanted in (("restore", True), ("leave", False), ("remove", False)):
            statements = passing(logging(mode="adopt", on_delete=on_delete))
            resources = [arn for each in statements for arn in listed(each["Resource"])]
            assert (foreign in resources) is wanted, on_delete
            assert all("iam:PassedToService" in each["Condition"]["StringEquals"] for each in statements)

    def test_the_function_remembers_in_a_parameter_that_cloudformation_does_not_own(self) -> None:
        template = retained()["logging"]
        name = template.only(SETTING)["ParameterName"]
        (statement,) = [each for each in template.statements("LoggingFunction") if "ssm:" in str(each["Action"])]
        assert statement["Resource"] == f"arn:<AWS::Partition>:ssm:<AWS::Region>:<AWS::AccountId>:parameter{name}"
        assert name != template.only("AWS::SSM::Parameter")["Name"]


class TestLogGroup:
    def test_has_its_retention_and_outlives_the_stack(self) -> None:
        made = synthesize(environment(retention_days={"invocation_logs": 365}))["logging"]
        (group,) = [
            each
            for each in made.raw("AWS::Logs::LogGroup").values()
            if each["Properties"]["LogGroupName"] == "/aws/bedrock/model-invocations"
        ]
        assert group["Properties"]["RetentionInDays"] == 365
        # Kept, but not when the deploy that makes it is rolled back: its name would stand in the way of the next.
        assert (group["DeletionPolicy"], group["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")

    def test_one_that_was_left_behind_is_imported(self) -> None:
        template = logging(existing=True)
        names = {group["LogGroupName"] for group in template.resources("AWS::Logs::LogGroup").values()}
        assert names == {"/aws/lambda/shop-dev-invocation-logging"}
        assert template.only(SETTING)["Config"]["cloudWatchConfig"]["logGroupName"] == "/aws/bedrock/model-invocations"

    def test_another_name_is_followed_by_role_and_key(self) -> None:
        made = synthesize(environment(invocation_logging={"log_group": "/shop/models"}))
        (statement,) = made["logging"].statements("LoggingDeliveryRole")
        assert "log-group:/shop/models:log-stream:" in statement["Resource"]
        assert "log-group:/shop/models" in str(made["storage"].only("AWS::KMS::Key"))
        assert "model-invocations" not in str(made["storage"].only("AWS::KMS::Key"))


class TestLargeBodies:
    """What is too large for the log group lies in a bucket of the storage stack."""

    def test_the_bucket_is_found_through_parameter_store_and_no_export_holds_it(self) -> None:
        made = retained()
        told = made["storage"].only("AWS::SSM::Parameter")
        assert told["Value"] == f"<{bucket_id(made['storage'], 'InvocationBodies')}>"
        parameter = made["logging"].content["Parameters"][BODIES_PARAMETER]
        assert parameter == {"Type": "AWS::SSM::Parameter::Value<String>", "Default": told["Name"]}
        exported = [output for output in made["storage"].content["Outputs"].values() if "Export" in output]
        assert "InvocationBodies" not in str(exported)

    def test_bedrock_writes_the_folder_of_this_account_and_nothing_else(self) -> None:
        storage = retained()["storage"]
        statements = bucket_policy(storage, "InvocationBodies")[1]["PolicyDocument"]["Statement"]
        (allowed,) = [each for each in statements if each["Effect"] == "Allow"]
        arn = f"<{bucket_id(storage, 'InvocationBodies')}.Arn>"
        assert allowed["Principal"] == {"Service": "bedrock.amazonaws.com"}
        assert allowed["Action"] == "s3:PutObject"
        assert allowed["Resource"] == f"{arn}/AWSLogs/<AWS::AccountId>/BedrockModelInvocationLogs/*"
        assert allowed["Condition"] == {
            "StringEquals": {"aws:SourceAccount": "<AWS::AccountId>"},
            "ArnLike": {"aws:SourceArn": "arn:<AWS::Partition>:bedrock:<AWS::Region>:<AWS::AccountId>:*"},
        }

    def test_bodies_are_gone_when_the_records_are(self) -> None:
        made = synthesize(environment(retention_days={"invocation_logs": 30, "noncurrent_versions": 365}))
        found = rules(made, "InvocationBodies")
        assert [rule["ExpirationInDays"] for rule in found if "ExpirationInDays" in rule] == [30]
        old = [rule["NoncurrentVersionExpiration"] for rule in found if "NoncurrentVersionExpiration" in rule]
        assert old == [{"NoncurrentDays": 1}]
        assert not any("Prefix" in rule for rule in found)

    def test_bedrock_loses_its_leave_before_the_bucket_is_emptied(self) -> None:
        storage = destroyed()["storage"]
        assert emptied_after_policy(storage, "InvocationBodies")

    @pytest.mark.parametrize(
        "changes",
        [
            {"large_bodies": False},
            {"data_protection": ["EmailAddress"]},
            {"text": False},
            {"mode": "none"},
        ],
        ids=str,
    )
    def test_there_is_none_where_it_is_not_wanted_or_would_lie_unmasked(self, changes: dict[str, Any]) -> None:
        made = synthesize(environment(invocation_logging=changes))
        assert not [name for name in made["storage"].raw() if name.startswith("InvocationBodies")]
        assert "InvocationBodies" not in str(made["storage"].only("AWS::KMS::Key"))
        for setting in made["logging"].resources(SETTING).values():
            assert "largeDataDeliveryS3Config" not in setting["Config"]["cloudWatchConfig"]

    def test_images_are_reason_enough(self) -> None:
        made = synthesize(environment(invocation_logging={"text": False, "image": True}))
        assert bucket_id(made["storage"], "InvocationBodies")


class TestMetrics:
    """Metric filters on the log: what an alarm needs always, the rest, billed by value, where it is asked for."""

    def test_they_count_in_the_log_group_by_model_and_by_code(self) -> None:
        made = synthesize(environment(invocation_logging={"metrics": True, "log_group": "/shop/models"}))
        filters = {each["FilterName"]: each for each in made["logging"].resources(FILTER).values()}
        expected = {"guardrail-interventions": "ModelId", "truncated-answers": "ModelId", "failed-calls": "ErrorCode"}
        assert set(filters) == {f"shop-dev-{name}" for name in expected}
        group = f"<{made['logging'].logical_id('InvocationsGroup')}>"
        for each in LOG_FILTERS:
            dimension = expected[each.name]
            found = filters[f"shop-dev-{each.name}"]
            assert (found["LogGroupName"], found["FilterPattern"]) == (group, each.pattern)
            (transformation,) = found["MetricTransformations"]
            assert transformation == {
                "MetricNamespace": "Custom/Bedrock/InvocationLog",
                "MetricName": each.metric.name,
                "MetricValue": "1",
                "Unit": "Count",
                "Dimensions": [{"Key": dimension, "Value": each.dimensions[dimension]}],
            }

    def test_an_imported_log_group_is_counted_in_too(self) -> None:
        filters = logging(metrics=True, existing=True).resources(FILTER).values()
        assert {each["LogGroupName"] for each in filters} == {INVOCATIONS}

    def test_they_are_on_the_dashboard_where_they_are_made(self) -> None:
        for wanted in (True, False):
            made = synthesize(environment(invocation_logging={"metrics": wanted}))
            filters = {each["FilterName"] for each in made["logging"].resources(FILTER).values()}
            assert filters == {f"shop-dev-{each.name}" for each in (LOG_FILTERS if wanted else ALARMED)}
            dashboard = str(made["monitoring"].only("AWS::CloudWatch::Dashboard")["DashboardBody"])
            for each in LOG_FILTERS:
                search = f'{{{each.metric.namespace},{each.metric.dimensions[0]}}} MetricName=\\\\\\"{each.metric.name}'
                shown = wanted or each not in WANTED
                assert (search.replace("\\", "") in dashboard.replace("\\", "")) is shown

    def test_interventions_are_not_looked_for_in_answers_that_are_not_logged(self) -> None:
        made = synthesize(environment(invocation_logging={"text": False}))
        assert not made["logging"].raw(FILTER)
        names = [each["AlarmName"] for each in made["monitoring"].resources("AWS::CloudWatch::Alarm").values()]
        assert names
        assert not [name for name in names if "model-interventions" in name]

    def test_whoever_does_not_own_the_log_counts_nothing(self) -> None:
        made = synthesize(environment(owns_account=False, invocation_logging={"metrics": True}))
        assert not made["logging"].raw(FILTER)
        assert "InvocationLog" not in str(made["monitoring"].only("AWS::CloudWatch::Dashboard")["DashboardBody"])

    def test_the_line_at_synth_counts_what_they_may_publish(self) -> None:
        more, less = (custom_metrics(environment(invocation_logging={"metrics": on})) for on in (True, False))
        # Each declared model, and each error of the runtime API.
        runtime = Loader().load_service_model("bedrock-runtime", "service-2")
        codes = {name for name, shape in runtime["shapes"].items() if shape.get("exception")}
        of_requests = {
            error["shape"]
            for operation in ("Converse", "ConverseStream", "InvokeModel", "InvokeModelWithResponseStream")
            for error in runtime["operations"][operation]["errors"]
        }
        assert of_requests <= codes
        assert more - less == len(environment().models) + len(of_requests)


class TestOthers:
    @pytest.mark.parametrize("made", [tenant, lambda: synthesize(environment(invocation_logging={"mode": "none"}))])
    def test_whoever_does_not_set_it_says_so_and_makes_nothing_else(self, made: Any) -> None:
        template = made()["logging"]
        assert {found["Type"] for found in template.raw().values()} == {"AWS::SSM::Parameter"}
        assert template.only("AWS::SSM::Parameter")["Value"] == "none"
        assert not [each for each in made()["storage"].raw() if each.startswith("InvocationBodies")]

    def test_the_owner_says_so(self) -> None:
        parameter = frozen()["prod"]["logging"].only("AWS::SSM::Parameter")
        assert parameter["Name"] == "/customer-support-prod/invocation-logging/mode"
        assert parameter["Value"] == "own"


def test_every_environment_has_the_stack(deployed: Deployed) -> None:
    assert deployed["logging"].stack_name.endswith("-logging")


class TestDataProtection:
    def test_named_data_is_audited_and_masked(self) -> None:
        named = ["EmailAddress", "CreditCardNumber"]
        group = logging(data_protection=named).named("AWS::Logs::LogGroup", "LogGroupName", INVOCATIONS)
        audit, mask = group["DataProtectionPolicy"]["Statement"]
        for statement in (audit, mask):
            assert [each.rpartition("/")[2] for each in statement["DataIdentifier"]] == named
        assert audit["Operation"] == {"Audit": {"FindingsDestination": {}}}
        assert mask["Operation"] == {"Deidentify": {"MaskConfig": {}}}

    def test_nothing_is_masked_unless_asked_for(self) -> None:
        assert all("DataProtectionPolicy" not in each for each in logging().resources("AWS::Logs::LogGroup").values())

    def test_the_identifiers_are_those_of_the_cdk(self) -> None:
        of_the_cdk = {getattr(logs.DataIdentifier, name).name for name in dir(logs.DataIdentifier) if name.isupper()}
        assert of_the_cdk <= set(DATA_IDENTIFIERS)
