"""The simulator's evaluation jobs: what AWS refuses, what happens over time, and output that our own reader takes."""

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bedrock_eval.evaluation.cases import read_cases
from bedrock_eval.evaluation.definition import Candidate, Dataset, Definition, JobDefinition
from bedrock_eval.evaluation.job_settings import Criterion, JobKind, JobSettings, Rating, ScaleStep
from bedrock_eval.jobs.collection import Collected, collect, read_lines, result_keys
from bedrock_eval.jobs.request import JobPlace, build_request, groups
from bedrock_eval.results.outcomes import FailureReason
from bedrock_eval.scores.job_measures import RatingMethod, Task
from local.simulator.settings.config import JOB_REFUSALS
from tests.support.local.simulator import PLAIN, QUESTIONS, SAGEMAKER, Simulator, flow_request, make_working_role, trust

SOURCE_ARN = "arn:aws:bedrock:us-east-1:000000000000:evaluation-job/*"
ASKED = QUESTIONS[:20]
NOVA = Candidate("nova", PLAIN, PLAIN)
EARLIER = Candidate("nova", PLAIN, PLAIN, answers_of="an-earlier-run")
TONE = Criterion(
    "tone",
    "Rate.\n{{prompt}}\n{{prediction}}",
    scale=(ScaleStep("off", 0), ScaleStep("half", 1), ScaleStep("on", 2)),
)

AUTOMATIC = JobSettings(JobKind.AUTOMATIC, Task.QUESTION_AND_ANSWER)
JUDGE = JobSettings(JobKind.JUDGE, Task.GENERAL, judge=PLAIN)
THUMBS = Rating("tone", RatingMethod.THUMBS)


def people(flow: str, *ratings: Rating) -> JobSettings:
    return JobSettings(JobKind.HUMAN, Task.QUESTION_AND_ANSWER, ratings=ratings, flow_definition_arn=flow)


def said(source: str, answer: str) -> list[dict[str, str]]:
    return [{"modelIdentifier": source, "response": answer}]


@dataclass(frozen=True)
class Place:
    """A dataset, a bucket for output and a role, and the job that works with them."""

    simulator: Simulator
    bucket: str
    role_arn: str

    @property
    def client(self) -> Any:
        return self.simulator.client("bedrock")

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [
            {
                "prompt": question,
                "referenceResponse": f"The answer to {question.lower()}",
                "category": "odd" if number % 2 else "even",
                "modelResponses": said("an-earlier-run", f"Earlier: {question}"),
            }
            for number, question in enumerate(ASKED)
        ]

    def put(self, rows: list[dict[str, Any]]) -> None:
        """The dataset's lines."""
        body = "".join(json.dumps(row) + "\n" for row in rows).encode()
        self.simulator.client("s3").put_object(Bucket=self.bucket, Key="questions.jsonl", Body=body)

    def definition(self, job: JobSettings = AUTOMATIC, **changes: Any) -> Definition:
        plain = JobDefinition(
            application="support",
            environment="dev",
            evaluation=f"e{uuid.uuid4().hex[:8]}",
            candidates=(NOVA,),
            dataset=Dataset("questions", self.bucket, "questions.jsonl"),
            metrics=("Builtin.Accuracy", "Builtin.Robustness"),
            job=job,
        )
        return replace(plain, **changes)

    def request(self, definition: Definition, *, run: str = "20261123T060000Z") -> dict[str, Any]:
        place = JobPlace(self.role_arn, f"s3://{self.bucket}/jobs/")
        return build_request(definition, run_id=run, candidates=groups(definition)[0], place=place)

    def start(self, definition: Definition) -> str:
        arn: str = self.client.create_evaluation_job(**self.request(definition))["jobArn"]
        return arn

    def end(self, arn: str) -> dict[str, Any]:
        for _ in range(100):
            job: dict[str, Any] = self.client.get_evaluation_job(jobIdentifier=arn)
            if job["status"] not in ("InProgress", "Stopping"):
                return job
            time.sleep(0.05)
        raise AssertionError("the job never ends")

    def collected(self, definition: Definition, arn: str) -> Collected:
        job = self.end(arn)
        assert job["status"] == "Completed", job
        s3 = self.simulator.client("s3")
        listed = s3.list_objects_v2(Bucket=self.bucket, Prefix=f"jobs/{job['jobName']}/{arn.rpartition('/')[2]}/")
        results, strays = result_keys(entry["Key"] for entry in listed["Contents"])
        assert [key.rpartition("/")[2] for key in strays] == ["amazon-bedrock-permission-check"]
        lines = [
            line
            for key in results
            for line in s3.get_object(Bucket=self.bucket, Key=key)["Body"].read().decode().splitlines()
        ]
        return collect(
            read_lines(lines, source="output"),
            candidates={
                candidate.answers_of or candidate.invoke_id: candidate.name for candidate in definition.candidates
            },
            metrics=definition.metrics,
            asked=list(read_cases(self.lines(), source="questions")),
        )

    def records(self) -> list[dict[str, Any]]:
        """What the last job wrote."""
        s3 = self.simulator.client("s3")
        listed = s3.list_objects_v2(Bucket=self.bucket, Prefix="jobs/")["Contents"]
        keys, _ = result_keys(entry["Key"] for entry in listed)
        body = s3.get_object(Bucket=self.bucket, Key=[*keys][-1])["Body"].read().decode()
        return [json.loads(line) for line in body.splitlines()]

    def lines(self) -> list[str]:
        body = self.simulator.client("s3").get_object(Bucket=self.bucket, Key="questions.jsonl")["Body"].read()
        return str(body.decode()).splitlines()


