from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from bedrock_eval.scores import METRICS as METRICS_BY_NAME
from configuration.loading.load import EnvironmentsError, Loaded, load_environments
from configuration.schema.data_identifiers import DATA_IDENTIFIERS

Write = Callable[..., Path]
Load = Callable[..., Loaded]
Mistakes = Callable[..., list[str]]

ID = "id: amazon.nova-lite-v1:0"
CANDIDATES = "candidates: [small]"
METRICS = "metrics: [relevance_score, response_length]"
KNOWN_METRICS = ", ".join(METRICS_BY_NAME)
NAME_RULE = "a lower-case letter, then at most 23 of a-z, 0-9 and -"
TOP = (
    "application, account, region, owns_account, stand_in, owner, runbook_url, tags, permissions_boundary, "
    "termination_protection, removal_policy, models, datasets, evaluations, guardrails, watched_elsewhere, "
    "own_profile, invocation_logging, retention_days, subscriptions, budget, alarms"
)


def test_a_right_file_is_an_environment_named_as_the_file(write: Write, load: Load) -> None:
    write("dev")
    (environment,) = load().environments
    assert (environment.name, environment.prefix, environment.account) == ("dev", "shop-dev", "111111111111")
    (candidate,) = environment.evaluations["quality"].candidates
    assert (candidate.name, candidate.model) == ("small", "small")
    assert environment.model("small").model_id == "amazon.nova-lite-v1:0"


