"""Tags of AWS resources."""

from pydantic.config import JsonDict

from bedrock_eval.jobs.rules import TAG_TEXT

# CloudFormation and we add some to the 50 that most services take.
MOST_TAGS = 45
OWN_TAGS = ("application", "environment", "owner")
"""What carries the environment's own values; in IAM keys of tags differ by more than case."""


def tags(most: int) -> JsonDict:
    """The schema of tags: their keys, values and number."""
    own = "|".join("".join(f"[{letter}{letter.upper()}]" for letter in key) for key in OWN_TAGS)
    return {
        "maxProperties": most,
        "propertyNames": {
            "minLength": 1,
            "maxLength": 128,
            "pattern": f"^(?![aA][wW][sS]:|({own})$){TAG_TEXT.pattern}$",
        },
        "additionalProperties": {"type": "string", "maxLength": 256, "pattern": f"^{TAG_TEXT.pattern}$"},
    }
