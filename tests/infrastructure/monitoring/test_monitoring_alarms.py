"""Alarms: routed, described, under the right policy, within CloudWatch's limits, on metrics that exist."""

import json
import re
from collections.abc import Iterator
from dataclasses import fields, replace
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar

import pytest
from aws_cdk import App, Stack, assertions
from aws_cdk import aws_sns as sns
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bedrock_eval import catalogue
from bedrock_eval.alarms import kinds
from bedrock_eval.alarms.composite_rules import ALARM, named, ringing
from bedrock_eval.alarms.kinds import (
    KINDS,
    AlarmKind,
    Incident,
    MissingData,
    Severity,
    Window,
    guarded_rate,
    judged_rate,
)
from bedrock_eval.alarms.thresholds import TOTAL_FAILURE_PERCENT, Thresholds
from bedrock_eval.alarms.units import figure
from bedrock_eval.names import PhysicalNames
from bedrock_eval_cdk.core.context import Identity
from bedrock_eval_cdk.monitoring.alarm_policy import AlarmPolicy
from bedrock_eval_cdk.monitoring.alarms import AlarmFactory
from bedrock_eval_cdk.monitoring.routing import Notified, shard
from constructs import Construct
from local.emulator.cloudwatch import limits
from tests.support.metric_math import digits, said
from tests.support.synthesis.monitoring import (
    PREFIX,
    RUNBOOK,
    alarm_series,
    environment,
    owner,
    synthesize,
    tenant,
    watchful,
)

RUNBOOK_FILE = Path(__file__).parents[3] / "docs" / "runbook.md"
# Under which dimensions a metric is; that of the delivery of logs is in the catalogue with both that AWS may use.
SETS = {
    (entry.namespace, entry.name): [
        set(each.dimensions) for each in catalogue.FIXED if (each.namespace, each.name) == (entry.namespace, entry.name)
    ]
    for entry in catalogue.FIXED
}
THRESHOLDS = Thresholds(output_tokens_per_second=None)

MODEL_KINDS = {
    *("latency-p90", "output-speed", "server-errors", "client-errors", "throttles", "throttle-count", "legacy-model"),
    "model-interventions",
}
EVALUATION_ALARMS = {
    "run-failed-quality",
    "run-overdue-quality",
    "run-failed-by-hand",
    "coverage-quality-haiku",
    "coverage-quality-nova-short",
    "coverage-by-hand-nova",
    "verdict-quality-haiku-relevance_score",
    "verdict-quality-haiku-response_length",
    "verdict-quality-nova-short-relevance_score",
    "verdict-quality-nova-short-response_length",
    "executions-failed",
    "dead-letters",
    "watchdog-silent",
    "undelivered",
    "subscribers-missing",
    "subscribers-pending",
    "actions-failed",
    # Of every declared model, whatever is known of its end at synth.
    "end-of-life-haiku",
    "end-of-life-nova",
    "formatter-errors",
}
# Of the account, and of evaluations that have profiles of their own.
ACCOUNT_ALARMS = {
    *("log-delivery", "unwatched-models", "unread-metrics"),
    *("metrics-differ-quality", "metrics-differ-by-hand"),
}


def kind_of(name: str) -> AlarmKind:
    """The kind of an alarm by its name; no kind's name begins with another's and a dash."""
    (kind,) = [kind for kind in KINDS.values() if f"{name}-".startswith(f"{PREFIX}-{kind.name}-")]
    return kind


ACTIONS = ("AlarmActions", "OKActions")
MADE = {"owner": owner, "tenant": tenant, "watchful": watchful}


def each_alarm() -> Iterator[dict[str, Any]]:
    """Every alarm of all environments."""
    return chain.from_iterable(made().alarms.values() for made in MADE.values())


def severity_of(alarm: dict[str, Any]) -> Severity:
    """As its description says."""
    (severity,) = [each for each in Severity if alarm["AlarmDescription"].startswith(f"[{each}] ")]
    return severity


def test_owner_has_an_alarm_for_each_subject_of_each_kind() -> None:
    models = {f"{kind}-{model}" for kind in MODEL_KINDS for model in ("haiku", "nova")}
    expected = {f"{PREFIX}-{name}" for name in models | EVALUATION_ALARMS | ACCOUNT_ALARMS}
    assert set(owner().alarms) == expected


def test_who_does_not_own_the_account_has_no_alarm_on_its_figures() -> None:
    assert set(tenant().alarms) == {f"{PREFIX}-{name}" for name in EVALUATION_ALARMS}
    assert catalogue.BEDROCK not in {alarm_series(alarm).namespace for alarm in tenant().alarms.values()}
    assert f'"{catalogue.BEDROCK}"' not in json.dumps(tenant().alarms)


