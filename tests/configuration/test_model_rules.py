"""What is known of models, told of an environment file with line and key."""

# ruff: noqa: E501 - a case a line reads as a table

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from bedrock_eval.known_models.table import VERIFIED_ON
from configuration.loading.load import EnvironmentsError
from tests.support.environment_files import Load, Mistakes, Write

ID = "id: amazon.nova-lite-v1:0"
CANDIDATES = "candidates: [small]"
DAY = date(2026, 11, 28)


def candidate(keys: str) -> tuple[str, str]:
    return (CANDIDATES, f"candidates:\n      - name: a\n        model: small\n        {keys}")


REFUSED = {
    "ended": ("us.anthropic.claude-3-5-haiku-20241022-v1:0", "8: models.small.id: 'us.anthropic.claude-3-5-haiku-20241022-v1:0' reached its end of life on 2026-06-19; AWS no longer serves it; use us.anthropic.claude-haiku-5-5"),
    "no such profile": ("au.amazon.nova-2-lite-v1:0", "8: models.small.id: there is no profile 'au.amazon.nova-2-lite-v1:0': it has us., eu., jp., global.; allowed from us-east-1: us.amazon.nova-2-lite-v1:0, global.amazon.nova-2-lite-v1:0; if AWS offers it, set destination_regions"),
    "another Region's profile": ("jp.anthropic.claude-haiku-5-5", "8: models.small.id: profile 'jp.anthropic.claude-haiku-5-5' cannot be called from us-east-1, only from ap-northeast-1, ap-northeast-3; allowed from there: us.anthropic.claude-haiku-5-5, global.anthropic.claude-haiku-5-5;"),
    "bare": ("anthropic.claude-haiku-5-5", "8: models.small.id: 'anthropic.claude-haiku-5-5' cannot be called by its own id from us-east-1, nor from any other Region, only through an inference profile; allowed from there: us.anthropic.claude-haiku-5-5, global.anthropic.claude-haiku-5-5"),
    "bare in another Region": ("qwen.qwen3-235b-a22b-2507-v1:0", None),
    "embedding": ("amazon.titan-embed-text-v2:0", "15: evaluations.quality.candidates[0].model: amazon.titan-embed-text-v2:0 is an embedding model, which returns no text; needed: a text model"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_model_that_aws_would_not_answer_is_refused(case: str, write: Write, load: Load, mistakes: Mistakes) -> None:
    model_id, told = REFUSED[case]
    write("dev", (ID, f"id: {model_id}"))
    if told is None:
        # Where nobody has read it, it is a warning.
        (warning,) = load(today=DAY).warnings
        assert warning.startswith("environments/dev.yaml:8: models.small.id: it is unknown whether")
        return
    (mistake,) = mistakes()
    assert mistake.startswith(told)


PARAMETERS = {
    "parameters": ("us.anthropic.claude-haiku-5-5", "parameters: {temperature: 0}", "18: evaluations.quality.candidates[0].parameters.temperature: 'us.anthropic.claude-haiku-5-5' refuses temperature"),
    "a model to come": ("us.anthropic.claude-opus-7", "parameters: {top_p: 0.5}", "18: evaluations.quality.candidates[0].parameters.top_p: 'us.anthropic.claude-opus-7' refuses top_p, as every Claude since 4.7 does"),
    "both": ("us.anthropic.claude-haiku-4-5-20251001-v1:0", "parameters: {temperature: 0, top_p: 0.9}", "18: evaluations.quality.candidates[0].parameters.top_p: 'us.anthropic.claude-haiku-4-5-20251001-v1:0' takes temperature or top_p, not both"),
    "too long": ("us.anthropic.claude-sonnet-4-6", "parameters: {max_tokens: 100000}", "18: evaluations.quality.candidates[0].parameters.max_tokens: max_tokens 100,000 is more than 'us.anthropic.claude-sonnet-4-6' returns; allowed: 64K"),
}  # fmt: skip


@pytest.mark.parametrize("case", PARAMETERS)
def test_a_parameter_that_a_model_refuses_is_named_where_it_stands(case: str, write: Write, mistakes: Mistakes) -> None:
    model_id, keys, told = PARAMETERS[case]
    write("dev", (ID, f"id: {model_id}"), candidate(keys))
    (mistake,) = mistakes()
    assert mistake.startswith(told)


FIELDS = {
    "thinking": ("us.anthropic.claude-opus-5-5", "{thinking: {type: disabled}}", "thinking: 'us.anthropic.claude-opus-5-5' refuses thinking of type 'disabled'; allowed: adaptive"),
    "effort": ("us.anthropic.claude-haiku-5-5", "{thinking: {type: disabled}, output_config: {effort: max}}", "output_config.effort: 'us.anthropic.claude-haiku-5-5' takes effort up to high when thinking is disabled"),
    "top_k": ("us.anthropic.claude-sonnet-5", "{top_k: 5}", "top_k: 'us.anthropic.claude-sonnet-5' refuses top_k"),
}  # fmt: skip


@pytest.mark.parametrize("case", FIELDS)
def test_request_fields_of_a_model_are_held_to_its_rules(
    case: str, write: Write, mistakes: Mistakes, right: str
) -> None:
    model_id, fields, told = FIELDS[case]
    asked = f"{{name: a, model: own, additional_fields: {fields}}}"
    job = f"  job: {{kind: automatic, task: Generation, dataset: questions, candidates: [{asked}], metrics: [Builtin.Accuracy]}}\n"
    write("dev", ("datasets:", f"  own:\n    id: {model_id}\ndatasets:"), text=right + job)
    (mistake,) = mistakes()
    assert mistake.startswith(f"22: evaluations.job.candidates[0].additional_fields.{told}")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ((ID, "id: us.amazon.nova-2-lite"), "8: models.small.id: 'us.amazon.nova-2-lite' is not among the models known on 2026-11-28 (did you mean us.amazon.nova-2-lite-v1:0 "),
        ((ID, "id: ca.amazon.nova-lite-v1:0"), "8: models.small.id: 'ca' is not a known prefix of inference profiles"),
        ((ID, "id: us.anthropic.claude-opus-4-1-20250805-v1:0"), "8: models.small.id: 'us.anthropic.claude-opus-4-1-20250805-v1:0' is Legacy: it ends on 2027-01-08, in 41 days; use us.anthropic.claude-opus-5-5"),
    ],
)  # fmt: skip
def test_what_may_not_work_or_not_for_long_is_a_warning(
    change: tuple[str, str], told: str, write: Write, load: Load
) -> None:
    write("dev", change)
    (warning,) = load(today=DAY).warnings
    assert warning.startswith(f"environments/dev.yaml:{told}")