OF_VALUES = [
    (("shop", "Shop"), f"1: application: 'Shop' is not a name; allowed: {NAME_RULE}"),
    (
        ('"111111111111"', "111111111111"),
        '2: account: 111111111111 is a number; needed: text, so put it in quotes: "111111111111"',
    ),
    (
        ('"111111111111"', "012345678901"),
        '2: account: 012345678901 is a number; needed: text, so put it in quotes: "012345678901"',
    ),
    (
        ('"111111111111"', '"1234"'),
        "2: account: '1234' is not allowed; allowed: 12 digits in quotes, as \"123456789012\"",
    ),
    (("us-east-1", "virginia"), "3: region: 'virginia' is not allowed; allowed: a Region's name, as us-east-1"),
    (
        ("region: us-east-1\n", ""),
        "1: region: required, but missing (region of all resources, from which models are called)",
    ),
    (("owner: team", "owner: true"), '4: owner: true is true or false; needed: text, so put it in quotes: "true"'),
    (("owner: team", 'owner: ""'), "4: owner: '' is not allowed; allowed: not empty"),
    (("owner: team", "owner:"), "4: owner: nothing is given; needed: text"),
    (("owner: team", "owner: [team]"), "4: owner: a list is given; needed: text"),
    (
        ("owner: team", "owner: *team"),
        "4: not YAML: *team refers to an anchor &team, which does not exist; put text that begins with * in quotes",
    ),
    (("owner: team", "owner: !team x"), "4: owner: tag !team is not supported; allowed: plain values"),
    (("owner: team", "owner: team\nowner: other"), "5: owner: duplicate key; the first is in line 4"),
    (("owner: team", "owner: team\n1: 2"), '5: 1: the key is not text; put it in quotes: "1"'),
    (("owner: team", 'owner: "\\ud800"'), "4: owner: contains half a surrogate pair, which is not a character"),
    (
        ("owner: team", "owner: team\nname: dev"),
        "5: name: the name of the file is the name of the environment; leave this key out",
    ),
    (
        ("owner: team", "owner: team\ntag: {}"),
        f"5: tag: no such key (did you mean 'tags'?); allowed: {TOP}",
    ),
    (
        ("owner: team", "owner: team\nowns_account: yes"),
        "5: owns_account: 'yes' is not true or false",
    ),
    (
        ("owner: team", "owner: team\nremoval_policy: keep"),
        "5: removal_policy: 'keep' is not allowed; allowed: retain, destroy",
    ),
    (
        ("owner: team", "owner: team\nalarms: {throttle_percent: 0}"),
        "5: alarms.throttle_percent: 0 is not allowed; allowed: above 0, below 100",
    ),
    (
        ("owner: team", "owner: team\nalarms: {latency_anomaly: 1e-7}"),
        "5: alarms.latency_anomaly: 1e-7 is not allowed; allowed: 0.1 to 10",
    ),
    (
        ("owner: team", "owner: team\nalarms: {server_error_percent: 50}"),
        "5: alarms.server_error_percent: 50 is not allowed; allowed: above 0, below 50",
    ),
    (
        ("owner: team", "owner: team\nalarms: {guardrail_intervention_percent: 100}"),
        "5: alarms.guardrail_intervention_percent: 100 is not allowed; allowed: above 0, below 100",
    ),
    (
        ("owner: team", "owner: team\nalarms: {latency_p90_ms: .nan}"),
        "5: alarms.latency_p90_ms: .nan is not allowed; allowed: 1 to 86,400,000",
    ),
    (
        ("owner: team", "owner: team\nretention_days: {runs: 1.5}"),
        "5: retention_days.runs: 1.5 is not a whole number",
    ),
    (
        ("owner: team", "owner: team\nretention_days: {function_logs: 8}"),
        "5: retention_days.function_logs: 8 is not a retention that CloudWatch Logs offers; allowed: 1, 3, 5, 7, "
        "14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653",
    ),
    (
        ("owner: team", "owner: team\nsubscriptions:\n  - {protocol: chat, endpoint: 'https://hooks.example'}"),
        "6: subscriptions[0]: protocol chat takes no endpoint; the channel's configuration names the topic",
    ),
    (
        ("owner: team", "owner: team\nsubscriptions:\n  - {protocol: sqs}"),
        "6: subscriptions[0]: endpoint None does not fit protocol sqs; needed: the ARN of a queue",
    ),
    (
        ("owner: team", "owner: team\nsubscriptions:\n  - {protocol: email, endpoint: nobody}"),
        "6: subscriptions[0]: endpoint 'nobody' does not fit protocol email; needed: an e-mail address",
    ),
    (
        ("owner: team", "owner: team\nowns_account: true\ninvocation_logging: {data_protection: [Email]}"),
        "6: invocation_logging.data_protection[0]: 'Email' is not a managed data identifier; allowed: "
        + ", ".join(DATA_IDENTIFIERS),
    ),
    (
        ("  quality:", "  Top Quality:"),
        f"13: evaluations['Top Quality']: 'Top Quality' is not a name; allowed: {NAME_RULE}",
    ),
    (
        ("dataset: questions", "dataset: questions\n    min_coverage: 2"),
        "15: evaluations.quality.min_coverage: 2 is not allowed; allowed: 0 to 1",
    ),
    (
        ("dataset: questions", "dataset: questions\n    schedule: {expression: weekly}"),
        "15: evaluations.quality.schedule.expression: 'weekly' is not a schedule expression; "
        "allowed: rate(7 days), cron(0 6 ? * MON *) or at(2026-12-01T06:00:00)",
    ),
    (
        ("dataset: questions", "dataset: questions\n    schedule: {expression: rate(1 day), timezone: Mars}"),
        "15: evaluations.quality.schedule.timezone: 'Mars' is not an IANA time zone; "
        "allowed: names as UTC or Europe/Berlin",
    ),
    ((CANDIDATES, "candidates: []"), "15: evaluations.quality.candidates: 0 are given; allowed: 1 to 10"),
    (
        (CANDIDATES, "candidates: [5]"),
        "15: evaluations.quality.candidates[0]: 5 is not text or keys with values; its keys: name, model, and if "
        "wanted parameters, additional_fields, system, template",
    ),
    (
        (CANDIDATES, "candidates:\n      - {name: a, model: small, template: 'Q: {{promt}}'}"),
        "16: evaluations.quality.candidates[0].template: {{prompt}} appears 0 times; needed: exactly once",
    ),
    (
        (CANDIDATES, 'candidates:\n      - {name: a, model: small, system: "\\u200b "}'),
        "16: evaluations.quality.candidates[0].system: is blank; needed: a text, or leave it out",
    ),
    (
        ("min: 0.5", "min: 0.5\n        max: 0.5"),
        "18: evaluations.quality.gates[0]: min 0.5 is not below max 0.5",
    ),
    (
        ("        min: 0.5\n", ""),
        "18: evaluations.quality.gates[0]: neither min, max nor max_drop is given; needed: at least one of them",
    ),
    (
        ("- metric: relevance_score", "- metric: fluency"),
        f"18: evaluations.quality.gates[0].metric: 'fluency' is not a metric; allowed: {KNOWN_METRICS}",
    ),
    (
        (METRICS, "metrics: [relevance_score, regex_match]"),
        "16: evaluations.quality.metrics[1]: metric regex_match needs the parameter 'pattern'",
    ),
    (
        (METRICS, "metrics: [relevance_score, {name: regex_match, parameters: {pattern: '('}}]"),
        "16: evaluations.quality.metrics[1]: metric regex_match, parameter 'pattern': '(' is no regular expression: "
        "missing ), unterminated subpattern at position 0",
    ),
    (
        (METRICS, "metrics: [relevance_score, {name: f1_score, parameters: {labels: [a]}}]"),
        "16: evaluations.quality.metrics[1]: metric f1_score takes no parameter 'labels'; allowed: none",
    ),
    (
        (METRICS, "metrics: [relevance_score, {name: truncated, parameters: {stop_reason: end_turn}}]"),
        "16: evaluations.quality.metrics[1]: metric truncated takes no parameter 'stop_reason'; allowed: none",
    ),
    (
        ("dataset: questions", "dataset: questions\n    baseline: last"),
        "15: evaluations.quality.baseline: 'last' is not a run id (YYYYMMDDTHHMMSSZ, or that with "
        "-manual-<4 hex> or -retry-<4 hex>)",
    ),
    (
        ("min: 0.5", "max_drop: -0.1"),
        "19: evaluations.quality.gates[0].max_drop: -0.1 is not allowed; allowed: 0 to 1,000,000,000",
    ),
    (
        ("min: 0.5", "max_drop: 1"),
        "19: evaluations.quality.gates[0].max_drop: 1 can never be exceeded; allowed: less than 1",
    ),
    (
        (METRICS, "metrics: [1]"),
        "16: evaluations.quality.metrics[0]: 1 is not text or keys with values; its keys: name, and if wanted "
        "parameters",
    ),
]


