"""Rates of an environment file against recorded answers of the Price List."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.validate import ParamValidator

from configuration.loading.load import load_environments
from ops.__main__ import main
from ops.commands import prices
from tests.ops.json_documents import read_document
from tests.support.aws.price_list_pages import HAIKU_5_5, NOVA_2_LITE, claude, nova
from tests.support.fakes import client_error

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DEV = """\
application: shop
region: us-east-1
owner: team # on call
runbook_url: https://example.com/runbook

models:
  haiku:
    id: us.anthropic.claude-haiku-5-5
    rates:
      input: 0.12 # negotiated? ask finance
      output: 0.55
      verified_until: 2026-11-01
  # the small one
  nova:
    id: us.amazon.nova-2-lite-v1:0
"""
AFTER = """\
application: shop
region: us-east-1
owner: team # on call
runbook_url: https://example.com/runbook

models:
  haiku:
    id: us.anthropic.claude-haiku-5-5
    rates:
      input: 0.11 # negotiated? ask finance
      output: 0.55
      verified_until: 2027-02-22
      cache_read: 0.011
      cache_write: 0.1375
  # the small one
  nova:
    id: us.amazon.nova-2-lite-v1:0
    rates:
      input: 0.33
      output: 2.75
      cache_read: 0.0825
      cache_write: 0
      verified_until: 2027-02-22