@pytest.fixture
def place(simulator: Simulator) -> Iterator[Place]:
    s3 = simulator.client("s3")
    bucket = f"jobs-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket)
    condition = {"StringEquals": {"aws:SourceAccount": "000000000000"}, "ArnEquals": {"aws:SourceArn": SOURCE_ARN}}
    arn = make_working_role(
        simulator,
        {"Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}/*"},
        {"Action": "sagemaker:*", "Resource": f"{SAGEMAKER}:*"},
        trust_policy=trust(**condition),
    )
    simulator.configure(evaluation_jobs={"seconds": 0}, flow_definitions={"seconds": 0})
    made = Place(simulator, bucket, arn)
    made.put(made.rows)
    yield made
    simulator.configure(evaluation_jobs={}, flow_definitions={})


def refusal(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return str(caught.value.response["Error"]["Code"])


def refusal_message(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    return str(caught.value.response["Error"]["Message"])


def flow_definition(place: Place, **config: Any) -> str:
    request = flow_request(place.simulator, bucket=place.bucket, **config)
    arn: str = place.simulator.client("sagemaker").create_flow_definition(**request)["FlowDefinitionArn"]
    return arn


def test_an_automatic_job(place: Place) -> None:
    definition = place.definition()
    found = place.collected(definition, place.start(definition))
    assert len(found.outcomes) == len(ASKED)
    assert all(outcome.scores["Builtin.Accuracy"] == 1.0 for outcome in found.outcomes)
    assert {outcome.category for outcome in found.outcomes} == {"odd", "even"}
    assert (found.unread, found.unexpected) == ((), ())


def test_a_judge_with_a_criterion_of_ones_own(place: Place) -> None:
    metrics = ("Builtin.Correctness", "Builtin.Harmfulness", "tone")
    definition = place.definition(replace(JUDGE, criteria=(TONE,)), metrics=metrics)
    found = place.collected(definition, place.start(definition))
    assert {name for outcome in found.outcomes for name in outcome.scores} == set(metrics)
    assert {outcome.scores["tone"] for outcome in found.outcomes} == {2.0}


def test_answers_that_exist_already_are_judged(place: Place) -> None:
    definition = place.definition(JUDGE, metrics=("Builtin.Correctness",), candidates=(EARLIER,))
    before = place.simulator.calls()
    found = place.collected(definition, place.start(definition))
    assert all((outcome.response or "").startswith("Earlier: ") for outcome in found.outcomes)
    assert place.simulator.calls() == before


def test_the_score_is_that_of_the_answer_that_came_with_the_dataset(place: Place) -> None:
    place.put([{**row, "modelResponses": said("an-earlier-run", row["referenceResponse"])} for row in place.rows[:10]])
    definition = place.definition(JUDGE, metrics=("Builtin.Correctness",), candidates=(EARLIER,))
    found = place.collected(definition, place.start(definition))
    assert {outcome.scores["Builtin.Correctness"] for outcome in found.outcomes} <= {1.0, None}
    place.put([{**row, "modelResponses": said("an-earlier-run", "Wrong!")} for row in place.rows[:10]])
    other = place.definition(JUDGE, metrics=("Builtin.Correctness",), candidates=(EARLIER,))
    found = place.collected(other, place.start(other))
    assert {outcome.scores["Builtin.Correctness"] for outcome in found.outcomes} <= {0, None}


SHAPES: dict[str, list[dict[str, Any]]] = {
    "no answer": [{"prompt": "a"}],
    "no list": [{"prompt": "a", "modelResponses": "Yes."}],
    "no identifier": [{"prompt": "a", "modelResponses": [{"response": "Yes."}]}],
    "two answers": [{"prompt": "a", "modelResponses": said("an-earlier-run", "Yes.") + said("x", "No.")}],
    "another source": [{"prompt": "a", "modelResponses": said("someone-else", "Yes.")}],
    "two sources in the file": [
        {"prompt": "a", "modelResponses": said("an-earlier-run", "Yes.")},
        {"prompt": "b", "modelResponses": said("someone-else", "Yes.")},
    ],
    "no prompt": [{"modelResponses": said("an-earlier-run", "Yes.")}],
    "large prompt": [{"prompt": "x" * 4_097, "modelResponses": said("an-earlier-run", "Yes.")}],
    "many lines": [{"prompt": "a", "modelResponses": said("an-earlier-run", "Yes.")}] * 1_001,
    "no line": [],
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_dataset_of_another_shape_is_refused(place: Place, shape: str) -> None:
    place.put(SHAPES[shape])
    request = place.request(place.definition(JUDGE, metrics=("Builtin.Correctness",), candidates=(EARLIER,)))
    assert refusal(place.client.create_evaluation_job, **request) == "ValidationException"


def test_answers_of_ones_own_are_not_for_an_automatic_job(place: Place) -> None:
    request = place.request(place.definition(candidates=(EARLIER,)))
    assert refusal(place.client.create_evaluation_job, **request) == "ValidationException"


def test_a_role_that_may_not_read_the_dataset_is_refused(place: Place) -> None:
    below = {"Action": "s3:*", "Resource": f"arn:aws:s3:::{place.bucket}/jobs/*"}
    request = place.request(place.definition()) | {
        "roleArn": make_working_role(place.simulator, below, trust_policy=trust())
    }
    told = f"does not allow s3:GetObject on arn:aws:s3:::{place.bucket}/questions.jsonl"
    assert told in refusal_message(place.client.create_evaluation_job, **request)


def test_people_rate_two_models(place: Place) -> None:
    ratings = tuple(Rating(method.value, method) for method in RatingMethod)
    definition = place.definition(
        people(flow_definition(place, TaskCount=3), *ratings),
        metrics=tuple(rating.name for rating in ratings),
        candidates=(NOVA, Candidate("again", PLAIN, "us." + PLAIN)),
    )
    found = place.collected(definition, place.start(definition))
    assert len(found.outcomes) == 2 * len(ASKED)
    assert all(set(outcome.scores) == {rating.name for rating in ratings} for outcome in found.outcomes)
    assert {each.metric for each in found.agreement} == {rating.name for rating in ratings}
    assert place.records()[0]["humanEvaluationResult"][0]["humanAnswers"][2]["workerId"]


@pytest.mark.parametrize(
    ("behaviour", "name", "words"),
    [
        ({"seconds": 60}, None, "is Initializing"),
        ({"seconds": 0, "failure": "no access"}, None, "is Failed"),
        ({"seconds": 0}, "never-made", "does not exist"),
    ],
)
def test_people_need_an_active_flow_definition(
    place: Place, behaviour: dict[str, Any], name: str | None, words: str
) -> None:
    place.simulator.configure(flow_definitions=behaviour)
    arn = f"{SAGEMAKER}:flow-definition/{name}" if name else flow_definition(place)
    request = place.request(place.definition(people(arn, THUMBS), metrics=(THUMBS.name,)))
    assert words in refusal_message(place.client.create_evaluation_job, **request)


@pytest.mark.parametrize("missing", ["sagemaker:StartHumanLoop", "sagemaker:StopHumanLoop", "s3:GetObject"])
def test_people_need_a_role_that_may_give_them_tasks(place: Place, missing: str) -> None:
    actions = {"s3:PutObject", "s3:GetObject", "sagemaker:DescribeFlowDefinition"}
    actions |= {f"sagemaker:{verb}HumanLoop" for verb in ("Start", "Describe", "Stop", "Delete")}
    role = make_working_role(
        place.simulator,
        {"Action": sorted(actions - {missing}), "Resource": "*"},
        trust_policy=trust(),
    )
    definition = place.definition(people(flow_definition(place), THUMBS), metrics=(THUMBS.name,))
    request = place.request(definition) | {"roleArn": role}
    assert f"does not allow {missing}" in refusal_message(place.client.create_evaluation_job, **request)


def test_prompts_that_are_left_out_are_failed_cases(place: Place) -> None:
    place.simulator.configure(evaluation_jobs={"seconds": 0, "left_out": 0.5})
    definition = place.definition()
    found = place.collected(definition, place.start(definition))
    missing = [outcome for outcome in found.outcomes if outcome.failure is FailureReason.NO_RESPONSE]
    assert 0 < len(missing) < len(ASKED) == len(found.outcomes)


def test_the_same_request_starts_one_job_and_a_taken_name_conflicts(place: Place) -> None:
    request = place.request(place.definition())
    first, second = (place.client.create_evaluation_job(**request)["jobArn"] for _ in range(2))
    assert first == second
    request["clientRequestToken"] = "another"
    assert refusal(place.client.create_evaluation_job, **request) == "ConflictException"


def test_refusals_are_injected_one_call_each(place: Place) -> None:
    codes = list(JOB_REFUSALS)
    assert {"ConflictException", "ThrottlingException", "ServiceQuotaExceededException"} <= set(codes)
    place.simulator.configure(evaluation_jobs={"seconds": 0, "refusals": codes})
    request = place.request(place.definition())
    assert [refusal(place.client.create_evaluation_job, **request) for _ in codes] == codes
    assert place.client.create_evaluation_job(**request)["jobArn"]


def test_a_job_is_under_way_then_stops(place: Place) -> None:
    place.simulator.configure(evaluation_jobs={"never_ends": True})
    arn = place.start(place.definition())
    assert place.client.get_evaluation_job(jobIdentifier=arn)["status"] == "InProgress"
    place.client.stop_evaluation_job(jobIdentifier=arn)
    assert place.end(arn)["status"] == "Stopped"
    assert refusal(place.client.stop_evaluation_job, jobIdentifier=arn) == "ConflictException"


def test_a_failed_job_says_why(place: Place) -> None:
    place.simulator.configure(evaluation_jobs={"seconds": 0, "failure": "The model is gone."})
    job = place.end(place.start(place.definition()))
    assert (job["status"], job["failureMessages"]) == ("Failed", ["The model is gone."])


def test_a_page_holds_five_whatever_is_asked_for(place: Place) -> None:
    for _ in range(7):
        place.start(place.definition())
    page = place.client.list_evaluation_jobs(maxResults=100, nameContains="dev-e")
    assert len(page["jobSummaries"]) == 5
    assert page["nextToken"]
    pages = place.client.get_paginator("list_evaluation_jobs").paginate(nameContains="dev-e")
    names = [job["jobName"] for each in pages for job in each["jobSummaries"]]
    assert len(names) == len(set(names)) >= 7


def test_only_ended_jobs_are_deleted(place: Place) -> None:
    ended = place.start(place.definition())
    place.end(ended)
    place.simulator.configure(evaluation_jobs={"never_ends": True})
    going = place.start(place.definition())
    answer = place.client.batch_delete_evaluation_job(jobIdentifiers=[ended, going])
    assert [job["jobIdentifier"] for job in answer["evaluationJobs"]] == [ended]
    assert [error["jobIdentifier"] for error in answer["errors"]] == [going]
    assert refusal(place.client.get_evaluation_job, jobIdentifier=ended) == "ResourceNotFoundException"


REFUSED = {
    "bare metric name": {"metrics": ("Accuracy",)},
    "toxicity of classes": {"job": replace(AUTOMATIC, task=Task.CLASSIFICATION), "metrics": ("Builtin.Toxicity",)},
    "metric of a judge": {"metrics": ("Builtin.Relevance",)},
    "missing dataset": {"dataset": Dataset("none", "nowhere-at-all", "none.jsonl")},
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_aws_refuses_is_refused(place: Place, case: str) -> None:
    request = place.request(place.definition(**REFUSED[case]))
    assert refusal(place.client.create_evaluation_job, **request) == "ValidationException"


def test_two_models_in_an_automated_job_are_refused(place: Place) -> None:
    request = place.request(place.definition())
    request["inferenceConfig"]["models"] *= 2
    assert refusal(place.client.create_evaluation_job, **request) == "ValidationException"


def test_a_role_that_bedrock_may_not_assume_is_refused(place: Place) -> None:
    request = place.request(place.definition()) | {"roleArn": "arn:aws:iam::000000000000:role/none"}
    assert refusal(place.client.create_evaluation_job, **request) == "ValidationException"


def test_a_job_is_asked_for_by_its_arn(place: Place) -> None:
    assert refusal(place.client.get_evaluation_job, jobIdentifier="job-name") == "ValidationException"


def test_output_may_come_later_and_lie_elsewhere(place: Place) -> None:
    place.simulator.configure(evaluation_jobs={"seconds": 0, "output_seconds": 1, "output_folder": "/{id}/{name}/"})
    definition = place.definition()
    arn = place.start(definition)
    job = place.end(arn)
    assert job["status"] == "Completed"
    bucket, _, prefix = job["outputDataConfig"]["s3Uri"].removeprefix("s3://").partition("/")
    listed = {"Bucket": bucket, "Prefix": f"{prefix.rstrip('/')}//{arn.rpartition('/')[2]}/{job['jobName']}/"}
    assert place.simulator.client("s3").list_objects_v2(**listed)["KeyCount"] == 0
    deadline = time.monotonic() + 10
    while not place.simulator.client("s3").list_objects_v2(**listed)["KeyCount"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_an_account_has_at_most_5000_jobs_whoever_started_them(place: Place) -> None:
    place.simulator.configure(evaluation_jobs={"seconds": 0, "others": 5_000})
    request = place.request(place.definition())
    assert refusal(place.client.create_evaluation_job, **request) == "ServiceQuotaExceededException"
    page = place.client.list_evaluation_jobs(nameContains="other-", statusEquals="Completed")
    assert (len(page["jobSummaries"]), bool(page["nextToken"])) == (5, True)
    assert place.client.list_evaluation_jobs(nameContains="other-", statusEquals="Failed")["jobSummaries"] == []


def test_a_stop_and_a_delete_are_refused_as_configured(place: Place) -> None:
    arn = place.start(place.definition())
    place.simulator.configure(evaluation_jobs={"stop_refusal": "AccessDeniedException"})
    assert refusal(place.client.stop_evaluation_job, jobIdentifier=arn) == "AccessDeniedException"
    place.simulator.configure(evaluation_jobs={"delete_refusal": "ThrottlingException"})
    assert refusal(place.client.batch_delete_evaluation_job, jobIdentifiers=[arn]) == "ThrottlingException"