@pytest.mark.parametrize(("change", "told"), OF_VALUES)
def test_a_wrong_value_is_named_with_what_is_allowed(
    change: tuple[str, str], told: str, write: Write, mistakes: Mistakes
) -> None:
    write("dev", change)
    assert mistakes() == [told]


BETWEEN_VALUES = [
    (
        ("dataset: questions", "dataset: question"),
        "14: evaluations.quality.dataset: 'question' is not a key of datasets (did you mean 'questions'?); allowed: "
        "questions",
    ),
    (
        (CANDIDATES, "candidates: [large]"),
        "15: evaluations.quality.candidates[0].model: 'large' is not a key of models; allowed: small",
    ),
    (
        (CANDIDATES, "candidates: [small, {name: small, model: small}]"),
        "15: evaluations.quality.candidates[1].name: 'small' is already in candidates[0]; needed: another name",
    ),
    (
        (ID, "id: nova"),
        "8: models.small.id: 'nova' is not a model id; allowed: <provider>.<model>, or <profile>.<provider>.<model>",
    ),
    (
        (ID, "id: eu.amazon.nova-lite-v1:0"),
        "8: models.small.id: profile 'eu.amazon.nova-lite-v1:0' cannot be called from us-east-1, only from "
        "eu-central-1, eu-north-1, eu-south-1, eu-south-2, eu-west-1, eu-west-3, il-central-1; allowed from there: "
        "amazon.nova-lite-v1:0, us.amazon.nova-lite-v1:0; if AWS offers it, set destination_regions",
    ),
    (
        (ID, "id: amazon.nova-lite-v1:0:300k"),
        "8: models.small.id: 'amazon.nova-lite-v1:0:300k' is an id for Provisioned Throughput, but models "
        "are called on demand; needed: 'amazon.nova-lite-v1:0'",
    ),
    (
        (ID, "id: arn:aws:bedrock:us-east-1:111111111111:provisioned-model/abcdef123456"),
        "8: models.small.id: 'arn:aws:bedrock:us-east-1:111111111111:provisioned-model/abcdef123456' is an ARN; "
        "allowed: a foundation model id (amazon.nova-lite-v1:0) or an inference profile id "
        "(us.amazon.nova-2-lite-v1:0)",
    ),
    (
        (ID, "id: cohere.command-r-v1:0"),
        "8: models.small.id: 'cohere.command-r-v1:0' reached its end of life on 2026-08-19; AWS no longer serves it; "
        "use amazon.nova-pro-v1:0",
    ),
    (
        (ID, "id: meta.llama2-13b-chat-v1"),
        "8: models.small.id: 'meta.llama2-13b-chat-v1' was removed, date unknown; AWS no longer serves it; use "
        "us.amazon.nova-2-lite-v1:0",
    ),
    (
        (METRICS, "metrics: [relevance_score, relevance_score]"),
        "16: evaluations.quality.metrics[1]: 'relevance_score' is already in metrics[0]",
    ),
    (
        (METRICS, "metrics: [f1_score]"),
        "18: evaluations.quality.gates[0].metric: 'relevance_score' is not measured here; allowed: f1_score",
    ),
    (
        ("min: 0.5", "min: 0.5\n      - metric: relevance_score\n        max: 0.9"),
        "20: evaluations.quality.gates[1].metric: 'relevance_score' already has a gate in gates[0]; put min, "
        "max and max_drop there",
    ),
    (
        ("min: 0.5", "min: 50"),
        "19: evaluations.quality.gates[0].min: 50 is outside the range of relevance_score; allowed: 0 to 1 (share)",
    ),
    (
        ("min: 0.5", "min: 0.5\n      - metric: response_length\n        max: -1"),
        "21: evaluations.quality.gates[1].max: -1 is outside the range of response_length; allowed: 0 or more "
        "(characters)",
    ),
    (
        ('"111111111111"', '"000000000000"'),
        "2: account: '000000000000' is the simulator's account; allowed only with stand_in: true",
    ),
    (
        ("owner: team", "owner: team\nstand_in: true"),
        '2: account: stand_in: true needs the account of the simulator; needed: "000000000000"',
    ),
    (
        ("owner: team", "owner: team\ninvocation_logging: {mode: own}"),
        "5: invocation_logging.mode: 'own' changes a setting of the whole account and needs owns_account: true; "
        "without it use none, or leave the key out",
    ),
    (
        (
            "owner: team",
            "owner: team\nowns_account: true\n"
            "invocation_logging: {large_bodies: true, data_protection: [EmailAddress]}",
        ),
        "6: invocation_logging.large_bodies: data_protection masks only the log group, so bodies over 100 KB "
        "would be stored unmasked in S3; with data_protection use false, or leave the key out",
    ),
    (
        ("owner: team", "owner: team\nsubscriptions:\n  - &a {protocol: email, endpoint: a@b.example}\n  - *a"),
        "6: subscriptions[1]: email to a@b.example is already in subscriptions[0]",
    ),
    (
        ("owner: team", "owner: team\ntags: {'aws:x': y}"),
        "5: tags['aws:x']: keys that begin with aws: are reserved by AWS",
    ),
    (
        ("owner: team", f"owner: team\ntags: {{ {'k' * 129}: y }}"),
        f"5: tags.{'k' * 129}: the key has 129 characters; allowed: 1 to 128",
    ),
    (
        ("owner: team", f"owner: team\ntags: {{ k: {'v' * 257} }}"),
        "5: tags.k: the value has 257 characters; allowed: 256 at most",
    ),
    (
        ("owner: team", "owner: Équipe Recherche"),
        "4: owner: 'Équipe Recherche' is a tag of every resource; allowed: at most 256 letters (a to z), digits, "
        "spaces and . _ : / = + @ -",
    ),
    (
        ("owner: team", "owner: team\ntags: {'cost*': b}"),
        "5: tags['cost*']: 'cost*' cannot be a tag; allowed: letters (a to z), digits, spaces and . _ : / = + @ -",
    ),
    (
        ("owner: team", "owner: team\ntags: {cost: a|b}"),
        "5: tags.cost: 'a|b' cannot be the value of a tag; allowed: letters (a to z), digits, spaces and "
        ". _ : / = + @ -",
    ),
    (
        ("owner: team", "owner: team\ntags: {Owner: y}"),
        "5: tags.Owner: is set automatically; do not set: application, environment, owner",
    ),
    (
        ("owner: team", f"owner: team\ntags: {{ {', '.join(f'k{i}: v' for i in range(46))} }}"),
        "5: tags: 46 tags; allowed: 45 at most",
    ),
]


