"""Every shape of output that Bedrock has been seen to write becomes outcomes, and nothing is lost silently."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_eval.evaluation.cases import Case, read_cases
from bedrock_eval.jobs.collection import Agreement, Collected, collect, read_lines, read_output, result_keys
from bedrock_eval.jobs.records import JobRecord, Unread, read_record
from bedrock_eval.results.outcomes import FailureReason
from bedrock_eval.scores.job_measures import BUILT_INS, RatingMethod, canonical

NOVA = "arn:aws:bedrock:us-east-1:111111111111:inference-profile/us.amazon.nova-2-lite-v1:0"
HAIKU = "us.anthropic.claude-haiku-5-5"


def record(value: object) -> JobRecord:
    found = read_record(json.dumps(value), where="here")
    assert isinstance(found, JobRecord)
    return found


def automatic(prompt: str, *scores: dict[str, Any], model: str = NOVA, **extra: Any) -> dict[str, Any]:
    return {
        "automatedEvaluationResult": {"scores": list(scores)},
        "inputRecord": {"prompt": prompt, "referenceResponse": "Within 30 days.", "category": "returns"},
        "modelResponses": [{"modelIdentifier": model, "response": f"answer to {prompt}"}],
        **extra,
    }


def human(prompt: str, *answers: dict[str, Any], as_list: bool = True) -> dict[str, Any]:
    task = {
        "flowDefinitionArn": "arn:aws:sagemaker:us-east-1:111111111111:flow-definition/x",
        "humanAnswers": [
            {
                "answerContent": {"evaluationResults": results},
                "workerId": "w-1234",
                "workerMetadata": {"identityData": {"sub": "11111111-2222-3333", "issuer": "https://cognito"}},
            }
            for results in answers
        ],
        "modelResponseIdMap": {"0": NOVA, "1": HAIKU},
    }
    return {
        "humanEvaluationResult": [task] if as_list else task,
        "inputRecord": {"prompt": prompt},
        "modelResponses": [{"modelIdentifier": NOVA, "response": "a"}, {"modelIdentifier": HAIKU, "response": "b"}],
    }


def gather(
    *values: object, metrics: tuple[str, ...], asked: list[Case] | int | None = None, both: bool = False
) -> Collected:
    candidates = {NOVA: "nova", HAIKU: "haiku"} if both else {NOVA: "nova"}
    lines = [json.dumps(value) for value in values]
    return collect(read_lines(lines, source="out"), candidates=candidates, metrics=metrics, asked=asked)


@pytest.mark.parametrize("name", ["Accuracy", "Builtin.Accuracy"])
@pytest.mark.parametrize(
    ("result", "value"),
    [
        (0.319, 0.319),
        (1, 1.0),
        (17.9, 17.9),
        (None, None),
        (True, 1.0),
        ("0.5", 0.5),
        (10**400, None),
        (1e300, None),
        (float("nan"), None),
    ],
)
def test_both_spellings_and_every_kind_of_result(name: str, result: object, value: float | None) -> None:
    (score,) = record(automatic("p", {"metricName": name, "result": result})).scores
    assert (score.metric, score.value) == ("Builtin.Accuracy", value)


def test_a_score_without_a_result_is_none_and_not_zero() -> None:
    (score,) = record(automatic("p", {"metricName": "Accuracy"})).scores
    assert score.value is None


def test_the_explanation_of_a_judge_is_kept() -> None:
    details = [{"modelIdentifier": "judge", "explanation": "It says why."}]
    (score,) = record(
        automatic("p", {"metricName": "Builtin.Correctness", "result": 0.5, "evaluatorDetails": details})
    ).scores
    assert score.explanation == "It says why."


def test_a_text_on_a_scale_of_texts_is_a_label() -> None:
    (score,) = record(automatic("p", {"metricName": "tone", "result": "friendly"})).scores
    assert (score.metric, score.value, score.label) == ("tone", None, "friendly")


def test_a_number_that_is_written_as_a_text_is_no_label() -> None:
    (score,) = record(automatic("p", {"metricName": "Toxicity", "result": "0.25"})).scores
    assert (score.value, score.label) == (0.25, None)


def test_a_result_may_be_an_object_or_a_list() -> None:
    value = automatic("p", {"metricName": "Accuracy", "result": 1})
    value["automatedEvaluationResult"] = [value["automatedEvaluationResult"]]
    assert record(value).scores[0].value == 1.0


def test_answers_of_ones_own_stand_twice_and_count_once() -> None:
    value = automatic("p", {"metricName": "Builtin.Correctness", "result": 1})
    value["inputRecord"]["modelResponses"] = value["modelResponses"]
    assert len(record(value).answers) == 1
    del value["modelResponses"]
    assert len(record(value).answers) == 1


def test_a_record_of_a_retrieval_job() -> None:
    value = {
        "conversationTurns": [
            {
                "inputRecord": {
                    "prompt": {"content": [{"text": "How?"}]},
                    "referenceResponses": [{"content": [{"text": "So."}]}],
                },
                "output": {"text": "Thus.", "modelIdentifier": NOVA},
                "results": [{"metricName": "Builtin.LogicalCoherence", "result": 0.75}],
            }
        ]
    }
    found = record(value)
    assert (found.prompt, found.reference, found.answers[0].text) == ("How?", "So.", "Thus.")
    assert found.scores[0].value == 0.75


@pytest.mark.parametrize("as_list", [True, False])
@pytest.mark.parametrize("key", ["thumbsUpDown", "ThumbsUpDown"])
def test_ratings_by_several_people(key: str, as_list: bool) -> None:
    def thumbs(nova: bool, haiku: bool) -> dict[str, Any]:
        return {
            key: [
                {"metricName": "Helpful", "modelResponseId": "0", "result": nova},
                {"metricName": "Helpful", "modelResponseId": "1", "result": haiku},
            ]
        }

    value = human("p", thumbs(True, True), thumbs(True, False), thumbs(False, False), as_list=as_list)
    found = gather(value, metrics=("Helpful",), both=True)
    scores = {outcome.candidate: outcome.scores["Helpful"] for outcome in found.outcomes}
    assert scores == {"nova": pytest.approx(2 / 3), "haiku": pytest.approx(1 / 3)}
    assert found.agreement == (Agreement("Helpful", pairs=6, equal=2),)


def test_a_rating_by_people_keeps_its_name_though_bedrock_has_a_metric_of_it() -> None:
    rating = {"metricName": "Helpfulness", "modelResponseId": "0", "result": True}
    found = gather(human("p", {"thumbsUpDown": [rating]}), metrics=("Helpfulness",))
    assert found.unexpected == ()
    assert [outcome.scores for outcome in found.outcomes] == [{"Helpfulness": 1.0}]


COMPARISONS = {
    RatingMethod.COMPARISON_CHOICE: ({"metricName": "m", "result": {"modelResponseId": "0"}}, 1.0, 0.0),
    RatingMethod.COMPARISON_RANK: (
        {"metricName": "m", "result": [{"modelResponseId": "0", "rank": 2}, {"modelResponseId": "1", "rank": 1}]},
        2.0,
        1.0,
    ),
    RatingMethod.COMPARISON_LIKERT: (
        {"metricName": "m", "leftModelResponseId": "0", "rightModelResponseId": "1", "result": 2},
        0.75,
        0.25,
    ),
    RatingMethod.LIKERT: ({"metricName": "m", "modelResponseId": "0", "result": 4}, 4.0, None),
}


@pytest.mark.parametrize("method", COMPARISONS)
def test_every_rating_method(method: RatingMethod) -> None:
    rating, nova, haiku = COMPARISONS[method]
    key = method[0].lower() + method[1:]
    found = gather(human("p", {key: [rating]}), metrics=("m",), both=True)
    scores = {outcome.candidate: outcome.scores.get("m") for outcome in found.outcomes}
    assert scores == {"nova": nova, "haiku": haiku}


THUMB_T = {"thumbsUpDown": [{"metricName": "t", "modelResponseId": "0", "result": True}]}
THUMB = {"thumbsUpDown": [{"metricName": "m", "modelResponseId": "0", "result": True}]}


@pytest.mark.parametrize(("result", "value"), [("true", 1.0), ("False", 0.0), ("perhaps", None)])
def test_thumbs_may_be_written_as_texts(result: str, value: float | None) -> None:
    found = record(human("p", {"thumbsUpDown": [{"metricName": "m", "modelResponseId": "0", "result": result}]}))
    assert [score.value for score in found.scores] == [value]


def test_a_choice_of_an_answer_that_is_not_there_is_no_rating() -> None:
    found = gather(human("p", {"comparisonChoice": [{"metricName": "m", "result": "7"}]}), metrics=("m",), both=True)
    assert {outcome.failure for outcome in found.outcomes} == {FailureReason.NO_RESPONSE}


def test_a_record_as_sagemakers_guide_has_it() -> None:
    value = human("p", THUMB, as_list=False)
    value["inputRecord"] = {"prompt": {"text": "p"}, "category": "c", "referenceResponse": {"text": "r"}}
    value["modelResponses"] = [{"modelIdentifier": NOVA, "text": "a"}, {"modelIdentifier": HAIKU, "text": "b"}]
    found = record(value)
    assert (found.prompt, found.reference, found.category) == ("p", "r", "c")
    assert [answer.text for answer in found.answers] == ["a", "b"]


@pytest.mark.parametrize("step", [0, 6, -1])
def test_a_likert_comparison_off_its_scale_makes_all_of_that_metric_unknown(step: float) -> None:
    """The guides say 0 or 1 of a result that their example shows on a scale: 1 would then mean the opposite."""

    def rated(prompt: str, result: float) -> dict[str, Any]:
        sides = {"leftModelResponseId": "0", "rightModelResponseId": "1"}
        return human(prompt, {"comparisonLikertScale": [{"metricName": "m", **sides, "result": result}], **THUMB_T})

    found = gather(rated("p", 1), rated("q", step), metrics=("m", "t"), both=True)
    assert [outcome.scores for outcome in found.outcomes] == [{"t": 1.0}, {"t": 1.0}, {}, {}]
    assert found.unread == (Unread("rates m off the scale of 1 to 5: none of its ratings is counted", "out:2"),)


def test_what_nobody_rated_is_not_answered() -> None:
    found = gather(human("rated", THUMB), human("not rated"), metrics=("m",), both=True)
    assert [(each.candidate, each.prompt, each.failure) for each in found.outcomes] == [
        ("nova", "rated", None),
        ("nova", "not rated", FailureReason.NO_RESPONSE),
        ("haiku", "rated", FailureReason.NO_RESPONSE),
        ("haiku", "not rated", FailureReason.NO_RESPONSE),
    ]


def test_ratings_of_two_answers_of_one_model_cannot_be_told_apart() -> None:
    value = human("p", THUMB)
    value["humanEvaluationResult"][0]["modelResponseIdMap"] = {"0": NOVA, "1": NOVA}
    (unread,) = gather(value, metrics=("m",), both=True).unread
    assert unread == Unread("names two answers of one model, so the ratings cannot be assigned to answers", "out:1")


@pytest.mark.parametrize("named", [{}, {"0": "somebody-else", "1": HAIKU}])
def test_ratings_of_nobody_that_was_asked_are_named(named: dict[str, str]) -> None:
    value = human("p", THUMB)
    value["humanEvaluationResult"][0]["modelResponseIdMap"] = named
    found = gather(value, metrics=("m",), both=True)
    assert found.unread == (Unread("holds answers or scores that are no candidate's", "out:1"),)
    assert all(outcome.failure for outcome in found.outcomes)


def test_no_identity_of_a_worker_is_kept() -> None:
    rating = {"thumbsUpDown": [{"metricName": "Helpful", "modelResponseId": "0", "result": True}]}
    kept = repr(record(human("p", rating)))
    assert all(secret not in kept for secret in ("w-1234", "2222", "cognito"))


def test_a_rating_of_two_answers_against_each_other_is_one_of_each_person() -> None:
    def picks(chosen: str) -> dict[str, Any]:
        return {"comparisonChoice": [{"metricName": "m", "result": {"modelResponseId": chosen}}]}

    found = gather(human("p", picks("0"), picks("0"), picks("1")), metrics=("m",), both=True)
    assert found.agreement == (Agreement("m", pairs=3, equal=1),)


def test_what_a_judge_said_and_chose_goes_with_the_case() -> None:
    scores = [
        {"metricName": "Correctness", "result": 0.5, "evaluatorDetails": [{"explanation": "Half of it."}]},
        {"metricName": "tone", "result": "friendly", "evaluatorDetails": {"explanation": "It smiles."}},
        {"metricName": "Builtin.Refusal", "result": 0},
    ]
    found = gather(automatic("p", *scores), metrics=("Builtin.Correctness", "tone", "Builtin.Refusal"))
    (outcome,) = found.outcomes
    assert outcome.scores == {"Builtin.Correctness": 0.5, "tone": None, "Builtin.Refusal": 0.0}
    assert outcome.labels == {"tone": "friendly"}
    assert outcome.explanations == {"Builtin.Correctness": "Half of it.", "tone": "It smiles."}


@pytest.mark.parametrize("response", [None, 7])
def test_an_answer_that_is_not_told_is_unknown_and_not_empty(response: object) -> None:
    value = automatic("p", {"metricName": "Accuracy", "result": 1})
    value["modelResponses"][0]["response"] = response
    assert gather(value, metrics=("Builtin.Accuracy",)).outcomes[0].response is None


def test_a_retrieval_job_without_generation_has_no_answer() -> None:
    value = {
        "conversationTurns": [
            {
                "inputRecord": {"prompt": {"content": [{"text": "How?"}]}},
                "output": {"knowledgeBaseIdentifier": "KB1", "retrievedPassages": {"retrievalResults": []}},
                "results": [{"metricName": "ContextRelevance", "result": 0.5}],
            }
        ]
    }
    (outcome,) = gather(value, metrics=("Builtin.ContextRelevance",)).outcomes
    assert (outcome.response, outcome.scores) == (None, {"Builtin.ContextRelevance": 0.5})


def cases(*lines: object) -> list[Case]:
    return list(read_cases([json.dumps(line) for line in lines], source="set"))


def test_a_prompt_that_bedrock_left_out_is_a_failed_case() -> None:
    asked = cases({"prompt": "one"}, {"prompt": "two"}, {"prompt": "one"})
    answered = automatic("one", {"metricName": "Accuracy", "result": 0.5})
    found = gather(answered, answered, metrics=("Builtin.Accuracy",), asked=asked)
    assert [(each.case_id, each.failure) for each in found.outcomes] == [
        (asked[0].id, None),
        (asked[1].id, FailureReason.NO_RESPONSE),
        (f"{asked[0].id}#2", None),
    ]


def test_a_prompt_that_comes_back_more_often_than_it_was_asked_counts_once() -> None:
    asked = cases({"prompt": "one"}, {"prompt": "two"})
    again = [automatic("one", {"metricName": "Accuracy", "result": value}) for value in (1, 0)]
    found = gather(*again, metrics=("Builtin.Accuracy",), asked=asked)
    assert [(each.case_id, each.scores) for each in found.outcomes] == [
        (asked[0].id, {"Builtin.Accuracy": 1.0}),
        (asked[1].id, {}),
    ]
    assert found.unread == (Unread("holds a prompt more often than it was asked of nova", "out:2"),)


def test_a_record_without_answer_and_score_is_not_answered() -> None:
    value = automatic("p", {"metricName": "Accuracy", "result": None})
    value["modelResponses"][0]["response"] = None
    bare = automatic("q")
    bare["modelResponses"] = []
    found = gather(value, bare, metrics=("Builtin.Accuracy",))
    assert [each.failure for each in found.outcomes] == [FailureReason.NO_RESPONSE] * 2


@pytest.mark.parametrize("prompt", ["How many\ndays?", " How many  days? \n", "How many\r\ndays?"])
def test_a_prompt_whose_white_space_has_changed_is_still_the_case(prompt: str) -> None:
    asked = cases({"prompt": "How many\n\ndays?", "category": "c", "cluster": "k"})
    value = automatic(prompt, {"metricName": "Accuracy", "result": 1})
    del value["inputRecord"]["category"]
    (outcome,) = gather(value, metrics=("Builtin.Accuracy",), asked=asked).outcomes
    assert (outcome.case_id, outcome.failure, outcome.category, outcome.cluster) == (asked[0].id, None, "c", "k")


def test_prompts_that_differ_in_white_space_alone_stay_two_cases() -> None:
    asked = cases({"prompt": "a b"}, {"prompt": "a  b"})
    values = [automatic(text, {"metricName": "Accuracy", "result": n}) for n, text in enumerate(("a  b", "a b"))]
    found = gather(*values, metrics=("Builtin.Accuracy",), asked=asked)
    assert [each.scores["Builtin.Accuracy"] for each in found.outcomes] == [1.0, 0.0]


def test_of_a_prompt_that_was_asked_twice_the_reference_says_which_case_it_is() -> None:
    asked = cases({"prompt": "p", "referenceResponse": "one"}, {"prompt": "p", "referenceResponse": "two"})
    value = automatic("p", {"metricName": "Accuracy", "result": 1})
    value["inputRecord"]["referenceResponse"] = "two"
    found = gather(value, metrics=("Builtin.Accuracy",), asked=asked)
    assert [each.failure for each in found.outcomes] == [FailureReason.NO_RESPONSE, None]


@pytest.mark.parametrize("known", [True, False])
def test_a_file_for_each_metric_makes_one_case_of_each_prompt(known: bool) -> None:
    """The user guide speaks of such files; in its example and in real output a record holds all scores."""
    asked = cases({"prompt": "p"}, {"prompt": "p"}, {"prompt": "q"}) if known else None
    first = [automatic(prompt, {"metricName": "Accuracy", "result": n}) for n, prompt in enumerate("ppq")]
    second = [automatic(prompt, {"metricName": "Toxicity", "result": n / 4}) for n, prompt in enumerate("ppq")]
    found = gather(*first, *second, metrics=("Builtin.Accuracy", "Builtin.Toxicity"), asked=asked)
    assert [(each.prompt, *each.scores.values()) for each in found.outcomes] == [
        ("p", 0.0, 0.0),
        ("p", 1.0, 0.25),
        ("q", 2.0, 0.5),
    ]
    assert found.unread == ()


def test_a_prompt_that_the_dataset_does_not_hold_is_a_case_of_its_own_and_named() -> None:
    asked = cases({"prompt": "one"})
    values = [automatic(prompt, {"metricName": "Accuracy", "result": 1}) for prompt in ("one", "new")]
    found = gather(*values, metrics=("Builtin.Accuracy",), asked=asked)
    assert [each.prompt for each in found.outcomes] == ["one", "new"]
    assert found.unasked == ("out:2",)


def test_a_byte_order_mark_hides_no_record() -> None:
    body = b"\xef\xbb\xbf" + json.dumps(automatic("p", {"metricName": "Accuracy", "result": 1})).encode()
    (found,) = read_output(body, source="out")
    assert isinstance(found, JobRecord)


@given(prompt=st.text(min_size=1, max_size=40), answer=st.text(max_size=40), reason=st.text(max_size=40))
def test_any_text_comes_back_as_one_record(prompt: str, answer: str, reason: str) -> None:
    """Bedrock writes characters as they are: U+2028 and the like end no line."""
    details = [{"explanation": reason}]
    value = automatic(prompt, {"metricName": "Accuracy", "result": 1, "evaluatorDetails": details})
    value["modelResponses"][0]["response"] = answer
    body = (json.dumps(value, ensure_ascii=False) + "\n") * 2
    found = list(read_output(body.encode("utf-8", "replace"), source="out"))
    assert [isinstance(each, JobRecord) for each in found] == [True, True]
    shown = found[0]
    assert isinstance(shown, JobRecord)
    assert len(shown.answers[0].text or "") == len(answer)


def test_without_a_dataset_what_came_back_is_known() -> None:
    value = automatic("p", {"metricName": "Accuracy", "result": 1})
    found = gather(value, value, metrics=("Builtin.Accuracy",))
    first, second = found.outcomes
    assert (first.category, first.reference, first.response) == ("returns", "Within 30 days.", "answer to p")
    assert (second.case_id, found.repeated) == (f"{first.case_id}#2", 1)


def test_of_a_dataset_of_bedrocks_own_the_number_of_prompts_is_known() -> None:
    value = automatic("p", {"metricName": "Accuracy", "result": 1})
    found = gather(value, metrics=("Builtin.Accuracy",), asked=3)
    assert [(each.prompt, each.failure) for each in found.outcomes] == [
        ("p", None),
        ("", FailureReason.NO_RESPONSE),
        ("", FailureReason.NO_RESPONSE),
    ]
    assert len({each.case_id for each in found.outcomes}) == 3


def test_a_metric_that_nobody_asked_for_is_named() -> None:
    found = gather(automatic("p", {"metricName": "Novelty", "result": 1}), metrics=("Builtin.Accuracy",))
    assert found.unexpected == ("Novelty",)
    assert found.outcomes[0].scores == {}


def test_lines_that_are_no_record_are_named_with_their_place() -> None:
    lines = ["", "not json", "[]", '{"a": 1}', '{"automatedEvaluationResult": {}}', '{"conversationTurns": []}']
    found = collect(read_lines(lines, source="out"), candidates={NOVA: "nova"}, metrics=(), asked=None)
    assert [each.where for each in found.unread] == ["out:2", "out:3", "out:4", "out:5", "out:6"]


def test_stray_files_are_ignored_but_named() -> None:
    base = "jobs/quality/20261123T060000Z/job/uuid/"
    results, strays = result_keys(
        [
            f"{base}models/m/taskTypes/General/datasets/d/1_output.jsonl",
            f"{base}amazon-bedrock-permission-check",
            f"{base}custom_metrics/tone.json",
            f"{base}models/",
        ]
    )
    assert results == (f"{base}models/m/taskTypes/General/datasets/d/1_output.jsonl",)
    assert strays == (f"{base}amazon-bedrock-permission-check",)


def test_files_by_metric_are_results_where_there_are_no_others() -> None:
    base = "jobs/quality/20261123T060000Z/job/uuid/models/m/taskTypes/Summarization/datasets/"
    by_metric = [f"{base}Accuracy_questions.jsonl", f"{base}Toxicity_questions.jsonl"]
    other = f"{base}../manifest.json"
    assert result_keys([*by_metric, other]) == (tuple(by_metric), (other,))
    usual = f"{base}questions/1_output.jsonl"
    results, strays = result_keys([*by_metric, usual])
    assert results == (usual,)
    assert set(strays) == set(by_metric)


def test_only_names_of_bedrocks_own_get_its_prefix() -> None:
    assert all(canonical(name.removeprefix("Builtin.")) == name for name in BUILT_INS)
    assert canonical("brand-tone") == "brand-tone"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = ("automatedEvaluationResult", "humanEvaluationResult", "conversationTurns", "inputRecord", "modelResponses")


@given(st.dictionaries(st.sampled_from(KEYS), json_values))
def test_no_value_breaks_the_reader(value: dict[str, Any]) -> None:
    assert isinstance(read_record(json.dumps(value), where="here"), JobRecord | Unread)


@given(json_values, json_values, json_values)
def test_no_value_inside_a_record_breaks_the_reader(result: object, details: object, answers: object) -> None:
    value = automatic("p", {"metricName": "Accuracy", "result": result, "evaluatorDetails": details})
    value["modelResponses"] = answers
    (score,) = record(value).scores
    assert score.value is None or score.value == score.value  # never NaN
    task = human("p", {"comparisonRank": result, "thumbsUpDown": details, "comparisonChoice": answers})
    assert isinstance(record(task), JobRecord)
