import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_eval.codec import DecodeError
from bedrock_eval.evaluation.definition import (
    PROMPT_MARK,
    Candidate,
    CustomDefinition,
    Dataset,
    Gate,
    InferenceParameters,
    Schedule,
    custom_definition,
    job_definition,
    read_definition,
)
from bedrock_eval.evaluation.job_settings import JobKind, JobSettings
from bedrock_eval.scores.job_measures import Task
from tests.support.definitions import by_jobs

DEFINITION = CustomDefinition(
    application="shop",
    environment="dev",
    evaluation="quality",
    candidates=(
        Candidate("small", "amazon.nova-lite-v1:0", "arn:aws:bedrock:us-east-1:1:application-inference-profile/x"),
        Candidate("brief", "m", "m", "Be brief.", "Q: {{prompt}}", InferenceParameters(9, 0.0, 0.5, ("END",))),
    ),
    dataset=Dataset("questions", "bucket", "datasets/questions.jsonl"),
    metrics=("relevance_score", "response_length"),
    gates=(Gate("relevance_score", min=0.5), Gate("response_length", max=900.0)),
    schedule=Schedule("cron(0 6 ? * MON *)", "Europe/Berlin", 3.5),
    headline=True,
)


def test_a_definition_comes_back_from_its_json() -> None:
    assert read_definition(DEFINITION.to_json()) == DEFINITION
    assert read_definition(json.dumps(DEFINITION.to_json())) == DEFINITION
    assert read_definition(json.dumps(DEFINITION.to_json()).encode()) == DEFINITION


def test_a_definition_comes_back_from_the_strings_of_cloudformation() -> None:
    def strings(value: object) -> object:
        if isinstance(value, dict):
            return {key: strings(item) for key, item in value.items()}
        if isinstance(value, list):
            return [strings(item) for item in value]
        return str(value).lower() if isinstance(value, bool) else str(value)

    raw = strings(DEFINITION.to_json())
    assert isinstance(raw, dict)
    assert read_definition(raw) == DEFINITION


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "definition: not JSON: "),
        (b"\xff", "definition: not JSON: "),
        ("[]", "definition: [] is not an object"),
        ("{}", "definition: key 'application' is missing"),
        (json.dumps({**DEFINITION.to_json(), "x": 1}), "definition: unknown key 'x'; allowed: application, "),
        (
            json.dumps({**DEFINITION.to_json(), "schema_version": 2}),
            "definition.schema_version: 2 is not known here; allowed: 1",
        ),
    ],
)
def test_what_is_no_definition_is_told(text: str | bytes, told: str) -> None:
    with pytest.raises(DecodeError) as raised:
        read_definition(text)
    assert str(raised.value).startswith(told)


def test_only_given_parameters_are_sent() -> None:
    assert InferenceParameters().converse() == {}
    assert InferenceParameters(max_tokens=9, temperature=0.0).converse() == {"maxTokens": 9, "temperature": 0.0}
    assert InferenceParameters(top_p=1.0, stop_sequences=("a", "b")).converse() == {
        "topP": 1.0,
        "stopSequences": ["a", "b"],
    }


def test_the_dataset_has_a_uri() -> None:
    assert DEFINITION.dataset.uri == "s3://bucket/datasets/questions.jsonl"


@given(st.text())
def test_without_a_template_the_prompt_is_sent_as_it_is(prompt: str) -> None:
    assert Candidate("c", "m", "m").user_text(prompt) == prompt


@given(st.text())
def test_a_template_surrounds_the_prompt_whatever_it_holds(prompt: str) -> None:
    text = Candidate("c", "m", "m", template=f"<{PROMPT_MARK}>").user_text(prompt)
    assert text == f"<{prompt}>"


def test_a_definition_by_jobs_is_read_with_the_settings_that_it_once_held_too() -> None:
    made = by_jobs(DEFINITION, job=JobSettings(JobKind.AUTOMATIC, Task.GENERAL), metrics=("Builtin.Accuracy",))
    stored = {**made.to_json(), "concurrency": 8, "metric_parameters": {}, "patience_minutes": 30.0}
    assert read_definition(stored) == made == read_definition(made.to_json())
    with pytest.raises(DecodeError, match="unknown key 'colour'"):
        read_definition({**stored, "colour": "red"})


def test_each_kind_is_refused_where_the_other_is_needed() -> None:
    made = by_jobs(DEFINITION, job=JobSettings(JobKind.AUTOMATIC, Task.GENERAL))
    with pytest.raises(ValueError, match=r"is of kind custom: no job of Bedrock belongs to it"):
        job_definition(DEFINITION)
    with pytest.raises(ValueError, match=r"is of kind automatic: evaluation jobs run it"):
        custom_definition(made)
    assert custom_definition(DEFINITION) is DEFINITION
    assert job_definition(made) is made
