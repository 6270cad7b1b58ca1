"""schema.json and the loader say the same: of a file with every key set, and of the same with one thing wrong."""

import copy
import json
import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from configuration.loading.load import EnvironmentsError, load_environments
from configuration.schema.environment import Environment
from configuration.schema.json_schema import chosen, entry, file_schema, properties, variants

Data = dict[str, Any]
Place = tuple[str | int, ...]

TODAY = date(2026, 11, 23)
TEAM = "arn:aws:sagemaker:us-east-1:222233334444:workteam/private-crowd/support"

_KEEPING: Data = {
    "baseline": "20261101T060000Z",
    "headline": False,
    "confidence": 0.9,
    "min_coverage": 0.8,
}
_OF_JOBS: Data = {
    **_KEEPING,
    "schedule": {"expression": "rate(30 days)", "timezone": "Europe/Berlin", "grace_hours": 1500},
    "tags": {"cost-centre": "4711"},
    "keep_jobs": 7,
}
_PARAMETERS: Data = {"max_tokens": 300, "temperature": 0.2, "top_p": 0.9, "stop_sequences": ["Q:", "###"]}
_ASKED: Data = {"name": "asked", "model": "small", "parameters": _PARAMETERS, "additional_fields": {"topK": 20}}
_CRITERION: Data = {
    "name": "tone",
    "instructions": "Rate the tone. {{prompt}} {{prediction}}",
    "scale": [{"definition": "off", "value": 0}, {"definition": "on", "value": 1}],
    "better": "higher",
}
_PEOPLE: Data = {
    **_OF_JOBS,
    "work_team": TEAM,
    "title": "Rate answers",
    "instructions": "Thumbs up when it helps.",
    "workers": 2,
    "task": "QuestionAndAnswer",
    "deadline_hours": 100,
    "task_hours": 90,
}
EVALUATIONS: Data = {
    "ours": {
        **_KEEPING,
        "kind": "custom",
        "dataset": "questions",
        "candidates": ["large", {**_ASKED, "system": "Be brief.", "template": "Q: {{prompt}}"}],
        "metrics": ["f1_score", {"name": "regex_match", "parameters": {"pattern": "a+"}}],
        "gates": [{"metric": "f1_score", "min": 0.1, "max": 0.9, "max_drop": 0.2}],
        "schedule": {"expression": "cron(0 6 ? * MON *)", "timezone": "UTC", "grace_hours": 3},
        "headline": True,
        "concurrency": 4,
        "read_timeout_seconds": 100,
        "max_attempts": 3,
        "patience_minutes": 5,
        "failed_case_rounds": 1,
        "score_thoughts": True,
        "max_cost": 2.5,
        "allow_unpriced": True,
    },
    "automatic": {
        **_OF_JOBS,
        "kind": "automatic",
        "task": "QuestionAndAnswer",
        "dataset": "questions",
        "candidates": [_ASKED],
        "metrics": ["Builtin.Accuracy", "Builtin.Robustness"],
        "gates": [{"metric": "Builtin.Accuracy", "min": 0.5, "max": 0.9, "max_drop": 0.1}],
        "deadline_hours": 20,
    },
    "judged": {
        **_OF_JOBS,
        "kind": "judge",
        "judge": "large",
        "dataset": "questions",
        "candidates": [{"name": "large", "model": "large"}],
        "metrics": ["Builtin.Correctness", "tone"],
        "criteria": [_CRITERION],
        "answers_from": "ours",
        "deadline_hours": 20,
        "schedule": {"expression": "rate(30 days)", "timezone": "UTC", "grace_hours": 1500},
    },
    "rated": {
        **_PEOPLE,
        "kind": "human",
        "dataset": "questions",
        "candidates": ["small"],
        "ratings": [{"name": "Helpful", "method": "ThumbsUpDown", "description": "Is it helpful?"}],
        "gates": [{"metric": "Helpful", "min": 0.5}],
    },
    "both-automatic": {
        **_OF_JOBS,
        "kind": "comparison",
        "by": "automatic",
        "task": "Summarization",
        "dataset": "questions",
        "candidates": ["small", "large"],
        "metrics": ["Builtin.Accuracy"],
        "gates": [{"metric": "Builtin.Accuracy", "max_drop": 0.1}],
        "deadline_hours": 20,
        "parallel": 2,
    },
    "both-judged": {
        **_OF_JOBS,
        "kind": "comparison",
        "by": "judge",
        "judge": "large",
        "dataset": "questions",
        "candidates": [{"name": "large", "model": "large"}, {"name": "asked", "model": "small"}],
        "metrics": ["Builtin.Helpfulness"],
        "criteria": [
            {"name": "mood", "instructions": "{{prediction}}", "scale": [{"definition": "d", "text": "good"}]}
        ],
        "answers_from": "ours",
        "gates": [{"metric": "Builtin.Helpfulness", "min": 0.5}],
        "deadline_hours": 20,
        "parallel": 2,
    },
    "both-rated": {
        **_PEOPLE,
        "kind": "comparison",
        "by": "human",
        "dataset": "questions",
        "candidates": ["small", "large"],
        "ratings": [{"name": "Better", "method": "ComparisonChoice", "description": "Which is better?"}],
        "gates": [{"metric": "Better", "max": 0.9}],
    },
}
EVALUATIONS["judged"]["gates"] = [{"metric": "Builtin.Correctness", "min": 0.5}]

