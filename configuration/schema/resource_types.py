"""In which Regions CloudFormation lacks a type of resource that an environment may ask for.

Source: CloudFormation's registry as cfn-lint carries it; a test compares all Regions that it knows with this table.
Types that are not here exist in every Region.
"""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

VERIFIED_ON = date(2026, 11, 28)

APPLICATION_PROFILE = "AWS::Bedrock::ApplicationInferenceProfile"
BUDGET = "AWS::Budgets::Budget"


def _regions(*lines: str) -> frozenset[str]:
    return frozenset(name for line in lines for name in line.split())


ABSENT: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        APPLICATION_PROFILE: _regions(
            "af-south-1 ap-east-1 ap-east-2 ap-south-2 ap-southeast-4 ap-southeast-5",
            "ap-southeast-6 ap-southeast-7 ca-west-1 cn-north-1 cn-northwest-1 eu-north-1",
            "eu-south-2 il-central-1 mx-central-1 us-gov-east-1 us-gov-west-1 us-west-1",
        ),
        BUDGET: _regions(
            "af-south-1 ap-east-1 ap-east-2 ap-northeast-3 ap-south-2 ap-southeast-3",
            "ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7 ca-west-1",
            "eu-central-2 eu-north-1 eu-south-1 eu-south-2 il-central-1 me-central-1",
            "mx-central-1 us-gov-east-1 us-gov-west-1",
        ),
    }
)


def exists(kind: str, *, region: str) -> bool:
    """True when CloudFormation has the type in the Region, as far as this table knows."""
    return region not in ABSENT[kind]
