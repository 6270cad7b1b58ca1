"""The public constructs as another team uses them: in a stack of any app, without environment, context or flags."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack, Validations, assertions, cx_api
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from cdk_nag import AwsSolutionsChecks

import bedrock_eval_cdk
from bedrock_eval import catalogue
from bedrock_eval_cdk import (
    BedrockEvaluation,
    BedrockInvocationLogging,
    BedrockMonitoring,
    DeclarationError,
    EvaluatedModel,
    MonitoredModel,
    Quota,
    Rates,
    Schedule,
    Thresholds,
)

HAIKU, NOVA = "us.anthropic.claude-haiku-5-5", "amazon.nova-lite-v1:0"
CASES = Path(__file__).with_name("constructs_cases.jsonl")
EVALUATION: Mapping[str, Any] = {
    "dataset": CASES.name,
    "candidates": {"haiku": HAIKU},
    "metrics": ["unicode_f1_score"],
    "gates": [{"metric": "unicode_f1_score", "min": 0.5}],
    "schedule": "cron(0 6 ? * MON *)",
}
# Properties that give a resource a physical name; a schedule and its group have `Name`.
NAMES = (
    *("AlarmName", "AliasName", "BucketName", "DashboardName", "FunctionName", "LogGroupName", "ManagedPolicyName"),
    *("Name", "PolicyName", "QueueName", "RoleName", "StateMachineName", "TopicName"),
)
# CloudFormation requires a name of these, which the CDK makes of their path; a policy's is its role's alone.
NAMED_WITHIN = {"AWS::IAM::Policy", "AWS::Lambda::EventInvokeConfig"}

Build = Callable[[Stack], Any]


def assembly(*builds: Build, env: Environment | None = None) -> cx_api.CloudAssembly:
    """A stack with constructs, cdk-nag included, in an app that has nothing else."""
    app = App(outdir=mkdtemp())
    stack = Stack(app, "Team", env=env)
    for build in builds:
        build(stack)
    Validations.of(app).add_plugins(AwsSolutionsChecks())
    return app.synth()


def template(*builds: Build) -> dict[str, Any]:
    content = assembly(*builds).get_stack_by_name("Team").template
    assert isinstance(content, dict)
    return content


def of_type(content: Mapping[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {
        logical_id: resource.get("Properties", {})
        for logical_id, resource in content["Resources"].items()
        if resource["Type"] == kind
    }


def monitoring(stack: Stack, **more: Any) -> BedrockMonitoring:
    return BedrockMonitoring(stack, "Bedrock", models=[HAIKU, NOVA], **more)


def evaluation(stack: Stack, construct_id: str = "Quality", **more: Any) -> BedrockEvaluation:
    return BedrockEvaluation(stack, construct_id, **{**EVALUATION, **more})


def logging(stack: Stack, **more: Any) -> BedrockInvocationLogging:
    return BedrockInvocationLogging(stack, "Logging", **more)


@cache
def everything() -> dict[str, Any]:
    """One of each, the evaluation and the log on the dashboard too."""

    def build(stack: Stack) -> None:
        monitoring(stack, monitored=[evaluation(stack), logging(stack)])

    return template(build)


ALONE: Mapping[str, Build] = {
    "monitoring": monitoring,
    "evaluation": evaluation,
    "logging": logging,
}


@pytest.mark.parametrize("name", ALONE)
def test_each_stands_alone_and_gives_nothing_a_physical_name(name: str) -> None:
    content = template(ALONE[name])
    named = {
        (resource["Type"], key)
        for resource in content["Resources"].values()
        for key in NAMES
        if key in resource.get("Properties", {}) and resource["Type"] not in NAMED_WITHIN
    }
    assert named == set()
    assert len(content["Resources"]) > 8


def test_no_region_and_no_account_stand_in_a_template() -> None:
    text = json.dumps(everything())
    assert "${Token[" not in text
    assert "111122223333" not in text
    assert "us-east-1" not in text.replace(f"us-east-1::foundation-model/{HAIKU.partition('.')[2]}", "")


def test_all_public_names_are_importable() -> None:
    assert {"BedrockMonitoring", "BedrockInvocationLogging", "BedrockEvaluation"} <= set(bedrock_eval_cdk.__all__)
    assert all(hasattr(bedrock_eval_cdk, name) for name in bedrock_eval_cdk.__all__)


class TestAlarms:
    def test_watch_models_and_report_to_a_topic_of_their_own(self) -> None:
        content = template(monitoring)
        assert len(of_type(content, "AWS::SNS::Topic")) == 1
        alarms = {
            **of_type(content, "AWS::CloudWatch::Alarm"),
            **of_type(content, "AWS::CloudWatch::CompositeAlarm"),
        }
        notifying = [each for each in alarms.values() if each.get("AlarmActions")]
        assert notifying
        assert all(each["OKActions"] == each["AlarmActions"] for each in notifying)

    def test_report_to_a_topic_that_is_handed_in(self) -> None:
        content = template(lambda stack: monitoring(stack, alarm_topic=sns.Topic(stack, "Mine", enforce_ssl=True)))
        (topic,) = of_type(content, "AWS::SNS::Topic")
        composites = of_type(content, "AWS::CloudWatch::CompositeAlarm").values()
        assert [each["AlarmActions"] for each in composites] == [[{"Ref": topic}]] * len(composites)
        assert not of_type(content, "AWS::KMS::Key")

    def test_none_are_made_when_they_are_off(self) -> None:
        content = template(lambda stack: monitoring(stack, alarms=False))
        kinds = {resource["Type"] for resource in content["Resources"].values()}
        assert kinds == {"AWS::CloudWatch::Dashboard"}

    def test_none_is_in_alarm_for_what_is_not_there(self) -> None:
        """Nobody publishes a heartbeat here, and there is no formatter and no topic of the people."""
        alarms = of_type(everything(), "AWS::CloudWatch::Alarm").values()
        assert len(alarms) > 15
        assert {each["TreatMissingData"] for each in alarms} == {"notBreaching", "ignore"}
        text = json.dumps(list(alarms))
        for metric in (catalogue.WATCHDOG_HEARTBEAT, catalogue.SCHEDULE_OVERDUE, catalogue.SUBSCRIPTIONS_MISSING):
            assert metric.name not in text

    def test_composites_name_their_children_by_reference(self) -> None:
        content = template(monitoring)
        alarms = set(of_type(content, "AWS::CloudWatch::Alarm"))
        for composite in of_type(content, "AWS::CloudWatch::CompositeAlarm").values():
            parts = composite["AlarmRule"]["Fn::Join"][1]
            children = {part["Fn::GetAtt"][0] for part in parts if isinstance(part, dict)}
            assert len(children) > 1
            assert children <= alarms

    def test_an_evaluation_declares_its_own_below_any_scope(self) -> None:
        def build(stack: Stack) -> None:
            made = evaluation(stack)
            assert made.alarms == ()
            alarms = made.add_alarms(made, sns.Topic(stack, "Mine", enforce_ssl=True))
            assert {routed.kind.name for routed in alarms} == {
                *("run-failed", "coverage", "verdict", "executions-failed", "dead-letters"),
            }

        assert len(of_type(template(build), "AWS::CloudWatch::Alarm")) == 5

    def test_without_a_schedule_no_queue_is_made_or_watched(self) -> None:
        def build(stack: Stack) -> None:
            made = evaluation(stack, schedule=None, alarm_topic=sns.Topic(stack, "Mine", enforce_ssl=True))
            assert "dead-letters" not in {routed.kind.name for routed in made.alarms}

        content = template(build)
        assert not of_type(content, "AWS::SQS::Queue")
        assert not of_type(content, "AWS::Scheduler::ScheduleGroup")

    def test_one_of_your_own_notifies_the_topic_and_is_shown(self) -> None:
        def build(stack: Stack) -> None:
            made = monitoring(stack)
            metric = cloudwatch.Metric(namespace="Own", metric_name="Depth")
            for number in range(2):
                made.add_alarm(metric.create_alarm(stack, f"Own{number}", threshold=1, evaluation_periods=1))
            made.add_widget(cloudwatch.TextWidget(markdown="own words"))
            assert made.topic is not None

        content = template(build)
        own = [each for each in of_type(content, "AWS::CloudWatch::Alarm").values() if each.get("Namespace") == "Own"]
        assert len(own) == 2
        assert all(each["AlarmActions"] and each["OKActions"] for each in own)
        (dashboard,) = of_type(content, "AWS::CloudWatch::Dashboard").values()
        assert "own words" in json.dumps(dashboard)


class TestExisting:
    def test_dashboard_is_added_to(self) -> None:
        def build(stack: Stack) -> None:
            dashboard = cloudwatch.Dashboard(stack, "Ours")
            dashboard.add_widgets(cloudwatch.TextWidget(markdown="first"))
            made = monitoring(stack, alarms=False, dashboard=dashboard)
            assert made.dashboard is dashboard

        (dashboard,) = of_type(template(build), "AWS::CloudWatch::Dashboard").values()
        text = json.dumps(dashboard)
        assert "first" in text
        assert HAIKU in text

    def test_log_group_is_used(self) -> None:
        def build(stack: Stack) -> None:
            group = logs.LogGroup.from_log_group_name(stack, "Ours", "/ours/bedrock")
            made = logging(stack, log_group=group, large_bodies=False)
            assert made.log_group is group
            assert made.bodies_bucket is None

        content = template(build)
        (setting,) = of_type(content, "Custom::ModelInvocationLogging").values()
        assert setting["Config"]["cloudWatchConfig"]["logGroupName"] == "/ours/bedrock"
        assert not of_type(content, "AWS::S3::Bucket")

    def test_a_log_group_is_named_when_it_is_asked_for(self) -> None:
        content = template(lambda stack: logging(stack, log_group_name="/bedrock/calls"))
        groups = [each.get("LogGroupName") for each in of_type(content, "AWS::Logs::LogGroup").values()]
        assert sorted(groups, key=str) == ["/bedrock/calls", None]

    def test_buckets_and_key_are_used(self) -> None:
        def build(stack: Stack) -> None:
            key = kms.Key(stack, "OurKey", enable_key_rotation=True)
            ours = s3.Bucket.from_bucket_name(stack, "Ours", "our-bucket")
            made = evaluation(stack, datasets_bucket=ours, results_bucket=ours, key=key)
            assert made.runner.data.results is ours

        content = template(build)
        assert not of_type(content, "AWS::S3::Bucket")
        (key,) = of_type(content, "AWS::KMS::Key").values()
        said = {statement.get("Sid") for statement in key["KeyPolicy"]["Statement"]}
        assert {"LogGroups", "EvaluationJobs"} <= said

    def test_runner_is_shared_by_several_evaluations(self) -> None:
        def build(stack: Stack) -> None:
            first = evaluation(stack, "First")
            evaluation(stack, "Second", runner=first.runner, dataset="s3://ours/cases.jsonl")

        content = template(build)
        assert len(of_type(content, "AWS::StepFunctions::StateMachine")) == 1
        assert len(of_type(content, "Custom::EvaluationDefinition")) == 2


class TestMonitoring:
    def test_a_model_can_have_thresholds_rates_and_quotas(self) -> None:
        model = MonitoredModel(
            "haiku", HAIKU, Thresholds(latency_p90_ms=3_000), rates=Rates(input=1, output=5), quota=Quota(200_000)
        )
        content = template(lambda stack: BedrockMonitoring(stack, "Bedrock", models=[model]))
        alarms = of_type(content, "AWS::CloudWatch::Alarm").values()
        assert 3_000 in [each["Threshold"] for each in alarms]
        assert any("quota of tokens" in each["AlarmDescription"] for each in alarms)

    def test_nothing_speaks_of_an_environment_file(self) -> None:
        limits = Thresholds(cost_per_hour=1, cost_per_day=2)
        priced = MonitoredModel("nova", NOVA, limits, rates=Rates(input=1, output=5))
        content = template(lambda stack: BedrockMonitoring(stack, "Bedrock", models=[priced]))
        assert "cost more than" in json.dumps(content)
        text = json.dumps([content, everything()])
        for word in ("environment file", ".yaml", "owner **", "runbook"):
            assert word not in text

    @pytest.mark.parametrize("models", [[], [HAIKU, HAIKU], ["no model id"], ["arn:aws:bedrock:us-east-1::x/y"]])
    def test_wrong_models_are_one_clear_error(self, models: list[str]) -> None:
        with pytest.raises(DeclarationError, match=r"^Team/Bedrock: "):
            template(lambda stack: BedrockMonitoring(stack, "Bedrock", models=models))

    def test_rules_by_region_are_warnings(self) -> None:
        def build(stack: Stack) -> None:
            BedrockMonitoring(stack, "Bedrock", models=["eu.amazon.nova-lite-v1:0"])

        wrong = assembly(build, env=Environment(account="111122223333", region="us-east-1"))
        assert [message.level for message in wrong.get_stack_by_name("Team").messages] == [
            cx_api.SynthesisMessageLevel.WARNING
        ]
        unknown = assembly(lambda stack: BedrockMonitoring(stack, "Bedrock", models=["us.anthropic.claude-new-9"]))
        assert not unknown.get_stack_by_name("Team").messages


class TestEvaluation:
    def test_the_definition_is_deployed_with_the_application_of_the_stack(self) -> None:
        content = template(lambda stack: evaluation(stack, schedule=Schedule("rate(1 day)", "UTC")))
        (deployed,) = of_type(content, "Custom::EvaluationDefinition").values()
        definition = deployed["Definition"]
        assert definition["application"] == "Team"
        assert definition["evaluation"] == "quality"
        assert definition["gates"] == [{"metric": "unicode_f1_score", "min": 0.5}]
        (schedule,) = of_type(content, "AWS::Scheduler::Schedule").values()
        assert schedule["ScheduleExpression"] == "rate(1 day)"
        assert schedule["GroupName"]["Ref"] in content["Resources"]

    def test_a_relative_dataset_begins_at_the_calling_file(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.chdir(tmp_path)
        content = template(evaluation)
        assert len(of_type(content, "Custom::DatasetFile")) == 1

    def test_a_dataset_in_s3_is_read_where_it_lies(self) -> None:
        content = template(lambda stack: evaluation(stack, dataset="s3://ours/cases.jsonl"))
        assert not of_type(content, "Custom::DatasetFile")
        (deployed,) = of_type(content, "Custom::EvaluationDefinition").values()
        assert deployed["Definition"]["dataset"] == {"name": "quality", "bucket": "ours", "key": "cases.jsonl"}

    def test_a_candidate_can_have_prompts_and_rates(self) -> None:
        model = EvaluatedModel(HAIKU, system="Be short.", rates=Rates(input=1, output=5))
        content = template(lambda stack: evaluation(stack, candidates={"short": model}, max_cost=2))
        (deployed,) = of_type(content, "Custom::EvaluationDefinition").values()
        (candidate,) = deployed["Definition"]["candidates"]
        assert candidate["system"] == "Be short."
        assert deployed["Definition"]["max_cost"] == 2

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"dataset": "nowhere.jsonl"}, "dataset: .*nowhere.jsonl cannot be read"),
            ({"dataset": "cases.csv"}, "dataset: 'cases.csv'; allowed: a .jsonl file"),
            ({"dataset": "s3://bucket"}, r"dataset: .*; allowed: s3://<bucket>/<key>.jsonl"),
            ({"candidates": {}}, "candidates: 0; allowed: 1 to 10"),
            ({"candidates": {"Haiku": HAIKU}}, "candidates: 'Haiku' is not a name"),
            ({"candidates": {"haiku": "haiku"}}, "candidates.*is not a model id"),
            ({"metrics": []}, "metrics: none is given"),
            ({"metrics": ["f1"]}, "metrics: 'f1' is not a metric"),
            ({"gates": [{"metric": "bleu", "min": 1}]}, r"gates\[0\]\.metric: 'bleu' is not measured here"),
            ({"gates": [{"metric": "unicode_f1_score"}]}, r"gates\[0\]: none of min, max and max_drop"),
            ({"gates": [{"metric": "unicode_f1_score", "least": 1}]}, r"gates\[0\]: unknown: 'least'"),
            ({"gates": [{"metric": "unicode_f1_score", "min": 2}]}, r"gates\[0\]\.min: 2 is outside"),
            ({"gates": [{"metric": "unicode_f1_score", "min": "x"}]}, r"gates\[0\]\.min: 'x'; allowed: a number"),
            ({"schedule": "every monday"}, "schedule: "),
            ({"schedule": Schedule("rate(1 day)", "Mars")}, "schedule: 'Mars' is not an IANA time zone"),
            ({"min_coverage": 2}, "min_coverage: 2; allowed: 0 to 1"),
            ({"max_cost": 1}, r"candidates\['haiku'\]: no rates"),
            ({"name": "Quality"}, "name: 'Quality'; allowed: "),
        ],
    )
    def test_a_mistake_is_one_clear_error(self, wrong: dict[str, Any], said: str) -> None:
        with pytest.raises(DeclarationError, match=f"Team/Quality: {said}"):
            evaluation(Stack(App(outdir=mkdtemp()), "Team"), **wrong)

    def test_all_mistakes_are_told_at_once(self) -> None:
        with pytest.raises(DeclarationError) as caught:
            evaluation(Stack(App(outdir=mkdtemp()), "Team"), metrics=["f1"], schedule="never")
        assert len(str(caught.value).splitlines()) >= 3


def test_templates_are_valid_to_the_library() -> None:
    """References of CloudFormation lead somewhere, and no resource waits for itself."""
    app = App(outdir=mkdtemp())
    stack = Stack(app, "Team")
    monitoring(stack, monitored=[evaluation(stack), logging(stack)])
    assert assertions.Template.from_stack(stack).to_json()["Resources"]
