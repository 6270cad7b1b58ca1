"""Datasets that are files of the repository: uploaded with the deploy's assets, then copied to the dataset bucket."""

from pathlib import Path

from aws_cdk import Aws, CustomResource, Duration, RemovalPolicy
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as assets

from bedrock_eval.layout import DATASETS, dataset_key
from bedrock_eval_cdk.core.context import EnvironmentContext
from bedrock_eval_cdk.core.functions import CustomResourceFunction, FunctionSettings
from bedrock_eval_cdk.core.permissions import allow_key, allow_listing, bucket_arn
from bedrock_eval_cdk.core.staging import staged
from constructs import Construct


class DatasetFiles(Construct):
    """Copies each file given to `add` to `datasets/<name>.jsonl`; a changed file is copied by the next deploy.

    A copy stays when its dataset leaves an environment whose data is retained.
    """

    def __init__(self, scope: Construct, construct_id: str, *, context: EnvironmentContext, bucket: s3.IBucket) -> None:
        super().__init__(scope, construct_id)
        self._bucket = bucket
        self._retain = context.removal_policy is RemovalPolicy.RETAIN
        self._reads_assets = False
        self.function = CustomResourceFunction(
            self,
            "Function",
            context=context,
            settings=FunctionSettings(
                name=context.name(lambda names: names.function("dataset-files")),
                description="Copies datasets that are files to the dataset bucket.",
                package="custom_resources",
                handler="bedrock_eval_functions.custom_resources.dataset.handler",
                timeout=Duration.minutes(5),
            ),
        )
        # Reading: Delete looks at the mark of the object before it takes it away.
        self.function.allow(
            actions=["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
            resources=[bucket.arn_for_objects(f"{DATASETS}*")],
            wildcard="The datasets of this environment, which this function alone writes.",
        )
        allow_listing(self.function.role, bucket)
        allow_key(self.function.role, context.key)

    def _allow_key_of(self, assets_bucket: str) -> None:
        """`cdk bootstrap --bootstrap-kms-key-id` encrypts assets with a key that only who bootstraps knows."""
        arn = bucket_arn(assets_bucket)
        self.function.allow(
            actions=["kms:Decrypt"],
            resources=[f"arn:{Aws.PARTITION}:kms:{Aws.REGION}:*:key/*"],
            conditions={
                "StringEquals": {"kms:ViaService": f"s3.{Aws.REGION}.{Aws.URL_SUFFIX}"},
                # What S3 tells the key: the object, or with a bucket key the bucket.
                "StringLike": {"kms:EncryptionContext:aws:s3:arn": [arn, f"{arn}/*"]},
            },
            wildcard="Whichever key the bootstrap chose for assets; only through S3 and for their bucket.",
        )

    def add(self, name: str, path: Path) -> CustomResource:
        """Copy the JSONL file at `path` to the dataset `name`."""
        asset = assets.Asset(self, f"{name}File", path=str(staged({path.name: path}) / path.name))
        if not self._reads_assets:
            self._reads_assets = True
            self._allow_key_of(asset.s3_bucket_name)
        self.function.allow(
            actions=["s3:GetObject"],
            resources=[f"{bucket_arn(asset.s3_bucket_name)}/{asset.s3_object_key}"],
        )
        return self.function.resource(
            self,
            name,
            kind="DatasetFile",
            properties={
                "SourceBucket": asset.s3_bucket_name,
                "SourceKey": asset.s3_object_key,
                "Bucket": self._bucket.bucket_name,
                "Key": dataset_key(name),
                "Retain": "true" if self._retain else "false",
            },
        )
