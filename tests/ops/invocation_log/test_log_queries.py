"""Every query over a record of every shape, through the emulator's interpreter of Logs Insights."""

import json
import re
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bedrock_eval.invocation_log import queries
from bedrock_eval.invocation_log.queries import By, saved_queries
from bedrock_eval.pricing.costs import Rates
from local.emulator.logs.insights.evaluator import Result
from local.emulator.logs.insights.events import DISCOVERED_FIELDS, discover
from local.emulator.logs.insights.parser import run
from ops.__main__ import main
from ops.aws import account
from ops.command_line.application import parser
from ops.command_line.declared import logs as declared
from tests.support.aws.log_records import HAIKU, NOVA, PERMISSION_CHECK, PROFILE_ARN, RECORDS, ROLE, chat, event, events

RATES = {HAIKU: Rates(1, 5, cache_read=0.1), "us.other": Rates(3, 15, cache_read=0.3, cache_write=3.75)}
PROFILE = PROFILE_ARN.rpartition("/")[2]
SUPPORT = f"{ROLE}support/i-1"
DAY, NEXT = "2026-11-23 00:00:00.000", "2026-11-24 00:00:00.000"
SAVED = saved_queries(rates=RATES)
FRACTIONS = ("cost_usd", "p50", "slowest_tenth")

# CloudWatch Logs user guide: CWL_QuerySyntax-operations-functions and CWL_QuerySyntax-Stats.
DOCUMENTED = {"coalesce", "if", "ispresent", "toMillis", "bin", "count", "sum", "min", "max", "pct"}

# Of each saved query: the columns that are looked at, and the rows that it must give.
EXPECTED: dict[str, tuple[tuple[str, ...], list[tuple[str | None, ...]]]] = {
    "slow calls": (
        ("requestId", "operation", "latency_ms", "first_token_ms", "stop_reason", "caller"),
        [
            ("r-2", "Converse", "6400", None, "max_tokens", f"{ROLE}batch/i-7"),
            ("r-5", "InvokeModelWithResponseStream", "5100", "310", "end_turn", SUPPORT),
            ("r-0", "Converse", "4200", None, "end_turn", SUPPORT),
            ("r-3", "ConverseStream", "3001", None, "end_turn", SUPPORT),
        ],
    ),
    "latency by model": (
        ("model", "calls", "known", "p50", "p99"),
        [(HAIKU, "8", "7", "3001", "6400"), (NOVA, "2", "0", None, None), (PROFILE, "1", "1", "700", "700")],
    ),
    # 20 tokens in 3.001 s; 8 in 5.1 s. InvokeModel and Converse are no streams.
    "output speed": (
        ("model", "bin(5m)", "known", "p50", "slowest_tenth"),
        [
            (HAIKU, "2026-11-23 10:00:00.000", "1", "6.664445185", "6.664445185"),
            (HAIKU, "2026-11-23 10:05:00.000", "1", "1.568627451", "1.568627451"),
        ],
    ),
    "errors": (
        ("error_code", "modelId", "calls"),
        [("ThrottlingException", HAIKU, "1"), ("ValidationException", NOVA, "1")],
    ),
    "guardrail interventions": (("modelId", "calls"), []),
    "throttles": (("modelId", "bin(5m)", "calls"), [(HAIKU, "2026-11-23 10:05:00.000", "1")]),
    "tokens by model": (
        ("model", "calls", "input", "output", "cached", "written"),
        [
            (HAIKU, "8", "4083", "684", "9000", "500"),
            (NOVA, "2", "90013", "44", None, None),
            (PROFILE, "1", "15", "20", None, None),
        ],
    ),
    "tokens by identity": (
        ("caller", "model", "input"),
        [
            (SUPPORT, HAIKU, "83"),
            (f"{ROLE}batch/i-7", HAIKU, "4000"),
            (SUPPORT, NOVA, "90013"),
            (f"{ROLE}evaluator/run", PROFILE, "15"),
        ],
    ),
    "tokens by application": (
        ("application", "model", "input"),
        [("shop", HAIKU, "4020"), (None, HAIKU, "63"), (None, NOVA, "90013"), ("shop", PROFILE, "15")],
    ),
    "tokens by day": (
        ("bin(1d)", "model", "input"),
        [(DAY, HAIKU, "4066"), (DAY, NOVA, "90013"), (DAY, PROFILE, "15"), (NEXT, HAIKU, "17")],
    ),
    # 4083 input at 1, 684 output at 5, 9000 cache read at 0.1 USD per million; 500 written without a rate.
    "cost by model": (("model", "cost_usd", "unpriced_tokens"), [(HAIKU, "0.008403", "500")]),
    "cost by identity": (
        ("caller", "cost_usd", "unpriced_tokens"),
        [(f"{ROLE}batch/i-7", "0.00656", "0"), (SUPPORT, "0.001843", "500")],
    ),
    "cost by application": (
        ("application", "cost_usd", "unpriced_tokens"),
        [("shop", "0.00768", "500"), (None, "0.000723", "0")],
    ),
    "cost by day": (("bin(1d)", "cost_usd"), [(DAY, "0.008286"), (NEXT, "0.000117")]),
    "unpriced tokens": (("model", "input", "output"), [(NOVA, "90013", "44"), (PROFILE, "15", "20")]),
    "longest prompts": (
        ("requestId", "prompt_tokens"),
        [("r-8", "90000"), ("r-1", "9510"), ("r-2", "4000")],
    ),
    "truncated answers": (
        ("requestId", "operation", "stop_reason"),
        [("r-4", "InvokeModel", "max_tokens"), ("r-2", "Converse", "max_tokens")],
    ),
    "evaluation and production": (
        ("is_evaluation", "model", "calls", "input", "known", "p50"),
        [
            ("0", HAIKU, "8", "4083", "7", "3001"),
            ("0", NOVA, "2", "90013", "0", None),
            ("1", PROFILE, "1", "15", "1", "700"),
        ],
    ),
}


