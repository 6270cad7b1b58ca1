"""Every request that can be built passes botocore's validator and the service model's own patterns and lengths."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from botocore.validate import validate_parameters
from hypothesis import given
from hypothesis import strategies as st

from bedrock_eval.evaluation.definition import (
    Candidate,
    Dataset,
    Definition,
    InferenceParameters,
    JobDefinition,
    job_definition,
    read_definition,
)
from bedrock_eval.evaluation.job_settings import Criterion, JobKind, JobSettings, Rating, ScaleStep
from bedrock_eval.jobs.request import JobPlace, build_request, groups, job_name
from bedrock_eval.jobs.rules import problems
from bedrock_eval.scores.job_measures import RatingMethod, Task
from tests.support.aws.job_requests import broken_rules, request_shape

RUN = "20261123T060000Z"
PLACE = JobPlace(
    role_arn="arn:aws:iam::111111111111:role/support-dev-evaluation-job",
    output="s3://support-dev-results/jobs/quality/20261123T060000Z/",
    key_arn="arn:aws:kms:us-east-1:111111111111:key/12345678-1234-1234-1234-123456789012",
)
NOVA = Candidate(
    "nova",
    "us.amazon.nova-2-lite-v1:0",
    "arn:aws:bedrock:us-east-1:111111111111:inference-profile/us.amazon.nova-2-lite-v1:0",
    parameters=InferenceParameters(max_tokens=512, temperature=0.2, stop_sequences=("END",)),
)
HAIKU = Candidate(
    "haiku",
    "us.anthropic.claude-haiku-5-5",
    "arn:aws:bedrock:us-east-1:111111111111:inference-profile/us.anthropic.claude-haiku-5-5",
    additional_fields='{"top_k": 50}',
)
DATASET = Dataset("questions", "support-dev-datasets", "questions.jsonl")
JUDGE = "arn:aws:bedrock:us-east-1:111111111111:inference-profile/us.amazon.nova-2-lite-v1:0"
TONE = Criterion(
    "brand-tone",
    "Rate how well the answer keeps our tone.\n\nQuestion: {{prompt}}\nAnswer: {{prediction}}",
    scale=(ScaleStep("off", 0), ScaleStep("on", 1)),
)
FLOW = "arn:aws:sagemaker:us-east-1:111111111111:flow-definition/support-dev"

AUTOMATIC = JobDefinition(
    application="support",
    environment="dev",
    evaluation="quality",
    candidates=(NOVA, HAIKU),
    dataset=DATASET,
    metrics=("Builtin.Accuracy", "Builtin.Robustness"),
    job=JobSettings(JobKind.AUTOMATIC, Task.QUESTION_AND_ANSWER, tags={"team": "support"}),
)
JUDGED = replace(
    AUTOMATIC,
    metrics=("Builtin.Correctness", "Builtin.Harmfulness", "brand-tone"),
    job=JobSettings(JobKind.JUDGE, Task.GENERAL, judge=JUDGE, criteria=(TONE,)),
)
OWN_ANSWERS = replace(JUDGED, candidates=(replace(NOVA, parameters=InferenceParameters(), answers_of="nova-run-1"),))
HUMAN = replace(
    AUTOMATIC,
    metrics=("Helpfulness", "Preference"),
    job=JobSettings(
        JobKind.HUMAN,
        Task.QUESTION_AND_ANSWER,
        ratings=(
            Rating("Helpfulness", RatingMethod.THUMBS, "How helpful is the response?"),
            Rating("Preference", RatingMethod.COMPARISON_CHOICE),
        ),
        flow_definition_arn=FLOW,
        instructions="Rate each answer.",
    ),
)
BUILT_IN = replace(AUTOMATIC, dataset=Dataset("Builtin.BoolQ"))
EVERY_KIND = {
    "automatic": AUTOMATIC,
    "judge": JUDGED,
    "own answers": OWN_ANSWERS,
    "human": HUMAN,
    "built-in dataset": BUILT_IN,
}


def requests(definition: Definition) -> list[dict[str, Any]]:
    return [build_request(definition, run_id=RUN, candidates=group, place=PLACE) for group in groups(definition)]


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_every_kind_of_request_is_what_the_service_model_takes(kind: str) -> None:
    definition = EVERY_KIND[kind]
    assert problems(definition) == ()
    for request in requests(definition):
        validate_parameters(request, request_shape())
        assert broken_rules(request_shape(), request) == []


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_a_definition_comes_back_through_cloudformation_whose_scalars_are_texts(kind: str) -> None:
    def as_texts(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: as_texts(each) for key, each in value.items()}
        if isinstance(value, list):
            return [as_texts(each) for each in value]
        return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)

    assert read_definition(as_texts(EVERY_KIND[kind].to_json())) == EVERY_KIND[kind]


def test_the_checker_of_this_test_finds_what_botocore_lets_pass() -> None:
    request = requests(AUTOMATIC)[0]
    request["jobName"] = "Not_A_Name"
    request["evaluationConfig"]["automated"]["datasetMetricConfigs"][0]["taskType"] = "Chatting"
    validate_parameters(request, request_shape())
    assert len(broken_rules(request_shape(), request)) == 2


def test_an_automatic_comparison_is_one_job_for_each_candidate() -> None:
    made = requests(AUTOMATIC)
    assert [len(request["inferenceConfig"]["models"]) for request in made] == [1, 1]
    assert len({request["jobName"] for request in made}) == 2
    assert "evaluatorModelConfig" not in made[0]["evaluationConfig"]["automated"]


def test_parameters_are_converse_shaped_and_only_what_was_set() -> None:
    nova, haiku = (request["inferenceConfig"]["models"][0]["bedrockModel"] for request in requests(AUTOMATIC))
    assert json.loads(nova["inferenceParams"]) == {
        "inferenceConfig": {"maxTokens": 512, "temperature": 0.2, "stopSequences": ["END"]}
    }
    assert json.loads(haiku["inferenceParams"]) == {"additionalModelRequestFields": {"top_k": 50}}
    plain = replace(AUTOMATIC, candidates=(replace(NOVA, parameters=InferenceParameters()),))
    assert "inferenceParams" not in requests(plain)[0]["inferenceConfig"]["models"][0]["bedrockModel"]


def test_a_judge_stands_beside_the_built_in_metrics_and_beside_ones_own() -> None:
    automated = requests(JUDGED)[0]["evaluationConfig"]["automated"]
    assert automated["datasetMetricConfigs"][0]["taskType"] == "General"
    assert automated["datasetMetricConfigs"][0]["metricNames"] == list(JUDGED.metrics)
    assert automated["evaluatorModelConfig"] == automated["customMetricConfig"]["evaluatorModelConfig"]
    (own,) = automated["customMetricConfig"]["customMetrics"]
    assert own["customMetricDefinition"]["ratingScale"][1] == {"definition": "on", "value": {"floatValue": 1.0}}


def test_existing_answers_are_judged_without_asking_the_model() -> None:
    (model,) = requests(OWN_ANSWERS)[0]["inferenceConfig"]["models"]
    assert model == {"precomputedInferenceSource": {"inferenceSourceIdentifier": "nova-run-1"}}


def test_people_are_asked_for_metrics_named_as_the_ratings() -> None:
    (request,) = requests(HUMAN)
    human = request["evaluationConfig"]["human"]
    assert human["datasetMetricConfigs"][0]["metricNames"] == [metric["name"] for metric in human["customMetrics"]]
    assert len(request["inferenceConfig"]["models"]) == 2


def test_a_human_evaluation_without_a_flow_definition_cannot_be_asked() -> None:
    with pytest.raises(ValueError, match="flow_definition_arn is missing"):
        requests(replace(HUMAN, job=replace(job_definition(HUMAN).job, flow_definition_arn=None)))


def test_the_same_run_asks_under_the_same_name_and_token() -> None:
    assert requests(JUDGED) == requests(JUDGED)
    request = requests(JUDGED)[0]
    assert request["clientRequestToken"] == request["jobName"]
    other = build_request(JUDGED, run_id="20261124T060000Z", candidates=(NOVA,), place=PLACE)
    assert other["jobName"] != request["jobName"]


names = st.from_regex(r"[a-z][a-z0-9-]{0,23}", fullmatch=True)


@given(environment=names, evaluation=names, candidate=st.none() | names)
def test_every_job_name_is_legal(environment: str, evaluation: str, candidate: str | None) -> None:
    definition = replace(AUTOMATIC, environment=environment, evaluation=evaluation)
    for run in (RUN, f"{RUN}-manual-0a1f"):
        name = job_name(definition, run_id=run, candidate=candidate)
        assert re.fullmatch(r"[a-z0-9](-*[a-z0-9]){0,62}", name)
        assert len(name) <= 63


# Most that people write passes, and what does not is near it.
written = st.text(max_size=130) | st.text(alphabet="abXY01-_.!*'()/:=+@ \n\r\t\u2028", max_size=130)


@given(written, written, st.sampled_from(list(EVERY_KIND)))
def test_what_the_rules_let_pass_the_service_model_takes(name: str, text: str, kind: str) -> None:
    definition = EVERY_KIND[kind]
    job = job_definition(definition).job
    tried = replace(
        definition,
        dataset=definition.dataset if definition.dataset.built_in else replace(DATASET, name=name, key=f"{text}.jsonl"),
        candidates=tuple(
            replace(each, answers_of=name)
            if each.answers_of
            else replace(each, additional_fields=json.dumps({name: text}))
            for each in definition.candidates
        ),
        metrics=tuple(name if metric == "brand-tone" else metric for metric in definition.metrics),
        job=replace(
            job,
            tags={name: text},
            instructions=text if job.kind is JobKind.HUMAN else None,
            criteria=tuple(
                replace(each, name=name, instructions=f"{text}{each.instructions}", scale=(ScaleStep(name, text=text),))
                for each in job.criteria
            ),
            ratings=tuple(replace(each, description=text) for each in job.ratings),
        ),
    )
    if not problems(tried):
        for request in requests(tried):
            validate_parameters(request, request_shape())
            assert broken_rules(request_shape(), request) == []
