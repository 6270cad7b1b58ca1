"""What Bedrock would refuse is refused before a deploy, with the key, and with what to use instead."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bedrock_eval.evaluation.cases import Case, read_cases
from bedrock_eval.evaluation.definition import (
    Candidate,
    Dataset,
    Definition,
    InferenceParameters,
    JobDefinition,
    job_definition,
)
from bedrock_eval.evaluation.job_settings import Criterion, JobKind, JobSettings, Rating, ScaleStep
from bedrock_eval.jobs.rules import answers_problems, dataset_problems, problems
from bedrock_eval.scores.job_measures import AUTOMATIC as AUTOMATIC_METRICS
from bedrock_eval.scores.job_measures import BUILT_IN_DATASETS, DATASETS_OF, TASK_METRICS, RatingMethod, Task
from bedrock_eval.scores.job_measures import JUDGED as JUDGE_METRICS
from tests.support.definitions import as_custom

NOVA = Candidate("nova", "amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0")
AUTOMATIC = JobDefinition(
    application="support",
    environment="dev",
    evaluation="quality",
    candidates=(NOVA,),
    dataset=Dataset("questions", "datasets", "questions.jsonl"),
    metrics=("Builtin.Accuracy",),
    job=JobSettings(JobKind.AUTOMATIC, Task.QUESTION_AND_ANSWER),
)
TONE = Criterion("tone", "Rate.\n{{prompt}}\n{{prediction}}")
JUDGE = replace(
    AUTOMATIC,
    metrics=("Builtin.Relevance",),
    job=JobSettings(JobKind.JUDGE, Task.GENERAL, judge="amazon.nova-pro-v1:0"),
)
OWN = replace(JUDGE, metrics=("tone",), job=replace(job_definition(JUDGE).job, criteria=(TONE,)))
HELPFUL = Rating("Helpful", RatingMethod.THUMBS)
HUMAN = replace(
    AUTOMATIC,
    metrics=("Helpful",),
    job=JobSettings(JobKind.HUMAN, Task.QUESTION_AND_ANSWER, ratings=(HELPFUL,)),
)


def with_job(definition: Definition, **changes: Any) -> Definition:
    return replace(definition, job=replace(job_definition(definition).job, **changes))


def rated(rating: Rating) -> Definition:
    return with_job(replace(HUMAN, metrics=(rating.name,)), ratings=(rating,))


def told(definition: Definition) -> str:
    return "\n".join(map(str, problems(definition)))


@pytest.mark.parametrize("definition", [AUTOMATIC, JUDGE, OWN, HUMAN], ids=["automatic", "judge", "own", "human"])
def test_what_is_right_passes(definition: Definition) -> None:
    assert told(definition) == ""


def tone(**changes: Any) -> Definition:
    return with_job(OWN, criteria=(replace(TONE, **changes),))


REFUSED = {
    "bare name": (replace(AUTOMATIC, metrics=("Accuracy",)), "metrics[0]: 'Accuracy' is written 'Builtin.Accuracy'"),
    "relevance": (replace(AUTOMATIC, metrics=("Relevance",)), "Builtin.Relevance needs a judge model: use kind judge"),
    "fluency": (replace(AUTOMATIC, metrics=("Fluency",)), "no kind of evaluation has a built-in Fluency"),
    "fluency of a judge": (replace(JUDGE, metrics=("Builtin.Fluency",)), "Builtin.Coherence"),
    "toxicity of classes": (
        with_job(replace(AUTOMATIC, metrics=("Builtin.Toxicity",)), task=Task.CLASSIFICATION),
        "Builtin.Toxicity does not exist for task Classification; allowed: Builtin.Accuracy, Builtin.Robustness",
    ),
    "accuracy by a judge": (replace(JUDGE, metrics=("Builtin.Accuracy",)), "Builtin.Accuracy is of kind automatic"),
    "name of Bedrock's": (tone(name="Relevance"), "'Relevance' is also how output files spell Builtin.Relevance"),
    "unknown": (replace(AUTOMATIC, metrics=("Sparkle",)), "'Sparkle' is not a metric; allowed: Builtin.Accuracy"),
    "no metric": (replace(AUTOMATIC, metrics=()), "metrics: none is named"),
    "twice": (
        replace(AUTOMATIC, metrics=("Builtin.Accuracy",) * 2),
        "metrics[1]: 'Builtin.Accuracy' is already in metrics[0]",
    ),
    "four metrics": (replace(AUTOMATIC, metrics=(*AUTOMATIC_METRICS, "Builtin.Accuracy")), "4 metrics; allowed: 3"),
    "task": (with_job(AUTOMATIC, task=Task.CUSTOM), "task: Custom has no automatic metric"),
    "task of a judge": (with_job(JUDGE, task=Task.SUMMARIZATION), "leave it out"),
    "no judge": (with_job(JUDGE, judge=None), "judge: is missing"),
    "judge of nothing": (with_job(AUTOMATIC, judge="x"), "judge: has no effect for kind automatic"),
    "own answers": (
        replace(AUTOMATIC, candidates=(replace(NOVA, answers_of="run-1"),)),
        "candidates[0].answers_of: only kind judge and human rate existing answers",
    ),
    "answers of two for a judge": (
        replace(JUDGE, candidates=(replace(NOVA, answers_of="x"), replace(NOVA, name="other", answers_of="y"))),
        "candidates: a judge rates the answers of one source",
    ),
    "answers twice": (
        replace(HUMAN, candidates=(replace(NOVA, answers_of="x"), replace(NOVA, name="other", answers_of="x"))),
        "candidates: 2 have the answers of 'x'; allowed: one",
    ),
    "stored answers": (with_job(AUTOMATIC, answers_from="quality"), "answers_from: has no effect for kind automatic"),
    "stored and own answers": (
        with_job(replace(JUDGE, candidates=(replace(NOVA, answers_of="x"),)), answers_from="quality"),
        "candidates[0].answers_of: the answers come from the runs that `answers_from` names; leave it out",
    ),
    "parameters of stored answers": (
        with_job(
            replace(
                JUDGE, candidates=(replace(NOVA, parameters=InferenceParameters(), additional_fields='{"top_k": 5}'),)
            ),
            answers_from="quality",
        ),
        "candidates[0].additional_fields: have no effect, because stored answers are rated",
    ),
    "answers' name": (replace(JUDGE, candidates=(replace(NOVA, answers_of="-x"),)), "candidates[0].answers_of: '-x'"),
    "parameters": (
        replace(AUTOMATIC, candidates=(replace(NOVA, additional_fields=json.dumps({"x": "y" * 1_100})),)),
        "characters as JSON; allowed: 1,023",
    ),
    "metrics of people": (replace(HUMAN, metrics=("Builtin.Accuracy",)), "people answer `ratings`"),
    "three candidates": (replace(HUMAN, candidates=(NOVA,) * 3), "3 candidates; people compare at most 2"),
    "one model twice": (
        replace(HUMAN, candidates=(NOVA, replace(NOVA, name="other"))),
        "candidates[1].model: same model as candidates[0], and the output identifies answers by model",
    ),
    "comparison of one": (
        rated(Rating("Better", RatingMethod.COMPARISON_RANK)),
        "compares two candidates and there is 1; allowed: ThumbsUpDown, IndividualLikertScale",
    ),
    "no rating": (with_job(replace(HUMAN, metrics=()), ratings=()), "ratings: 0; allowed: 1 to 10"),
    "long description": (
        rated(Rating("Helpful", RatingMethod.THUMBS, "x" * 64)),
        "ratings[0].description: 64 characters; allowed: one line of 1 to 63",
    ),
    "rating's name": (rated(Rating("very helpful", RatingMethod.THUMBS)), "ratings[0].name"),
    "borrowed name": (
        rated(Rating("Builtin.Helpfulness", RatingMethod.THUMBS)),
        "begins like a built-in name",
    ),
    "ratings elsewhere": (with_job(AUTOMATIC, ratings=(HELPFUL,)), "ratings: have no effect for kind automatic"),
    "flow definition": (with_job(HUMAN, flow_definition_arn="my-flow"), "is not the ARN of a flow definition"),
    "for ever": (with_job(HUMAN, deadline_hours=721), "deadline_hours: 721; allowed: up to 720 of kind human"),
    "criteria elsewhere": (with_job(AUTOMATIC, criteria=(TONE,)), "criteria: have no effect for kind automatic"),
    "criterion unasked": (replace(OWN, metrics=("Builtin.Relevance",)), "so it is never rated"),
    "no variable": (tone(instructions="Rate {{prompt}}"), "{{prediction}} is missing; needed: at least that"),
    "odd variable": (tone(instructions="{{prompt}} {{prediction}} {{answer}}"), "{{answer}} is unknown"),
    "variables first": (
        tone(instructions="{{prompt}} {{prediction}}\nNow rate it from one to five and explain why."),
        "the variables must come last",
    ),
    "mixed scale": (tone(scale=(ScaleStep("bad", 0), ScaleStep("good", text="yes"))), "mixes numbers and texts"),
    "long scale": (tone(scale=tuple(ScaleStep(str(n), n) for n in range(11))), "11 steps; allowed: 10"),
    "long instructions": (tone(instructions="x" * 5_001 + "{{prompt}}{{prediction}}"), "allowed: 1 to 5,000"),
    "dataset": (
        replace(AUTOMATIC, dataset=Dataset("Builtin.MMLU")),
        "'Builtin.MMLU' is not a built-in dataset of Bedrock",
    ),
    "dataset of a judge": (replace(JUDGE, dataset=Dataset("Builtin.BoolQ")), "is for kind automatic"),
    "dataset's ending": (
        replace(AUTOMATIC, dataset=Dataset("questions", "datasets", "questions.json")),
        "allowed: s3://bucket/key.jsonl",
    ),
    "reserved tag": (with_job(AUTOMATIC, tags={"aws:x": "y"}), "tags.aws:x: keys that begin with aws: are reserved"),
    "tag": (
        with_job(AUTOMATIC, tags={"team": "a;b"}),
        "tags.team: 'a;b' cannot be the value of a job's tag; allowed: at most 256 letters",
    ),
    "tag of ours": (with_job(AUTOMATIC, tags={"evaluation": "x"}), "tags.evaluation: is set automatically"),
    "many tags": (
        with_job(AUTOMATIC, tags={f"key{number}": "" for number in range(198)}),
        "tags: 201 with application, environment, evaluation; allowed: 200",
    ),
    "too many at once": (with_job(AUTOMATIC, parallel=21), "parallel: 21; allowed: 1 to 20"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_bedrock_refuses_is_refused_with_its_key_and_a_way_out(case: str) -> None:
    definition, message = REFUSED[case]
    assert message in told(definition)


def test_every_problem_says_where_its_rule_stands() -> None:
    for definition, _ in REFUSED.values():
        assert all(problem.source for problem in problems(definition))


def test_a_criterion_needs_the_answer_alone() -> None:
    assert problems(tone(instructions="Rate the tone.\n{{prediction}}")) == ()


def test_bedrocks_own_datasets_are_for_a_task_and_a_metric() -> None:
    assert {name for metrics in DATASETS_OF.values() for names in metrics.values() for name in names} == set(
        BUILT_IN_DATASETS
    )
    for task, metrics in DATASETS_OF.items():
        assert tuple(metrics) == TASK_METRICS[task]
        for metric, names in metrics.items():
            for name in names:
                asked = with_job(replace(AUTOMATIC, metrics=(metric,), dataset=Dataset(name)), task=task)
                assert problems(asked) == ()


def test_answers_are_all_asked_for_or_none() -> None:
    mixed = replace(HUMAN, candidates=(replace(NOVA, answers_of="x"), replace(NOVA, name="other")))
    (found,) = problems(mixed)
    assert str(found).startswith("candidates: some have answers_of and others have not")


def test_a_criterion_with_a_reference_needs_one_somewhere() -> None:
    referring = tone(instructions="Rate.\n{{prediction}}\n{{ground_truth}}")
    assert dataset_problems([*cases("a"), *cases("b", reference=None)], definition=referring) == ()
    (found,) = dataset_problems(cases("a", "b", reference=None), definition=referring)
    assert str(found).startswith("criteria[0].instructions: {{ground_truth}} is the referenceResponse, and no line")


def test_answers_that_nobody_asked_for_are_refused_unless_stored_ones_replace_them() -> None:
    answered = [*cases("a"), *cases("b", modelResponses=said("run-1"))]
    (found,) = dataset_problems(answered, definition=JUDGE)
    assert found.message.startswith("prompt 2: has modelResponses, but no candidate names them in answers_of")
    assert dataset_problems(answered, definition=with_job(JUDGE, answers_from="support-quality")) == ()


def test_a_judge_may_be_asked_for_everything_that_it_can_judge() -> None:
    assert problems(replace(JUDGE, metrics=tuple(JUDGE_METRICS))) == ()


def cases(*prompts: str, reference: str | None = "r", **extra: Any) -> list[Case]:
    records = [
        {"prompt": prompt, **({"referenceResponse": reference} if reference else {}), **extra} for prompt in prompts
    ]
    return list(read_cases(map(json.dumps, records), source="questions.jsonl"))


def test_a_dataset_is_held_to_the_quotas() -> None:
    assert dataset_problems(cases("a", "b"), definition=AUTOMATIC) == ()
    (many,) = dataset_problems(cases(*["a"] * 1_001), definition=AUTOMATIC)
    assert "1,001 prompts; allowed: 1,000" in many.message
    (large,) = dataset_problems(cases("a", "ü" * 2_049), definition=AUTOMATIC)
    assert "prompt 2 has 4,098 bytes; allowed: 4,096" in large.message
    (larger,) = dataset_problems(cases("a", *["b" * 5_000] * 3), definition=AUTOMATIC)
    assert "prompt 2 has 5,000 bytes, and 2 more are too large; allowed: 4,096" in larger.message
    bare = cases("a", reference=None)
    (without,) = dataset_problems([*cases("b"), *bare], definition=AUTOMATIC)
    assert "1 of 2 lines have no referenceResponse" in without.message
    toxic = replace(AUTOMATIC, metrics=("Builtin.Toxicity",))
    assert "1 of 1 lines have no referenceResponse" in dataset_problems(bare, definition=toxic)[0].message
    assert dataset_problems(bare, definition=with_job(toxic, task=Task.GENERATION)) == ()
    assert dataset_problems(bare, definition=JUDGE) == ()
    assert dataset_problems([], definition=JUDGE)[0].key == "dataset"


EARLIER = replace(JUDGE, candidates=(replace(NOVA, answers_of="run-1"),))


def said(*identifiers: str) -> list[dict[str, str]]:
    return [{"response": "Yes.", "modelIdentifier": identifier} for identifier in identifiers]


def test_a_dataset_that_holds_the_answers_passes() -> None:
    assert problems(EARLIER) == ()
    assert dataset_problems(cases("a", "b", modelResponses=said("run-1")), definition=EARLIER) == ()


def test_people_are_shown_two_answers_of_each_line() -> None:
    two = replace(HUMAN, candidates=(replace(NOVA, answers_of="x"), replace(NOVA, name="other", answers_of="y")))
    assert problems(two) == ()
    assert dataset_problems(cases("a", modelResponses=said("y", "x")), definition=two) == ()
    (one,) = dataset_problems(cases("a", modelResponses=said("x")), definition=two)
    assert "prompt 1: modelResponses of x; needed: one of x and one of y" in one.message


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        (said("run-1", "run-1"), "prompt 1: modelResponses of run-1, run-1; needed: one of run-1"),
        (said("run-2"), "prompt 1: modelResponses of run-2; needed: one of run-1"),
        ([], "prompt 1: modelResponses of nobody; needed: one of run-1"),
        ("Yes.", 'needed: [{"response": text, "modelIdentifier": text}]'),
        ([{"modelIdentifier": "run-1"}], 'needed: [{"response": text, "modelIdentifier": text}]'),
        ([{"response": "Yes."}], 'needed: [{"response": text, "modelIdentifier": text}]'),
        (["Yes."], 'needed: [{"response": text, "modelIdentifier": text}]'),
    ],
)
def test_answers_of_another_shape_or_source_are_told_once_with_the_line(answers: Any, told: str) -> None:
    (found,) = dataset_problems(cases("a", "b", modelResponses=answers), definition=EARLIER)
    assert found.key == "dataset"
    assert told in found.message


def test_an_answer_is_needed_in_every_line() -> None:
    (found,) = dataset_problems([*cases("a", modelResponses=said("run-1")), *cases("b")], definition=EARLIER)
    assert "prompt 2: modelResponses of nobody" in found.message


CUSTOM = as_custom(AUTOMATIC, evaluation="support-quality", metrics=("squad_f1",))
STORED = with_job(JUDGE, answers_from="support-quality")


def test_the_answers_of_a_custom_evaluation_may_be_judged() -> None:
    assert (problems(STORED), answers_problems(STORED, CUSTOM)) == ((), ())
    assert answers_problems(JUDGE, None) == ()


@pytest.mark.parametrize(
    ("source", "key", "told"),
    [
        (None, "answers_from", "there is no evaluation 'support-quality'"),
        (JUDGE, "answers_from", "support-quality is of kind judge; needed: an evaluation of kind custom"),
        (
            replace(CUSTOM, dataset=Dataset("other", "datasets", "other.jsonl")),
            "dataset",
            "'questions'; needed: 'other', whose prompts support-quality answers",
        ),
        (
            replace(CUSTOM, candidates=(replace(NOVA, name="haiku"),)),
            "candidates[0].name",
            "'nova' is not a candidate of support-quality; allowed: haiku",
        ),
        (
            replace(CUSTOM, candidates=(replace(NOVA, model_id="other"),)),
            "candidates[0].model",
            "amazon.nova-lite-v1:0; in support-quality 'nova' is other",
        ),
    ],
)
def test_what_keeps_stored_answers_from_being_judged(source: Definition | None, key: str, told: str) -> None:
    (found,) = answers_problems(STORED, source)
    assert (found.key, told in found.message) == (key, True)
