"""Alarms: routed, described, under the right policy, within CloudWatch's limits, on metrics that exist."""

import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_sns as sns
from hypothesis import given
from hypothesis import strategies as st

from bedrock_eval import catalogue
from bedrock_eval.names import PhysicalNames
from bedrock_ops import alarms
from bedrock_ops.alarms import KINDS, AlarmFactory, AlarmKind, MissingData, Thresholds, Window, guarded_rate
from constructs import Construct
from tests.infrastructure.monitoring_support import (
    PREFIX,
    RUNBOOK,
    alarm_series,
    environment,
    owner,
    synthesize,
    tenant,
)

RUNBOOK_FILE = Path(__file__).parents[2] / "docs" / "runbook.md"
CATALOGUE = {(entry.namespace, entry.name): entry for entry in catalogue.FIXED}
THRESHOLDS = Thresholds(10_000, 5, 10, 5, 20, 20)

MODEL_KINDS = {"latency-p90", "server-errors", "client-errors", "throttles", "throttle-count"}
EVALUATION_ALARMS = {
    "run-failed-quality",
    "run-overdue-quality",
    "run-failed-by-hand",
    "verdict-quality-haiku-relevance_score",
    "verdict-quality-haiku-response_length",
    "verdict-quality-nova-short-relevance_score",
    "verdict-quality-nova-short-response_length",
    "executions-failed",
    "dead-letters",
    "watchdog-silent",
}


def kind_of(name: str) -> AlarmKind:
    """The kind of an alarm by its name; no kind's name begins with another's and a dash."""
    (kind,) = [kind for kind in KINDS.values() if f"{name}-".startswith(f"{PREFIX}-{kind.name}-")]
    return kind


def each_alarm() -> Iterator[dict[str, Any]]:
    """Every alarm of both environments."""
    return chain(owner().alarms.values(), tenant().alarms.values())


def test_owner_has_an_alarm_for_each_subject_of_each_kind() -> None:
    models = {f"{kind}-{model}" for kind in MODEL_KINDS for model in ("haiku", "nova")}
    expected = {f"{PREFIX}-{name}" for name in models | EVALUATION_ALARMS | {"log-delivery"}}
    assert set(owner().alarms) == expected


def test_who_does_not_own_the_account_has_no_alarm_on_its_figures() -> None:
    assert set(tenant().alarms) == {f"{PREFIX}-{name}" for name in EVALUATION_ALARMS}
    assert catalogue.BEDROCK not in {alarm_series(alarm).namespace for alarm in tenant().alarms.values()}
    assert f'"{catalogue.BEDROCK}"' not in json.dumps(tenant().alarms)


def test_log_delivery_is_not_watched_by_who_does_not_log() -> None:
    without = synthesize(environment(invocation_logging={"mode": "none"}))
    assert set(owner().alarms) - set(without.alarms) == {f"{PREFIX}-log-delivery"}


