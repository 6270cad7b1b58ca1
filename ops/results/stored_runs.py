"""The runs that lie in an environment's results bucket, found and read."""

from collections.abc import Iterator
from dataclasses import dataclass

from bedrock_eval.codec import DecodeError
from bedrock_eval.evaluation.definition import Definition, read_definition
from bedrock_eval.jobs.progress import Jobs, read_jobs
from bedrock_eval.layout import DEFINITIONS, RUNS, BaselineLayout, RunLayout, definition_key, evaluation_prefix
from bedrock_eval.names import RunIdError, run_time
from bedrock_eval.report.words import shortfalls
from bedrock_eval.results.outcomes import Outcome
from bedrock_eval.results.summary import Summary, read_summary
from bedrock_eval.runs.state import RunState, read_state
from bedrock_eval.wording import suggestion
from bedrock_eval_runs.parts import read_outcomes
from bedrock_eval_runs.store import Store
from configuration.schema.environment import Environment
from ops.environment import suggested_commands as advice
from ops.errors import OpsError

LATEST = "latest"


@dataclass(frozen=True)
class StoredRun:
    """One run, or the copy of one that was accepted: its keys, read when they are asked for."""

    store: Store
    layout: RunLayout

    @property
    def shown(self) -> str:
        return f"{self.layout.evaluation}/{self.layout.run_id}"

    def state(self) -> RunState | None:
        """run.json, None when there is none."""
        stored = self.store.read(self.layout.state)
        try:
            return None if stored is None else read_state(stored.body)
        except DecodeError as error:
            raise OpsError(f"{self.layout.state}: {error}") from None

    def summary(self) -> Summary | None:
        """None while the run is not finished."""
        stored = self.store.read(self.layout.summary)
        try:
            return None if stored is None else read_summary(stored.body)
        except DecodeError as error:
            raise OpsError(f"{self.layout.summary}: {error}") from None

    def finished(self) -> Summary:
        """The summary.

        Raises:
            OpsError: the run is not finished, with its state.
        """
        summary = self.summary()
        if summary is None:
            state = self.state()
            status = "unknown" if state is None else state.status.value
            why = f"{state.reason}: {state.message}" if state is not None and state.reason else ""
            mending = f"; {shortfalls.advice(why)}" if shortfalls.advice(why) else ""
            raise OpsError(
                f"run {self.shown} has no summary: its state is {status}{f' ({why}{mending})' if why else ''}; "
                "needed: a finished run"
            )
        return summary

    def definition(self) -> Definition:
        """The definition when the run began."""
        definition = _definition(self.store, self.layout.definition)
        if definition is None:
            raise OpsError(f"{self.layout.definition} is missing")
        return definition

    def jobs(self) -> Jobs | None:
        """jobs.json, None when Bedrock has not been asked for any, or scores nothing of this run."""
        stored = self.store.read(self.layout.jobs)
        try:
            return None if stored is None else read_jobs(stored.body)
        except DecodeError as error:
            raise OpsError(f"{self.layout.jobs}: {error}") from None

    def outcomes(self) -> Iterator[Outcome]:
        """The outcomes of all candidates."""
        yield from read_outcomes(self.store, self.layout, [each.name for each in self.definition().candidates])


def deployed_definition(store: Store, evaluation: str, *, environment: Environment) -> Definition:
    """An evaluation of an environment's file, as deployed last.

    Raises:
        OpsError: it is not deployed.
    """
    found = _definition(store, definition_key(evaluation))
    if found is None:
        needed = advice.deploy(environment)
        raise OpsError(f"evaluation {evaluation} is in the environment file and not deployed yet; needed: {needed}")
    return found


def deployed_definitions(store: Store) -> Iterator[Definition]:
    """Every evaluation that is deployed, by name."""
    for key in store.keys(DEFINITIONS):
        definition = _definition(store, key)
        if definition is not None:
            yield definition


def _definition(store: Store, key: str) -> Definition | None:
    stored = store.read(key)
    try:
        return None if stored is None else read_definition(stored.body)
    except DecodeError as error:
        raise OpsError(f"{key}: {error}") from None


def evaluations(store: Store) -> list[str]:
    """List the evaluations that have runs, also those that the environment file no longer has."""
    return sorted(store.folders(RUNS))


def known_evaluation(store: Store, evaluation: str, *, environment: Environment) -> str:
    """Check that an evaluation is in the environment file, or has runs.

    Raises:
        OpsError: neither.
    """
    known = sorted({*environment.evaluations, *evaluations(store)})
    if evaluation not in known:
        near, there = suggestion(evaluation, known), ", ".join(known) or "none"
        raise OpsError(f"environment {environment.name} has no evaluation {evaluation!r}{near}; there are: {there}")
    return evaluation


def newest_runs(store: Store, evaluation: str) -> Iterator[StoredRun]:
    """The runs of an evaluation, newest first."""
    for run in sorted(store.folders(evaluation_prefix(evaluation)), reverse=True):
        yield StoredRun(store, RunLayout(evaluation, run))


def find(store: Store, text: str, *, environment: Environment, evaluation: str | None = None) -> StoredRun:
    """Find the run that a person names: by its id, as `<evaluation>/<id>`, or `latest` for the newest finished one.

    An accepted run that has expired below runs/ is found in its copy below baselines/.

    Raises:
        OpsError: there is none, or several.
    """
    named, _, run = text.rpartition("/")
    one = named or evaluation
    among = [known_evaluation(store, one, environment=environment)] if one else evaluations(store)
    if run == LATEST:
        return _latest(store, among)
    try:
        run_time(run)
    except RunIdError as error:
        raise OpsError(str(error)) from None
    found = [each for name in among if (each := _stored(store, name, run)) is not None]
    if len(found) > 1:
        shown = ", ".join(each.shown for each in found)
        raise OpsError(f"run {run} is of several evaluations; needed: one of {shown}")
    if not found:
        near = suggestion(run, [each for name in among for each in store.folders(evaluation_prefix(name))])
        listed = advice.list_runs(environment)
        raise OpsError(f"there is no run {text} of {', '.join(among) or 'any evaluation'}{near}; see: {listed}")
    return found[0]


def _stored(store: Store, evaluation: str, run: str) -> StoredRun | None:
    for layout in (RunLayout(evaluation, run), BaselineLayout(evaluation, run)):
        if store.exists(layout.summary) or store.exists(layout.state):
            return StoredRun(store, layout)
    return None


def _latest(store: Store, among: list[str]) -> StoredRun:
    if len(among) != 1:
        there = ", ".join(among) or "none"
        raise OpsError(f"latest: several evaluations have runs; needed: --evaluation, one of {there}")
    for run in newest_runs(store, among[0]):
        if store.exists(run.layout.summary):
            return run
    raise OpsError(f"no run of {among[0]} is finished")
