"""Rules about the evaluations of a file: what they name, candidates, limits."""

from collections.abc import Iterator

from bedrock_eval.scores.job_measures import BUILT_IN
from bedrock_eval.wording import suggestion
from configuration.document.reading import Mistake
from configuration.loading.rules.parts import EvaluationParts, Parts, of_evaluation


def mistakes(parts: Parts) -> Iterator[Mistake]:
    """Every rule that the evaluations break, whatever they score by."""
    yield from _headline(parts)
    for name, evaluation in parts.evaluations.items():
        for rule in (_dataset_known, _models_known, _candidates, _limit):
            yield from of_evaluation(name, rule(evaluation, parts))


def notes(parts: Parts) -> Iterator[Mistake]:
    """Runs with a cost limit that call models without rates: a warning, other models are still counted."""
    for name, evaluation in parts.evaluations.items():
        called = dict.fromkeys(filter(None, evaluation.models))
        unpriced = [model for model in called if (config := parts.models.get(model)) is not None and not config.rates]
        if evaluation.max_cost and evaluation.allow_unpriced and unpriced:
            yield Mistake(
                ("evaluations", name, "allow_unpriced"),
                f"max_cost does not include {', '.join(unpriced)}: no rates",
            )


def _headline(parts: Parts) -> Iterator[Mistake]:
    headlines = [name for name, evaluation in parts.evaluations.items() if evaluation.headline]
    for name in headlines[1:]:
        yield Mistake(
            ("evaluations", name, "headline"),
            f"{headlines[0]} is already the headline; allowed: one evaluation, because CloudWatch would average the "
            "scores of both",
        )
    for name in headlines:
        models = [model for model in parts.evaluations[name].models if model is not None]
        doubled = next((model for model in models if models.count(model) > 1), None)
        if doubled is not None:
            yield Mistake(
                ("evaluations", name, "headline"),
                f"two candidates use model {doubled}; the headline has one score for each model, so theirs would "
                "be averaged",
            )


def _dataset_known(evaluation: EvaluationParts, parts: Parts) -> Iterator[Mistake]:
    if not (parts.sound("datasets") or parts.datasets):
        return
    if evaluation.dataset is None or (not evaluation.custom and evaluation.dataset.startswith(BUILT_IN)):
        return
    if evaluation.dataset not in parts.datasets:
        known = ", ".join(parts.datasets) or "none is given"
        near = suggestion(evaluation.dataset, parts.datasets)
        yield Mistake(("dataset",), f"{evaluation.dataset!r} is not a key of datasets{near}; allowed: {known}")


def _models_known(evaluation: EvaluationParts, parts: Parts) -> Iterator[Mistake]:
    for index, model in enumerate(evaluation.models):
        if model is not None and parts.models and model not in parts.models:
            near = suggestion(model, parts.models)
            wrong = f"{model!r} is not a key of models{near}; allowed: {', '.join(parts.models)}"
            yield Mistake(("candidates", index, "model"), wrong)


def _limit(evaluation: EvaluationParts, parts: Parts) -> Iterator[Mistake]:
    if evaluation.allow_unpriced and not evaluation.max_cost:
        yield Mistake(("allow_unpriced",), "needs max_cost: set max_cost, or leave allow_unpriced out")
    if not evaluation.max_cost or evaluation.allow_unpriced:
        return
    for index, name in enumerate(evaluation.models):
        model = parts.models.get(name or "")
        if model is not None and model.rates is None:
            yield Mistake(
                ("candidates", index, "model"),
                f"model {name} has no rates, so max_cost would stop every run; needed: rates, or allow_unpriced: true",
            )


def _candidates(evaluation: EvaluationParts, _parts: Parts) -> Iterator[Mistake]:
    first: dict[str, int] = {}
    for index, candidate in enumerate(evaluation.candidates):
        if candidate is None:
            continue
        if candidate.name in first:
            yield Mistake(
                ("candidates", index, "name"),
                f"{candidate.name!r} is already in candidates[{first[candidate.name]}]; needed: another name",
            )
        first.setdefault(candidate.name, index)
