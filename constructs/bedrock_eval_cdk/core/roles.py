"""A role that stays within what IAM takes: statements are split over policies before AWS would refuse them.

The CDK splits too, by estimates; its overflow policies can be longer than a policy may be.
Source: IAM user guide, reference_iam-quotas; white space does not count.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aws_cdk import aws_iam as iam

from bedrock_eval_cdk.core.errors import DeclarationError
from constructs import Construct

MANAGED_POLICY_LIMIT = 6_144
MOST_MANAGED_POLICIES = 10
# Of 10,240 that the inline policies of a role have together: the CDK adds some for traces and the delivery of logs.
_INLINE = 9_000
# From here on the CDK would split by itself: it takes an ARN that it does not know yet for so long.
_CDK_ARN = 150

_POLICY = '{"Version":"2012-10-17","Statement":[]}'
_TOKEN = re.compile(r"\$\{Token\[([^\]]+?)(?:\.\d+)?\]\}")
_LONGEST: Mapping[str, str] = {
    "AWS.Partition": "aws-us-gov",
    "AWS.Region": "ap-southeast-2",
    "AWS.AccountId": "1" * 12,
    "AWS.URLSuffix": "amazonaws.com.cn",
}
# Longer than the ARN of anything that we refer to: a state machine's has 143 characters.
_REFERENCE = "x" * 150


class ServiceRole(iam.Role):
    """A role for a service. What it may do stands inline as long as it fits, then in managed policies of its own."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        assumed_by: iam.IPrincipal,
        description: str | None = None,
        role_name: str | None = None,
    ) -> None:
        super().__init__(scope, construct_id, assumed_by=assumed_by, description=description, role_name=role_name)
        self._managed: list[iam.ManagedPolicy] = []
        self._room = _INLINE - len(_POLICY)

    def allow(
        self, *, actions: Sequence[str], resources: Iterable[str], conditions: Mapping[str, Any] | None = None
    ) -> None:
        """Let the role do `actions` on `resources`, in as many statements as it takes.

        Raises:
            DeclarationError: IAM takes no more policies of a role, or no statement that is so long.
        """
        rest = list(resources)
        frame = _size({"Effect": "Allow", "Action": list(actions), "Resource": [], "Condition": conditions or {}}) + 1
        while rest:
            taken = self._fitting(rest, self._room - frame)
            if taken:
                self._add(iam.PolicyStatement(actions=list(actions), resources=rest[:taken], conditions=conditions))
                self._room -= frame + sum(self._length(each) for each in rest[:taken])
                rest = rest[taken:]
            elif self._managed and self._room == MANAGED_POLICY_LIMIT - len(_POLICY):
                raise DeclarationError(
                    f"{self.node.path}: {', '.join(actions)} on {rest[0]} is a statement that is too long for any "
                    "policy; "
                    f"allowed: {MANAGED_POLICY_LIMIT:,} characters"
                )
            else:
                self._open_policy()

    def _length(self, resource: str) -> int:
        length = len(_resolved(resource))
        if not self._managed and _TOKEN.search(resource):
            length = max(length, _CDK_ARN)
        # Quotes and a comma.
        return length + 3

    def _fitting(self, resources: Sequence[str], room: int) -> int:
        """How many of them, from the first on, have room."""
        for count, resource in enumerate(resources):
            room -= self._length(resource)
            if room < 0:
                return count
        return len(resources)

    def _add(self, statement: iam.PolicyStatement) -> None:
        if self._managed:
            self._managed[-1].add_statements(statement)
        else:
            self.add_to_policy(statement)

    def _open_policy(self) -> None:
        number = len(self._managed) + 1
        if number > MOST_MANAGED_POLICIES:
            raise DeclarationError(
                f"{self.node.path} needs more than {MOST_MANAGED_POLICIES} policies of {MANAGED_POLICY_LIMIT:,} "
                "characters, and IAM takes no more of a role; move some models, evaluations or datasets elsewhere"
            )
        description = f"What {self.node.path} may do, part {number + 1}"
        self._managed.append(iam.ManagedPolicy(self, f"Policy{number}", description=description, roles=[self]))
        self._room = MANAGED_POLICY_LIMIT - len(_POLICY)


def _resolved(text: str) -> str:
    """With the longest that each token can stand for."""
    return _TOKEN.sub(lambda found: _LONGEST.get(found[1], _REFERENCE), text)


def _size(value: Any) -> int:
    return len(_resolved(json.dumps(value, separators=(",", ":"))))
