"""A monthly budget of AWS Budgets that notifies the topic of alarms."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Aws
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns

from bedrock_eval.names import PhysicalNames
from bedrock_eval_cdk.core.permissions import budgets_arn, from_this_account
from constructs import Construct


@dataclass(frozen=True)
class BudgetLimit:
    """What the bill may be.

    Attributes:
        application: value of the cost allocation tag `application` that is counted; None: the whole account.
        notify_percent: of the limit, each notified once a month.
    """

    application: str | None
    monthly_usd: float
    notify_percent: Sequence[float]


class MonthlyBudget(Construct):
    """What the bill may be in a month, credits and refunds left out.

    By tag, not by service: models sold through AWS Marketplace are billed under their provider, so a filter on Amazon
    Bedrock would not see them. Source: AWS Budgets user guide, budgets-sns-policy; Bedrock user guide, model cards.

    Args:
        topic: its key's policy must let budgets.amazonaws.com use the key, or nobody hears.

    Attributes:
        arn: of the budget, which is global.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, names: PhysicalNames, topic: sns.Topic, limit: BudgetLimit
    ) -> None:
        super().__init__(scope, construct_id)
        permission = topic.add_to_resource_policy(_budgets_may_publish(topic))
        name = names.budget(limit.notify_percent)
        self.arn = f"arn:{Aws.PARTITION}:budgets::{Aws.ACCOUNT_ID}:budget/{name}"
        # Assumption: budget-tag-active
        filters = None if limit.application is None else {"TagKeyValue": [f"user:application${limit.application}"]}
        budget = budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_name=name,
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=limit.monthly_usd, unit="USD"),
                cost_filters=filters,
                cost_types=budgets.CfnBudget.CostTypesProperty(include_credit=False, include_refund=False),
            ),
            notifications_with_subscribers=[self._notification(percent, topic) for percent in limit.notify_percent],
        )
        if permission.policy_dependable is not None:
            budget.node.add_dependency(permission.policy_dependable)

    def _notification(self, percent: float, topic: sns.ITopic) -> budgets.CfnBudget.NotificationWithSubscribersProperty:
        return budgets.CfnBudget.NotificationWithSubscribersProperty(
            notification=budgets.CfnBudget.NotificationProperty(
                notification_type="ACTUAL",
                comparison_operator="GREATER_THAN",
                threshold=percent,
                threshold_type="PERCENTAGE",
            ),
            subscribers=[budgets.CfnBudget.SubscriberProperty(subscription_type="SNS", address=topic.topic_arn)],
        )


def _budgets_may_publish(topic: sns.Topic) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid="BudgetsMayPublish",
        principals=[iam.ServicePrincipal("budgets.amazonaws.com")],
        actions=["sns:Publish"],
        resources=[topic.topic_arn],
        conditions=from_this_account(budgets_arn()),
    )