def test_log_delivery_is_not_watched_by_who_does_not_log() -> None:
    without = synthesize(environment(invocation_logging={"mode": "none"}))
    of_the_log = {"log-delivery", *(f"model-interventions-{model}" for model in ("haiku", "nova"))}
    assert set(owner().alarms) - set(without.alarms) == {f"{PREFIX}-{name}" for name in of_the_log}


class TestEveryAlarm:
    @pytest.mark.parametrize("name", MADE)
    def test_is_routed(self, name: str) -> None:
        made = MADE[name]()
        topics = {found["TopicName"]: logical_id for logical_id, found in made.resources("AWS::SNS::Topic").items()}
        topic = [f"<{topics[f'{PREFIX}-alarms']}>"]
        told = {**made.alarms, **made.composites}
        own = told.pop(f"{PREFIX}-formatter-errors")
        # It rings past the formatter; what is over the formatter says, as soon as it can.
        assert (own["AlarmActions"], own["OKActions"]) == ([f"<{topics[f'{PREFIX}-messages']}>"], topic)
        speaking = {
            each for each, alarm in told.items() if alarm.get("AlarmActions") == alarm.get("OKActions") == topic
        }
        silent = {each for each, alarm in told.items() if not {*ACTIONS} & set(alarm)}
        assert speaking | silent == set(told)
        assert set(made.composites) <= speaking
        assert silent == set().union(*map(made.children, made.composites))
        assert all(alarm.get("ActionsEnabled", True) is True for alarm in told.values())

    def test_says_what_happened_where_to_look_and_where_it_is_written(self, subtests: pytest.Subtests) -> None:
        for alarm in each_alarm():
            with subtests.test(alarm=alarm["AlarmName"]):
                kind, text = kind_of(alarm["AlarmName"]), alarm["AlarmDescription"]
                assert severity_of(alarm)
                assert f"\nCheck: {kind.look_at}\n" in text
                assert f"\nOwner: Team Search\nDashboard: {PREFIX}\n" in text
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

    @pytest.mark.parametrize("name", MADE)
    def test_is_within_the_limits_of_cloudwatch_that_the_emulator_knows(self, name: str) -> None:
        made, topic = MADE[name](), ["arn:aws:sns:eu-central-1:111122223333:topic"]
        for alarm in made.alarms.values():
            limits.check_alarm({**alarm, **dict.fromkeys({*ACTIONS} & set(alarm), topic)})
        for composite in made.composites.values():
            limits.check_composite({**composite, **dict.fromkeys(ACTIONS, topic)})

    def test_sets_no_unit(self, subtests: pytest.Subtests) -> None:
        for alarm in each_alarm():
            with subtests.test(alarm=alarm["AlarmName"]):
                assert '"Unit"' not in json.dumps(alarm)

    def test_watches_metrics_of_the_catalogue_with_their_statistic(self, subtests: pytest.Subtests) -> None:
        for alarm in each_alarm():
            with subtests.test(alarm=alarm["AlarmName"]):
                series = alarm_series(alarm)
                for part in series.parts or {series}:
                    assert {name for name, _ in part.dimensions} in SETS[part.namespace or "", part.name or ""]
                    assert all(value for _, value in part.dimensions)
                    read = {(each.name, each.statistic) for each in kind_of(alarm["AlarmName"]).metrics.values()}
                    assert (part.name, part.statistic) in read

    def test_compares_as_its_kind_says(self, subtests: pytest.Subtests) -> None:
        for alarm in each_alarm():
            with subtests.test(alarm=alarm["AlarmName"]):
                assert alarm["ComparisonOperator"] == kind_of(alarm["AlarmName"]).comparison.value


def test_policies_by_kind() -> None:
    policies = {kind.name: kind.missing_data for kind in KINDS.values()}
    assert {name for name, policy in policies.items() if policy is MissingData.RUN} == {
        *("verdict", "inconclusive", "coverage", "run-failed", "jobs-left", "end-of-life", "dead-letters"),
        *("subscribers-missing", "subscribers-pending", "budget-blind"),
        *("unwatched-models", "unread-metrics", "metrics-differ"),
    }
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
    (dimensions,) = {part.dimensions for part in alarm_series(owner().alarms[f"{PREFIX}-latency-p90-haiku"]).parts}
    assert dimensions == (("ModelId", "eu.anthropic.claude-haiku-5-5"),)


def test_a_verdict_is_found_by_the_dimensions_it_is_published_with() -> None:
    assert dict(alarm_series(owner().alarms[f"{PREFIX}-verdict-quality-nova-short-relevance_score"]).dimensions) == {
        "Application": "shop",
        "Evaluation": "quality",
        "Candidate": "nova-short",
        "Metric": "relevance_score",
    }


