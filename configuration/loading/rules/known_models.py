"""What is known of models, held against an environment file: what AWS would refuse, and what will not last.

With the simulator nothing of AWS is there: answers of retired models are data, and absent models are simulated.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from bedrock_eval.model_checks.checks import findings, region_finding, table_finding
from bedrock_eval.model_checks.findings import About, Finding, Question, Use, Verdict
from configuration.document.reading import Mistake, Path
from configuration.loading.rules.parts import EvaluationParts, Parts, mapping
from configuration.schema.evaluations.candidates import AnyCandidateConfig
from configuration.schema.evaluations.scoring import JudgeScoring
from configuration.schema.models import ModelConfig

# Whether a model is there, as opposed to what it takes.
_THERE = (About.LIFE, About.PLACE)
_AS_USED = (About.USE, About.PARAMETER)


def mistakes(parts: Parts, *, today: date) -> Iterator[Mistake]:
    """What cannot work."""
    played = _played(parts)
    for path, finding in _told(parts, today=today):
        gone = finding.about in (*_THERE, About.USE)
        if finding.verdict is Verdict.REFUSED and not (played and gone):
            yield Mistake(path, finding.message)


def notes(parts: Parts, *, today: date) -> Iterator[Mistake]:
    """What may not work, or not for long; with the simulator, models that AWS would not have."""
    if _played(parts):
        for path, finding in _told(parts, today=today):
            if finding.verdict is Verdict.REFUSED and finding.about in _THERE:
                yield Mistake(path, finding.message)
        return
    stale = table_finding(today=today)
    if stale is not None:
        yield Mistake(("models",), stale.message)
    for path, finding in _told(parts, today=today):
        if finding.verdict is Verdict.WARNING:
            yield Mistake(path, finding.message)


def _played(parts: Parts) -> bool:
    return not parts.sound("stand_in") or parts.flag("stand_in")


def _told(parts: Parts, *, today: date) -> Iterator[tuple[Path, Finding]]:
    region = parts.top.get("region")
    if region is None:
        return
    no_region = region_finding(region)
    if no_region is not None:
        yield ("region",), no_region
    for name, config in parts.models.items():
        if config is not None:
            for finding in findings(_question(config, region), today=today):
                if finding.about is not About.REGION:
                    yield ("models", name, finding.key if finding.key == "destination_regions" else "id"), finding
    for name, evaluation in parts.evaluations.items():
        for path, finding in (*_of_candidates(evaluation, parts, today), *_of_judge(evaluation, parts, today)):
            if finding.about in _AS_USED:
                yield ("evaluations", name, *path), finding


def _question(
    config: ModelConfig, region: str, *, use: Use | None = None, parameters: Mapping[str, Any] | None = None
) -> Question:
    return Question(config.id, region, use, parameters or {}, config.destination_regions)


def _of_candidates(evaluation: EvaluationParts, parts: Parts, today: date) -> Iterator[tuple[Path, Finding]]:
    if isinstance(evaluation.jobs, JudgeScoring) and evaluation.jobs.answers_from is not None:
        return
    use = Use.CANDIDATE if evaluation.custom else Use.JOB_GENERATOR
    for index, candidate in enumerate(evaluation.candidates):
        config = None if candidate is None else parts.models.get(candidate.model)
        if candidate is None or config is None or getattr(candidate, "answers_of", None) is not None:
            continue
        parameters = _parameters(candidate)
        values = {key: value for key, (_, value) in parameters.items()}
        question = _question(config, parts.top["region"], use=use, parameters=values)
        for finding in findings(question, today=today):
            path = parameters[finding.key][0] if finding.key in parameters else ("model",)
            yield ("candidates", index, *path), finding


def _parameters(candidate: AnyCandidateConfig) -> dict[str, tuple[Path, Any]]:
    """What a candidate gives, and where: as a parameter, or as a request field of the model."""
    fields: Mapping[str, Any] = getattr(candidate, "additional_fields", None) or {}
    given: dict[str, tuple[Path, Any]] = {
        key: (("additional_fields", key), fields[key])
        for key in ("temperature", "top_p", "top_k", "thinking", "effort")
        if key in fields
    }
    effort = mapping(fields.get("output_config")).get("effort")
    if effort is not None:
        given["effort"] = ("additional_fields", "output_config", "effort"), effort
    if getattr(candidate, "system", None) is not None:
        given["system"] = ("system",), True
    parameters = candidate.parameters.model_dump(exclude_defaults=True)
    return given | {key: (("parameters", key), value) for key, value in parameters.items()}


def _of_judge(evaluation: EvaluationParts, parts: Parts, today: date) -> Iterator[tuple[Path, Finding]]:
    scoring = evaluation.jobs
    config = parts.models.get(scoring.judge) if isinstance(scoring, JudgeScoring) else None
    if config is None or not isinstance(scoring, JudgeScoring) or evaluation.broken & {"metrics", "criteria", "judge"}:
        return
    kinds = [kind for kind, used in (("built_in", scoring.metrics), ("custom", scoring.criteria)) if used]
    for kind in kinds:
        question = _question(config, parts.top["region"], use=Use.JUDGE, parameters={"metrics": kind})
        for finding in findings(question, today=today):
            yield ("judge",), finding
