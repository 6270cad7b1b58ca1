"""What Bedrock would refuse of an evaluation by jobs is refused here, with line and key, and with what to use instead."""
# ruff: noqa: E501 - a case a line reads as a table

import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bedrock_eval.scores.job_measures import BUILT_IN_DATASETS, JUDGED
from tests.support.environment_files import Load, Mistakes, Write

KINDS = "custom, automatic, judge, human, comparison"
TASK = "kind: automatic\n    task: QuestionAndAnswer\n    dataset: questions"
METRICS = "metrics: [Builtin.Accuracy, Builtin.Robustness]"
FIELDS = "additional_fields: {top_k: 50}"
TAGS = "tags: {team: support}"
SCHEDULE = "schedule: {expression: rate(7 days)}"
BOOLQ = "dataset: Builtin.BoolQ"
STORED = "candidates: [small]\n    metrics: [Builtin.Relevance]"
JUDGED_BY = "    judge: large\n    dataset: questions\n    candidates: [own]"
OFF = "{definition: off, value: 0}"
RATING = "{name: Helpful, method: ThumbsUpDown, description: Is it helpful?}"
TITLE = "title: Rate answers of the support assistant"
INSTRUCTIONS = "instructions: Thumbs up when the answer solves the question."
PAIR = "candidates: [small, large]\n    ratings"
SEVERAL = "candidates: [small, large]\n    metrics: [Builtin.Accuracy]"
WORK_TEAM = "us-east-1:111111111111:workteam/private-crowd/support\n    title: Rate"

LARGE = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
JUDGE = "  judge:\n    id: us.amazon.nova-pro-v1:0\ndatasets:"