@pytest.mark.parametrize(
    "kind", [kinds.VERDICT, kinds.RUN_FAILED, kinds.COVERAGE, kinds.JOBS_LEFT], ids=lambda kind: kind.name
)
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
            "IF(SUM([FILL(i,0), FILL(t,0)]) >= 25, 100*SUM([FILL(t,0), 0*FILL(i,0)])/SUM([FILL(i,0), FILL(t,0)]), 0)"
        )

    @pytest.mark.parametrize("name", ["throttles-haiku", "server-errors-haiku", "client-errors-haiku"])
    def test_alarm_has_it_with_the_floor_of_the_environment(self, name: str) -> None:
        series = alarm_series(owner().alarms[f"{PREFIX}-{name}"])
        assert series.expression is not None
        assert re.search(r"^IF\(SUM\(\[FILL\(i,0\), FILL\(([sct]),0\)\]\) >= 25, ", series.expression)
        assert {part.statistic for part in series.parts} == {"Sum"}
        assert len(series.parts) == 2

    @given(invocations=st.none() | st.integers(0, 10**6), throttles=st.none() | st.integers(0, 10**6))
    def test_is_a_per_cent_and_nothing_below_the_floor(self, invocations: int | None, throttles: int | None) -> None:
        everything = (invocations or 0) + (throttles or 0)
        right = digits(100 * (throttles or 0) / everything) if everything >= 20 else 0
        values = {"i": invocations, "t": throttles}
        alarmed = said(guarded_rate("t").format(floor=20), values)
        unpublished = {None} if (invocations, throttles) == (None, None) else set()
        assert alarmed - unpublished <= {right}
        drawn = said(judged_rate("t").format(floor=20), values)
        assert drawn == {right if everything >= 20 else None}

    def test_rings_for_a_model_that_is_throttled_throughout(self) -> None:
        assert said(guarded_rate("t").format(floor=20), {"i": None, "t": 40}) == {100}

    @pytest.mark.parametrize("invocations", [None, 40], ids=["successes only", "every request"])
    def test_total_failure_passes_every_limit_that_an_environment_may_set(self, invocations: int | None) -> None:
        """Whatever AWS counts as an invocation."""
        (rate,) = said(guarded_rate("s").format(floor=20), {"i": invocations, "s": 40})
        assert rate is not None
        assert rate >= TOTAL_FAILURE_PERCENT
        for key in ("server_error_percent", "client_error_percent"):
            environment(alarms={key: TOTAL_FAILURE_PERCENT - 0.001})
            with pytest.raises(ValidationError):
                environment(alarms={key: TOTAL_FAILURE_PERCENT})


