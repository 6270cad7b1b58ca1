"""The account's logging setting: every path of owning, adopting, giving back and failing."""

import json
import logging
from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest

from bedrock_eval_functions.custom_resources import invocation_logging
from bedrock_eval_functions.custom_resources.invocation_logging import handler, same
from tests.support.aws.older_sdk import older_model
from tests.support.cloudformation import CloudFormation, FakeTime
from tests.support.fakes import client_error

FLAGS = ("text", "image", "embedding", "video", "audio")


def setting(group: str, *, text: bool = True) -> dict[str, Any]:
    flags = {f"{kind}DataDeliveryEnabled": kind == "text" and text for kind in FLAGS}
    return {"cloudWatchConfig": {"logGroupName": group, "roleArn": f"arn:role/{group}"}, **flags}


OURS = setting("/aws/bedrock/model-invocations")
FOREIGN = {"s3Config": {"bucketName": "theirs", "keyPrefix": ""}, "textDataDeliveryEnabled": True}
PARAMETER = "/shop-dev/invocation-logging"


class Account:
    """Bedrock's setting and the SSM parameter, with the order of what was written.

    Attributes:
        unknown: flags that the Region keeps and does not give back.
        null: flags that it gives back as null.
        meta: boto3's own, which knows every flag.
    """

    meta = SimpleNamespace(service_model=botocore.session.get_session().get_service_model("bedrock"))

    def __init__(self) -> None:
        self.unknown: tuple[str, ...] = ()
        self.null: tuple[str, ...] = ()
        self.setting: dict[str, Any] | None = None
        self.parameters: dict[str, str] = {}
        self.writes: list[str] = []
        self.put_errors: list[Exception] = []

    def get_model_invocation_logging_configuration(self) -> dict[str, Any]:
        if self.setting is None:
            return {}
        shown = {key: value for key, value in deepcopy(self.setting).items() if key not in self.unknown}
        return {"loggingConfig": {**shown, **dict.fromkeys(self.null)}}

    def put_model_invocation_logging_configuration(self, *, loggingConfig: dict[str, Any]) -> None:  # noqa: N803
        self.writes.append("put")
        if self.put_errors:
            raise self.put_errors.pop(0)
        self.setting = deepcopy(loggingConfig)

    def delete_model_invocation_logging_configuration(self) -> None:
        self.writes.append("delete")
        self.setting = None

    def get_parameter(self, *, Name: str) -> dict[str, Any]:  # noqa: N803
        if Name not in self.parameters:
            raise client_error("ParameterNotFound")
        return {"Parameter": {"Value": self.parameters[Name]}}

    def put_parameter(self, *, Name: str, Value: str, Type: str, Overwrite: bool) -> None:  # noqa: N803
        assert (Type, Overwrite) == ("String", True)
        self.writes.append("remember")
        self.parameters[Name] = Value

    def delete_parameter(self, *, Name: str) -> None:  # noqa: N803
        self.writes.append("forget")
        del self.parameters[Name]

    @property
    def memory(self) -> Any:
        return json.loads(self.parameters[PARAMETER])


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    fake = Account()
    monkeypatch.setattr(invocation_logging, "client", {"bedrock": fake, "ssm": fake}.__getitem__)
    return fake


def properties(*, config: Any = OURS, mode: str = "own", on_delete: str = "restore") -> dict[str, Any]:
    """As CloudFormation hands them over: flags are text."""
    texts = {key: str(value).lower() if isinstance(value, bool) else value for key, value in config.items()}
    return {"Mode": mode, "OnDelete": on_delete, "Config": texts, "ParameterName": PARAMETER}


