"""`bedrock-eval baseline`: proposes gates from finished runs and alarm thresholds from the last days, as a patch."""

import argparse
from datetime import UTC, datetime

from ops.aws.account import account_of
from ops.aws.clients import calling
from ops.environment.patch import offer, patch_of
from ops.proposals.gates import GATES, Changes, propose_gates
from ops.proposals.thresholds import THRESHOLDS, propose_thresholds
from ops.terminal.document import DocumentKind
from ops.terminal.output import print_result
from ops.terminal.tables import Table

BASELINE = DocumentKind(
    (GATES, THRESHOLDS),
    {"patch": "the changes of the file as a unified diff; null where nothing changes"},
)


def run(arguments: argparse.Namespace, *, now: datetime | None = None) -> int:
    """Show what the proposals rest on, then the patch of the file; gives the exit code 0.

    Raises:
        OpsError: there is no such evaluation, or AWS does not answer.
    """
    now = now or datetime.now(UTC)
    account = account_of(arguments, now)
    if arguments.evaluation:
        account.config(arguments.evaluation)
    changes: Changes = {}
    parts: list[str | Table] = []
    with calling(f"environment {arguments.env}"):
        for name in [arguments.evaluation] if arguments.evaluation else account.environment.evaluations:
            proposed = propose_gates(account, name, runs=arguments.runs)
            changes |= proposed.changes
            parts += [proposed.table, *([] if proposed.snippet is None else [proposed.snippet])]
        thresholds = propose_thresholds(account, days=arguments.days, now=now)
    changes |= thresholds.changes
    patch = patch_of(account.file.path, changes) if changes else None
    text = None if patch is None or patch.empty else str(patch)
    BASELINE.document([*parts, thresholds.table], patch=text).show(as_json=arguments.json)
    if patch is not None:
        offer(patch, write=arguments.write, quiet=arguments.json)
    elif not arguments.json:
        print_result("\nNothing is proposed for the file.")
    return 0