@pytest.mark.parametrize(("change", "told"), BETWEEN_VALUES)
def test_values_that_do_not_fit_each_other_are_named(
    change: tuple[str, str], told: str, write: Write, mistakes: Mistakes
) -> None:
    write("dev", change)
    assert mistakes() == [told]


@pytest.mark.parametrize(
    "change",
    [
        ("owner: team", "owner: team\ninvocation_logging: {mode: none}"),
        ("owner: team", "owner: team\ninvocation_logging: {text: false}"),
        (
            "owner: team",
            "owner: team\ninvocation_logging: {large_bodies: false, data_protection: [EmailAddress]}",
        ),
        ("owner: team", "owner: team\nowns_account: true\ninvocation_logging: {mode: adopt}"),
        ("min: 0.5", "min: 0.5\n      - metric: response_length\n        max: 900"),
        ("dataset: questions", "dataset: questions\n    schedule: {expression: 'at(2020-01-01T00:00:00)'}"),
        ("  small:\n    id: amazon", "  small: &small\n    id: amazon"),
        ('account: "111111111111"\n', ""),
        ("owner: team", "owner: 2026-12-01"),
    ],
)
def test_what_only_looks_odd_is_allowed(change: tuple[str, str], write: Write, load: Load) -> None:
    write("dev", change)
    assert load().warnings == ()


