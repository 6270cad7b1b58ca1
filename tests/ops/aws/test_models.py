"""`ops models`: the table of an environment's models, the account's word on them, and the explanation of a use."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ops.__main__ import main
from ops.command_line.application import parser
from ops.commands import models
from ops.errors import OpsError
from tests.support.fakes import client_error
from tests.support.json_documents import read_document

QUESTIONS = json.loads((Path(__file__).parent / "model_questions.json").read_text("utf-8"))
NOW = datetime(2026, 11, 28, tzinfo=UTC)

FILE = """\
application: shop
account: "123412341234"
region: eu-central-1
owner: team
runbook_url: https://example.com/runbook
models:
  haiku:
    id: eu.anthropic.claude-haiku-5-5
    rates: {input: 1, output: 5}
  pro:
    id: eu.amazon.nova-pro-v1:0
  qwen:
    id: qwen.qwen3-32b-v1:0
  old:
    id: eu.amazon.nova-micro-v1:0
"""


def explained(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main(["models", "explain", *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("question", QUESTIONS["questions"], ids=lambda each: f"{each['model']}-{each['use']}")
def test_a_use_is_judged_as_documents_say(question: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--parameters", json.dumps(question["parameters"])] if question["parameters"] else []
    code, answer = explained(
        capsys,
        *(question["model"], "--region", question["region"], "--use", question["use"], *given),
        *("--as-of", QUESTIONS["as_of"]),
    )
    assert answer["verdict"] == question["expect"], answer
    assert code == (1 if question["expect"] == "refused" else 0)
    assert bool(answer["reasons"]) is (question["expect"] != "ok")
    assert set(answer) == {"verdict", "reasons", "nearest"}
    if "nearest" in question:
        assert answer["nearest"][0] == question["nearest"]


def test_every_use_and_verdict_is_asked_of() -> None:
    asked = {(each["use"], each["expect"]) for each in QUESTIONS["questions"]}
    uses = ("candidate", "judge", "job_generator", "batch", "embedding")
    assert {(use, verdict) for use in uses for verdict in ("ok", "refused")} <= asked


def test_a_use_is_explained_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "explain", "us.anthropic.claude-opus-4-7", "--region", "us-east-1"]) == 0
    assert capsys.readouterr().out == "ok: us.anthropic.claude-opus-4-7 as candidate from us-east-1\n"


def test_the_age_of_the_table_is_a_reason(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bedrock_eval.model_checks.checks.VERIFIED_ON", NOW.date())
    given = ("us.anthropic.claude-opus-4-7", "--region", "us-east-1", "--as-of", "2027-05-01")
    code, answer = explained(capsys, *given)
    assert (code, answer["verdict"]) == (0, "warning")
    assert "154 days ago" in answer["reasons"][0]


def test_the_override_counts_as_in_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    given = ("apac.amazon.nova-2-lite-v1:0", "--region", "ap-south-1", "--as-of", "2026-11-28")
    assert explained(capsys, *given)[0] == 1
    assert explained(capsys, *given, "--destination-region", "ap-south-1")[1]["verdict"] == "ok"


def test_an_arn_goes_through(capsys: pytest.CaptureFixture[str]) -> None:
    arn = "arn:aws:bedrock:us-east-1:111122223333:imported-model/abcdefghijkl"
    assert explained(capsys, arn, "--region", "us-east-1")[1] == {"verdict": "ok", "reasons": [], "nearest": []}


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--parameters", "{", "not JSON"),
        ("--parameters", "[1]", "is not a JSON object"),
        ("--as-of", "2026-02-30", "is not a date"),
        ("--use", "judges", "invalid choice"),
    ],
)
def test_an_option_that_cannot_be_is_named(
    option: str, value: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["models", "explain", "amazon.nova-pro-v1:0", "--region", "us-east-1", option, value])
    assert ended.value.code == 1
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            '{"temprature": 0}',
            "temprature: no such parameter (did you mean 'temperature'?); allowed: temperature, top_p",
        ),
        ('{"temperature": "hot"}', "--parameters: temperature: "),
        ('{"max_tokens": 1.5}', "--parameters: max_tokens: "),
        ('{"stop_sequences": [""]}', "--parameters: stop_sequences: "),
    ],
)
def test_parameters_are_those_of_an_environment_file(
    given: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["models", "explain", "amazon.nova-pro-v1:0", "--region", "us-east-1", "--parameters", given]
    assert main(arguments) == 1
    assert message in capsys.readouterr().err


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BEDROCK_EVAL_ENVIRONMENTS", str(tmp_path))
    path = tmp_path / "shop.yaml"
    path.write_text(FILE)
    return path


def arguments(*options: str) -> Any:
    return parser().parse_args(["models", *options])


@pytest.mark.usefixtures("file")
def test_the_models_of_a_file_are_shown_with_what_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert models.run(arguments("--env", "shop"), now=NOW) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Models of shop, by the table of ")
    rows = {line.split()[0]: line for line in lines[2:]}
    assert list(rows) == ["haiku", "pro", "qwen", "old"]
    for part in ("active", "since 2026-10-07, not before 2027-10-07", "no sampling", "thinking on", "in the file"):
        assert part in rows["haiku"]
    assert "eu. to eu-central-1, eu-north-1, eu-west-1, eu-west-3 " in rows["pro"]
    assert rows["pro"].endswith("unknown")
    assert "in eu-central-1" in rows["qwen"]


def test_an_environment_is_needed_without_explain() -> None:
    with pytest.raises(OpsError, match="needed: --env"):
        models.run(arguments(), now=NOW)


class Account:
    """Answers as they were recorded from `bedrock`, changed by a test."""

    def __init__(self, **changes: Any) -> None:
        self.lifecycles: dict[str, Any] = {
            "anthropic.claude-haiku-5-5": {"status": "ACTIVE", "startOfLifeTime": datetime(2026, 10, 7, tzinfo=UTC)},
            "amazon.nova-pro-v1:0": {"status": "ACTIVE"},
            "amazon.nova-micro-v1:0": {"status": "ACTIVE"},
            "qwen.qwen3-32b-v1:0": {"status": "ACTIVE"},
        }
        self.on_demand = ["qwen.qwen3-32b-v1:0"]
        self.profiles = {
            "eu.anthropic.claude-haiku-5-5": "EU6",
            "eu.amazon.nova-pro-v1:0": "EU4",
            "eu.amazon.nova-micro-v1:0": "EU4",
            "global.anthropic.claude-haiku-5-5": "",
        }
        self.refuses = False
        for key, value in changes.items():
            setattr(self, key, value)

    def list_foundation_models(self) -> Mapping[str, Any]:
        if self.refuses:
            raise client_error("AccessDeniedException")
        summaries = [
            {
                "modelId": each,
                "inferenceTypesSupported": ["ON_DEMAND"] if each in self.on_demand else ["INFERENCE_PROFILE"],
                "outputModalities": ["TEXT"],
                "modelLifecycle": {"status": lifecycle["status"]},
            }
            for each, lifecycle in self.lifecycles.items()
        ]
        return {"modelSummaries": summaries}

    def get_foundation_model(self, *, modelIdentifier: str) -> Mapping[str, Any]:  # noqa: N803
        if modelIdentifier not in self.lifecycles:
            raise client_error("ResourceNotFoundException")
        lifecycle = self.lifecycles[modelIdentifier]
        return {"modelDetails": {"modelId": modelIdentifier, "modelLifecycle": lifecycle}}

    def get_paginator(self, operation: str) -> "Account":
        assert operation == "list_inference_profiles"
        return self

    def paginate(self, *, typeEquals: str) -> Iterator[Mapping[str, Any]]:  # noqa: N803
        assert typeEquals == "SYSTEM_DEFINED"
        for each in self.profiles:
            yield {"inferenceProfileSummaries": [{"inferenceProfileId": each, "status": "ACTIVE", "models": []}]}

    def get_inference_profile(self, *, inferenceProfileIdentifier: str) -> Mapping[str, Any]:  # noqa: N803
        routed = {
            "EU6": ["eu-central-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-3"],
            "EU4": ["eu-central-1", "eu-north-1", "eu-west-1", "eu-west-3"],
        }
        base = inferenceProfileIdentifier.partition(".")[2]
        regions = routed[self.profiles[inferenceProfileIdentifier]]
        return {"models": [{"modelArn": f"arn:aws:bedrock:{each}::foundation-model/{base}"} for each in regions]}


def checked(account: Account, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(models, "client", lambda service, **_: account)
    return models.run(arguments("--env", "shop", "--check"), now=NOW)


@pytest.mark.usefixtures("file")
def test_an_account_that_agrees_is_said_to(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert checked(Account(), monkeypatch) == 0
    assert capsys.readouterr().out.endswith("\nThe account agrees on haiku, pro, qwen, old.\n")


@pytest.mark.usefixtures("file")
def test_what_the_account_says_otherwise_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    account = Account()
    account.lifecycles["anthropic.claude-haiku-5-5"] = {
        "status": "LEGACY",
        "endOfLifeTime": datetime(2027, 10, 7, tzinfo=UTC),
    }
    del account.lifecycles["amazon.nova-micro-v1:0"]
    account.on_demand = []
    account.profiles["eu.amazon.nova-pro-v1:0"] = "EU6"
    del account.profiles["eu.amazon.nova-micro-v1:0"]
    assert checked(account, monkeypatch) == 1
    shown = capsys.readouterr().out.split("Where the account differs\n")[1]
    rows = [" ".join(line.split()) for line in shown.splitlines()[1:]]
    assert rows == [
        "haiku state active legacy",
        "haiku end of life unknown 2027-10-07",
        "pro destinations eu-central-1, eu-north-1, eu-west-1, eu-west-3 eu-central-1, eu-north-1, eu-south-1, "
        "eu-south-2, eu-west-1, eu-west-3",
        "qwen called by its own id from eu-central-1 yes no",
        "old state active not here, or past its end",
        "old profile from eu-central-1 yes no",
    ]


@pytest.mark.usefixtures("file")
def test_an_account_that_refuses_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OpsError, match=r"the account's models: .*AccessDenied"):
        checked(Account(refuses=True), monkeypatch)


def test_with_the_simulator_there_is_no_account_to_compare_with(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(FILE.replace('"123412341234"', '"000000000000"\nstand_in: true'))
    with pytest.raises(OpsError, match="runs on the emulator, not on AWS"):
        checked(Account(), monkeypatch)


@pytest.mark.usefixtures("file")
def test_the_models_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert models.run(arguments("--env", "shop", "--json"), now=NOW) == 0
    found = read_document(capsys.readouterr().out, models.LIST)
    assert [row["model"] for row in found["models"]] == ["haiku", "pro", "qwen", "old"]
    assert found["models"][1]["price"] is None
    assert found["differences"] == []
