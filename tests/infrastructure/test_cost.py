"""The counts that docs/cost.md multiplies prices with are those of prod.yaml as it is shipped."""

import re
from datetime import UTC, date, datetime

import pytest

from app import ROOT
from bedrock_eval.evaluation.definition import read_definition
from bedrock_eval.pricing.usage import Usage
from bedrock_eval.results.outcomes import Outcome
from bedrock_eval.results.publishing import run_datums
from bedrock_eval.results.summarising import summarise
from bedrock_eval.scores import score
from configuration.loading.load import load_environments
from stacks.monthly_cost import MonthlyCost, Prices, monthly_cost
from tests.support.frozen import ENVIRONMENTS
from tests.support.synthesis.templates import environment, frozen

TEXT = " ".join((ROOT / "docs" / "cost.md").read_text().split())


def stated(pattern: str) -> int:
    (number,) = re.findall(pattern, TEXT)
    return int(number)


def test_alarms_and_dashboards_are_counted() -> None:
    monitoring = frozen()["prod"]["monitoring"]
    assert stated(r"\| Metric alarms \| (\d+) on") == len(monitoring.raw("AWS::CloudWatch::Alarm"))
    assert stated(r"\| Composite alarms \| (\d+) \|") == len(monitoring.raw("AWS::CloudWatch::CompositeAlarm"))
    assert stated(r"\| Dashboard \| (\d+) \|") == len(monitoring.raw("AWS::CloudWatch::Dashboard"))
    assert stated(r"\| KMS key \| (\d+) \|") == sum(len(each.raw("AWS::KMS::Key")) for each in frozen()["prod"])


def test_metrics_of_a_run_are_counted() -> None:
    definition = read_definition(frozen()["prod"]["evaluation"].only("Custom::EvaluationDefinition")["Definition"])
    outcomes = [
        Outcome(
            f"case-{number}",
            candidate.name,
            "p",
            scores={name: score(name, response="a" * number, references=["a"]) for name in definition.metrics},
            usage=Usage(input_tokens=10, output_tokens=5),
        )
        for candidate in definition.candidates
        for number in range(1, 20)
    ]
    now = datetime(2026, 11, 23, tzinfo=UTC)
    summary = summarise(definition, run_id="r", started=now, finished=now, outcomes=outcomes)
    series = {
        (datum.metric.name, tuple(map(datum.dimensions.get, datum.metric.dimensions))) for datum in run_datums(summary)
    }
    assert stated(r"in `prod.yaml` (\d+) of them") == len(series)


def test_the_line_at_synth_counts_at_most_what_a_run_and_the_watchdog_publish() -> None:
    cost = cost_of("prod")
    of_run, of_watchdog = stated(r"in `prod.yaml` (\d+) of them"), stated(r"the watchdog's (\d+)")
    # A gate against a baseline that is not there yet has no margin and no mean of it; without rates there is no cost;
    # a model whose end nobody has announced has no days to it.
    absent = cost.custom_metrics - of_run - of_watchdog
    ending = [alarm for alarm in alarm_names("prod") if "-end-of-life-" in alarm]
    assert 0 <= absent <= 6 + len(ending)


def test_the_line_at_synth_bills_alarms_by_the_metrics_that_they_read() -> None:
    cost = cost_of("prod")
    assert cost.alarms == stated(r"\| Metric alarms \| (\d+) on")
    assert cost.alarm_metrics == stated(r"\| Metric alarms \| \d+ on (\d+) metrics \|")
    assert cost.composite_alarms == stated(r"\| Composite alarms \| (\d+) \|")
    assert sum(cost.resources.values()) == sum(len(stack.raw()) for stack in frozen()["prod"])


def test_what_an_evaluation_of_each_kind_costs_in_dev_is_counted() -> None:
    cost = cost_of("dev")
    assert cost.alarms == stated(r"(\d+) metric alarms on \d+ metrics and ")
    assert cost.alarm_metrics == stated(r"metric alarms on (\d+) metrics and ")
    assert cost.composite_alarms == stated(r" (\d+) composite alarms, \$")
    assert cost.custom_metrics == stated(r"at most (\d+) custom metrics")


def test_the_sum_is_that_of_the_prices() -> None:
    alarm = {"Type": "AWS::CloudWatch::Alarm"}
    queries = [{"Id": "a", "MetricStat": {}}, {"Id": "b", "MetricStat": {}}, {"Id": "e", "Expression": "a + b"}]
    resources = {
        "Plain": {**alarm, "Properties": {"MetricName": "Invocations"}},
        "Math": {**alarm, "Properties": {"Metrics": queries}},
        "Band": {**alarm, "Properties": {"Metrics": queries[:1], "ThresholdMetricId": "e"}},
        "Composite": {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {}},
        "Dashboard": {"Type": "AWS::CloudWatch::Dashboard", "Properties": {}},
        "Topic": {"Type": "AWS::SNS::Topic"},
    }
    cost = monthly_cost(
        environment(evaluations={}), {"storage": {"Resources": {}}, "monitoring": {"Resources": resources}}
    )
    assert (cost.alarms, cost.alarm_metrics, cost.custom_metrics) == (3, 1 + 2 + 3, 3 + 4 + 4 + 2 + 2 + 2)
    assert cost.usd == pytest.approx(6 * 0.10 + 0.50 + 17 * 0.30 + 3.00)
    assert cost.line("dev") == (
        "dev: 6 resources, 6 in monitoring (allowed: 500 a stack); about $9.20 a month for 3 alarms on 6 metrics, "
        f"1 composite alarm, up to 17 custom metrics, 1 dashboard (list prices, verified on {Prices().verified_on})"
    )
    assert Prices(verified_on=None).trust == "not verified"
    assert f"compared on {Prices().verified_on} with" in TEXT


def alarm_names(name: str) -> list[str]:
    return [each["AlarmName"] for each in frozen()[name]["monitoring"].resources("AWS::CloudWatch::Alarm").values()]


def cost_of(name: str) -> MonthlyCost:
    (found,) = load_environments(ENVIRONMENTS, only=[name], today=date(2026, 11, 23)).environments
    return monthly_cost(found, {stack.room: stack.content for stack in frozen()[name]})
