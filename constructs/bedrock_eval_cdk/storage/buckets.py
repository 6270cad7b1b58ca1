"""Buckets: TLS only, nothing public, versioned, encrypted, and each kind of data with a lifetime of its own."""

from collections.abc import Sequence

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from bedrock_eval_cdk.core.context import EnvironmentContext
from constructs import Construct

_ABORT_UPLOADS = s3.LifecycleRule(id="open-uploads", abort_incomplete_multipart_upload_after=Duration.days(7))


class _Bucket(s3.Bucket):
    """What holds for every bucket."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        key: kms.IKey | None,
        lifecycle: Sequence[s3.LifecycleRule],
        removal_policy: RemovalPolicy,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            versioned=True,
            lifecycle_rules=[*lifecycle, _ABORT_UPLOADS],
            removal_policy=removal_policy,
            encryption=s3.BucketEncryption.S3_MANAGED if key is None else s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=None if key is None else True,
        )


class AccessLogBucket(_Bucket):
    """Takes the server access logs of the other buckets. S3 delivers them to buckets with SSE-S3 only.

    Args:
        expire_days: how long a log is kept.
    """

    def __init__(self, scope: Construct, construct_id: str, *, expire_days: int, removal_policy: RemovalPolicy) -> None:
        super().__init__(
            scope,
            construct_id,
            key=None,
            lifecycle=[expire("logs", days=expire_days), expire_noncurrent("logs", days=1)],
            removal_policy=removal_policy,
        )

    def take_logs_of(self, bucket: s3.Bucket, *, prefix: str) -> None:
        """Log the accesses of a bucket of the same stack below `prefix`.

        By this bucket's policy: left to itself, the CDK asks a feature flag, and without it uses ACLs, which are off.
        """
        settings = bucket.node.default_child
        if not isinstance(settings, s3.CfnBucket):
            raise TypeError(f"{bucket.node.path}: CDK no longer makes a CfnBucket")
        settings.logging_configuration = s3.CfnBucket.LoggingConfigurationProperty(
            destination_bucket_name=self.bucket_name, log_file_prefix=prefix
        )
        self.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("logging.s3.amazonaws.com")],
                actions=["s3:PutObject"],
                resources=[self.arn_for_objects(f"{prefix}*")],
                conditions={
                    "ArnLike": {"aws:SourceArn": bucket.bucket_arn},
                    "StringEquals": {"aws:SourceAccount": Stack.of(self).account},
                },
            )
        )


class DataBucket(_Bucket):
    """Encrypted with the environment's key, its accesses logged under `<construct id>/`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        context: EnvironmentContext,
        access_logs: AccessLogBucket,
        lifecycle: Sequence[s3.LifecycleRule],
    ) -> None:
        super().__init__(
            scope, construct_id, key=context.key, lifecycle=lifecycle, removal_policy=context.removal_policy
        )
        access_logs.take_logs_of(self, prefix=f"{construct_id.lower()}/")


def allow_human_task_pages(bucket: s3.Bucket) -> None:
    """Let the page on which people work show prompts and answers, which it reads from the output bucket of the job.

    Source: Bedrock user guide, model-evaluation-security-cors, which asks for it on that bucket, of human jobs, alone.
    """
    bucket.add_cors_rule(
        allowed_methods=[s3.HttpMethods.GET],
        allowed_origins=["https://mturk-console-template-preview-hooks.s3.amazonaws.com"],
    )


def expire_noncurrent(name: str, *, days: int, prefix: str | None = None) -> s3.LifecycleRule:
    """Forget overwritten and deleted objects after `days`, and the delete markers that they leave."""
    return s3.LifecycleRule(
        id=f"{name}-noncurrent",
        prefix=prefix,
        noncurrent_version_expiration=Duration.days(days),
        expired_object_delete_marker=True,
    )


def expire(name: str, *, days: int, prefix: str | None = None) -> s3.LifecycleRule:
    """Delete the current version of what is older than `days`."""
    return s3.LifecycleRule(id=name, prefix=prefix, expiration=Duration.days(days))