def test_names_in_parameter_store_begin_with_the_application(write: Write, load: Load, mistakes: Mistakes) -> None:
    write("dev", ("shop", "aws-shop"))
    assert mistakes() == [
        "1: application: 'aws-shop' cannot be used: names in Parameter Store must not begin with aws or ssm"
    ]
    write("dev", ("shop", "shop-aws"))
    assert load().warnings == ()


def test_the_prefix_fits_32_characters(write: Write, load: Load, mistakes: Mistakes) -> None:
    write("production-eu", ("shop", "customer-support-x"))
    assert len(load("production-eu").environments[0].prefix) == 32
    write("production-eu", ("shop", "customer-support-xy"))
    assert mistakes("production-eu") == [
        "environments/production-eu.yaml:1: application: names begin with 'customer-support-xy-production-eu', "
        "which has 33 characters; allowed: 32 at most"
    ]


def test_a_second_headline_is_refused(write: Write, right: str, mistakes: Mistakes) -> None:
    second = "  again: {dataset: questions, candidates: [small], headline: true}\n"
    write("dev", ("\n    dataset: questions", "\n    dataset: questions\n    headline: true"), text=right + second)
    assert mistakes() == [
        "21: evaluations.again.headline: quality is already the headline; "
        "allowed: one evaluation, because CloudWatch would average the scores of both"
    ]


def test_two_headline_candidates_on_one_model_are_refused(write: Write, mistakes: Mistakes) -> None:
    candidates = "candidates: [small, {name: terse, model: small, system: Be brief.}]\n    headline: true"
    write("dev", ("candidates: [small]", candidates))
    assert mistakes() == [
        "16: evaluations.quality.headline: two candidates use model small; the headline has one score for each model, "
        "so theirs would be averaged"
    ]


def test_sampling_parameters_are_refused_for_a_model_that_refuses_them(write: Write, mistakes: Mistakes) -> None:
    parameters = "parameters: {temperature: 0, top_p: 0.5, max_tokens: 9}"
    write(
        "dev",
        (ID, "id: us.anthropic.claude-opus-4-8"),
        (CANDIDATES, f"candidates:\n      - name: a\n        model: small\n        {parameters}"),
    )
    assert mistakes() == [
        f"18: evaluations.quality.candidates[0].parameters.{key}: 'us.anthropic.claude-opus-4-8' refuses {key}, as "
        "every Claude since 4.7 does; leave it out"
        for key in ("temperature", "top_p")
    ]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ('{"prompt": "a"}\n\n{"prompt": }\n', [":3: not JSON: Expecting value at column 12"]),
        (
            '{"question": "a"}\n{"prompt": " "}\n',
            [
                ":1: key 'prompt' is missing (there: 'question'); rename 'question' to 'prompt'",
                ":2: key 'prompt' must be text that is not blank",
            ],
        ),
        ("\n\n", [": holds no case (the file is empty); needed: at least one line"]),
        (
            "prompt,answer\n",
            [
                ": is CSV (commas between); needed: one JSON object a line with the keys prompt and "
                "referenceResponse, so export it as JSONL"
            ],
        ),
    ],
)
def test_a_broken_dataset_is_told_with_its_own_line(
    lines: str, told: list[str], folder: Path, write: Write, mistakes: Mistakes
) -> None:
    dataset = folder / "questions.jsonl"
    dataset.write_text(lines)
    write("dev")
    assert mistakes() == [f"11: datasets.questions.source: questions.jsonl{each}" for each in told]


