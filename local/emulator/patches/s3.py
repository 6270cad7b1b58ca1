"""S3 buckets from templates.

Stock ministack drops BucketEncryption, LifecycleConfiguration, LoggingConfiguration, OwnershipControls and Tags of a
template's bucket, does not suspend versioning on an update, and deletes a bucket with everything in it.
CloudFormation keeps all of them, and refuses to delete a bucket that is not empty. Stock ministack also refuses an
object written with aws:kms and without a key.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from ministack.core.responses import get_account_id, get_region
from ministack.services import s3
from ministack.services.cloudformation import provisioners

_KEY_HEADER = "x-amz-server-side-encryption-aws-kms-key-id"

Answer = tuple[int, dict[str, str], Any]


def _fill(parent: Element, content: Mapping[str, Any]) -> None:
    for name, value in content.items():
        for item in value if isinstance(value, list) else [value]:
            child = SubElement(parent, name)
            if isinstance(item, Mapping):
                _fill(child, item)
            elif item is not None:
                child.text = str(item).lower() if isinstance(item, bool) else str(item)


def _document(root_name: str, content: Mapping[str, Any]) -> bytes:
    root = Element(root_name, xmlns=s3.S3_NS)
    _fill(root, content)
    document: bytes = tostring(root, encoding="utf-8")
    return document


def encryption_document(properties: Mapping[str, Any]) -> bytes:
    """The PutBucketEncryption body of a template's BucketEncryption; aws:kms without a key is the AWS managed one."""
    rules = []
    for rule in properties.get("ServerSideEncryptionConfiguration") or []:
        default = rule.get("ServerSideEncryptionByDefault") or {}
        wanted = {key: default[key] for key in ("SSEAlgorithm", "KMSMasterKeyID") if default.get(key)}
        rules.append(
            {
                "ApplyServerSideEncryptionByDefault": wanted,
                "BucketKeyEnabled": str(rule.get("BucketKeyEnabled", False)).lower(),
            }
        )
    return _document("ServerSideEncryptionConfiguration", {"Rule": rules})


def _lifecycle_filter(rule: Mapping[str, Any]) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    if "Prefix" in rule or not rule.get("TagFilters"):
        parts["Prefix"] = rule.get("Prefix", "")
    if rule.get("TagFilters"):
        parts["Tag"] = [{"Key": t["Key"], "Value": t["Value"]} for t in rule["TagFilters"]]
    for size in ("ObjectSizeGreaterThan", "ObjectSizeLessThan"):
        if rule.get(size) is not None:
            parts[size] = rule[size]
    several = len(parts) > 1 or len(parts.get("Tag", [])) > 1
    return {"And": parts} if several else parts


def _lifecycle_rule(rule: Mapping[str, Any], number: int) -> dict[str, Any]:
    made: dict[str, Any] = {"ID": rule.get("Id") or f"rule-{number}", "Filter": _lifecycle_filter(rule)}
    made["Status"] = rule["Status"]
    expiration = {
        "Days": rule.get("ExpirationInDays"),
        "Date": rule.get("ExpirationDate"),
        "ExpiredObjectDeleteMarker": rule.get("ExpiredObjectDeleteMarker"),
    }
    if any(value is not None for value in expiration.values()):
        made["Expiration"] = {key: value for key, value in expiration.items() if value is not None}
    if rule.get("Transitions"):
        made["Transition"] = [
            {"Days": t.get("TransitionInDays", 0), "StorageClass": t["StorageClass"]} for t in rule["Transitions"]
        ]
    old = rule.get("NoncurrentVersionExpiration") or {}
    days = old.get("NoncurrentDays") or rule.get("NoncurrentVersionExpirationInDays")
    if days is not None:
        made["NoncurrentVersionExpiration"] = {"NoncurrentDays": days}
        if old.get("NewerNoncurrentVersions") is not None:
            made["NoncurrentVersionExpiration"]["NewerNoncurrentVersions"] = old["NewerNoncurrentVersions"]
    abort = rule.get("AbortIncompleteMultipartUpload") or {}
    if abort:
        made["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": abort["DaysAfterInitiation"]}
    return made


def lifecycle_document(properties: Mapping[str, Any]) -> bytes:
    """The PutBucketLifecycleConfiguration body of a template's LifecycleConfiguration."""
    rules = [_lifecycle_rule(rule, number) for number, rule in enumerate(properties.get("Rules") or [], 1)]
    return _document("LifecycleConfiguration", {"Rule": rules})


