"""`bedrock-eval dashboard`: draws an environment's dashboard as one HTML page, without or with its data."""

import argparse
import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bedrock_eval.arrival import shown
from bedrock_eval.names import PhysicalNames
from configuration.repository import REPOSITORY
from configuration.schema.environment import Environment
from ops.aws.account import Account, account_in
from ops.aws.clients import calling
from ops.dashboard.body import Board, Graph, read_body
from ops.dashboard.data import CloudWatch, Data, fetch
from ops.dashboard.page import Origin, render
from ops.dashboard.synthesis import synthesized_body
from ops.environment.loading import EnvironmentFile, environment_of
from ops.errors import OpsError
from ops.proposals.alarm_history import arrived
from ops.terminal.output import print_note, print_result

PLACE = REPOSITORY / "build"


def run(arguments: argparse.Namespace, *, now: datetime | None = None) -> int:
    """Write the page and say where; gives the exit code 0.

    Raises:
        OpsError: there is no body to draw, the credentials are of another account, CloudWatch gives no data, or the
            page cannot be written.
    """
    now = now or datetime.now(UTC)
    with_data = arguments.data or arguments.endpoint_url is not None
    needs_account = with_data or arguments.deployed
    file = environment_of(arguments, now)
    environment = file.environment
    account = account_in(file, endpoint_url=arguments.endpoint_url) if needs_account else None
    name = PhysicalNames(environment.prefix).dashboard
    board, source = _board(arguments, file, account)
    back = timedelta(hours=arguments.hours) if arguments.hours else board.back
    until = _arrived(environment, now)
    data = fetch(board, _clients(board, account), until=until, back=back) if account and with_data else None
    drawn = _data_text(arguments, until if with_data else None)
    page = render(board, data, origin=Origin(name, environment.name, source, drawn, now, back))
    path = arguments.out or PLACE / f"dashboard-{environment.name}.html"
    _write(path, page)
    print_result(str(path))
    _note_gaps(board, data)
    return 0


def _board(arguments: argparse.Namespace, file: EnvironmentFile, account: Account | None) -> tuple[Board, str]:
    if arguments.deployed and account is not None:
        return read_body(_deployed(account)), "as deployed"
    if arguments.body is not None:
        try:
            return read_body(arguments.body.read_text(encoding="utf-8")), f"out of {arguments.body.name}"
        except (OSError, UnicodeDecodeError) as error:
            raise OpsError(f"--body {arguments.body}: cannot be read: {error}") from None
    print_note(f"synthesizing {file.environment.name} ...")
    return read_body(synthesized_body(file)), "synthesized from the source"


def _deployed(account: Account) -> str:
    name = account.names.dashboard
    with calling(f"dashboard {name} cannot be read"):
        return str(account.client("cloudwatch").get_dashboard(DashboardName=name)["DashboardBody"])


def _clients(board: Board, account: Account) -> dict[str | None, CloudWatch]:
    regions = {widget.region for widget in board.widgets if isinstance(widget, Graph)} | {None}
    return {region: account.client("cloudwatch", region=region) for region in regions}


def _arrived(environment: Environment, now: datetime) -> datetime:
    """Until when metrics are complete; the emulator has those of the current minute too."""
    if environment.stand_in:
        return now.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
    return arrived(now)


def _data_text(arguments: argparse.Namespace, until: datetime | None) -> str:
    if until is None:
        return "without data (--data fetches it)"
    endpoint = arguments.endpoint_url or os.environ.get("AWS_ENDPOINT_URL")
    return f"data of {endpoint or 'CloudWatch'}, complete until {shown(until)}"


def _note_gaps(board: Board, data: Data | None) -> None:
    if data is None:
        return
    for place, reason in data.failures.items():
        widget = board.widgets[place]
        print_note(f"{widget.title if isinstance(widget, Graph) else place}: {reason}")


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
