import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from bedrock_eval.alarms.kinds import KINDS
from bedrock_eval.alarms.thresholds import Thresholds
from bedrock_eval.evaluation.job_settings import JobKind
from configuration.generate import configuration_reference, files
from configuration.generate.model_table import ModelDataError, table_source
from configuration.loading.load import Loaded, load_environments
from configuration.repository import REPOSITORY
from configuration.schema.environment import Environment
from tests.support.frozen import ENVIRONMENTS, SOURCE

ONE, TWO = (Thresholds(**{each.name: value for each in fields(Thresholds)}) for value in (11, 22))
SHIPPED = sorted(ENVIRONMENTS.glob("*.yaml"))


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = json.loads((REPOSITORY / "environments" / "schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def read(path: Path) -> Any:
    return YAML(typ="safe").load(path)


def test_the_generated_files_are_not_stale() -> None:
    assert files.main(["--check"]) == 0


def test_a_stale_file_is_told_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "environments").mkdir()
    (tmp_path / "docs").mkdir()
    (tmp_path / "lambda" / "bedrock_eval" / "known_models").mkdir(parents=True)
    monkeypatch.setattr(files, "REPOSITORY", tmp_path)
    assert files.main(["--check"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"{name} is stale; write it anew with: python -m configuration.generate"
        for name in (
            *("environments/schema.json", "docs/configuration.md", "docs/alarms.md"),
            "lambda/bedrock_eval/known_models/table.py",
        )
    ]
    assert files.main([]) == 0
    assert files.main(["--check"]) == 0


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_schema_takes_the_shipped_files(path: Path, validator: Draft202012Validator) -> None:
    assert [error.message for error in validator.iter_errors(read(path))] == []
    (schema,) = re.findall(r"\A# yaml-language-server: \$schema=(.+)\n", path.read_text())
    assert (path.parent / schema).resolve() == REPOSITORY / "environments" / "schema.json"


def worth_saying(loaded: Loaded) -> list[str]:
    """But for the placeholders, which test_placeholders.py knows."""
    return [line for line in loaded.warnings if "is a placeholder" not in line]


def mappings(value: Any) -> Iterator[dict[str, Any]]:
    """Every mapping of a file but the user's own names and tags, which may hold any key that is a name."""
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from mappings(item)


def test_the_schema_refuses_unknown_keys_wherever_they_stand(validator: Draft202012Validator) -> None:
    data = read(ENVIRONMENTS / "prod.yaml")
    checked = 0
    for mapping in mappings(data):
        if mapping is data.get("tags"):
            continue
        mapping["No Key"] = {}
        assert not validator.is_valid(data), mapping
        del mapping["No Key"]
        checked += 1
    assert checked > 10
    assert validator.is_valid(data)


@pytest.mark.parametrize(
    ("key", "value"),
    [("account", 111111111111), ("region", "virginia"), ("name", "dev"), ("models", {}), ("owns_account", "yes")],
)
def test_the_schema_refuses_wrong_values(key: str, value: object, validator: Draft202012Validator) -> None:
    assert not validator.is_valid({**read(ENVIRONMENTS / "dev.yaml"), key: value})


def test_the_reference_names_every_key_once_in_its_section() -> None:
    sections = re.split(r"^## ", configuration_reference.configuration_text(), flags=re.MULTILINE)[1:]
    keys = {section.splitlines()[0]: re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE) for section in sections}
    assert keys["The environment"] == [name for name in Environment.model_fields if name != "name"]
    assert keys["`evaluations.<name>.gates[]`, `kind: custom`"] == ["metric", "min", "max", "max_drop"]
    assert all(len(set(names)) == len(names) > 0 for names in keys.values())


def test_every_row_of_the_reference_has_a_meaning() -> None:
    rows = [line for line in configuration_reference.configuration_text().splitlines() if line.startswith("| `")]
    assert len(rows) > 60
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split(" | ")]
        assert len(cells) == 5, row
        assert cells[4], row


def test_the_alarms_are_those_of_the_table_with_their_units_and_windows() -> None:
    rows = {
        cells[0]: cells[1:]
        for line in files.outputs()[REPOSITORY / "docs" / "alarms.md"].splitlines()
        if line.startswith("| [") and (cells := [cell.strip() for cell in line.strip("|").split(" | ")])
    }
    assert list(rows) == [f"[{name}](runbook.md#{name})" for name in KINDS]
    shown = {name.partition("]")[0][1:]: cells for name, cells in rows.items()}
    assert shown["latency-p90"] == [
        *("warning", "above `alarms.latency_p90_ms` ms", "3 of 5 periods of 5 min", "no breach", "service"),
        "InvocationLatency p90, InvocationLatency SampleCount",
    ]
    band = "above the band of what is expected `alarms.latency_anomaly` standard deviations wide"
    assert shown["latency-anomaly"][1] == band
    assert shown["throttle-count"][1] == "at or above `alarms.throttle_count` requests"
    assert shown["verdict"][1:4] == ["at or above 3 (failed or worse)", "1 of 24 periods of 1 h", "the state stays"]
    assert shown["coverage"][1] == "below `min_coverage` of the cases answered"
    assert shown["watchdog-silent"][1:4] == ["below 1 report", "2 of 2 periods of 1 h", "a breach"]
    assert shown["inconclusive"][0] == "off"
    fixed = {name for name, cells in shown.items() if "`" not in cells[1]}
    assert fixed == {
        name for name, kind in KINDS.items() if kind.threshold and kind.threshold(ONE) == kind.threshold(TWO)
    }


