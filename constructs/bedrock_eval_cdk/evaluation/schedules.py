"""When evaluations run: EventBridge Scheduler starts their state machine."""

import json
from collections.abc import Iterable

from aws_cdk import Aws, Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn

from bedrock_eval.evaluation.definition import Schedule
from bedrock_eval_cdk.core.context import EnvironmentContext
from bedrock_eval_cdk.core.nag import acknowledge
from bedrock_eval_cdk.core.permissions import allow, regional_arn
from bedrock_eval_cdk.core.roles import ServiceRole
from constructs import Construct, IDependable

# Filled in by Scheduler, the same at every delivery of one due time.
# Assumption: past-at-and-redelivery
_SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"
_RETRY_ATTEMPTS = 3
_RETRY_HOURS = 1


class EvaluationSchedules(Construct):
    """The schedule group, the queue of deliveries that failed, the role, and a schedule for each `add`."""

    def __init__(self, scope: Construct, construct_id: str, *, context: EnvironmentContext) -> None:
        super().__init__(scope, construct_id)
        self._context = context
        self.group = scheduler.CfnScheduleGroup(self, "Group", name=context.name(lambda names: names.schedule_group))
        self.dead_letters = self._dead_letters()
        self.role = self._role()
        self._started: list[str] = []

    def _dead_letters(self) -> sqs.Queue:
        queue = sqs.Queue(
            self,
            "DeadLetters",
            queue_name=self._context.name(lambda names: names.dead_letters),
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=self._context.key,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        acknowledge(queue, "SQS3", reason="This is the dead-letter queue of the schedules; an alarm watches it.")
        return queue

    def _role(self) -> ServiceRole:
        named = self._context.name(lambda names: regional_arn("scheduler", f"schedule-group/{names.schedule_group}"))
        group = named or self.group.attr_arn
        trust = {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID, "aws:SourceArn": group}}
        role = ServiceRole(
            self,
            "Role",
            role_name=self._context.name(lambda names: names.scheduler_role),
            assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com", conditions=trust),
            description=f"EventBridge Scheduler starts evaluations of {self._context.label}",
        )
        allow(role, actions=["sqs:SendMessage"], resources=[self.dead_letters.queue_arn])
        allow(
            role,
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=[self._context.key.key_arn],
            conditions={"StringEquals": {"kms:ViaService": f"sqs.{Aws.REGION}.{Aws.URL_SUFFIX}"}},
        )
        return role

    def add(self, evaluation: str, schedule: Schedule, *, state_machine: sfn.IStateMachine) -> scheduler.CfnSchedule:
        """Start `evaluation` by `schedule`; the input is its name and the scheduled time and no more."""
        self._allow_starting(state_machine.state_machine_arn)
        made = scheduler.CfnSchedule(
            self,
            evaluation,
            name=self._context.name(lambda names: names.schedule(evaluation)),
            group_name=self._context.name(lambda names: names.schedule_group) or self.group.ref,
            description=f"Starts the evaluation {evaluation}.",
            schedule_expression=schedule.expression,
            schedule_expression_timezone=schedule.timezone,
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=self._target(evaluation, state_machine),
        )
        # The role's statements too: a schedule may be due at once.
        made.node.add_dependency(self.group, self.role)
        return made

    def _allow_starting(self, machine: str) -> None:
        if machine not in self._started:
            self._started.append(machine)
            allow(self.role, actions=["states:StartExecution"], resources=[machine])

    def wait_for(self, others: Iterable[IDependable]) -> None:
        """Make the schedules after `others`: their group waits for these, and each schedule for the group."""
        # Assumption: rate-schedule-first-run
        self.group.node.add_dependency(*others)

    def _target(self, evaluation: str, state_machine: sfn.IStateMachine) -> scheduler.CfnSchedule.TargetProperty:
        return scheduler.CfnSchedule.TargetProperty(
            arn=state_machine.state_machine_arn,
            role_arn=self.role.role_arn,
            input=json.dumps({"evaluation": evaluation, "scheduledTime": _SCHEDULED_TIME}),
            retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                maximum_retry_attempts=_RETRY_ATTEMPTS, maximum_event_age_in_seconds=_RETRY_HOURS * 3600
            ),
            dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=self.dead_letters.queue_arn),
        )
