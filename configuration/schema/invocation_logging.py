"""The account's model invocation logging."""

from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field

from bedrock_eval.wording import suggestion
from configuration.schema.data_identifiers import DATA_IDENTIFIERS
from configuration.schema.values.base import Strict, enum, pattern_error, refused


def _data_identifier(name: str) -> str:
    if name not in DATA_IDENTIFIERS:
        near = suggestion(name, DATA_IDENTIFIERS)
        raise ValueError(f"{name!r} is not a managed data identifier{near}; allowed: {', '.join(DATA_IDENTIFIERS)}")
    return name


DataIdentifier = Annotated[str, AfterValidator(_data_identifier), Field(json_schema_extra=enum(DATA_IDENTIFIERS))]


class InvocationLoggingConfig(Strict):
    """The account's model invocation logging.

    There is one setting per account and Region, so only the environment with `owns_account` creates it.
    """

    model_config = ConfigDict(
        json_schema_extra=refused(
            *(
                {
                    "properties": {key: {"const": True}, "data_protection": {"minItems": 1}},
                    "required": [key, "data_protection"],
                }
                for key in ("existing", "large_bodies")
            )
        )
    )

    mode: Literal["own", "adopt", "none"] = Field(
        default="own",
        description="own: create the setting, and fail when there is an existing one that is not ours; "
        "adopt: replace an existing one; none: change nothing. own and adopt need `owns_account: "
        "true`.",
    )
    on_delete: Literal["restore", "leave", "remove"] = Field(
        default="restore",
        description="What happens to the setting when the stack is deleted. restore: put the earlier setting "
        "back; leave: keep the setting and its delivery role (the log group stays only with "
        "removal_policy retain); remove: turn logging off.",
    )
    log_group: str = Field(
        default="/aws/bedrock/model-invocations",
        pattern=r"^[.\-_/#A-Za-z0-9]{1,512}$",
        description="Log group to which Bedrock delivers the records.",
        json_schema_extra=pattern_error("a log group's name: at most 512 of a-z, A-Z, 0-9 and . - _ / #"),
    )
    existing: bool = Field(
        default=False, description="Use an existing log group, as one that a deleted stack retained."
    )
    data_protection: tuple[DataIdentifier, ...] = Field(
        default=(),
        description="Managed data identifiers that CloudWatch Logs masks in the log group, as EmailAddress. "
        "docs/security.md says who can see the masked data. Masking is billed by GB scanned.",
    )
    large_bodies: bool | None = Field(
        default=None,
        description="Deliver bodies and binary data that are too large for the log group (over 100 KB) to a "
        "bucket. Default: true, and false with `data_protection`, which masks only the log group.",
    )
    metrics: bool = Field(
        default=False,
        description="Metric filters that count truncated answers by model and failed calls by error code. "
        "Each model and code that occurs in a month is billed as a custom metric.",
    )
    text: bool = Field(default=True, description="Log text of prompts and answers, not only token counts.")
    image: bool = Field(default=False, description="Log images.")
    embedding: bool = Field(default=False, description="Log embeddings.")
    video: bool = Field(default=False, description="Log videos.")
    audio: bool = Field(default=False, description="Log audio.")

    @property
    def keeps_large_bodies(self) -> bool:
        """True when bodies that are too large for the log group are delivered to a bucket."""
        wanted = not self.data_protection if self.large_bodies is None else self.large_bodies
        return wanted and any((self.text, self.image, self.embedding, self.video, self.audio))
