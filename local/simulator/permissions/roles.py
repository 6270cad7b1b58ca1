"""Checks that a service may use a role: its trust policy, and what its policies allow."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam

BEDROCK = "bedrock.amazonaws.com"
SAGEMAKER = "sagemaker.amazonaws.com"


def role_problem(
    role_arn: str, *, source_arn: str, wanted: Iterable[tuple[str, str]], service: str = BEDROCK
) -> str | None:
    """The reason why the service cannot use the role, None when it can.

    Args:
        source_arn: the resource for which it assumes the role.
        wanted: actions with the ARN of their resource; the role's policies must allow all of them.
    """
    role = iam._roles.get(role_arn.rpartition("/")[2])
    if role is None or role["Arn"] != role_arn:
        return "the role does not exist"
    if not _trusts(role["AssumeRolePolicyDocument"], service, source_arn):
        return f"the role's trust policy does not let {service} of this account and Region assume it"
    policies = iam_evaluator._gather_role_policies(role["RoleName"], get_account_id())
    for action, resource in wanted:
        context = asked(role_arn, action, resource, source_arn=source_arn)
        if iam_evaluator.evaluate(context, policies).decision != "Allow":
            return f"the role does not allow {action} on {resource}"
    return None


def _trusts(document: str, service: str, source_arn: str) -> bool:
    statements = json.loads(document or "{}").get("Statement", [])
    listed = [statements] if isinstance(statements, dict) else statements
    return any(_lets_in(entry, service, source_arn) for entry in listed)


def _lets_in(statement: Mapping[str, Any], service: str, source_arn: str) -> bool:
    actions = statement.get("Action", [])
    context = asked("", "sts:AssumeRole", "*", source_arn=source_arn)
    return (
        statement.get("Effect") == "Allow"
        and "sts:AssumeRole" in ([actions] if isinstance(actions, str) else actions)
        and bool(iam_evaluator._service_principal_matches(statement.get("Principal"), service))
        and bool(iam_evaluator._conditions_met(statement.get("Condition") or {}, context))
    )


def asked(role_arn: str, action: str, resource: str, *, source_arn: str) -> Any:
    """The question to a policy: a service acts for `source_arn` of this account, with TLS."""
    return iam_evaluator.EvalContext(
        principal_arn=role_arn,
        principal_type="AssumedRole",
        principal_account=get_account_id(),
        action=action,
        resource_arn=resource,
        region=get_region(),
        secure_transport=True,
        service_context={"aws:sourceaccount": get_account_id(), "aws:sourcearn": source_arn},
    )
