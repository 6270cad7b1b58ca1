"""cfn-lint over every template of the repository's environments, and of one with what they leave out."""

import json

import pytest
from cfnlint import lint  # type: ignore[import-untyped]
from cfnlint.config import ManualArgs  # type: ignore[import-untyped]

from tests.infrastructure.templates import MADE, SHIPPED

# W3005: a dependency that a reference implies already; CDK adds those of a construct as a whole.
IGNORED = ["W3005"]


@pytest.mark.parametrize("name", [*SHIPPED, "billed"])
def test_templates_are_clean(name: str) -> None:
    for template in MADE[name]():
        matches = lint(json.dumps(template.content), config=ManualArgs(regions=["us-east-1"], ignore_checks=IGNORED))
        assert not matches, template.room