FULL: Data = {
    "application": "shop",
    "account": "222233334444",
    "region": "us-east-1",
    "owns_account": True,
    "stand_in": False,
    "owner": "team",
    "runbook_url": "https://example.com/runbook",
    "tags": {"cost-centre": "4711"},
    "permissions_boundary": "boundary",
    "termination_protection": False,
    "removal_policy": "destroy",
    "models": {
        "small": {
            "id": "us.amazon.nova-lite-v1:0",
            "destination_regions": ["us-east-1", "us-west-2"],
            "rates": {
                "input": 0.3,
                "output": 2.5,
                "cache_read": 0.1,
                "cache_write": 0.2,
                "verified_until": "2027-01-31",
            },
            "quota": {"tokens_per_minute": 400000, "requests_per_minute": 200},
            "alarms": {
                "latency_p90_ms": 4000,
                "latency_anomaly": 3,
                "output_tokens_per_second": 12,
                "throttle_count": 5,
                "model_intervention_percent": 25,
                "traffic_floor": 5,
                "tokens_per_hour": 100000,
                "tokens_per_day": 1000000,
                "cost_per_hour": 2,
                "cost_per_day": 20,
            },
            "profile": True,
        },
        "large": {"id": "us.amazon.nova-pro-v1:0"},
    },
    "datasets": {
        "questions": {"source": "questions.jsonl"},
        "answered": {"source": "s3://bucket/answered.jsonl"},
    },
    "evaluations": EVALUATIONS,
    "guardrails": [{"name": "shield", "id": "gr1abcd2efgh", "version": "1"}],
    "watched_elsewhere": ["eu.anthropic.*", "abc123def456"],
    "own_profile": True,
    "invocation_logging": {
        "mode": "own",
        "on_delete": "leave",
        "log_group": "/aws/bedrock/other",
        "existing": False,
        "data_protection": ["EmailAddress"],
        "large_bodies": False,
        "metrics": True,
        "text": True,
        "image": True,
        "embedding": True,
        "video": True,
        "audio": True,
    },
    "retention_days": {
        "invocation_logs": 30,
        "function_logs": 14,
        "runs": 300,
        "access_logs": 60,
        "noncurrent_versions": 20,
    },
    "subscriptions": [{"protocol": "email", "endpoint": "a@b.example"}, {"protocol": "chat"}],
    "budget": {"monthly_usd": 250, "notify_percent": [50, 100], "scope": "account"},
    "alarms": {
        "latency_p90_ms": 9000,
        "latency_anomaly": 2.5,
        "output_tokens_per_second": 20,
        "server_error_percent": 4,
        "client_error_percent": 9,
        "throttle_percent": 6,
        "throttle_count": 30,
        "traffic_floor": 25,
        "quota_percent": 70,
        "tokens_per_hour": 100000,
        "tokens_per_day": 1000000,
        "cost_per_hour": 2,
        "cost_per_day": 20,
        "end_of_life_days": 90,
        "guardrail_intervention_percent": 30,
        "model_intervention_percent": 25,
        "inconclusive_days": 2,
        "severity": {"latency-p90": "off"},
    },
}
# What cannot stand beside the other keys.
STORED: Data = {
    **{key: FULL[key] for key in ("application", "region", "owner", "runbook_url", "models", "datasets")},
    "evaluations": {
        "elsewhere": {
            "kind": "judge",
            "judge": "large",
            "dataset": "answered",
            "candidates": [{"name": "own", "model": "small", "answers_of": "another-tool"}],
            "metrics": ["Builtin.Correctness"],
        }
    },
}
DOCUMENTS = {"full": FULL, "stored": STORED}


@pytest.fixture
def problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Data], tuple[str, ...]]:
    """What the loader refuses of a file."""
    monkeypatch.setattr("configuration.schema.datasets.REPOSITORY", tmp_path)
    (tmp_path / "questions.jsonl").write_text('{"prompt": "Why?", "referenceResponse": "Because."}\n')

    def told(data: Data) -> tuple[str, ...]:
        (tmp_path / "dev.yaml").write_text(json.dumps(data))
        try:
            load_environments(tmp_path, today=TODAY)
        except EnvironmentsError as error:
            return error.mistakes
        return ()

    return told


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    return Draft202012Validator(file_schema())


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_file_with_every_key_set_is_read_as_it_stands(
    name: str, problems: Callable[[Data], tuple[str, ...]], schema: Draft202012Validator, tmp_path: Path
) -> None:
    data = DOCUMENTS[name]
    assert problems(data) == ()
    assert [error.message for error in schema.iter_errors(data)] == []
    (environment,) = load_environments(tmp_path, today=TODAY).environments
    assert kept(data, environment)


