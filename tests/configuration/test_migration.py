"""docs/migration.md: its blocks load, and the requests that come of them are what the service model takes."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ParamValidationError
from botocore.validate import validate_parameters

from bedrock_eval.evaluation.definition import Definition
from bedrock_eval.jobs.request import JobPlace, build_request, groups
from configuration.repository import REPOSITORY
from configuration.resolve.definitions import Places, definition
from tests.support.aws.job_requests import broken_rules, request_shape
from tests.support.environment_files import Load, Mistakes, Write

PAGE = (REPOSITORY / "docs" / "migration.md").read_text("utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
AUTOMATIC, HUMAN, COMPARISON, JUDGED = BLOCKS
TOP = """\
application: support
account: "123456789012"
region: us-east-1
owner: support-ai
runbook_url: https://example.com/runbook
"""
FLOW = "arn:aws:sagemaker:us-east-1:123456789012:flow-definition/support-dev-human-evaluation"
PLACE = JobPlace(
    role_arn="arn:aws:iam::123456789012:role/support-dev-evaluation-job",
    output="s3://support-dev-results/jobs/evaluation/20261123T060000Z/",
    key_arn="arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012",
)


@pytest.fixture
def definitions(write: Write, load: Load) -> dict[str, Definition]:
    """The definition of each block of the page, by the name of its evaluation."""
    found = {}
    for number, block in enumerate(BLOCKS):
        name = f"page{number}"
        write(name, text=TOP + block)
        (environment,) = load(name).environments
        ((evaluation, config),) = environment.evaluations.items()
        assert config.job_kind is not None
        places = Places(
            profiles={},
            datasets_bucket="support-dev-datasets",
            account="123456789012",
            partition="aws",
            flow_definitions={evaluation: FLOW},
        )
        found[evaluation] = definition(environment, evaluation, places=places)
    return found


def requests(of: Definition) -> list[dict[str, Any]]:
    run = "20261123T060000Z"
    return [build_request(of, run_id=run, candidates=group, place=PLACE) for group in groups(of)]


def test_every_request_of_the_page_is_what_the_service_model_takes(definitions: dict[str, Definition]) -> None:
    made = {name: requests(each) for name, each in definitions.items()}
    assert {name: len(each) for name, each in made.items()} == {
        "claude-evaluation": 1,
        "human-evaluation": 1,
        "model-comparison": 2,
        "judged": 1,
    }
    for request in (request for each in made.values() for request in each):
        validate_parameters(request, request_shape())
        assert broken_rules(request_shape(), request) == []


def test_what_the_page_says_of_the_requests_is_in_them(definitions: dict[str, Definition]) -> None:
    (automatic,) = requests(definitions["claude-evaluation"])
    (model,) = automatic["inferenceConfig"]["models"]
    assert json.loads(model["bedrockModel"]["inferenceParams"]) == {"inferenceConfig": {"maxTokens": 1024}}
    assert model["bedrockModel"]["modelIdentifier"].startswith("arn:aws:bedrock:us-east-1:123456789012:")
    human = requests(definitions["human-evaluation"])[0]["evaluationConfig"]["human"]
    assert human["datasetMetricConfigs"][0]["metricNames"] == ["Helpfulness", "Accuracy"]
    assert human["humanWorkflowConfig"]["flowDefinitionArn"] == FLOW
    compared = requests(definitions["model-comparison"])
    assert [len(request["inferenceConfig"]["models"]) for request in compared] == [1, 1]
    assert len({request["jobName"] for request in compared}) == 2


def test_the_sdk_refuses_the_job_by_people_without_metric_names(definitions: dict[str, Definition]) -> None:
    (request,) = requests(definitions["human-evaluation"])
    del request["evaluationConfig"]["human"]["datasetMetricConfigs"][0]["metricNames"]
    with pytest.raises(ParamValidationError, match="metricNames"):
        validate_parameters(request, request_shape())


def test_the_service_model_says_nothing_of_most_that_was_wrong(definitions: dict[str, Definition]) -> None:
    """Two models, bare names and parameters of another shape pass the SDK: so the rules are ours."""
    first, second = requests(definitions["model-comparison"])
    first["inferenceConfig"]["models"] += second["inferenceConfig"]["models"]
    first["inferenceConfig"]["models"][0]["bedrockModel"]["inferenceParams"] = json.dumps({"temperature": 0.5})
    first["evaluationConfig"]["automated"]["datasetMetricConfigs"][0]["metricNames"] = ["Accuracy", "Robustness"]
    validate_parameters(first, request_shape())
    assert broken_rules(request_shape(), first) == []


LARGE, SMALL = "us.anthropic.claude-sonnet-5-5", "us.anthropic.claude-haiku-5-5"
WARM = "[{name: sonnet, model: sonnet, parameters: {temperature: 0.5}}, haiku]"
# The block, what stands in it, what stood in the requests instead, and what is told of that.
REFUSED = {
    "bare names": (AUTOMATIC, "[Builtin.Accuracy, Builtin.Robustness]", "[Accuracy]", "'Accuracy' is written"),
    "removed model": (COMPARISON, LARGE, "anthropic.claude-3-sonnet-20240229-v1:0", "end of life on 2026-07-30"),
    "ended model": (COMPARISON, SMALL, "anthropic.claude-3-haiku-20240307-v1:0", "end of life on 2026-09-10"),
    "two models": (COMPARISON, "kind: comparison\n    by: automatic", "kind: automatic", "use kind: comparison"),
    "temperature": (COMPARISON, "[sonnet, haiku]", WARM, "refuses temperature"),
    "fluency": (JUDGED, "[Builtin.Relevance]", "[Builtin.Fluency]", "no kind of evaluation has a built-in Fluency"),
    "relevance": (AUTOMATIC, "[Builtin.Accuracy, ", "[Relevance, ", "needs a judge model"),
    "long description": (HUMAN, "How helpful is the response?", "x" * 64, "allowed: one line of 1 to 63"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_was_wrong_is_refused_when_it_is_declared(case: str, write: Write, mistakes: Mistakes) -> None:
    block, old, new, told = REFUSED[case]
    write("dev", (old, new), text=TOP + block)
    assert told in " ".join(mistakes())


def test_the_page_is_linked() -> None:
    for page in (Path("README.md"), Path("docs/jobs.md")):
        assert "migration.md" in (REPOSITORY / page).read_text("utf-8")
