"""Why each statement is held by its conditions: the page of AWS that it follows, or the reading under which it is safe.

A condition on a key that a service does not tell allows nothing, and no tool says so: alarms reach nobody, jobs cannot
be stopped. So a condition stands as it is where a page of AWS has it for that service and action. Where no page has it,
it is `...IfExists`: it lets a request pass that does not tell the key, and refuses one that tells something else.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support.synthesis.templates import MADE, Deployed, Resource, Template, listed

# Of those that the KMS developer guide, conditions-kms, lists as services that tell kms:ViaService. CloudWatch Logs is
# not in that list: it decrypts as a service, by the key's own policy.
VIA_SERVICES = {"s3", "sns", "sqs"}
JOB_TAGS = ("aws:RequestTag/application", "aws:RequestTag/environment")
JOB_RESOURCE_TAGS = ("aws:ResourceTag/application", "aws:ResourceTag/environment")


@dataclass(frozen=True)
class Row:
    """What is known of statements that are alike.

    Attributes:
        where: whose policy: key, trust, bucket, queue, topic, function or role.
        who: the principal; for a role's own statements the role itself.
        actions: what they allow, or deny.
        conditions: each `Operator key`.
        page: of AWS, that has these conditions for this service, or has none.
        reading: why `...IfExists` is right whatever the service tells.
    """

    where: str
    who: str
    actions: frozenset[str]
    conditions: frozenset[str]
    page: str = ""
    reading: str = ""


def row(where: str, who: str, actions: str, *conditions: str, page: str = "", reading: str = "") -> Row:
    return Row(where, who, frozenset(actions.split()), frozenset(conditions), page=page, reading=reading)


OF_ACCOUNT = ("StringEquals aws:SourceAccount", "ArnLike aws:SourceArn")
OF_ACCOUNT_IF_TOLD = ("StringEqualsIfExists aws:SourceAccount", "ArnLikeIfExists aws:SourceArn")
OVER_TLS = "Bool aws:SecureTransport"

KEY = (
    row(
        *("key", "logs", "kms:Decrypt kms:DescribeKey kms:Encrypt kms:GenerateDataKey* kms:ReEncrypt*"),
        "ArnLike kms:EncryptionContext:aws:logs:arn",
        page="CloudWatch Logs user guide, encrypt-log-data-kms",
    ),
    row(
        *("key", "cloudwatch", "kms:Decrypt kms:GenerateDataKey*"),
        *OF_ACCOUNT_IF_TOLD,
        page="SNS developer guide, sns-key-management: the statement has no conditions for CloudWatch",
        reading="Told or not, alarms reach the topic; its own policy says which alarms may publish.",
    ),
    row(
        *("key", "budgets", "kms:Decrypt kms:GenerateDataKey*"),
        *OF_ACCOUNT_IF_TOLD,
        page="Cost Management user guide, budgets-sns-policy: conditions stand in the topic's policy alone",
        reading="Told or not, budgets reach the topic; its own policy says whose may publish.",
    ),
    row(
        *("key", "bedrock", "kms:DescribeKey"),
        *("ArnLike aws:SourceArn", "StringEqualsIfExists aws:SourceAccount"),
        page="Bedrock user guide, model-evaluation-security-kms: SourceArn",
        reading="SourceArn holds the account already.",
    ),
    row(
        *("key", "bedrock", "kms:Decrypt kms:GenerateDataKey"),
        "ArnLike aws:SourceArn",
        "ArnLike kms:EncryptionContext:evaluationJobArn",
        "StringEqualsIfExists aws:SourceAccount",
        page="Bedrock user guide, model-evaluation-security-kms: SourceArn and encryption context",
        reading="SourceArn holds the account already.",
    ),
    row(
        *("key", "bedrock", "kms:GenerateDataKey"),
        *OF_ACCOUNT,
        page="Bedrock user guide, model-invocation-logging: SSE-KMS on the bucket",
    ),
    row(
        *("key", "account", "kms:Decrypt kms:GenerateDataKey"),
        *("ArnEquals aws:PrincipalArn", "StringEquals kms:ViaService"),
        page="KMS developer guide, conditions-kms: SQS is in the list of kms:ViaService; IAM user guide, "
        "reference_policies_condition-keys: aws:PrincipalArn is in every request, for a session the ARN of its role",
    ),
)
TRUST = (
    row(
        *("trust", "lambda", "sts:AssumeRole"),
        page="Lambda developer guide, lambda-intro-execution-role: no conditions",
    ),
    row(
        *("trust", "states", "sts:AssumeRole"),
        *OF_ACCOUNT,
        page="Step Functions developer guide, procedure-create-iam-role: confused deputy, by the full ARN",
    ),
    row(
        *("trust", "scheduler", "sts:AssumeRole"),
        *("StringEquals aws:SourceAccount", "StringEquals aws:SourceArn"),
        page="EventBridge Scheduler user guide, cross-service-confused-deputy-prevention: a schedule group",
    ),
    row(
        *("trust", "bedrock", "sts:AssumeRole"),
        *OF_ACCOUNT,
        page="Bedrock user guide, automatic-service-roles and judge-service-roles (evaluation-job/*), "
        "model-invocation-logging (the Region's ARNs)",
    ),
    row(
        *("trust", "sagemaker", "sts:AssumeRole"),
        *OF_ACCOUNT_IF_TOLD,
        page="Bedrock user guide, model-eval-service-roles: the trust of SageMaker has no conditions",
        reading="Told or not, tasks reach people; a role can be passed in its own account alone.",
    ),
)
RESOURCES = (
    row(
        *("bucket", "logging.s3", "s3:PutObject"),
        *OF_ACCOUNT,
        page="S3 user guide, enable-server-access-logging",
    ),
    row(
        *("bucket", "bedrock", "s3:PutObject"),
        *OF_ACCOUNT,
        page="Bedrock user guide, model-invocation-logging: AmazonBedrockLogsWrite",
    ),
    row("bucket", "not everyone", "s3:*", OVER_TLS, page="S3 user guide, security-best-practices"),
    row(
        *("bucket", "not everyone", "s3:*"),
        "NumericLessThan s3:TlsVersion",
        page="S3 user guide, amazon-s3-policy-keys: s3:TlsVersion; without TLS it is not told, and nothing is denied",
    ),
    row("queue", "not everyone", "sqs:*", OVER_TLS, page="SQS developer guide, sqs-security-best-practices"),
    row("topic", "not everyone", "sns:Publish", OVER_TLS, page="SNS developer guide, sns-security-best-practices"),
    row(
        *("topic", "cloudwatch", "sns:Publish"),
        *OF_ACCOUNT,
        page="CloudWatch user guide, Notify_Users_Alarm_Changes: confused deputy",
    ),
    row(
        *("topic", "budgets", "sns:Publish"),
        *OF_ACCOUNT,
        page="Cost Management user guide, budgets-sns-policy",
    ),
    row(
        *("function", "sns", "lambda:InvokeFunction"),
        "ArnLike aws:SourceArn",
        page="Lambda developer guide, permissions-function-services: a service's permission, by the ARN of its source",
    ),
)
ROLES = (
    row(
        *("role", "itself", "cloudwatch:PutMetricData"),
        "StringEquals cloudwatch:namespace",
        page="CloudWatch user guide, iam-cw-condition-keys-namespace",
    ),
    row(
        *("role", "itself", "kms:Decrypt kms:GenerateDataKey"),
        "StringEquals kms:ViaService",
        page="KMS developer guide, conditions-kms: S3, SNS and SQS are in the list of kms:ViaService",
    ),
    row(
        *("role", "itself", "kms:Decrypt"),
        *("StringEquals kms:ViaService", "StringEquals kms:EncryptionContext:aws:s3:arn"),
        page="S3 user guide, UsingKMSEncryption: the object's ARN, with a bucket key the bucket's",
    ),
    row(
        *("role", "itself", "kms:Decrypt"),
        *("StringEquals kms:ViaService", "StringLike kms:EncryptionContext:aws:s3:arn"),
        page="S3 user guide, UsingKMSEncryption: the object's ARN, with a bucket key the bucket's",
    ),
    row(
        *("role", "itself", "s3:ListBucket"),
        "StringLike s3:prefix",
        page="S3 user guide, amazon-s3-policy-keys; a listing tells its prefix",
    ),
    row(
        *("role", "itself", "iam:PassRole"),
        "StringEquals iam:PassedToService",
        page="Bedrock user guide, model-evaluation-type-automatic and security-iam-awsmanpol "
        "(AmazonBedrockFullAccess); SageMaker developer guide, security-iam-awsmanpol (AmazonSageMakerFullAccess)",
    ),
    row(
        *("role", "itself", "sagemaker:CreateFlowDefinition"),
        "ArnEquals sagemaker:WorkteamArn",
        page="Service Authorization Reference, Amazon SageMaker: CreateFlowDefinition",
    ),
    row(
        *("role", "itself", "bedrock:StopEvaluationJob bedrock:BatchDeleteEvaluationJob"),
        *(f"StringEquals {key}" for key in JOB_RESOURCE_TAGS),
        page="Service Authorization Reference, Amazon Bedrock: tags of the resource type evaluation-job",
    ),
    row(
        *("role", "itself", "bedrock:TagResource"),
        *(f"StringEqualsIfExists {key}" for key in (*JOB_TAGS, *JOB_RESOURCE_TAGS)),
        page="Service Authorization Reference, Amazon Bedrock: tags of request and resource",
        reading="A new job has no tags yet, and that its request tells them is not said. Tags of others are refused.",
    ),
    row(
        *("role", "itself", "bedrock:CreateEvaluationJob"),
        *(f"StringEqualsIfExists {key}" for key in JOB_TAGS),
        page="Service Authorization Reference, Amazon Bedrock: tags of the request",
        reading="Jobs are made whether their tags are told or not, and never with those of another environment.",
    ),
)
TABLE = (*KEY, *TRUST, *RESOURCES, *ROLES)

_POLICIES = {
    "AWS::KMS::Key": ("key", "KeyPolicy"),
    "AWS::IAM::Role": ("trust", "AssumeRolePolicyDocument"),
    "AWS::S3::BucketPolicy": ("bucket", "PolicyDocument"),
    "AWS::SQS::QueuePolicy": ("queue", "PolicyDocument"),
    "AWS::SNS::TopicPolicy": ("topic", "PolicyDocument"),
}
# Policies of resources that no stack has: one would have to be read here, too.
_UNKNOWN = {"AWS::Logs::ResourcePolicy", "AWS::SNS::TopicInlinePolicy", "AWS::SQS::QueueInlinePolicy"}


def told(template: Template) -> Iterator[tuple[str, Row]]:
    """Every statement that has a condition or lets a service in, as a row without reasons."""
    for statement in template.statements():
        if "Condition" in statement:
            yield _read("role", statement)
    for kind, (where, key) in _POLICIES.items():
        for properties in template.resources(kind).values():
            for statement in properties[key]["Statement"]:
                if "Condition" in statement or "Service" in statement["Principal"]:
                    yield _read(where, statement)
    for permission in template.resources("AWS::Lambda::Permission").values():
        keys = {"SourceArn": "ArnLike", "SourceAccount": "StringEquals"}
        conditions = {operator: {f"aws:{key}": ""} for key, operator in keys.items() if key in permission}
        principal = {"Service": permission["Principal"]}
        statement = {"Effect": "Allow", "Action": permission["Action"], "Principal": principal, "Condition": conditions}
        yield _read("function", statement)


def _read(where: str, statement: Resource) -> tuple[str, Row]:
    conditions = {f"{operator} {key}" for operator, tests in statement.get("Condition", {}).items() for key in tests}
    found = Row(where, _who(statement), frozenset(listed(statement["Action"])), frozenset(conditions))
    return str(statement["Effect"]), found


def _who(statement: Resource) -> str:
    principal = statement.get("Principal", "itself")
    if statement["Effect"] == "Deny":
        assert principal in ("*", {"AWS": "*"})
        return "not everyone"
    if principal == "itself":
        return "itself"
    if "Service" in principal:
        return str(principal["Service"]).removesuffix(".amazonaws.com").partition(".<")[0]
    assert str(principal["AWS"]).endswith(":root")
    return "account"


def fits(found: Row, known: Row) -> bool:
    same = (found.where, found.who, _alike(found)) == (known.where, known.who, _alike(known))
    return same and found.actions <= known.actions


def _alike(each: Row) -> frozenset[str]:
    """ArnEquals, ArnLike and, of a whole ARN, StringEquals are one test of a source."""
    arns = {"ArnLike aws:SourceArn", "ArnEquals aws:SourceArn", "StringEquals aws:SourceArn"}
    return frozenset("ArnLike aws:SourceArn" if each in arns else each for each in each.conditions)


def test_every_statement_is_in_the_table(deployed: Deployed) -> None:
    found = [each for template in deployed for _, each in told(template)]
    assert len(found) > 30
    assert {each for each in found if not any(fits(each, known) for known in TABLE)} == set()
    kinds = {resource["Type"] for template in deployed for resource in template.raw().values()}
    assert kinds & _UNKNOWN == set()


def test_every_row_of_the_table_is_of_a_statement() -> None:
    found = {each for make in MADE.values() for template in make() for _, each in told(template)}
    for known in TABLE:
        used = {action for each in found if fits(each, known) for action in each.actions}
        assert used == known.actions, known


def test_no_statement_has_two_rows() -> None:
    assert len({(each.where, each.who, each.actions, _alike(each)) for each in TABLE}) == len(TABLE)


@pytest.mark.parametrize("known", TABLE, ids=lambda known: f"{known.where}-{known.who}-{min(known.actions)}")
def test_what_no_page_has_passes_when_it_is_not_told(known: Row) -> None:
    """A page for what stands alone, a reading for what is `...IfExists`, and no reading without need."""
    open_ones = {each for each in known.conditions if each.split()[0].endswith("IfExists")}
    assert known.page
    assert bool(known.reading) == bool(open_ones)


def test_what_is_denied_is_denied_for_what_a_request_tells(deployed: Deployed) -> None:
    """A Deny with `...IfExists` would refuse every request that does not tell the key."""
    denied = [each for template in deployed for effect, each in told(template) if effect == "Deny"]
    assert denied
    assert not [each for each in denied if any("IfExists" in condition for condition in each.conditions)]


def test_the_key_is_used_through_services_that_tell_kms_so(deployed: Deployed) -> None:
    conditions = [each.get("Condition", {}) for template in deployed for each in template.statements()]
    asked = [each.get("StringEquals", {}).get("kms:ViaService", []) for each in conditions]
    services = {str(service).partition(".")[0] for each in asked for service in listed(each)}
    assert services
    assert services <= VIA_SERVICES