def rounded(name: str, value: str | None) -> str | None:
    return f"{float(value):.9f}".rstrip("0") if value and "." in value and name in FRACTIONS else value


@pytest.mark.parametrize("name", SAVED)
def test_a_saved_query_over_a_record_of_every_shape(name: str) -> None:
    columns, rows = EXPECTED[name]
    found = [tuple(rounded(column, row.get(column)) for column in columns) for row in run(SAVED[name], events()).rows]
    assert found[: len(rows)] == rows
    assert name == "longest prompts" or len(found) == len(rows)


@pytest.mark.parametrize("name", SAVED)
def test_a_saved_query_reads_nothing_else_and_fits(name: str) -> None:
    other = event({**RECORDS["Converse"], "schemaType": "Other"})
    assert run(SAVED[name], [*events([]), other]).rows == []
    # PutQueryDefinition takes 10,000 characters.
    assert len(SAVED[name]) < 10_000


@pytest.mark.parametrize("name", SAVED)
def test_a_saved_query_has_only_what_the_guide_shows(name: str) -> None:
    # Lines that begin with # are comments (CWL_QuerySyntax).
    note, _, query = SAVED[name].partition("\n")
    assert note == "# Calls of the last 5 minutes may be missing: records arrive late."
    assert "#" not in query
    text = queries.between(queries.Query(query, needs=()), start_ms=0, end_ms=1)
    for parsed in re.findall(r"parse \S+ /(.+)/", text):
        # Groups are named with letters there; other signs are not said to be allowed.
        assert all(re.fullmatch("[A-Za-z]+", group) for group in re.findall(r"\(\?<([^>]*)>", parsed))
    language = re.sub(r'/(?:[^/\\\n]|\\.)+/|"[^"]*"', "''", text)
    assert set(re.findall(r"(\w+)\(", language)) <= DOCUMENTED
    # A comparison is said to give TRUE or FALSE, not a number: it stands in filter and as the condition of if.
    for stage in language.split("\n| "):
        if not stage.startswith("filter"):
            compared = re.findall(r"[^,(]*(?:=|<|>| like | in )[^,)]*", stage)
            assert all(re.fullmatch(r"\w+ = ''", each) for each in compared), stage
            assert len(compared) == len(re.findall(r"if\(\w+ = ''", stage))
    for arguments in re.findall(r"coalesce\(([^)]*)\)", language):
        assert all(re.fullmatch(r"[A-Za-z][\w.]*", each) for each in arguments.split(", "))


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("Converse", {"stopReason": "guardrail_intervened", "trace": {"guardrail": {"actionReason": "Blocked."}}}),
        ("ConverseStream", {"stopReason": "guardrail_intervened"}),
        ("InvokeModel", {"content": [], "amazon-bedrock-guardrailAction": "INTERVENED", "stop_reason": "end_turn"}),
        ("InvokeModelWithResponseStream", [{"type": "a"}, {"amazon-bedrock-guardrailAction": "INTERVENED"}]),
    ],
)
def test_interventions_of_guardrails_are_found_in_every_shape(name: str, body: Any) -> None:
    record = deepcopy(RECORDS[name])
    record["output"]["outputBodyJson"] = body
    untouched = event({**RECORDS[name], "requestId": "r-99"})
    found = run(SAVED["guardrail interventions"], [event(record), event({**record, "requestId": "r-98"}), untouched])
    assert [(row["modelId"], row["caller"], row["calls"]) for row in found.rows] == [
        (record["modelId"], record["identity"]["arn"], "2")
    ]


