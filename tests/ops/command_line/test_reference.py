"""docs/command-line.md: what the parser and the tables have."""

from ops.command_line.application import parser
from ops.command_line.parser import every_command
from ops.reference import DOCUMENTS, PATH, main, reference_text


def test_the_page_is_what_the_code_says() -> None:
    assert main(["--check"]) == 0
    assert PATH.read_text(encoding="utf-8") == reference_text()


def test_every_command_with_json_has_its_keys_documented() -> None:
    with_json = {
        each.prog.partition(" ")[2] for each in every_command(parser()) if "--json" in each._option_string_actions
    }
    assert set(DOCUMENTS) == with_json
