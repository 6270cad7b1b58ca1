"""The simulator's configuration: recorded answers, faults, and how jobs and metrics go."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from local.simulator.replay.faults import ANY_MODEL, NO_FAULTS, ModelFaults

STALL_SECONDS = "stall_seconds"
STOP_REFUSALS = ("AccessDeniedException", "ConflictException", "ThrottlingException", "InternalServerException")
JOB_REFUSALS = ("ConflictException", "ThrottlingException", "ServiceQuotaExceededException", "InternalServerException")


@dataclass(frozen=True)
class JobBehaviour:
    """The behaviour of evaluation jobs.

    Args:
        seconds: from creation to the end.
        refusals: error codes of the next CreateEvaluationJob calls, one each.
        failure: the message with which every job ends Failed; None: they complete.
        left_out: share of the prompts that the output silently lacks.
        never_ends: jobs stay InProgress until they are stopped.
        output_seconds: from the end to the output in S3.
        output_folder: where below the request's prefix the output lies, with `{name}` and `{id}` of the job.
        others: the number of ended jobs of other users of the account; they count for its quota.
        stop_refusal, delete_refusal: the error code that StopEvaluationJob or BatchDeleteEvaluationJob ends with.
    """

    seconds: float = 1.0
    refusals: tuple[str, ...] = ()
    failure: str | None = None
    left_out: float = 0.0
    never_ends: bool = False
    output_seconds: float = 0.0
    output_folder: str = "{name}/{id}/"
    others: int = 0
    stop_refusal: str | None = None
    delete_refusal: str | None = None


FLOW_REFUSALS = ("ResourceLimitExceeded", "ThrottlingException")


@dataclass(frozen=True)
class FlowBehaviour:
    """The behaviour of SageMaker's flow definitions.

    Args:
        seconds: from creation to Active.
        deleting_seconds: from deletion until it is gone, as while workers have tasks open.
        failure: the reason with which every new one ends Failed; None: they become Active.
        refusals: error codes of the next CreateFlowDefinition calls, one each.
    """

    seconds: float = 1.0
    deleting_seconds: float = 1.0
    failure: str | None = None
    refusals: tuple[str, ...] = ()


LOG_DELIVERIES = ("no dimension", "Across all model IDs")


@dataclass(frozen=True)
class PublishingBehaviour:
    """The metrics and the log of calls, where AWS's pages leave a question open.

    Args:
        profiles_by_arn: application inference profiles are counted by their ARN, not by their id.
        tiers: each call is counted once more under ModelId, ServiceTier and ResolvedServiceTier.
        tiers_apart: each call is counted there and not under ModelId alone.
        log_delivery: the dimension under which the delivery of logs is counted.
        failures_logged: failed calls are in the log.
        unpublished: share of the answered calls without metrics.
    """

    profiles_by_arn: bool = False
    tiers: bool = False
    tiers_apart: bool = False
    log_delivery: str = LOG_DELIVERIES[0]
    failures_logged: bool = True
    unpublished: float = 0.0


@dataclass(frozen=True)
class Config:
    """The configuration.

    Args:
        answers: JSONL files of recorded answers.
        seed: changes which requests the faults hit, and the reported latencies.
        faults: by model id (as called, or the foundation model id), `*` for every other model.
        sleep_share: share of the reported latency for which a call really takes; 0 answers at once.
        default_latency_ms: median of the reported latency for an answer of middling length, milliseconds.
        fail_first_logging_puts: number of PutModelInvocationLoggingConfiguration calls that fail validation before one
            succeeds, as on AWS while a new role propagates.
        evaluation_jobs: the behaviour of evaluation jobs.
        flow_definitions: the behaviour of SageMaker's flow definitions.
        ends_of_life: by foundation model id, other days than the ones that the simulator knows.
        publishing: the behaviour of metrics and log.
    """

    answers: tuple[Path, ...] = ()
    seed: int = 0
    faults: Mapping[str, ModelFaults] = field(default_factory=dict)
    sleep_share: float = 0.0
    default_latency_ms: float = 800.0
    fail_first_logging_puts: int = 0
    evaluation_jobs: JobBehaviour = JobBehaviour()
    flow_definitions: FlowBehaviour = FlowBehaviour()
    ends_of_life: Mapping[str, date] = field(default_factory=dict)
    publishing: PublishingBehaviour = PublishingBehaviour()

    def faults_for(self, model_ids: tuple[str, ...]) -> ModelFaults:
        """The faults of the first id that has an entry of its own, else those of `*`."""
        for model_id in (*model_ids, ANY_MODEL):
            if model_id in self.faults:
                return self.faults[model_id]
        return NO_FAULTS

    def to_json(self) -> dict[str, Any]:
        """The configuration in the form that `parse` reads."""
        return {
            "answers": [str(path) for path in self.answers],
            "seed": self.seed,
            "faults": {
                model: {**faults.shares, STALL_SECONDS: faults.stall_seconds} for model, faults in self.faults.items()
            },
            "sleep_share": self.sleep_share,
            "default_latency_ms": self.default_latency_ms,
            "fail_first_logging_puts": self.fail_first_logging_puts,
            "evaluation_jobs": asdict(self.evaluation_jobs),
            "flow_definitions": asdict(self.flow_definitions),
            "ends_of_life": {model: day.isoformat() for model, day in self.ends_of_life.items()},
            "publishing": asdict(self.publishing),
        }