RUNBOOK = (Path(__file__).parents[3] / "docs" / "runbook.md").read_text()


def test_the_runbook_names_saved_queries_and_repeats_none() -> None:
    """A text of its own there would miss the calls with more than 200 fields."""
    paragraphs = re.findall(r"^Query `.+?(?=\n\n)", RUNBOOK, re.MULTILINE | re.DOTALL)
    quoted = {text for each in paragraphs for text in re.findall(r"`([^`]+)`", each)}
    names = {text for text in quoted if re.fullmatch("[a-z]+( [a-z]+)*", text)} - {"calls"}
    assert names <= set(SAVED)
    assert len(names) >= 10
    blocks = re.findall(r"^```.*?\n(.*?)^```", RUNBOOK, re.MULTILINE | re.DOTALL)
    assert [block for block in blocks if re.search(r"^(fields|filter|stats|parse) ", block, re.MULTILINE)] == []


@pytest.mark.parametrize("command", sorted(set(re.findall(r"(?:python -m ops|bedrock-eval) ([a-z][^`\n#]+)", RUNBOOK))))
def test_the_commands_of_the_runbook_are_commands(command: str) -> None:
    found = parser().parse_args(command.split())
    assert not command.startswith("logs ") or found.question in declared.QUESTIONS


def test_models_that_cost_the_same_stand_together() -> None:
    same = {**RATES, PROFILE: Rates(1, 5, cache_read=0.1, verified_until="2027-01-31")}
    text = saved_queries(rates=same)["cost by model"]
    assert f'if(model = "{HAIKU}" or model = "{PROFILE}", input_tokens * 1 + output_tokens * 5 + ' in text
    rows = {row["model"]: float(row["cost_usd"]) for row in run(text, events()).rows}
    assert rows == pytest.approx({HAIKU: 0.008403, PROFILE: 0.000115})


def test_without_rates_there_is_no_cost_and_every_token_is_unpriced() -> None:
    found = saved_queries(rates={})
    assert not [name for name in found if name.startswith("cost")]
    rows = run(found["unpriced tokens"], events()).rows
    assert [row["model"] for row in rows] == [HAIKU, NOVA, PROFILE]
    with pytest.raises(ValueError, match="no model has rates"):
        queries.cost_by(By.DAY, rates={})


@pytest.mark.parametrize("turns", [150, 400])
def test_a_long_chat_hides_its_fields_and_parse_finds_them(turns: int) -> None:
    """More than 200 fields are hidden here as on AWS, so that the fallback is really tried."""
    long = {**RECORDS["Converse of a long chat"]}
    long["input"] = {**long["input"], "inputBodyJson": chat(turns)}
    fields = discover(json.dumps(long))
    assert len(fields) == DISCOVERED_FIELDS
    assert not any(name.startswith(("output", "identity", "schemaType", "requestMetadata")) for name in fields)
    (row,) = run(SAVED["slow calls"], [event(long)]).rows
    assert (row["latency_ms"], row["input_tokens"], row["output_tokens"]) == ("6400", "4000", "512")
    (row,) = run(SAVED["tokens by application"], [event(long)]).rows
    assert row["application"] == "shop"


