"""The function: what it looks up, and that nothing is lost when it cannot."""

import json
import logging
import re
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.parsers import ResponseParserError

from bedrock_eval.alarms.messages import Place
from bedrock_eval.layout import RunLayout
from bedrock_eval.runs.state import RunState, RunStatus
from bedrock_eval_functions.alarm_formatter import handler as entry
from bedrock_eval_functions.alarm_formatter.formatter import Formatter
from tests.support.aws.notifications import ACTUAL, RATE, VERDICT
from tests.support.fakes import FakeS3, client_error

PLACE = Place(region="eu-central-1", bucket="results", prefix="shop-prod", runbook="https://example.com/runbook.md")
NEWEST = "20261124T070000Z"
MOMENT = datetime(2026, 11, 24, 6, 4, 10, tzinfo=UTC)


class FakeAlarms:
    """DescribeAlarms by name."""

    def __init__(self, *records: dict[str, Any]) -> None:
        self.records = {record["AlarmName"]: {"StateUpdatedTimestamp": MOMENT, **record} for record in records}
        self.error: Exception | None = None
        self.history: dict[str, list[tuple[str, str]]] = {}

    def describe_alarm_history(
        self,
        *,
        AlarmName: str,  # noqa: N803
        HistoryItemType: str,  # noqa: N803
        ScanBy: str,  # noqa: N803
        MaxRecords: int,  # noqa: N803
    ) -> dict[str, Any]:
        """Changes of state, the newest first, as CloudWatch writes them."""
        assert (HistoryItemType, ScanBy, MaxRecords <= 100) == ("StateUpdate", "TimestampDescending", True)
        if self.error is not None:
            raise self.error
        changes = reversed(self.history.get(AlarmName, []))
        return {
            "AlarmHistoryItems": [
                {
                    "AlarmName": AlarmName,
                    "HistoryItemType": "StateUpdate",
                    "HistoryData": json.dumps(
                        {"version": "1.0", "oldState": {"stateValue": old}, "newState": {"stateValue": new}}
                    ),
                }
                for old, new in changes
            ][:MaxRecords]
        }

    def describe_alarms(self, *, AlarmNames: list[str], AlarmTypes: list[str]) -> dict[str, Any]:  # noqa: N803
        assert len(AlarmNames) <= 100
        assert set(AlarmTypes) == {"MetricAlarm", "CompositeAlarm"}
        if self.error is not None:
            raise self.error
        found = [self.records[name] for name in AlarmNames if name in self.records]
        return {
            "MetricAlarms": [record for record in found if "AlarmRule" not in record],
            "CompositeAlarms": [record for record in found if "AlarmRule" in record],
        }