class TestTaking:
    def test_where_nothing_stands(self, cloudformation: CloudFormation, account: Account) -> None:
        cloudformation.works(handler, "Create", properties())
        assert account.setting == OURS
        assert account.memory == {"replaced": None, "ours": OURS}
        assert account.writes == ["remember", "put"]

    def test_ones_own_is_left_and_changed(self, cloudformation: CloudFormation, account: Account) -> None:
        first = cloudformation.works(handler, "Create", properties())
        account.writes.clear()
        cloudformation.works(handler, "Update", properties())
        assert account.writes == []
        quiet = setting("/aws/bedrock/model-invocations", text=False)
        last = cloudformation.works(handler, "Update", properties(config=quiet))
        assert account.setting == quiet
        assert account.memory["ours"] == quiet
        assert first["PhysicalResourceId"] == last["PhysicalResourceId"]

    def test_a_foreign_one_is_refused_by_name_and_stays(self, cloudformation: CloudFormation, account: Account) -> None:
        account.setting = FOREIGN
        reason = cloudformation.fails(handler, "Create", properties())
        assert "bucket theirs" in reason
        assert "adopt" in reason
        assert (account.setting, account.writes) == (FOREIGN, [])
        account.setting = setting("their-group")
        assert "log group their-group" in cloudformation.fails(handler, "Create", properties())

    def test_adopting_remembers_what_it_replaces_before_it_does(
        self, cloudformation: CloudFormation, account: Account
    ) -> None:
        account.setting = FOREIGN
        cloudformation.works(handler, "Create", properties(mode="adopt"))
        assert account.setting == OURS
        assert account.memory == {"replaced": FOREIGN, "ours": OURS}
        assert account.writes == ["remember", "put"]

    def test_an_update_does_not_forget_what_was_adopted(self, cloudformation: CloudFormation, account: Account) -> None:
        account.setting = FOREIGN
        cloudformation.works(handler, "Create", properties(mode="adopt"))
        cloudformation.works(handler, "Update", properties(config=setting("another"), mode="adopt"))
        assert account.memory == {"replaced": FOREIGN, "ours": setting("another")}

    def test_one_that_somebody_set_since_is_foreign(self, cloudformation: CloudFormation, account: Account) -> None:
        cloudformation.works(handler, "Create", properties())
        account.setting = FOREIGN
        assert "bucket theirs" in cloudformation.fails(handler, "Update", properties(config=setting("another")))
        assert account.setting == FOREIGN

    def test_one_that_somebody_removed_since_is_set_again(
        self, cloudformation: CloudFormation, account: Account
    ) -> None:
        cloudformation.works(handler, "Create", properties())
        account.setting = None
        cloudformation.works(handler, "Update", properties())
        assert account.setting == OURS

    def test_a_parameter_that_holds_something_else_is_no_memory(
        self, cloudformation: CloudFormation, account: Account
    ) -> None:
        account.parameters[PARAMETER] = "mode own"
        cloudformation.works(handler, "Create", properties())
        assert account.memory["ours"] == OURS

    def test_a_flag_that_is_none_is_named(self, cloudformation: CloudFormation, account: Account) -> None:
        wrong = properties()
        wrong["Config"]["textDataDeliveryEnabled"] = "maybe"
        assert "Config.textDataDeliveryEnabled: 'maybe'" in cloudformation.fails(handler, "Create", wrong)


def with_bodies(bucket: str, **more: str) -> dict[str, Any]:
    """Our setting with a bucket for large bodies."""
    destination = {**OURS["cloudWatchConfig"], "largeDataDeliveryS3Config": {"bucketName": bucket, **more}}
    return {**OURS, "cloudWatchConfig": destination}


class TestLargeBodies:
    def test_the_bucket_is_put_and_taken_away(self, cloudformation: CloudFormation, account: Account) -> None:
        cloudformation.works(handler, "Create", properties())
        cloudformation.works(handler, "Update", properties(config=with_bodies("bodies")))
        assert account.setting == account.memory["ours"] == with_bodies("bodies")
        cloudformation.works(handler, "Update", properties())
        assert account.setting == OURS

    def test_a_blank_prefix_that_comes_back_is_no_foreign_hand(
        self, cloudformation: CloudFormation, account: Account
    ) -> None:
        cloudformation.works(handler, "Create", properties(config=with_bodies("bodies")))
        account.setting = with_bodies("bodies", keyPrefix="")
        account.writes.clear()
        cloudformation.works(handler, "Update", properties(config=with_bodies("bodies")))
        assert account.writes == []

    def test_another_bucket_is(self, cloudformation: CloudFormation, account: Account) -> None:
        cloudformation.works(handler, "Create", properties(config=with_bodies("bodies")))
        account.setting = with_bodies("theirs")
        cloudformation.fails(handler, "Update", properties(config=with_bodies("bodies")))
        assert account.setting == with_bodies("theirs")

    def test_an_adopted_one_is_restored_with_its_bucket(self, cloudformation: CloudFormation, account: Account) -> None:
        account.setting = with_bodies("theirs", keyPrefix="big")
        cloudformation.works(handler, "Create", properties(mode="adopt"))
        cloudformation.works(handler, "Delete", properties(mode="adopt"))
        assert account.setting == with_bodies("theirs", keyPrefix="big")


