"""A first deploy that failed anywhere can be repeated.

Each stack is deployed with one fault after the other, from the first of its resources that can fail to the last, and
then without. What a failed attempt leaves behind under a fixed name, or cannot take back, fails the one that follows.
"""

import copy
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from local.__main__ import EMULATOR
from local.deployment import ENVIRONMENT, synthesize
from local.process import ACCOUNT, QUICK_WAITS, REGION, Endpoint, running_emulator
from tests.support.frozen import ANSWERS, ENVIRONMENTS
from tests.support.local.emulator import Clients, Stack, clients_of, eventually

STACKS = ("storage", "logging", "evaluation", "monitoring")
ASSETS = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
# The limit of an attempt, and the pause between polls: each poll keeps the emulator from working.
SECONDS, PAUSE = 180.0, 0.3
BOOTSTRAP = "/cdk-bootstrap/hnb659fds/version"
# What names a role that AWS must know by then.
OF_A_ROLE = {
    "AWS::Scheduler::Schedule": ("Target", "RoleArn"),
    "AWS::StepFunctions::StateMachine": ("RoleArn",),
    "AWS::Lambda::Function": ("Role",),
}

Json = dict[str, Any]


@dataclass(frozen=True)
class Fault:
    """A broken template, and a word of the reason of its failure."""

    name: str
    template: Json
    reason: str


