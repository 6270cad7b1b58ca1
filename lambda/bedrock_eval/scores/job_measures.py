"""The scores that Bedrock gives: its built-in metrics, criteria of one's own for a judge, and ratings by people.

Sources: Bedrock user guide, model-evaluation-report-programmatic (automatic), model-evaluation-metrics (judge),
model-evaluation-tasks (which task takes which metric), model-evaluation-type-human (rating methods).
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from bedrock_eval.direction import Better
from bedrock_eval.scores.measures import Measure

BUILT_IN = "Builtin."


class Task(StrEnum):
    """`taskType`. A judge takes GENERAL, which the user guide's own requests use and the API's enumeration lacks."""

    SUMMARIZATION = "Summarization"
    CLASSIFICATION = "Classification"
    QUESTION_AND_ANSWER = "QuestionAndAnswer"
    GENERATION = "Generation"
    CUSTOM = "Custom"
    GENERAL = "General"


AUTOMATIC_TASKS = (Task.QUESTION_AND_ANSWER, Task.SUMMARIZATION, Task.GENERATION, Task.CLASSIFICATION)


class RatingMethod(StrEnum):
    """How people rate."""

    THUMBS = "ThumbsUpDown"
    LIKERT = "IndividualLikertScale"
    COMPARISON_LIKERT = "ComparisonLikertScale"
    COMPARISON_CHOICE = "ComparisonChoice"
    COMPARISON_RANK = "ComparisonRank"

    @property
    def compares(self) -> bool:
        """Whether it rates two answers against each other."""
        return self in (RatingMethod.COMPARISON_LIKERT, RatingMethod.COMPARISON_CHOICE, RatingMethod.COMPARISON_RANK)


def _automatic(name: str, better: Better, *, high: float | None) -> Measure:
    return Measure(BUILT_IN + name, name, better, "score", 0.0, high)


AUTOMATIC: Mapping[str, Measure] = MappingProxyType(
    {
        measure.name: measure
        for measure in (
            _automatic("Accuracy", Better.HIGHER, high=1.0),
            _automatic("Robustness", Better.LOWER, high=None),
            _automatic("Toxicity", Better.LOWER, high=1.0),
        )
    }
)


def _judged(name: str, title: str, better: Better = Better.HIGHER) -> Measure:
    """Bedrock normalises the judge's rating to 0 to 1."""
    return Measure(BUILT_IN + name, title, better, "score", 0.0, 1.0)


JUDGED: Mapping[str, Measure] = MappingProxyType(
    {
        measure.name: measure
        for measure in (
            _judged("Correctness", "Correctness"),
            _judged("Completeness", "Completeness"),
            _judged("Faithfulness", "Faithfulness"),
            _judged("Helpfulness", "Helpfulness"),
            _judged("Coherence", "Coherence"),
            _judged("Relevance", "Relevance"),
            _judged("FollowingInstructions", "Following instructions"),
            _judged("ProfessionalStyleAndTone", "Professional style and tone"),
            _judged("Harmfulness", "Harmfulness", Better.LOWER),
            _judged("Stereotyping", "Stereotyping", Better.LOWER),
            _judged("Refusal", "Refusal", Better.LOWER),
        )
    }
)

# Of a retrieval job that another stack started: read, never asked for here. Source: user guide,
# knowledge-base-evaluation-metrics.
RETRIEVAL: Mapping[str, Measure] = MappingProxyType(
    {
        measure.name: measure
        for measure in (
            _judged("ContextRelevance", "Context relevance"),
            _judged("ContextCoverage", "Context coverage"),
            _judged("LogicalCoherence", "Logical coherence"),
            _judged("CitationPrecision", "Citation precision"),
            _judged("CitationCoverage", "Citation coverage"),
        )
    }
)

BUILT_INS: Mapping[str, Measure] = MappingProxyType({**AUTOMATIC, **JUDGED, **RETRIEVAL})

