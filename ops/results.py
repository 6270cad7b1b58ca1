"""What a finished run says at a terminal: its table, its JUnit file, its exit code."""

from pathlib import Path

from bedrock_eval.gates import Verdict
from bedrock_eval.junit import junit
from bedrock_eval.summary import Summary
from bedrock_eval.table import table
from bedrock_eval.wording import level
from ops.errors import OpsError
from ops.screen import printable, say

WORSE, INCONCLUSIVE = 10, 11


def exit_code(summary: Summary) -> int:
    """0: every gate is kept, or there is none; 10: one is broken; 11: none is broken and one undecided."""
    verdicts = {gate.verdict for candidate in summary.candidates for gate in candidate.gates}
    if Verdict.WORSE in verdicts:
        return WORSE
    return INCONCLUSIVE if Verdict.INCONCLUSIVE in verdicts else 0


def show(summary: Summary) -> None:
    """The table, and a last line that says what the exit code says."""
    text = printable(table(summary))
    judged = "" if summary.answers is None else f", answers of {summary.answers}"
    say(f"{summary.evaluation}, run {summary.run_id}, {summary.dataset}{judged}\n\n{text}")
    gates = [gate for candidate in summary.candidates for gate in candidate.gates]
    if not gates:
        say("\nno gates")
        return
    tally = ", ".join(
        f"{number} {verdict.value}" for verdict in Verdict if (number := sum(gate.verdict is verdict for gate in gates))
    )
    say(f"\ngates at {level(summary.confidence)} together: {tally}")


def write_junit(path: Path, summary: Summary) -> None:
    """Write the run as JUnit XML.

    Raises:
        OpsError: the file cannot be written.
    """
    try:
        path.write_text(junit(summary), encoding="utf-8")
    except OSError as error:
        raise OpsError(f"{path}: cannot be written: {error.strerror}") from None
