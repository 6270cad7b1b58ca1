"""What a metric gives an answer belongs to its version: stored scores of the same version are compared as they are."""

import hashlib
from typing import Any

import pytest

from bedrock_eval.scores import METRICS, score

ANSWERS = [
    ("The answer is $18.", "18"),
    ("It costs 5 € (50%).", "It costs €5"),
    ("x=42, → Yes", "yes"),
    ("<answer>B</answer>", "B"),
    ("C++ is fine", "c"),
    ("Returns are taken within 30 days, the law says.", "Within 30 days, by law"),
    ("1,000.50 and 1.000,50 and 16.00", "1000.5"),
    ("The U.S. don't run, they're running -5 times", "us running"),
    ("東京です。 straße", "東京 STRASSE"),
    ('{"a": [1, 2.0]}', '{"a": [1, 2]}'),
    ("to be or not to be, to be", "to be"),
    ("", "nothing"),
    ("?!", "?"),
]
GIVEN: dict[str, dict[str, Any]] = {
    "json_schema_match": {"schema": {"type": "object", "properties": {"a": {"items": {"type": "integer"}}}}},
    "regex_match": {"pattern": r"(?i)\b(yes|\d{2})\b|(?<=e )b"},
    "classification_accuracy": {"labels": ["18", "yes", "B", "C++", "c"]},
    "truncated": {"stop_reason": "max_tokens"},
}
SCORES = {
    "relevance_score": ("1", "34fda68717a7"),
    "response_length": ("1", "60425e14bb18"),
    "exact_match": ("1", "be612ac4fb84"),
    "quasi_exact_match": ("1", "80d47c834070"),
    "f1_score": ("1", "9e294909780e"),
    "precision_over_words": ("1", "42d747f226b4"),
    "recall_over_words": ("1", "b865bd213889"),
    "factual_knowledge": ("1", "2510d32cd764"),
    "quasi_factual_knowledge": ("1", "c87da0138eee"),
    "squad_exact_match": ("1", "80d47c834070"),
    "squad_f1": ("1", "185004606e10"),
    "rouge_1": ("1", "995448505bd7"),
    "rouge_2": ("1", "f8bc569a4086"),
    "rouge_l": ("1", "995448505bd7"),
    "bleu": ("1", "ff96a8bdd415"),
    "chrf": ("1", "2c114f6363e3"),
    "word_error_rate": ("1", "f1bfdf0cc6f7"),
    "unicode_exact_match": ("2", "f39ebd2d7a7d"),
    "unicode_f1_score": ("2", "2c96be062f37"),
    "unicode_precision_over_words": ("2", "5c15cd067ce7"),
    "unicode_recall_over_words": ("2", "52739bfce564"),
    "unicode_factual_knowledge": ("2", "1a6fab3fc692"),
    "unicode_rouge_1": ("2", "7cc52feb7499"),
    "unicode_rouge_2": ("2", "36c987730138"),
    "unicode_rouge_l": ("2", "52c1373e2cbc"),
    "unicode_word_error_rate": ("2", "4ca49c484c9c"),
    "classification_accuracy": ("2", "4eac1deb34c4"),
    "distinct_2": ("2", "622d62318057"),
    "json_valid": ("1", "f39ebd2d7a7d"),
    "json_schema_match": ("1", "f39ebd2d7a7d"),
    "contains": ("1", "af23f2671827"),
    "regex_match": ("1", "4fe7d2ceef37"),
    "truncated": ("1", "917d3a837a16"),
}


def digest(name: str) -> str:
    values = [
        score(name, response=response, references=(reference,), **GIVEN.get(name, {}))
        for response, reference in ANSWERS
    ]
    text = ", ".join("None" if value is None else f"{value:.9f}" for value in values)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@pytest.mark.parametrize("name", METRICS)
def test_other_scores_are_another_version(name: str) -> None:
    """Fails after a change of what a metric gives: then raise its version in the registry, and write both here."""
    assert SCORES[name] == (METRICS[name].version, digest(name))