def test_room_to_think_is_told_unless_thinking_is_set(write: Write, load: Load) -> None:
    thinks = (ID, "id: us.anthropic.claude-haiku-5-5")
    write("dev", thinks, candidate("parameters: {max_tokens: 1000}"))
    (warning,) = load(today=DAY).warnings
    assert "candidates[0].parameters.max_tokens: 'us.anthropic.claude-haiku-5-5' thinks before it answers" in warning
    write("dev", thinks, candidate("parameters: {max_tokens: 2000}"))
    assert load(today=DAY).warnings == ()


def test_a_destination_that_there_is_not_is_told_where_it_stands(write: Write, mistakes: Mistakes) -> None:
    write("dev", (ID, "id: us.amazon.nova-lite-v1:0\n    destination_regions: [us-east-1, us-east-9]"))
    (mistake,) = mistakes()
    assert mistake.startswith(
        "9: models.small.destination_regions: 'us-east-9' is not a Region of AWS (did you mean us-"
    )


def test_a_region_that_there_is_not_is_blamed_itself(write: Write, mistakes: Mistakes) -> None:
    write("dev", ("us-east-1", "us-esat-1"), (ID, "id: us.amazon.nova-2-lite"))
    assert mistakes() == [
        "3: region: 'us-esat-1' is not a Region of AWS (did you mean us-east-1 or us-west-1?); allowed: one of the 46 of "
        "models/table.yaml"
    ]


def test_destination_regions_override_what_is_known(write: Write, load: Load) -> None:
    for model_id in ("au.amazon.nova-2-lite-v1:0", "ca.amazon.nova-lite-v1:0", "jp.anthropic.claude-haiku-5-5"):
        write("dev", (ID, f"id: {model_id}\n    destination_regions: [us-east-1]"))
        assert load(today=DAY).warnings == ()


def test_a_table_that_nobody_looked_at_for_90_days_is_a_warning(write: Write, load: Load) -> None:
    write("dev")
    assert load(today=VERIFIED_ON + timedelta(days=90)).warnings == ()
    (warning,) = load(today=VERIFIED_ON + timedelta(days=91)).warnings
    assert warning.startswith("environments/dev.yaml:6: models: the table of models was last checked on")


@pytest.mark.parametrize("model_id", ["anthropic.claude-haiku-5-5", "au.amazon.nova-2-lite-v1:0", "ai21.j2-ultra-v1"])
def test_with_the_simulator_a_model_that_aws_lacks_is_a_warning(model_id: str, write: Write, load: Load) -> None:
    write("local", ('"111111111111"', '"000000000000"\nstand_in: true'), (ID, f"id: {model_id}"))
    (warning,) = load("local", today=DAY).warnings
    assert warning.startswith("environments/local.yaml:9: models.small.id: ")


def test_a_broken_region_hides_nothing_else(write: Write, load: Callable[..., object]) -> None:
    write("dev", ("us-east-1", "us east 1"), (ID, "id: us.anthropic.claude-3-5-haiku-20241022-v1:0"))
    with pytest.raises(EnvironmentsError) as raised:
        load()
    assert [line.split(": ")[1] for line in raised.value.mistakes] == ["region"]
