"""Topic, watchdog, first report and outputs of the monitoring stack."""

from typing import Any

import pytest

from bedrock_eval.costs import Rates
from bedrock_eval.names import PhysicalNames
from tests.infrastructure.monitoring_support import (
    ACCOUNT,
    PREFIX,
    REGION,
    Monitoring,
    environment,
    flat,
    owner,
    synthesize,
)
from watchdog.spending import read_models


def statements(made: Monitoring, function: str) -> list[dict[str, Any]]:
    """What a function's role may do, by all policies on it."""
    (role,) = [flat(found)["Role"][1:].split(".")[0] for found in functions(made) if found["FunctionName"] == function]
    policies = [flat(policy) for policy in made.resources("AWS::IAM::Policy").values()]
    return [
        statement
        for policy in policies
        if f"<{role}>" in policy["Roles"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def functions(made: Monitoring) -> list[dict[str, Any]]:
    return list(made.resources("AWS::Lambda::Function").values())


def function(made: Monitoring, name: str) -> dict[str, Any]:
    (found,) = [each for each in functions(made) if each["FunctionName"] == f"{PREFIX}-{name}"]
    return found


def schedule_role() -> dict[str, Any]:
    roles = owner().resources("AWS::IAM::Role").values()
    (role,) = [flat(role) for role in roles if role.get("RoleName") == f"{PREFIX}-watchdog-schedule"]
    assert isinstance(role, dict)
    return role


class TestTopic:
    def policy(self) -> list[dict[str, Any]]:
        found = flat(owner().only("AWS::SNS::TopicPolicy"))["PolicyDocument"]["Statement"]
        assert isinstance(found, list)
        return found

    def test_is_encrypted_with_the_key_of_the_environment(self) -> None:
        topic = flat(owner().only("AWS::SNS::Topic"))
        assert topic["TopicName"] == f"{PREFIX}-alarms"
        assert "Key" in topic["KmsMasterKeyId"]
        assert "alias/aws/sns" not in topic["KmsMasterKeyId"]

    def test_takes_nothing_but_tls(self) -> None:
        denied = [statement for statement in self.policy() if statement["Effect"] == "Deny"]
        assert [(each["Action"], each["Principal"], each["Condition"]) for each in denied] == [
            ("sns:Publish", "*", {"Bool": {"aws:SecureTransport": "false"}})
        ]

    def test_cloudwatch_publishes_for_alarms_of_this_prefix_and_account_alone(self) -> None:
        allowed = [statement for statement in self.policy() if statement["Effect"] == "Allow"]
        assert [each["Principal"] for each in allowed] == [{"Service": "cloudwatch.amazonaws.com"}]
        assert allowed[0]["Action"] == "sns:Publish"
        assert allowed[0]["Condition"] == {
            "StringEquals": {"aws:SourceAccount": "<AWS::AccountId>"},
            "ArnLike": {
                "aws:SourceArn": f"arn:<AWS::Partition>:cloudwatch:<AWS::Region>:<AWS::AccountId>:alarm:{PREFIX}-*"
            },
        }

    def test_alarms_are_named_so_that_they_may_publish(self) -> None:
        assert all(name.startswith(f"{PREFIX}-") for name in owner().alarms)

    def test_whoever_subscribed_is_told(self) -> None:
        subscribed = {
            (each["Protocol"], each["Endpoint"]) for each in owner().resources("AWS::SNS::Subscription").values()
        }
        assert subscribed == {
            ("email", "search@example.com"),
            ("https", "https://example.com/hook?team=search"),
        }

    def test_queue_can_subscribe(self) -> None:
        queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:inbox"
        made = synthesize(environment(subscriptions=[{"protocol": "sqs", "endpoint": queue}]))
        assert made.only("AWS::SNS::Subscription")["Endpoint"] == queue


class TestWatchdog:
    def test_knows_its_application_and_bucket(self) -> None:
        watchdog = function(owner(), "watchdog")
        variables = flat(watchdog["Environment"]["Variables"])
        assert watchdog["Handler"] == "watchdog.handler.handler"
        assert variables["APPLICATION"] == "shop"
        assert "Results" in variables["RESULTS_BUCKET"]

    def test_prices_every_model_of_an_account_that_the_environment_owns(self) -> None:
        models = {
            "haiku": {"id": "eu.anthropic.claude-haiku-5-5", "rates": {"input": 1, "output": 5}},
            "nova": {"id": "amazon.nova-lite-v1:0", "profile": True},
        }
        made = synthesize(environment(models=models))
        text = flat(function(made, "watchdog")["Environment"]["Variables"]["PRICED_MODELS"])
        haiku, nova = read_models(text).items()
        assert haiku == ("eu.anthropic.claude-haiku-5-5", Rates(1, 5))
        assert nova[0].startswith("<SsmParameterValueshopdevprofilesnovaid")
        assert nova[1] is None

    def test_prices_its_own_profiles_only_where_another_environment_owns_the_account(self) -> None:
        models = {
            "haiku": {"id": "eu.anthropic.claude-haiku-5-5"},
            "nova": {"id": "amazon.nova-lite-v1:0", "profile": True},
        }
        made = synthesize(environment(models=models, owns_account=False, evaluations={}))
        (model_id,) = read_models(flat(function(made, "watchdog")["Environment"]["Variables"]["PRICED_MODELS"]))
        assert model_id.startswith("<SsmParameterValueshopdevprofilesnovaid")

    def test_more_models_than_its_environment_holds_are_refused(self) -> None:
        models = {
            f"m{number}": {"id": "amazon.nova-lite-v1:0", "rates": {"input": 1, "output": 5}} for number in range(60)
        }
        with pytest.raises(ValueError, match=r"60 models with their rates are .* split the environment"):
            synthesize(environment(models=models, evaluations={}))

    def test_reads_no_answers_and_publishes_to_our_namespace_only(self) -> None:
        found = statements(owner(), f"{PREFIX}-watchdog")
        by_action = {str(each["Action"]): each for each in found}
        objects = by_action["s3:GetObject"]["Resource"]
        assert [resource.partition("/")[2] for resource in objects] == ["definitions/*", "runs/*/summary.json"]
        assert by_action["cloudwatch:PutMetricData"]["Condition"] == {
            "StringEquals": {"cloudwatch:namespace": "Custom/Bedrock"}
        }
        assert not [action for action in by_action if "Put" in action and action.startswith("s3")]

    def test_listing_has_no_condition_under_which_a_missing_summary_would_be_forbidden(self) -> None:
        (listing,) = [each for each in statements(owner(), f"{PREFIX}-watchdog") if each["Action"] == "s3:ListBucket"]
        assert "Condition" not in listing

    def test_is_called_every_hour_in_the_group_of_the_environment(self) -> None:
        schedule = flat(owner().only("AWS::Scheduler::Schedule"))
        assert schedule["Name"] == f"{PREFIX}-watchdog_hourly"
        assert schedule["Name"] != PhysicalNames(PREFIX).schedule("watchdog"), "an evaluation may have that name"
        assert schedule["GroupName"] == PREFIX
        assert schedule["ScheduleExpression"] == "rate(1 hour)"
        assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
        assert schedule["Target"]["RetryPolicy"]["MaximumEventAgeInSeconds"] < 3600

    def test_failed_calls_land_in_the_queue_that_the_alarm_watches(self) -> None:
        target = flat(owner().only("AWS::Scheduler::Schedule"))["Target"]
        assert target["DeadLetterConfig"]["Arn"].endswith(f":{PREFIX}-schedule-dead-letters")
        (dimension,) = owner().alarms[f"{PREFIX}-dead-letters"]["Dimensions"]
        assert dimension["Value"] == f"{PREFIX}-schedule-dead-letters"

    def test_schedule_role_is_for_this_group_and_function_alone(self) -> None:
        role = schedule_role()
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
        assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": "<AWS::AccountId>"}
        assert trust["Condition"]["ArnLike"]["aws:SourceArn"].endswith(f":schedule-group/{PREFIX}")
        (policy,) = role["Policies"]
        actions = {str(each["Action"]): each for each in policy["PolicyDocument"]["Statement"]}
        assert set(actions) == {"lambda:InvokeFunction", "sqs:SendMessage", "['kms:Decrypt', 'kms:GenerateDataKey']"}
        assert not [each for each in actions.values() if "*" in str(each["Resource"])]

    def test_nobody_waits_less_than_whom_he_waits_for(self) -> None:
        watchdog = function(owner(), "watchdog")["Timeout"]
        primer = function(owner(), "watchdog-primer")["Timeout"]
        first_report = owner().only("Custom::WatchdogReport")
        # The primer's client waits 120 s for one answer, and needs up to two minutes for the role to be known.
        assert watchdog < 120
        assert primer >= watchdog + 120
        assert int(first_report["ServiceTimeout"]) == primer + 60

    def test_primer_may_call_the_watchdog_and_look_for_its_heartbeat(self) -> None:
        allowed = [each["Action"] for each in statements(owner(), f"{PREFIX}-watchdog-primer")]
        own = {"logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTraceSegments", "xray:PutTelemetryRecords"}
        flattened = {action for item in allowed for action in ([item] if isinstance(item, str) else item)}
        assert flattened - own == {"lambda:InvokeFunction", "cloudwatch:GetMetricStatistics"}

    def test_a_new_schedule_calls_the_watchdog_again(self) -> None:
        before = flat(owner().only("Custom::WatchdogReport"))
        evaluations = {
            name: {**config.model_dump(exclude_none=True), "schedule": {"expression": "rate(7 days)"}}
            for name, config in environment().evaluations.items()
        }
        after = flat(synthesize(environment(evaluations=evaluations)).only("Custom::WatchdogReport"))
        assert before["Evaluations"] == ["quality"]
        assert after["Evaluations"] == ["by-hand", "quality"]
        assert before["FunctionName"] == after["FunctionName"]

    def test_watchdog_has_its_permissions_before_it_is_called(self) -> None:
        (name,) = [
            logical_id
            for logical_id, found in owner().resources("AWS::Lambda::Function").items()
            if found["FunctionName"] == f"{PREFIX}-watchdog"
        ]
        waits = owner().template["Resources"][name]["DependsOn"]
        policies = owner().resources("AWS::IAM::Policy")
        granting = [
            logical_id
            for logical_id, policy in policies.items()
            if "cloudwatch:PutMetricData" in str(policy["PolicyDocument"])
        ]
        assert set(granting) <= set(waits)


def test_outputs() -> None:
    outputs = {name: flat(output["Value"]) for name, output in owner().template["Outputs"].items()}
    assert outputs["DashboardUrl"].endswith(f"#dashboards/dashboard/{PREFIX}")
    assert outputs["TopicArn"] == f"<{owner().logical_id('AWS::SNS::Topic')}>"
    assert outputs["WatchdogFunction"].startswith("<Watchdog")


def test_every_fixed_name_begins_with_the_prefix() -> None:
    keys = ("AlarmName", "DashboardName", "TopicName", "FunctionName", "RoleName", "GroupName")
    for resource in owner().template["Resources"].values():
        properties = flat(resource.get("Properties", {}))
        for key in keys:
            value = properties.get(key, PREFIX)
            assert value.startswith((PREFIX, "<")), (resource["Type"], key, value)


def test_synthesis_is_reproducible() -> None:
    assert synthesize(environment()).template == owner().template
