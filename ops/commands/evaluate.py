"""`python -m ops evaluate`: the deployed evaluation's own code at this terminal, without a deployed stack."""

import argparse
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bedrock_eval.codec import DecodeError
from bedrock_eval.definition import PROMPT_MARK, Definition
from bedrock_eval.junit import junit, junit_of_failure
from bedrock_eval.numerals import real, whole
from bedrock_eval.runs import timestamp
from bedrock_eval.shortfalls import advice
from bedrock_eval.summary import Summary, read_summary
from bedrock_eval.wording import count
from custom_evaluator.errors import RunFailed
from custom_evaluator.events import SliceEvent
from custom_evaluator.services import Services, model_client
from custom_evaluator.slices import SliceStatus, run_slice
from ops.aws.clients import add_endpoint, making
from ops.errors import OpsError
from ops.offline.contents import OWNER
from ops.offline.dataset import check_dataset
from ops.offline.definition import APPLICATION, definition_of, region_of
from ops.offline.folder import Folder, Order, opened
from ops.results.finished_run import exit_code, show, write_junit
from ops.terminal.progress import ProgressBar
from ops.terminal.screen import say, tell

DEFAULT_FOLDER = Path("build") / "evaluate"
DEFAULT_CONCURRENCY = 8
DEFAULT_CONFIDENCE = 0.95

DEFAULTS = {field.name: field.default for field in fields(Definition)}
_READ_TIMEOUT = f"seconds that one answer is waited for ({DEFAULTS['read_timeout_seconds']})"
_ATTEMPTS = f"calls of a case whose error passes ({DEFAULTS['max_attempts']})"
_PATIENCE = f"minutes that a model may have no room for one call ({DEFAULTS['patience_minutes']:g})"
_ROUNDS = f"times that failed cases are asked again by the same command ({DEFAULTS['failed_case_rounds']})"

# Longer than any run: a terminal has no deadline, and what is not done then goes on in the next slice.
_SLICE_SECONDS = 7 * 24 * 3600.0


def add_command(commands: Any) -> None:
    """The sub-command's own options."""
    evaluate = commands.add_parser("evaluate", help="evaluate models from this terminal", description=__doc__)
    add = evaluate.add_argument
    # Paths stay texts here, so that messages show them as they were given.
    add("--dataset", type=_local, required=True, metavar="F", help="JSONL with prompt and referenceResponse")
    add("--model", action="append", required=True, metavar="[NAME=]ID", help="what is asked; may be repeated")
    add("--system", type=_local, metavar="F", help="file with the system prompt (without its last line break)")
    add("--template", type=_local, metavar="F", help=f"file with the text around the prompt, {PROMPT_MARK} once in it")
    add(
        "--max-tokens",
        type=_whole(1, 1_000_000),
        metavar="N",
        help="longest answer (4,096; 16,384 of models that think)",
    )
    add("--temperature", type=_number(0, 1), metavar="X", help="of sampling; not every model takes it")
    add("--top-p", type=_number(0, 1), metavar="X", help="of sampling; not every model takes it")
    add("--stop-sequence", action="append", type=_text, metavar="TEXT", help="ends an answer; may be repeated")
    add("--limit", type=_whole(1, 1_000_000_000), metavar="N", help="ask the first N cases only")
    add("--metric", action="append", metavar="M", help="NAME or NAME={JSON of its parameters}; may be repeated")
    add("--gate", action="append", default=[], metavar="G", help='as "f1_score>=0.5" or "truncated<=0.1"; repeatable')
    add("--baseline", type=_local, metavar="DIR", help="the folder of an earlier evaluation, for --max-drop")
    add("--max-drop", action="append", default=[], metavar="M=X", help="how far M may fall behind; may be repeated")
    add("--confidence", type=_share, default=DEFAULT_CONFIDENCE, metavar="C", help="of intervals and gates (0.95)")
    add("--out", type=Path, metavar="DIR", help=f"where everything is written ({DEFAULT_FOLDER}/<dataset>)")
    add("--retry-failed", action="store_true", help="ask again what failed in the finished run of --out: a new run")
    add("--concurrency", type=_whole(1, 256), default=DEFAULT_CONCURRENCY, metavar="N", help="calls in flight (8)")
    add(
        "--read-timeout",
        type=_whole(1, 3600),
        default=DEFAULTS["read_timeout_seconds"],
        metavar="S",
        help=_READ_TIMEOUT,
    )
    add("--attempts", type=_whole(1, 10), default=DEFAULTS["max_attempts"], metavar="N", help=_ATTEMPTS)
    add("--patience", type=_whole(1, 1440), default=DEFAULTS["patience_minutes"], metavar="MIN", help=_PATIENCE)
    add("--failed-case-rounds", type=_whole(0, 10), default=DEFAULTS["failed_case_rounds"], metavar="N", help=_ROUNDS)
    add("--score-thoughts", action="store_true", help="score leading <think> parts with the answers")
    add("--tokens-per-minute", type=_whole(1, 10**12), metavar="N", help="quota of each model: says how many calls fit")
    add("--region", metavar="R", help="the Region of Bedrock (AWS_REGION, or that of the AWS configuration)")
    add(
        "--destination-region",
        action="append",
        default=[],
        metavar="R",
        help="where a profile that the table of models does not have routes to; overrides it; repeatable",
    )
    add_endpoint(evaluate)


