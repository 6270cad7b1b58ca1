"""Settings that tests change while the emulator runs: questions that AWS's documents leave open, and account quotas.

`POST /_emulator/settings` takes any of the keys below and leaves the others; `GET` shows all.
"""

import json
from dataclasses import asdict, dataclass, fields, replace

from ministack.services import lambda_svc

from local.emulator.patches import control_paths, scheduler

PATH = "/_emulator/settings"
_ALLOWED = "rate_runs_after_update: true or false, concurrent_executions: a whole number, 0 for no limit"


@dataclass(frozen=True)
class Settings:
    """The settings.

    Attributes:
        rate_runs_after_update: a rate schedule runs at once when it is updated, and counts from then; false: it keeps
            its rhythm.
        concurrent_executions: the limit for all functions together; 10 in a new account of AWS.
    """

    rate_runs_after_update: bool
    concurrent_executions: int


def present() -> Settings:
    """The present settings."""
    return Settings(scheduler.UPDATES.run_at_once, lambda_svc._ACCOUNT_CONCURRENCY_CAP)


def changed(settings: Settings, body: bytes) -> Settings:
    """The settings after a request. Raises ValueError with one sentence."""
    try:
        given = json.loads(body)
    except ValueError as error:
        raise ValueError(f"not JSON: {error}; allowed: {_ALLOWED}") from error
    kinds = {each.name: type(getattr(settings, each.name)) for each in fields(settings)}
    if not isinstance(given, dict) or any(type(value) is not kinds.get(name) for name, value in given.items()):
        raise ValueError(f"{json.dumps(given)} cannot be used; allowed: {_ALLOWED}")
    if given.get("concurrent_executions", 0) < 0:
        raise ValueError(f"concurrent_executions: {given['concurrent_executions']} is below 0; allowed: {_ALLOWED}")
    return replace(settings, **given)


def _change(body: bytes) -> None:
    settings = changed(present(), body)
    scheduler.UPDATES.run_at_once = settings.rate_runs_after_update
    lambda_svc._ACCOUNT_CONCURRENCY_CAP = settings.concurrent_executions


def apply() -> None:
    """Serve the settings."""
    control_paths.serve(PATH, show=lambda: asdict(present()), change=_change)