def logging_document(properties: Mapping[str, Any]) -> bytes:
    """The PutBucketLogging body of a template's LoggingConfiguration."""
    target = {
        "TargetBucket": properties.get("DestinationBucketName", ""),
        "TargetPrefix": properties.get("LogFilePrefix", ""),
    }
    return _document("BucketLoggingStatus", {"LoggingEnabled": target})


def ownership_document(properties: Mapping[str, Any]) -> bytes:
    """The PutBucketOwnershipControls body of a template's OwnershipControls."""
    rules = [{"ObjectOwnership": rule["ObjectOwnership"]} for rule in properties.get("Rules") or []]
    return _document("OwnershipControls", {"Rule": rules})


def tags_document(tags: Sequence[Mapping[str, str]]) -> bytes:
    """The PutBucketTagging body of a template's Tags."""
    return _document("Tagging", {"TagSet": {"Tag": [{"Key": tag["Key"], "Value": tag["Value"]} for tag in tags]}})


def _no_logging(bucket: str) -> None:
    s3._put_bucket_logging(bucket, _document("BucketLoggingStatus", {}))


_KEPT: tuple[tuple[str, Callable[[Any], bytes], Callable[..., Answer], Callable[[str], object]], ...] = (
    ("BucketEncryption", encryption_document, s3._put_bucket_encryption, s3._delete_bucket_encryption),
    ("LifecycleConfiguration", lifecycle_document, s3._put_bucket_lifecycle, s3._delete_bucket_lifecycle),
    ("LoggingConfiguration", logging_document, s3._put_bucket_logging, _no_logging),
    ("OwnershipControls", ownership_document, s3._put_bucket_ownership_controls, s3._delete_bucket_ownership_controls),
    ("Tags", tags_document, s3._put_bucket_tagging, s3._delete_bucket_tagging),
)


def _keep(bucket: str, properties: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    for name, document, put, delete in _KEPT:
        if properties.get(name):
            status, _, body = put(bucket, document(properties[name]))
            if status >= 400:
                raise ValueError(f"AWS::S3::Bucket {name} was refused: {body!r}")
        elif old.get(name):
            delete(bucket)
    versioning = (properties.get("VersioningConfiguration") or {}).get("Status")
    if versioning or old.get("VersioningConfiguration"):
        s3._bucket_versioning[bucket] = versioning or "Suspended"


def _delete(stock: Callable[[str, Mapping[str, Any]], None]) -> Callable[[str, Mapping[str, Any]], None]:
    def delete(bucket: str, properties: Mapping[str, Any]) -> None:
        status, _, _ = s3._delete_bucket(bucket) if bucket in s3._buckets else (204, {}, b"")
        if status >= 400:
            raise ValueError(f"The bucket you tried to delete is not empty: {bucket}")
        stock(bucket, properties)

    return delete


def _use_managed_key() -> None:
    """A write with aws:kms and no key takes the account's `aws/s3` key, as on AWS; the CDK CLI uploads assets so."""
    resolve = s3._resolve_sse_write_headers

    def resolve_with_managed_key(headers: dict[str, str], bucket: str) -> Any:
        wants_kms = headers.get("x-amz-server-side-encryption") == "aws:kms"
        if wants_kms and not headers.get(_KEY_HEADER):
            managed = f"arn:aws:kms:{get_region()}:{get_account_id()}:alias/aws/s3"
            headers = {**headers, _KEY_HEADER: managed}
        return resolve(headers, bucket)

    s3._resolve_sse_write_headers = resolve_with_managed_key


def apply() -> None:
    """Wrap the bucket type of CloudFormation, and writes of objects."""
    _use_managed_key()
    handler = provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]
    create, update = handler["create"], handler["update"]

    def create_bucket(logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, dict[str, Any]]:
        bucket, attributes = create(logical_id, properties, stack)
        _keep(bucket, properties, {})
        return bucket, attributes

    def update_bucket(
        physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str
    ) -> tuple[str, dict[str, Any]]:
        bucket, attributes = update(physical_id, old, new, stack)
        _keep(bucket, new, old)
        return bucket, attributes

    handler.update(create=create_bucket, update=update_bucket, delete=_delete(handler["delete"]))
