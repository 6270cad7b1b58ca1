"""The environment's key. Its policy names every service that uses it, for nothing in the tool chain would miss one.

Conditions go by account and by names, never by reference to a later stack. What a role of the account may do with the
key is in the role's own policy, which the key's first statement (the account) admits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import Aws, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from bedrock_eval.names import PhysicalNames
from bedrock_eval_cdk.core.permissions import budgets_arn, from_this_account, from_this_account_if_told, regional_arn
from constructs import Construct


@dataclass(frozen=True)
class KeyUse:
    """What uses the key beside functions, state machines, alarms and evaluation jobs.

    Attributes:
        log_groups: names of log groups beside those of the environment's functions and state machines.
        scheduler_roles: names of the roles with which EventBridge Scheduler writes to the dead-letter queue.
        budget: AWS Budgets notifies the topic.
        invocation_bodies: Bedrock delivers large bodies of the invocation log to a bucket.
    """

    log_groups: Sequence[str] = ()
    scheduler_roles: Sequence[str] = ()
    budget: bool = False
    invocation_bodies: bool = False


class EnvironmentKey(kms.Key):
    """Encrypts data, logs, topic and queue of one environment; rotated every year."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        names: PhysicalNames,
        use: KeyUse,
        removal_policy: RemovalPolicy,
    ) -> None:
        # With a first deploy that is rolled back it goes: the next one makes another, and each would be billed.
        if removal_policy is RemovalPolicy.RETAIN:
            removal_policy = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
        super().__init__(
            scope,
            construct_id,
            alias=names.prefix,
            description=f"Data and logs of {names.prefix}",
            enable_key_rotation=True,
            removal_policy=removal_policy,
        )
        own_groups = (f"/aws/lambda/{names.prefix}-*", f"/aws/vendedlogs/states/{names.prefix}-*")
        self._allow_logs((*own_groups, *use.log_groups))
        self._allow_retained_logs()
        self._allow_alarms(names)
        if use.budget:
            self._allow_budgets()
        self._allow_scheduler(use.scheduler_roles)
        self._allow_evaluation_jobs()
        if use.invocation_bodies:
            self._allow_invocation_bodies()

    def _allow_logs(self, log_groups: Sequence[str]) -> None:
        """Source: CloudWatch Logs user guide, encrypt log data."""
        groups = [regional_arn("logs", f"log-group:{name}") for name in log_groups]
        self._allow(
            "LogGroups",
            principal=iam.ServicePrincipal(f"logs.{Aws.REGION}.{Aws.URL_SUFFIX}"),
            actions=["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
            conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
        )

    def _allow_retained_logs(self) -> None:
        """What was encrypted once can be read, also when the group has another name now or another owner."""
        self._allow(
            "RetainedLogGroups",
            principal=iam.ServicePrincipal(f"logs.{Aws.REGION}.{Aws.URL_SUFFIX}"),
            actions=["kms:Decrypt"],
            conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": [regional_arn("logs", "log-group:*")]}},
        )

    def _allow_alarms(self, names: PhysicalNames) -> None:
        """CloudWatch publishes to the encrypted topic; without this alarms change state and nobody hears.

        The SNS developer guide, sns-key-management, has the statement without conditions. Who may publish at all is in
        the policies of the topics, whose conditions are documented.
        """
        # Assumption: alarm-key-conditions
        self._allow(
            "AlarmsToTopic",
            principal=iam.ServicePrincipal("cloudwatch.amazonaws.com"),
            actions=["kms:Decrypt", "kms:GenerateDataKey*"],
            conditions=from_this_account_if_told(regional_arn("cloudwatch", f"alarm:{names.alarm('*')}")),
        )

    def _allow_budgets(self) -> None:
        """Source: AWS Budgets user guide, budgets-sns-policy, which names conditions of the topic's policy alone."""
        # Assumption: alarm-key-conditions
        self._allow(
            "BudgetsToTopic",
            principal=iam.ServicePrincipal("budgets.amazonaws.com"),
            actions=["kms:Decrypt", "kms:GenerateDataKey*"],
            conditions=from_this_account_if_told(budgets_arn()),
        )

    def _allow_scheduler(self, roles: Sequence[str]) -> None:
        """Scheduler writes to the encrypted dead-letter queue with the schedule's role, not as a service."""
        arns = [f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:role/{role}" for role in roles]
        self._allow(
            "SchedulerToDeadLetters",
            principal=iam.AccountRootPrincipal(),
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            conditions={
                "ArnEquals": {"aws:PrincipalArn": arns},
                "StringEquals": {"kms:ViaService": f"sqs.{Aws.REGION}.{Aws.URL_SUFFIX}"},
            },
        )

    def _allow_evaluation_jobs(self) -> None:
        """Source: Bedrock user guide, model-evaluation-security-kms, which has no SourceAccount."""
        principal = iam.ServicePrincipal("bedrock.amazonaws.com")
        jobs = regional_arn("bedrock", "evaluation-job/*")
        # Assumption: jobs-key-source-account
        account = {"StringEqualsIfExists": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
        by_job = {**account, "ArnLike": {"aws:SourceArn": jobs}}
        self._allow("DescribeForEvaluationJobs", principal=principal, actions=["kms:DescribeKey"], conditions=by_job)
        by_job = {**account, "ArnLike": {"aws:SourceArn": jobs, "kms:EncryptionContext:evaluationJobArn": jobs}}
        self._allow(
            "EvaluationJobs",
            principal=principal,
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            conditions=by_job,
        )

    def _allow_invocation_bodies(self) -> None:
        """Bedrock delivers as a service. Source: Bedrock user guide, model-invocation-logging (SSE-KMS)."""
        self._allow(
            "InvocationBodies",
            principal=iam.ServicePrincipal("bedrock.amazonaws.com"),
            actions=["kms:GenerateDataKey"],
            conditions=from_this_account(regional_arn("bedrock", "*")),
        )

    def _allow(
        self, sid: str, *, principal: iam.IPrincipal, actions: Sequence[str], conditions: Mapping[str, Any]
    ) -> None:
        self.add_to_resource_policy(
            iam.PolicyStatement(
                sid=sid, principals=[principal], actions=list(actions), resources=["*"], conditions=conditions
            )
        )