def test_the_first_line_of_the_group_is_no_call() -> None:
    assert discover(PERMISSION_CHECK) == {}


# --- live and from files


class Emulated:
    """boto3's `logs` over the sample records."""

    def __init__(self) -> None:
        self._answers: list[Result] = []

    def start_query(self, *, queryString: str, limit: int, **_: Any) -> dict[str, str]:  # noqa: N803 - the API's name
        self._answers.append(run(queryString, events(), limit=limit))
        return {"queryId": str(len(self._answers) - 1)}

    def get_query_results(self, *, queryId: str) -> dict[str, Any]:  # noqa: N803 - the API's name
        rows = self._answers[int(queryId)].rows
        return {
            "status": "Complete",
            "results": [[{"field": key, "value": value} for key, value in row.items()] for row in rows],
        }


class Profiles:
    """boto3's `bedrock` with one application inference profile of the environment."""

    def get_paginator(self, _operation: str) -> "Profiles":
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        summary = {"inferenceProfileId": PROFILE, "inferenceProfileName": "customer-support-dev-haiku-0a1b2c"}
        foreign = {"inferenceProfileId": "x", "inferenceProfileName": "other-dev-haiku-0a1b2c"}
        return [{"inferenceProfileSummaries": [summary, foreign]}]


def refuse(_self: Profiles, **_: Any) -> Any:
    raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "ListInferenceProfiles")


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> None:
    caller = {"Account": "111111111111", "Arn": "arn:aws:iam::111111111111:user/me"}
    sts = SimpleNamespace(get_caller_identity=lambda: caller)
    clients = {"logs": Emulated(), "bedrock": Profiles(), "sts": sts}
    monkeypatch.setattr(account, "client", lambda service, **_: clients[service])


@pytest.fixture
def priced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "configuration.schema.environment.Environment.rates",
        lambda _self, name: RATES[HAIKU] if name == "haiku" else None,
    )


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    folder = tmp_path / "records"
    folder.mkdir()
    (folder / "a.jsonl").write_text("\n".join([PERMISSION_CHECK, *map(json.dumps, RECORDS.values())]))
    return folder


QUESTIONS = [[question] for question in declared.QUESTIONS]
SUMMED = [[question, "--by", str(by)] for question in ("tokens", "cost") for by in By]
MORE = [["slow", "--threshold-ms", "1000"], ["slow", "--model", "haiku-5-5"], ["longest", "--model", "nova"]]


@pytest.mark.usefixtures("live")
def test_a_model_of_the_environment_is_asked_about_with_its_profiles(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, exported: Path
) -> None:
    monkeypatch.setattr("ops.invocation_log.insights.between", lambda query, **_: query.text)
    assert main(["logs", "tokens", "--by", "model", "--env", "dev", "--model", "haiku"]) == 0
    printed = capsys.readouterr().out
    assert [HAIKU in printed, PROFILE in printed, NOVA in printed] == [True, True, False]

    assert main(["logs", "tokens", "--by", "model", "--env", "dev", "--model", "haiku", "--from", str(exported)]) == 0
    printed, told = capsys.readouterr()
    assert [HAIKU in printed, PROFILE in printed, NOVA in printed] == [True, False, False]
    assert f"--model haiku: calls with the id {HAIKU}; files do not say which profiles belong to it" in told


@pytest.mark.usefixtures("live")
def test_a_model_whose_profiles_are_not_known_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Profiles, "paginate", refuse)
    assert main(["logs", "slow", "--env", "dev", "--model", "haiku"]) == 1
    told = capsys.readouterr().err
    assert "inference profiles cannot be listed: An error occurred (AccessDeniedException)" in told
    assert f"allowed without them: part of an id, as {HAIKU}" in told


