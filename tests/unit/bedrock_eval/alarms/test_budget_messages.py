"""Notifications of AWS Budgets as people have published them, with the names of this project."""

import json

import pytest

from bedrock_eval.alarms.budget_messages import budget_message
from bedrock_eval.alarms.messages import Place
from tests.support.aws.notifications import ACTUAL

PLACE = Place("eu-central-1", "results", "shop-prod", "https://example.com/runbook.md")
FORECASTED = ACTUAL.replace("ACTUAL", "FORECASTED")
# A form of 2021: per day, and a link without a number.
DAILY = """\
AWS Budget Notification June 27, 2026
AWS Account 111122223333

Dear AWS Customer,

You requested that we alert you when the ACTUAL Cost associated with your shop-prod budget is greater than $0.75 per \
day. Yesterday, the ACTUAL Cost associated with this budget is $1.70.

Budget Name: shop-prod
Budget Type: Cost
Budgeted Amount: $5.00
Alert Type: ACTUAL
Alert Threshold: > $0.75
ACTUAL Amount: $1.70

Go to the AWS Budgets dashboard: https://console.aws.amazon.com/billing/home#/budgets
"""


def told(text: str) -> dict[str, object]:
    message = budget_message(text, place=PLACE)
    assert message is not None
    found = json.loads(message.to_json())
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        (ACTUAL, "WARNING budget shop-prod has cost $1,050.12 of $1,000.00"),
        (FORECASTED, "WARNING budget shop-prod is forecast to cost $1,050.12 of $1,000.00"),
        (DAILY, "WARNING budget shop-prod has cost $1.70 of $5.00"),
        (ACTUAL.replace("\n", "\r\n"), "WARNING budget shop-prod has cost $1,050.12 of $1,000.00"),
    ],
)
def test_the_subject_says_how_much_of_how_much(text: str, subject: str) -> None:
    assert told(text)["subject"] == subject


def test_people_read_what_to_do_and_below_what_aws_wrote() -> None:
    message = budget_message(ACTUAL, place=PLACE)
    assert message is not None
    assert message.text.startswith(
        "warning: Budget shop-prod has cost $1,050.12 of $1,000.00. The alert is set at > $800.00.\n\n"
        "Check: cost by model on the dashboard, then tokens by identity in the invocation log.\n"
        "Runbook: https://example.com/runbook.md#budget\n"
        "Dashboard: https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1"
        "#dashboards/dashboard/shop-prod\n"
        "Budgets: https://console.aws.amazon.com/costmanagement/home#/budgets\n"
    )
    assert message.text.endswith(f"Notification from AWS Budgets:\n\n{ACTUAL}")


def test_programs_get_the_fields_of_an_alarm() -> None:
    found = told(ACTUAL)
    assert {key: found[key] for key in ("alarm", "state", "since", "severity", "kind", "value", "threshold")} == {
        "alarm": "shop-prod",
        "state": "ALARM",
        "since": "2026-11-24",
        "severity": "warning",
        "kind": "budget",
        "value": 1050.12,
        "threshold": 800.0,
    }
    assert "cloudwatch" not in found


def test_the_chat_gets_it_with_its_tags() -> None:
    message = budget_message(ACTUAL, place=PLACE)
    assert message is not None
    content = json.loads(message.to_chat())["content"]
    assert content["keywords"] == ["warning", "budget"]
    assert content["title"] == message.subject


def test_another_currency_is_shown_as_it_is() -> None:
    found = told(ACTUAL.replace("$", "EUR "))
    assert found["value_text"] == "EUR 1,050.12"
    assert "value" not in found


def test_a_date_of_another_form_stays_as_it_is() -> None:
    assert told(ACTUAL.replace("November 24, 2026", "24.11.2026"))["since"] == "24.11.2026"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Your budget is over.",
        ACTUAL.partition("\n")[2],
        ACTUAL.replace("ACTUAL Amount: $1,050.12\n", ""),
        ACTUAL.replace("Alert Threshold: > $800.00\n", ""),
    ],
)
def test_what_lacks_a_line_is_no_budget(text: str) -> None:
    assert budget_message(text, place=PLACE) is None
