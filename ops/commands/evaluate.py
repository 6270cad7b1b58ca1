"""`bedrock-eval evaluate`: evaluates models from this terminal with the code of the deployed evaluation."""

import argparse
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bedrock_eval.codec import DecodeError
from bedrock_eval.evaluation.definition import CustomDefinition
from bedrock_eval.report.junit import junit, junit_of_failure
from bedrock_eval.report.words.shortfalls import advice
from bedrock_eval.results.summary import Summary, read_summary
from bedrock_eval.runs.state import timestamp
from bedrock_eval.wording import count
from bedrock_eval_runs.custom.slices import run_slice
from bedrock_eval_runs.errors import RunFailed
from bedrock_eval_runs.events import SliceEvent
from bedrock_eval_runs.services import Services, model_client
from bedrock_eval_runs.slice_results import SliceStatus
from ops.aws.clients import making
from ops.command_line.declared.evaluate import DEFAULT_FOLDER
from ops.errors import OpsError
from ops.offline.contents import OWNER
from ops.offline.dataset import check_dataset
from ops.offline.definition import APPLICATION, definition_of, region_of
from ops.offline.folder import Folder, Order, opened
from ops.results.finished_run import exit_code, run_document, write_junit
from ops.terminal.output import print_note
from ops.terminal.progress import ProgressBar

# Longer than any run: a terminal has no deadline, and the next slice resumes what is not done then.
_SLICE_SECONDS = 7 * 24 * 3600.0


def run(arguments: argparse.Namespace, *, now: datetime | None = None) -> int:
    """Evaluate, or resume the same evaluation in the folder.

    Exit codes: 0 every gate passed, 10 one failed, 11 one is undecided or too few cases were answered, 130 stopped by
    Ctrl-C or a signal.

    Raises:
        OpsError: the options do not fit, the folder holds another evaluation, or the run cannot resume.
    """
    baseline = None if arguments.baseline is None else _baseline(arguments.baseline)
    now = now or datetime.now(UTC)
    definition = definition_of(arguments, baseline, today=now.date())
    warning = check_dataset(arguments.dataset, definition)
    if warning is not None:
        print_note(f"warning: {warning}")
    order = Order(
        definition,
        Path(arguments.dataset),
        baseline=None if arguments.baseline is None else Path(arguments.baseline),
        limit=arguments.limit,
        retry_failed=arguments.retry_failed,
    )
    path = arguments.out or DEFAULT_FOLDER / definition.evaluation
    with opened(path, order, now=now) as folder:
        if not _evaluated(folder, definition, arguments):
            return 130
        summary, state = _summary(folder.path), folder.state
        write_junit(folder.path / "junit.xml", junit(summary))
    files = f"{folder.path}: report.html, summary.json, junit.xml"
    run_document(summary, state, report=str(folder.path / "report.html"), after=[files]).show(as_json=arguments.json)
    return exit_code(summary)


def _evaluated(folder: Folder, definition: CustomDefinition, arguments: argparse.Namespace) -> bool:
    """Run what is not done; False when Ctrl-C has stopped it."""
    if folder.finished:
        again = "--retry-failed retries its failed cases, another --out starts a new run"
        print_note(f"{folder.path}: this evaluation is finished; {again}")
        return True
    if folder.answered:
        print_note(f"{folder.path}: resumes after {count(folder.answered, 'answer')}")
    bar = ProgressBar()
    try:
        with _interruptible() as interruption:
            services = Services(
                application=APPLICATION,
                store=folder.store,
                cloudwatch=_Unpublished(),
                models=partial(_models, arguments),
                now=lambda: datetime.now(UTC),
                clock=time.monotonic,
                progress=bar.show,
                stopping=interruption,
            )
            _slices(services, folder, interruption)
    except RunFailed as error:
        raise _failed(folder, definition, error) from None
    except (ClientError, BotoCoreError) as error:
        raise OpsError(f"Bedrock cannot be called: {error}") from None
    except KeyboardInterrupt:
        print_note("\nstopped at once")
    except OSError as error:
        raise OpsError(f"{folder.path}: {error}") from None
    finally:
        bar.close()
    if folder.finished:
        return True
    print_note(f"stopped; {_resumable(folder)}")
    return False


def _failed(folder: Folder, definition: CustomDefinition, error: RunFailed) -> OpsError:
    """Make the error that ended the run, and write it for continuous integration."""
    state = folder.state
    text = junit_of_failure(
        definition,
        run_id=folder.layout.run_id,
        started=timestamp(datetime.now(UTC)) if state is None else state.started,
        reason=error.reason.value,
        message=error.sentence,
    )
    write_junit(folder.path / "junit.xml", text)
    mending = advice(f"{error.reason.value}: {error.sentence}")
    sentences = [error.sentence, *([mending] if mending else []), *([_resumable(folder)] if folder.answered else [])]
    return OpsError("; ".join(sentences))


def _resumable(folder: Folder) -> str:
    return f"{count(folder.answered, 'answer')} in {folder.path}: the same command resumes from there"


def _models(arguments: argparse.Namespace, definition: CustomDefinition) -> Any:
    with making("bedrock-runtime"):
        return model_client(definition, region=region_of(arguments), endpoint_url=arguments.endpoint_url)


def _slices(services: Services, folder: Folder, interruption: "_Interruption") -> None:
    """The loop of the state machine."""
    event = SliceEvent(folder.layout, OWNER, resumed=True)
    while not interruption():
        if run_slice(services, event, remaining_seconds=_SLICE_SECONDS).status is not SliceStatus.RUNNING:
            return
        event = replace(event, resumed=False)


class _Interruption:
    """Ctrl-C: the first lets calls in flight return, the second ends everything."""

    def __init__(self) -> None:
        self._came = False

    def __call__(self) -> bool:
        return self._came

    def come(self, _number: int, _frame: FrameType | None) -> None:
        if self._came:
            raise KeyboardInterrupt
        self._came = True
        print_note("\nstopping; waiting up to half a minute for calls in flight (Ctrl-C again: do not wait)")


@contextmanager
def _interruptible() -> Iterator[_Interruption]:
    interruption = _Interruption()
    # Signals that `nohup` or a background job ignores stay ignored.
    before = {
        number: signal.signal(number, interruption.come)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Unpublished:
    """Stands for CloudWatch: a run at a terminal publishes nothing."""

    def put_metric_data(self, **_: Any) -> None:
        """Publish nothing."""


def _baseline(given: str) -> Summary:
    path = Path(given)
    if not (path / "summary.json").is_file():
        raise OpsError(f"--baseline {given}: has no summary.json; needed: the folder of a finished evaluation")
    return _summary(path)


def _summary(path: Path) -> Summary:
    try:
        return read_summary((path / "summary.json").read_bytes())
    except (OSError, DecodeError) as error:
        raise OpsError(f"{path / 'summary.json'}: {error}") from None
