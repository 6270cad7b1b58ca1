"""Empties buckets before CloudFormation deletes them, which it can only do to empty ones."""

from aws_cdk import CustomResource, Duration, Tags
from aws_cdk import aws_s3 as s3

from bedrock_eval_cdk.core.context import EnvironmentContext
from bedrock_eval_cdk.core.functions import CustomResourceFunction, FunctionSettings
from constructs import Construct

_TAG = "emptied-on-delete"


class BucketEmptier(Construct):
    """One function, and a custom resource for every bucket given to `empty`. Only for buckets that are destroyed.

    Each is tagged: CloudFormation also deletes the custom resource when the environment is to be retained from now on,
    and the tag, which has gone by then, tells the function that its bucket stays.
    """

    def __init__(self, scope: Construct, construct_id: str, *, context: EnvironmentContext) -> None:
        super().__init__(scope, construct_id)
        self.function = CustomResourceFunction(
            self,
            "Function",
            context=context,
            settings=FunctionSettings(
                name=context.name(lambda names: names.function("bucket-emptier")),
                description="Empties a bucket before it is deleted.",
                package="custom_resources",
                handler="bedrock_eval_functions.custom_resources.bucket_emptier.handler",
                # A bucket with millions of versions takes what Lambda gives at most.
                timeout=Duration.minutes(15),
            ),
        )

    def empty(self, bucket: s3.Bucket, *, refilled: bool = False) -> CustomResource:
        """Empty the bucket when it is deleted; what the same stack writes to it has to depend on what this gives.

        Args:
            refilled: a service keeps writing to it, for which its policy stands; the policy goes first then, or the
                bucket would fill again between emptying and deletion.
        """
        name = bucket.node.id
        Tags.of(bucket).add(_TAG, "true")
        self.function.allow(
            actions=["s3:GetBucketTagging", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"],
            resources=[bucket.bucket_arn],
        )
        self.function.allow(
            actions=["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:AbortMultipartUpload"],
            resources=[bucket.arn_for_objects("*")],
            wildcard=f"Emptying is deleting every object; only of the bucket {name}, which is itself to be deleted.",
        )
        emptied = self.function.resource(
            self, name, kind="EmptiedBucket", properties={"Bucket": bucket.bucket_name, "Tag": _TAG}
        )
        if refilled and bucket.policy is not None:
            bucket.policy.node.add_dependency(emptied)
        return emptied
