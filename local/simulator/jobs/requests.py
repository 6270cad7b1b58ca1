"""Checks of CreateEvaluationJob requests: the service model, documented rules and the role's policies."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from ministack.core.responses import get_account_id, get_region

from local.simulator.jobs import flow_definitions, output
from local.simulator.jobs.datasets import dataset_problem
from local.simulator.jobs.objects import read_object, split
from local.simulator.models import inference_profiles
from local.simulator.models.identifiers import Scope, resolve
from local.simulator.permissions.roles import role_problem
from local.simulator.protocol import service_model
from local.simulator.protocol.errors import ServiceError, invalid

_AUTOMATIC = ("Builtin.Accuracy", "Builtin.Robustness", "Builtin.Toxicity")


def check(request: Mapping[str, Any]) -> None:
    """Refuse what AWS refuses. Raises ServiceError."""
    judged = "evaluatorModelConfig" in request.get("evaluationConfig", {}).get("automated", {})
    # The enumeration lacks General, which the user guide's own judge requests use.
    service_model.check("bedrock", "CreateEvaluationJob", _without_general(request) if judged else request)
    config = request["evaluationConfig"]
    models = request["inferenceConfig"].get("models", [])
    if "automated" in config:
        if len(models) > 1:
            raise invalid("An automated evaluation job supports a single model or inference profile.")
        _check_metrics(config["automated"], judged=judged)
    else:
        _check_human(config["human"])
    for model in models:
        if "bedrockModel" in model:
            # Raises what the runtime would answer.
            here = Scope(get_account_id(), get_region())
            resolve(output.source_of(model), scope=here, copied_from=inference_profiles.copied_from)
    if "automated" in config and not judged and _sources(models):
        raise invalid("Inference response data of your own can be evaluated by a judge or by a work team.")
    for entry in next(iter(config.values()))["datasetMetricConfigs"]:
        _check_dataset(entry["dataset"], sources=_sources(models), human="human" in config)
    problem = _role_problem(request)
    if problem:
        raise invalid(f"The role {request['roleArn']} cannot be used: {problem}")


def _without_general(request: Mapping[str, Any]) -> Mapping[str, Any]:
    copy = deepcopy(dict(request))
    for entry in copy["evaluationConfig"]["automated"].get("datasetMetricConfigs", ()):
        if entry.get("taskType") == "General":
            entry["taskType"] = "Custom"
    return copy


def _check_metrics(automated: Mapping[str, Any], *, judged: bool) -> None:
    own = {
        each["customMetricDefinition"]["name"]
        for each in automated.get("customMetricConfig", {}).get("customMetrics", ())
    }
    for entry in automated["datasetMetricConfigs"]:
        for name in entry["metricNames"]:
            known = name in own or name in output.JUDGED if judged else name in _AUTOMATIC
            if not known:
                raise invalid(f"Metric {name} is not supported for this kind of job.")
        if not judged and entry["taskType"] == "Classification" and "Builtin.Toxicity" in entry["metricNames"]:
            raise invalid("Builtin.Toxicity is not supported for the task type Classification.")
        if not judged and len(entry["metricNames"]) > 3:
            raise ServiceError("ServiceQuotaExceededException", "At most 3 metrics per dataset.")


def _check_human(human: Mapping[str, Any]) -> None:
    flow = flow_definitions.find_by_arn(human["humanWorkflowConfig"]["flowDefinitionArn"])
    if flow is None or flow.status != "Active":
        state = "does not exist" if flow is None else f"is {flow.status}"
        raise invalid(f"The flow definition {human['humanWorkflowConfig']['flowDefinitionArn']} {state}.")
    names = {metric["name"] for metric in human.get("customMetrics", ())}
    for entry in human["datasetMetricConfigs"]:
        unknown = set(entry["metricNames"]) - names
        if unknown:
            raise invalid(f"Metrics {', '.join(sorted(unknown))} are not among the custom metrics.")


def _sources(models: Sequence[Mapping[str, Any]]) -> list[str]:
    """The sources of answers that come with the dataset."""
    return [output.source_of(model) for model in models if "precomputedInferenceSource" in model]


def _check_dataset(dataset: Mapping[str, Any], *, sources: Sequence[str], human: bool) -> None:
    location = dataset.get("datasetLocation")
    if location is None:
        if not dataset["name"].startswith("Builtin."):
            raise invalid(f"Dataset {dataset['name']} has no location and is not a built-in one.")
        return
    body = read_object(location["s3Uri"])
    if body is None or not location["s3Uri"].endswith(".jsonl"):
        raise invalid(f"The dataset {location['s3Uri']} does not exist, cannot be read or is no .jsonl file.")
    problem = dataset_problem(body.decode(), sources=sources, human=human)
    if problem:
        raise invalid(f"The dataset {location['s3Uri']} cannot be used: {problem}.")


def _role_problem(request: Mapping[str, Any]) -> str | None:
    """The reason why the role cannot write output, read datasets or give people tasks; None when it can."""
    config = next(iter(request["evaluationConfig"].values()))
    locations = [entry["dataset"].get("datasetLocation") for entry in config["datasetMetricConfigs"]]
    wanted = [
        ("s3:PutObject", f"{_object_arn(request['outputDataConfig']['s3Uri'])}x"),
        *_wanted_of_people(request["evaluationConfig"]).items(),
        *(("s3:GetObject", _object_arn(location["s3Uri"])) for location in locations if location),
    ]
    here = f"arn:aws:bedrock:{get_region()}:{get_account_id()}:evaluation-job/x"
    return role_problem(request["roleArn"], source_arn=here, wanted=wanted)


def _object_arn(uri: str) -> str:
    return f"arn:aws:s3:::{'/'.join(split(uri))}"


def _wanted_of_people(config: Mapping[str, Any]) -> dict[str, str]:
    """The actions that the role needs so that people get tasks, with their resources."""
    if "human" not in config:
        return {}
    arn = config["human"]["humanWorkflowConfig"]["flowDefinitionArn"]
    flow = flow_definitions.find_by_arn(arn)
    loop = f"arn:aws:sagemaker:{get_region()}:{get_account_id()}:human-loop/x"
    return {
        "sagemaker:StartHumanLoop": arn,
        "sagemaker:DescribeFlowDefinition": arn,
        **{f"sagemaker:{verb}HumanLoop": loop for verb in ("Describe", "Stop", "Delete")},
        **({"s3:GetObject": flow.output_arn} if flow else {}),
    }