def run(arguments: argparse.Namespace, *, now: datetime | None = None) -> int:
    """Evaluate, or go on with what the folder holds of the same evaluation.

    Exit codes: 0 every gate is kept, 10 one is broken, 11 one is undecided or too few cases were answered, 130 stopped
    by Ctrl-C or a signal.

    Raises:
        OpsError: the options do not fit, the folder is another evaluation's, or the run cannot go on.
    """
    baseline = None if arguments.baseline is None else _baseline(arguments.baseline)
    now = now or datetime.now(UTC)
    definition = definition_of(arguments, baseline, today=now.date())
    warning = check_dataset(arguments.dataset, definition)
    if warning is not None:
        tell(f"warning: {warning}")
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
    show(summary, state)
    say(f"\n{folder.path}: report.html, summary.json, junit.xml")
    return exit_code(summary)


def _evaluated(folder: Folder, definition: Definition, arguments: argparse.Namespace) -> bool:
    """Whether the run is finished; False when Ctrl-C has stopped it."""
    if folder.finished:
        again = "--retry-failed asks what has failed again, another --out makes a new run"
        tell(f"{folder.path}: finished before, nothing is asked; {again}")
        return True
    if folder.answered:
        tell(f"{folder.path}: goes on after {count(folder.answered, 'answer')}")
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
        tell("\nstopped at once")
    except OSError as error:
        raise OpsError(f"{folder.path}: {error}") from None
    finally:
        bar.close()
    if folder.finished:
        return True
    tell(f"stopped; {count(folder.answered, 'answer')} in {folder.path}: the same command goes on from there")
    return False


def _failed(folder: Folder, definition: Definition, error: RunFailed) -> OpsError:
    """What has ended the run, for people and for continuous integration."""
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
    told = f"{error.sentence}; {mending}" if mending else error.sentence
    if folder.answered:
        told += f"; {count(folder.answered, 'answer')} in {folder.path}: the same command goes on from there"
    return OpsError(told)


def _models(arguments: argparse.Namespace, definition: Definition) -> Any:
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
    """Whether Ctrl-C came. The first lets what is in flight come back, the second ends everything."""

    def __init__(self) -> None:
        self._came = False

    def __call__(self) -> bool:
        return self._came

    def come(self, _number: int, _frame: FrameType | None) -> None:
        if self._came:
            raise KeyboardInterrupt
        self._came = True
        tell("\nstopping; what is in flight is waited for, half a minute at most (Ctrl-C again: not waited for)")


@contextmanager
def _interruptible() -> Iterator[_Interruption]:
    interruption = _Interruption()
    # What is ignored stays so: by `nohup`, or for a command in the background.
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
    """In the place of CloudWatch: a run at a terminal publishes nothing."""

    def put_metric_data(self, **_: Any) -> None:
        """Nothing."""


def _baseline(given: str) -> Summary:
    path = Path(given)
    if not (path / "summary.json").is_file():
        raise OpsError(f"--baseline {given}: holds no summary.json; needed: the folder of a finished evaluation")
    return _summary(path)


def _summary(path: Path) -> Summary:
    try:
        return read_summary((path / "summary.json").read_bytes())
    except (OSError, DecodeError) as error:
        raise OpsError(f"{path / 'summary.json'}: {error}") from None


def _whole(low: int, high: int) -> Any:
    def read(text: str) -> int:
        number = whole(text)
        if number is None or not low <= number <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of {low:,} to {high:,}")
        return number

    return read


def _local(text: str) -> str:
    if "://" in text:
        raise argparse.ArgumentTypeError(f"{text} is not on this machine; needed: a path (aws s3 cp fetches it first)")
    return text


def _text(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("is empty; needed: the text that ends an answer")
    return text


def _number(low: float, high: float) -> Any:
    def number(text: str) -> float:
        value = real(text)
        if value is None or not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number of {low:g} to {high:g}")
        return value

    return number


def _share(text: str) -> float:
    share = real(text)
    if share is None or not 0.5 <= share < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a confidence; allowed: 0.5 to below 1")
    return share
