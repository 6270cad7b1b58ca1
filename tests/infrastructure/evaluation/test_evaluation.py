"""Definitions, own profiles, the evaluator's permissions, schedules, and the role of evaluation jobs."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from bedrock_eval.evaluation.definition import Definition, read_definition
from bedrock_eval.models import Model
from bedrock_eval.names import PhysicalNames
from bedrock_eval_cdk.evaluation.inference_profiles import profile_name
from tests.support.synthesis.templates import (
    Deployed,
    Resource,
    Template,
    by_jobs,
    environment,
    flat,
    frozen,
    listed,
    retained,
    synthesize,
    tenant,
)

_EU = ("eu-central-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-3")
_MODEL = "arn:<AWS::Partition>:bedrock:{region}::foundation-model/{model}"
HAIKU = {_MODEL.format(region=region, model="anthropic.claude-haiku-5-5") for region in _EU}
HAIKU_PROFILE = (
    "arn:<AWS::Partition>:bedrock:eu-central-1:<AWS::AccountId>:inference-profile/eu.anthropic.claude-haiku-5-5"
)
NOVA = _MODEL.format(region="eu-central-1", model="amazon.nova-lite-v1:0")
PROFILE = "AWS::Bedrock::ApplicationInferenceProfile"


def evaluation() -> Template:
    return retained()["evaluation"]


def with_evaluation(**changes: Any) -> Template:
    """The first evaluation with keys replaced."""
    evaluations = environment().model_dump(mode="json")["evaluations"]
    evaluations["quality"] |= changes
    return synthesize(environment(evaluations=evaluations))["evaluation"]


def definition(template: Template, name: str) -> Definition:
    """Read from the template as the custom resource gets it: every scalar as text."""
    (found,) = [
        properties["Definition"]
        for properties in template.resources("Custom::EvaluationDefinition").values()
        if properties["Definition"]["evaluation"] == name
    ]
    return read_definition(as_text(found))


def as_text(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_text(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def allowed(template: Template, role: str, action: str) -> set[str]:
    """The resources on which a role may do an action."""
    return {
        str(resource)
        for statement in template.statements(role)
        if action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    }


class TestDefinitions:
    def test_are_the_resolved_evaluation(self) -> None:
        found = definition(evaluation(), "quality")
        assert (found.application, found.environment, found.evaluation) == ("shop", "dev", "quality")
        assert [candidate.name for candidate in found.candidates] == ["haiku", "nova-short"]
        assert found.candidates[1].system == "Be short."
        assert [(gate.metric, gate.min, gate.max) for gate in found.gates] == [("relevance_score", 0.5, None)]
        assert found.schedule is not None
        assert (found.schedule.expression, found.schedule.timezone) == ("cron(0 6 ? * MON *)", "Europe/Berlin")
        assert (found.confidence, found.concurrency, found.headline) == (0.95, 8, False)

    def test_nothing_of_the_environment_file_is_lost(self) -> None:
        changes = {
            "headline": True,
            "confidence": 0.9,
            "min_coverage": 0.8,
            "concurrency": 3,
            "metrics": ["exact_match", "response_length"],
            "gates": [{"metric": "response_length", "min": 5, "max": 900}],
            "schedule": None,
            "candidates": [
                {
                    "name": "one",
                    "model": "nova",
                    "template": "Question: {{prompt}}",
                    "parameters": {"max_tokens": 7, "temperature": 0.5, "top_p": 0.25, "stop_sequences": ["END"]},
                }
            ],
        }
        found = definition(with_evaluation(**changes), "quality")
        (candidate,) = found.candidates
        assert candidate.template == "Question: {{prompt}}"
        assert candidate.parameters.converse() == {
            "maxTokens": 7,
            "temperature": 0.5,
            "topP": 0.25,
            "stopSequences": ["END"],
        }
        assert (found.headline, found.confidence, found.min_coverage, found.concurrency) == (True, 0.9, 0.8, 3)
        assert (found.metrics, found.schedule) == (("exact_match", "response_length"), None)
        assert [(gate.min, gate.max) for gate in found.gates] == [(5.0, 900.0)]

    def test_models_are_called_by_the_own_profile_and_scored_under_the_declared_id(self) -> None:
        profile = evaluation().logical_id("Profileshaiku")
        candidate = definition(evaluation(), "quality").candidates[0]
        assert candidate.model_id == "eu.anthropic.claude-haiku-5-5"
        assert candidate.invoke_id == f"<{profile}.InferenceProfileArn>"

    def test_without_own_profiles_the_declared_id_is_called(self) -> None:
        candidate = definition(tenant()["evaluation"], "quality").candidates[0]
        assert candidate.invoke_id == candidate.model_id == "eu.anthropic.claude-haiku-5-5"
        assert not tenant()["evaluation"].raw(PROFILE)

    def test_a_file_lies_in_our_bucket_and_a_uri_where_it_says(self) -> None:
        file, uri = definition(evaluation(), "quality").dataset, definition(evaluation(), "by-hand").dataset
        assert file.key == "datasets/questions.jsonl"
        assert file.bucket.startswith("shop-dev-storage:ExportsOutputRefBucketsDatasets")
        assert (uri.bucket, uri.key) == ("other-team", "cases/shop.jsonl")

    def test_the_function_writes_definitions_alone(self) -> None:
        written = allowed(evaluation(), "RunnerDefinitionsFunction", "s3:PutObject")
        assert len(written) == 1
        assert written.pop().endswith("/definitions/*")


class TestOwnProfiles:
    def test_copy_what_is_declared_and_used(self) -> None:
        copied = {each["ModelSource"]["CopyFrom"] for each in evaluation().resources(PROFILE).values()}
        assert copied == {HAIKU_PROFILE, NOVA}

    def test_are_tagged_so_that_their_cost_can_be_told(self) -> None:
        for profile in evaluation().resources(PROFILE).values():
            tags = {tag["Key"]: tag["Value"] for tag in profile["Tags"]}
            assert (tags["application"], tags["purpose"]) == ("shop", "evaluation")
            assert tags["model"] in ("haiku", "nova")

    def test_their_ids_stand_where_the_monitoring_stack_reads_them(self) -> None:
        found = {each["Name"]: flat(each["Value"]) for each in evaluation().resources("AWS::SSM::Parameter").values()}
        profile = evaluation().logical_id("Profileshaiku")
        assert found["/shop-dev/profiles/haiku/evaluation-id"] == f"<{profile}.InferenceProfileId>"
        assert "/shop-dev/profiles/nova/evaluation-id" in found

    def test_another_model_under_the_same_name_makes_another_profile(self) -> None:
        """CloudFormation makes the new one before the old one goes: the same name would fail."""
        names = PhysicalNames("shop-dev")
        made = {
            profile_name(names, model_name="nova", model=Model(identifier, region="us-east-1"), purpose=purpose)
            for identifier in ("amazon.nova-lite-v1:0", "us.amazon.nova-lite-v1:0")
            for purpose in ("evaluation", "application")
        }
        assert len(made) == 4

    def test_the_longest_names_fit(self) -> None:
        """Bedrock takes 64 characters, and no two hyphens in a row."""
        names = PhysicalNames("a" * 20 + "-" + "e" * 11)
        model = Model("amazon.nova-lite-v1:0", region="x")
        name = profile_name(names, model_name="m--" + "x" * 20 + "-", model=model, purpose="application")
        assert len(name) <= 64
        assert "--" not in name
        assert name.rpartition("-")[0] == names.inference_profile("m--" + "x" * 20 + "-"), (
            "as who looks for it reads it"
        )


@cache
def with_profiles(*, own_profile: bool) -> Deployed:
    """Model nova has a profile for the application to call, haiku has none."""
    models = {
        "haiku": {"id": "eu.anthropic.claude-haiku-5-5"},
        "nova": {"id": "amazon.nova-lite-v1:0", "profile": True},
    }
    evaluations = {"quality": {"dataset": "questions", "candidates": ["haiku", "nova"]}}
    return synthesize(environment(models=models, evaluations=evaluations, own_profile=own_profile))


class TestApplicationProfiles:
    def test_are_made_for_the_models_that_ask_for_one(self) -> None:
        template = with_profiles(own_profile=False)["evaluation"]
        profile = template.only(PROFILE)
        assert profile["ModelSource"]["CopyFrom"] == NOVA
        tags = {tag["Key"]: tag["Value"] for tag in profile["Tags"]}
        assert (tags["application"], tags["model"], tags["purpose"]) == ("shop", "nova", "application")

    def test_callers_find_the_arn_and_monitoring_the_id(self) -> None:
        template = with_profiles(own_profile=False)["evaluation"]
        (profile,) = template.raw(PROFILE)
        found = {each["Name"]: each["Value"] for each in template.resources("AWS::SSM::Parameter").values()}
        assert found == {
            "/shop-dev/profiles/nova/id": f"<{profile}.InferenceProfileId>",
            "/shop-dev/profiles/nova/arn": f"<{profile}.InferenceProfileArn>",
        }
        outputs = [flat(output["Value"]) for output in template.content["Outputs"].values()]
        assert f"<{profile}.InferenceProfileArn>" in outputs

    def test_candidates_call_them_when_evaluation_has_none_of_its_own(self) -> None:
        template = with_profiles(own_profile=False)["evaluation"]
        (profile,) = template.raw(PROFILE)
        haiku, nova = definition(template, "quality").candidates
        assert haiku.invoke_id == "eu.anthropic.claude-haiku-5-5"
        assert (nova.model_id, nova.invoke_id) == ("amazon.nova-lite-v1:0", f"<{profile}.InferenceProfileArn>")
        assert f"<{profile}.InferenceProfileArn>" in allowed(template, "RunnerEvaluator", "bedrock:InvokeModel")

    def test_evaluation_keeps_out_of_them_otherwise(self) -> None:
        template = with_profiles(own_profile=True)["evaluation"]
        by_purpose = {
            next(tag["Value"] for tag in each["Tags"] if tag["Key"] == "purpose"): logical_id
            for logical_id, each in template.resources(PROFILE).items()
            if {"Key": "model", "Value": "nova"} in each["Tags"]
        }
        _, nova = definition(template, "quality").candidates
        assert nova.invoke_id == f"<{by_purpose['evaluation']}.InferenceProfileArn>"
        called = allowed(template, "RunnerEvaluator", "bedrock:InvokeModel")
        assert f"<{by_purpose['application']}.InferenceProfileArn>" not in called

    def test_alarms_and_dashboard_watch_their_ids(self) -> None:
        """By a parameter that is read at every deploy, so that no export holds a model back."""
        template = with_profiles(own_profile=True)["monitoring"]
        (parameter,) = [
            name
            for name, each in template.content["Parameters"].items()
            if each == {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/shop-dev/profiles/nova/id"}
        ]
        alarms = template.resources("AWS::CloudWatch::Alarm").values()
        traffic = str([each for each in alarms if "'AWS/Bedrock'" in str(each)])
        assert f"<{parameter}>" in traffic
        assert f"<{parameter}>" in str(template.only("AWS::CloudWatch::Dashboard"))
        assert "'Name': 'ModelId', 'Value': 'amazon.nova-lite-v1:0'" not in traffic
        assert "'Name': 'ModelId', 'Value': 'eu.anthropic.claude-haiku-5-5'" in traffic


class TestEvaluator:
    def test_calls_the_candidates_models_and_no_other(self) -> None:
        profiles = {f"<{logical_id}.InferenceProfileArn>" for logical_id in evaluation().raw(PROFILE)}
        wanted = {*profiles, *HAIKU, HAIKU_PROFILE, NOVA}
        assert allowed(evaluation(), "RunnerEvaluator", "bedrock:InvokeModel") == wanted

    def test_without_own_profiles_it_calls_the_declared_ones(self) -> None:
        found = allowed(tenant()["evaluation"], "RunnerEvaluator", "bedrock:InvokeModel")
        assert found == {*HAIKU, HAIKU_PROFILE, NOVA}

    def test_a_global_profile_takes_the_arn_without_a_region(self) -> None:
        template = with_evaluation(candidates=["unused"])
        model = "anthropic.claude-sonnet-4-6"
        assert _MODEL.format(region="", model=model) in allowed(template, "RunnerEvaluator", "bedrock:InvokeModel")

    def test_reads_exactly_one_object_of_a_foreign_bucket(self) -> None:
        foreign = {arn for arn in allowed(evaluation(), "RunnerEvaluator", "s3:GetObject") if "other-team" in arn}
        assert foreign == {"arn:<AWS::Partition>:s3:::other-team/cases/shop.jsonl"}
        assert "arn:<AWS::Partition>:kms:<AWS::Region>:*:key/*" in allowed(
            evaluation(), "RunnerEvaluator", "kms:Decrypt"
        )

    def test_writes_runs_alone(self) -> None:
        written = allowed(evaluation(), "RunnerEvaluator", "s3:PutObject")
        assert len(written) == 1
        assert written.pop().endswith("/runs/*")
        assert not allowed(evaluation(), "RunnerEvaluator", "s3:DeleteObject")

    def test_can_tell_a_missing_object_from_a_forbidden_one(self) -> None:
        """Under a condition on s3:prefix, or without ListBucket, S3 answers 403 for what is not there."""
        listing = [each for each in evaluation().statements("RunnerEvaluator") if each["Action"] == "s3:ListBucket"]
        assert [len(each["Resource"]) for each in listing] == [2]
        assert "Condition" not in listing[0]

    def test_publishes_to_our_namespace_alone(self) -> None:
        (statement,) = [
            each for each in evaluation().statements("RunnerEvaluator") if each["Action"] == "cloudwatch:PutMetricData"
        ]
        assert statement["Condition"] == {"StringEquals": {"cloudwatch:namespace": "Custom/Bedrock"}}

    def test_has_what_its_code_reads_from_the_environment(self) -> None:
        function = evaluation().named("AWS::Lambda::Function", "FunctionName", "shop-dev-custom-evaluator")
        assert set(function["Environment"]["Variables"]) == {"APPLICATION", "AWS_DATA_PATH", "RESULTS_BUCKET"}
        assert (function["Timeout"], function["MemorySize"]) == (900, 1024)


class TestSchedules:
    def schedule(self) -> Resource:
        return evaluation().only("AWS::Scheduler::Schedule")

    def test_only_evaluations_with_a_schedule_have_one(self) -> None:
        assert self.schedule()["Name"] == "shop-dev-quality"

    def test_the_input_is_evaluation_and_scheduled_time_and_no_more(self) -> None:
        wanted = {"evaluation": "quality", "scheduledTime": "<aws.scheduler.scheduled-time>"}
        assert json.loads(self.schedule()["Target"]["Input"]) == wanted

    def test_time_zone_retries_and_exactness(self) -> None:
        schedule = self.schedule()
        assert schedule["ScheduleExpression"] == "cron(0 6 ? * MON *)"
        assert schedule["ScheduleExpressionTimezone"] == "Europe/Berlin"
        assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
        assert schedule["Target"]["RetryPolicy"] == {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 3600}

    def test_starts_the_state_machine_and_keeps_what_it_could_not_deliver(self) -> None:
        target = self.schedule()["Target"]
        (machine,) = evaluation().raw("AWS::StepFunctions::StateMachine")
        (queue,) = evaluation().raw("AWS::SQS::Queue")
        assert target["Arn"] == f"<{machine}>"
        assert target["DeadLetterConfig"] == {"Arn": f"<{queue}.Arn>"}
        assert allowed(evaluation(), "RunnerSchedulesRole", "states:StartExecution") == {f"<{machine}>"}
        assert allowed(evaluation(), "RunnerSchedulesRole", "sqs:SendMessage") == {f"<{queue}.Arn>"}

    def test_group_and_role_and_definition_stand_before_it(self) -> None:
        (schedule,) = evaluation().raw("AWS::Scheduler::Schedule").values()
        starts = ("RunnerSchedulesGroup", "RunnerSchedulesRoleDefaultPolicy", "RunnerDefinitionsquality")
        assert {evaluation().logical_id(start) for start in starts} <= set(schedule["DependsOn"])

    def test_a_schedule_is_the_last_that_is_made(self) -> None:
        """One by a rate runs at once: its group waits for all of the stack, and the schedule for the group."""
        for template in (evaluation(), by_jobs()["evaluation"]):
            group = template.logical_id("RunnerSchedulesGroup")
            resources = template.raw()
            others = {each for each in resources if not each.startswith("RunnerSchedules")}
            assert len(others) > 10
            assert others == set(resources[group]["DependsOn"])
            schedules = template.raw("AWS::Scheduler::Schedule")
            assert schedules
            for schedule in schedules.values():
                made_before = {group, template.logical_id("RunnerSchedulesRoleDefaultPolicy")}
                assert made_before <= set(schedule["DependsOn"])

    def test_scheduler_may_assume_its_role_for_this_group_alone(self) -> None:
        role = evaluation().named("AWS::IAM::Role", "RoleName", "shop-dev-scheduler")
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        group = "arn:<AWS::Partition>:scheduler:<AWS::Region>:<AWS::AccountId>:schedule-group/shop-dev"
        assert statement["Principal"] == {"Service": "scheduler.amazonaws.com"}
        assert statement["Condition"] == {
            "StringEquals": {"aws:SourceAccount": "<AWS::AccountId>", "aws:SourceArn": group}
        }

    def test_the_queue_is_encrypted_and_takes_nothing_but_tls(self) -> None:
        queue = evaluation().only("AWS::SQS::Queue")
        assert queue["QueueName"] == "shop-dev-schedule-dead-letters"
        assert queue["KmsMasterKeyId"].startswith("shop-dev-storage:")
        (statement,) = evaluation().only("AWS::SQS::QueuePolicy")["PolicyDocument"]["Statement"]
        assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})

    def test_a_schedule_by_hand_makes_none_but_the_group_stands(self) -> None:
        """The watchdog's schedule lies in it."""
        staging = frozen()["staging"]["evaluation"]
        assert not staging.raw("AWS::Scheduler::Schedule")
        assert staging.only("AWS::Scheduler::ScheduleGroup")["Name"] == "customer-support-staging"