class TestEveryAlarm:
    def test_notifies_when_it_rings_and_when_it_recovers(self, subtests: pytest.Subtests) -> None:
        for alarm in each_alarm():
            with subtests.test(alarm=alarm["AlarmName"]):
                topic = f"<{owner().logical_id('AWS::SNS::Topic')}>"
                assert alarm["AlarmActions"] == alarm["OKActions"] == [topic]
                assert alarm.get("ActionsEnabled", True) is True

    def test_says_what_happened_where_to_look_and_where_it_is_written(self, subtests: pytest.Subtests) -> None:
        for alarm in each_alarm():
            with subtests.test(alarm=alarm["AlarmName"]):
                kind, text = kind_of(alarm["AlarmName"]), alarm["AlarmDescription"]
                assert text.startswith(f"[{kind.severity}] ")
                assert f"Look at: {kind.look_at}" in text
                assert "Owner: Team Search." in text
                assert text.endswith(f"Runbook: {RUNBOOK}#{kind.name}")
                assert len(text) <= 1024
                assert "{" not in text

    def test_missing_data_is_read_as_its_kind_says(self, subtests: pytest.Subtests) -> None:
        for alarm in each_alarm():
            with subtests.test(alarm=alarm["AlarmName"]):
                expected = {
                    MissingData.TRAFFIC: "notBreaching",
                    MissingData.RUN: "ignore",
                    MissingData.LIVENESS: "breaching",
                }
                assert alarm["TreatMissingData"] == expected[kind_of(alarm["AlarmName"]).missing_data]

    def test_window_is_one_that_cloudwatch_takes(self, subtests: pytest.Subtests) -> None:
        for alarm in each_alarm():
            with subtests.test(alarm=alarm["AlarmName"]):
                period, periods = alarm_series(alarm).period, alarm["EvaluationPeriods"]
                assert period is not None
                assert period * periods <= (86_400 if period < 3_600 else 604_800)
                assert 1 <= alarm["DatapointsToAlarm"] <= periods

    def test_sets_no_unit(self, subtests: pytest.Subtests) -> None:
        for alarm in each_alarm():
            with subtests.test(alarm=alarm["AlarmName"]):
                assert '"Unit"' not in json.dumps(alarm)

    def test_watches_metrics_of_the_catalogue_with_their_statistic(self, subtests: pytest.Subtests) -> None:
        for alarm in each_alarm():
            with subtests.test(alarm=alarm["AlarmName"]):
                series = alarm_series(alarm)
                for part in series.parts or {series}:
                    (entry,) = [
                        each for each in catalogue.FIXED if (each.namespace, each.name) == (part.namespace, part.name)
                    ]
                    assert {name for name, _ in part.dimensions} == set(entry.dimensions)
                    assert part.statistic == entry.statistic

    def test_compares_as_its_kind_says(self, subtests: pytest.Subtests) -> None:
        for alarm in each_alarm():
            with subtests.test(alarm=alarm["AlarmName"]):
                signs = {"LESS_THAN": "LessThanThreshold", "GREATER_THAN_T": "GreaterThanThreshold"}
                name = kind_of(alarm["AlarmName"]).comparison.name
                expected = next((sign for start, sign in signs.items() if name.startswith(start)), None)
                assert alarm["ComparisonOperator"] == (expected or "GreaterThanOrEqualToThreshold")


def test_policies_by_kind() -> None:
    policies = {kind.name: kind.missing_data for kind in KINDS.values()}
    assert {name for name, policy in policies.items() if policy is MissingData.RUN} == {"verdict", "run-failed"}
    assert {name for name, policy in policies.items() if policy is MissingData.LIVENESS} == {
        "run-overdue",
        "watchdog-silent",
    }


def test_thresholds_are_those_of_the_environment() -> None:
    expected = {
        "latency-p90-haiku": 7000,
        "server-errors-haiku": 2.5,
        "client-errors-nova": 10,
        "throttles-nova": 5,
        "throttle-count-nova": 11,
        "verdict-quality-haiku-relevance_score": 3,
        "run-failed-quality": 1,
        "watchdog-silent": 1,
    }
    found = {name: owner().alarms[f"{PREFIX}-{name}"]["Threshold"] for name in expected}
    assert found == expected


def test_alarms_are_about_the_id_that_is_called() -> None:
    assert alarm_series(owner().alarms[f"{PREFIX}-latency-p90-haiku"]).dimensions == (
        ("ModelId", "eu.anthropic.claude-haiku-5-5"),
    )


def test_a_verdict_is_found_by_the_dimensions_it_is_published_with() -> None:
    assert dict(alarm_series(owner().alarms[f"{PREFIX}-verdict-quality-nova-short-relevance_score"]).dimensions) == {
        "Application": "shop",
        "Evaluation": "quality",
        "Candidate": "nova-short",
        "Metric": "relevance_score",
    }


