"""`make run DATASET=... ANSWERS=... MODELS=...`: an environment file for your own data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from shutil import copyfile
from typing import Any

from ruamel.yaml import YAML

from bedrock_eval.errors import UserError
from bedrock_eval.evaluation.cases import DatasetError, read_cases
from bedrock_eval.evaluation.dataset_formats import named_by_bytes
from bedrock_eval.evaluation.dataset_references import gap, gaps_of
from bedrock_eval.models import ModelError, candidate_name
from configuration.loading.load import load_environments
from configuration.schema.evaluations.kinds import CUSTOM
from local.deployment import ENVIRONMENT, ENVIRONMENTS, ROOT
from local.simulator.models.identifiers import sources_of
from local.simulator.replay.answers import AnswersError
from local.simulator.replay.answers import load as load_answers

EVALUATION = "own-data"
_DATASET = "own-data"


class OwnDataError(UserError, ValueError):
    """The command line, or a file it names, cannot be used; one sentence says why and what is allowed."""


@dataclass(frozen=True)
class OwnData:
    """The data of the command line: all three are given.

    Attributes:
        warning: a warning about the dataset, if there is one.
    """

    dataset: Path
    answers: Path
    models: tuple[str, ...]
    warning: str | None = None


def own_data(*, dataset: str | None, answers: str | None, models: str | None) -> OwnData | None:
    """Check the command line.

    Raises:
        OwnDataError: only some of the three are given, or a file or model id cannot be used.
    """
    given = {"DATASET": dataset, "ANSWERS": answers, "MODELS": models}
    missing = [name for name, value in given.items() if not value]
    if len(missing) == len(given):
        return None
    if missing or not (dataset and answers and models):
        raise OwnDataError(f"{' and '.join(missing)} missing: DATASET, ANSWERS and MODELS go together")
    paths = {"DATASET": Path(dataset), "ANSWERS": Path(answers)}
    for name, path in paths.items():
        if not path.is_file():
            what = "is a folder" if path.is_dir() else "no such file"
            raise OwnDataError(f"{name}={path}: {what}; needed: a .jsonl file")
    identifiers = tuple(identifier.strip() for identifier in models.split(",") if identifier.strip())
    if not identifiers or len(set(identifiers)) != len(identifiers):
        raise OwnDataError(f"MODELS={models}: needed: one or more different model ids, separated by commas")
    warning = _check_dataset(paths["DATASET"])
    _check_answers(paths["ANSWERS"], identifiers)
    return OwnData(paths["DATASET"], paths["ANSWERS"], identifiers, warning)


def _check_dataset(path: Path) -> str | None:
    """Check the dataset for the metrics of the evaluation; gives a warning, if there is one."""
    try:
        with path.open("rb") as lines:
            gaps = gaps_of(read_cases(lines, source=str(path)))
    except DatasetError as error:
        raise OwnDataError(str(error)) from None
    except OSError as error:
        raise OwnDataError(f"DATASET={path}: cannot be read: {error.strerror}") from None
    loaded = load_environments(ENVIRONMENTS, only=[ENVIRONMENT], today=date.min)
    custom = (each for each in loaded.environments[0].evaluations.values() if each.job_kind is None)
    metrics = next((each.metric_names for each in custom), ())
    found = gap(gaps, metrics=metrics, source=str(path))
    if found is not None and found.refused:
        raise OwnDataError(found.message)
    return None if found is None else found.message


def _check_answers(path: Path, models: tuple[str, ...]) -> None:
    with path.open("rb") as lines:
        wrong_format = named_by_bytes(lines.readline(), str(path))
    if wrong_format is not None:
        raise OwnDataError(f"{path}: {wrong_format}")
    try:
        recorded = load_answers([path])
    except AnswersError as error:
        raise OwnDataError(str(error)) from None
    for model in models:
        if not recorded.knows(sources_of(model)):
            known = ", ".join(recorded.models()) or "no model (the file is empty)"
            raise OwnDataError(f"MODELS: {path} has no answers of {model}; it has answers of: {known}")


def write_environment(own: OwnData, *, directory: Path) -> Path:
    """Write `directory`/environments/local.yaml with these models and this dataset; gives the folder."""
    folder = directory / "environments"
    folder.mkdir(parents=True, exist_ok=True)
    # The schema takes files of the repository: the dataset is copied into build/.
    copy = folder / "dataset.jsonl"
    copyfile(own.dataset, copy)
    names: list[str] = []
    for identifier in own.models:
        try:
            names.append(candidate_name(identifier, taken=names))
        except ModelError as error:
            raise OwnDataError(f"MODELS: {error}") from None
    yaml = YAML()
    content = yaml.load((ENVIRONMENTS / f"{ENVIRONMENT}.yaml").read_text())
    # The custom evaluation of local.yaml is the template; without it, the defaults of the schema apply.
    custom = (each for each in (content.get("evaluations") or {}).values() if each.get("kind", CUSTOM) == CUSTOM)
    template: Mapping[str, Any] = next(custom, {})
    content["models"] = {name: {"id": identifier} for name, identifier in zip(names, own.models, strict=True)}
    content["datasets"] = {_DATASET: {"source": str(copy.relative_to(ROOT))}}
    content["evaluations"] = {EVALUATION: {**template, "dataset": _DATASET, "candidates": names}}
    with (folder / f"{ENVIRONMENT}.yaml").open("w") as file:
        yaml.dump(content, file)
    return folder
