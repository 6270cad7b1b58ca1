"""Accepting a run: it becomes the baseline of its evaluation, as a reviewed change of the environment file."""

import json
from datetime import datetime

from bedrock_eval.layout import BaselineLayout
from bedrock_eval.results.summary import Summary
from bedrock_eval.runs.state import timestamp
from bedrock_eval.verdicts.gates import thin_coverage
from bedrock_eval.wording import count
from ops.aws.account import Account
from ops.environment import suggested_commands as advice
from ops.environment.patch import offer, patch_of
from ops.errors import OpsError
from ops.results.stored_runs import StoredRun
from ops.terminal.output import print_note, print_result


def accept(account: Account, run: StoredRun, *, force: str | None, now: datetime) -> None:
    """Copy the run to where no lifecycle rule reaches it, then pin it in the environment file. May be repeated.

    Args:
        force: why a run with too many failed cases is accepted.

    Raises:
        OpsError: the run is not finished, too many of its cases failed, or the file has no such evaluation.
    """
    summary = run.finished()
    thin = _thin(summary)
    if thin and not force:
        raise OpsError(f"run {run.shown}: {thin}; to accept it anyway, give the reason with --force")
    evaluation = summary.evaluation
    if evaluation not in account.environment.evaluations:
        raise OpsError(f"environment {account.environment.name} has no evaluation {evaluation!r} to pin a baseline of")
    patch = patch_of(account.file.path, {("evaluations", evaluation, "baseline"): summary.run_id})
    _copy(account, run, force=force, now=now)
    offer(patch, write=True)
    if not patch.empty:
        print_result(f"The baseline takes effect with the next deployment: {advice.deploy(account.environment)}")


def _thin(summary: Summary) -> str | None:
    """Name the candidate that has answered too few of the cases."""
    for candidate in summary.candidates:
        thin = thin_coverage(candidate.coverage, summary.min_coverage)
        if thin:
            return f"candidate {candidate.name}: {thin}"
    return None


def _copy(account: Account, run: StoredRun, *, force: str | None, now: datetime) -> None:
    """Copy the summary last, so that a copy that has one is complete."""
    store, source = run.store, run.layout
    target = BaselineLayout(source.evaluation, source.run_id)
    if store.exists(target.summary):
        print_note(f"{target.prefix} exists already")
        return
    left_out = {source.lock, source.published, source.summary}
    keys = [key for key in store.keys(source.prefix) if key not in left_out]
    for key in keys:
        _copy_one(run, key, target)
    record = {"accepted": timestamp(now), "by": account.caller, "schema_version": 1}
    store.put(target.accepted, json.dumps(record if force is None else {**record, "forced": force}, indent=1))
    _copy_one(run, source.summary, target)
    print_result(f"{count(len(keys) + 1, 'object')} copied to s3://{store.bucket}/{target.prefix}")


def _copy_one(run: StoredRun, key: str, target: BaselineLayout) -> None:
    bucket = run.store.bucket
    copy = target.prefix + key.removeprefix(run.layout.prefix)
    run.store.client.copy_object(Bucket=bucket, Key=copy, CopySource={"Bucket": bucket, "Key": key})
