"""app.py as the CDK CLI runs it: a process with the context in its environment, without credentials or network."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.support.frozen import ENVIRONMENTS
from tests.support.synthesis.templates import CONTEXT

_LIMIT: dict[str, Any] = {"@aws-cdk/core:stackResourceLimit": "20"}

ROOT = Path(__file__).resolve().parent.parent.parent


def run(directory: Path, *, validation: bool = False, **context: Any) -> subprocess.CompletedProcess[str]:
    """Run app.py on the frozen files with nothing in the environment but what Python and Node need."""
    given = {**CONTEXT, "environments_directory": str(ENVIRONMENTS), **context}
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ["HOME"],
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "CDK_CONTEXT_JSON": json.dumps(given),
        "CDK_OUTDIR": str(directory / "cdk.out"),
        "CDK_VALIDATION": str(validation).lower(),
        # Nothing answers there: whoever asks AWS fails.
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    # The shipped files have placeholders; that each is told is tested where the files are read.
    done.stderr = "".join(line for line in done.stderr.splitlines(True) if " is a placeholder; " not in line)
    return done


@pytest.fixture
def environments(tmp_path: Path) -> Path:
    """A copy of the environment files to be broken."""
    copy = tmp_path / "environments"
    copy.mkdir()
    for path in ENVIRONMENTS.glob("*.yaml"):
        shutil.copy(path, copy)
    return copy


def stages(directory: Path) -> set[str]:
    return {path.name.removeprefix("assembly-") for path in (directory / "cdk.out").glob("assembly-*")}


def test_all_but_local_is_synthesized_without_credentials(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 0
    # One line each, what it costs, and one for the quota that prod.yaml names.
    lines = done.stderr.splitlines()
    assert [line.partition(": ")[2].partition(":")[0] for line in lines] == ["dev", "prod", "prod", "staging"]
    assert all(line.startswith("info: ") for line in lines)
    assert ["calls a minute" in line for line in lines] == [False, False, True, False]
    assert sum(" a month for " in line for line in lines) == 3
    assert stages(tmp_path) == {"dev", "staging", "prod"}


def test_nobody_is_told_what_the_simulator_would_cost(tmp_path: Path) -> None:
    done = run(tmp_path, environments="local")
    assert (done.returncode, done.stderr) == (0, "")


def test_what_the_first_deploy_runs_at_once_is_told_with_the_templates(tmp_path: Path, environments: Path) -> None:
    text = (environments / "dev.yaml").read_text()
    (environments / "dev.yaml").write_text(text.replace("cron(0 7 ? * MON *)", "rate(7 days)"))
    done = run(tmp_path, environments="dev", environments_directory=str(environments))
    assert done.returncode == 0
    [first, _cost] = done.stderr.splitlines()
    assert re.fullmatch(r"info: dev: [a-z-]+ \(rate\(7 days\)\) runs at the first deploy, .*", first)


def test_one_environment_never_opens_the_file_of_another(tmp_path: Path, environments: Path) -> None:
    (environments / "prod.yaml").write_text("application: [broken")
    done = run(tmp_path, environments="dev", environments_directory=str(environments))
    assert done.returncode == 0
    assert done.stderr.startswith("info: dev: ")
    assert len(done.stderr.splitlines()) == 1
    assert stages(tmp_path) == {"dev"}


def test_more_than_aws_takes_is_one_line(tmp_path: Path, environments: Path) -> None:
    models = "".join(f"  m{number}: {{id: amazon.nova-lite-v{number}:0}}\n" for number in range(60))
    text = (environments / "dev.yaml").read_text()
    (environments / "dev.yaml").write_text(text.replace("models:\n", f"models:\n{models}", 1))
    done = run(tmp_path, environments="dev", environments_directory=str(environments))
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("environments/dev.yaml: ")
    assert "allowed: 500" in last
    assert "Traceback" not in done.stderr


def test_a_template_that_cloudformation_would_not_take_is_refused(tmp_path: Path, environments: Path) -> None:
    document = YAML(typ="safe").load((environments / "dev.yaml").read_text())
    more = {
        f"m{number}": {
            "id": f"amazon.nova-lite-v{number}:0",
            "rates": {"input": 1, "output": 5},
            "quota": {"tokens_per_minute": 1000, "requests_per_minute": 10},
        }
        for number in range(16)
    }
    document["models"] |= more
    limits = ("tokens_per_hour", "tokens_per_day", "cost_per_hour", "cost_per_day", "latency_anomaly")
    document["alarms"] = dict.fromkeys(limits, 1)
    (environments / "dev.yaml").write_text(json.dumps(document))
    done = run(tmp_path, environments="dev", environments_directory=str(environments))
    assert done.returncode == 1
    told, hint = done.stderr.splitlines()[-2:]
    assert re.fullmatch(
        r"environments/dev\.yaml: the template of monitoring has 1,\d{3},\d{3} bytes; allowed: 1,000,000", told
    )
    assert hint.startswith("Split the environment")


def test_expired_rates_are_a_warning_and_no_failure(tmp_path: Path, environments: Path) -> None:
    text = (environments / "dev.yaml").read_text()
    changed = text.replace("cache_read: 0.0825", "verified_until: 2020-01-31")
    assert changed != text
    (environments / "dev.yaml").write_text(changed)
    done = run(tmp_path, environments="dev", environments_directory=str(environments))
    assert done.returncode == 0
    warning, cost = done.stderr.splitlines()
    assert cost.startswith("info: dev: ")
    assert warning.startswith("warning: ")
    assert "models.nova.rates.verified_until: 2020-01-31 is past" in warning
    assert stages(tmp_path) == {"dev"}


@pytest.mark.parametrize(
    ("as_of", "told"),
    [
        (
            "2027-01-08",
            "models.haiku.id: 'us.anthropic.claude-opus-4-1-20250805-v1:0' reached its end of life on 2027-",
        ),
        ("2027-02-30", "-c as_of=2027-02-30: is not a date; allowed: a day, as 2026-12-31"),
    ],
)
def test_models_are_held_against_the_day_that_synth_is_given(
    as_of: str, told: str, tmp_path: Path, environments: Path
) -> None:
    text = (environments / "dev.yaml").read_text()
    ending = text.replace("us.anthropic.claude-haiku-5-5", "us.anthropic.claude-opus-4-1-20250805-v1:0")
    (environments / "dev.yaml").write_text(ending)
    done = run(tmp_path, environments="dev", environments_directory=str(environments), as_of=as_of)
    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_file_is_a_message_with_every_mistake_and_exit_code_1(tmp_path: Path, environments: Path) -> None:
    text = (environments / "dev.yaml").read_text()
    (environments / "dev.yaml").write_text(text.replace("region: us-east-1", "region: mars") + "\ncolour: red\n")
    done = run(tmp_path, environments_directory=str(environments))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert all("dev.yaml:" in line for line in done.stderr.splitlines())
    assert "region" in done.stderr
    assert "colour" in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_too_large_a_stack_is_refused_with_its_count(tmp_path: Path) -> None:
    done = run(tmp_path, environments="dev", **_LIMIT)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "is greater than allowed maximum of 20" in done.stderr
    assert "Split the environment" in done.stderr


def test_two_alarms_of_one_name_are_a_message(tmp_path: Path, environments: Path) -> None:
    document = YAML(typ="safe").load((environments / "dev.yaml").read_text())
    (model,) = list(document["models"])[:1]
    (evaluation,) = list(document["evaluations"].values())[:1]
    document["evaluations"] = {
        name: {**evaluation, "candidates": [{"name": candidate, "model": model}], "headline": False}
        for name, candidate in {"a": "b-c", "a-b": "c"}.items()
    }
    (environments / "dev.yaml").write_text(json.dumps(document))
    done = run(tmp_path, environments="dev", environments_directory=str(environments))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    name = "customer-support-dev-coverage-a-b-c"
    assert line == f"environments/dev.yaml: alarm {name} would be about both (a, b-c) and (a-b, c): rename one"


def test_who_subscribes_nobody_is_told_that_nobody_hears(tmp_path: Path, environments: Path) -> None:
    document = YAML(typ="safe").load((environments / "prod.yaml").read_text())
    assert "nobody hears" not in run(tmp_path, environments="prod", environments_directory=str(environments)).stderr
    del document["subscriptions"]
    (environments / "prod.yaml").write_text(json.dumps(document))
    (line, _) = run(tmp_path, environments="prod", environments_directory=str(environments)).stderr.splitlines()
    assert line.endswith("; there are no subscriptions: nobody hears of its alarms")


def test_the_templates_pass_the_rules_of_cloudformation(tmp_path: Path) -> None:
    """The library's own validation, which every other test leaves out, as errors."""
    done = run(tmp_path, environments="prod", validation=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_findings_of_those_rules_fail_and_are_not_mere_warnings(tmp_path: Path) -> None:
    script = (
        "from aws_cdk import App, CfnResource, Stack\n"
        "app = App()\n"
        "stack = Stack(app, 'stack')\n"
        "one, two = (CfnResource(stack, name, type='AWS::SNS::Topic') for name in ('One', 'Two'))\n"
        "one.add_property_override('DisplayName', {'Ref': 'Two'})\n"
        "two.add_property_override('DisplayName', {'Ref': 'One'})\n"
        "app.synth()\n"
    )
    environment = {
        **{key: os.environ[key] for key in ("PATH", "HOME")},
        "CDK_CONTEXT_JSON": json.dumps(dict(CONTEXT)),
        "CDK_OUTDIR": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode != 0
    assert "ValidationFailed" in done.stderr
