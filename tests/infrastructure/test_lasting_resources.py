"""What an upgrade must not replace: resources with a fixed physical name, and resources that hold data.

CloudFormation replaces a resource whose logical id changes: data would be left behind, and a fixed name is taken.
Whoever changes the list says in CHANGELOG.md what is replaced and how its data is carried over.
"""

import json
from pathlib import Path

import pytest

from tests.support import frozen as files
from tests.support.synthesis.templates import Deployed, frozen

LIST = Path(__file__).with_name("lasting_resources.json")
# Properties that give a resource a physical name. Those of policies and of what CloudFormation calls through a
# reference are no names of their own.
NAMES = (
    *("AlarmName", "AliasName", "BucketName", "DashboardName", "FilterName", "FunctionName", "InferenceProfileName"),
    *("LogGroupName", "Name", "QueueName", "RoleName", "StateMachineName", "TopicName"),
)
HOLDS_DATA = {"AWS::KMS::Key", "AWS::Logs::LogGroup", "AWS::S3::Bucket"}


def lasting(deployed: Deployed) -> dict[str, dict[str, str]]:
    """By stack, the types of the lasting resources by logical id."""
    return {
        template.room: {
            logical_id: resource["Type"]
            for logical_id, resource in sorted(template.raw().items())
            if resource["Type"] in HOLDS_DATA
            or any(isinstance(resource.get("Properties", {}).get(name), str) for name in NAMES)
        }
        for template in deployed
    }


def as_they_are() -> str:
    """The text of the list for the templates as they are."""
    return f"{json.dumps({name: lasting(frozen()[name]) for name in files.NAMES}, indent=2)}\n"


@pytest.mark.parametrize("name", files.NAMES)
def test_no_lasting_resource_is_replaced(name: str) -> None:
    """New ones are added to the list; an id or type that is gone is a replacement, which CHANGELOG.md must explain."""
    listed, found = json.loads(LIST.read_text())[name], lasting(frozen()[name])
    gone = {room: sorted(set(listed[room].items()) - set(found[room].items())) for room in listed}
    assert not {room: resources for room, resources in gone.items() if resources}, "CHANGELOG.md"
    new = {room: sorted(set(found[room]) - set(listed[room])) for room in listed}
    assert not {room: resources for room, resources in new.items() if resources}, f"add them: {LIST.name}"


def test_the_list_covers_all_that_holds_data() -> None:
    listed = json.loads(LIST.read_text())
    for name in files.NAMES:
        kinds = {kind for room in listed[name].values() for kind in room.values()}
        assert kinds >= HOLDS_DATA
        assert sum(len(room) for room in listed[name].values()) > 50
