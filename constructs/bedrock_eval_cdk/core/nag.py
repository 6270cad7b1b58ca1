"""Acknowledging findings of cdk-nag, each beside the construct that causes it and with the fact that makes it safe."""

from typing import Any

from aws_cdk import Acknowledgment, Reference, Stack, Token, Tokenization, Validations

from constructs import Construct

_PACK = "AwsSolutions"


def acknowledge(construct: Construct, rule: str, *, reason: str) -> None:
    """Acknowledge a rule of AwsSolutions (`SQS3`, `L1`) for a construct and all in it.

    Args:
        reason: the fact that makes it safe, as a sentence.
    """
    rule_id = f"{_PACK}::{_PACK}-{rule}"
    Validations.of(construct).acknowledge(Acknowledgment(id=rule_id, reason=reason))


def acknowledge_wildcard(construct: Construct, resource: str, *, reason: str) -> None:
    """Acknowledge that a policy of the construct names a resource with a wildcard in it.

    Args:
        resource: as the statement has it, tokens included; the finding's id is made from what they resolve to.
    """
    acknowledge(construct, f"IAM5[Resource::{flat_resource(construct, resource)}]", reason=reason)


def flat_resource(construct: Construct, resource: str) -> str:
    """The resource as cdk-nag spells it: intrinsic functions flattened, exports of other stacks by their names."""
    stack = Stack.of(construct)
    for token in Tokenization.reverse_string(resource).tokens:
        if isinstance(token, Reference) and Stack.of(token.target) is not stack:
            text = Token.as_string(token)
            resource = resource.replace(text, _export_name(Stack.of(token.target), text))
    return _flat(stack.resolve(resource))


def _export_name(producer: Stack, text: str) -> str:
    # Until the whole app is synthesized, a foreign reference resolves as if it were in its own stack.
    name = producer.resolve(producer.export_value(text))["Fn::ImportValue"]
    return str(name)


def _flat(value: Any) -> str:
    if isinstance(value, str):
        return value.replace("${", "<").replace("}", ">")
    ((function, argument),) = value.items()
    if function == "Fn::Join":
        delimiter, items = argument
        return str(delimiter).join(_flat(item) for item in items)
    if function == "Fn::GetAtt":
        return "<{}.{}>".format(*argument)
    if function == "Ref":
        return f"<{argument}>"
    return _flat(argument)
