"""The generated files, and the command that writes or compares them."""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from bedrock_eval.errors import UserError
from configuration import generate as package
from configuration.generate import COMMAND
from configuration.generate.alarm_reference import alarms_text
from configuration.generate.configuration_reference import configuration_text
from configuration.generate.model_table import table_source
from configuration.repository import REPOSITORY
from configuration.schema.json_schema import file_schema

MODELS = REPOSITORY / "models" / "table.yaml"


def schema_text() -> str:
    """environments/schema.json."""
    return json.dumps(file_schema(), indent=2, ensure_ascii=False) + "\n"


def outputs() -> Mapping[Path, str]:
    """Every generated file with the text that it should have."""
    return {
        REPOSITORY / "environments" / "schema.json": schema_text(),
        REPOSITORY / "docs" / "configuration.md": configuration_text(),
        REPOSITORY / "docs" / "alarms.md": alarms_text(COMMAND),
        REPOSITORY / "lambda" / "bedrock_eval" / "known_models" / "table.py": table_source(MODELS, command=COMMAND),
    }


def main(arguments: list[str] | None = None) -> int:
    """Write the files, or with `--check` compare them; 1 when one is stale."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=package.__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 when a file is stale")
    check = parser.parse_args(arguments).check
    try:
        texts = outputs()
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    stale = [path for path, text in texts.items() if not path.is_file() or path.read_text("utf-8") != text]
    for path in stale:
        name = path.relative_to(REPOSITORY).as_posix()
        if check:
            sys.stderr.write(f"{name} is stale; write it anew with: {COMMAND}\n")
        else:
            path.write_text(texts[path], "utf-8")
            sys.stdout.write(f"{name} written\n")
    return 1 if check and stale else 0
