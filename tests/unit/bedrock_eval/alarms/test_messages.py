import json
import re
from html import unescape
from typing import Any

import pytest

from bedrock_eval.alarms import messages, records
from bedrock_eval.alarms.kinds import KINDS, AlarmKind
from bedrock_eval.alarms.messages import Place
from bedrock_eval.alarms.records import Run
from tests.support.aws.notifications import RATE, VERDICT

PLACE = Place(region="eu-central-1", bucket="results", prefix="shop-prod", runbook="https://example.com/runbook.md")
SINCE = "2026-11-24T06:04:10+00:00"


def compose(notification: dict[str, Any], *, run: Run | None = None) -> messages.Message:
    alarm = records.notified_alarm(notification)
    return messages.compose(messages.tell(alarm, place=PLACE, run=run), cloudwatch=notification)


class TestAlarm:
    def test_a_ringing_gate_says_what_and_where(self) -> None:
        message = compose(VERDICT, run=Run("20261124T060000Z", finished=True, reported=True))
        assert message.subject == "CRITICAL rings: shop-prod-verdict-support-nova-relevance_score"
        text = message.text
        assert text.startswith(
            "critical: shop-prod-verdict-support-nova-relevance_score rings since 2026-11-24 06:04 UTC.\n\n"
            "A gate has failed: relevance_score (min 0.5) of nova in evaluation support."
        )
        assert (
            "It rings at or above 3 (failed or worse), in 1 of 24 periods of 1 h. Threshold Crossed: 1 out of" in text
        )
        assert "\nLook at: the run's report.html, and what changed" in text
        assert "\nOwner: Team Search\nNewest run: 20261124T060000Z\n" in text
        assert "\nRunbook: https://example.com/runbook.md#verdict\n" in text

    def test_links_lead_to_run_report_dashboard_runbook_and_alarm(self) -> None:
        found = json.loads(compose(VERDICT, run=Run("20261124T060000Z", finished=True, reported=True)).to_json())[
            "links"
        ]
        console = "https://eu-central-1.console.aws.amazon.com"
        assert found == {
            "runbook": "https://example.com/runbook.md#verdict",
            "run": f"{console}/s3/buckets/results?region=eu-central-1&prefix=runs/support/20261124T060000Z/",
            "report": f"{console}/s3/object/results?region=eu-central-1"
            "&prefix=runs/support/20261124T060000Z/report.html",
            "dashboard": f"{console}/cloudwatch/home?region=eu-central-1#dashboards/dashboard/shop-prod",
            "alarm": f"{console}/cloudwatch/home?region=eu-central-1"
            "#alarmsV2:alarm/shop-prod-verdict-support-nova-relevance_score",
        }

    def test_a_run_without_a_report_has_no_link_to_one(self) -> None:
        found = json.loads(compose(VERDICT, run=Run("20261124T060000Z", finished=False, reported=False)).to_json())
        assert "report" not in found["links"]
        assert found["run_id"] == "20261124T060000Z"

    def test_a_run_that_failed_says_why_while_it_rings(self) -> None:
        run = Run("20261124T060000Z", finished=False, reported=False, failure="job_failed: No access.")
        message = compose(VERDICT, run=run)
        assert "\nThe run failed: job_failed: No access.\n" in message.text
        assert json.loads(message.to_json())["failure"] == "job_failed: No access."
        assert "No access" not in compose({**VERDICT, "NewStateValue": "OK"}, run=run).text

    @pytest.mark.parametrize(
        ("region", "host"),
        [
            ("cn-north-1", "cn-north-1.console.amazonaws.cn"),
            ("us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
        ],
    )
    def test_other_partitions_have_other_consoles(self, region: str, host: str) -> None:
        story = messages.tell(records.notified_alarm(VERDICT), place=Place(region, "b", "d", "https://r"))
        assert {url.split("/")[2] for name, url in story.links.items() if name != "runbook"} == {host}

    def test_the_value_has_its_unit_and_window(self) -> None:
        story = messages.tell(records.described_alarm(RATE, since=SINCE), place=PLACE)
        assert (story.value, story.threshold, story.unit) == (22.75, 5.0, "% of requests")
        assert story.value_text == "22.75 % of requests"
        assert story.rings == "above 5 % of requests, in 2 of 3 periods of 5 min"
        assert (story.kind, story.severity, story.owner) == ("throttles", "warning", "A.B. Inc")
        assert story.happened == "More than 5 % of the requests to model haiku (eu.x) are throttled."

    @pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
    def test_the_unit_is_that_of_the_kind_whatever_the_metrics_are_measured_in(self, kind: AlarmKind) -> None:
        text = f"[warning] Something.\nIn alarm: x.\nCheck: y.\nOwner: z\nRunbook: https://example.com/book#{kind.name}"
        record = {**RATE, "AlarmName": "shop-prod-x", "AlarmDescription": text}
        story = messages.tell(records.described_alarm(record, since=SINCE), place=PLACE)
        assert story.kind == kind.name
        assert story.unit == (kind.unit.name or None)
        assert story.value_text == f"22.75 {kind.unit.name}".rstrip()

    def test_the_name_gives_the_kind_when_somebody_has_changed_the_description(self) -> None:
        record = {**RATE, "AlarmDescription": "ask Jo", "AlarmName": "shop-prod-throttle-count-haiku"}
        story = messages.tell(records.described_alarm(record, since=SINCE), place=PLACE)
        assert (story.kind, story.unit, story.happened) == ("throttle-count", "requests", "ask Jo")
        assert story.links["runbook"] == "https://example.com/runbook.md#throttle-count"
        foreign = messages.tell(records.described_alarm({**record, "AlarmName": "other"}, since=SINCE), place=PLACE)
        assert (foreign.kind, foreign.unit, foreign.value_text) == (None, None, "22.75")

    def test_one_of_what_is_counted_is_one(self) -> None:
        record = {**RATE, "StateReasonData": json.dumps({"recentDatapoints": [0.0, 1.0]})}
        text = RATE["AlarmDescription"].replace("#throttles", "#throttle-count")
        story = messages.tell(
            records.described_alarm({**record, "AlarmDescription": text, "Threshold": 1200.0}, since=SINCE), place=PLACE
        )
        assert (story.value_text, story.rings) == (
            "1 request",
            "above 1,200 requests, in 2 of 3 periods of 5 min",
        )

    def test_a_band_is_told_with_its_upper_edge(self) -> None:
        # As in CloudWatch's own examples of an anomaly alarm.
        reasons = {"version": "1.0", "recentDatapoints": [7900.0], "recentUpperThresholds": [5400.5, 6912.0]}
        metric = {"Namespace": "AWS/Bedrock", "MetricName": "InvocationLatency", "Dimensions": []}
        record = {
            "AlarmName": "shop-prod-latency-anomaly-haiku",
            "AlarmDescription": "[warning] Slow. Runbook: https://example.com/runbook.md#latency-anomaly",
            "StateValue": "ALARM",
            "StateReasonData": json.dumps(reasons),
            "ComparisonOperator": "GreaterThanUpperThreshold",
            "ThresholdMetricId": "band",
            "EvaluationPeriods": 5,
            "DatapointsToAlarm": 3,
            "Metrics": [
                {"Id": "m0", "MetricStat": {"Metric": metric, "Period": 300, "Stat": "p90"}, "ReturnData": True},
                {"Id": "band", "Expression": "ANOMALY_DETECTION_BAND(m0, 2)", "ReturnData": True},
            ],
        }
        story = messages.tell(records.described_alarm(record, since=SINCE), place=PLACE)
        assert story.value_text == "7,900 ms"
        assert story.rings == "above the band of what is expected, now 6,912 ms, in 3 of 5 periods of 5 min"

    def test_the_worst_value_decides(self) -> None:
        below = {**RATE, "ComparisonOperator": "LessThanThreshold"}
        assert messages.tell(records.described_alarm(below, since=SINCE), place=PLACE).value == 0.0

    def test_over_shows_the_newest_value(self) -> None:
        alarm = records.described_alarm({**RATE, "StateValue": "OK"}, since=SINCE)
        message = messages.compose(messages.tell(alarm, place=PLACE), cloudwatch={})
        assert message.subject == "WARNING is over: shop-prod-throttles-haiku"
        assert "Value: 12.50 % of requests; it rings above 5 % of requests" in message.text
        assert "Look at" not in message.text

    def test_without_data_nothing_is_made_up(self) -> None:
        record = {**RATE, "StateValue": "INSUFFICIENT_DATA", "StateReasonData": None}
        story = messages.tell(records.described_alarm(record, since=SINCE), place=PLACE)
        assert (story.words, story.value, story.value_text) == ("has no data", None, None)

    def test_a_foreign_description_is_shown_as_it_is(self) -> None:
        story = messages.tell(records.notified_alarm({**VERDICT, "AlarmDescription": "disk full"}), place=PLACE)
        assert (story.happened, story.severity, story.look_at) == ("disk full", None, None)
        bare = messages.tell(records.notified_alarm({**VERDICT, "AlarmDescription": None}), place=PLACE)
        assert bare.happened.startswith("Threshold Crossed")


class TestComposite:
    RULE = (
        'ALARM("shop-prod-throttles-haiku") OR ALARM(shop-prod-verdict-a-b) '
        'OR ALARM("arn:aws:cloudwatch:eu-central-1:111122223333:alarm:shop-prod-run-failed-a") '
        'AND NOT ALARM("shop-prod-watchdog-silent")'
    )

    def test_knows_its_children_by_name(self) -> None:
        assert records.asked_about(self.composite(self.RULE)) == (
            "shop-prod-throttles-haiku",
            "shop-prod-verdict-a-b",
            "shop-prod-run-failed-a",
            "shop-prod-watchdog-silent",
        )
        assert records.asked_about(self.composite("no rule")) == ()
        assert records.asked_about(records.notified_alarm(VERDICT)) == ()

    @staticmethod
    def composite(rule: str) -> records.Alarm:
        notification = {key: value for key, value in VERDICT.items() if key != "Trigger"}
        return records.notified_alarm({**notification, "AlarmRule": rule})

    def test_what_holds_a_child_back_is_not_among_those_that_ring(self) -> None:
        names = ("shop-prod-throttles-haiku", "shop-prod-run-failed-a", "shop-prod-watchdog-silent")
        alarms = [records.described_alarm({**RATE, "AlarmName": name}, since=SINCE) for name in names]
        found = records.ringing_children(self.composite(self.RULE), alarms)
        assert [alarm.name for alarm in found] == ["shop-prod-throttles-haiku"]
        assert records.ringing_children(self.composite("no rule"), []) == []

    def test_leads_to_the_run_of_each_child(self) -> None:
        failed = {**VERDICT, "Trigger": {**VERDICT["Trigger"], "MetricName": "run_failed"}}
        run = Run("20261124T060000Z", finished=False, reported=False, failure="job_failed: No access.")
        child = messages.tell(records.notified_alarm(failed), place=PLACE, run=run)
        notification = {**failed, "Trigger": None, "AlarmName": "shop-prod-critical-run-support", "AlarmRule": "x"}
        story = messages.tell(records.notified_alarm(notification), place=PLACE)
        text = messages.compose(story, children=[child], cloudwatch=notification).text
        assert "    the run failed: job_failed: No access.\n" in text
        assert f"    run: {child.links['run']}\n" in text
        assert f"    runbook: {child.links['runbook']}\n" in text
        assert "Threshold Crossed" not in text

    def test_says_why_in_the_words_of_cloudwatch_when_its_children_are_not_known(self) -> None:
        notification = {
            **{key: value for key, value in VERDICT.items() if key != "Trigger"},
            "NewStateReason": "arn:aws:cloudwatch:eu-central-1:111122223333:alarm:a transitioned to ALARM",
            "AlarmRule": self.RULE,
        }
        assert "alarm:a transitioned to ALARM" in compose(notification).text
        assert "transitioned" not in compose({**notification, "NewStateValue": "OK"}).text

    def test_lists_those_that_ring_with_a_line_each(self) -> None:
        notification = {
            **{key: value for key, value in VERDICT.items() if key != "Trigger"},
            "AlarmName": "shop-prod-warning",
            "AlarmDescription": "[warning] At least one alarm rings.",
            "AlarmRule": self.RULE,
        }
        story = messages.tell(records.notified_alarm(notification), place=PLACE)
        child = messages.tell(records.described_alarm(RATE, since=SINCE), place=PLACE)
        message = messages.compose(story, children=[child] * 60, cloudwatch=notification)
        assert "60 alarms of it ring:" in message.text
        line = (
            "- shop-prod-throttles-haiku: [warning] More than 5 % of the requests to model haiku (eu.x) are throttled. "
            "Value: 22.75 % of requests; rings above 5 % of requests, in 2 of 3 periods of 5 min. "
            "Since 2026-11-24 06:04 UTC."
        )
        assert message.text.count(line) == 50
        assert "- and 10 more" in message.text
        assert len(json.loads(message.to_json())["children"]) == 50


class TestForms:
    def test_the_subject_is_ascii_and_short(self) -> None:
        message = compose({**VERDICT, "AlarmName": "préfix\n" + "x" * 200})
        assert len(message.subject) < 100
        assert message.subject.isascii()
        assert message.subject.isprintable()
        assert messages.subject_line("\n") == "Alarm"

    def test_email_reads_text_and_programs_read_json(self) -> None:
        message = compose(VERDICT)
        forms = json.loads(message.by_protocol())
        assert forms["email"] == message.text
        assert forms["default"] == message.to_json()
        assert set(forms) == {"default", "email"}

    def test_json_has_the_documented_fields(self) -> None:
        found = json.loads(compose(VERDICT, run=Run("20261124T060000Z", finished=True, reported=True)).to_json())
        assert set(found) == {
            *("version", "subject", "text", "alarm", "state", "since", "happened", "severity", "kind", "look_at"),
            *("owner", "threshold", "rings", "evaluation", "run_id", "links", "children", "cloudwatch"),
        }
        assert found["cloudwatch"] == VERDICT
        assert (found["version"], found["state"], found["kind"]) == (1, "ALARM", "verdict")

    def test_chat_takes_a_custom_notification(self) -> None:
        found = json.loads(compose({**VERDICT, "AlarmDescription": "x" * 9000}).to_chat())
        assert (found["version"], found["source"], found["content"]["textType"]) == ("1.0", "custom", "client-markdown")
        assert len(found["content"]["description"]) == 8000
        assert len(found["content"]["title"]) <= 250
        assert found["metadata"]["threadId"] == VERDICT["AlarmName"]
        told = json.loads(compose(VERDICT).to_chat())["content"]
        assert told["keywords"] == ["critical", "verdict", "support"]
        assert told["nextSteps"][0].startswith("Look at: the run's report.html")

    def test_chat_reads_no_markup_in_what_others_wrote(self) -> None:
        odd = {**VERDICT, "AlarmDescription": "[warning] <!channel> R&D <@U1|Jo>.\nCheck: a < b.\nOwner: R&D"}
        content = json.loads(compose(odd).to_chat())["content"]
        assert "&lt;!channel&gt; R&amp;D &lt;@U1|Jo&gt;." in content["description"]
        assert content["nextSteps"] == ["Look at: a &lt; b."]
        # Links keep their meaning: the console's have an ampersand.
        assert "?region=eu-central-1&amp;prefix=runs/support/" in content["description"]
        assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", json.dumps(content))

    @pytest.mark.parametrize("length", range(7_985, 8_010))
    def test_chat_is_cut_between_characters(self, length: int) -> None:
        found = json.loads(messages.pass_on("x" * length + "<" * 9, subject=None).to_chat())["content"]["description"]
        assert len(found) <= 8_000
        assert re.fullmatch(r"x+(&lt;)*\.\.\.", found)

    def test_chat_has_no_key_that_the_schema_does_not_know(self) -> None:
        """Administrator guide of Amazon Q Developer in chat applications, custom-notifs: the OpenAPI schema."""
        for message in (compose(VERDICT), messages.pass_on("x", subject=None)):
            found = json.loads(message.to_chat())
            assert set(found) == {"version", "source", "content", "metadata"}
            assert set(found["content"]) <= {"textType", "title", "description", "nextSteps", "keywords"}
            assert set(found["metadata"]) <= {"threadId", "summary"}
            assert all(len(word) <= 75 for word in found["content"].get("keywords", ()))
            assert all(len(step) <= 350 for step in found["content"].get("nextSteps", ()))
            assert found["content"]["description"]

    @pytest.mark.parametrize("filling", ["x", '"', "\n", "\N{PILE OF POO}"])
    def test_all_forms_fit_into_one_message(self, filling: str) -> None:
        huge = {**VERDICT, "AlarmDescription": filling * 60_000}
        for message in (compose(huge), messages.pass_on(filling * 260_000, subject=None)):
            forms = message.by_protocol()
            assert len(forms.encode()) <= 256 * 1024
            assert json.loads(json.loads(forms)["default"])["text"].count(filling) > 1000


class TestOthers:
    @pytest.mark.parametrize("text", ["", "plain words", "{", "[]", "{}", '{"AlarmName": 1}', "null"])
    def test_are_no_notifications(self, text: str) -> None:
        assert records.read_notification(text) is None

    @pytest.mark.parametrize("text", ["Über 80 %.\r\n\t<b>", '{"detail-type": "x", "n": 1.50}', "{", ""])
    def test_are_passed_on_unharmed_and_marked(self, text: str) -> None:
        message = messages.pass_on(text, subject="Somebody")
        assert (message.subject, message.text) == ("As it came: Somebody", text)
        assert json.loads(message.to_json()) == {"version": 1, "subject": "As it came: Somebody", "text": text}
        forms = json.loads(message.by_protocol())
        assert (forms["email"], json.loads(forms["default"])["text"]) == (text, text)
        assert unescape(json.loads(message.to_chat())["content"]["description"]) == text
        assert messages.pass_on(text, subject=None).subject == "As it came: a message of the alarm topic"

    def test_only_ok_after_no_data_may_be_no_news(self) -> None:
        def change(old: str, new: str) -> bool:
            return records.may_be_first_word({"OldStateValue": old, "NewStateValue": new})

        assert change("INSUFFICIENT_DATA", "OK")
        assert not change("INSUFFICIENT_DATA", "ALARM")
        assert not change("ALARM", "OK")
        assert not change("OK", "INSUFFICIENT_DATA")


class TestNewestRun:
    RUNS = (
        Run("20261124T060000Z", finished=False, reported=False),
        Run("20261117T060000Z", finished=True, reported=True),
        Run("20261110T060000Z", finished=True, reported=True),
    )

    def test_a_verdict_is_of_a_finished_run(self) -> None:
        assert records.newest(self.RUNS, records.notified_alarm(VERDICT)) == self.RUNS[1]

    def test_a_failure_is_of_any_run(self) -> None:
        failed = {**VERDICT, "Trigger": {**VERDICT["Trigger"], "MetricName": "run_failed"}}
        assert records.newest(self.RUNS, records.notified_alarm(failed)) == self.RUNS[0]

    def test_there_may_be_none(self) -> None:
        assert records.newest((), records.notified_alarm(VERDICT)) is None
