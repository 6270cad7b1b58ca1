"""Topic, watchdog, first report and outputs of the monitoring stack."""

import json
from typing import Any

import pytest

from bedrock_eval.alarms.messages import Place, tell
from bedrock_eval.alarms.records import described_alarm
from bedrock_eval.alarms.subscribers import Subscription
from bedrock_eval.models import Model
from bedrock_eval.names import PhysicalNames
from bedrock_eval.pricing.costs import Rates
from bedrock_eval.watchdog.watch_list import WatchList, read_watch_list
from tests.support.synthesis.monitoring import (
    ACCOUNT,
    PREFIX,
    REGION,
    RUNBOOK,
    Monitoring,
    alarm_series,
    environment,
    flat,
    owner,
    synthesize,
    watchful,
)
from tests.support.synthesis.templates import listed


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


def logical_id(made: Monitoring, kind: str, key: str, value: str) -> str:
    (found,) = [name for name, properties in made.resources(kind).items() if properties.get(key) == value]
    return found


def topic(made: Monitoring, name: str) -> str:
    """The reference to a topic."""
    return f"<{logical_id(made, 'AWS::SNS::Topic', 'TopicName', f'{PREFIX}-{name}')}>"


class TestTopics:
    def policy(self, name: str) -> list[dict[str, Any]]:
        policies = [flat(found) for found in owner().resources("AWS::SNS::TopicPolicy").values()]
        (found,) = [each for each in policies if each["Topics"] == [topic(owner(), name)]]
        statements = found["PolicyDocument"]["Statement"]
        assert isinstance(statements, list)
        return statements

    def test_are_encrypted_with_the_key_of_the_environment(self) -> None:
        topics = [flat(each) for each in owner().resources("AWS::SNS::Topic").values()]
        assert {each["TopicName"] for each in topics} == {f"{PREFIX}-alarms", f"{PREFIX}-messages"}
        assert all("ExportsOutputFnGetAttKey" in each["KmsMasterKeyId"] for each in topics)

    @pytest.mark.parametrize("name", ["alarms", "messages"])
    def test_take_nothing_but_tls(self, name: str) -> None:
        denied = [statement for statement in self.policy(name) if statement["Effect"] == "Deny"]
        assert [(each["Action"], each["Principal"], each["Condition"]) for each in denied] == [
            ("sns:Publish", "*", {"Bool": {"aws:SecureTransport": "false"}})
        ]

    @pytest.mark.parametrize(("name", "alarm"), [("alarms", "*"), ("messages", "formatter-errors")])
    def test_cloudwatch_publishes_for_alarms_of_this_name_and_account_alone(self, name: str, alarm: str) -> None:
        allowed = [statement for statement in self.policy(name) if statement["Effect"] == "Allow"]
        assert [each["Principal"] for each in allowed] == [{"Service": "cloudwatch.amazonaws.com"}]
        assert allowed[0]["Action"] == "sns:Publish"
        assert allowed[0]["Condition"] == {
            "StringEquals": {"aws:SourceAccount": "<AWS::AccountId>"},
            "ArnLike": {
                "aws:SourceArn": "arn:<AWS::Partition>:cloudwatch:<AWS::Region>:<AWS::AccountId>"
                f":alarm:{PREFIX}-{alarm}"
            },
        }

    def test_alarms_are_named_so_that_they_may_publish(self) -> None:
        assert all(name.startswith(f"{PREFIX}-") for name in owner().alarms)

    def test_whoever_subscribed_is_told_in_words(self) -> None:
        subscribed = {
            (each["Protocol"], each["Endpoint"])
            for each in map(flat, owner().resources("AWS::SNS::Subscription").values())
            if each["TopicArn"] == topic(owner(), "messages")
        }
        assert subscribed == {
            ("email", "search@example.com"),
            ("https", "https://example.com/hook?team=search"),
        }

    def test_queue_can_subscribe(self) -> None:
        queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:inbox"
        made = synthesize(environment(subscriptions=[{"protocol": "sqs", "endpoint": queue}]))
        assert logical_id(made, "AWS::SNS::Subscription", "Endpoint", queue)


