"""What a finished run says at a terminal: its tables, its JUnit file, its exit code."""

from collections.abc import Sequence
from pathlib import Path

from bedrock_eval.report.words.reading import baseline_notes
from bedrock_eval.report.words.shortfalls import advice, shortfall, thin_candidates, unanswered
from bedrock_eval.results.summary import Summary
from bedrock_eval.runs.state import RunState
from bedrock_eval.verdicts.gates import Verdict, tally_text
from bedrock_eval.wording import level
from ops.errors import OpsError
from ops.results.run_tables import TABLES, candidate_facts, run_parts
from ops.terminal.cells import Json
from ops.terminal.document import Document, DocumentKind
from ops.terminal.output import printable

WORSE, INCONCLUSIVE = 10, 11

RUN = DocumentKind(
    TABLES,
    {
        "evaluation": "the evaluation",
        "run_id": "the run's id",
        "status": "finished, or what a run in progress is at",
        "updated": "when the run's state was last written, null where unknown",
        "completed": "answers so far; of a finished run all of them",
        "total": "answers that the run needs, null where unknown",
        "dataset": "where the cases came from; null until the run is finished",
        "answers": "the run whose stored answers were judged; null: the answers are its own",
        "confidence": "the level of all intervals together; null until the run is finished",
        "candidates": "every candidate with model_id, cases, scored, failed, failures by reason, coverage, tokens, "
        "usd, calls, truncated and withheld answers",
        "notes": "what to know of the baseline before a comparison is believed",
        "shortfall": "why too few cases were answered, and what to do; null when enough were",
        "report": "where report.html is; null where there is none",
    },
)
"""What every command prints with --json that shows a run."""


def exit_code(summary: Summary) -> int:
    """Give the exit code of a run as a whole.

    0: every gate passed, or there is none; 10: a gate failed; 11: none failed and one is undecided, or a candidate has
    answered too few of its cases to say anything; 1: no case was answered.
    """
    if unanswered(summary):
        return 1
    verdicts = {gate.verdict for candidate in summary.candidates for gate in candidate.gates}
    if Verdict.WORSE in verdicts:
        return WORSE
    return INCONCLUSIVE if Verdict.INCONCLUSIVE in verdicts or thin_candidates(summary) else 0


def run_document(
    summary: Summary, state: RunState | None = None, *, report: str | None, after: Sequence[str] = ()
) -> Document:
    """Make the document of a run: its tables, and last lines that say what the exit code says.

    Args:
        state: of the run, which says more of its failed cases.
        after: further lines of the screen.
    """
    judged = "" if summary.answers is None else f", answers of {summary.answers}"
    short = shortfall(summary, message=None if state is None else state.message)
    scored = sum(each.cases for each in summary.candidates)
    parts = [
        f"{summary.evaluation}, run {summary.run_id}, {summary.dataset}{judged}",
        *(printable(each) if isinstance(each, str) else each for each in run_parts(summary)),
        "\n".join([_tally(summary), *([] if short is None else [printable(short)])]),
        *after,
    ]
    return RUN.document(
        parts,
        evaluation=summary.evaluation,
        run_id=summary.run_id,
        status="finished",
        updated=summary.finished,
        completed=scored,
        total=scored,
        dataset=summary.dataset,
        answers=None if summary.answers is None else str(summary.answers),
        confidence=summary.confidence,
        candidates=[candidate_facts(each) for each in summary.candidates],
        notes=list[Json](baseline_notes(summary)),
        shortfall=short,
        report=report,
    )


def progress_document(shown: str, state: RunState, text: str) -> Document:
    """Make the document of a run in progress, which has no tables yet."""
    evaluation, _, run_id = shown.rpartition("/")
    missing = dict.fromkeys(("dataset", "answers", "confidence", "shortfall", "report"))
    return RUN.document(
        [text],
        evaluation=evaluation,
        run_id=run_id,
        status=state.status.value,
        updated=state.updated,
        completed=state.completed,
        total=state.total,
        candidates=[],
        notes=[],
        **missing,
    )


def _tally(summary: Summary) -> str:
    gates = [gate for candidate in summary.candidates for gate in candidate.gates]
    return f"gates at {level(summary.confidence)} together: {tally_text(gates)}" if gates else "no gates"


def failed_run(shown: str, state: RunState) -> OpsError:
    """Make the error that a run without a summary is: why it failed or was skipped, and what to do."""
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