def test_a_missing_dataset_is_looked_for_in_the_repository(write: Write, folder: Path, mistakes: Mistakes) -> None:
    write("dev", ("questions.jsonl", "datasets/none.jsonl"))
    looked_for = folder / "datasets" / "none.jsonl"
    assert mistakes() == [f"11: datasets.questions.source: datasets/none.jsonl: no such file (looked for {looked_for})"]


@pytest.mark.parametrize(
    "source",
    [
        *("s3://B/x.jsonl", "s3://bucket.jsonl", "s3://bucket/x.json", "x.csv", "gs://b/x.jsonl", "x.jsonl.gz"),
        *("/data/x.jsonl", "../data/x.jsonl", "datasets/../../x.jsonl", "~/x.jsonl", "C:/x.jsonl", "datasets//x.jsonl"),
    ],
)
def test_a_source_is_a_file_or_an_s3_uri(source: str, write: Write, folder: Path, mistakes: Mistakes) -> None:
    write("dev", ("questions.jsonl", source))
    assert mistakes() == [
        f"11: datasets.questions.source: '{source}' is not allowed; "
        "allowed: datasets/<file>.jsonl or another path inside the repository, or s3://<bucket>/<key>.jsonl"
    ]


def test_a_dataset_in_s3_is_not_read(write: Write, folder: Path, load: Load) -> None:
    write("dev", ("questions.jsonl", "s3://bucket/some where/questions.jsonl"))
    assert load().environments[0].datasets["questions"].is_s3


def test_a_metric_that_needs_references_needs_one_case_that_has_one(
    folder: Path, write: Write, load: Load, mistakes: Mistakes
) -> None:
    dataset = folder / "questions.jsonl"
    dataset.write_text('{"prompt": "a"}\n{"prompt": "b"}\n')
    write("dev")
    assert mistakes() == [
        "16: evaluations.quality.metrics[0]: no case of questions.jsonl has a referenceResponse, and relevance_score "
        "needs one; metrics that need none: response_length, distinct_2, json_valid, truncated"
    ]
    dataset.write_text('{"prompt": "a"}\n{"prompt": "b", "referenceResponse": "x"}\n')
    assert load().warnings == (
        "environments/dev.yaml:16: evaluations.quality.metrics[0]: 1 of 2 cases of questions.jsonl has no "
        "referenceResponse (line 1); relevance_score will not count it",
    )


def test_every_mistake_of_every_file_is_told_at_once(write: Write, folder: Path, mistakes: Mistakes) -> None:
    write(
        "dev",
        ("owner: team\n", ""),
        ("us-east-1", "mars"),
        ("questions.jsonl", "datasets/none.jsonl"),
        (CANDIDATES, "candidates: [{name: X, model: large}]"),
        ("- metric: relevance_score", "- metric: fluency"),
    )
    write("prod", text="- a\n")
    assert [line.split(": ")[0:2] for line in mistakes()] == [
        ["1", "owner"],
        ["3", "region"],
        ["10", "datasets.questions.source"],
        ["14", "evaluations.quality.candidates[0].name"],
        ["14", "evaluations.quality.candidates[0].model"],
        ["17", "evaluations.quality.gates[0].metric"],
        ["environments/prod.yaml:1", "the file holds a list; needed"],
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "1: the file is empty; needed: application, region and so on, a key and a value each"),
        ("# only a comment\n", "1: the file is empty; needed: application, region and so on, a key and a value each"),
        ("just text\n", "1: the file holds a single value; needed: keys with values"),
        (
            "a: b: c\n",
            "1: not YAML: a colon where no key can be; the line is indented too far, or its text needs quotes",
        ),
        ("a:\n\t- b\n", "2: not YAML: a tab where YAML allows spaces only"),
        ("a: [b\n", "1: not YAML: [ is opened here and never closed, or a comma is missing"),
        ("a: b\n---\na: b\n", "2: not YAML: a second YAML document begins; a file holds one environment"),
        ("a: &a [*a]\n", "1: nested too deeply"),
        ("[" * 1000, "1: nested too deeply"),
        (
            "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
            "b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
            "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\n"
            "d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n"
            "e: [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\n",
            "1: too many values",
        ),
    ],
)
def test_what_is_no_yaml_mapping_is_one_mistake_with_its_line(
    text: str, told: str, write: Write, mistakes: Mistakes
) -> None:
    write("dev", text=text)
    assert mistakes() == [told]


