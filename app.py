"""The CDK app: one Stage per environment file."""

import sys
from datetime import UTC, datetime
from pathlib import Path

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from environments.load import EnvironmentsError, load_environments
from stacks.stage import EnvironmentStage

ROOT = Path(__file__).resolve().parent

# What CDK refuses for a reason that a person can mend, and how.
_HINTS = {
    "ValidationFailed": "Mend what is named above, or acknowledge it where it is caused, with what makes it safe.",
    "Number of resources in stack": "Split the environment: move some models and evaluations to another file.",
}


def build(app: App) -> None:
    """Add a Stage for every environment that the context asks for: `environments` (`dev,prod`; by default all but
    local) out of `environments_directory`.

    Raises:
        EnvironmentsError: with every mistake of every file that was read.
    """
    names = app.node.try_get_context("environments")
    directory = Path(app.node.try_get_context("environments_directory") or ROOT / "environments")
    only = [name.strip() for name in str(names).split(",")] if names else None
    loaded = load_environments(directory, only=only, today=datetime.now(UTC).date())
    for warning in loaded.warnings:
        sys.stderr.write(f"warning: {warning}\n")
    for environment in loaded.environments:
        EnvironmentStage(app, environment=environment, root=ROOT)
    Validations.of(app).add_plugins(AwsSolutionsChecks())


def main() -> int:
    """Synthesize; what a person can mend is a message and exit code 1, without a traceback."""
    app = App()
    try:
        build(app)
    except EnvironmentsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return synthesize(app)


def synthesize(app: App) -> int:
    """Write the templates; findings of cdk-nag and of CloudFormation's rules, and too large a stack, end with 1."""
    try:
        app.synth()
    except RuntimeError as error:
        hint = next((hint for known, hint in _HINTS.items() if known in str(error)), None)
        if hint is None:
            raise
        sys.stderr.write(f"{error}\n{hint}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
