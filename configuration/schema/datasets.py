"""The datasets of an environment."""

from pathlib import Path

from pydantic import Field

from configuration.repository import REPOSITORY
from configuration.schema.values.base import Strict, told


class DatasetConfig(Strict):
    """Where the cases come from."""

    source: str = Field(
        # No part of a path begins with a dot, so that none leads out of the repository.
        pattern=r"^(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+|(\./)?([^/:\\~\s.][^/:\\]*/)*[^/:\\~\s.][^/:\\]*)\.jsonl$",
        description="A .jsonl file inside this repository, as datasets/questions.jsonl (checked at synth, uploaded at "
        "deploy), or an s3:// URI of the same Region. A bucket or key of another account must admit the roles that "
        "read it.",
        json_schema_extra=told(
            "datasets/<file>.jsonl or another path inside the repository, or s3://<bucket>/<key>.jsonl"
        ),
    )

    @property
    def is_s3(self) -> bool:
        return self.source.startswith("s3://")

    @property
    def s3_object(self) -> tuple[str, str]:
        """Bucket and key of an s3:// URI."""
        bucket, _, key = self.source.removeprefix("s3://").partition("/")
        return bucket, key

    @property
    def file(self) -> Path:
        """The file, if it is one: relative to the repository, whatever the working directory."""
        return REPOSITORY / self.source