def test_bytes_that_are_no_utf8_are_told(folder: Path, mistakes: Mistakes) -> None:
    (folder / "environments" / "dev.yaml").write_bytes(b"region: x\nowner: caf\xe9\n")
    assert mistakes() == ["2: is not UTF-8 (byte 21 of the file); needed: UTF-8"]


def test_a_byte_order_mark_is_passed_over(write: Write, right: str, load: Load) -> None:
    write("dev", text="\ufeff" + right)
    assert load().environments


def test_only_the_named_files_are_opened(write: Write, load: Load, mistakes: Mistakes) -> None:
    write("dev")
    write("prod", text="\t")
    assert [environment.name for environment in load("dev").environments] == ["dev"]
    assert mistakes("dev", "prod") == ["environments/prod.yaml:1: not YAML: a tab where YAML allows spaces only"]
    assert mistakes("dev", "test") == ["environments: no environment 'test'; there are: dev, prod"]


def test_local_is_read_only_when_it_is_named(write: Write, load: Load) -> None:
    write("dev")
    write("local", ('"111111111111"', '"000000000000"\nstand_in: true'))
    assert [environment.name for environment in load().environments] == ["dev"]
    assert [environment.name for environment in load("local", "dev").environments] == ["local", "dev"]


def test_local_is_the_simulator(write: Write, mistakes: Mistakes) -> None:
    write("local", ('"111111111111"', '"000000000000"'))
    assert mistakes("local") == [
        "environments/local.yaml:1: stand_in: local is deployed to the emulator only; needed: stand_in: true"
    ]


def test_with_the_simulator_a_retired_model_is_a_warning(write: Write, load: Load) -> None:
    write("local", ('"111111111111"', '"000000000000"\nstand_in: true'), (ID, "id: cohere.command-r-v1:0"))
    loaded = load("local")
    assert len(loaded.environments) == 1
    assert loaded.warnings == (
        "environments/local.yaml:9: models.small.id: 'cohere.command-r-v1:0' reached its end of life on 2026-08-19; "
        "AWS no longer serves it; use amazon.nova-pro-v1:0",
    )


def test_a_model_is_refused_from_the_day_of_its_end(write: Write, load: Load) -> None:
    write("dev", (ID, "id: ai21.jamba-1-5-mini-v1:0"))
    assert load(today=date(2026, 11, 25)).environments
    with pytest.raises(EnvironmentsError, match="end of life on 2026-11-26"):
        load(today=date(2026, 11, 26))


def test_a_file_is_named_as_an_environment(write: Write, mistakes: Mistakes) -> None:
    write("Prod_1")
    assert mistakes() == [
        f"environments/Prod_1.yaml: the file's name is the environment's, and 'Prod_1' is not a name; allowed: "
        f"{NAME_RULE}"
    ]


def test_another_ending_is_told_and_not_passed_over(write: Write, folder: Path, load: Load, mistakes: Mistakes) -> None:
    write("dev").rename(folder / "environments" / "prod.yml")
    write("dev")
    assert mistakes() == ["environments/prod.yml: is not read; needed: the ending .yaml"]
    assert load("dev").environments


def test_a_folder_without_files_is_told(mistakes: Mistakes) -> None:
    assert mistakes() == ["environments: holds no <environment>.yaml"]


