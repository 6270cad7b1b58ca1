"""Every metric by name."""

from collections.abc import Mapping
from types import MappingProxyType

from bedrock_eval.direction import Better
from bedrock_eval.scores import bleu, checks, classification, edits, rouge, squad, unicode_words, words
from bedrock_eval.scores.definition import Absent, MetricDefinition, Parameter, ScoreFunction
from bedrock_eval.scores.measures import FIRST_VERSION

_WORDS = "2"
"""Of the metrics that count words of any script. 2: symbols stand apart, equal numbers are one word."""


def _share(  # noqa: PLR0913 - all by keyword but the first two
    title: str,
    function: ScoreFunction,
    *,
    binary: bool = False,
    needs_reference: bool = True,
    parameters: tuple[Parameter, ...] = (),
    version: str = FIRST_VERSION,
) -> MetricDefinition:
    """0 to 1, 1 is best; named as its function."""
    return MetricDefinition(
        name=function.__name__,
        title=title,
        function=function,
        better=Better.HIGHER,
        unit="share",
        low=0.0,
        high=1.0,
        needs_reference=needs_reference,
        binary=binary,
        parameters=parameters,
        version=version,
    )


def _yes_or_no(title: str, function: ScoreFunction, *, version: str = FIRST_VERSION) -> MetricDefinition:
    return _share(title, function, binary=True, version=version)


def _percent(title: str, function: ScoreFunction) -> MetricDefinition:
    return MetricDefinition(
        name=function.__name__,
        title=title,
        function=function,
        better=Better.HIGHER,
        unit="points of 100",
        low=0.0,
        high=100.0,
    )


def _error_rate(title: str, function: ScoreFunction, *, version: str = FIRST_VERSION) -> MetricDefinition:
    return MetricDefinition(
        name=function.__name__,
        title=title,
        function=function,
        better=Better.LOWER,
        unit="errors per word",
        low=0.0,
        high=None,
        version=version,
    )


_RESPONSE_LENGTH = MetricDefinition(
    name="response_length",
    title="Response length",
    function=words.response_length,
    better=Better.NEUTRAL,
    unit="characters",
    low=0.0,
    high=None,
    needs_reference=False,
)
_TRUNCATED = MetricDefinition(
    name="truncated",
    title="Cut short",
    function=checks.truncated,
    better=Better.LOWER,
    unit="share",
    low=0.0,
    high=1.0,
    needs_reference=False,
    binary=True,
    parameters=(Parameter("stop_reason", checks.check_stop_reason, Absent.NOT_APPLICABLE),),
)

_DEFINITIONS = (
    _share("Relevance (word recall)", words.relevance_score),
    _RESPONSE_LENGTH,
    _yes_or_no("Exact match", words.exact_match),
    _yes_or_no("Quasi-exact match", words.quasi_exact_match),
    _share("F1 over words", words.f1_score),
    _share("Precision over words", words.precision_over_words),
    _share("Recall over words", words.recall_over_words),
    _yes_or_no("Factual knowledge", words.factual_knowledge),
    _yes_or_no("Quasi factual knowledge", words.quasi_factual_knowledge),
    _yes_or_no("SQuAD exact match", squad.squad_exact_match),
    _share("SQuAD F1", squad.squad_f1),
    _share("ROUGE-1", rouge.rouge_1),
    _share("ROUGE-2", rouge.rouge_2),
    _share("ROUGE-L", rouge.rouge_l),
    _percent("BLEU", bleu.bleu),
    _percent("chrF", bleu.chrf),
    _error_rate("Word error rate", edits.word_error_rate),
    _yes_or_no("Exact match (Unicode)", unicode_words.unicode_exact_match, version=_WORDS),
    _share("F1 over words (Unicode)", unicode_words.unicode_f1_score, version=_WORDS),
    _share("Precision over words (Unicode)", unicode_words.unicode_precision_over_words, version=_WORDS),
    _share("Recall over words (Unicode)", unicode_words.unicode_recall_over_words, version=_WORDS),
    _yes_or_no("Factual knowledge (Unicode)", unicode_words.unicode_factual_knowledge, version=_WORDS),
    _share("ROUGE-1 (Unicode)", unicode_words.unicode_rouge_1, version=_WORDS),
    _share("ROUGE-2 (Unicode)", unicode_words.unicode_rouge_2, version=_WORDS),
    _share("ROUGE-L (Unicode)", unicode_words.unicode_rouge_l, version=_WORDS),
    _error_rate("Word error rate (Unicode)", unicode_words.unicode_word_error_rate, version=_WORDS),
    _share(
        "Classification accuracy",
        classification.classification_accuracy,
        binary=True,
        parameters=(Parameter("labels", classification.check_labels, Absent.DEFAULT),),
        version=_WORDS,
    ),
    _share("Distinct word pairs", checks.distinct_2, needs_reference=False, version=_WORDS),
    _share("Valid JSON", checks.json_valid, binary=True, needs_reference=False),
    _share(
        "Fits the JSON schema",
        checks.json_schema_match,
        binary=True,
        needs_reference=False,
        parameters=(Parameter("schema", checks.check_schema, Absent.REFUSED),),
    ),
    _yes_or_no("Contains the reference", checks.contains),
    _share(
        "Matches the pattern",
        checks.regex_match,
        binary=True,
        needs_reference=False,
        parameters=(Parameter("pattern", checks.check_pattern, Absent.REFUSED),),
    ),
    _TRUNCATED,
)

METRICS: Mapping[str, MetricDefinition] = MappingProxyType({definition.name: definition for definition in _DEFINITIONS})