# What stands in the file, what is put there instead, and how the one line that is told begins.
REFUSED = {
    "kind": (TASK, TASK.replace("automatic", "judges"), f"25: evaluations.accuracy.kind: 'judges' is not allowed (did you mean 'judge'?); allowed: {KINDS}"),
    "kind of a number": (TASK, TASK.replace("automatic", "5"), f"25: evaluations.accuracy.kind: 5 is given; allowed: {KINDS}"),
    "kind of a list": (TASK, TASK.replace("automatic", "[judge]"), f"25: evaluations.accuracy.kind: a list is given; allowed: {KINDS}"),
    "kind of nothing": (TASK, TASK.replace("automatic", "~"), f"25: evaluations.accuracy.kind: nothing is given; allowed: {KINDS}"),
    "kind of two words": ("kind: comparison\n    by: human", "kind: comparison by human", "98: evaluations.preferred.kind: 'comparison by human' is not allowed (did you mean 'comparison'?)"),
    "comparison by nothing": ("    by: automatic\n", "", "82: evaluations.compared.by: required, but missing"),
    "comparison by another": ("by: human", "by: custom", "99: evaluations.preferred.by: 'custom' is not allowed; allowed: automatic, judge, human"),
    "kind forgotten of automatic": ("    kind: comparison\n    by: automatic\n    task: Summarization\n", "", "82: evaluations.compared.kind: missing; an evaluation without kind is custom, which has no metrics that begin with Builtin.; needed: automatic, judge, comparison by automatic, comparison by judge"),
    "kind forgotten of a task": ("    kind: comparison\n    by: automatic\n", "", "82: evaluations.compared.kind: missing; an evaluation without kind is custom, which has no task; needed: automatic, comparison by automatic"),
    "kind forgotten of a judge": (f"    kind: judge\n{JUDGED_BY}", JUDGED_BY, "45: evaluations.judged.kind: missing; an evaluation without kind is custom, which has no judge, criteria; needed: judge, comparison by judge"),
    "kind forgotten of people": ("    kind: human\n", "", "71: evaluations.rated.kind: missing; an evaluation without kind is custom, which has no work_team, title, instructions, ratings, workers; needed: human, comparison by human"),
    "kind forgotten of a comparison": ("    kind: comparison\n    by: judge\n", "    by: judge\n", "90: evaluations.judged-both.kind: missing; an evaluation without kind is custom, which has no by, judge; needed: comparison by judge"),
    "no evaluation": ("  built-in:\n", "  nothing: 5\n  built-in:\n", "39: evaluations.nothing: 5 is not keys with values"),
    "key of another kind": (TAGS, f"{TAGS}\n    judge: small", "39: evaluations.accuracy.judge: no such key of kind automatic (it is one of kind judge, comparison by judge); allowed: kind, dataset, candidates, task, metrics, gates,"),
    "key of custom": (TAGS, f"{TAGS}\n    max_cost: 4", "39: evaluations.accuracy.max_cost: no such key of kind automatic (it is one of kind custom); allowed: kind,"),
    "key of one comparison": ("{name: Better, method: ComparisonChoice}", "{name: Better, method: ComparisonChoice}\n    parallel: 2", "107: evaluations.preferred.parallel: no such key of kind comparison by human (it is one of kind comparison by automatic, comparison by judge)"),
    "metrics of people": ("workers: 3", "metrics: [Builtin.Accuracy]", "80: evaluations.rated.metrics: no such key of kind human (it is one of kind custom, automatic,"),
    "misspelt key": ("parallel: 1", "paralel: 1", "89: evaluations.compared.paralel: no such key (did you mean 'parallel'?); allowed: kind, by, dataset,"),
    "system prompt": (FIELDS, "system: Be brief.", "32: evaluations.accuracy.candidates[0].system: no such key of kind automatic (it is one of kind custom); allowed: name, model, parameters, additional_fields, answers_of"),
    "template": (FIELDS, "template: '{{prompt}}'", "32: evaluations.accuracy.candidates[0].template: no such key of kind automatic (it is one of kind custom)"),
    "fields without number": (FIELDS, "additional_fields: {top_k: .nan}", "32: evaluations.accuracy.candidates[0].additional_fields: contains a number that JSON cannot represent"),
    "long fields": (FIELDS, f"additional_fields: {{x: {'y' * 1100}}}", "32: evaluations.accuracy.candidates[0].additional_fields: 1,195 characters as JSON; allowed: 1,023"),
    "bare metric": (METRICS, "metrics: [Accuracy, Builtin.Robustness]", "33: evaluations.accuracy.metrics[0]: 'Accuracy' is written 'Builtin.Accuracy' (Bedrock user guide"),
    "relevance": (METRICS, "metrics: [Builtin.Robustness, Relevance]", "33: evaluations.accuracy.metrics[1]: Builtin.Relevance needs a judge model: use kind judge; allowed here: Builtin.Accuracy"),
    "fluency": (METRICS, "metrics: [Builtin.Robustness, Fluency]", "33: evaluations.accuracy.metrics[1]: no kind of evaluation has a built-in Fluency; nearest: kind judge with Builtin.Coherence"),
    "metric twice": (METRICS, "metrics: [Builtin.Robustness, Builtin.Robustness]", "33: evaluations.accuracy.metrics[1]: 'Builtin.Robustness' is already in metrics[0]"),
    "metric with parameters": (METRICS, "metrics: [{name: Builtin.Robustness}]", "33: evaluations.accuracy.metrics[0]: a mapping is not allowed; allowed: Builtin.Accuracy, Builtin.Robustness, Builtin.Toxicity"),
    "no metric": (METRICS, "metrics: []", "33: evaluations.accuracy.metrics: none is named; allowed: Builtin.Accuracy, Builtin.Robustness, Builtin.Toxicity"),
    "toxicity of classes": ("task: QuestionAndAnswer\n    dataset: Builtin.BoolQ", "task: Classification\n    dataset: Builtin.WomensEcommerceClothingReviews", "44: evaluations.built-in.metrics[0]: Builtin.Toxicity does not exist for task Classification; allowed: Builtin.Accuracy, Builtin.Robustness"),
    "task": ("task: Summarization", "task: General", "85: evaluations.compared.task: 'General' is not allowed; allowed: QuestionAndAnswer, Summarization, Generation, Classification"),
    "metric of Bedrock in custom": ("metrics: [relevance_score, response_length]", "metrics: [relevance_score, Builtin.Accuracy]", "20: evaluations.quality.metrics[1]: 'Builtin.Accuracy' is not a metric; allowed: relevance_score,"),
    "dataset of Bedrock": (BOOLQ, "dataset: Builtin.MMLU", f"42: evaluations.built-in.dataset: 'Builtin.MMLU' is not a built-in dataset of Bedrock; allowed: {', '.join(BUILT_IN_DATASETS)}"),
    "dataset of another task": ("task: QuestionAndAnswer\n    dataset: Builtin.BoolQ", "task: Summarization\n    dataset: Builtin.BoolQ", "42: evaluations.built-in.dataset: Builtin.BoolQ is not for task Summarization; allowed: Builtin.Gigaword (Bedrock user guide"),
    "dataset of another metric": ("task: QuestionAndAnswer\n    dataset: Builtin.BoolQ", "task: Generation\n    dataset: Builtin.T-Rex", "44: evaluations.built-in.metrics[0]: Builtin.Toxicity is not scored on Builtin.T-Rex; datasets for it: Builtin.RealToxicityPrompts, Builtin.Bold (Bedrock"),
    "dataset without Builtin": (BOOLQ, "dataset: BoolQ", "42: evaluations.built-in.dataset: 'BoolQ' is written 'Builtin.BoolQ'"),
    "dataset unknown": (BOOLQ, "dataset: question", "42: evaluations.built-in.dataset: 'question' is not a key of datasets (did you mean 'questions'?); allowed: questions"),
    "dataset's name": (BOOLQ, "dataset: My Data", "42: evaluations.built-in.dataset: 'My Data' is not a name; allowed: a lower-case letter"),
    "two datasets": (BOOLQ, "dataset: [questions, Builtin.BoolQ]", "42: evaluations.built-in.dataset: 2 are given; allowed: one, and an evaluation for each of several"),
    "dataset of Bedrock in custom": ("  quality:\n    dataset: questions", "  quality:\n    dataset: Builtin.BoolQ", "18: evaluations.quality.dataset: 'Builtin.BoolQ' is a dataset of Bedrock, for kind: automatic only"),
    "dataset of Bedrock for a judge": (JUDGED_BY, JUDGED_BY.replace("questions", "Builtin.BoolQ"), "48: evaluations.judged.dataset: Builtin.BoolQ is for kind automatic; needed: a dataset of your own"),
    "two candidates": ("candidates: [own]", "candidates: [own, small]", "49: evaluations.judged.candidates: 2 are given; allowed: 1; for several use kind: comparison"),
    "no candidate": ("candidates: [own]", "candidates: []", "49: evaluations.judged.candidates: 0 are given; allowed: 1;"),
    "comparison of one": (SEVERAL, SEVERAL.replace(", large", ""), "87: evaluations.compared.candidates: 1 are given; allowed: 2 to 10; for one use kind: automatic or judge"),
    "one for people to compare": (PAIR, PAIR.replace(", large", ""), "104: evaluations.preferred.candidates: 1 are given; allowed: 2; for one use kind: human"),
    "three for people": (PAIR, PAIR.replace("large", "large, own"), "104: evaluations.preferred.candidates: 3 are given; allowed: 2;"),
    "candidate twice": (SEVERAL, SEVERAL.replace("large", "small"), "87: evaluations.compared.candidates[1].name: 'small' is already in candidates[0]; needed: another name"),
    "id as a candidate": ("candidates: [own]", "candidates: [us.amazon.nova-pro-v1:0]", "49: evaluations.judged.candidates[0]: 'us.amazon.nova-pro-v1:0' is not a key of models; allowed: a lower-case letter"),
    "candidate's model": ("candidates: [own]", "candidates: [huge]", "49: evaluations.judged.candidates[0].model: 'huge' is not a key of models; allowed: small, large, own"),
    "gate's bound": ("max: 0.2", "max: -1", "36: evaluations.accuracy.gates[0].max: -1 is outside the range of Builtin.Robustness; allowed: 0 or more (score)"),
    "gate of another kind": ("metric: Builtin.Robustness", "metric: relevance_score", "35: evaluations.accuracy.gates[0].metric: 'relevance_score' is not measured here; allowed: Builtin.Accuracy, Builtin.Robustness"),
    "drop of a neutral criterion": ("better: higher\n    gates:\n      - metric: brand-tone\n        min: 0.5", "better: neutral\n    gates:\n      - metric: brand-tone\n        max_drop: 0.1", "63: evaluations.judged.gates[0].max_drop: brand-tone has no better direction, so max_drop has no meaning; allowed: min and max"),
    "gate on texts": (f"{OFF}\n          - {{definition: on, value: 1}}", "{definition: off, text: off}", "61: evaluations.judged.gates[0].metric: 'brand-tone' has a scale of texts, so it has no mean; needed: a scale of numbers"),
    "judge unknown": (JUDGED_BY, JUDGED_BY.replace("large", "huge"), "47: evaluations.judged.judge: 'huge' is not a key of models; allowed: small, large, own"),
    "id as a judge": (JUDGED_BY, JUDGED_BY.replace("large", "us.amazon.nova-pro-v1:0"), "47: evaluations.judged.judge: 'us.amazon.nova-pro-v1:0' is not a key of models; allowed: a lower-case letter"),
    "no task": ("    task: Summarization\n", "", "82: evaluations.compared.task: required, but missing (type of task); allowed: QuestionAndAnswer, Summarization"),
    "no work team": (f"    work_team: arn:aws:sagemaker:{WORK_TEAM.partition(chr(10))[0]}\n    title: Rate", "    title: Rate", "71: evaluations.rated.work_team: required, but missing (ARN of the work team"),
    "no judge": (JUDGED_BY, JUDGED_BY.replace("    judge: large\n", ""), "45: evaluations.judged.judge: required, but missing (the model that rates: a key of `models`)"),
    "automatic metric of a judge": ("metrics: [Builtin.Correctness]", "metrics: [Builtin.Accuracy]", f"50: evaluations.judged.metrics[0]: Builtin.Accuracy is of kind automatic; allowed here: {', '.join(JUDGED)}, brand-tone"),
    "neither metrics nor criteria": ("metrics: [Builtin.Helpfulness]", "metrics: []", "96: evaluations.judged-both.metrics: none is named; allowed: Builtin.Correctness"),
    "criterion's direction": ("better: higher", "better: up", "60: evaluations.judged.criteria[0].better: 'up' is not allowed; allowed: higher, lower, neutral"),
    "criterion's variable": ("          Answer: {{prediction}}\n", "", "53: evaluations.judged.criteria[0].instructions: {{prediction}} is missing; needed: at least that"),
    "criterion's order": ("Answer: {{prediction}}", "Answer: {{prediction}}\n          Be strict about every single word of it.", "53: evaluations.judged.criteria[0].instructions: the variables must come last, after all instructions"),
    "criterion's step": (OFF, "{definition: off}", "58: evaluations.judged.criteria[0].scale[0]: needed: a value, a number or a text"),
    "criterion's steps": (OFF, "\n          - ".join(f"{{definition: step, value: {step}}}" for step in range(10)), "57: evaluations.judged.criteria[0].scale: 11 steps; allowed: 10"),
    "long definition": (OFF, f"{{definition: {'x' * 101}, value: 0}}", "58: evaluations.judged.criteria[0].scale[0]: texts have 1 to 100 characters"),
    "answers from nowhere": ("answers_from: quality", "answers_from: qualities", "70: evaluations.stored.answers_from: there is no evaluation 'qualities'; needed: the name of a custom one"),
    "answers from jobs": ("answers_from: quality", "answers_from: judged", "70: evaluations.stored.answers_from: judged is of kind judge; needed: an evaluation of kind custom"),
    "answers from itself": ("answers_from: quality", "answers_from: stored", "70: evaluations.stored.answers_from: stored is of kind judge; needed: an evaluation of kind custom"),
    "answers of another": (STORED, STORED.replace("small", "large"), "68: evaluations.stored.candidates[0].name: 'large' is not a candidate of quality; allowed: small"),
    "answers of another model": (STORED, STORED.replace("small", "{name: small, model: large}"), "68: evaluations.stored.candidates[0].model: us.anthropic.claude-haiku-4-5-20251001-v1:0; in quality 'small' is amazon.nova-lite-v1:0"),
    "parameters of answers": (STORED, STORED.replace("small", "{name: small, model: small, parameters: {max_tokens: 5}}"), "68: evaluations.stored.candidates[0].parameters: have no effect, because stored answers are rated"),
    "grace": (SCHEDULE, "schedule: {expression: rate(7 days), grace_hours: 24}", "37: evaluations.accuracy.schedule.grace_hours: 24; with deadline_hours 24 a run may take 32; needed: at least that, or leave it out"),
    "schedule within the deadline": (SCHEDULE, "schedule: {expression: rate(12 hours)}", "37: evaluations.accuracy.schedule.expression: 'rate(12 hours)' starts again after 12 hours, and a run may take deadline_hours, 24, so the next run would be skipped; allowed: deadline_hours up to 12, or runs further apart"),
    "twice a week for people": ("task_hours: 72", "schedule: {expression: 'cron(0 6 ? * MON,THU *)'}", "81: evaluations.rated.schedule.expression: 'cron(0 6 ? * MON,THU *)' starts again after 72 hours, and a run may take deadline_hours, 168"),
    "deadline": (SCHEDULE, "deadline_hours: 200", "37: evaluations.accuracy.deadline_hours: 200; allowed: up to 168 of kind automatic"),
    "deadline of people": ("task_hours: 72", "deadline_hours: 721", "81: evaluations.rated.deadline_hours: 721; allowed: up to 720 of kind human (AWS General Reference"),
    "kept jobs": (SCHEDULE, "keep_jobs: 5000", "37: evaluations.accuracy.keep_jobs: 5000; allowed: 1 to 4,999 (AWS General Reference"),
    "kept jobs together": (SCHEDULE, "keep_jobs: 4900", "64: evaluations.stored.keep_jobs: 5,050 jobs are kept up to this evaluation; allowed: 5,000 in an account and Region"),
    "side by side": ("parallel: 1", "parallel: 21", "89: evaluations.compared.parallel: 21; allowed: 1 to 20 of kind automatic"),
    "tag's value": (TAGS, "tags: {team: a;b}", "38: evaluations.accuracy.tags.team: 'a;b' cannot be the value of a job's tag; allowed: at most 256 letters"),
    "tag's blank": (TAGS, 'tags: {team: "a\\u00a0b"}', "38: evaluations.accuracy.tags.team: 'a\\xa0b' cannot be the value of a job's tag"),
    "tag's key": (TAGS, "tags: {'a;b': c}", "38: evaluations.accuracy.tags['a;b']: 'a;b' cannot be a job's tag; allowed: 1 to 128 letters"),
    "own tag": (TAGS, "tags: {environment: prod}", "38: evaluations.accuracy.tags.environment: is set automatically; do not set: application, environment, evaluation"),
    "reserved tag": (TAGS, "tags: {'aws:x': y}", "38: evaluations.accuracy.tags['aws:x']: keys that begin with aws: are reserved by AWS"),
    "owner as a tag": ("owner: team", "owner: Team (support)", "4: owner: 'Team (support)' is a tag of every resource; allowed: at most 256 letters"),
    "environment's tag": ("owner: team", "owner: team\ntags: {'cost center': 'a#b'}", "5: tags['cost center']: 'a#b' cannot be the value of a tag"),
    "work team": (WORK_TEAM, WORK_TEAM.replace("private-crowd/support", ""), "73: evaluations.rated.work_team: 'arn:aws:sagemaker:us-east-1:111111111111:workteam/' is not allowed; allowed: the ARN of a work team, as arn:aws:sagemaker:us-east-1"),
    "work team elsewhere": (WORK_TEAM, WORK_TEAM.replace("us-east-1", "eu-west-1"), "73: evaluations.rated.work_team: is in eu-west-1; needed: a work team in us-east-1"),
    "another's work team": (WORK_TEAM, WORK_TEAM.replace("111111111111", "222222222222"), "73: evaluations.rated.work_team: is of account 222222222222; needed: a work team of 111111111111"),
    "workers": ("workers: 3", "workers: 4", "80: evaluations.rated.workers: 4 is not allowed; allowed: 1 to 3"),
    "tasks beyond the job": ("task_hours: 72", "task_hours: 200", "81: evaluations.rated.task_hours: 200; the job would stop before its tasks end; allowed: up to deadline_hours, 168"),
    "emoji in the title": (TITLE, "title: Rate 😀", "74: evaluations.rated.title: 'Rate 😀' is not allowed; allowed: one line of 1 to 128 characters, none of them an emoji"),
    "title": (TITLE, f"title: {'x' * 129}", "74: evaluations.rated.title: "),
    "instructions": (INSTRUCTIONS, f"instructions: {'x' * 5_001}", "75: evaluations.rated.instructions: 5,001 characters; allowed: 1 to 5,000"),
    "no instructions": (INSTRUCTIONS, "instructions: ''", "75: evaluations.rated.instructions: 0 characters; allowed: 1 to 5,000"),
    "no rating": (f"\n      - {RATING}", " []", "78: evaluations.rated.ratings: 0; allowed: 1 to 10"),
    "eleven ratings": (RATING, "\n      - ".join(f"{{name: r{number}, method: ThumbsUpDown}}" for number in range(11)), "78: evaluations.rated.ratings: 11; allowed: 1 to 10"),
    "rating twice": (RATING, f"{RATING}\n      - {RATING}", "80: evaluations.rated.ratings[1]: 'Helpful' is already in ratings[0]"),
    "rating's method": (RATING, RATING.replace("ThumbsUpDown", "Thumbs"), "79: evaluations.rated.ratings[0].method: 'Thumbs' is not allowed; allowed: ThumbsUpDown, IndividualLikertScale"),
    "rating that compares one": (RATING, RATING.replace("ThumbsUpDown", "ComparisonRank"), "79: evaluations.rated.ratings[0].method: ComparisonRank compares two candidates and there is 1; allowed: ThumbsUpDown, IndividualLikertScale"),
    "rating's description": (RATING, RATING.replace("Is it helpful?", "x" * 64), "79: evaluations.rated.ratings[0].description: 64 characters; allowed: one line of 1 to 63"),
    "rating's lines": (RATING, RATING.replace("Is it helpful?", '"a\\u2028b"'), "79: evaluations.rated.ratings[0].description: 3 characters; allowed: one line of 1 to 63"),
    "one model for people": (PAIR, PAIR.replace("large", "{name: terse, model: small, parameters: {max_tokens: 20}}"), "104: evaluations.preferred.candidates[1].model: same model as candidates[0], and the output identifies answers by model; needed: another one, or the same under another key of `models` with own_profile: true"),
    "rating's name": (RATING, RATING.replace("Helpful,", "very helpful,"), "79: evaluations.rated.ratings[0].name: 'very helpful'; allowed: 1 to 63 of letters, digits and - _ ."),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_bedrock_would_refuse_is_told_once_with_line_and_key(
    case: str, write: Write, mistakes: Mistakes, every_kind: str
) -> None:
    old, new, told = REFUSED[case]
    write("dev", (old, new), text=every_kind)
    (mistake,) = mistakes()
    assert mistake.startswith(told)


def test_the_key_that_a_kind_is_chosen_by_stands_in_no_path(write: Write, mistakes: Mistakes, every_kind: str) -> None:
    """Below an evaluation pydantic says which kind it has chosen, and `judge` is a key too."""
    write("dev", (JUDGED_BY, JUDGED_BY.replace("large", "{}")), text=every_kind)
    assert mistakes() == ["47: evaluations.judged.judge: a mapping is given; needed: text"]


def test_mistakes_beside_the_jobs_do_not_hide_those_of_the_jobs(
    write: Write, mistakes: Mistakes, every_kind: str
) -> None:
    write("dev", ("max: 0.2", "least: 0.2"), (METRICS, "metrics: [Relevance, Builtin.Robustness]"), text=every_kind)
    assert [line.partition(": ")[2].partition(":")[0] for line in mistakes()] == [
        "evaluations.accuracy.metrics[0]",
        "evaluations.accuracy.gates[0].least",
    ]


@pytest.mark.parametrize(
    "evaluation",
    ["accuracy", "built-in", "judged", "stored", "rated", "compared", "judged-both", "preferred"],
)
def test_a_broken_key_is_told_of_alone(evaluation: str, write: Write, mistakes: Mistakes, every_kind: str) -> None:
    for key in YAML(typ="safe").load(every_kind)["evaluations"][evaluation]:
        data = YAML(typ="safe").load(every_kind)
        data["evaluations"][evaluation][key] = [] if key in ("tags", "schedule") else {}
        write("dev", text=json.dumps(data))
        assert [line for line in mistakes() if not line.startswith(f"1: evaluations.{evaluation}.{key}: ")] == []


def test_a_broken_key_does_not_hide_the_mistakes_of_others(write: Write, mistakes: Mistakes, every_kind: str) -> None:
    write(
        "dev",
        (JUDGED_BY, JUDGED_BY.replace("    judge: large\n", "")),
        ("metrics: [Builtin.Correctness]", "metrics: [Correctness]"),
        ("          Answer: {{prediction}}\n", ""),
        (TITLE, f"titel: {TITLE.partition(': ')[2]}"),
        (RATING, RATING.replace("Helpful", "very helpful")),
        text=every_kind,
    )
    assert [line.partition(": ")[2].partition(":")[0] for line in mistakes()] == [
        "evaluations.judged.judge",
        "evaluations.judged.metrics[0]",
        "evaluations.judged.criteria[0].instructions",
        # Its key is there, but for the spelling.
        "evaluations.rated.titel",
        "evaluations.rated.ratings[0].name",
    ]


def test_broken_metrics_do_not_hide_a_mistake_in_a_criterion(write: Write, mistakes: Mistakes, every_kind: str) -> None:
    broken = ("metrics: [Builtin.Correctness]", "metrics: Builtin.Correctness")
    write("dev", broken, ("          Answer: {{prediction}}\n", ""), text=every_kind)
    assert [line.partition(": ")[2].partition(":")[0] for line in mistakes()] == [
        "evaluations.judged.metrics",
        "evaluations.judged.criteria[0].instructions",
    ]


def test_broken_models_and_datasets_are_told_once_and_not_by_the_jobs(
    write: Write, mistakes: Mistakes, every_kind: str
) -> None:
    write("dev", (f"id: {LARGE}", "id: haiku"), text=every_kind)
    (mistake,) = mistakes()
    assert mistake.startswith("10: models.large.id: 'haiku' is not a model id")


OF_DATASETS = {
    "too many": ([{"prompt": f"a{number}", "referenceResponse": "b"} for number in range(1_001)], 7, "holds 1,001 prompts; allowed: 1,000"),
    "too large": ([{"prompt": "ü" * 2_049, "referenceResponse": "b"}], 7, "prompt 1 has 4,098 bytes; allowed: 4,096"),
    "blank reference": ([{"prompt": "a", "referenceResponse": "b"}, {"prompt": "c", "referenceResponse": " "}], 2, "1 of 2 lines have no referenceResponse; an automatic evaluation needs one in each"),
    "answers of nobody": ([{"prompt": "a", "referenceResponse": "b"}, {"prompt": "c", "referenceResponse": "d", "modelResponses": []}], 6, "prompt 2: has modelResponses, but no candidate names them in answers_of"),
    "no reference": ([{"prompt": "a", "referenceResponse": "b"}, {"prompt": "c"}], 2, "1 of 2 lines have no referenceResponse; an automatic evaluation needs one in each"),
}  # fmt: skip


@pytest.mark.parametrize("case", OF_DATASETS)
def test_a_dataset_is_held_to_what_each_job_takes(
    case: str, folder: Path, write: Write, mistakes: Mistakes, every_kind: str
) -> None:
    lines, jobs, told = OF_DATASETS[case]
    (folder / "questions.jsonl").write_text("\n".join(map(json.dumps, lines)), "utf-8")
    write("dev", text=every_kind)
    found = mistakes()
    assert len(found) == jobs
    assert found[0].startswith(f"27: evaluations.accuracy.dataset: {told}")


@pytest.mark.parametrize(
    "schedule",
    [
        "schedule: {expression: rate(1 day)}",
        "schedule: {expression: 'cron(0 6 * * ? *)', timezone: Europe/Berlin}",
        "deadline_hours: 1\n    schedule: {expression: rate(1 hour)}",
        "schedule: {expression: 'at(2026-12-01T06:00:00)'}",
    ],
)
def test_runs_that_end_before_the_next_are_allowed(schedule: str, write: Write, load: Load, every_kind: str) -> None:
    write("dev", (SCHEDULE, schedule), text=every_kind)
    assert load().environments


def test_people_tell_two_profiles_on_one_model_apart(write: Write, load: Load, every_kind: str) -> None:
    every_kind = every_kind.replace("judge: large", "judge: own")
    same = (f"id: {LARGE}", "id: amazon.nova-lite-v1:0")
    write("dev", same, text=every_kind)
    assert load().environments


def test_without_profiles_people_do_not(write: Write, mistakes: Mistakes, every_kind: str) -> None:
    every_kind = every_kind.replace("judge: large", "judge: own")
    same = (f"id: {LARGE}", "id: amazon.nova-lite-v1:0")
    write("dev", same, ("owner: team", "owner: team\nown_profile: false"), text=every_kind)
    (mistake,) = mistakes()
    assert mistake.startswith("105: evaluations.preferred.candidates[1].model: same model as candidates[0]")


@pytest.mark.parametrize("key", ["parameters", "additional_fields"])
def test_a_model_gets_no_parameter_that_it_refuses_by_either_way(
    key: str, write: Write, mistakes: Mistakes, right: str
) -> None:
    candidate = f"{{name: five, model: five, {key}: {{top_p: 0.5}}}}"
    judged = f"  judged: {{kind: judge, judge: judge, dataset: questions, candidates: [{candidate}], metrics: [Builtin.Refusal]}}\n"
    write("dev", ("datasets:", f"  five:\n    id: us.anthropic.claude-sonnet-5-5\n{JUDGE}"), text=right + judged)
    assert mistakes() == [
        f"24: evaluations.judged.candidates[0].{key}.top_p: 'us.anthropic.claude-sonnet-5-5' refuses top_p, as every "
        "Claude since 4.7 does; leave it out"
    ]


def test_a_dataset_in_s3_has_a_key_that_jobs_can_name(write: Write, mistakes: Mistakes, right: str) -> None:
    judged = (
        "  judged: {kind: judge, judge: judge, dataset: questions, candidates: [small], metrics: [Builtin.Refusal]}\n"
    )
    source = right[right.index("    source: ") : right.index("evaluations:")]
    write("dev", (source, "    source: s3://bucket/a b.jsonl\n"), ("datasets:", JUDGE), text=right + judged)
    assert mistakes() == [
        "22: evaluations.judged.dataset: 's3://bucket/a b.jsonl'; allowed: s3://bucket/key.jsonl, the key of letters, "
        "digits and - _ . ! * ' ( ) / (CreateEvaluationJob, s3Uri)"
    ]


def test_answers_in_the_dataset_are_those_that_are_named(
    folder: Path, write: Write, load: Load, mistakes: Mistakes, right: str
) -> None:
    def answered(by: str) -> None:
        answers = [{"response": "Because.", "modelIdentifier": by}]
        line = {"prompt": "Why?", "referenceResponse": "Because.", "modelResponses": answers}
        (folder / "questions.jsonl").write_text(json.dumps(line))

    candidate = "{name: own, model: small, answers_of: chatbot-2}"
    judged = f"  judged: {{kind: judge, judge: judge, dataset: questions, candidates: [{candidate}], metrics: [Builtin.Refusal]}}\n"
    write("dev", ("datasets:", JUDGE), text=right + judged)
    answered("chatbot-2")
    assert load().environments
    answered("chatbot-1")
    (mistake,) = mistakes()
    assert mistake.startswith(
        "22: evaluations.judged.dataset: prompt 1: modelResponses of chatbot-1; needed: one of chatbot-2"
    )


def test_a_model_that_jobs_cannot_ask_is_refused_unless_its_answers_are_there(
    write: Write, load: Load, mistakes: Mistakes, every_kind: str
) -> None:
    # As the judge it may rate, and answers that are stored need nobody to be asked.
    write("dev", ("    id: us.amazon.nova-pro-v1:0", "    id: us.amazon.nova-2-lite-v1:0"), text=every_kind)
    (mistake,) = mistakes()
    assert mistake.startswith(
        "49: evaluations.judged.candidates[0].model: the model card of amazon.nova-2-lite-v1:0 says that evaluation "
        "jobs do not call it"
    )
    stored = ("candidates: [own]", "candidates: [large]")
    write("dev", ("    id: us.amazon.nova-pro-v1:0", "    id: us.amazon.nova-2-lite-v1:0"), stored, text=every_kind)
    assert load().environments


def test_a_judge_that_the_user_guide_does_not_list_is_refused(
    write: Write, mistakes: Mistakes, load: Load, every_kind: str
) -> None:
    write("dev", (f"id: {LARGE}", "id: us.anthropic.claude-haiku-5-5"), text=every_kind)
    judge = "anthropic.claude-haiku-5-5 is not among the models that Bedrock accepts as a judge"
    assert [line.partition(" (")[0] for line in mistakes()] == [
        f"47: evaluations.judged.judge: {judge}",
        f"66: evaluations.stored.judge: {judge}",
    ]
    write("dev", (f"id: {LARGE}", "id: us.anthropic.claude-sonnet-4-6"), text=every_kind)
    assert load().environments


def test_a_judge_of_ones_own_criteria_alone_is_refused_for_metrics_of_bedrock(
    write: Write, mistakes: Mistakes, every_kind: str
) -> None:
    write("dev", (f"id: {LARGE}", "id: us.meta.llama3-3-70b-instruct-v1:0"), text=every_kind)
    only = "meta.llama3-3-70b-instruct-v1:0 judges metrics of one's own only"
    assert [line.partition(" (")[0] for line in mistakes()] == [
        f"47: evaluations.judged.judge: {only}",
        f"66: evaluations.stored.judge: {only}",
    ]


def test_a_schedule_that_rates_the_same_answers_again_is_a_warning(write: Write, load: Load, every_kind: str) -> None:
    again = ("answers_from: quality", "answers_from: quality\n    schedule: {expression: rate(7 days)}")
    write("dev", again, text=every_kind)
    (warning,) = [line for line in load().warnings if "answers_from" in line.partition(": ")[2].partition(":")[0]]
    assert warning.startswith("environments/dev.yaml:70: evaluations.stored.answers_from: quality has no schedule")
    weekly = (
        "        min: 0.5\n  accuracy:",
        "        min: 0.5\n    schedule: {expression: rate(7 days)}\n  accuracy:",
    )
    write("dev", again, weekly, text=every_kind)
    assert not [line for line in load().warnings if "has no schedule" in line]