class TestEveryKind:
    """What the table promises, on the environment that has every kind."""

    def test_all_kinds_but_the_one_that_is_off_are_made(self) -> None:
        # One is about evaluations by jobs alone, of which this environment has none.
        assert {kind_of(name).name for name in watchful().alarms} == set(KINDS) - {"throttles", "jobs-left"}

    def test_by_default_nothing_is_made_that_nobody_asked_for(self) -> None:
        made = {kind_of(name).name for name in owner().alarms}
        assert not made & {
            *("inconclusive", "latency-anomaly", "tokens-per-hour", "tokens-per-day", "cost-per-hour", "cost-per-day"),
            *("unpriced-tokens", "quota-tokens", "quota-requests", "guardrail-interventions", "budget-blind"),
        }

    def test_severities_are_those_of_the_table_where_the_environment_says_nothing(self) -> None:
        found = {kind_of(name).name: severity_of(alarm) for name, alarm in watchful().alarms.items()}
        given = {"inconclusive": Severity.WARNING, "latency-p90": Severity.CRITICAL}
        assert found == {name: KINDS[name].severity for name in found} | given
        assert {name for name, kind in KINDS.items() if kind.severity is Severity.CRITICAL} == {
            *(
                "server-errors",
                "log-delivery",
                "run-failed",
                "dead-letters",
                "undelivered",
                "subscribers-missing",
                "actions-failed",
                "formatter-errors",
                "verdict",
                "run-overdue",
            ),
            "watchdog-silent",
        }

    @pytest.mark.parametrize(
        ("name", "threshold", "window"),
        [
            ("latency-p90-haiku", 10_000, (300, 3, 5)),
            ("latency-p90-old", 30_000, (300, 3, 5)),
            ("output-speed-haiku", 44, (300, 3, 5)),
            ("quota-tokens-nova", 80, (60, 3, 5)),
            ("quota-requests-haiku", 80, (60, 3, 5)),
            ("tokens-per-hour-nova", 1_000_000, (3600, 1, 1)),
            ("tokens-per-day-old", 5_000_000, (86_400, 1, 1)),
            ("cost-per-hour-haiku", 2.5, (3600, 1, 1)),
            ("cost-per-day-old", 10, (86_400, 1, 1)),
            ("unpriced-tokens-nova", 1, (86_400, 1, 1)),
            ("legacy-model-haiku", 1, (3600, 1, 24)),
            ("end-of-life-old", 60, (3600, 1, 1)),
            ("guardrail-interventions-pii", 20, (300, 3, 5)),
            ("model-interventions-nova", 20, (300, 3, 5)),
            ("coverage-quality-haiku", 0.9, (3600, 1, 24)),
            ("inconclusive-quality-haiku-relevance_score", 1, (86_400, 4, 7)),
        ],
    )
    def test_thresholds_and_windows(self, name: str, threshold: float, window: tuple[int, int, int]) -> None:
        alarm = watchful().alarms[f"{PREFIX}-{name}"]
        assert alarm["Threshold"] == threshold
        assert (alarm_series(alarm).period, alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"]) == window
        assert figure(threshold) in alarm["AlarmDescription"] or threshold == 1

    def test_cost_is_watched_where_there_are_rates_and_the_rest_is_told(self) -> None:
        subjects = {
            kind: {name.removeprefix(f"{PREFIX}-{kind}-") for name in watchful().alarms if f"-{kind}-" in name}
            for kind in ("cost-per-day", "unpriced-tokens")
        }
        # haiku has a rate for each kind of token, nova none at all, old none for cached tokens.
        assert subjects == {"cost-per-day": {"haiku", "old"}, "unpriced-tokens": {"nova", "old"}}
        unpriced = {part.name for part in alarm_series(watchful().alarms[f"{PREFIX}-unpriced-tokens-old"]).parts}
        assert unpriced == {"CacheReadInputTokenCount", "CacheWriteInputTokenCount"}

    def test_cost_is_that_of_the_rates(self) -> None:
        expression = alarm_series(watchful().alarms[f"{PREFIX}-cost-per-day-haiku"]).expression or ""
        tokens = {"input_tokens": 3_000_000, "output_tokens": 1_000_000, "cache_read_tokens": None}
        assert said(expression, {**tokens, "cache_write_tokens": 400_000}) == {3 * 1 + 5 + 0.5}

    def test_tokens_of_all_kinds_count(self) -> None:
        expression = alarm_series(watchful().alarms[f"{PREFIX}-tokens-per-hour-nova"]).expression or ""
        tokens = {"input_tokens": 1, "output_tokens": 20, "cache_read_tokens": 300, "cache_write_tokens": None}
        assert said(expression, tokens) == {321}

    def test_a_quota_is_used_under_the_models_id_and_its_profile(self) -> None:
        series = alarm_series(watchful().alarms[f"{PREFIX}-quota-tokens-nova"])
        ids = sorted(value for part in series.parts for _, value in part.dimensions)
        assert ids[1] == "amazon.nova-lite-v1:0"
        assert "profiles" in ids[0]
        assert said(series.expression or "", {"q0": 300, "q1": 550}) == {85}
        assert said(series.expression or "", {"q0": None, "q1": 550}) == {55}
        assert said(series.expression or "", {"q0": None, "q1": None}) == {0, None}
        (alone,) = alarm_series(watchful().alarms[f"{PREFIX}-quota-requests-haiku"]).parts
        assert (alone.name, alone.statistic, alone.period) == ("Invocations", "Sum", 60)

    @pytest.mark.parametrize(
        ("latency", "first", "tokens", "requests", "speed"),
        [
            (2500, 500, 100, 20, 50),
            (2500, 500, 100, 19, 44),  # below the floor: at the threshold, which is not below itself
            (2500, 500, 100, None, 44),
            (500, 500, 100, 20, 44),  # nothing was decoded
            (2500, 500, None, 20, 44),  # the tokens have not arrived: not 0 a second
        ],
    )
    def test_output_speed_is_the_documented_one_from_the_floor_on(
        self, latency: float, first: float, tokens: float | None, requests: int | None, speed: float
    ) -> None:
        series = alarm_series(watchful().alarms[f"{PREFIX}-output-speed-nova"])
        values = {"m1": latency, "m2": tokens, "m3": None if requests is None else first, "n": requests}
        unpublished = {None} if None in (tokens, requests) else set()
        assert said(series.expression or "", values) - unpublished == {speed}
        assert "m2/(m1-m3)*1000" in (series.expression or "")

    @given(invocations=st.none() | st.integers(0, 10**6), share=st.floats(0, 1))
    def test_interventions_are_a_share_of_the_invocations(self, invocations: int | None, share: float) -> None:
        intervened = None if invocations is None else int(invocations * share)
        expression = str(kinds.GUARDRAIL_INTERVENTIONS.expression).format(floor=20)
        found = said(expression, {"i": invocations, "v": intervened})
        expected = 100 * (intervened or 0) / invocations if invocations is not None and invocations >= 20 else 0
        assert found - ({None} if invocations is None else set()) == {digits(expected)}

    def test_guardrail_is_known_by_arn_and_version(self) -> None:
        series = alarm_series(watchful().alarms[f"{PREFIX}-guardrail-interventions-pii"])
        (dimensions,) = {part.dimensions for part in series.parts}
        assert dict(dimensions) == {
            "GuardrailArn": "arn:<AWS::Partition>:bedrock:eu-central-1:111122223333:guardrail/abc1def2",
            "GuardrailVersion": "3",
        }

    @pytest.mark.parametrize(
        ("model", "id_", "arn"),
        [
            (
                "haiku",
                "eu.anthropic.claude-haiku-5-5",
                "<AWS::AccountId>:inference-profile/eu.anthropic.claude-haiku-5-5",
            ),
            ("old", "anthropic.claude-opus-4-1-20250805-v1:0", ":eu-central-1::foundation-model/"),
            ("nova", None, "<AWS::AccountId>:application-inference-profile/"),
        ],
    )
    def test_interventions_are_read_under_what_a_call_may_name(self, model: str, id_: str | None, arn: str) -> None:
        series = alarm_series(watchful().alarms[f"{PREFIX}-model-interventions-{model}"])
        logged = [dict(each.dimensions)["ModelId"] for each in series.parts if each.name == "guardrail_interventions"]
        by_arn, by_id = sorted(logged, key=lambda each: not each.startswith("arn:"))
        (requests,) = [dict(each.dimensions)["ModelId"] for each in series.parts if each.name == "Invocations"]
        assert by_id == requests
        assert id_ in (None, by_id)
        assert arn in by_arn
        assert by_arn.endswith(by_id)

    def test_interventions_of_profiles_are_alarmed_on_where_another_environment_logs(self) -> None:
        models = {
            "haiku": {"id": "eu.anthropic.claude-haiku-5-5", "profile": True},
            "nova": {"id": "amazon.nova-lite-v1:0"},
        }
        made = synthesize(environment(owns_account=False, models=models))
        found = {name for name in made.alarms if "model-interventions" in name}
        assert found == {f"{PREFIX}-model-interventions-haiku"}

    def test_nothing_is_alarmed_on_that_nobody_counts(self) -> None:
        made = synthesize(environment(invocation_logging={"mode": "none"}))
        assert not [name for name in made.alarms if "model-interventions" in name]

    @pytest.mark.parametrize(
        ("requests", "by_id", "by_arn", "per_cent"),
        [
            (100, 10, 15, 25),
            (100, None, 25, 25),
            # Below the floor, and without a call.
            (10, 10, None, 0),
            (None, None, None, 0),
            # Blocked calls are not among the requests, if AWS means it so.
            (None, 40, None, 100),
            (30, 20, 20, 100),
        ],
    )
    def test_the_share_of_interventions_is_right_whatever_a_request_is(
        self, requests: int | None, by_id: int | None, by_arn: int | None, per_cent: float
    ) -> None:
        values = {"i": requests, "g": by_id, "h": by_arn}
        alarmed, drawn = kinds.MODEL_INTERVENTIONS.expression, kinds.MODEL_INTERVENTIONS.drawn
        judged = max(requests or 0, (by_id or 0) + (by_arn or 0)) >= 20
        unpublished = {None} if values == {"i": None, "g": None, "h": None} else set()
        assert said(str(alarmed).format(floor=20), values) - unpublished <= {per_cent}
        assert said(str(drawn).format(floor=20), values) == {per_cent if judged else None}

    @pytest.mark.parametrize(
        ("queue", "watchdog", "letters"), [(0, None, 0), (None, 2, 2), (1, 0, 1), (0, 3, 3), (None, None, None)]
    )
    def test_letters_are_the_larger_count_and_unknown_where_both_are(
        self, queue: int | None, watchdog: int | None, letters: int | None
    ) -> None:
        series = alarm_series(owner().alarms[f"{PREFIX}-dead-letters"])
        assert {part.name for part in series.parts} == {"ApproximateNumberOfMessagesVisible", "dead_letters"}
        assert said(series.expression or "", {"m": queue, "d": watchdog}) == {letters}

    @pytest.mark.parametrize(("limit", "written"), [(1e-7, "0.0000001"), (44, "44"), (2.5, "2.5")])
    def test_metric_math_holds_no_exponent(self, limit: float, written: str) -> None:
        factory = factory_in(stack := Stack(App(), "stack"))
        thresholds = replace(THRESHOLDS, output_tokens_per_second=limit)
        factory.make(kinds.OUTPUT_SPEED, "a", dimensions={"ModelId": "a"}, thresholds=thresholds)
        factory.route()
        (alarm,) = assertions.Template.from_stack(stack).find_resources("AWS::CloudWatch::Alarm").values()
        (expression,) = [each["Expression"] for each in alarm["Properties"]["Metrics"] if "Expression" in each]
        assert expression.endswith(f"*1000, {written})")
        assert alarm["Properties"]["Threshold"] == limit

    def test_a_band_is_the_threshold_of_the_anomaly_alarm(self) -> None:
        alarm = watchful().alarms[f"{PREFIX}-latency-anomaly-haiku"]
        (band,) = [query for query in alarm["Metrics"] if query["Id"] == alarm["ThresholdMetricId"]]
        assert re.fullmatch(r"ANOMALY_DETECTION_BAND\(\w+, 2\)", band["Expression"])
        assert {part.statistic for part in alarm_series(alarm).parts} == {"p90", "SampleCount"}
        assert "Threshold" not in alarm

    @pytest.mark.parametrize("kind", [kinds.LATENCY_P90, kinds.LATENCY_ANOMALY], ids=["static", "anomaly"])
    @pytest.mark.parametrize(("requests", "judged"), [(None, False), (3, False), (24, False), (25, True), (9000, True)])
    def test_a_latency_is_judged_from_as_many_requests_on_as_a_rate(
        self, kind: kinds.AlarmKind, requests: int | None, judged: bool
    ) -> None:
        """The slowest tenth of three calls is one call. Below the floor the anomaly has no value, as with none."""
        expression = str(kind.expression).format(floor=25)
        found = said(expression, {"l": None if requests is None else 60_000, "n": requests})
        below = {None} if kind is kinds.LATENCY_ANOMALY else {0, None} if requests is None else {0}
        assert found == ({60_000} if judged else below)
        for name in ("haiku", "nova", "old"):
            series = alarm_series(watchful().alarms[f"{PREFIX}-{kind.name}-{name}"])
            floor = 3 if name == "old" else 20
            assert series.expression == str(kind.expression).format(floor=floor)

    def test_every_percentile_that_rings_has_a_floor(self) -> None:
        """A percentile of few values is one of them."""
        for name, alarm in watchful().alarms.items():
            series = alarm_series(alarm)
            statistics = {part.statistic for part in series.parts or {series}}
            if any(str(each).startswith("p") for each in statistics):
                assert "SampleCount" in statistics, name

    @pytest.mark.parametrize(("verdict", "counted"), [(0, 0), (1, 0), (2, 1), (3, 0)])
    def test_inconclusive_is_neither_good_nor_bad(self, verdict: int, counted: int) -> None:
        expression = alarm_series(watchful().alarms[f"{PREFIX}-inconclusive-quality-haiku-relevance_score"]).expression
        assert said(expression or "", {"v": verdict}) == {counted}
        assert said(expression or "", {"v": None}) == {None}, "no run decides nothing and leaves what stands"

    def test_a_profile_of_its_own_is_watched_by_who_does_not_own_the_account(self) -> None:
        models = {
            "haiku": {"id": "eu.anthropic.claude-haiku-5-5"},
            "nova": {"id": "amazon.nova-lite-v1:0", "profile": True},
        }
        made = synthesize(environment(owns_account=False, models=models))
        assert {name for name in made.alarms if "-server-errors-" in name} == {f"{PREFIX}-server-errors-nova"}

    @pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
    def test_row_of_the_table_holds_together(self, kind: AlarmKind) -> None:
        kind.window.check()
        assert all(set(entry.dimensions) in SETS[entry.namespace, entry.name] for entry in kind.metrics.values())
        assert (kind.expression is not None) or len(kind.metrics) == 1 or kind.name.startswith(("cost-", "unpriced-"))
        assert kind.unless is None or kind.unless in KINDS
        assert not [other for other in KINDS if other.startswith(f"{kind.name}-")]
        assert not kind.name.startswith(tuple(Severity)), "composites begin with a severity"


class TestComposites:
    def test_one_incident_of_one_subject_tells_once_a_severity(self) -> None:
        found = {name: owner().children(name) for name in owner().composites}
        assert found == {
            f"{PREFIX}-warning-service-{model}": {
                f"{PREFIX}-{kind}-{model}"
                for kind in ("latency-p90", "output-speed", "client-errors", "throttles", "throttle-count")
            }
            for model in ("haiku", "nova")
        } | {
            f"{PREFIX}-critical-quality-quality-{candidate}": {
                f"{PREFIX}-verdict-quality-{candidate}-{metric}" for metric in ("relevance_score", "response_length")
            }
            for candidate in ("haiku", "nova-short")
        } | {f"{PREFIX}-critical-run-quality": {f"{PREFIX}-run-failed-quality", f"{PREFIX}-run-overdue-quality"}}

    @pytest.mark.parametrize("name", MADE)
    def test_children_share_severity_and_stand_alone_kinds_have_no_composite(self, name: str) -> None:
        made = MADE[name]()
        for composite, properties in made.composites.items():
            children = [made.alarms[child] for child in made.children(composite)]
            assert {severity_of(child) for child in children} == {severity_of(properties)}
            assert len({kind_of(child).incident for child in made.children(composite)} - {None}) == 1
        inside = {kind_of(child).name for composite in made.composites for child in made.children(composite)}
        # These may stand for weeks, or are an incident each.
        assert not inside & {
            *("legacy-model", "end-of-life", "unpriced-tokens", "log-delivery", "dead-letters", "watchdog-silent"),
            *("executions-failed", "guardrail-interventions", "model-interventions"),
        }

    def test_a_silent_watchdog_is_told_once_and_not_for_every_evaluation(self) -> None:
        rule = owner().composites[f"{PREFIX}-critical-run-quality"]["AlarmRule"]
        silent, overdue = f'ALARM("{PREFIX}-watchdog-silent")', f'ALARM("{PREFIX}-run-overdue-quality")'
        assert rule == f'ALARM("{PREFIX}-run-failed-quality") OR ({overdue} AND NOT {silent})'
        # It rings before what it explains.
        watchdog, run = kinds.WATCHDOG_SILENT.window, kinds.RUN_OVERDUE.window
        assert watchdog.seconds * watchdog.datapoints < run.seconds * run.datapoints

    def test_without_an_alarm_on_the_watchdog_nothing_explains(self) -> None:
        made = synthesize(environment(alarms={"severity": {"watchdog-silent": "off"}}))
        assert "NOT" not in made.composites[f"{PREFIX}-critical-run-quality"]["AlarmRule"]

    def test_children_come_before_their_composite(self) -> None:
        resources = owner().template["Resources"]
        logical = {each["Properties"]["AlarmName"]: name for name, each in resources.items() if "Alarm" in each["Type"]}
        for name, composite in owner().composites.items():
            named = re.findall(r'"([^"]+)"', composite["AlarmRule"])
            assert {logical[child] for child in named} <= set(resources[logical[name]]["DependsOn"])

    def test_description_names_the_kinds_dashboard_and_runbook(self) -> None:
        text = owner().composites[f"{PREFIX}-critical-run-quality"]["AlarmDescription"]
        assert text.startswith(
            "[critical] Run of quality: at least one of these is in alarm: run-failed, run-overdue. "
        )
        assert text.endswith(f"Owner: Team Search\nDashboard: {PREFIX}\nRunbook: {RUNBOOK}#incidents")

    @given(st.lists(st.integers(20, 268), max_size=400))
    def test_shards_keep_the_limits_and_lose_nothing(self, sizes: list[int]) -> None:
        terms = [f'ALARM("{place:0{size}}")' for place, size in enumerate(sizes)]
        shards = list(shard(terms))
        assert [term for part in shards for term in part] == terms
        assert all(len(part) <= 100 and len(" OR ".join(part)) <= 10_240 for part in shards)

    def test_both_alarms_of_a_term_are_children(self) -> None:
        terms = [f'(ALARM("a{place}") AND NOT ALARM("b"))' for place in range(70)]
        assert [len(part) for part in shard(terms)] == [50, 20]


MANY_MODELS, MANY_EVALUATIONS, MANY_GATES = 60, 12, 230


@cache
def very_many() -> dict[str, dict[str, dict[str, Any]]]:
    """Alarms of more models, evaluations and gates than a stack could hold: properties by type and name."""
    stack = Stack(App(context={"@aws-cdk/core:stackResourceLimit": 0}), "stack")
    factory = factory_in(stack)
    for number in range(MANY_MODELS):
        for kind in (kinds.LATENCY_P90, kinds.SERVER_ERRORS, kinds.CLIENT_ERRORS, kinds.THROTTLE_COUNT):
            factory.make(kind, f"model-{number}", dimensions={"ModelId": f"eu.model-{number}"})
    factory.make(kinds.WATCHDOG_SILENT, dimensions={"Application": "shop"})
    for number in range(MANY_EVALUATIONS):
        evaluation = {"Application": "shop", "Evaluation": f"evaluation-{number}"}
        for kind in (kinds.RUN_FAILED, kinds.RUN_OVERDUE):
            factory.make(kind, f"evaluation-{number}", dimensions=evaluation)
    of_candidate = {"Application": "shop", "Evaluation": "evaluation-0", "Candidate": "a"}
    for number in range(MANY_GATES):
        metric = f"{'metric_with_a_long_name_' * 3}{number}"
        factory.make(kinds.VERDICT, "evaluation-0", "a", metric, dimensions={**of_candidate, "Metric": metric})
    factory.route()
    template = assertions.Template.from_stack(stack)
    return {
        kind: {
            each["Properties"]["AlarmName"]: each["Properties"]
            for each in template.find_resources(f"AWS::CloudWatch::{kind}").values()
        }
        for kind in ("Alarm", "CompositeAlarm")
    }


def factory_in(stack: Stack) -> AlarmFactory:
    """A factory of its own, with a topic."""
    return AlarmFactory(
        stack,
        policy=AlarmPolicy(
            Identity(
                application="shop",
                environment="dev",
                names=PhysicalNames(PREFIX),
                owner="Team",
                runbook_url=RUNBOOK,
            ),
            THRESHOLDS,
            first_data=Construct(stack, "First"),
        ),
        notified=Notified(sns.Topic(stack, "Topic")),
    )


class TestVeryMany:
    def test_every_composite_is_within_the_limits(self) -> None:
        composites = very_many()["CompositeAlarm"]
        topic = ["arn:aws:sns:eu-central-1:111122223333:topic"]
        for composite in composites.values():
            assert len(named(composite["AlarmRule"])) <= 100
            assert len(composite["AlarmRule"]) <= 10_240
            limits.check_composite({**composite, **dict.fromkeys(ACTIONS, topic)})
        shards = {name for name in composites if "critical-quality-evaluation-0-a-part-" in name}
        assert len(shards) > 2

    def test_every_alarm_tells_by_itself_or_is_told_of_once(self) -> None:
        alarms = very_many()["Alarm"]
        assert len(alarms) == 4 * MANY_MODELS + 1 + 2 * MANY_EVALUATIONS + MANY_GATES
        told = [
            name
            for composite in very_many()["CompositeAlarm"].values()
            for name in ringing(
                composite["AlarmRule"], dict.fromkeys(set(alarms) - {f"{PREFIX}-watchdog-silent"}, ALARM)
            )
        ]
        assert len(told) == len(set(told))
        assert set(told) == {name for name, alarm in alarms.items() if "AlarmActions" not in alarm}
        # Each model has a composite of its warnings, and its only critical alarm tells by itself.
        assert sum("-warning-service-model-" in name for name in very_many()["CompositeAlarm"]) == MANY_MODELS

    def test_one_incident_is_told_once(self) -> None:
        """A failed run of one evaluation rings one composite, whichever alarms of it join."""
        failed = {f"{PREFIX}-run-failed-evaluation-3": ALARM, f"{PREFIX}-run-overdue-evaluation-3": ALARM}
        rings = [name for name, each in very_many()["CompositeAlarm"].items() if ringing(each["AlarmRule"], failed)]
        assert rings == [f"{PREFIX}-critical-run-evaluation-3"]


class TestRefusals:
    def factory(self) -> AlarmFactory:
        return factory_in(Stack(App(), "stack"))

    def test_two_subjects_of_one_name(self) -> None:
        factory = self.factory()
        dimensions = {"Application": "shop", "Evaluation": "a"}
        factory.make(kinds.RUN_FAILED, "a-b", "c", dimensions=dimensions)
        with pytest.raises(ValueError, match=r"run-failed-a-b-c would be about both \(a-b, c\) and \(a, b-c\)"):
            factory.make(kinds.RUN_FAILED, "a", "b-c", dimensions=dimensions)

    def test_a_description_that_is_too_long(self) -> None:
        with pytest.raises(
            ValueError, match=r"alarm .* has \d{4} characters with owner and runbook_url; allowed: 1024"
        ):
            self.factory().make(kinds.WATCHDOG_SILENT, dimensions={"Application": "shop"}, about="x" * 1024)

    def test_a_name_that_is_too_long(self) -> None:
        with pytest.raises(ValueError, match="allowed: 255"):
            self.factory().make(kinds.WATCHDOG_SILENT, "x" * 255, dimensions={"Application": "shop"})

    def test_a_dimension_without_a_value(self) -> None:
        with pytest.raises(ValueError, match="watchdog_heartbeat: no value for dimension Application"):
            self.factory().make(kinds.WATCHDOG_SILENT, dimensions={})

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

    def test_says_which_incidents_there_are_and_where_composites_link_to(self) -> None:
        (entry,) = re.findall(r"^## Incidents\n(.*?)(?=^## )", self.text, re.MULTILINE | re.DOTALL)
        assert set(re.findall(r"^\| `(\w+)` \|", entry, re.MULTILINE)) == set(Incident)

    @pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
    def test_entry_says_meaning_where_to_look_what_to_do_and_how(self, kind: AlarmKind) -> None:
        entry = self.entries[kind.name]
        assert re.match(rf"{(kind.severity or Severity.WARNING).capitalize()}[.,] ", entry.strip())
        assert "Check" in entry
        assert "Do this" in entry
        assert "```" in entry or re.search(r"^Query `", entry, re.MULTILINE)

    def test_commands_use_names_that_exist(self) -> None:
        names = PhysicalNames("$PREFIX")
        known = {
            names.state_machine,
            names.jobs_state_machine,
            names.custom_evaluator,
            names.evaluation_jobs,
            names.watchdog,
            names.alarm_formatter,
            names.messages_topic,
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

    def test_thresholds_of_the_environment_are_named_by_their_kinds(self) -> None:
        named = {name for name in self.entries if "`alarms." in self.entries[name]}
        one = Thresholds(**{field.name: 1 for field in fields(Thresholds)})
        two = Thresholds(**{field.name: 2 for field in fields(Thresholds)})
        assert named >= {
            kind.name for kind in KINDS.values() if kind.threshold and kind.threshold(one) != kind.threshold(two)
        }