class TestFreshRole:
    def test_it_is_waited_for(self, cloudformation: CloudFormation, account: Account, time: FakeTime) -> None:
        account.put_errors = [client_error("ValidationException"), client_error("AccessDeniedException")]
        cloudformation.works(handler, "Create", properties())
        assert account.setting == OURS
        assert time.slept == [2.0, 4.0]

    def test_not_for_ever(self, cloudformation: CloudFormation, account: Account, time: FakeTime) -> None:
        account.put_errors = [client_error("ValidationException", "no such group") for _ in range(99)]
        assert "no such group" in cloudformation.fails(handler, "Create", properties())
        assert sum(time.slept) <= 120

    def test_other_errors_are_not(self, cloudformation: CloudFormation, account: Account, time: FakeTime) -> None:
        account.put_errors = [client_error("InternalServerException")]
        cloudformation.fails(handler, "Create", properties())
        assert time.slept == []


class TestGivingBack:
    @pytest.mark.parametrize(
        ("on_delete", "before", "after"),
        [
            ("restore", None, None),
            ("restore", FOREIGN, FOREIGN),
            ("leave", None, OURS),
            ("leave", FOREIGN, OURS),
            ("remove", None, None),
            ("remove", FOREIGN, None),
        ],
    )
    def test_as_told(
        self, cloudformation: CloudFormation, account: Account, on_delete: str, before: Any, after: Any
    ) -> None:
        account.setting = before
        told = properties(mode="adopt", on_delete=on_delete)
        cloudformation.works(handler, "Create", told)
        cloudformation.works(handler, "Delete", told)
        assert account.setting == after
        assert (account.parameters == {}) == (on_delete != "leave")

    @pytest.mark.parametrize("before", [None, FOREIGN])
    @pytest.mark.parametrize("on_delete", ["restore", "remove", "leave"])
    def test_a_deploy_that_was_rolled_back_can_be_repeated(
        self, cloudformation: CloudFormation, account: Account, on_delete: str, before: Any
    ) -> None:
        """The next one makes another role, so that the setting that was left is not the one that it wants."""
        mode = "own" if before is None else "adopt"
        account.setting = before
        first = properties(mode=mode, on_delete=on_delete)
        cloudformation.works(handler, "Create", first)
        cloudformation.works(handler, "Delete", first)
        gone = account.setting
        again = {**OURS, "cloudWatchConfig": {**OURS["cloudWatchConfig"], "roleArn": "arn:role/another"}}
        cloudformation.works(handler, "Create", properties(config=again, mode=mode, on_delete=on_delete))
        assert account.setting == again
        assert account.memory["replaced"] == (before if on_delete == "leave" else gone)

    @pytest.mark.parametrize("on_delete", ["restore", "remove", "leave"])
    def test_what_somebody_has_changed_since_stays(
        self, cloudformation: CloudFormation, account: Account, on_delete: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.WARNING)
        told = properties(on_delete=on_delete)
        cloudformation.works(handler, "Create", told)
        account.setting = FOREIGN
        cloudformation.works(handler, "Delete", told)
        assert account.setting == FOREIGN
        assert "no longer ours" in caplog.text
        assert account.parameters == {}

    def test_the_rollback_of_a_refused_create_touches_nothing(
        self, cloudformation: CloudFormation, account: Account
    ) -> None:
        account.setting = FOREIGN
        cloudformation.fails(handler, "Create", properties(on_delete="remove"))
        cloudformation.works(handler, "Delete", properties(on_delete="remove"))
        assert (account.setting, account.writes) == (FOREIGN, [])

    @pytest.mark.parametrize("on_delete", ["restore", "remove"])
    def test_the_rollback_of_an_adoption_whose_put_failed_leaves_the_foreign_one(
        self, cloudformation: CloudFormation, account: Account, on_delete: str
    ) -> None:
        account.setting = FOREIGN
        account.put_errors = [client_error("InternalServerException")]
        told = properties(mode="adopt", on_delete=on_delete)
        cloudformation.fails(handler, "Create", told)
        cloudformation.works(handler, "Delete", told)
        assert account.setting == FOREIGN
        assert "delete" not in account.writes
        assert account.parameters == {}

    def test_the_rollback_of_a_failed_update_goes_back_to_the_old_one(
        self, cloudformation: CloudFormation, account: Account
    ) -> None:
        account.setting = FOREIGN
        told = properties(mode="adopt")
        cloudformation.works(handler, "Create", told)
        account.put_errors = [client_error("InternalServerException")]
        cloudformation.fails(handler, "Update", properties(config=setting("another"), mode="adopt"))
        cloudformation.works(handler, "Update", told)
        assert account.memory == {"replaced": FOREIGN, "ours": OURS}
        cloudformation.works(handler, "Delete", told)
        assert account.setting == FOREIGN

    def test_what_cannot_be_restored_says_so_and_what_to_do(
        self, cloudformation: CloudFormation, account: Account
    ) -> None:
        account.setting = FOREIGN
        told = properties(mode="adopt")
        cloudformation.works(handler, "Create", told)
        account.put_errors = [client_error("ValidationException", "role is gone") for _ in range(99)]
        reason = cloudformation.fails(handler, "Delete", told)
        assert "bucket theirs" in reason
        assert "on_delete" in reason
        # Nothing is forgotten: another attempt can succeed.
        account.put_errors = []
        cloudformation.works(handler, "Delete", told)
        assert account.setting == FOREIGN

    def test_twice(self, cloudformation: CloudFormation, account: Account) -> None:
        cloudformation.works(handler, "Create", properties())
        cloudformation.works(handler, "Delete", properties())
        account.setting = FOREIGN
        cloudformation.works(handler, "Delete", properties(on_delete="remove"))
        assert account.setting == FOREIGN


