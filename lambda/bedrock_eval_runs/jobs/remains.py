"""What a run leaves in Bedrock: jobs that may go on and cost, and old ones that are not deleted. Both are told."""

import logging
from dataclasses import replace

from bedrock_eval import catalogue
from bedrock_eval.codec import DecodeError
from bedrock_eval.evaluation.definition import JobDefinition
from bedrock_eval.jobs.progress import Job, Jobs, read_jobs
from bedrock_eval.jobs.request import evaluation_mark
from bedrock_eval.layout import RunLayout
from bedrock_eval.wording import count
from bedrock_eval_runs.definitions import begun_definition
from bedrock_eval_runs.jobs.control import Control
from bedrock_eval_runs.jobs.services import JobServices
from bedrock_eval_runs.publication import publish_fact
from bedrock_eval_runs.store import Store

_MOST_NAMED = 2
_MOST_WORDS = 150
_MOST_RECORDED = 20

logger = logging.getLogger(__name__)


def saved_jobs(store: Store, layout: RunLayout) -> Jobs | None:
    """jobs.json, None when there is none that can be read."""
    stored = store.read(layout.jobs)
    try:
        return None if stored is None else read_jobs(stored.body)
    except DecodeError as error:
        logger.warning("jobs.json cannot be read", extra={"reason": str(error)})
        return None


def going_on(store: Store, layout: RunLayout) -> str:
    """What the message of a failed run says of jobs that nothing has stopped; empty where there are none."""
    jobs = saved_jobs(store, layout)
    left = () if jobs is None else jobs.going_on
    if not left:
        return ""
    more = f"; {count(len(left) - _MOST_NAMED, 'more job')} in jobs.json" if len(left) > _MOST_NAMED else ""
    return "; may go on and cost: " + "; ".join(_told(job) for job in left[:_MOST_NAMED]) + more


def _told(job: Job) -> str:
    """With the command that stops it."""
    why = (job.not_stopped or job.message or "not asked to stop")[:_MOST_WORDS]
    if job.arn is None:
        return f"{job.name} ({why})"
    region = job.arn.split(":")[3:4]
    where = f" --region {region[0]}" if region else ""
    return f"{job.name} ({why}), stop it by: aws bedrock stop-evaluation-job{where} --job-identifier {job.arn}"


def clear_up(services: JobServices, layout: RunLayout | None) -> None:
    """Delete the evaluation's old jobs, and publish how many jobs are left that should not be.

    After everything else: a run that fails over a job that stays would be a worse alarm.
    """
    if layout is None:
        return
    try:
        _clear_up(services, layout)
    except Exception:  # any error: see above
        logger.exception("jobs not pruned", extra={"evaluation": layout.evaluation})


def _clear_up(services: JobServices, layout: RunLayout) -> None:
    store = services.runs.store
    definition = begun_definition(store, layout)
    if not isinstance(definition, JobDefinition):
        return
    keep = definition.job.keep_jobs
    pruned = Control(services.bedrock).prune(containing=evaluation_mark(definition), keep=keep)
    for why in pruned.refused:
        logger.warning("job not deleted", extra={"evaluation": layout.evaluation, "reason": why})
    if pruned.deleted:
        logger.info("jobs pruned", extra={"evaluation": layout.evaluation, "deleted": pruned.deleted})
    jobs = saved_jobs(store, layout)
    if jobs is not None and (pruned.refused or jobs.not_deleted):
        jobs = replace(jobs, not_deleted=pruned.refused[:_MOST_RECORDED])
        store.put(layout.jobs, jobs.to_json())
    left = len(pruned.refused) + (0 if jobs is None else len(jobs.going_on))
    publish_fact(services.runs, catalogue.JOBS_LEFT, evaluation=layout.evaluation, value=left)
