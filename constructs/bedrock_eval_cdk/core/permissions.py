"""Statements of a role, written out one by one: no managed policy, no broad grant."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Aws
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from bedrock_eval_cdk.core.nag import acknowledge_wildcard
from bedrock_eval_cdk.core.roles import ServiceRole

# A condition cannot be split later, a key has up to 1,024 characters, and a policy 6,144.
_OBJECTS_IN_A_CONDITION = 4


def allow(
    role: ServiceRole,
    *,
    actions: Sequence[str],
    resources: Sequence[str],
    conditions: Mapping[str, Any] | None = None,
    wildcard: str | None = None,
) -> None:
    """Let the role do `actions` on `resources`.

    Args:
        wildcard: why a resource that holds a `*` is narrow enough; needed when there is one.

    Raises:
        ValueError: a resource holds a `*` and `wildcard` does not say why.
        DeclarationError: IAM takes no more.
    """
    role.allow(actions=actions, resources=resources, conditions=conditions)
    wide = [resource for resource in resources if "*" in resource]
    if wide and wildcard is None:
        raise ValueError(f"{role.node.path}: {', '.join(actions)} on {', '.join(wide)}: say why the wildcard is safe")
    for resource in wide:
        acknowledge_wildcard(role, resource, reason=str(wildcard))


def allow_key(role: ServiceRole, key: kms.IKey) -> None:
    """Let the role read and write what the environment's key encrypts."""
    allow(role, actions=["kms:Decrypt", "kms:GenerateDataKey"], resources=[key.key_arn])


def allow_listing(role: ServiceRole, bucket: s3.IBucket) -> None:
    """Let the role list the bucket, without which S3 answers 403, not 404, for an object that is not there.

    A condition on s3:prefix would have the same effect: GET and HEAD carry none.
    """
    allow(role, actions=["s3:ListBucket"], resources=[bucket.bucket_arn])


def allow_foreign_objects(role: ServiceRole, objects: Sequence[tuple[str, str]]) -> None:
    """Let the role read exactly these objects, each a bucket's name and a key, of buckets that are not ours, if any.

    They may be encrypted with a key that only their bucket's owner knows: S3 may use it for the role, for these objects
    alone. A key of another account must admit the role as well. Source: S3 user guide, UsingKMSEncryption.
    """
    if not objects:
        return
    arns = [f"{bucket_arn(bucket)}/{key}" for bucket, key in objects]
    allow(role, actions=["s3:GetObject"], resources=arns)
    for start in range(0, len(objects), _OBJECTS_IN_A_CONDITION):
        some = objects[start : start + _OBJECTS_IN_A_CONDITION]
        # What S3 tells the key: the object, or with a bucket key the bucket.
        context = (
            *(f"{bucket_arn(bucket)}/{key}" for bucket, key in some),
            *(bucket_arn(bucket) for bucket, _ in some),
        )
        allow(
            role,
            actions=["kms:Decrypt"],
            resources=[f"arn:{Aws.PARTITION}:kms:{Aws.REGION}:*:key/*"],
            conditions={
                "StringEquals": {
                    "kms:ViaService": f"s3.{Aws.REGION}.{Aws.URL_SUFFIX}",
                    "kms:EncryptionContext:aws:s3:arn": list(dict.fromkeys(context)),
                }
            },
            wildcard="Whichever key encrypts a dataset of another owner; only through S3, and only for those datasets.",
        )


def from_this_account(source_arn: str) -> dict[str, dict[str, str]]:
    """Conditions of a trust or key statement for a service: only on behalf of `source_arn` in this account."""
    return {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}, "ArnLike": {"aws:SourceArn": source_arn}}


def from_this_account_if_told(source_arn: str) -> dict[str, dict[str, str]]:
    """The same where AWS does not document that the service tells who it acts for: what it tells must be true."""
    return {f"{operator}IfExists": test for operator, test in from_this_account(source_arn).items()}


def regional_arn(service: str, resource: str) -> str:
    """The ARN of a resource in this account and Region."""
    return f"arn:{Aws.PARTITION}:{service}:{Aws.REGION}:{Aws.ACCOUNT_ID}:{resource}"


def budgets_arn() -> str:
    """Every budget of this account, as the source of requests of AWS Budgets; they are global."""
    return f"arn:{Aws.PARTITION}:budgets::{Aws.ACCOUNT_ID}:*"


def bucket_arn(name: str) -> str:
    """The ARN of a bucket that is known by its name."""
    return f"arn:{Aws.PARTITION}:s3:::{name}"
