"""Buckets from templates, and conditional writes."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.local.emulator import Clients, Deploy


def bucket(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::S3::Bucket", "Properties": properties}


def test_template_properties_are_kept(clients: Clients, deploy: Deploy) -> None:
    s3 = clients("s3")
    blocked = dict.fromkeys(("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True)
    kms = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    own_key = {
        "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": {"Fn::GetAtt": ["Key", "Arn"]}},
        "BucketKeyEnabled": True,
    }
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}],
    }
    rules = [
        {
            "Id": "runs",
            "Status": "Enabled",
            "Prefix": "runs/",
            "ExpirationInDays": 90,
            "NoncurrentVersionExpiration": {"NoncurrentDays": 30, "NewerNoncurrentVersions": 2},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
            "Transitions": [{"StorageClass": "INTELLIGENT_TIERING", "TransitionInDays": 1}],
        }
    ]
    resources = {
        "Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": policy, "EnableKeyRotation": True}},
        "Alias": {"Type": "AWS::KMS::Alias", "Properties": {"AliasName": f"alias/{uuid.uuid4().hex[:8]}"}},
        "Plain": bucket(BucketEncryption={"ServerSideEncryptionConfiguration": [kms]}),
        "Logs": bucket(),
        "Data": bucket(
            BucketEncryption={"ServerSideEncryptionConfiguration": [own_key]},
            LifecycleConfiguration={"Rules": rules},
            VersioningConfiguration={"Status": "Enabled"},
            PublicAccessBlockConfiguration=blocked,
            OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            LoggingConfiguration={"DestinationBucketName": {"Ref": "Logs"}, "LogFilePrefix": "data/"},
            Tags=[{"Key": "owner", "Value": "team"}],
        ),
        "Policy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {"Bucket": {"Ref": "Data"}, "PolicyDocument": policy},
        },
    }
    resources["Alias"]["Properties"]["TargetKeyId"] = {"Ref": "Key"}
    stack = deploy(resources)
    data, plain, key = stack.id_of("Data"), stack.id_of("Plain"), stack.id_of("Key")

    def encryption(name: str) -> dict[str, Any]:
        (rule,) = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
        return dict(rule)

    assert encryption(plain)["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms"}
    assert encryption(data)["BucketKeyEnabled"] is True
    assert encryption(data)["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"].endswith(key)
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=data)["Rules"]
    assert rule == {
        "ID": "runs",
        "Filter": {"Prefix": "runs/"},
        "Status": "Enabled",
        "Expiration": {"Days": 90},
        "Transitions": [{"Days": 1, "StorageClass": "INTELLIGENT_TIERING"}],
        "NoncurrentVersionExpiration": {"NoncurrentDays": 30, "NewerNoncurrentVersions": 2},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    }
    assert s3.get_bucket_versioning(Bucket=data)["Status"] == "Enabled"
    assert s3.get_public_access_block(Bucket=data)["PublicAccessBlockConfiguration"] == blocked
    (ownership,) = s3.get_bucket_ownership_controls(Bucket=data)["OwnershipControls"]["Rules"]
    assert ownership == {"ObjectOwnership": "BucketOwnerEnforced"}
    logging = s3.get_bucket_logging(Bucket=data)["LoggingEnabled"]
    assert (logging["TargetBucket"], logging["TargetPrefix"]) == (stack.id_of("Logs"), "data/")
    assert json.loads(s3.get_bucket_policy(Bucket=data)["Policy"]) == policy
    assert clients("kms").get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is True
    assert json.loads(clients("kms").get_key_policy(KeyId=key, PolicyName="default")["Policy"]) == policy

    assert s3.get_bucket_tagging(Bucket=data)["TagSet"] == [{"Key": "owner", "Value": "team"}]

    resources["Data"] = bucket(VersioningConfiguration={"Status": "Suspended"})
    del resources["Policy"]
    assert stack.update(resources) == "UPDATE_COMPLETE"
    assert s3.get_bucket_versioning(Bucket=data)["Status"] == "Suspended"
    assert encryption(data)["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=data)
    with pytest.raises(ClientError, match="NoSuchTagSet"):
        s3.get_bucket_tagging(Bucket=data)


def test_a_bucket_that_is_not_empty_stays(clients: Clients, deploy: Deploy) -> None:
    stack = deploy({"Data": bucket()})
    name = stack.id_of("Data")
    clients("s3").put_object(Bucket=name, Key="a", Body=b"1")
    stack.delete()
    assert stack.wait() == "DELETE_FAILED"
    assert "not empty" in stack.reasons()
    clients("s3").delete_object(Bucket=name, Key="a")


@pytest.fixture(scope="module")
def store(clients: Clients) -> str:
    name = f"store-{uuid.uuid4().hex[:8]}"
    clients("s3").create_bucket(Bucket=name)
    return name


def status(call: Any, **request: Any) -> int:
    try:
        return int(call(**request)["ResponseMetadata"]["HTTPStatusCode"])
    except ClientError as error:
        return int(error.response["ResponseMetadata"]["HTTPStatusCode"])


def test_conditional_writes(clients: Clients, store: str) -> None:
    put = clients("s3").put_object
    assert status(put, Bucket=store, Key="lock", Body=b"1", IfNoneMatch="*") == 200
    assert status(put, Bucket=store, Key="lock", Body=b"2", IfNoneMatch="*") == 412
    tag = clients("s3").head_object(Bucket=store, Key="lock")["ETag"]
    assert status(put, Bucket=store, Key="lock", Body=b"3", IfMatch=tag) == 200
    assert status(put, Bucket=store, Key="lock", Body=b"4", IfMatch=tag) == 412
    assert clients("s3").get_object(Bucket=store, Key="lock")["Body"].read() == b"3"


def test_lines_stream_and_listings_page(clients: Clients, store: str) -> None:
    s3 = clients("s3")
    lines = [json.dumps({"id": number, "text": "é" * 50}).encode() for number in range(5000)]
    s3.put_object(Bucket=store, Key="cases.jsonl", Body=b"\n".join(lines))
    assert list(s3.get_object(Bucket=store, Key="cases.jsonl")["Body"].iter_lines()) == lines
    for number in range(7):
        s3.put_object(Bucket=store, Key=f"parts/{number}", Body=b"")
    pages = list(
        s3.get_paginator("list_objects_v2").paginate(Bucket=store, Prefix="parts/", PaginationConfig={"PageSize": 3})
    )
    assert [len(page["Contents"]) for page in pages] == [3, 3, 1]
    assert [o["Key"] for page in pages for o in page["Contents"]] == [f"parts/{n}" for n in range(7)]


def test_multipart(clients: Clients, store: str) -> None:
    s3 = clients("s3")
    upload = s3.create_multipart_upload(Bucket=store, Key="big")["UploadId"]
    bodies = [b"a" * 5 * 1024 * 1024, b"b"]
    parts = [
        {
            "PartNumber": number,
            "ETag": s3.upload_part(Bucket=store, Key="big", PartNumber=number, UploadId=upload, Body=body)["ETag"],
        }
        for number, body in enumerate(bodies, 1)
    ]
    s3.complete_multipart_upload(Bucket=store, Key="big", UploadId=upload, MultipartUpload={"Parts": parts})
    assert s3.head_object(Bucket=store, Key="big")["ContentLength"] == 5 * 1024 * 1024 + 1


def test_an_object_written_with_kms_and_no_key_takes_the_managed_one(clients: Clients) -> None:
    s3 = clients("s3")
    s3.create_bucket(Bucket="managed-key")
    s3.put_object(Bucket="managed-key", Key="asset", Body=b"x", ServerSideEncryption="aws:kms")
    found = s3.head_object(Bucket="managed-key", Key="asset")
    assert found["ServerSideEncryption"] == "aws:kms"
    assert found["SSEKMSKeyId"].endswith("alias/aws/s3")
