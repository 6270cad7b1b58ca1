"""Buckets, their lifetimes, datasets, and what becomes of all that when the stack goes."""

from typing import Any

from tests.support.synthesis.templates import (
    Deployed,
    Resource,
    Template,
    destroyed,
    environment,
    frozen,
    listed,
    retained,
    synthesize,
)

BUCKET = "AWS::S3::Bucket"


def bucket(template: Template, start: str) -> Resource:
    return template.resources(BUCKET)[bucket_id(template, start)]


def bucket_id(template: Template, start: str) -> str:
    (found,) = [logical_id for logical_id in template.raw(BUCKET) if logical_id.startswith(start)]
    return found


def bucket_policy(template: Template, start: str) -> tuple[str, Resource]:
    wanted = f"<{bucket_id(template, start)}>"
    (found,) = [
        (logical_id, properties)
        for logical_id, properties in template.resources("AWS::S3::BucketPolicy").items()
        if properties["Bucket"] == wanted
    ]
    return found


def emptied_after_policy(template: Template, start: str) -> bool:
    """Whether the bucket's policy goes before it is emptied: the policy depends on the emptying."""
    wanted = f"<{bucket_id(template, start)}>"
    (emptied,) = [
        logical_id
        for logical_id, properties in template.resources("Custom::EmptiedBucket").items()
        if properties["Bucket"] == wanted
    ]
    return emptied in listed(template.raw()[bucket_policy(template, start)[0]]["DependsOn"])


def rules(deployed: Deployed, start: str) -> list[Resource]:
    found = bucket(deployed["storage"], start)["LifecycleConfiguration"]["Rules"]
    assert isinstance(found, list)
    return found


def starts(template: Template, *, but: str = "") -> list[str]:
    """How the buckets' logical ids begin: what stands before the hash of eight digits."""
    return [logical_id[:-8] for logical_id in template.raw(BUCKET) if logical_id[:-8] != but]


def test_these_are_the_buckets(deployed: Deployed) -> None:
    bodies = {"InvocationBodies"} if deployed["logging"].raw("Custom::ModelInvocationLogging") else set[str]()
    assert set(starts(deployed["storage"])) == {"BucketsDatasets", "BucketsResults", "BucketsAccessLogs"} | bodies
    assert not [each for room in ("logging", "evaluation", "monitoring") for each in deployed[room].raw(BUCKET)]


class TestEveryBucket:
    def test_refuses_what_is_not_tls_1_2(self, deployed: Deployed) -> None:
        storage = deployed["storage"]
        for start in starts(storage):
            statements = bucket_policy(storage, start)[1]["PolicyDocument"]["Statement"]
            denied = [each for each in statements if each["Effect"] == "Deny"]
            arn = f"<{bucket_id(storage, start)}.Arn>"
            assert all(each["Principal"] == {"AWS": "*"} and each["Action"] == "s3:*" for each in denied)
            assert all(set(each["Resource"]) == {arn, f"{arn}/*"} for each in denied)
            assert [each["Condition"] for each in denied] == [
                {"Bool": {"aws:SecureTransport": "false"}},
                {"NumericLessThan": {"s3:TlsVersion": 1.2}},
            ]

    def test_is_never_public_and_knows_no_access_lists(self, deployed: Deployed) -> None:
        for start in starts(deployed["storage"]):
            found = bucket(deployed["storage"], start)
            assert set(found["PublicAccessBlockConfiguration"].values()) == {True}
            assert len(found["PublicAccessBlockConfiguration"]) == 4
            assert found["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
            assert "AccessControl" not in found

    def test_keeps_versions_and_forgets_broken_uploads(self, deployed: Deployed) -> None:
        for start in starts(deployed["storage"]):
            assert bucket(deployed["storage"], start)["VersioningConfiguration"] == {"Status": "Enabled"}
            (rule,) = [rule for rule in rules(deployed, start) if "AbortIncompleteMultipartUpload" in rule]
            assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
            assert "Prefix" not in rule


class TestEncryption:
    def test_data_is_encrypted_with_the_key_of_the_environment(self, deployed: Deployed) -> None:
        storage = deployed["storage"]
        for start in starts(storage, but="BucketsAccessLogs"):
            (rule,) = bucket(storage, start)["BucketEncryption"]["ServerSideEncryptionConfiguration"]
            assert rule["BucketKeyEnabled"] is True
            assert rule["ServerSideEncryptionByDefault"] == {
                "SSEAlgorithm": "aws:kms",
                "KMSMasterKeyID": f"<{next(iter(storage.raw('AWS::KMS::Key')))}.Arn>",
            }

    def test_access_logs_are_encrypted_as_s3_can_deliver_them(self, deployed: Deployed) -> None:
        (rule,) = bucket(deployed["storage"], "BucketsAccessLogs")["BucketEncryption"][
            "ServerSideEncryptionConfiguration"
        ]
        assert rule == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}

    def test_accesses_are_logged_and_only_s3_for_these_buckets_may_write_the_logs(self, deployed: Deployed) -> None:
        storage = deployed["storage"]
        logs = bucket_id(storage, "BucketsAccessLogs")
        for start in starts(storage, but="BucketsAccessLogs"):
            logging = bucket(storage, start)["LoggingConfiguration"]
            assert logging == {
                "DestinationBucketName": f"<{logs}>",
                "LogFilePrefix": f"{start.removeprefix('Buckets').lower()}/",
            }
            allowed = [
                each
                for each in bucket_policy(storage, "BucketsAccessLogs")[1]["PolicyDocument"]["Statement"]
                if each["Resource"] == f"<{logs}.Arn>/{logging['LogFilePrefix']}*"
            ]
            assert [(each["Principal"], each["Action"]) for each in allowed] == [
                ({"Service": "logging.s3.amazonaws.com"}, "s3:PutObject")
            ]
            assert allowed[0]["Condition"]["ArnLike"] == {"aws:SourceArn": f"<{bucket_id(storage, start)}.Arn>"}