def kept(given: Any, read: Any) -> bool:
    """Whether everything that was given stands in what was read."""
    if isinstance(given, dict):
        of = read if isinstance(read, dict) else dict(read) if hasattr(read, "__iter__") else vars(read)
        missing = [key for key, value in given.items() if key not in of or not kept(value, of[key])]
        assert not missing, f"{missing} of {given} are not in {of}"
        return True
    if isinstance(given, list):
        return len(given) == len(read) and all(map(kept, given, read))
    if isinstance(given, str) and not isinstance(read, str):
        # A candidate or a metric by its name alone.
        return bool(read.name == given)
    return bool(given == read)


def test_every_key_of_every_definition_is_set_somewhere() -> None:
    """A key that is added to the schema is added to the documents above, and goes through the loader."""
    seen: dict[str, set[str]] = {}
    for data in DOCUMENTS.values():
        visit(file_schema(), data, seen)
    known = {name: set(node["properties"]) for name, node in file_schema()["$defs"].items() if "properties" in node}
    assert {name: keys - seen.get(name, set()) for name, keys in known.items() if keys - seen.get(name, set())} == {}
    assert seen["the file"] == set(Environment.model_fields) - {"name"}


def visit(node: Any, value: Any, seen: dict[str, set[str]]) -> None:
    node = chosen(node, value)
    if isinstance(value, dict):
        own = properties(node)
        if own:
            seen.setdefault(definition(node), set()).update(value)
        for key, item in value.items():
            visit(own[key] if key in own else entry(node) or {}, item, seen)
    elif isinstance(value, list):
        for item in value:
            visit(entry(node) or {}, item, seen)


def definition(node: Any) -> str:
    found = next(variant for variant in variants(node) if "properties" in variant)
    names = [name for name, each in file_schema()["$defs"].items() if each == found]
    return names[0] if names else "the file"


WRONG: tuple[Any, ...] = (
    *("", " ", "x", "X y", "１２３", "a\nb", "x" * 6000, -1, 0, 0.5, 1.5, 7, 1e26, True, None),
    *([], {}, ["x"], [1], {"x": 1}),
)


def changes(place: Place) -> list[Callable[[Any, Any], object]]:
    """What is done to a value below its parent: replaced, left out, or in a list given twice or many times."""

    def replaced(value: Any) -> Callable[[Any, Any], object]:
        return lambda parent, step: parent.__setitem__(step, value)

    def left_out(parent: Any, step: Any) -> None:
        del parent[step]

    def twice(parent: Any, step: Any) -> None:
        parent.append(copy.deepcopy(parent[step]))

    def many(parent: Any, _step: Any) -> None:
        parent.extend(f"x{number}" for number in range(60))

    return [*map(replaced, WRONG), left_out, *((twice, many) if isinstance(place[-1], int) else ())]


def changed(data: Data, place: Place, change: Callable[[Any, Any], object]) -> Data:
    found = copy.deepcopy(data)
    parent: Any = found
    for step in place[:-1]:
        parent = parent[step]
    change(parent, place[-1])
    return found


def places(value: Any, path: Place = ()) -> Iterator[Place]:
    for step, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, step)
        yield from places(item, (*path, step))


# What takes more than one place of the file, the files beside it or the calendar to tell, by the loader's words.
BEYOND_A_SCHEMA = (
    *("is not a key of (models|datasets)", "there is no evaluation", "is no candidate of", "is already in"),
    *("is not measured here", ": models[.]", "has no rates", "is already the headline", "is not a date"),
    *("is not an IANA time zone", "is not a schedule expression", r"'(rate|cron|at)\(", "is not a run id"),
    *("starts again after", "a run may take", "the job would stop before", "is in us-", "needed: a work team"),
    *("characters as JSON", "is no regular expression", "is unknown; allowed: {{", "must come last", "one line of"),
    *("already has a gate", "has a scale of texts", "mixes numbers and texts", "is not among", "two candidates"),
    *("compare the answers", "is also how", "is a metric of the runs themselves", "identifies answers by"),
    *("a referenceResponse", "for task", "of kind|for a judge|needs a judge", "is not a metric", "no such file"),
    *(
        "resource names would begin",
        "names begin with",
        "is outside the range",
        "is not below max",
        "can never be exceeded",
    ),
    *("no better direction", "takes no parameter", "is of account", "have no effect", "same model as", "answers of"),
    "is blank; needed",
)


@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_what_the_one_refuses_the_other_refuses_too(
    problems: Callable[[Data], tuple[str, ...]], schema: Draft202012Validator, data: st.DataObject
) -> None:
    """But for what a schema cannot tell; it never refuses what the loader takes."""
    document = json.loads(json.dumps(DOCUMENTS[data.draw(st.sampled_from(sorted(DOCUMENTS)))]))
    place = data.draw(st.sampled_from(list(places(document))))
    wrong = changed(document, place, data.draw(st.sampled_from(changes(place))))
    refused, fits = problems(wrong), schema.is_valid(wrong)
    if not fits:
        assert refused, f"schema.json refuses {place}, the loader does not"
    for mistake in refused if fits else ():
        assert re.search("|".join(BEYOND_A_SCHEMA), mistake), f"schema.json takes {place}: {mistake}"