@pytest.mark.parametrize("kind", [alarms.VERDICT, alarms.RUN_FAILED], ids=lambda kind: kind.name)
def test_a_run_that_took_a_day_is_still_seen(kind: AlarmKind) -> None:
    # Everything that a run publishes carries its start minute; an execution may take 24 hours.
    assert kind.window.seconds * kind.window.periods >= 24 * 3600
    assert kind.window.datapoints == 1


def test_executions_are_those_of_the_state_machine_by_name() -> None:
    series = alarm_series(owner().alarms[f"{PREFIX}-executions-failed"])
    assert {part.name for part in series.parts} == {"ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"}
    (arn,) = {value for part in series.parts for _, value in part.dimensions}
    assert arn.endswith(f":states:eu-central-1:111122223333:stateMachine:{PhysicalNames(PREFIX).state_machine}")


def test_liveness_alarms_wait_for_the_first_report() -> None:
    primer = owner().logical_id("Custom::WatchdogReport")
    waiting = {
        resource["Properties"]["AlarmName"]
        for resource in owner().template["Resources"].values()
        if resource["Type"] == "AWS::CloudWatch::Alarm" and primer in resource.get("DependsOn", [])
    }
    assert waiting == {f"{PREFIX}-watchdog-silent", f"{PREFIX}-run-overdue-quality"}


class TestRate:
    """The guarded expression, computed."""

    def test_is_the_one_that_guards_both_holes(self) -> None:
        assert guarded_rate("t").format(floor=25) == (
            "IF(FILL(i,0)+FILL(t,0) >= 25, 100*FILL(t,0)/(FILL(i,0)+FILL(t,0)), 0)"
        )

    @pytest.mark.parametrize("name", ["throttles-haiku", "server-errors-haiku", "client-errors-haiku"])
    def test_alarm_has_it_with_the_floor_of_the_environment(self, name: str) -> None:
        series = alarm_series(owner().alarms[f"{PREFIX}-{name}"])
        assert series.expression is not None
        assert re.search(r"^IF\(FILL\(i,0\)\+FILL\(([sct]),0\) >= 25, ", series.expression)
        assert {part.statistic for part in series.parts} == {"Sum"}
        assert len(series.parts) == 2

    @given(invocations=st.none() | st.integers(0, 10**6), throttles=st.none() | st.integers(0, 10**6))
    def test_is_a_per_cent_and_nothing_below_the_floor(self, invocations: int | None, throttles: int | None) -> None:
        rate = compute(guarded_rate("t").format(floor=20), {"i": invocations, "t": throttles})
        everything = (invocations or 0) + (throttles or 0)
        assert rate == pytest.approx(100 * (throttles or 0) / everything if everything >= 20 else 0)

    def test_rings_for_a_model_that_is_throttled_throughout(self) -> None:
        assert compute(guarded_rate("t").format(floor=20), {"i": None, "t": 40}) == 100


def compute(expression: str, values: dict[str, int | None]) -> float:
    """Metric math of one period, with FILL and IF as CloudWatch defines them; a division by 0 is not a number."""
    quotient = re.compile(r"100\*(FILL\(\w,0\))/\((FILL\(\w,0\)\+FILL\(\w,0\))\)")
    functions = {
        "FILL": lambda value, other: other if value is None else value,
        "IF": lambda condition, yes, no: yes if condition else no,
        "PER_CENT": lambda part, whole: 100 * part / whole if whole else float("nan"),
    }
    return float(eval(quotient.sub(r"PER_CENT(\1, \2)", expression), {**functions, **values}))


