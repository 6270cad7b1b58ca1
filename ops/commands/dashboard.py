"""`python -m ops dashboard`: draws an environment's dashboard as one HTML page, without or with its data."""

import argparse
import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bedrock_eval.arrival import shown
from bedrock_eval.names import PhysicalNames
from bedrock_eval.numerals import real
from environments.schema import REPOSITORY, Environment
from ops.aws.account import Account, account_in, add_environment
from ops.aws.clients import calling
from ops.dashboard.body import Board, Graph, read_body
from ops.dashboard.data import CloudWatch, Data, fetch
from ops.dashboard.page import Origin, render
from ops.dashboard.synthesis import synthesized_body
from ops.environment.loading import environment_of
from ops.errors import OpsError
from ops.proposals.alarm_history import arrived
from ops.terminal.screen import say, tell

PLACE = REPOSITORY / "build"
_MOST_HOURS = 455 * 24.0


def add_command(commands: Any) -> None:
    """The sub-command's own options."""
    dashboard = commands.add_parser("dashboard", help="draw the dashboard as a page", description=__doc__)
    add_environment(dashboard)
    dashboard.add_argument("--out", type=Path, metavar="F", help="the page (build/dashboard-<environment>.html)")
    source = dashboard.add_mutually_exclusive_group()
    source.add_argument("--body", type=Path, metavar="F", help="draw this body; without, this tree is synthesized")
    source.add_argument("--deployed", action="store_true", help="draw what is deployed (GetDashboard)")
    dashboard.add_argument("--data", action="store_true", help="with the data of CloudWatch (GetMetricData)")
    dashboard.add_argument("--hours", type=_hours, help="back from now, for graphs that follow the dashboard's range")


def run(arguments: argparse.Namespace, *, now: datetime | None = None) -> int:
    """Write the page and say where; gives the exit code 0.

    Raises:
        OpsError: there is no body to draw, the credentials are of another account, there is no data to be had, or the
            page cannot be written.
    """
    now = now or datetime.now(UTC)
    with_data = arguments.data or arguments.endpoint_url is not None
    asks = with_data or arguments.deployed
    environment = environment_of(arguments.env, now)
    account = account_in(environment, endpoint_url=arguments.endpoint_url) if asks else None
    name = PhysicalNames(environment.prefix).dashboard
    board, source = _board(arguments, environment, account)
    back = timedelta(hours=arguments.hours) if arguments.hours else board.back
    until = _arrived(environment, now)
    data = fetch(board, _clients(board, account), until=until, back=back) if account and with_data else None
    asked = _asked(arguments, until if with_data else None)
    page = render(board, data, origin=Origin(name, environment.name, source, asked, now, back))
    path = arguments.out or PLACE / f"dashboard-{environment.name}.html"
    _write(path, page)
    say(str(path))
    _tell_gaps(board, data)
    return 0


def _board(arguments: argparse.Namespace, environment: Environment, account: Account | None) -> tuple[Board, str]:
    if arguments.deployed and account is not None:
        return read_body(_deployed(account)), "as deployed"
    if arguments.body is not None:
        try:
            return read_body(arguments.body.read_text(encoding="utf-8")), f"out of {arguments.body.name}"
        except (OSError, UnicodeDecodeError) as error:
            raise OpsError(f"--body {arguments.body}: cannot be read: {error}") from None
    tell(f"synthesizing {environment.name} ...")
    return read_body(synthesized_body(environment)), "as this tree would deploy it"


def _deployed(account: Account) -> str:
    name = account.names.dashboard
    with calling(f"dashboard {name} cannot be read"):
        return str(account.client("cloudwatch").get_dashboard(DashboardName=name)["DashboardBody"])


def _clients(board: Board, account: Account) -> dict[str | None, CloudWatch]:
    regions = {widget.region for widget in board.widgets if isinstance(widget, Graph)} | {None}
    return {region: account.client("cloudwatch", region=region) for region in regions}


def _arrived(environment: Environment, now: datetime) -> datetime:
    """The emulator's metrics are there at once, those of the running minute too."""
    if environment.stand_in:
        return now.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
    return arrived(now)


def _asked(arguments: argparse.Namespace, until: datetime | None) -> str:
    if until is None:
        return "drawn without data (--data asks for it)"
    endpoint = arguments.endpoint_url or os.environ.get("AWS_ENDPOINT_URL")
    return f"data of {endpoint or 'CloudWatch'}, complete until {shown(until)}"


def _tell_gaps(board: Board, data: Data | None) -> None:
    if data is None:
        return
    for place, reason in data.failures.items():
        widget = board.widgets[place]
        tell(f"{widget.title if isinstance(widget, Graph) else place}: {reason}")


def _write(path: Path, page: str) -> None:
    """The whole page, or no file at all."""
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(page)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise OpsError(f"{path}: cannot be written: {error.strerror}") from None


def _hours(text: str) -> float:
    hours = real(text)
    if hours is None or not 0 < hours <= _MOST_HOURS:
        raise argparse.ArgumentTypeError(f"{text!r}; allowed: a number above 0, at most {_MOST_HOURS:g}")
    return hours
