"""What a finished run says at a terminal: its table, its JUnit file, its exit code."""

from pathlib import Path

from bedrock_eval.gates import Verdict, tally_text
from bedrock_eval.runs import RunState
from bedrock_eval.shortfalls import advice, shortfall, thin_candidates, unanswered
from bedrock_eval.summary import Summary
from bedrock_eval.table import table
from bedrock_eval.wording import level
from ops.errors import OpsError
from ops.terminal.screen import printable, say

WORSE, INCONCLUSIVE = 10, 11


def exit_code(summary: Summary) -> int:
    """Of a run as a whole.

    0: every gate is kept, or there is none; 10: one is broken; 11: none is broken and one undecided, or a candidate has
    answered too few of its cases to say anything; 1: nobody has answered one.
    """
    if unanswered(summary):
        return 1
    verdicts = {gate.verdict for candidate in summary.candidates for gate in candidate.gates}
    if Verdict.WORSE in verdicts:
        return WORSE
    return INCONCLUSIVE if Verdict.INCONCLUSIVE in verdicts or thin_candidates(summary) else 0


def show(summary: Summary, state: RunState | None = None) -> None:
    """The table, and last lines that say what the exit code says.

    Args:
        state: of the run, which says more of its failed cases.
    """
    text = printable(table(summary))
    judged = "" if summary.answers is None else f", answers of {summary.answers}"
    say(f"{summary.evaluation}, run {summary.run_id}, {summary.dataset}{judged}\n\n{text}")
    _show_gates(summary)
    short = shortfall(summary, message=None if state is None else state.message)
    if short is not None:
        say(printable(short))


def _show_gates(summary: Summary) -> None:
    gates = [gate for candidate in summary.candidates for gate in candidate.gates]
    if not gates:
        say("\nno gates")
        return
    say(f"\ngates at {level(summary.confidence)} together: {tally_text(gates)}")


def failed_run(shown: str, state: RunState) -> OpsError:
    """The error that a run without a summary is: why it failed or was skipped, and what to do."""
    why = f"{state.reason}: {state.message}"
    mending = advice(why)
    return OpsError(f"run {shown} {state.status.value}: {why}" + (f"; {mending}" if mending else ""))


def write_junit(path: Path, text: str) -> None:
    """Write JUnit XML.

    Raises:
        OpsError: the file cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OpsError(f"{path}: cannot be written: {error.strerror}") from None