class TestLifecycle:
    def test_runs_expire_after_their_days(self) -> None:
        expiring = {
            rule.get("Prefix"): rule["ExpirationInDays"]
            for rule in rules(retained(), "BucketsResults")
            if "ExpirationInDays" in rule
        }
        assert expiring == {"runs/": 400, "jobs/": 400}

    def test_nothing_ever_reaches_baselines(self, deployed: Deployed) -> None:
        """A rule without prefix reaches everything, and one of half a word more than it says."""
        for rule in rules(deployed, "BucketsResults"):
            if set(rule) - {"Id", "Status", "AbortIncompleteMultipartUpload"}:
                prefix = rule["Prefix"]
                assert prefix.endswith("/")
                assert not "baselines/".startswith(prefix)

    def test_current_definitions_stay(self, deployed: Deployed) -> None:
        (rule,) = [rule for rule in rules(deployed, "BucketsResults") if rule.get("Prefix") == "definitions/"]
        assert "ExpirationInDays" not in rule

    def test_each_kind_of_data_has_its_own_days(self) -> None:
        days = {"runs": 10, "access_logs": 20, "noncurrent_versions": 30}
        made = synthesize(environment(retention_days=days))
        assert {rule.get("ExpirationInDays") for rule in rules(made, "BucketsResults")} == {10, None}
        assert {rule.get("ExpirationInDays") for rule in rules(made, "BucketsAccessLogs")} == {20, None}
        for start in ("BucketsResults", "BucketsDatasets"):
            old = [
                rule["NoncurrentVersionExpiration"]
                for rule in rules(made, start)
                if len(rule) > 3 and "NoncurrentVersionExpiration" in rule
            ]
            assert old
            assert all(each == {"NoncurrentDays": 30} for each in old)

    def test_datasets_do_not_expire(self, deployed: Deployed) -> None:
        assert not [rule for rule in rules(deployed, "BucketsDatasets") if "ExpirationInDays" in rule]


