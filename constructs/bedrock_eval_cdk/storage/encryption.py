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

from bedrock_eval_cdk.core.context import EnvironmentContext, Identity, stack_identity
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
        self, scope: Construct, construct_id: str, *, identity: Identity, use: KeyUse, removal_policy: RemovalPolicy
    ) -> None:
        # With a first deploy that is rolled back it goes: the next one makes another, and each would be billed.
        if removal_policy is RemovalPolicy.RETAIN:
            removal_policy = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
        super().__init__(
            scope,
            construct_id,
            alias=identity.name(lambda names: names.prefix),
            description=f"Data and logs of {identity.label}",
            enable_key_rotation=True,
            removal_policy=removal_policy,
        )
        admit_services(self, identity=identity, use=use)


def admit_services(key: kms.IKey, *, identity: Identity, use: KeyUse) -> None:
    """Let the services use the key that work with what it encrypts.

    An imported key keeps the policy that it has: CloudFormation cannot change it.
    """
    policy = _KeyPolicy(key)
    policy.allow_logs((*_own_log_groups(identity), *use.log_groups))
    policy.allow_retained_logs()
    policy.allow_alarms(identity)
    if use.budget:
        policy.allow_budgets()
    if use.scheduler_roles:
        policy.allow_scheduler(use.scheduler_roles)
    policy.allow_evaluation_jobs()
    if use.invocation_bodies:
        policy.allow_invocation_bodies()


def _own_log_groups(identity: Identity) -> tuple[str, ...]:
    """The names of the log groups of functions and state machines, as patterns."""
    if identity.names is None:
        return (f"{identity.application}-*",)
    prefix = identity.names.prefix
    return f"/aws/lambda/{prefix}-*", f"/aws/vendedlogs/states/{prefix}-*"


@dataclass(frozen=True)
class _KeyPolicy:
    """The statements of a key's policy, a method a service."""

    key: kms.IKey

    def allow_logs(self, log_groups: Sequence[str]) -> None:
        """Source: CloudWatch Logs user guide, encrypt log data."""
        groups = [regional_arn("logs", f"log-group:{name}") for name in log_groups]
        self._add(
            "LogGroups",
            principal=iam.ServicePrincipal(f"logs.{Aws.REGION}.{Aws.URL_SUFFIX}"),
            actions=["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
            conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
        )

    def allow_retained_logs(self) -> None:
        """What was encrypted once can be read, also when the group has another name now or another owner."""
        self._add(
            "RetainedLogGroups",
            principal=iam.ServicePrincipal(f"logs.{Aws.REGION}.{Aws.URL_SUFFIX}"),
            actions=["kms:Decrypt"],
            conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": [regional_arn("logs", "log-group:*")]}},
        )

    def allow_alarms(self, identity: Identity) -> None:
        """CloudWatch publishes to the encrypted topic; without this alarms change state and nobody hears.

        The SNS developer guide, sns-key-management, has the statement without conditions. Who may publish at all is in
        the policies of the topics, whose conditions are documented.
        """
        # Assumption: alarm-key-conditions
        self._add(
            "AlarmsToTopic",
            principal=iam.ServicePrincipal("cloudwatch.amazonaws.com"),
            actions=["kms:Decrypt", "kms:GenerateDataKey*"],
            conditions=from_this_account_if_told(regional_arn("cloudwatch", f"alarm:{identity.alarm_names}")),
        )

    def allow_budgets(self) -> None:
        """Source: AWS Budgets user guide, budgets-sns-policy, which names conditions of the topic's policy alone."""
        # Assumption: alarm-key-conditions
        self._add(
            "BudgetsToTopic",
            principal=iam.ServicePrincipal("budgets.amazonaws.com"),
            actions=["kms:Decrypt", "kms:GenerateDataKey*"],
            conditions=from_this_account_if_told(budgets_arn()),
        )

    def allow_scheduler(self, roles: Sequence[str]) -> None:
        """Scheduler writes to the encrypted dead-letter queue with the schedule's role, not as a service."""
        arns = [f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:role/{role}" for role in roles]
        self._add(
            "SchedulerToDeadLetters",
            principal=iam.AccountRootPrincipal(),
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            conditions={
                "ArnEquals": {"aws:PrincipalArn": arns},
                "StringEquals": {"kms:ViaService": f"sqs.{Aws.REGION}.{Aws.URL_SUFFIX}"},
            },
        )

    def allow_evaluation_jobs(self) -> None:
        """Source: Bedrock user guide, model-evaluation-security-kms, which has no SourceAccount."""
        principal = iam.ServicePrincipal("bedrock.amazonaws.com")
        jobs = regional_arn("bedrock", "evaluation-job/*")
        # Assumption: jobs-key-source-account
        account = {"StringEqualsIfExists": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
        by_job = {**account, "ArnLike": {"aws:SourceArn": jobs}}
        self._add("DescribeForEvaluationJobs", principal=principal, actions=["kms:DescribeKey"], conditions=by_job)
        by_job = {**account, "ArnLike": {"aws:SourceArn": jobs, "kms:EncryptionContext:evaluationJobArn": jobs}}
        self._add(
            "EvaluationJobs",
            principal=principal,
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            conditions=by_job,
        )

    def allow_invocation_bodies(self) -> None:
        """Bedrock delivers as a service. Source: Bedrock user guide, model-invocation-logging (SSE-KMS)."""
        self._add(
            "InvocationBodies",
            principal=iam.ServicePrincipal("bedrock.amazonaws.com"),
            actions=["kms:GenerateDataKey"],
            conditions=from_this_account(regional_arn("bedrock", "*")),
        )

    def _add(
        self, sid: str, *, principal: iam.IPrincipal, actions: Sequence[str], conditions: Mapping[str, Any]
    ) -> None:
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                sid=sid, principals=[principal], actions=list(actions), resources=["*"], conditions=conditions
            )
        )


def standalone_context(
    scope: Construct,
    *,
    key: kms.IKey | None,
    use: KeyUse,
    removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
) -> EnvironmentContext:
    """The context of a construct in a stack of any app, with a key of its own below it or with the given one."""
    identity = stack_identity(scope)
    if key is None:
        key = EnvironmentKey(scope, "Key", identity=identity, use=use, removal_policy=removal_policy)
    else:
        admit_services(key, identity=identity, use=use)
    return EnvironmentContext(application=identity.application, key=key, removal_policy=removal_policy)