KINDS = [f"{kind}DataDeliveryEnabled" for kind in FLAGS]


class TestFlagsOfARegion:
    """Some Regions do not know every flag; our setting stays ours there, through every step of a stack's life."""

    @pytest.mark.parametrize("flag", KINDS)
    @pytest.mark.parametrize("way", ["unknown", "null"])
    @pytest.mark.parametrize("changed", KINDS)
    @pytest.mark.parametrize(("mode", "before"), [("own", None), ("adopt", None), ("adopt", FOREIGN)])
    def test_our_setting_is_changed_and_given_back(  # noqa: PLR0917 - every way of every Region
        self,
        cloudformation: CloudFormation,
        account: Account,
        flag: str,
        way: str,
        changed: str,
        mode: str,
        before: Any,
    ) -> None:
        account.setting = before
        setattr(account, way, (flag,))
        shown = None if before is None else {key: value for key, value in before.items() if key != flag}
        cloudformation.works(handler, "Create", properties(mode=mode))
        other = {**OURS, changed: not OURS[changed]}
        cloudformation.works(handler, "Update", properties(config=other, mode=mode))
        assert account.setting == other
        assert account.memory == {"replaced": shown, "ours": other}
        cloudformation.works(handler, "Delete", properties(config=other, mode=mode))
        assert account.setting == shown

    def test_a_flag_that_was_never_put_is_put_by_the_next_attempt(
        self, cloudformation: CloudFormation, account: Account
    ) -> None:
        account.unknown = ("imageDataDeliveryEnabled",)
        cloudformation.works(handler, "Create", properties())
        other = {**OURS, "imageDataDeliveryEnabled": True}
        account.put_errors = [client_error("InternalServerException")]
        cloudformation.fails(handler, "Update", properties(config=other))
        cloudformation.works(handler, "Update", properties(config=other))
        assert account.setting == other