class TestRemoval:
    def test_data_and_key_outlive_the_stack_by_default(self) -> None:
        storage = retained()["storage"]
        kept = storage.raw(BUCKET).values()
        assert {(each["DeletionPolicy"], each["UpdateReplacePolicy"]) for each in kept} == {("Retain", "Retain")}
        # With a first deploy that is rolled back the key goes, for the next one makes another.
        (key,) = storage.raw("AWS::KMS::Key").values()
        assert (key["DeletionPolicy"], key["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
        assert not storage.raw("Custom::EmptiedBucket")
        assert storage.only("Custom::DatasetFile")["Retain"] == "true"

    def test_what_is_destroyed_is_emptied_first(self) -> None:
        storage = destroyed()["storage"]
        gone = [*storage.raw(BUCKET).values(), *storage.raw("AWS::KMS::Key").values()]
        assert {each["DeletionPolicy"] for each in gone} == {"Delete"}
        emptied = {each["Bucket"] for each in storage.resources("Custom::EmptiedBucket").values()}
        assert emptied == {f"<{logical_id}>" for logical_id in storage.raw(BUCKET)}

    def test_what_is_emptied_carries_the_tag_that_a_retained_bucket_loses(self) -> None:
        """The custom resource goes, too, when the environment is to be retained from now on."""
        (tag,) = {each["Tag"] for each in destroyed()["storage"].resources("Custom::EmptiedBucket").values()}
        tags = [each["Tags"] for each in destroyed()["storage"].resources(BUCKET).values()]
        assert tags
        assert all({"Key": tag, "Value": "true"} in each for each in tags)
        kept = [each["Tags"] for each in retained()["storage"].resources(BUCKET).values()]
        assert tag not in {each["Key"] for found in kept for each in found}

    def test_log_delivery_loses_its_leave_before_the_access_logs_are_emptied(self) -> None:
        """On delete CloudFormation goes against the dependencies: policy, then emptying, then bucket."""
        assert emptied_after_policy(destroyed()["storage"], "BucketsAccessLogs")

    def test_the_emptier_may_empty_these_buckets_and_nothing_more(self) -> None:
        storage = destroyed()["storage"]
        statements = [each for each in storage.statements("Emptier") if "s3:" in str(each["Action"])]
        allowed = {action for each in statements for action in listed(each["Action"])}
        assert allowed == {
            *("s3:GetBucketTagging", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"),
            *("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:AbortMultipartUpload"),
        }
        arns = {f"<{logical_id}.Arn>" for logical_id in storage.raw(BUCKET)}
        assert {str(arn).removesuffix("/*") for each in statements for arn in listed(each["Resource"])} == arns


class TestDatasets:
    def test_a_file_of_the_repository_is_copied_to_its_key(self) -> None:
        copied = retained()["storage"].only("Custom::DatasetFile")
        assert copied["Key"] == "datasets/questions.jsonl"
        assert copied["SourceKey"].endswith(".jsonl")
        assert copied["Bucket"] == f"<{bucket_id(retained()['storage'], 'BucketsDatasets')}>"

    def test_the_copying_function_reads_that_asset_alone(self) -> None:
        storage = retained()["storage"]
        copied = storage.only("Custom::DatasetFile")
        source = f"arn:<AWS::Partition>:s3:::{copied['SourceBucket']}/{copied['SourceKey']}"
        datasets = f"<{bucket_id(storage, 'BucketsDatasets')}.Arn>"
        reading = [
            arn
            for each in storage.statements("DatasetFiles")
            if "s3:GetObject" in listed(each["Action"])
            for arn in listed(each["Resource"])
        ]
        assert sorted(reading) == sorted([source, f"{datasets}/datasets/*"])

    def test_it_can_tell_a_missing_object_from_a_forbidden_one(self) -> None:
        """Without ListBucket S3 answers 403 for what is not there, and deleting the stack would fail on it."""
        storage = retained()["storage"]
        (listing,) = [each for each in storage.statements("DatasetFiles") if each["Action"] == "s3:ListBucket"]
        assert listing["Resource"] == f"<{bucket_id(storage, 'BucketsDatasets')}.Arn>"
        assert "Condition" not in listing

    def test_without_a_file_there_is_no_function(self) -> None:
        config = environment().model_dump(mode="json")
        config["datasets"]["questions"]["source"] = "s3://other-team/cases/other.jsonl"
        made = synthesize(environment(datasets=config["datasets"]))
        assert not made["storage"].raw("AWS::Lambda::Function")


class TestExports:
    def test_buckets_and_key_are_exported_whoever_uses_them(self, deployed: Deployed) -> None:
        storage = deployed["storage"]
        exported = {flat_value(output) for output in storage.content["Outputs"].values() if "Export" in output}
        datasets, results = bucket_id(storage, "BucketsDatasets"), bucket_id(storage, "BucketsResults")
        key = next(iter(storage.raw("AWS::KMS::Key")))
        wanted = {f"<{datasets}>", f"<{datasets}.Arn>", f"<{results}>", f"<{results}.Arn>", f"<{key}.Arn>"}
        assert wanted == exported

    def test_what_later_stacks_import_is_exported_here(self, deployed: Deployed) -> None:
        exported = {
            str(output["Export"]["Name"])
            for output in deployed["storage"].content["Outputs"].values()
            if "Export" in output
        }
        assert imports(deployed) <= exported

    def test_an_environment_without_evaluations_exports_the_same(self) -> None:
        made = synthesize(environment(evaluations={}, datasets={}, owns_account=False))
        names = [output for output in made["storage"].content["Outputs"] if output.startswith("Exports")]
        assert len(names) == 5

    def test_the_buckets_are_outputs(self) -> None:
        outputs = frozen()["local"]["storage"].content["Outputs"]
        assert {"DatasetsBucket", "ResultsBucket"} <= set(outputs)


def flat_value(output: Resource) -> str:
    value: Any = output["Value"]
    return f"<{value['Ref']}>" if "Ref" in value else "<{}.{}>".format(*value["Fn::GetAtt"])


def imports(deployed: Deployed) -> set[str]:
    found: set[str] = set()

    def visit(value: Any) -> None:
        if isinstance(value, dict):
            if "Fn::ImportValue" in value:
                found.add(str(value["Fn::ImportValue"]))
            for item in value.values():
                visit(item)
        elif isinstance(value, list):
            for item in value:
                visit(item)

    for template in deployed:
        visit(template.content)
    return found


def test_emptying_may_take_as_long_as_lambda_allows() -> None:
    emptier = destroyed()["storage"].named("AWS::Lambda::Function", "FunctionName", "shop-dev-bucket-emptier")
    assert emptier["Timeout"] == 15 * 60
