"""`python -m local run | up | down`, which the Makefile's targets of these names call."""

import argparse
import json
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from bedrock_eval.errors import UserError
from bedrock_eval.names import PhysicalNames
from bedrock_eval.report.words.shortfalls import shortfall, unanswered
from bedrock_eval.wording import count
from configuration.loading.load import load_environments
from configuration.schema.environment import Environment
from configuration.schema.evaluations.kinds import EvaluationConfig, kind_of
from configuration.schema.evaluations.scoring import JudgeScoring
from local import evaluation, screen
from local.alone import alone
from local.deployment import ENVIRONMENT, ENVIRONMENTS, ROOT, Deployment, deploy
from local.own_data import OwnData, own_data, write_environment
from local.process import (
    QUICK_WAITS,
    Endpoint,
    log_file,
    running_emulator,
    start_detached,
)
from local.up import down, up
from ops.results.run_tables import run_text

BUILD = ROOT / "build"
EMULATOR = ROOT / ".venv-emulator" / "bin" / "python"
JOB_SECONDS = 0.5
INCONCLUSIVE = 11
SAMPLE_ANSWERS = ROOT / "datasets" / "customer-support.answers.jsonl"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # argparse would end with 2, which other commands use for a verdict.
        self.exit(1, f"{message}\n{self.format_usage()}")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; an error that a person can fix is one message and exit code 1.

    Exit codes of `run` are those of `python -m ops evaluate`, but no gate decides them: it shows samples.
    """
    options = _parser().parse_args(arguments)
    # A closed terminal or a `kill` must stop the emulator, too. And a shell starts background jobs with SIGINT ignored,
    # which Python would keep.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        commands: dict[str, Callable[[], int | None]] = {"run": lambda: _run(options), "up": _up, "down": _down}
        return commands[options.command]() or 0
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as stopped:
        print(f"\n{str(stopped) or 'stopped; nothing is left running'}", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)
    run = commands.add_parser("run", help="deploy, evaluate, show the results, stop")
    run.add_argument("--dataset", help="JSONL file with prompt and referenceResponse")
    run.add_argument("--answers", help="JSONL file with modelId, prompt and response")
    run.add_argument("--models", help="model ids, separated by commas")
    commands.add_parser("up", help="deploy and keep running")
    commands.add_parser("down", help="stop what `up` started")
    return parser


def _run(options: argparse.Namespace) -> int:
    own = own_data(dataset=options.dataset, answers=options.answers, models=options.models)
    directory = BUILD / "run"
    with alone(directory, command="make run"):
        return _run_in(directory, own)


def _run_in(directory: Path, own: OwnData | None) -> int:
    environment, context = _environment(own, directory)
    began = time.monotonic()
    with running_emulator(
        interpreter=EMULATOR,
        directory=directory / "emulator",
        simulator_config=_simulator_config(own, directory),
        wait_scale=QUICK_WAITS,
    ) as endpoint:
        deployment = _deployed(endpoint, directory=directory, context=context)
        summaries = _evaluate(deployment, environment=environment, directory=directory)
    print(f"\nDone in {time.monotonic() - began:.0f} s. The emulator has been stopped.")
    return report_shortfalls(summaries)


def report_shortfalls(found: Sequence[evaluation.RunFound]) -> int:
    """Print which runs have too few answers for a success; gives the exit code."""
    found_short = ((each.summary, shortfall(each.summary, message=each.message)) for each in found)
    short = {summary.evaluation: text for summary, text in found_short if text}
    for name, text in short.items():
        print(f"{name}: {text}", file=sys.stderr)
    if any(unanswered(each.summary) for each in found):
        return 1
    return INCONCLUSIVE if short else 0


def _environment(own: OwnData | None, directory: Path) -> tuple[Environment, dict[str, str]]:
    folder = ENVIRONMENTS
    context: dict[str, str] = {}
    if own is not None:
        if own.warning is not None:
            print(f"warning: {own.warning}", file=sys.stderr)
        folder = write_environment(own, directory=directory)
        context = {"environments_directory": str(folder)}
    loaded = load_environments(folder, only=[ENVIRONMENT], today=datetime.now(UTC).date())
    return loaded.environments[0], context


def _simulator_config(own: OwnData | None, directory: Path) -> Path:
    path = directory / "simulator.json"
    answers = SAMPLE_ANSWERS if own is None else own.answers.resolve()
    path.write_text(json.dumps({"answers": [str(answers)], "evaluation_jobs": {"seconds": JOB_SECONDS}}))
    return path


def _deployed(endpoint: Endpoint, *, directory: Path, context: dict[str, str]) -> Deployment:
    with _step("Deploying the four stacks of `local` with the CDK CLI to the emulator"):
        return deploy(endpoint, directory=directory, context=context)


def _evaluate(deployment: Deployment, *, environment: Environment, directory: Path) -> Sequence[evaluation.RunFound]:
    """Run every evaluation of the environment side by side; those that judge stored answers follow the others."""
    clients = evaluation.Clients(deployment)
    inbox = evaluation.subscribe_inbox(clients, deployment)
    names = PhysicalNames(environment.prefix)
    later = {name for name, config in environment.evaluations.items() if _judges_stored_answers(config)}
    runs = {name: _start(clients, names, environment, name) for name in environment.evaluations if name not in later}
    for name, run in runs.items():
        if not run.jobs:
            config = environment.evaluations[name]
            total = len(config.candidates) * _case_count(environment, config.dataset)
            with _progress(f"Evaluating {name}, run {run.layout.run_id}", total) as progress:
                evaluation.follow(clients, deployment, names=names, run=run, progress=progress)
    runs |= {name: _start(clients, names, environment, name) for name in later}
    by_jobs = {name: run for name, run in runs.items() if run.jobs}
    if by_jobs:
        with _step(f"Waiting for the Bedrock evaluation jobs of {', '.join(by_jobs)}"):
            for run in by_jobs.values():
                evaluation.follow(clients, deployment, names=names, run=run)
    with _step("Reading metrics, alarms, notifications and the dashboard"):
        found = {name: evaluation.read_run(clients, deployment, runs[name].layout) for name in environment.evaluations}
        summaries = [each.summary for each in found.values()]
        around = evaluation.read_surroundings(clients, environment=environment, summaries=summaries, inbox=inbox)
    for number, (name, each) in enumerate(found.items()):
        folder, beside = (directory / name, {}) if number else (directory, screen.view_surroundings(around))
        written = _write(folder, report=each.report, summary={**screen.view_run(each), **beside})
        print(f"\n== {name} ({kind_of(environment.evaluations[name])}), run {each.summary.run_id}\n")
        print(f"{run_text(each.summary)}\n\nWritten: {written}")
    _show_surroundings(around)
    return list(found.values())


def _judges_stored_answers(config: EvaluationConfig) -> bool:
    return isinstance(config, JudgeScoring) and config.answers_from is not None


def _start(clients: evaluation.Clients, names: PhysicalNames, environment: Environment, name: str) -> evaluation.Run:
    by_jobs = environment.evaluations[name].job_kind is not None
    return evaluation.start(clients, names=names, evaluation=name, jobs=by_jobs)


def _case_count(environment: Environment, dataset: str) -> int:
    with (ROOT / environment.datasets[dataset].source).open("rb") as lines:
        return sum(1 for line in lines if line.strip())


def _write(folder: Path, *, report: str, summary: dict[str, object]) -> str:
    """Write both files of a run; gives their paths as printed."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers, page = folder / "summary.json", folder / "report.html"
    numbers.write_text(json.dumps(summary, indent=1))
    page.write_text(report)
    return f"{numbers.relative_to(ROOT)}, {page.relative_to(ROOT)}"


