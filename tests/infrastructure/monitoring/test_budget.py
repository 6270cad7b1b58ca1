"""The monthly budget: what it counts, whom it tells, and what must be allowed so that it is heard."""

from functools import cache
from typing import Any

from bedrock_eval.names import PhysicalNames
from tests.support.synthesis.templates import Deployed, Resource, environment, retained, synthesize

BUDGETS = {"Service": "budgets.amazonaws.com"}
FROM_HERE = {
    "StringEquals": {"aws:SourceAccount": "<AWS::AccountId>"},
    "ArnLike": {"aws:SourceArn": "arn:<AWS::Partition>:budgets::<AWS::AccountId>:*"},
}


@cache
def with_budget(scope: str = "application") -> Deployed:
    """Synthesized under cdk-nag, as everything."""
    return synthesize(environment(budget={"monthly_usd": 250, "notify_percent": (50, 100), "scope": scope}))


def budget(deployed: Deployed) -> Resource:
    return deployed["monitoring"].only("AWS::Budgets::Budget")


def statements(deployed: Deployed, room: str, kind: str, key: str) -> list[Any]:
    policies = [properties[key]["Statement"] for properties in deployed[room].resources(kind).values()]
    return [each for policy in policies for each in policy if each["Principal"] == BUDGETS]


def test_it_counts_by_tag_and_not_by_service_which_would_miss_the_marketplace() -> None:
    found = budget(with_budget())["Budget"]
    assert found["BudgetLimit"] == {"Amount": 250, "Unit": "USD"}
    assert (found["BudgetType"], found["TimeUnit"]) == ("COST", "MONTHLY")
    assert found["CostFilters"] == {"TagKeyValue": ["user:application$shop"]}
    assert found["CostTypes"] == {"IncludeCredit": False, "IncludeRefund": False}


def test_the_whole_account_has_no_filter() -> None:
    assert "CostFilters" not in budget(with_budget("account"))["Budget"]


def test_each_percentage_tells_the_topic_of_alarms() -> None:
    made = with_budget()
    (topic,) = [
        logical_id
        for logical_id, found in made["monitoring"].resources("AWS::SNS::Topic").items()
        if found["TopicName"] == "shop-dev-alarms"
    ]
    notifications = budget(made)["NotificationsWithSubscribers"]
    assert [each["Notification"]["Threshold"] for each in notifications] == [50, 100]
    for each in notifications:
        assert each["Notification"]["NotificationType"] == "ACTUAL"
        assert each["Subscribers"] == [{"SubscriptionType": "SNS", "Address": f"<{topic}>"}]


def test_a_name_stands_for_its_percentages_as_a_change_of_them_is_a_replacement() -> None:
    """The new one is made before the old one goes, and two of the same name cannot stand side by side."""
    assert budget(with_budget())["Budget"]["BudgetName"] == "shop-dev-50-100"
    assert PhysicalNames("shop-dev").budget((50, 99.5)) == "shop-dev-50-99.5"


def test_budgets_may_publish_and_use_the_key_for_this_account_alone() -> None:
    made = with_budget()
    (publish,) = statements(made, "monitoring", "AWS::SNS::TopicPolicy", "PolicyDocument")
    assert (publish["Action"], publish["Condition"]) == ("sns:Publish", FROM_HERE)
    (use,) = statements(made, "storage", "AWS::KMS::Key", "KeyPolicy")
    # No page of AWS has conditions of the key for Budgets.
    if_told = {f"{operator}IfExists": test for operator, test in FROM_HERE.items()}
    assert (use["Action"], use["Condition"]) == (["kms:Decrypt", "kms:GenerateDataKey*"], if_told)


def test_it_is_made_after_the_topic_lets_it_publish() -> None:
    monitoring = with_budget()["monitoring"]
    (made,) = monitoring.raw("AWS::Budgets::Budget").values()
    (policy,) = [
        logical_id
        for logical_id, found in monitoring.resources("AWS::SNS::TopicPolicy").items()
        if BUDGETS in [each["Principal"] for each in found["PolicyDocument"]["Statement"]]
    ]
    assert policy in made["DependsOn"]


def test_without_one_nothing_is_allowed() -> None:
    assert not retained()["monitoring"].raw("AWS::Budgets::Budget")
    assert not statements(retained(), "monitoring", "AWS::SNS::TopicPolicy", "PolicyDocument")
    assert not statements(retained(), "storage", "AWS::KMS::Key", "KeyPolicy")


def test_the_watchdog_may_look_at_that_budget_and_no_other() -> None:
    monitoring = with_budget()["monitoring"]
    looking = [each for each in monitoring.statements() if "budgets:ViewBudget" in str(each["Action"])]
    (resource,) = [each["Resource"] for each in looking]
    assert resource == "arn:<AWS::Partition>:budgets::<AWS::AccountId>:budget/shop-dev-50-100"
    assert not [each for each in retained()["monitoring"].statements() if "budgets:" in str(each["Action"])]


def test_a_budget_has_an_alarm_that_it_is_blind_and_the_watchdog_knows_its_arn() -> None:
    monitoring = with_budget()["monitoring"]
    alarms = {found["AlarmName"] for found in monitoring.resources("AWS::CloudWatch::Alarm").values()}
    assert "shop-dev-budget-blind" in alarms
    listed = monitoring.only("Custom::WatchdogReport")["WatchList"]
    assert "arn:<AWS::Partition>:budgets::<AWS::AccountId>:budget/shop-dev-50-100" in listed
    without = {found["AlarmName"] for found in retained()["monitoring"].resources("AWS::CloudWatch::Alarm").values()}
    assert "shop-dev-budget-blind" not in without
