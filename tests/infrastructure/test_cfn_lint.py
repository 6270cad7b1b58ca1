"""cfn-lint over every template of environments/, and of one with what the shipped files leave out."""

import json

import pytest
from cfnlint import lint  # type: ignore[import-untyped]
from cfnlint.config import ManualArgs  # type: ignore[import-untyped]

from tests.support.synthesis.templates import OWN, billed, own

# W3005: a dependency that a reference implies already; CDK adds those of a construct as a whole.
IGNORED = ["W3005"]


@pytest.mark.edited_files
@pytest.mark.parametrize("name", [*OWN, "billed"])
def test_templates_are_clean(name: str) -> None:
    for template in own()[name] if name in OWN else billed():
        matches = lint(json.dumps(template.content), config=ManualArgs(regions=["us-east-1"], ignore_checks=IGNORED))
        assert not matches, template.room