def _show_surroundings(found: evaluation.Surroundings) -> None:
    states = list(found.alarms.values())
    counted = ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))
    print(f"\nAlarms: {len(states)} ({counted})")
    sent = [message for message in found.notifications if message.state == "ALARM"]
    for message in sent:
        print(f"  Notification (without its links):\n{screen.without_links(message)}")
    if not sent:
        print("  No alarm has sent a notification.")
    print(f"Dashboard {found.dashboard}: {found.widgets} widgets, {found.plotted} series")


def _up() -> None:
    directory = BUILD / "up"
    endpoint = up(
        directory,
        start=lambda: start_detached(
            interpreter=EMULATOR,
            directory=directory,
            simulator_config=_simulator_config(None, directory),
            wait_scale=QUICK_WAITS,
        ),
        deploy=lambda endpoint: _deployed(endpoint, directory=directory, context={}),
    )
    print("The stacks run on the local emulator, not on AWS. To use them from the AWS CLI or boto3:\n")
    # boto3 and the AWS CLI read only the second, other SDKs the first.
    regions = ("AWS_REGION", "AWS_DEFAULT_REGION")
    for key in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", *regions):
        print(f"  export {key}={shlex.quote(endpoint.environment[key])}")
    print(f"\nLog of the emulator: {log_file(directory).relative_to(ROOT)}. Stop it with: make down")


def _down() -> None:
    print("Stopped." if down(BUILD / "up") else "The emulator was not running.")


@contextmanager
def _step(text: str) -> Iterator[None]:
    print(f"{text} ...", end="", flush=True)
    began = time.monotonic()
    try:
        yield
    except BaseException:
        print()
        raise
    print(f" {time.monotonic() - began:.1f} s", flush=True)


@contextmanager
def _progress(text: str, total: int) -> Iterator[evaluation.Progress]:
    """Show progress: one line that counts up on a terminal, elsewhere a line for each tenth."""
    began, shown = time.monotonic(), -1

    def show(done: int) -> None:
        nonlocal shown
        step = done if sys.stdout.isatty() else done * 10 // max(total, 1)
        if step == shown:
            return
        shown = step
        rate = done / max(time.monotonic() - began, 0.001)
        end = "\r" if sys.stdout.isatty() else "\n"
        print(f"{text}: {done:,} of {count(total, 'answer')}, {rate:.0f} a second", end=end, flush=True)

    yield show
    if sys.stdout.isatty():
        print()


if __name__ == "__main__":
    sys.exit(main())