class TestRefusals:
    def factory(self) -> AlarmFactory:
        stack = Stack(App(), "stack")
        return AlarmFactory(
            stack,
            names=PhysicalNames(PREFIX),
            topic=sns.Topic(stack, "Topic"),
            owner="Team",
            runbook_url=RUNBOOK,
            thresholds=THRESHOLDS,
            first_data=Construct(stack, "First"),
        )

    def test_two_subjects_of_one_name(self) -> None:
        factory = self.factory()
        dimensions = {"Application": "shop", "Evaluation": "a"}
        factory.make(alarms.RUN_FAILED, "a-b", "c", dimensions=dimensions)
        with pytest.raises(ValueError, match=r"run-failed-a-b-c would be about both \(a-b, c\) and \(a, b-c\)"):
            factory.make(alarms.RUN_FAILED, "a", "b-c", dimensions=dimensions)

    def test_a_description_that_is_too_long(self) -> None:
        with pytest.raises(ValueError, match=r"description of alarm .* has \d{4} characters; allowed: 1024"):
            self.factory().make(alarms.WATCHDOG_SILENT, dimensions={"Application": "shop"}, about="x" * 1024)

    def test_a_name_that_is_too_long(self) -> None:
        with pytest.raises(ValueError, match="allowed: 255"):
            self.factory().make(alarms.WATCHDOG_SILENT, "x" * 255, dimensions={"Application": "shop"})

    def test_a_dimension_without_a_value(self) -> None:
        with pytest.raises(ValueError, match="watchdog_heartbeat: no value for dimension Application"):
            self.factory().make(alarms.WATCHDOG_SILENT, dimensions={})

    def test_link_keeps_no_fragment_of_the_configured_url(self) -> None:
        made = synthesize(environment(runbook_url=f"{RUNBOOK}#top", evaluations={}))
        assert made.alarms[f"{PREFIX}-watchdog-silent"]["AlarmDescription"].endswith(f"{RUNBOOK}#watchdog-silent")

    @given(
        seconds=st.sampled_from([60, 300, 3540, 3600, 86_400]),
        periods=st.integers(1, 2000),
    )
    def test_a_window_that_looks_back_too_far(self, seconds: int, periods: int) -> None:
        window = Window(seconds=seconds, datapoints=1, periods=periods)
        if seconds * periods <= (86_400 if seconds < 3600 else 604_800):
            window.check()
        else:
            with pytest.raises(ValueError, match=rf"look back {seconds * periods} s; allowed: (86400|604800) s"):
                window.check()

    @pytest.mark.parametrize(
        ("window", "message"),
        [
            (Window(60, 4, 3), "4 of 3 datapoints; allowed: 1 to 3"),
            (Window(60, 0, 3), "0 of 3 datapoints"),
            (Window(45, 1, 1), "period 45 s; allowed"),
            (Window(90, 1, 1), "period 90 s; allowed"),
        ],
    )
    def test_a_window_that_makes_no_sense(self, window: Window, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            window.check()


class TestRunbook:
    text: ClassVar[str] = RUNBOOK_FILE.read_text(encoding="utf-8")
    entries: ClassVar[dict[str, str]] = dict(
        re.findall(r"^## ([a-z0-9-]+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    )

    def test_has_an_entry_for_each_kind_and_for_nothing_else(self) -> None:
        assert set(self.entries) == set(KINDS)

    @pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
    def test_entry_says_meaning_where_to_look_what_to_do_and_how(self, kind: AlarmKind) -> None:
        entry = self.entries[kind.name]
        assert entry.strip().startswith(f"{kind.severity.capitalize()}. ")
        assert "Look here" in entry
        assert "Do this" in entry
        assert "```" in entry

    def test_commands_use_names_that_exist(self) -> None:
        names = PhysicalNames("$PREFIX")
        known = {
            names.state_machine,
            names.custom_evaluator,
            names.watchdog,
            f"{names.watchdog}_hourly",
            names.dead_letters,
            names.schedule("$EVALUATION"),
        }
        used = set(re.findall(r"\$PREFIX-[a-zA-Z$_-]+", self.text))
        assert used <= known, used - known

    def test_links_within_lead_somewhere(self) -> None:
        headings = {
            re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
            for heading in re.findall(r"^#+ (.+)$", self.text, re.MULTILINE)
        }
        assert set(re.findall(r"\]\(#([^)]+)\)", self.text)) <= headings

    def test_configuration_that_it_names_exists(self) -> None:
        known = set(type(environment().alarms).model_fields)
        assert set(re.findall(r"`alarms\.(\w+)`", self.text)) <= known