class TestAlarmFormatter:
    def reference(self) -> str:
        return f"<{logical_id(owner(), 'AWS::Lambda::Function', 'FunctionName', f'{PREFIX}-alarm-formatter')}"

    def test_alone_listens_to_the_alarms(self) -> None:
        found = [flat(each) for each in owner().resources("AWS::SNS::Subscription").values()]
        listening = [each for each in found if each["TopicArn"] == topic(owner(), "alarms")]
        assert [(each["Protocol"], each["Endpoint"]) for each in listening] == [("lambda", f"{self.reference()}.Arn>")]

    def test_is_called_by_that_topic_alone(self) -> None:
        (permission,) = [
            each
            for each in map(flat, owner().resources("AWS::Lambda::Permission").values())
            if each["FunctionName"] == f"{self.reference()}.Arn>"
        ]
        assert permission["Principal"] == "sns.amazonaws.com"
        assert permission["SourceArn"] == topic(owner(), "alarms")

    def test_tells_people_also_when_it_fails(self) -> None:
        (config,) = [
            each
            for each in map(flat, owner().resources("AWS::Lambda::EventInvokeConfig").values())
            if each["FunctionName"] == f"{self.reference()}>"
        ]
        assert config["MaximumRetryAttempts"] == 2
        assert config["DestinationConfig"] == {"OnFailure": {"Destination": topic(owner(), "messages")}}

    def test_its_own_alarm_goes_past_it(self) -> None:
        alarms = owner().alarms
        people = {name for name, alarm in alarms.items() if alarm.get("AlarmActions") == [topic(owner(), "messages")]}
        assert people == {f"{PREFIX}-formatter-errors"}
        watched = json.dumps(alarms[f"{PREFIX}-formatter-errors"]["Metrics"])
        assert f"{PREFIX}-alarm-formatter" in watched
        assert "NumberOfNotificationsFailed" in watched

    def test_may_look_at_names_failures_and_alarms_and_publish_to_people(self) -> None:
        own = {"logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTraceSegments", "xray:PutTelemetryRecords"}
        found = {
            action: each
            for each in statements(owner(), f"{PREFIX}-alarm-formatter")
            for action in listed(each["Action"])
            if action not in own
        }
        assert set(found) == {
            *("s3:ListBucket", "s3:GetObject", "cloudwatch:DescribeAlarms", "cloudwatch:DescribeAlarmHistory"),
            *("sns:Publish", "kms:Decrypt", "kms:GenerateDataKey"),
        }
        assert found["cloudwatch:DescribeAlarmHistory"]["Resource"].endswith(f":alarm:{PREFIX}-*")
        assert found["s3:ListBucket"]["Condition"] == {"StringLike": {"s3:prefix": "runs/*"}}
        assert found["s3:GetObject"]["Resource"].endswith("/runs/*/run.json")
        assert found["sns:Publish"]["Resource"] == topic(owner(), "messages")
        # DescribeAlarms keeps composite alarms to itself under a narrower permission.
        assert found["cloudwatch:DescribeAlarms"]["Resource"] == "*"
        # An encrypted topic needs both of whoever publishes.
        assert found["kms:GenerateDataKey"]["Condition"] == {
            "StringEquals": {"kms:ViaService": "sns.<AWS::Region>.<AWS::URLSuffix>"}
        }

    def test_knows_where_runs_dashboard_and_people_are(self) -> None:
        variables = flat(function(owner(), "alarm-formatter")["Environment"]["Variables"])
        assert "Results" in variables["RESULTS_BUCKET"]
        assert variables["PREFIX"] == owner().only("AWS::CloudWatch::Dashboard")["DashboardName"] == PREFIX
        assert variables["RUNBOOK_URL"] == RUNBOOK
        assert variables["MESSAGES_TOPIC"] == topic(owner(), "messages")
        assert "CHAT_TOPIC" not in variables

    def test_chat_has_a_topic_of_its_own(self) -> None:
        made = synthesize(environment(subscriptions=[{"protocol": "chat"}]))
        chat = topic(made, "chat")
        assert flat(function(made, "alarm-formatter")["Environment"]["Variables"])["CHAT_TOPIC"] == chat
        (publishing,) = [
            each for each in statements(made, f"{PREFIX}-alarm-formatter") if each["Action"] == "sns:Publish"
        ]
        assert publishing["Resource"] == [topic(made, "messages"), chat]
        assert flat(made.template["Outputs"]["ChatTopicArn"]["Value"]) == chat
        encrypted = [flat(each)["KmsMasterKeyId"] for each in made.resources("AWS::SNS::Topic").values()]
        assert len(set(encrypted)) == 1

    def test_understands_the_description_of_every_alarm(self) -> None:
        for name, properties in (*owner().alarms.items(), *watchful().alarms.items()):
            alarm = described_alarm({"StateValue": "OK", **properties}, since="2026-11-24T06:00:00+00:00")
            story = tell(alarm, place=Place(REGION, "results", PREFIX, "https://elsewhere.example"))
            assert None not in (story.severity, story.kind, story.look_at, story.owner, story.rings), name
            assert "In alarm" not in story.happened
            assert story.links["runbook"] == f"{RUNBOOK}#{story.kind}"