@pytest.mark.usefixtures("live")
def test_profiles_have_the_names_of_their_models_where_aws_tells_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.invocation_log.insights.between", lambda query, **_: query.text)
    assert main(["logs", "longest", "--env", "dev"]) == 0
    assert f"haiku ({PROFILE})" in capsys.readouterr().out
    monkeypatch.setattr(Profiles, "paginate", refuse)
    assert main(["logs", "longest", "--env", "dev"]) == 0
    printed, told = capsys.readouterr()
    assert (PROFILE in printed, "haiku (" in printed) == (True, False)
    assert "tables show profiles by their ids: inference profiles cannot be listed" in told


@pytest.mark.usefixtures("live")
def test_a_model_that_nobody_called_is_told_with_those_that_were(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.invocation_log.insights.between", lambda query, **_: query.text)
    assert main(["logs", "slow", "--env", "dev", "--model", "nosuch"]) == 0
    told = capsys.readouterr().err
    assert "--model nosuch matches none of " in told
    assert f"{NOVA} (" in told


@pytest.mark.parametrize(
    ("models", "found"),
    [((HAIKU,), {HAIKU}), ((PROFILE,), {PROFILE}), (("amazon.nova-2-lite-v1:0",), set()), ("nova", {NOVA})],
)
def test_whole_ids_are_whole(models: queries.Models, found: set[str]) -> None:
    rows = run(queries.tokens_by(By.MODEL, model=models).text, events()).rows
    assert {row["model"] for row in rows} == found


@pytest.mark.usefixtures("live", "priced")
@pytest.mark.parametrize("question", [*QUESTIONS, *SUMMED, *MORE], ids=" ".join)
def test_the_live_log_and_files_give_the_same_answer(
    question: list[str],
    exported: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A file does not say which profiles there are.
    for place in ("ops.commands.logs", "ops.invocation_log.profiles"):
        monkeypatch.setattr(f"{place}.profiles_of", lambda _account: {})

    def tables(*source: str) -> list[str]:
        assert main(["logs", *question, "--env", "dev", "--csv", str(tmp_path / "a.csv"), *source]) == 0
        printed: str = capsys.readouterr().out
        lines = printed.splitlines()
        # Until when it is complete is known of the live log alone.
        (until,) = [line for line in lines if line.startswith("Log: ")]
        assert (source == ()) == until.startswith("Log: complete until ")
        return [*(line for line in lines if line != until), *(tmp_path / "a.csv").read_text().splitlines()]

    # Bounds of the live query lie around today's clock.
    monkeypatch.setattr("ops.invocation_log.insights.between", lambda query, **_: query.text)
    answer = tables()
    assert answer == tables("--from", str(exported))
    assert len(answer) > 4


@pytest.mark.usefixtures("live", "priced")
def test_cost_shows_what_has_no_price(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.invocation_log.insights.between", lambda query, **_: query.text)
    assert main(["logs", "cost", "--env", "dev"]) == 0
    printed = capsys.readouterr().out
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    # The profile of model haiku has haiku's rates and its name; nova has none: unknown, not 0.
    assert lines[0].startswith("at least $0.0085 (90,557 tokens unpriced) for 11 answered calls")
    assert f"{HAIKU} 8 0 4,083 684 9,000 500 $0.0084 500" in lines
    assert f"haiku ({PROFILE}) 1 0 15 20 0 0 $0.00012 0" in lines
    assert f"{NOVA} 2 0 90,013 44 0 0 unknown 90,057" in lines


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["cost", "--from", "."], "--env is missing; needed: the environment whose rates"),
        (["slow", "--by", "day", "--from", "."], "--by day: slow has no groups; allowed with: tokens, cost"),
    ],
)
def test_what_a_question_needs(
    arguments: list[str], told: str, exported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["logs", *(str(exported) if each == "." else each for each in arguments)]) == 1
    assert told in capsys.readouterr().err


@pytest.mark.usefixtures("live", "priced")
def test_profiles_that_cannot_be_listed_are_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Profiles, "paginate", refuse)
    monkeypatch.setattr("ops.invocation_log.insights.between", lambda query, **_: query.text)
    assert main(["logs", "cost", "--env", "dev"]) == 0
    printed = capsys.readouterr()
    assert "count as unpriced: inference profiles cannot be listed" in printed.err
    assert PROFILE in printed.out