@dataclass
class Account:
    """An emulator, and one environment's templates to deploy there."""

    clients: Clients
    assembly: Path
    stacks: dict[str, Stack] = field(default_factory=dict)

    def template(self, name: str) -> Json:
        (path,) = self.assembly.rglob(f"{ENVIRONMENT}{name}*.template.json")
        found: Json = json.loads(path.read_text())
        return found

    def attempt(self, name: str, template: Json) -> Stack:
        """Deploy as `cdk deploy` does: a stack whose creation failed is deleted before it is created again."""
        cloudformation = self.clients("cloudformation")
        stack = self.stacks.setdefault(name, Stack(cloudformation, f"customer-support-{ENVIRONMENT}-{name}"))
        if self._exists(stack):
            stack.delete()
            eventually(lambda: not self._exists(stack), seconds=SECONDS, every=PAUSE)
        key = f"{stack.name}.json"
        self.clients("s3").put_object(Bucket=ASSETS, Key=key, Body=json.dumps(template).encode())
        cloudformation.create_stack(
            StackName=stack.name,
            TemplateURL=f"https://s3.{REGION}.amazonaws.com/{ASSETS}/{key}",
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        eventually(lambda: not stack.status.endswith("IN_PROGRESS"), seconds=SECONDS, every=PAUSE)
        return stack

    def _exists(self, stack: Stack) -> bool:
        found = self.clients("cloudformation").list_stacks()["StackSummaries"]
        return any(each["StackName"] == stack.name and each["StackStatus"] != "DELETE_COMPLETE" for each in found)

    def upload(self) -> None:
        """Create what templates use of `cdk bootstrap`, and upload the assets of the assembly."""
        self.clients("ssm").put_parameter(Name=BOOTSTRAP, Value="30", Type="String")
        self.clients("s3").create_bucket(Bucket=ASSETS)
        for manifest in self.assembly.rglob("*.assets.json"):
            for asset in json.loads(manifest.read_text())["files"].values():
                source = manifest.parent / asset["source"]["path"]
                if asset["source"]["packaging"] == "zip":
                    source = Path(shutil.make_archive(str(source), "zip", source))
                for destination in asset["destinations"].values():
                    key = destination["objectKey"]
                    self.clients("s3").put_object(Bucket=ASSETS, Key=key, Body=source.read_bytes())


@contextmanager
def account(directory: Path, *, removal_policy: str) -> Iterator[Account]:
    config = directory / "simulator.json"
    config.write_text(json.dumps({"answers": [str(ANSWERS)]}))
    (directory / f"{ENVIRONMENT}.yaml").write_text(json.dumps(environment(removal_policy)))
    with running_emulator(
        interpreter=EMULATOR, directory=directory / "emulator", simulator_config=config, wait_scale=QUICK_WAITS
    ) as endpoint:
        yield made(endpoint, directory)


def made(endpoint: Endpoint, directory: Path) -> Account:
    context = {"environments_directory": str(directory)}
    synthesize(directory / "cdk.out", endpoint=endpoint, context=context)
    found = Account(clients_of(endpoint), directory / "cdk.out")
    found.upload()
    return found


def environment(removal_policy: str) -> Json:
    """`local` with everything that a first deploy can fail at: also schedules and profiles of the application."""
    found: Json = YAML(typ="safe").load(ENVIRONMENTS / f"{ENVIRONMENT}.yaml")
    found["removal_policy"] = removal_policy
    found["models"]["haiku"]["profile"] = True
    for name in ("support-quality", "bedrock-scores"):
        found["evaluations"][name]["schedule"] = {"expression": "cron(0 6 ? * MON *)"}
    return found


def faults(template: Json) -> Iterator[Fault]:
    """In the order of the template: custom resources that fail, roles and profiles that are not usable, the end."""
    seen: set[str] = set()
    for logical_id, resource in template["Resources"].items():
        kind = resource["Type"]
        if kind.startswith("Custom::"):
            yield refused(template, logical_id)
        elif kind in OF_A_ROLE and kind not in seen:
            seen.add(kind)
            yield Fault(f"role of {logical_id}", with_unknown_role(template, logical_id), "assume")
        elif kind == "AWS::Bedrock::ApplicationInferenceProfile" and kind not in seen:
            seen.add(kind)
            yield Fault(f"{logical_id} fails", without_model(template, logical_id), "model")
    yield Fault("at the end", with_failure(template), "nobody")


# By kind of custom resource: a property that its function cannot carry out, and what it says. None takes it away.
_WRONG: Mapping[str, tuple[str, Any, str]] = {
    "DatasetFile": ("SourceKey", "gone.jsonl", "NoSuchKey"),
    "EmptiedBucket": ("Bucket", None, "property Bucket: missing"),
    "ModelInvocationLogging": ("Mode", "share", "property Mode: 'share' is not allowed"),
    "EvaluationDefinition": ("Definition", {"evaluation": "half"}, "missing"),
    "FlowDefinition": ("WorkteamArn", f"arn:aws:sagemaker:{REGION}:999999999999:workteam/crowd/none", "Workteam"),
    "WatchdogReport": ("FunctionName", None, "property FunctionName: missing"),
}


def refused(template: Json, logical_id: str) -> Fault:
    """The function does not make the resource. A kind without an entry above has to get one."""
    changed = copy.deepcopy(template)
    resource = changed["Resources"][logical_id]
    key, value, reason = _WRONG[resource["Type"].removeprefix("Custom::")]
    assert key in resource["Properties"]
    if value is None:
        del resource["Properties"][key]
    else:
        resource["Properties"][key] = value
    return Fault(f"{logical_id} fails", changed, reason)


def with_failure(template: Json) -> Json:
    """Another resource fails once all of them have been made."""
    changed = copy.deepcopy(template)
    changed["Resources"]["Failing"] = {
        "Type": "AWS::CloudWatch::CompositeAlarm",
        "DependsOn": list(template["Resources"]),
        "Properties": {"AlarmName": "failing", "AlarmRule": "ALARM(nobody)"},
    }
    return changed


def with_unknown_role(template: Json, logical_id: str) -> Json:
    """The role is refused as one is that the service does not know yet; stock IAM knows every role at once."""
    changed = copy.deepcopy(template)
    role: Any = changed["Resources"][logical_id]["Properties"]
    for key in OF_A_ROLE[changed["Resources"][logical_id]["Type"]]:
        role = role[key]
    trust = changed["Resources"][role["Fn::GetAtt"][0]]["Properties"]["AssumeRolePolicyDocument"]
    for statement in trust["Statement"]:
        statement["Principal"] = {"Service": "ec2.amazonaws.com"}
    return changed


def without_model(template: Json, logical_id: str) -> Json:
    """What the profile is a copy of is not there: not in this Region."""
    changed = copy.deepcopy(template)
    source = "arn:aws:bedrock:eu-north-1::foundation-model/amazon.nova-lite-v1:0"
    changed["Resources"][logical_id]["Properties"]["ModelSource"] = {"CopyFrom": source}
    return changed


@pytest.mark.parametrize(("removal_policy", "stacks"), [("retain", STACKS), ("destroy", STACKS[:1])])
def test_every_stack_is_made_after_every_failure(tmp_path: Path, removal_policy: str, stacks: tuple[str, ...]) -> None:
    """What is destroyed with its stack, and what is not, differs where data lies."""
    with account(tmp_path, removal_policy=removal_policy) as found:
        for name in stacks:
            whole = found.template(name)
            begun = list(faults(whole))
            assert len(begun) >= 3, name
            for fault in begun:
                failed = found.attempt(name, fault.template)
                assert failed.status == "ROLLBACK_COMPLETE", f"{name}: {fault.name}: {failed.reasons()}"
                assert fault.reason in failed.reasons(), f"{name}: {fault.name}: {failed.reasons()}"
                # The account's setting is rolled back, too: nothing is logged to a group that is gone.
                setting = found.clients("bedrock").get_model_invocation_logging_configuration()
                assert ("loggingConfig" in setting) == (STACKS.index(name) > STACKS.index("logging")), fault.name
            stack = found.attempt(name, whole)
            assert stack.status == "CREATE_COMPLETE", f"{name}: {stack.reasons()}"