def watch_list(made: Any) -> WatchList:
    """What the watchdog of a template is told."""
    return read_watch_list(flat(made.only("Custom::WatchdogReport"))["WatchList"], name="WatchList")


class TestWatchdog:
    def test_knows_its_application_and_bucket(self) -> None:
        watchdog = function(owner(), "watchdog")
        variables = flat(watchdog["Environment"]["Variables"])
        assert watchdog["Handler"] == "bedrock_eval_functions.watchdog.handler.handler"
        assert variables["APPLICATION"] == "shop"
        assert "Results" in variables["RESULTS_BUCKET"]

    def test_knows_every_declared_model_so_that_its_end_is_told(self) -> None:
        told = set(watch_list(watchful()).models)
        assert told == {each.id for each in environment().models.values()} | {"anthropic.claude-opus-4-1-20250805-v1:0"}
        ending = watchful().alarms[f"{PREFIX}-end-of-life-old"]["Dimensions"]
        assert {each["Value"] for each in ending if each["Name"] == "ModelId"} <= told

    def test_asks_aws_of_the_life_of_the_declared_models_and_no_other(self) -> None:
        found = {str(each["Action"]): each for each in statements(watchful(), f"{PREFIX}-watchdog")}
        asked = found["bedrock:GetFoundationModel"]["Resource"]
        models = {Model(each.id, region=REGION).base_id for each in environment().models.values()}
        assert {arn.partition("::foundation-model/")[2] for arn in asked} == {
            *models,
            "anthropic.claude-opus-4-1-20250805-v1:0",
        }

    def test_prices_every_model_of_an_account_that_the_environment_owns(self) -> None:
        models = {
            "haiku": {"id": "eu.anthropic.claude-haiku-5-5", "rates": {"input": 1, "output": 5}},
            "nova": {"id": "amazon.nova-lite-v1:0", "profile": True},
        }
        made = synthesize(environment(models=models))
        haiku, nova = watch_list(made).priced.items()
        assert haiku == ("eu.anthropic.claude-haiku-5-5", Rates(1, 5))
        assert nova[0].startswith("<SsmParameterValueshopdevprofilesnovaid")
        assert nova[1] is None

    def test_prices_its_own_profiles_only_where_another_environment_owns_the_account(self) -> None:
        models = {
            "haiku": {"id": "eu.anthropic.claude-haiku-5-5"},
            "nova": {"id": "amazon.nova-lite-v1:0", "profile": True},
        }
        made = synthesize(environment(models=models, owns_account=False, evaluations={}))
        (model_id,) = watch_list(made).priced
        assert model_id.startswith("<SsmParameterValueshopdevprofilesnovaid")

    def test_reads_no_answers_and_publishes_to_our_namespace_only(self) -> None:
        found = statements(owner(), f"{PREFIX}-watchdog")
        by_action = {str(each["Action"]): each for each in found}
        objects = [arn for each in found if "s3:GetObject" in each["Action"] for arn in listed(each["Resource"])]
        assert [resource.partition("/")[2] for resource in objects] == [
            "watchdog/watch-list.json",
            "definitions/*",
            "runs/*/summary.json",
            "runs/*/run.json",
            "watchdog/memory.json",
        ]
        assert by_action["cloudwatch:PutMetricData"]["Condition"] == {
            "StringEquals": {"cloudwatch:namespace": "Custom/Bedrock"}
        }
        written = [each["Resource"] for each in found if "s3:PutObject" in each["Action"]]
        assert [resource.partition("/")[2] for resource in written] == ["watchdog/memory.json"]

    def test_knows_everybody_who_is_to_hear_and_the_formatter(self) -> None:
        made = synthesize(
            environment(
                subscriptions=[
                    {"protocol": "email", "endpoint": "search@example.com"},
                    {"protocol": "sqs", "endpoint": "arn:aws:sqs:eu-central-1:111122223333:pager"},
                    {"protocol": "chat"},
                ],
                alarms={"severity": {"subscribers-pending": "off"}},
            )
        )
        people = watch_list(made).people
        assert people is not None
        alarms, messages, chat = (topic(made, name) for name in ("alarms", "messages", "chat"))
        formatter = logical_id(made, "AWS::Lambda::Function", "FunctionName", f"{PREFIX}-alarm-formatter")
        assert people.declared == (
            Subscription(alarms, "lambda", f"<{formatter}.Arn>"),
            Subscription(messages, "email", "search@example.com"),
            Subscription(messages, "sqs", "arn:aws:sqs:eu-central-1:111122223333:pager"),
            Subscription(chat, "https", None),
        )
        assert (people.messages, people.chat, people.prefix, people.runbook) == (messages, chat, PREFIX, RUNBOOK)
        assert people.severities == {"subscribers-pending": "off"}
        made_ones = {
            (flat(each)["TopicArn"], each["Protocol"], flat(each)["Endpoint"])
            for each in made.resources("AWS::SNS::Subscription").values()
        }
        asked_about = {(each.topic, each.protocol, each.endpoint) for each in people.declared if each.endpoint}
        assert asked_about == made_ones

    def test_first_looks_when_everybody_is_subscribed(self) -> None:
        resources = owner().template["Resources"]
        report = resources[owner().logical_id("Custom::WatchdogReport")]
        assert set(owner().resources("AWS::SNS::Subscription")) <= set(report["DependsOn"])

    def test_may_ask_who_hears_and_tell_people_itself(self) -> None:
        found = {str(each["Action"]): each for each in statements(owner(), f"{PREFIX}-watchdog")}
        asked = found["sns:ListSubscriptionsByTopic"]["Resource"]
        assert set(asked) == {topic(owner(), "alarms"), topic(owner(), "messages")}
        assert found["sns:Publish"]["Resource"] == topic(owner(), "messages")
        # DescribeAlarmHistory keeps composite alarms to itself under a narrower permission.
        assert found["cloudwatch:DescribeAlarmHistory"]["Resource"] == "*"
        assert found["['kms:Decrypt', 'kms:GenerateDataKey']"]["Condition"]["StringEquals"]["kms:ViaService"] == [
            f"{service}.<AWS::Region>.<AWS::URLSuffix>" for service in ("sns", "s3")
        ]

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
        parts = alarm_series(owner().alarms[f"{PREFIX}-dead-letters"]).parts
        assert {dict(part.dimensions)["QueueName"] for part in parts} == {f"{PREFIX}-schedule-dead-letters"}

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
        assert int(first_report["ServiceTimeout"]) == primer + 30 * 60

    def test_primer_may_write_one_object_call_the_watchdog_and_look_for_its_heartbeat(self) -> None:
        found = statements(owner(), f"{PREFIX}-watchdog-primer")
        allowed = [each["Action"] for each in found]
        (written,) = [each["Resource"] for each in found if "s3:PutObject" in each["Action"]]
        assert written.partition("/")[2] == "watchdog/watch-list.json"
        own = {"logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTraceSegments", "xray:PutTelemetryRecords"}
        flattened = {action for item in allowed for action in ([item] if isinstance(item, str) else item)}
        assert flattened - own == {
            *("lambda:InvokeFunction", "cloudwatch:GetMetricStatistics"),
            *("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"),
            *("kms:Decrypt", "kms:GenerateDataKey"),
        }

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
    assert outputs["TopicArn"] == topic(owner(), "alarms")
    assert outputs["MessagesTopicArn"] == topic(owner(), "messages")
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
