"""What nobody should deploy as it is gets one warning, at its place; what only looks like it gets none."""

from datetime import date

import pytest

from configuration.loading.load import load_environments
from configuration.loading.rules.placeholders import placeholders
from tests.support.frozen import ENVIRONMENTS

TODAY = date(2026, 11, 23)


def test_every_placeholder_of_the_shipped_files_is_one_warning() -> None:
    warnings = load_environments(ENVIRONMENTS, today=TODAY).warnings
    shown = [line.partition("environments/")[2].partition(" is a placeholder; needed: ") for line in warnings]
    runbook = "'https://github.com/your-organisation/your-repository/blob/main/docs/runbook.md'"
    address, number = "an address of your own", "the number of your AWS account"
    assert [(place, needed) for place, _, needed in shown] == [
        ("dev.yaml:5: account: '111111111111'", number),
        (f"dev.yaml:9: runbook_url: {runbook}", address),
        ("prod.yaml:4: account: '333333333333'", number),
        (f"prod.yaml:8: runbook_url: {runbook}", address),
        ("prod.yaml:51: subscriptions[0].endpoint: 'support-ai@example.com'", address),
        ("staging.yaml:4: account: '222222222222'", number),
        (f"staging.yaml:8: runbook_url: {runbook}", address),
    ]


def test_the_emulator_needs_no_account_of_yours() -> None:
    assert load_environments(ENVIRONMENTS, only=["local"], today=TODAY).warnings == ()


@pytest.mark.parametrize(
    "value",
    [
        *("111111111111", "000000000000", "123456789012", "111122223333"),
        "arn:aws:sagemaker:us-east-1:111111111111:workteam/private-crowd/support",
        "arn:aws:iam::123456789012:role/team",
        *("oncall@example.com", "https://wiki.example.org/runbook", "https://Example.net", "example.com/page"),
        *("https://wiki.example/runbook", "ops@team.invalid"),
        "https://github.com/your-organisation/your-repository",
    ],
)
def test_a_placeholder_is_known_wherever_it_stands(value: str) -> None:
    for data, path in (({"a": value}, ("a",)), ({"a": [{"b": value}]}, ("a", 0, "b"))):
        (found,) = placeholders(data)
        assert found.path == path
        assert found.message.startswith(f"{value!r} is a placeholder; needed: ")


@pytest.mark.parametrize(
    "value",
    [
        *("314159265358", "1111111111111", "11111111111", 111111111111),
        "arn:aws:iam::314159265358:role/team",
        *(
            "oncall@myexample.com",
            "https://example.company.io/x",
            "https://shop.io/examples",
            "s3://bucket/example.jsonl",
        ),
        *("Say that your-organisation cannot help.", "Write to support@example.com, or call."),
        "https://shop.io/yours",
    ],
)
def test_what_only_looks_like_one_is_none(value: object) -> None:
    assert list(placeholders({"a": value})) == []