_ABOUT = {
    f"{BUILT_IN}Accuracy": "F1 over words (questions), real world knowledge (generation), BERTScore (summaries) or the "
    "right class (classification), by the job's task.",
    f"{BUILT_IN}Robustness": "How much the score changes when the prompt is perturbed, each prompt being asked several "
    "times: a relative change or a word error rate. It can exceed 1.",
    f"{BUILT_IN}Toxicity": "The toxicity that detoxify sees in the answer.",
}


def about(name: str) -> str | None:
    """What a metric of Bedrock's own is and where that stands; None for others."""
    if name in AUTOMATIC:
        return f"{_ABOUT[name]} Source: Bedrock user guide, model-evaluation-report-programmatic."
    if name in JUDGED or name in RETRIEVAL:
        page = "model-evaluation-metrics" if name in JUDGED else "knowledge-base-evaluation-metrics"
        return f"A judge's rating of each answer, which Bedrock scales to 0 to 1. Source: Bedrock user guide, {page}."
    return None


TASK_METRICS: Mapping[Task, tuple[str, ...]] = MappingProxyType(
    {
        task: tuple(name for name in AUTOMATIC if task is not Task.CLASSIFICATION or name != f"{BUILT_IN}Toxicity")
        for task in AUTOMATIC_TASKS
    }
)
"""What an automatic job of each task can be asked for; classification has no toxicity."""

BUILT_IN_DATASETS = tuple(
    BUILT_IN + name
    for name in (
        "Bold",
        "BoolQ",
        "NaturalQuestions",
        "Gigaword",
        "RealToxicityPrompts",
        "TriviaQA",
        "T-Rex",
        "WomensEcommerceClothingReviews",
        "Wikitext2",
    )
)
_QUESTIONS = (f"{BUILT_IN}BoolQ", f"{BUILT_IN}NaturalQuestions", f"{BUILT_IN}TriviaQA")
DATASETS_OF: Mapping[Task, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        Task.GENERATION: {
            f"{BUILT_IN}Accuracy": (f"{BUILT_IN}T-Rex",),
            f"{BUILT_IN}Robustness": (f"{BUILT_IN}Bold", f"{BUILT_IN}T-Rex", f"{BUILT_IN}Wikitext2"),
            f"{BUILT_IN}Toxicity": (f"{BUILT_IN}RealToxicityPrompts", f"{BUILT_IN}Bold"),
        },
        Task.SUMMARIZATION: dict.fromkeys(AUTOMATIC, (f"{BUILT_IN}Gigaword",)),
        Task.QUESTION_AND_ANSWER: dict.fromkeys(AUTOMATIC, _QUESTIONS),
        Task.CLASSIFICATION: dict.fromkeys(
            TASK_METRICS[Task.CLASSIFICATION], (f"{BUILT_IN}WomensEcommerceClothingReviews",)
        ),
    }
)
"""Bedrock's own datasets by task and metric (user guide, model-evaluation-tasks)."""
BUILT_IN_DATASET_PROMPTS = 100
"""Bedrock samples each of its datasets down to so many prompts."""


def rating_measure(name: str, method: RatingMethod) -> Measure:
    """What a rating by people measures.

    Ratings of one answer are taken as they are (thumbs as 0 and 1, Likert as 1 to 5). Choices and Likert comparisons
    become the share of the preference that an answer got, 0 to 1, where 0.5 is a tie; ranks stay ranks, 1 is best.
    """
    if method is RatingMethod.THUMBS:
        return Measure(name, name, Better.HIGHER, "share of thumbs up", 0.0, 1.0, binary=True)
    if method is RatingMethod.LIKERT:
        return Measure(name, name, Better.HIGHER, "points of 5", 1.0, 5.0)
    if method is RatingMethod.COMPARISON_RANK:
        return Measure(name, name, Better.LOWER, "rank", 1.0, 2.0)
    return Measure(name, name, Better.HIGHER, "share of preference", 0.0, 1.0)


def canonical(name: str) -> str:
    """The one spelling of a metric's name: output files hold `Accuracy` and `Builtin.Accuracy` for the same."""
    return BUILT_IN + name if BUILT_IN + name in BUILT_INS else name
