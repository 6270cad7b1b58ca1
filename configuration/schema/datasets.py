"""The datasets of an environment."""

from pathlib import Path

from pydantic import Field

from configuration.repository import REPOSITORY
from configuration.schema.values.base import Strict, pattern_error


class DatasetConfig(Strict):
    """The file or object with the cases."""

    source: str = Field(
        # No part of a path begins with a dot, so that none leads out of the repository.
        pattern=r"^(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+|(\./)?([^/:\\~\s.][^/:\\]*/)*[^/:\\~\s.][^/:\\]*)\.jsonl$",
        description="A .jsonl file in this repository, as datasets/questions.jsonl, or an s3:// URI in the "
        "same Region. `cdk synth` checks a file, `cdk deploy` uploads it. A bucket or KMS key of "
        "another account must allow the roles that read it.",
        json_schema_extra=pattern_error(
            "datasets/<file>.jsonl or another path inside the repository, or s3://<bucket>/<key>.jsonl"
        ),
    )

    @property
    def is_s3(self) -> bool:
        return self.source.startswith("s3://")

    @property
    def s3_object(self) -> tuple[str, str]:
        """The bucket and key of an s3:// URI."""
        bucket, _, key = self.source.removeprefix("s3://").partition("/")
        return bucket, key

    @property
    def file(self) -> Path:
        """The file, if it is one: relative to the repository, whatever the working directory."""
        return REPOSITORY / self.source
