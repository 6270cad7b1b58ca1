"""A sample export as the S3 delivery leaves it, and a `logs` client that answers by script."""

import gzip
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from bedrock_eval.model_checks import checks
from tests.support.frozen import ENVIRONMENTS
from tests.support.operations import SAMPLE, Script, result

settings.register_profile("quick", max_examples=20, deadline=None)
settings.load_profile("quick")


@pytest.fixture(autouse=True)
def _frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """What users edit decides no test."""
    monkeypatch.setenv("BEDROCK_EVAL_ENVIRONMENTS", str(ENVIRONMENTS))


@pytest.fixture(autouse=True)
def _fresh_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands go by the clock, and the age of the table of models must turn no test red."""
    monkeypatch.setattr(checks, "VERIFIED_ON", datetime.now(UTC).date())


@pytest.fixture(autouse=True)
def _no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    # COLUMNS: tables are as wide as they like, whatever the terminal of the tests is.
    for name in [name for name in os.environ if name.startswith("AWS_") or name == "COLUMNS"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Two hours of the S3 delivery, with everything that lies in such a folder."""
    folder = tmp_path / "AWSLogs" / "111122223333" / "BedrockModelInvocationLogs" / "us-east-1" / "2026" / "11" / "23"
    (folder / "10" / "data").mkdir(parents=True)
    lines = [json.dumps(record) for record in SAMPLE]
    (folder / "10" / "a.json.gz").write_bytes(gzip.compress("\n".join(lines[:5]).encode()))
    (folder / "10" / "b.json.gz").write_bytes(gzip.compress(("\n".join(lines[5:]) + "\n").encode()))
    (folder / "10" / "data" / "r-1_input.json.gz").write_bytes(gzip.compress(b'{"messages": []}'))
    (folder / "amazon-bedrock-logs-permission-check").write_bytes(b"")
    (folder / "stream.log").write_text("Permissions are correctly set for Amazon Bedrock logs.\n{broken\n[1]\n\n")
    return tmp_path


@pytest.fixture
def script() -> type[Script]:
    return Script


@pytest.fixture(name="result")
def _result() -> Callable[..., dict[str, Any]]:
    return result


@pytest.fixture
def sample() -> list[dict[str, Any]]:
    return SAMPLE