class TestMemory:
    """What stood here first is never lost."""

    def test_a_second_foreign_setting_does_not_replace_the_first(
        self, cloudformation: CloudFormation, account: Account, caplog: pytest.LogCaptureFixture
    ) -> None:
        account.setting = FOREIGN
        told = properties(mode="adopt")
        cloudformation.works(handler, "Create", told)
        account.setting = {"s3Config": {"bucketName": "another-team"}}
        cloudformation.works(handler, "Update", told)
        assert account.memory == {"replaced": FOREIGN, "ours": OURS}
        assert "the first stays stored" in caplog.text
        cloudformation.works(handler, "Delete", told)
        assert account.setting == FOREIGN

    def test_one_that_came_after_ours_is_remembered_when_it_is_adopted(
        self, cloudformation: CloudFormation, account: Account
    ) -> None:
        cloudformation.works(handler, "Create", properties())
        account.setting = FOREIGN
        cloudformation.works(handler, "Update", properties(mode="adopt"))
        assert account.memory == {"replaced": FOREIGN, "ours": OURS}

    def test_a_setting_of_our_own_role_is_never_remembered_as_foreign(
        self, cloudformation: CloudFormation, account: Account
    ) -> None:
        """The parameter was deleted by somebody, and a flag is to change."""
        told = properties(mode="adopt")
        cloudformation.works(handler, "Create", told)
        account.parameters.clear()
        cloudformation.works(handler, "Update", properties(config={**OURS, KINDS[0]: False}, mode="adopt"))
        assert account.memory["replaced"] is None

    def test_what_boto3_drops_of_an_adopted_setting_is_said(
        self,
        cloudformation: CloudFormation,
        account: Account,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        account.setting = FOREIGN
        cloudformation.works(handler, "Create", properties(mode="adopt"))
        assert "cannot be restored" not in caplog.text
        older = older_model("bedrock", LoggingConfig=("audioDataDeliveryEnabled",))
        monkeypatch.setattr(account, "meta", SimpleNamespace(service_model=older))
        account.parameters.clear()
        account.setting = FOREIGN
        cloudformation.works(handler, "Create", properties(mode="adopt"))
        [record] = [each for each in caplog.records if "cannot be restored" in each.message]
        assert record.__dict__["fields"] == "loggingConfig.audioDataDeliveryEnabled"

    @pytest.mark.parametrize("replaced", ["text", 5, [1]])
    def test_a_parameter_whose_memory_is_no_setting_remembers_none(
        self, cloudformation: CloudFormation, account: Account, replaced: object
    ) -> None:
        account.parameters[PARAMETER] = json.dumps({"ours": OURS, "replaced": replaced})
        account.setting = deepcopy(OURS)
        cloudformation.works(handler, "Delete", properties())
        assert account.setting is None


class TestSame:
    def test_a_flag_that_the_service_adds_does_not_make_it_foreign(self) -> None:
        assert same(OURS, {**OURS, "hologramDataDeliveryEnabled": True})

    def test_blanks_count_as_absent(self) -> None:
        assert same(FOREIGN, {"s3Config": {"bucketName": "theirs"}, "textDataDeliveryEnabled": True})

    @pytest.mark.parametrize(
        "change",
        [
            {"textDataDeliveryEnabled": False},
            {"s3Config": {"bucketName": "theirs"}},
            {"cloudWatchConfig": {**OURS["cloudWatchConfig"], "roleArn": "arn:another"}},
            {"cloudWatchConfig": {**OURS["cloudWatchConfig"], "largeDataDeliveryS3Config": {"bucketName": "b"}}},
        ],
    )
    def test_any_other_difference_does(self, change: dict[str, Any]) -> None:
        assert not same(OURS, {**OURS, **change})
