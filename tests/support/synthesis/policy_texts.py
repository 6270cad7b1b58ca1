"""Policies as IAM gets them: intrinsic functions replaced by the longest that they can stand for."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.support.synthesis.templates import Deployed, Resource, Template, listed

_FIXED: Mapping[str, str] = {
    "AWS::Partition": "aws-us-gov",
    "AWS::Region": "ap-southeast-2",
    "AWS::AccountId": "111122223333",
    "AWS::URLSuffix": "amazonaws.com.cn",
}
_PLACE = "aws-us-gov:{}:ap-southeast-2:111122223333"
_NAME = "n" * 64
# By type of the resource: what Ref gives, and what its ARN is.
_REF: Mapping[str, str] = {
    "AWS::S3::Bucket": "b" * 63,
    "AWS::SNS::Topic": f"arn:{_PLACE.format('sns')}:{'t' * 256}",
    "AWS::StepFunctions::StateMachine": f"arn:{_PLACE.format('states')}:stateMachine:{'m' * 80}",
    "AWS::IAM::Role": _NAME,
    "AWS::Lambda::Function": _NAME,
}
_ARN: Mapping[str, str] = {
    "AWS::S3::Bucket": f"arn:aws-us-gov:s3:::{'b' * 63}",
    "AWS::KMS::Key": f"arn:{_PLACE.format('kms')}:key/12345678-1234-1234-1234-123456789012",
    "AWS::IAM::Role": f"arn:aws-us-gov:iam::111122223333:role/{_NAME}",
    "AWS::Lambda::Function": f"arn:{_PLACE.format('lambda')}:function:{_NAME}",
    "AWS::Logs::LogGroup": f"arn:{_PLACE.format('logs')}:log-group:/aws/vendedlogs/states/{_NAME}:*",
    "AWS::SQS::Queue": f"arn:{_PLACE.format('sqs')}:{'q' * 80}",
    "AWS::SNS::Topic": f"arn:{_PLACE.format('sns')}:{'t' * 80}",
    "AWS::StepFunctions::StateMachine": f"arn:{_PLACE.format('states')}:stateMachine:{'m' * 80}",
    "AWS::Bedrock::ApplicationInferenceProfile": (
        f"arn:{_PLACE.format('bedrock')}:application-inference-profile/abcdefghijkl"
    ),
}


class Texts:
    """Resolves what stands in the templates of one environment, across its stacks."""

    def __init__(self, deployed: Deployed) -> None:
        self._exports: dict[str, tuple[Template, Any]] = {
            output["Export"]["Name"]: (template, output["Value"])
            for template in deployed
            for output in template.content.get("Outputs", {}).values()
            if "Export" in output
        }

    def of(self, template: Template, value: Any) -> Any:  # noqa: PLR0911 - one for each function
        if isinstance(value, list):
            return [self.of(template, each) for each in value]
        if not isinstance(value, dict):
            return value
        match list(value.items()):
            case [("Ref", name)]:
                return _FIXED.get(name) or _REF[template.content["Resources"][name]["Type"]]
            case [("Fn::GetAtt", [name, attribute])]:
                assert str(attribute).endswith("Arn")
                return _ARN[template.content["Resources"][name]["Type"]]
            case [("Fn::Join", [separator, parts])]:
                return separator.join(str(self.of(template, part)) for part in parts)
            case [("Fn::ImportValue", name)]:
                return self.of(*self._exports[name])
            case [("Fn::Sub", text)]:
                return re.sub(r"\$\{([^}]+)\}", lambda found: _FIXED[found[1]], text)
        return {key: self.of(template, each) for key, each in value.items()}


def documents(deployed: Deployed) -> Iterator[tuple[str, str, Resource]]:
    """Role (its stack and logical id), type and document of every policy of a role."""
    texts = Texts(deployed)
    for template in deployed:
        for logical_id, found in template.raw().items():
            properties = found.get("Properties", {})
            if found["Type"] in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
                for role in properties["Roles"]:
                    where = f"{template.room} {role['Ref']}"
                    yield where, found["Type"], texts.of(template, properties["PolicyDocument"])
            elif found["Type"] == "AWS::IAM::Role":
                for policy in properties.get("Policies", []):
                    document = texts.of(template, policy["PolicyDocument"])
                    yield f"{template.room} {logical_id}", "AWS::IAM::Policy", document


def characters(document: Resource) -> int:
    """As IAM counts."""
    return len(re.sub(r"\s", "", json.dumps(document)))


def statements(deployed: Deployed) -> Iterator[tuple[str, Resource]]:
    """Every statement with the role that it is of, actions and resources as lists."""
    for role, _, document in documents(deployed):
        for statement in listed(document["Statement"]):
            actions, resources = listed(statement["Action"]), listed(statement["Resource"])
            yield role, {**statement, "Action": actions, "Resource": resources}