"""


class PriceList:
    """The client `pricing`: two products a page; requests must be such as botocore takes."""

    def __init__(self, *products: Iterable[str]) -> None:
        self.products = [product for some in products for product in some]
        self.requests: list[dict[str, Any]] = []
        self.regions: list[str] = []
        self.error: Exception | None = None

    def get_paginator(self, name: str) -> Any:
        assert name == "get_products"
        return SimpleNamespace(paginate=self._pages)

    def _pages(self, **request: Any) -> Iterator[dict[str, Any]]:
        shape = _MODEL.operation_model("GetProducts").input_shape
        assert not ParamValidator().validate(request, shape).has_errors()
        self.requests.append(request)
        if self.error is not None:
            raise self.error
        wanted = {each["Field"]: each["Value"] for each in request["Filters"]}
        region = wanted.pop("regionCode")
        ((field, value),) = wanted.items()
        found = [
            product
            for product in self.products
            if f'"{field}": "{value}"' in product
            and f'"regionCode": "{region}"' in product
            and f'"serviceCode": "{request["ServiceCode"]}"' in product
        ]
        for start in range(0, len(found), 2):
            yield {"PriceList": found[start : start + 2]}


_MODEL = boto3.client("pricing", region_name="us-east-1").meta.service_model


@pytest.fixture
def price_list(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> PriceList:
    """Answers for both models of dev.yaml, which lies in a folder of its own."""
    (tmp_path / "dev.yaml").write_text(DEV)
    made = PriceList(HAIKU_5_5, NOVA_2_LITE)

    def client(service: str, *, region_name: str, **_: object) -> PriceList:
        assert service == "pricing"
        made.regions.append(region_name)
        return made

    monkeypatch.setenv("BEDROCK_EVAL_ENVIRONMENTS", str(tmp_path))
    monkeypatch.setattr(boto3, "client", client)
    monkeypatch.setattr(prices, "datetime", SimpleNamespace(now=lambda zone: NOW))
    return made


def test_the_patch_is_shown_and_nothing_is_written(
    price_list: PriceList, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prices", "--env", "dev"]) == 0
    shown = capsys.readouterr().out
    assert "-      input: 0.12 # negotiated? ask finance\n+      input: 0.11 # negotiated? ask finance" in shown
    assert "Nothing was written; --write writes the file." in shown
    assert (tmp_path / "dev.yaml").read_text() == DEV
    assert [request["ServiceCode"] for request in price_list.requests] == [
        "AmazonBedrockFoundationModels",
        "AmazonBedrock",
    ]


def test_the_file_is_written_with_its_comments(price_list: PriceList, tmp_path: Path) -> None:
    assert main(["prices", "--env", "dev", "--write"]) == 0
    assert (tmp_path / "dev.yaml").read_text() == AFTER
    (environment,) = load_environments(tmp_path, today=NOW.date()).environments
    assert environment.rates("nova") is not None
    assert main(["prices", "--env", "dev", "--check"]) == 0


def test_the_table_has_both_sides(price_list: PriceList, capsys: pytest.CaptureFixture[str]) -> None:
    main(["prices", "--env", "dev"])
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[2:10]]
    assert rows == [
        ["haiku", "input", "0.12", "0.11"],
        ["haiku", "output", "0.55", "0.55"],
        ["haiku", "cache_read", "unknown", "0.011"],
        ["haiku", "cache_write", "unknown", "0.1375"],
        ["nova", "input", "unknown", "0.33"],
        ["nova", "output", "unknown", "2.75"],
        ["nova", "cache_read", "unknown", "0.0825"],
        ["nova", "cache_write", "unknown", "0"],
    ]


def test_check_ends_with_1_where_a_rate_differs(price_list: PriceList, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prices", "--env", "dev", "--check"]) == 1
    told = capsys.readouterr()
    assert "error: haiku, nova: the Price List has other rates" in told.err
    assert "@@" not in told.out


def test_what_is_missing_or_ambiguous_is_said_and_left_alone(
    price_list: PriceList, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    price_list.products = [
        claude("input_tokens_standard", "0.1100000000"),
        claude("InputTokenCount", "0.1200000000"),
        claude("output_tokens_standard", "0.5500000000"),
        nova("input-tokens", "0.0003300000"),
    ]
    assert main(["prices", "--env", "dev", "--write"]) == 0
    told = capsys.readouterr()
    assert "haiku: input: ambiguous, 2 prices (0.11, 0.12); its rate stays as it is" in told.err
    assert "nova: output: no entry for on-demand calls from us-east-1; its rate stays as it is" in told.err
    assert "The Price List has no rate of these models; the file stays as it is." in told.out
    assert "says all of this already" not in told.out
    assert (tmp_path / "dev.yaml").read_text() == DEV


def test_a_rate_that_only_the_file_has_is_said_and_left_alone(
    price_list: PriceList, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dev.yaml").write_text(DEV.replace("output: 0.55", "output: 0.55\n      cache_write: 0.2"))
    price_list.products = [claude(f"{kind}_tokens_standard", "0.5") for kind in ("input", "output", "cache_read")]
    assert main(["prices", "--env", "dev", "--write"]) == 0
    told = capsys.readouterr()
    assert "haiku: cache_write: in the file, and not found in the Price List; its rate stays as it is" in told.err
    assert "      cache_write: 0.2\n" in (tmp_path / "dev.yaml").read_text()


def test_a_model_that_the_table_does_not_know_is_said(
    price_list: PriceList, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dev.yaml").write_text(DEV.replace("us.amazon.nova-2-lite-v1:0", "mistral.mistral-large-2407-v1:0"))
    assert main(["prices", "--env", "dev"]) == 0
    assert "nova: mistral.mistral-large-2407-v1:0 is not in the table of" in capsys.readouterr().err
    assert len(price_list.requests) == 1


@pytest.mark.parametrize(
    ("region", "endpoint"),
    [
        ("us-west-2", "us-east-1"),
        ("eu-west-1", "eu-central-1"),
        ("ap-northeast-1", "ap-south-1"),
        ("ca-central-1", "us-east-1"),
    ],
)
def test_the_nearest_of_three_endpoints_is_asked(
    price_list: PriceList, tmp_path: Path, region: str, endpoint: str
) -> None:
    text = DEV.replace("region: us-east-1", f"region: {region}").replace("id: us.", "id: global.")
    (tmp_path / "dev.yaml").write_text(text)
    assert main(["prices", "--env", "dev"]) == 0
    assert price_list.regions == [endpoint]
    assert {each["Value"] for request in price_list.requests for each in request["Filters"]} >= {region}


def test_a_refusal_is_one_message(price_list: PriceList, capsys: pytest.CaptureFixture[str]) -> None:
    price_list.error = client_error("AccessDeniedException", "not authorized to perform pricing:GetProducts")
    assert main(["prices", "--env", "dev"]) == 1
    assert "error: the Price List does not answer:" in capsys.readouterr().err


def test_the_simulator_has_no_price(price_list: PriceList, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "local.yaml").write_text('account: "000000000000"\nstand_in: true\n' + DEV)
    assert main(["prices", "--env", "local"]) == 1
    assert "runs on the emulator" in capsys.readouterr().err


def test_the_rates_as_json(price_list: PriceList, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prices", "--env", "dev", "--json"]) == 0
    found = read_document(capsys.readouterr().out, prices.PRICES)
    rates = {(row["model"], row["tokens"]): (row["file"], row["price_list"]) for row in found["rates"]}
    assert rates["haiku", "input"] == (0.12, 0.11)
    assert found["stale"] == ["haiku", "nova"]
    assert "+      input: 0.11" in found["patch"]
