"""What the monitoring of an environment costs a month, counted in its synthesized templates. One line at synth."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bedrock_eval import catalogue
from bedrock_eval.wording import count
from configuration.schema.environment import Environment
from configuration.schema.evaluations.kinds import EvaluationConfig

Resource = Mapping[str, Any]

_MOST_RESOURCES = 500
# Cases, failed cases, coverage and duration, of each candidate.
_RUN_GAUGES = 4
# Two counts of tokens, cost, unpriced tokens, withheld and truncated answers, of each candidate; jobs tell none.
_CALL_GAUGES = 6
# Run failed and run finished, of each evaluation.
_RUN_EVENTS = 2
# Verdict and margin, of each gate and candidate, and with max_drop the accepted run's mean.
_GATE_METRICS = 2
# Heartbeat, dead letters, cost and unpriced tokens of the month.
_WATCHDOG = 4
# Subscriptions by what has become of them, and failed actions of alarms.
_PEOPLE = 4
# Models that nobody watches and metrics that nobody reads, for the owner of the account.
_ACCOUNT = 2
# What Converse and InvokeModel can fail with (bedrock-runtime), each a series of failed calls by code.
_ERROR_CODES = 11


@dataclass(frozen=True)
class Prices:
    """US dollars a month in us-east-1.

    Attributes:
        alarm_metric: of a standard alarm, for each metric that its expression reads.
        anomaly_metrics: how many metrics an alarm on a band is billed as.
        custom_metric: of the first 10,000, in a month in which it is published.
        dashboard: each; an account's first three are free up to 50 metrics each, and ours have more.
        verified_on: the day on which somebody compared them with what AWS says (docs/cost.md); None: nobody has.
    """

    alarm_metric: float = 0.10
    anomaly_metrics: int = 3
    composite_alarm: float = 0.50
    custom_metric: float = 0.30
    dashboard: float = 3.00
    verified_on: str | None = "2026-11-25"

    @property
    def trust(self) -> str:
        return "not verified" if self.verified_on is None else f"verified on {self.verified_on}"


PRICES = Prices()


@dataclass(frozen=True)
class MonthlyCost:
    """What is billed, and for how much.

    Attributes:
        resources: by stack.
        custom_metrics: at most, in a month in which every evaluation runs.
    """

    resources: Mapping[str, int]
    alarms: int
    alarm_metrics: int
    composite_alarms: int
    custom_metrics: int
    dashboards: int
    prices: Prices = PRICES

    @property
    def usd(self) -> float:
        return (
            self.alarm_metrics * self.prices.alarm_metric
            + self.composite_alarms * self.prices.composite_alarm
            + self.custom_metrics * self.prices.custom_metric
            + self.dashboards * self.prices.dashboard
        )

    def line(self, environment: str) -> str:
        """For people: the counts, and the sum at list prices."""
        largest = max(self.resources, key=lambda stack: self.resources[stack])
        return (
            f"{environment}: {sum(self.resources.values())} resources, {self.resources[largest]} in {largest} "
            f"(allowed: {_MOST_RESOURCES} a stack); about ${self.usd:.2f} a month for {count(self.alarms, 'alarm')} on "
            f"{count(self.alarm_metrics, 'metric')}, {count(self.composite_alarms, 'composite alarm')}, up to "
            f"{count(self.custom_metrics, 'custom metric')}, {count(self.dashboards, 'dashboard')} (list prices, "
            f"{self.prices.trust})"
        )


def monthly_cost(
    environment: Environment, templates: Mapping[str, Mapping[str, Any]], *, prices: Prices = PRICES
) -> MonthlyCost:
    """Count what is billed.

    Args:
        templates: as synthesized, by the name of their stack.
    """
    resources = [each for template in templates.values() for each in template["Resources"].values()]
    kinds = Counter(each["Type"] for each in resources)
    alarms = [each["Properties"] for each in resources if each["Type"] == "AWS::CloudWatch::Alarm"]
    return MonthlyCost(
        resources={stack: len(template["Resources"]) for stack, template in templates.items()},
        alarms=len(alarms),
        alarm_metrics=sum(_billed(alarm, prices) for alarm in alarms),
        composite_alarms=kinds["AWS::CloudWatch::CompositeAlarm"],
        custom_metrics=custom_metrics(environment),
        dashboards=kinds["AWS::CloudWatch::Dashboard"],
        prices=prices,
    )


def custom_metrics(environment: Environment) -> int:
    """How many series runs, the watchdog and metric filters publish at most, by models that the file declares."""
    evaluations = environment.evaluations.values()
    scheduled = sum(1 for each in evaluations if each.schedule is not None)
    # Days to its end of each, and how many of them AWS tells nothing of.
    lives = len(environment.models) + 1
    logged = sum(
        len(environment.models) if catalogue.MODEL_ID in each.dimensions else _ERROR_CODES
        for each in environment.log_filters
    )
    # What it reads, and whether it is blind.
    budget = 0 if environment.budget is None else 2
    account = _ACCOUNT if environment.owns_account else 0
    held = sum(1 for each in evaluations if each.job_kind is None) if environment.has_own_profiles else 0
    watching = _WATCHDOG + _PEOPLE + budget + account + held + scheduled + lives
    return watching + logged + sum(_of_evaluation(each) for each in evaluations)


def _of_evaluation(evaluation: EvaluationConfig) -> int:
    scores = len(evaluation.metric_names) * (2 if evaluation.headline else 1)
    gates = _GATE_METRICS * len({gate.metric for gate in evaluation.gates})
    baselines = len({gate.metric for gate in evaluation.gates if gate.max_drop is not None})
    gauges = _RUN_GAUGES + (_CALL_GAUGES if evaluation.job_kind is None else 0)
    return _RUN_EVENTS + len(evaluation.candidates) * (scores + gauges + gates + baselines)


def _billed(alarm: Resource, prices: Prices) -> int:
    """An alarm on one metric is billed as one, on an expression as its metrics, on a band as three."""
    if "ThresholdMetricId" in alarm:
        return prices.anomaly_metrics
    return sum("MetricStat" in query for query in _queries(alarm)) or 1


def _queries(alarm: Resource) -> Iterable[Resource]:
    queries: Iterable[Resource] = alarm.get("Metrics", ())
    return queries
