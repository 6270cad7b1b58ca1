"""Log groups: named, encrypted, and kept for a stated time."""

from types import MappingProxyType

from aws_cdk import RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs

from constructs import Construct

_Days = logs.RetentionDays
_RETENTION = MappingProxyType(
    {
        1: _Days.ONE_DAY,
        3: _Days.THREE_DAYS,
        5: _Days.FIVE_DAYS,
        7: _Days.ONE_WEEK,
        14: _Days.TWO_WEEKS,
        30: _Days.ONE_MONTH,
        60: _Days.TWO_MONTHS,
        90: _Days.THREE_MONTHS,
        120: _Days.FOUR_MONTHS,
        150: _Days.FIVE_MONTHS,
        180: _Days.SIX_MONTHS,
        365: _Days.ONE_YEAR,
        400: _Days.THIRTEEN_MONTHS,
        545: _Days.EIGHTEEN_MONTHS,
        731: _Days.TWO_YEARS,
        1096: _Days.THREE_YEARS,
        1827: _Days.FIVE_YEARS,
        2192: _Days.SIX_YEARS,
        2557: _Days.SEVEN_YEARS,
        2922: _Days.EIGHT_YEARS,
        3288: _Days.NINE_YEARS,
        3653: _Days.TEN_YEARS,
    }
)


class EncryptedLogGroup(logs.LogGroup):
    """A log group with a fixed name.

    Its key's policy must let CloudWatch Logs use the key for this name (see `EnvironmentKey`).

    Args:
        retention_days: one of the values that CloudWatch Logs takes.
        removal_policy: DESTROY by default: a group that stays behind under its fixed name fails the next deploy.
            Therefore RETAIN does not hold for a group whose first deploy is rolled back.
        data_protection: what CloudWatch Logs masks in it.
    """

    RETENTION_DAYS = tuple(_RETENTION)

    def __init__(  # noqa: PLR0913 - all by keyword but the first two
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        key: kms.IKey,
        retention_days: int,
        removal_policy: RemovalPolicy = RemovalPolicy.DESTROY,
        data_protection: logs.DataProtectionPolicy | None = None,
    ) -> None:
        if removal_policy is RemovalPolicy.RETAIN:
            removal_policy = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
        super().__init__(
            scope,
            construct_id,
            log_group_name=name,
            encryption_key=key,
            retention=_RETENTION[retention_days],
            removal_policy=removal_policy,
            data_protection_policy=data_protection,
        )