def record(notification: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """What DescribeAlarms says of the alarm of a notification."""
    trigger = dict(notification.get("Trigger", {}))
    dimensions = [{"Name": each["name"], "Value": each["value"]} for each in trigger.pop("Dimensions", [])]
    return {
        "AlarmName": notification["AlarmName"],
        "AlarmDescription": notification["AlarmDescription"],
        "StateValue": notification["NewStateValue"],
        "StateReasonData": json.dumps({"recentDatapoints": [1.0, 3.0]}),
        "Dimensions": dimensions,
        **trigger,
        **changes,
    }


@pytest.fixture
def s3() -> FakeS3:
    store = FakeS3()
    for run, names in {
        "20261117T060000Z": ("state", "summary", "report"),
        "20261124T060000Z": ("state", "summary", "report"),
        "20261124T070000Z": ("state",),
        "not-a-run": ("state",),
    }.items():
        layout = RunLayout("support", run)
        for name in names:
            store.put_object(Bucket="results", Key=getattr(layout, name), Body=b"{}")
        store.put_object(Bucket="results", Key=layout.part("nova", 0), Body=b"{}")
    return store


def told(s3: FakeS3, alarms: FakeAlarms, notification: dict[str, Any]) -> dict[str, Any]:
    message = Formatter(s3=s3, cloudwatch=alarms, place=PLACE).message(json.dumps(notification), subject=None)
    assert message is not None
    found = json.loads(message.to_json())
    assert isinstance(found, dict)
    return found


def test_value_and_run_are_looked_up(s3: FakeS3) -> None:
    found = told(s3, FakeAlarms(record(VERDICT)), VERDICT)
    assert (found["value"], found["value_text"]) == (3.0, "3 (failed or worse)")
    assert (
        "Value: 3 (failed or worse). In alarm at or above 3 (failed or worse), in 1 of 24 periods of 1 h."
        in found["text"]
    )
    assert found["run_id"] == "20261124T060000Z"
    assert found["links"]["report"].endswith("runs/support/20261124T060000Z/report.html")
    assert s3.calls["get_object"] == s3.calls["head_object"] == 0


def test_an_alarm_that_changed_again_is_told_as_it_was(s3: FakeS3) -> None:
    found = told(s3, FakeAlarms(record(VERDICT, StateValue="OK")), VERDICT)
    assert found["state"] == "ALARM"
    assert "value" not in found


def test_what_cannot_be_looked_up_is_left_out(s3: FakeS3) -> None:
    alarms = FakeAlarms()
    alarms.error = client_error("AccessDenied")
    s3.denied.add("runs/support/")
    found = told(s3, alarms, VERDICT)
    assert found["happened"].startswith("A gate has failed")
    assert "run_id" not in found
    assert found["links"]["run"].endswith("prefix=runs/support/")


def test_a_composite_lists_no_alarm_that_only_explains_another(s3: FakeS3) -> None:
    failed, overdue, silent = (f"shop-prod-{name}" for name in ("run-failed-a", "run-overdue-a", "watchdog-silent"))
    notification = {
        **{key: value for key, value in VERDICT.items() if key != "Trigger"},
        "AlarmName": "shop-prod-critical-run-a",
        "AlarmDescription": "[critical] Run of a.",
        "AlarmRule": f'ALARM("{failed}") OR (ALARM("{overdue}") AND NOT ALARM("{silent}"))',
    }
    alarms = FakeAlarms(*({**RATE, "AlarmName": name} for name in (failed, overdue, silent)))
    assert [child["alarm"] for child in told(s3, alarms, notification)["children"]] == [failed]
    alarms.records[silent]["StateValue"] = "OK"
    assert [child["alarm"] for child in told(s3, alarms, notification)["children"]] == [failed, overdue]


def test_a_composite_whose_rule_cannot_be_read_is_told_without_children(s3: FakeS3) -> None:
    notification = {**VERDICT, "AlarmDescription": "[critical] Odd.", "AlarmRule": "RINGS(a)", "Trigger": {}}
    found = told(s3, FakeAlarms(), notification)
    assert (found["happened"], found["children"]) == ("Odd.", [])


def test_a_composite_lists_what_rings_below_it(s3: FakeS3) -> None:
    names = [f"shop-prod-quiet-{number}" for number in range(120)]
    shard = {
        "AlarmName": "shop-prod-critical-2",
        "StateValue": "ALARM",
        "AlarmRule": f'ALARM("{VERDICT["AlarmName"]}")',
    }
    rule = " OR ".join(f'ALARM("{name}")' for name in (*names, RATE["AlarmName"], shard["AlarmName"]))
    notification = {
        **{key: value for key, value in VERDICT.items() if key != "Trigger"},
        "AlarmName": "shop-prod-critical",
        "AlarmDescription": "[critical] Something critical rings.",
        "AlarmRule": rule,
        "TriggeringChildren": [],
    }
    quiet = [{**RATE, "AlarmName": name, "StateValue": "OK"} for name in names]
    found = told(s3, FakeAlarms(*quiet, RATE, shard, record(VERDICT)), notification)
    assert [child["alarm"] for child in found["children"]] == [RATE["AlarmName"], VERDICT["AlarmName"]]
    assert found["children"][1]["run_id"] == "20261124T060000Z"
    assert "2 alarms in alarm:" in found["text"]


def test_the_runs_of_an_evaluation_are_looked_up_once_a_message(s3: FakeS3) -> None:
    children = [record({**VERDICT, "AlarmName": f"shop-prod-verdict-support-nova-{number}"}) for number in range(100)]
    notification = {
        **{key: value for key, value in VERDICT.items() if key != "Trigger"},
        "AlarmDescription": "[critical] Quality of support nova.",
        "AlarmRule": " OR ".join(f'ALARM("{child["AlarmName"]}")' for child in children),
    }
    found = told(s3, FakeAlarms(*children), notification)
    assert "100 alarms in alarm:" in found["text"]
    # The folders of the evaluation, and what lies in each of its three runs.
    assert s3.calls["list_objects_v2"] == 1 + 3


FAILED = {**VERDICT, "Trigger": {**VERDICT["Trigger"], "MetricName": "run_failed"}}


def put_state(s3: FakeS3, status: RunStatus, message: str | None = None) -> None:
    reason = None if message is None else "job_failed"
    state = RunState("support", NEWEST, status, "", "", reason=reason, message=message)
    s3.put_object(Bucket="results", Key=RunLayout("support", NEWEST).state, Body=state.to_json().encode())


def test_the_failure_of_a_run_is_told(s3: FakeS3) -> None:
    put_state(s3, RunStatus.FAILED, "shop (nova): The model cannot be accessed.")
    found = told(s3, FakeAlarms(record(FAILED)), FAILED)
    assert found["run_id"] == NEWEST
    assert found["failure"] == "job_failed: shop (nova): The model cannot be accessed."


def test_a_failure_that_is_still_being_written_is_waited_for(s3: FakeS3) -> None:
    put_state(s3, RunStatus.RUNNING)
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        put_state(s3, RunStatus.FAILED, "late")

    formatter = Formatter(s3=s3, cloudwatch=FakeAlarms(record(FAILED)), place=PLACE, sleep=sleep)
    message = formatter.message(json.dumps(FAILED), subject=None)
    assert message is not None
    assert "The run failed: job_failed: late" in message.text
    assert len(waited) == 1


@pytest.mark.parametrize("state", [None, "{}", "denied", "running"])
def test_a_failure_that_cannot_be_read_is_left_out(s3: FakeS3, state: str | None) -> None:
    key = RunLayout("support", NEWEST).state
    if state == "running":
        put_state(s3, RunStatus.RUNNING)
    elif state == "denied":
        s3.denied.add(key)
    elif state is None:
        s3.delete_object(Bucket="results", Key=key)
        s3.put_object(Bucket="results", Key=RunLayout("support", NEWEST).definition, Body=b"{}")
    formatter = Formatter(s3=s3, cloudwatch=FakeAlarms(record(FAILED)), place=PLACE, sleep=lambda _: None)
    message = formatter.message(json.dumps(FAILED), subject=None)
    assert message is not None
    found = json.loads(message.to_json())
    assert found["run_id"] == NEWEST
    assert "failure" not in found


class FakeSns:
    """Remembers, or refuses."""

    def __init__(self) -> None:
        self.published: list[dict[str, Any]] = []
        self.refused: set[str] = set()

    def publish(self, **request: Any) -> None:
        assert len(request.get("Subject", "")) < 100
        if request["TopicArn"] in self.refused:
            raise client_error("KMSAccessDenied")
        self.published.append(request)


@pytest.fixture
def sns(monkeypatch: pytest.MonkeyPatch, s3: FakeS3) -> FakeSns:
    fake = FakeSns()
    clients = {"s3": s3, "sns": fake, "cloudwatch": FakeAlarms(record(VERDICT))}
    monkeypatch.setattr(entry, "client", lambda service: clients[service])
    for name, value in {"RESULTS_BUCKET": "results", "PREFIX": "shop-prod", "MESSAGES_TOPIC": "people"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RUNBOOK_URL", "https://example.com/runbook.md")
    return fake


def event(text: str, subject: str | None = None) -> dict[str, Any]:
    return {"Records": [{"Sns": {"Message": text, "Subject": subject}}]}


def test_people_get_the_words(sns: FakeSns) -> None:
    entry.handler(event(json.dumps(VERDICT)), None)
    (published,) = sns.published
    assert (published["TopicArn"], published["MessageStructure"]) == ("people", "json")
    assert published["Subject"].startswith("CRITICAL ")
    assert json.loads(published["Message"])["email"].startswith("critical: shop-prod-verdict")


def test_the_chat_gets_them_too(sns: FakeSns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAT_TOPIC", "chat")
    entry.handler(event(json.dumps(VERDICT)), None)
    chat, people = sns.published
    assert (people["TopicArn"], chat["TopicArn"]) == ("people", "chat")
    assert json.loads(chat["Message"])["source"] == "custom"


def test_a_chat_that_is_refused_is_told_to_people_and_nobody_hears_twice(
    sns: FakeSns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAT_TOPIC", "chat")
    sns.refused = {"chat"}
    entry.handler(event(json.dumps(VERDICT)), None)
    (people,) = sns.published
    forms = json.loads(people["Message"])
    for text in (forms["email"], json.loads(forms["default"])["text"]):
        assert text.startswith("critical: shop-prod-verdict")
        assert re.search(r"\n\nThe chat topic refused this message: .*KMSAccessDenied", text)


def test_a_budget_is_told_with_links(sns: FakeSns) -> None:
    entry.handler(event(ACTUAL, "AWS Budgets: shop-prod has exceeded your alert threshold"), None)
    (published,) = sns.published
    assert published["Subject"] == "WARNING budget shop-prod has cost $1,050.12 of $1,000.00"
    links = json.loads(json.loads(published["Message"])["default"])["links"]
    assert set(links) == {"runbook", "dashboard", "budgets"}


def test_what_nobody_knows_is_passed_on_unharmed_and_marked(sns: FakeSns) -> None:
    entry.handler(event("Over 80 %.", "Somebody else"), None)
    (published,) = sns.published
    assert published["Subject"] == "Unformatted: Somebody else"
    assert json.loads(published["Message"])["email"] == "Over 80 %."


def test_what_cannot_be_said_goes_on_as_it_came(sns: FakeSns, caplog: pytest.LogCaptureFixture) -> None:
    odd = json.dumps({**VERDICT, "Trigger": {"Metrics": [{"MetricStat": 7}]}})
    entry.handler(event(odd, "ALARM"), None)
    (published,) = sns.published
    text = json.loads(published["Message"])["email"]
    assert text.startswith("The formatter could not read this notification (TypeError)")
    assert odd in text
    assert [each.levelno for each in caplog.records if "not formatted" in each.message] == [logging.ERROR]


def hostile_messages() -> dict[str, str]:
    """What an alarm topic could be sent, by what is odd in it."""
    deep = "[" * 100_000 + "]" * 100_000
    nearly = "[" * 900 + "]" * 900
    alarm = json.dumps(VERDICT)
    return {
        "brackets": deep,
        "braces": '{"a":' * 50_000 + "1" + "}" * 50_000,
        "open brackets": "[" * 100_000,
        "an alarm that holds brackets": f'{alarm[:-1]}, "More": {deep}}}',
        "an alarm that holds some brackets": f'{alarm[:-1]}, "More": {nearly}}}',
        "a number without end": f'{alarm[:-1]}, "Threshold2": {"9" * 5000}}}',
        "a number that is none": f'{alarm[:-1]}, "More": NaN, "Most": 1e999}}',
        "half a pair": json.dumps({**VERDICT, "AlarmDescription": "\ud800 rings", "AlarmName": "a\udfff"}),
        "half a pair in plain text": "budget \ud800",
        "control characters": "\0\x01" * 100_000,
        "quotes": '"\\' * 100_000,
        "large": "x" * 262_144,
        "a description that takes long": json.dumps({**VERDICT, "AlarmDescription": "[x] " + " Owner: " * 30_000}),
        "a budget that takes long": f"AWS Budget Notification\nBudget Name: a{' ' * 200_000}b\n",
        "a budget without end": re.sub(r"\$[\d,.]+", f"${'9' * 400}", ACTUAL),
        "a rule that is deep": json.dumps({**VERDICT, "AlarmRule": "(" * 10_000 + "ALARM(a)" + ")" * 10_000}),
        "nothing": "",
        "null": "null",
        "a list": "[1, 2]",
        "other types": json.dumps({**VERDICT, "Trigger": [1], "AlarmDescription": 5, "NewStateReason": {"a": 1}}),
        "a time that is none": json.dumps({**VERDICT, "StateChangeTime": "soon"}),
    }


@pytest.mark.parametrize("kind", hostile_messages())
def test_whatever_arrives_is_passed_on(sns: FakeSns, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Within a second or so, in a form that SNS takes, and whole where it is not larger than that."""
    monkeypatch.setenv("CHAT_TOPIC", "chat")
    text = hostile_messages()[kind]
    begun = time.monotonic()
    entry.handler(event(text, "odd \ud800"), None)
    assert time.monotonic() - begun < 5
    _, people = sns.published
    assert len(people["Message"].encode()) <= 256 * 1024
    assert people["Subject"].isprintable()
    forms = json.loads(people["Message"])
    told = json.loads(forms["default"], parse_constant=pytest.fail)
    assert told["subject"] == people["Subject"]
    in_words = " is in alarm since " in forms["email"].partition("\n")[0]
    if not in_words and len(text) < 20_000:
        assert forms["email"].endswith(text.encode(errors="replace").decode())


@pytest.mark.parametrize("history", ["[]", "null", '{"newState": 5}', "[" * 100_000, "no JSON"])
def test_a_history_that_cannot_be_read_keeps_nothing_back(
    s3: FakeS3, monkeypatch: pytest.MonkeyPatch, history: str
) -> None:
    alarms = FakeAlarms()
    answer = {"AlarmHistoryItems": [{"HistoryData": history}]}
    monkeypatch.setattr(alarms, "describe_alarm_history", lambda **_: answer)
    assert told(s3, alarms, FIRST)["state"] == "OK"


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"MetricAlarms": None},
        {"MetricAlarms": [{}]},
        {"MetricAlarms": [{"AlarmName": "a", "StateValue": "PAUSED"}]},
        ResponseParserError("no XML"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    ],
    ids=repr,
)
def test_an_answer_of_cloudwatch_that_cannot_be_read_leaves_out_what_it_would_tell(
    s3: FakeS3, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    def describe(**_: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    alarms = FakeAlarms()
    monkeypatch.setattr(alarms, "describe_alarms", describe)
    found = told(s3, alarms, VERDICT)
    assert (found["alarm"], found["state"]) == (VERDICT["AlarmName"], "ALARM")
    assert "value" not in found


FIRST = {**VERDICT, "OldStateValue": "INSUFFICIENT_DATA", "NewStateValue": "OK"}
NO_DATA = "INSUFFICIENT_DATA"


@pytest.mark.parametrize(
    ("history", "heard"),
    [
        ([(NO_DATA, "OK")], False),
        ([], False),
        ([("OK", NO_DATA), (NO_DATA, "OK")], False),
        ([(NO_DATA, "ALARM"), ("ALARM", NO_DATA), (NO_DATA, "OK")], True),
        ([("ALARM", NO_DATA), (NO_DATA, "OK"), ("OK", NO_DATA), (NO_DATA, "OK")], False),
    ],
)
def test_ok_is_told_only_to_who_has_heard_it_ring(s3: FakeS3, history: list[tuple[str, str]], heard: bool) -> None:
    alarms = FakeAlarms(record(VERDICT, StateValue="OK"))
    alarms.history = {VERDICT["AlarmName"]: history}
    message = Formatter(s3=s3, cloudwatch=alarms, place=PLACE).message(json.dumps(FIRST), subject=None)
    assert (message is not None) == heard
    assert message is None or message.subject.endswith(" is OK")


def test_ok_after_it_rang_is_told_without_looking_back(s3: FakeS3) -> None:
    over = {**VERDICT, "OldStateValue": "ALARM", "NewStateValue": "OK"}
    assert told(s3, FakeAlarms(record(VERDICT, StateValue="OK")), over)["state"] == "OK"


def test_nobody_misses_that_it_is_over_because_the_history_is_denied(s3: FakeS3) -> None:
    alarms = FakeAlarms()
    alarms.error = client_error("AccessDenied")
    assert told(s3, alarms, FIRST)["state"] == "OK"


def test_a_new_composite_that_is_well_is_no_news(s3: FakeS3) -> None:
    first = {**FIRST, "AlarmRule": 'ALARM("a")'}
    alarms = FakeAlarms()
    alarms.error = client_error("AccessDenied")
    assert Formatter(s3=s3, cloudwatch=alarms, place=PLACE).message(json.dumps(first), subject=None) is None


def test_a_refused_publish_is_an_error_that_lambda_retries(sns: FakeSns) -> None:
    sns.refused = {"people"}
    with pytest.raises(Exception, match="KMSAccessDenied"):
        entry.handler(event(json.dumps(VERDICT)), None)
