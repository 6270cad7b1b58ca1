"""Log groups: named, encrypted, and kept for a stated time."""

from types import MappingProxyType

from aws_cdk import RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs

from bedrock_eval_cdk.core.errors import DeclarationError
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


def retention(days: int) -> logs.RetentionDays:
    """The retention of so many days.

    Raises:
        DeclarationError: CloudWatch Logs has none of that length.
    """
    if days not in _RETENTION:
        raise DeclarationError(
            f"{days} is no retention of CloudWatch Logs; allowed: {', '.join(map(str, _RETENTION))} days"
        )
    return _RETENTION[days]


class EncryptedLogGroup(logs.LogGroup):
    """A log group under the environment's key.

    Its key's policy must let CloudWatch Logs use the key for this name (see `EnvironmentKey`).

    It goes with its stack: a group that stays behind under its fixed name fails the next deploy.

    Args:
        name: None: CloudFormation chooses one.
        retention_days: one of the values that CloudWatch Logs takes.
    """

    RETENTION_DAYS = tuple(_RETENTION)

    def __init__(
        self, scope: Construct, construct_id: str, *, name: str | None, key: kms.IKey, retention_days: int
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            log_group_name=name,
            encryption_key=key,
            retention=retention(retention_days),
            removal_policy=RemovalPolicy.DESTROY,
        )