def test_the_example_of_the_reference_loads(tmp_path: Path, validator: Draft202012Validator) -> None:
    example = re.search(r"```yaml\n(.*?)```", (REPOSITORY / "docs/configuration.md").read_text(), flags=re.DOTALL)
    assert example is not None
    (tmp_path / "dev.yaml").write_text(example[1].replace("datasets/customer-support.jsonl", SOURCE))
    (environment,) = load_environments(tmp_path, today=date(2026, 11, 23)).environments
    assert [candidate.name for candidate in environment.evaluations["support-quality"].candidates] == [
        "large",
        "small-brief",
    ]
    assert validator.is_valid(read(tmp_path / "dev.yaml"))


def test_the_shipped_files_load_together_from_any_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    loaded = load_environments(ENVIRONMENTS, today=date(2026, 11, 23))
    assert [environment.name for environment in loaded.environments] == ["dev", "prod", "staging"]
    assert worth_saying(loaded) == []


def test_prod_keeps_and_runs_by_itself_while_dev_is_thrown_away() -> None:
    loaded = load_environments(ENVIRONMENTS, today=date(2026, 11, 23))
    dev, prod, _ = loaded.environments
    assert (dev.removal_policy, dev.termination_protection) == ("destroy", False)
    assert (prod.removal_policy, prod.termination_protection) == ("retain", True)
    schedule = prod.evaluations["support-quality"].schedule
    assert schedule is not None
    assert schedule.timezone != "UTC"


def test_dev_has_an_evaluation_of_each_kind_and_one_by_people_to_uncomment(tmp_path: Path) -> None:
    text = (ENVIRONMENTS / "dev.yaml").read_text()
    before, people = text.split("  # rated-by-people:\n")
    block, rest = people.split("\n\n")
    uncommented = "\n".join(line.replace("# ", "", 1) for line in ("  # rated-by-people:", *block.splitlines()))
    (tmp_path / "dev.yaml").write_text(f"{before}{uncommented}\n\n{rest}")
    loaded = load_environments(tmp_path, today=date(2026, 11, 23))
    (dev,) = loaded.environments
    assert worth_saying(loaded) == []
    assert {each.job_kind for each in dev.evaluations.values()} == {None, *JobKind}
    assert [name for name, each in dev.evaluations.items() if each.schedule is None] == ["rated-by-people"]


def test_local_loads_by_name_only() -> None:
    (local,) = load_environments(ENVIRONMENTS, only=["local"], today=date(2026, 11, 23)).environments
    assert (local.account, local.stand_in, local.own_profile, local.owns_account) == ("000000000000", True, True, True)


def test_a_broken_prod_does_not_block_dev(tmp_path: Path) -> None:
    shutil.copy(ENVIRONMENTS / "dev.yaml", tmp_path)
    (tmp_path / "prod.yaml").write_text("application: [")
    assert len(load_environments(tmp_path, only=["dev"], today=date(2026, 11, 23)).environments) == 1


_ROW = "    source: card\n    verified_on: 2026-11-28\n  anthropic.claude-sonnet-5-5:"
_HAIKU = "models.anthropic.claude-haiku-5-5"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (_ROW, _ROW.replace("    verified_on: 2026-11-28\n", ""), f"{_HAIKU}.verified_on: Field required"),
        (_ROW, _ROW.replace("    source: card\n", ""), f"{_HAIKU}.source: Field required"),
        ("launch: 2026-10-07", "lunch: 2026-10-07", f"{_HAIKU}.lunch: Extra inputs are not permitted"),
        ("end: 2026-06-19,", "end: 2026-06-31,", "dead.anthropic.claude-3-5-haiku-.end: Input should be a valid date"),
        ("in_region: [us-gov-west-1]\n", "in_region: [us-gov-west-3]\n", "us-gov-west-3: neither a Region nor a group"),
    ],
)
def test_a_row_of_the_table_of_models_without_source_or_day_is_refused(
    old: str, new: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = files.MODELS.read_text("utf-8")
    assert text.count(old) == 1
    broken = tmp_path / "table.yaml"
    broken.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(ModelDataError) as raised:
        table_source(broken, command="x")
    assert told in str(raised.value)
    monkeypatch.setattr(files, "MODELS", broken)
    assert files.main(["--check"]) == 1
