"""Settings that must stand before aws_cdk is imported by any test of this folder."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.synthesis.templates import Deployed

# The library's own check of the templates costs seconds a process; `cdk synth` makes it, and test_app.py once.
os.environ.setdefault("CDK_VALIDATION", "false")
os.environ.setdefault("JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION", "1")
# The Node that is installed beside this interpreter, also where pytest was not started through make.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
# No test may reach an account.
for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
    os.environ.pop(name, None)


@pytest.fixture(params=["dev", "staging", "prod", "local", "retained", "destroyed", "tenant", "billed", "by_jobs"])
def deployed(request: pytest.FixtureRequest) -> "Deployed":
    """Each environment of the repository and of the tests in turn."""
    from tests.support.synthesis.templates import MADE  # noqa: PLC0415 - aws_cdk is imported after the settings above

    return MADE[request.param]()
