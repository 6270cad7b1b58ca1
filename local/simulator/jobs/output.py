"""The files that a completed evaluation job writes, in the documented layouts and with the deviations of real ones.

The scores are made up: from the similarity of a recorded answer to its reference, and from hashes where there is none.
Only their format is real.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from ministack.core.responses import get_account_id, get_region

from local.simulator.jobs import flow_definitions
from local.simulator.models import inference_profiles
from local.simulator.models.identifiers import Scope, last_part, resolve
from local.simulator.replay.faults import draw
from local.simulator.settings.state import SIMULATOR

_LOWER_IS_BETTER = ("Harmfulness", "Stereotyping", "Refusal")
JUDGED = tuple(
    f"Builtin.{name}"
    for name in (
        *("Correctness", "Completeness", "Faithfulness", "Helpfulness", "Coherence", "Relevance"),
        *("FollowingInstructions", "ProfessionalStyleAndTone", *_LOWER_IS_BETTER),
    )
)
_BUILT_IN_PROMPTS = 100


class EvaluationJob(Protocol):
    """A job as this module reads it."""

    request: Mapping[str, Any]
    job_id: str

    @property
    def human(self) -> bool: ...

    @property
    def judge(self) -> Mapping[str, Any] | None: ...


def source_of(model: Mapping[str, Any]) -> str:
    """The name of a model of the request."""
    if "bedrockModel" in model:
        return str(model["bedrockModel"]["modelIdentifier"])
    return str(model["precomputedInferenceSource"]["inferenceSourceIdentifier"])


def files(job: EvaluationJob, *, datasets: Iterable[tuple[Mapping[str, Any], str]]) -> Iterator[tuple[str, str]]:
    """(key below the job's prefix, text) of every file.

    Args:
        datasets: each entry of `datasetMetricConfigs` with the text of its file, empty for a built-in dataset.
    """
    yield "amazon-bedrock-permission-check", ""
    models = job.request["inferenceConfig"]["models"]
    for entry, text in datasets:
        rows = list(_rows(entry["dataset"]["name"], text))
        file = f"{_uuid(job.job_id, entry['dataset']['name'])}_output.jsonl"
        if job.human:
            lines = _human_lines(job, models, rows)
            yield f"datasets/{entry['dataset']['name']}/{file}", _jsonl(lines)
            continue
        folder = f"models/{last_part(source_of(models[0]))}/taskTypes/{entry['taskType']}"
        yield f"{folder}/datasets/{entry['dataset']['name']}/{file}", _jsonl(_automated_lines(job, entry, rows))
    for metric in _own_metrics(job):
        yield f"custom_metrics/{metric['name']}.json", json.dumps(metric)


def _jsonl(lines: Iterable[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def _rows(name: str, text: str) -> Iterator[dict[str, Any]]:
    if not text:
        for number in range(_BUILT_IN_PROMPTS):
            yield {"prompt": f"{name} question {number}", "referenceResponse": f"answer {number}"}
    for line in text.split("\n"):
        if line.strip():
            row = json.loads(line)
            kept = ("prompt", "referenceResponse", "category", "modelResponses")
            yield {key: row[key] for key in kept if key in row}


def _automated_lines(
    job: EvaluationJob, entry: Mapping[str, Any], rows: Iterable[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    (model,) = job.request["inferenceConfig"]["models"]
    for row in rows:
        answer = _answer(model, row)
        if answer is None or _left_out(row["prompt"]):
            continue
        scores = [_score(job, name, row, answer) for name in entry["metricNames"]]
        yield {
            "automatedEvaluationResult": {"scores": scores},
            "inputRecord": row,
            "modelResponses": [{"modelIdentifier": source_of(model), "response": answer}],
        }


def _answer(model: Mapping[str, Any], row: Mapping[str, Any]) -> str | None:
    """The recorded answer; for answers that came with the dataset, that of this source."""
    source = source_of(model)
    if "precomputedInferenceSource" in model:
        listed = row.get("modelResponses", ())
        return next((each["response"] for each in listed if each["modelIdentifier"] == source), None)
    here = Scope(get_account_id(), get_region())
    target = resolve(source, scope=here, copied_from=inference_profiles.copied_from)
    found = SIMULATOR.answers.find(target.sources, row["prompt"])
    return None if found is None else found.response


def _left_out(prompt: str) -> bool:
    share = SIMULATOR.config.evaluation_jobs.left_out
    return draw(seed=SIMULATOR.config.seed, model="evaluation job", prompt=prompt, attempt=1) < share


def _score(job: EvaluationJob, name: str, row: Mapping[str, Any], answer: str) -> dict[str, Any]:
    likeness = _likeness(answer, row.get("referenceResponse"))
    chance = draw(seed=0, model=name, prompt=row["prompt"] + answer, attempt=1)
    if job.judge is None:
        return {"metricName": name.removeprefix("Builtin."), "result": _programmatic(name, likeness, chance)}
    details = [{"modelIdentifier": _judge_id(job), "explanation": f"The answer and the reference: {likeness:.2f}."}]
    return {"metricName": name, "result": _judged(job, name, likeness, chance), "evaluatorDetails": details}


def _programmatic(name: str, likeness: float | None, chance: float) -> float | int | None:
    if name == "Builtin.Toxicity":
        return chance / 100
    if name == "Builtin.Robustness":
        # A relative change: it can be far above 1.
        return 17.9 if chance > 0.99 else chance / 4
    # Whole numbers are written without a point.
    return int(likeness) if likeness in (0.0, 1.0) else likeness


def _judged(job: EvaluationJob, name: str, likeness: float | None, chance: float) -> float | int | str | None:
    if name.removeprefix("Builtin.") in _LOWER_IS_BETTER:
        return int(chance > 0.98)
    likeness = chance if likeness is None else likeness
    own = next((metric for metric in _own_metrics(job) if metric["name"] == name), None)
    if own is None:
        return None if chance > 0.99 else math.ceil(likeness * 4) / 4
    steps = [next(iter(step["value"].values())) for step in own.get("ratingScale", ())]
    step: float | str | None = steps[min(int(likeness * len(steps)), len(steps) - 1)] if steps else likeness
    return step


def _judge_id(job: EvaluationJob) -> str:
    models = (job.judge or {}).get("bedrockEvaluatorModels") or [{}]
    return str(models[0].get("modelIdentifier", ""))


def _own_metrics(job: EvaluationJob) -> list[dict[str, Any]]:
    config = job.request["evaluationConfig"].get("automated", {}).get("customMetricConfig", {})
    return [each["customMetricDefinition"] for each in config.get("customMetrics", ())]


def _human_lines(
    job: EvaluationJob, models: list[Mapping[str, Any]], rows: Iterable[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    human = job.request["evaluationConfig"]["human"]
    arn = human["humanWorkflowConfig"]["flowDefinitionArn"]
    # People finish a task whose flow definition is deleted meanwhile.
    flow = flow_definitions.find_by_arn(arn)
    workers = flow.workers if flow else 1
    for row in rows:
        answers = [_answer(model, row) for model in models]
        if None in answers or _left_out(row["prompt"]):
            continue
        likenesses = [_likeness(answer or "", row.get("referenceResponse")) or 0.0 for answer in answers]
        yield {
            "humanEvaluationResult": [
                {
                    "flowDefinitionArn": arn,
                    "humanAnswers": [_worker(human, row["prompt"], likenesses, number) for number in range(workers)],
                    "humanLoopName": f"loop-{_uuid(job.job_id, row['prompt'])}",
                    "inputContent": {"taskType": human["datasetMetricConfigs"][0]["taskType"]},
                    "modelResponseIdMap": {str(index): source_of(model) for index, model in enumerate(models)},
                }
            ],
            "inputRecord": row,
            "modelResponses": [
                {"modelIdentifier": source_of(model), "response": answer}
                for model, answer in zip(models, answers, strict=True)
            ],
        }


def _worker(human: Mapping[str, Any], prompt: str, likenesses: list[float], number: int) -> dict[str, Any]:
    results: dict[str, list[dict[str, Any]]] = {}
    for metric in human["customMetrics"]:
        method = metric["ratingMethod"]
        noise = [
            likeness + 0.3 * (draw(seed=number, model=metric["name"], prompt=prompt, attempt=index) - 0.5)
            for index, likeness in enumerate(likenesses)
        ]
        results.setdefault(method[0].lower() + method[1:], []).extend(_ratings(metric["name"], method, noise))
    return {
        "acceptanceTime": "2026-11-23T08:00:00Z",
        "answerContent": {"evaluationResults": results},
        "submissionTime": "2026-11-23T08:01:00Z",
        "timeSpentInSeconds": 60.0,
        "workerId": f"worker{number:04d}",
        "workerMetadata": {
            "identityData": {
                "identityProviderType": "Cognito",
                "issuer": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_local",
                "sub": _uuid("worker", str(number)),
            }
        },
    }


def _ratings(name: str, method: str, values: list[float]) -> list[dict[str, Any]]:
    if method == "ThumbsUpDown":
        single: list[Any] = [value > 0.5 for value in values]
    elif method == "IndividualLikertScale":
        single = [max(1, min(5, 1 + round(4 * value))) for value in values]
    else:
        return [_comparison(name, method, values)]
    return [
        {"metricName": name, "modelResponseId": str(index), "result": result} for index, result in enumerate(single)
    ]


def _comparison(name: str, method: str, values: list[float]) -> dict[str, Any]:
    first, second = values
    if method == "ComparisonChoice":
        return {"metricName": name, "result": {"modelResponseId": "0" if first >= second else "1"}}
    if method == "ComparisonRank":
        ranks = (1, 2) if first >= second else (2, 1)
        listed = [{"modelResponseId": str(index), "rank": rank} for index, rank in enumerate(ranks)]
        return {"metricName": name, "result": listed}
    step = max(1, min(5, 3 + round(2 * (second - first))))
    return {"metricName": name, "leftModelResponseId": "0", "rightModelResponseId": "1", "result": step}


def _likeness(answer: str, reference: str | None) -> float | None:
    """Share of common words, 0 to 1; None without a reference."""
    if reference is None:
        return None
    ours, theirs = set(answer.lower().split()), set(reference.lower().split())
    together = len(ours) + len(theirs)
    return 2 * len(ours & theirs) / together if together else 1.0


def _uuid(*parts: str) -> str:
    digest = hashlib.sha256("/".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))
