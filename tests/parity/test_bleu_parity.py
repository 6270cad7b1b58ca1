"""BLEU and chrF against sacrebleu."""

from hypothesis import example, given, settings
from sacrebleu import sentence_bleu, sentence_chrf
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

from bedrock_eval.scores import score
from bedrock_eval.scores.bleu import mteval_words
from tests.support.texts import TEXT, pairs

TOKENIZER = Tokenizer13a()


@given(TEXT, TEXT)
@settings(max_examples=150, deadline=None)
@example("", "")
@example("the cat sat", "")
@example("", "the cat sat")
@example("the cat sat on the mat", "the cat sat on the mat")
@example("the the the the", "the cat is on the mat")
def test_bleu_bit_for_bit(response: str, reference: str) -> None:
    compare_bleu(response, reference)


@given(TEXT)
@settings(max_examples=150, deadline=None)
@example("a.,5 1..2 3-4 -\n &amp;lt; <skipped>x 1,000.5. 日本、 it's")
def test_words_are_those_of_tokenizer_13a(text: str) -> None:
    assert mteval_words(text) == TOKENIZER(text.rstrip()).split()


@given(TEXT, TEXT)
@settings(max_examples=150, deadline=None)
@example("", "")
@example("ab", "abcdefgh")
@example("日本語 です", "日本語です。")
def test_chrf_bit_for_bit(response: str, reference: str) -> None:
    compare_chrf(response, reference)


def test_both_bit_for_bit_over_many_pairs() -> None:
    for response, reference in pairs(2_000):
        compare_bleu(response, reference)
        compare_chrf(response, reference)


def compare_bleu(response: str, reference: str) -> None:
    ours = score("bleu", response=response, references=[reference])
    assert ours == sentence_bleu(response, [reference]).score, (response, reference)


def compare_chrf(response: str, reference: str) -> None:
    ours = score("chrf", response=response, references=[reference])
    assert ours == sentence_chrf(response, [reference]).score, (response, reference)
