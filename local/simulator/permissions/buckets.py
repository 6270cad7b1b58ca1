"""Checks that Bedrock may deliver invocation logs to a bucket: its policy, and access lists that would overrule it."""

import json

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import s3

from local.simulator.permissions.roles import BEDROCK, asked

_PUT = "s3:PutObject"


def delivery_folder(prefix: str | None) -> str:
    """The folder of a bucket to which Bedrock delivers, without a slash at the end."""
    folder = f"AWSLogs/{get_account_id()}/BedrockModelInvocationLogs"
    begin = (prefix or "").strip("/")
    return f"{begin}/{folder}" if begin else folder


def bucket_problem(bucket: str, *, prefix: str | None, source_arn: str) -> str | None:
    """The reason why Bedrock cannot deliver to the bucket, None when it can.

    Args:
        source_arn: the resource for which Bedrock writes.
    """
    if bucket not in s3._buckets:
        return "the bucket does not exist"
    if not s3._bucket_owner_enforced(s3._buckets[bucket]):
        return "its access lists are not disabled"
    resource = f"arn:aws:s3:::{bucket}/{delivery_folder(prefix)}/{get_region()}/any"
    policy = s3._bucket_policies.get(bucket)
    context = asked("", _PUT, resource, source_arn=source_arn)
    decision = iam_evaluator.evaluate_resource_policy(policy and json.loads(policy), context, service=BEDROCK).decision
    return None if decision == "Allow" else f"its policy does not let {BEDROCK} do {_PUT} on {resource}"