class TestJobRole:
    def role(self) -> Resource:
        return evaluation().named("AWS::IAM::Role", "RoleName", "shop-dev-evaluation-job")

    def test_is_trusted_for_evaluation_jobs_of_this_account_alone(self) -> None:
        (statement,) = self.role()["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": "bedrock.amazonaws.com"}
        assert statement["Condition"] == {
            "StringEquals": {"aws:SourceAccount": "<AWS::AccountId>"},
            "ArnLike": {
                "aws:SourceArn": "arn:<AWS::Partition>:bedrock:<AWS::Region>:<AWS::AccountId>:evaluation-job/*"
            },
        }

    def test_calls_every_model_that_the_environment_names_and_no_other(self) -> None:
        sonnet = "anthropic.claude-sonnet-4-6"
        wanted = {
            *HAIKU,
            HAIKU_PROFILE,
            NOVA,
            _MODEL.format(region="eu-central-1", model=sonnet),
            _MODEL.format(region="", model=sonnet),
            f"arn:<AWS::Partition>:bedrock:eu-central-1:<AWS::AccountId>:inference-profile/global.{sonnet}",
        }
        for action in ("InvokeModel", "InvokeModelWithResponseStream"):
            assert allowed(evaluation(), "JobRole", f"bedrock:{action}") == wanted
        batches = "arn:<AWS::Partition>:bedrock:<AWS::Region>:<AWS::AccountId>:model-invocation-job/*"
        assert allowed(evaluation(), "JobRole", "bedrock:CreateModelInvocationJob") == {*wanted, batches}

    @pytest.mark.parametrize(
        ("action", "end"),
        [("s3:GetObject", "/*"), ("s3:GetObject", "/jobs/*"), ("s3:PutObject", "/jobs/*")],
    )
    def test_object_actions_name_objects(self, action: str, end: str) -> None:
        """The guide's own examples lack the `/*`, and then nothing is allowed."""
        found = allowed(evaluation(), "JobRole", action)
        assert any(arn.endswith(end) for arn in found)
        assert all(arn.endswith("/*") for arn in found)

    def test_bucket_actions_name_buckets(self) -> None:
        for action in ("s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"):
            found = allowed(evaluation(), "JobRole", action)
            assert found
            assert not any(arn.endswith("*") for arn in found)


def test_an_environment_without_evaluations_stands() -> None:
    made = synthesize(environment(evaluations={}))["evaluation"]
    assert not made.raw("Custom::EvaluationDefinition")
    assert not allowed(made, "RunnerEvaluator", "bedrock:InvokeModel")


def test_names_are_those_that_others_use(deployed: Deployed) -> None:
    template = deployed["evaluation"]
    names = PhysicalNames(template.stack_name.removesuffix("-evaluation"))
    machines = {each["StateMachineName"] for each in template.resources("AWS::StepFunctions::StateMachine").values()}
    assert names.state_machine in machines
    assert machines <= {names.state_machine, names.jobs_state_machine}
    assert template.only("AWS::SQS::Queue")["QueueName"] == names.dead_letters
    assert template.only("AWS::Scheduler::ScheduleGroup")["Name"] == names.schedule_group
