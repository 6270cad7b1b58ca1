"""What an evaluation names: models, datasets and runs."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from bedrock_eval.names import NAME_PATTERN, NAME_RULE, RUN_ID_PATTERN, RunIdError, is_name, run_time
from bedrock_eval.scores.job_measures import BUILT_IN, BUILT_IN_DATASETS
from configuration.schema.values.base import pattern_error
from configuration.schema.values.names import check_name


def _run_id(text: str) -> str:
    try:
        run_time(text)
    except RunIdError as error:
        raise ValueError(str(error)) from None
    return text


def _one_dataset(value: object) -> object:
    if isinstance(value, list):
        raise ValueError(f"{len(value)} are given; allowed: one, and an evaluation for each of several")
    return value


def _own_dataset(text: str) -> str:
    if text.startswith(BUILT_IN):
        raise ValueError(f"{text!r} is a dataset of Bedrock, for kind: automatic only; allowed here: a key of datasets")
    return check_name(text)


def model_key(text: str) -> str:
    if not is_name(text):
        raise ValueError(f"{text!r} is not a key of models; allowed: {NAME_RULE}, with the model's id below it")
    return text


def _any_dataset(text: str) -> str:
    if BUILT_IN + text in BUILT_IN_DATASETS:
        raise ValueError(
            f"{text!r} is written {BUILT_IN + text!r} when Bedrock's dataset is meant; otherwise it must be a key of "
            f"datasets: {NAME_RULE}"
        )
    return text if text.startswith(BUILT_IN) else _own_dataset(text)


OwnDataset = Annotated[
    str,
    BeforeValidator(_one_dataset),
    AfterValidator(_own_dataset),
    Field(json_schema_extra={"pattern": f"^{NAME_PATTERN}$", **pattern_error(NAME_RULE)}),
]
ModelKey = Annotated[
    str,
    AfterValidator(model_key),
    Field(json_schema_extra={"pattern": f"^{NAME_PATTERN}$", **pattern_error(f"a key of models: {NAME_RULE}")}),
]
AnyDataset = Annotated[
    str,
    BeforeValidator(_one_dataset),
    AfterValidator(_any_dataset),
    Field(
        json_schema_extra={
            "pattern": f"^({NAME_PATTERN}|{'|'.join(name.replace('.', '[.]') for name in BUILT_IN_DATASETS)})$",
            **pattern_error(f"a key of datasets, or {', '.join(BUILT_IN_DATASETS)}"),
        }
    ),
]
RunId = Annotated[
    str,
    AfterValidator(_run_id),
    Field(
        json_schema_extra={
            "pattern": f"^{RUN_ID_PATTERN}$",
            **pattern_error("a run id, as 20261123T060000Z"),
        }
    ),
]
