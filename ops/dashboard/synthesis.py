"""The dashboard body of an environment, synthesized from the source in another process."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configuration.repository import REPOSITORY
from configuration.schema.environment import Environment
from ops.environment.loading import EnvironmentFile
from ops.errors import OpsError

_SECONDS = 300
_LAST_LINES = 12
_DASHBOARD = "AWS::CloudWatch::Dashboard"
_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}


def synthesized_body(file: EnvironmentFile) -> str:
    """Synthesize the environment and give its dashboard's body.

    Raises:
        OpsError: it cannot be synthesized; the message says what is missing.
    """
    if shutil.which("node") is None:
        raise OpsError("synthesis needs Node.js; install it, or draw a file with --body F")
    with tempfile.TemporaryDirectory(prefix="dashboard-") as folder:
        _synthesize(file, Path(folder))
        templates = sorted(Path(folder).rglob("*.template.json"))
        found = [body for path in templates for body in bodies(path, file.environment)]
    if len(found) != 1:
        raise OpsError(f"environment {file.environment.name} has {len(found)} dashboards; needed: 1")
    return found[0]


def bodies(path: Path, environment: Environment) -> list[str]:
    """The bodies of a template's dashboards, with what only a deploy knows as `{LogicalId}` or `{/its/parameter}`."""
    template = json.loads(path.read_text(encoding="utf-8"))
    resources = template.get("Resources", {})
    resolver = _Resolver(environment, resources, template.get("Parameters", {}))
    return [
        str(resolver.flat(each["Properties"]["DashboardBody"]))
        for each in resources.values()
        if each["Type"] == _DASHBOARD
    ]


def _synthesize(file: EnvironmentFile, folder: Path) -> None:
    """What the CDK CLI does for `cdk synth`: the app reads its context and the place of its output from variables."""
    context = json.loads((REPOSITORY / "cdk.json").read_text(encoding="utf-8"))["context"]
    given = {
        **context,
        "environments": file.environment.name,
        "environments_directory": str(file.path.parent),
    }
    try:
        done = subprocess.run(
            [sys.executable, "app.py"],
            cwd=REPOSITORY,
            env={**os.environ, "CDK_OUTDIR": str(folder), "CDK_CONTEXT_JSON": json.dumps(given)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise OpsError(f"synthesis takes longer than {_SECONDS} s") from None
    if done.returncode:
        last = "\n".join(done.stderr.strip().splitlines()[-_LAST_LINES:])
        missing = "No module named 'aws_cdk'" in done.stderr
        hint = "run `make install` first" if missing else "`cdk synth` shows the same"
        raise OpsError(f"environment {file.environment.name} cannot be synthesized ({hint}):\n{last}")


@dataclass(frozen=True)
class _Resolver:
    environment: Environment
    resources: Mapping[str, Any]
    parameters: Mapping[str, Any]

    def flat(self, value: Any) -> Any:
        match value:
            case {"Fn::Join": [separator, parts]}:
                return str(separator).join(str(self.flat(part)) for part in parts)
            case {"Ref": name}:
                # A value of Parameter Store is known by where it lies there.
                return self._pseudo().get(name, f"{{{self.parameters.get(name, {}).get('Default', name)}}}")
            case {"Fn::GetAtt": [name, attribute]}:
                return self._attribute(name, attribute)
            case {"Fn::ImportValue": name}:
                return f"{{{self.flat(name)}}}"
        return value

    def _attribute(self, name: str, attribute: str) -> str:
        alarm = self.resources.get(name, {}).get("Properties", {}).get("AlarmName")
        if attribute == "Arn" and isinstance(alarm, str):
            pseudo = self._pseudo()
            place = ":".join((pseudo["AWS::Partition"], "cloudwatch", pseudo["AWS::Region"], pseudo["AWS::AccountId"]))
            return f"arn:{place}:alarm:{alarm}"
        return f"{{{name}.{attribute}}}"

    def _pseudo(self) -> Mapping[str, str]:
        region = self.environment.region
        return {
            "AWS::Region": region,
            "AWS::AccountId": self.environment.account or "{account}",
            "AWS::Partition": next((name for start, name in _PARTITIONS.items() if region.startswith(start)), "aws"),
        }
