"""The bucket for bodies that are too large for the invocation log."""

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ssm as ssm

from bedrock_eval.names import PhysicalNames
from bedrock_eval_cdk.core.context import EnvironmentContext
from bedrock_eval_cdk.core.permissions import from_this_account, regional_arn
from bedrock_eval_cdk.storage.buckets import AccessLogBucket, DataBucket, expire, expire_noncurrent
from constructs import Construct

_BODIES_BUCKET = "bodies-bucket"


class InvocationBodies(DataBucket):
    """Takes what is too large for the log group. Bedrock writes it as a service, not with the delivery role.

    Its name stands in Parameter Store: it is made beside the bucket for access logs, and an export would keep it from
    being taken away before the setting that names it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        context: EnvironmentContext,
        access_logs: AccessLogBucket,
        retention_days: int,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            context=context,
            access_logs=access_logs,
            # Deleted is deleted: what expires as current would otherwise stay as noncurrent.
            lifecycle=[expire("bodies", days=retention_days), expire_noncurrent("bodies", days=1)],
        )
        self._allow_delivery()
        if context.names is not None:
            self._note_name(context.names)

    def _note_name(self, names: PhysicalNames) -> None:
        ssm.StringParameter(
            self,
            "Name",
            parameter_name=names.logging_parameter(_BODIES_BUCKET),
            string_value=self.bucket_name,
            description=f"Bucket for large bodies of the invocation log of {names.prefix}",
        )

    def _allow_delivery(self) -> None:
        """Source: Bedrock user guide, model-invocation-logging."""
        self.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AmazonBedrockLogsWrite",
                principals=[iam.ServicePrincipal("bedrock.amazonaws.com")],
                actions=["s3:PutObject"],
                resources=[self.arn_for_objects(f"AWSLogs/{Aws.ACCOUNT_ID}/BedrockModelInvocationLogs/*")],
                conditions=from_this_account(regional_arn("bedrock", "*")),
            )
        )


def invocation_bodies_bucket(scope: Construct, names: PhysicalNames) -> str:
    """Name of the bucket that the storage stack made, as a token that every deploy reads."""
    return ssm.StringParameter.value_for_string_parameter(scope, names.logging_parameter(_BODIES_BUCKET))
