"""Notifications as AWS sends them: of CloudWatch alarms and of a budget."""

import json
from typing import Any

DESCRIPTION = (
    "[critical] A gate has failed: relevance_score (min 0.5) of nova in evaluation support. The whole confidence "
    "interval of the score lies beyond the bound.\n"
    "In alarm: 1 of 24 periods of 1 h.\n"
    "Check: the run's report.html, and what changed since the last run: model, prompt, parameters or dataset.\n"
    "Owner: Team Search\n"
    "Runbook: https://example.com/runbook.md#verdict"
)
# As CloudWatch writes it (user guide, and public samples), with the names of this project.
VERDICT: dict[str, Any] = {
    "AlarmName": "shop-prod-verdict-support-nova-relevance_score",
    "AlarmDescription": DESCRIPTION,
    "AWSAccountId": "111122223333",
    "AlarmConfigurationUpdatedTimestamp": "2026-11-20T10:00:00.000+0000",
    "NewStateValue": "ALARM",
    "NewStateReason": "Threshold Crossed: 1 out of the last 24 datapoints [3.0 (24/11/26 06:00:00)] was greater than "
    "or equal to the threshold (3.0) (minimum 1 datapoint for OK -> ALARM transition).",
    "StateChangeTime": "2026-11-24T06:04:10.123+0000",
    "Region": "EU (Frankfurt)",
    "AlarmArn": "arn:aws:cloudwatch:eu-central-1:111122223333:alarm:shop-prod-verdict-support-nova-relevance_score",
    "OldStateValue": "OK",
    "OKActions": ["arn:aws:sns:eu-central-1:111122223333:shop-prod-alarms"],
    "AlarmActions": ["arn:aws:sns:eu-central-1:111122223333:shop-prod-alarms"],
    "InsufficientDataActions": [],
    "Trigger": {
        "MetricName": "gate_verdict",
        "Namespace": "Custom/Bedrock",
        "StatisticType": "Statistic",
        "Statistic": "MAXIMUM",
        "Unit": None,
        "Dimensions": [
            {"value": "shop", "name": "Application"},
            {"value": "support", "name": "Evaluation"},
            {"value": "nova", "name": "Candidate"},
            {"value": "relevance_score", "name": "Metric"},
        ],
        "Period": 3600,
        "EvaluationPeriods": 24,
        "DatapointsToAlarm": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "Threshold": 3.0,
        "TreatMissingData": "ignore",
        "EvaluateLowSampleCountPercentile": "",
    },
}
RATE: dict[str, Any] = {
    "AlarmName": "shop-prod-throttles-haiku",
    "AlarmDescription": "[warning] More than 5 % of the requests to model haiku (eu.x) are throttled.\n"
    "In alarm: 2 of 3 periods of 5 min.\nCheck: the quotas.\nOwner: A.B. Inc\n"
    "Runbook: https://example.com/runbook.md#throttles",
    "StateValue": "ALARM",
    "StateReason": "Threshold Crossed: ...",
    "StateReasonData": json.dumps({"version": "1.0", "period": 300, "recentDatapoints": [0.0, 22.75, 12.5]}),
    "ComparisonOperator": "GreaterThanThreshold",
    "Threshold": 5.0,
    "EvaluationPeriods": 3,
    "DatapointsToAlarm": 2,
    "Metrics": [
        {"Id": "expr_1", "Expression": "IF(FILL(i,0)+FILL(t,0) >= 20, 100*FILL(t,0)/(FILL(i,0)+FILL(t,0)), 0)"},
        *(
            {
                "Id": name,
                "ReturnData": False,
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/Bedrock",
                        "MetricName": metric,
                        "Dimensions": [{"Name": "ModelId", "Value": "eu.x"}],
                    },
                    "Period": 300,
                    "Stat": "Sum",
                },
            }
            for name, metric in (("i", "Invocations"), ("t", "InvocationThrottles"))
        ),
    ],
}
ACTUAL = """\
AWS Budget Notification November 24, 2026
AWS Account 111122223333

Dear AWS Customer,

You requested that we alert you when the ACTUAL Cost associated with your shop-prod budget is greater than $800.00 for \
the current month. The ACTUAL Cost associated with this budget is $1,050.12. You can find additional details below and \
by accessing the AWS Budgets dashboard [1].

Budget Name: shop-prod
Budget Type: Cost
Budgeted Amount: $1,000.00
Alert Type: ACTUAL
Alert Threshold: > $800.00
ACTUAL Amount: $1,050.12

[1] https://console.aws.amazon.com/costmanagement/home#/budgets
"""