def test_a_file_outside_the_working_directory_is_shown_in_full(
    write: Write, folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write("dev", text="")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    with pytest.raises(EnvironmentsError) as raised:
        load_environments(folder / "environments", today=date(2026, 11, 23))
    assert str(raised.value).startswith(f"{path}:1: ")


OTHER_ACCOUNT = ('"111111111111"', '"222222222222"')
OTHER_REGION = ("us-east-1", "us-west-2")
ANY_ACCOUNT = ('account: "111111111111"\n', "")
OTHER_APPLICATION = ("shop", "store")
OWNER = ("owner: team", "owner: team\nowns_account: true")
SHARED = "both may be in the same account and Region us-east-1"


@pytest.mark.parametrize("account", [(), (ANY_ACCOUNT,)])
def test_one_application_has_one_environment_an_account_and_region(
    account: tuple[tuple[str, str], ...], write: Write, mistakes: Mistakes
) -> None:
    write("dev")
    write("prod", *account)
    assert mistakes() == [
        f"environments/prod.yaml:1: application: 'shop' is also the application of environments/dev.yaml, and "
        f"{SHARED}; needed: another account, Region or name"
    ]


def test_an_account_and_region_has_one_owner(write: Write, mistakes: Mistakes) -> None:
    write("dev", OWNER)
    write("prod", OWNER, OTHER_APPLICATION, ANY_ACCOUNT)
    assert mistakes() == [
        f"environments/prod.yaml:4: owns_account: is also true in environments/dev.yaml, and {SHARED}; "
        "allowed: one owner"
    ]


@pytest.mark.parametrize("changes", [(OTHER_ACCOUNT, OWNER), (OTHER_REGION, OWNER), (OTHER_APPLICATION,)])
def test_environments_that_cannot_meet_may_be_alike(
    changes: tuple[tuple[str, str], ...], write: Write, load: Load
) -> None:
    write("dev", OWNER)
    write("prod", *changes)
    assert len(load().environments) == 2


def test_the_simulator_shares_no_account(write: Write, load: Load) -> None:
    write("dev", OWNER, ANY_ACCOUNT)
    write("local", OWNER, ('"111111111111"', '"000000000000"\nstand_in: true'))
    assert len(load("dev", "local").environments) == 2


def test_two_environments_never_have_the_same_names(write: Write, mistakes: Mistakes) -> None:
    write("c", ("shop", "a-b"))
    write("b-c", ("shop", "a"), OTHER_REGION)
    assert mistakes() == [
        "environments/c.yaml:1: application: resource names would begin like those of environments/b-c.yaml: 'a-b-c'"
    ]


@pytest.mark.parametrize(
    ("metric", "gate", "warned"),
    [
        ("relevance_score", "max: 0.5", "relevance_score is better when higher, so this gate fails when the score"),
        ("word_error_rate", "min: 0.5", "word_error_rate is better when lower, so this gate fails when the score"),
        ("relevance_score", "min: 0.5", None),
        ("word_error_rate", "max: 0.5", None),
        ("response_length", "max: 900", None),
        ("relevance_score", "min: 0.1\n        max: 0.5", None),
    ],
)
def test_a_gate_that_rings_when_it_gets_better_is_a_warning(
    metric: str, gate: str, warned: str | None, write: Write, load: Load
) -> None:
    write(
        "dev",
        ("metrics: [relevance_score, response_length]", f"metrics: [{metric}]"),
        ("metric: relevance_score\n        min: 0.5", f"metric: {metric}\n        {gate}"),
    )
    warnings = load().warnings
    if warned is None:
        assert warnings == ()
    else:
        place = f"environments/dev.yaml:19: evaluations.quality.gates[0].{gate[:3]}: "
        assert [line.startswith(place + warned) for line in warnings] == [True]


@pytest.mark.parametrize(("region", "near"), [("US-EAST-1", "us-east-1"), ("eu_central_1", "eu-central-1")])
def test_a_region_that_is_written_in_another_way_is_hinted_at(
    region: str, near: str, write: Write, mistakes: Mistakes
) -> None:
    write("dev", ("us-east-1", region), ("small:\n    id", f"small:\n    destination_regions: [{region}]\n    id"))
    told = f"{region!r} is not allowed (did you mean {near!r}?); allowed: a Region's name, as us-east-1"
    assert mistakes() == [f"3: region: {told}", f"8: models.small.destination_regions[0]: {told}"]


def test_a_merge_key_is_one_mistake(write: Write, mistakes: Mistakes) -> None:
    merged = "small: &small\n    id: amazon.nova-lite-v1:0\n  again:\n    <<: *small"
    write("dev", ("small:\n    id: amazon.nova-lite-v1:0", merged))
    assert mistakes() == ["10: models.again['<<']: merge keys are not supported; needed: the keys themselves"]
