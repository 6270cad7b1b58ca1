"""The account's model invocation logging."""

from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field

from bedrock_eval.wording import suggestion
from configuration.schema.data_identifiers import DATA_IDENTIFIERS
from configuration.schema.values.base import Strict, enum, refused, told


def _data_identifier(name: str) -> str:
    if name not in DATA_IDENTIFIERS:
        near = suggestion(name, DATA_IDENTIFIERS)
        raise ValueError(f"{name!r} is not a managed data identifier{near}; allowed: {', '.join(DATA_IDENTIFIERS)}")
    return name


DataIdentifier = Annotated[str, AfterValidator(_data_identifier), Field(json_schema_extra=enum(DATA_IDENTIFIERS))]


class InvocationLoggingConfig(Strict):
    """The account's model invocation logging: one setting per account and Region, so only `owns_account` makes it."""

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
        description="own: set it, refuse when a foreign setting stands; adopt: replace a foreign one; none: leave it. "
        "Counts for the owner of the account only; own and adopt are refused elsewhere.",
    )
    on_delete: Literal["restore", "leave", "remove"] = Field(
        default="restore",
        description="What becomes of the setting when the stack goes: restore puts back what was there before, leave "
        "keeps it with the role that delivers (the log group stays with removal_policy retain alone), remove switches "
        "logging off.",
    )
    log_group: str = Field(
        default="/aws/bedrock/model-invocations",
        pattern=r"^[.\-_/#A-Za-z0-9]{1,512}$",
        description="Where Bedrock writes the records.",
        json_schema_extra=told("a log group's name: at most 512 of a-z, A-Z, 0-9 and . - _ / #"),
    )
    existing: bool = Field(default=False, description="Import the log group, as one that a RETAIN left behind.")
    data_protection: tuple[DataIdentifier, ...] = Field(
        default=(),
        description="Managed data identifiers that CloudWatch Logs masks in the log group, as EmailAddress; "
        "docs/security.md says who can see them. Masking costs by the GB that is scanned.",
    )
    large_bodies: bool | None = Field(
        default=None,
        description="Keep prompts, answers and binary data that are too large for the log group (100 KB) in a bucket. "
        "Left out: true, unless `data_protection` masks, which it does in the log group alone.",
    )
    metrics: bool = Field(
        default=False,
        description="Count truncated answers by model, and failed calls by error code, with metric filters. Each model "
        "and each code that occurs in a month is billed as a custom metric.",
    )
    text: bool = Field(default=True, description="Log prompts and answers, not only counts.")
    image: bool = Field(default=False, description="Log images.")
    embedding: bool = Field(default=False, description="Log embeddings.")
    video: bool = Field(default=False, description="Log videos.")
    audio: bool = Field(default=False, description="Log audio.")

    @property
    def keeps_large_bodies(self) -> bool:
        """Whether there is something that is too large for the log group, and it is kept."""
        wanted = not self.data_protection if self.large_bodies is None else self.large_bodies
        return wanted and any((self.text, self.image, self.embedding, self.video, self.audio))
