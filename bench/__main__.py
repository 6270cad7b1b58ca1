"""`python -m bench`: how fast the core is, each figure beside what it is measured against in the same run.

Absolute figures change with the machine; the ratios are what to compare.
"""

import json
import random
import string
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nltk.metrics.distance import edit_distance
from nltk.metrics.scores import f_measure
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu import sentence_bleu, sentence_chrf

from bedrock_eval.evaluation.cases import Case, read_cases
from bedrock_eval.evaluation.definition import Candidate
from bedrock_eval.results.outcomes import Outcome
from bedrock_eval.scores import score
from bedrock_eval_runs.custom.converse import Later, Question
from bedrock_eval_runs.custom.runner import Lane, Limits, Runner

PAIR_WORDS = 60
PAIRS = 2_000
SLOW_PAIRS = 200
LONG_CHARACTERS = 400_000
REPEATS = 5
LATENCY_SECONDS = 0.02
CALLS = 400


@dataclass(frozen=True)
class Figure:
    """Items a second of ours and of what it stands beside."""

    name: str
    unit: str
    ours: float
    other: float
    beside: str

    def __str__(self) -> str:
        ratio = self.ours / self.other
        return f"{self.name:<44}{self.ours:>12,.0f} {self.unit:<9}{ratio:>8.2g} x {self.beside} ({self.other:,.0f})"


def main() -> None:
    """Measure and print."""
    for measure in (_f1, _unicode_f1, _long_facts, _squad_f1, _rouge, _bleu, _chrf, _word_error_rate, _cases, _runner):
        print(measure(), flush=True)


def _rate(work: Callable[[], object], items: int) -> float:
    """Items a second, the best of some repeats: noise only ever slows."""
    best = min(_seconds(work) for _ in range(REPEATS))
    return items / best


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _pairs() -> list[tuple[str, str]]:
    rng = random.Random(7)
    words = ["".join(rng.choices(string.ascii_lowercase, k=rng.randint(2, 9))) for _ in range(400)]
    words += ["The", "a", "an,", "(and)", "30", "days."]

    def text() -> str:
        return " ".join(rng.choices(words, k=PAIR_WORDS))

    return [(text(), text()) for _ in range(PAIRS)]


def _beside(names: Sequence[str], theirs: Callable[[str, str], object], *, beside: str, their_pairs: int) -> Figure:
    """Our metrics of these names on all pairs; a slower reference, given (answer, reference), on some of them."""
    pairs = _pairs()

    def ours() -> None:
        for response, reference in pairs:
            for name in names:
                score(name, response=response, references=(reference,))

    def other() -> None:
        for response, reference in pairs[:their_pairs]:
            theirs(response, reference)

    title = f"{', '.join(names)}, {PAIR_WORDS} words"
    return Figure(title, "pairs/s", _rate(ours, PAIRS), _rate(other, their_pairs), beside)


def _f1() -> Figure:
    return _beside(["f1_score"], _nltk_f1, beside="fmeval's way with nltk", their_pairs=PAIRS)


def _unicode_f1() -> Figure:
    return _beside(["unicode_f1_score"], _nltk_f1, beside="fmeval's way with nltk", their_pairs=PAIRS)


def _long_facts() -> Figure:
    """A reference of 50,000 words that does not stand in a long answer."""
    response = "lorem ipsum dolor sit amet " * (LONG_CHARACTERS // 27)
    reference = " ".join(f"w{number}" for number in range(LONG_CHARACTERS // 8))

    def rate(name: str) -> float:
        return _rate(lambda: score(name, response=response, references=(reference,)), LONG_CHARACTERS)

    ours, other = rate("unicode_factual_knowledge"), rate("unicode_f1_score")
    title = f"unicode_factual_knowledge, {LONG_CHARACTERS // 1000} kB"
    return Figure(title, "chars/s", ours, other, "unicode_f1_score")


def _squad_f1() -> Figure:
    return _beside(["squad_f1"], _nltk_f1, beside="fmeval's way with nltk", their_pairs=PAIRS)


def _rouge() -> Figure:
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)
    return _beside(
        ["rouge_1", "rouge_2", "rouge_l"],
        lambda response, reference: scorer.score(reference, response),
        beside="rouge-score",
        their_pairs=SLOW_PAIRS,
    )


def _bleu() -> Figure:
    return _beside(
        ["bleu"],
        lambda response, reference: sentence_bleu(response, [reference]),
        beside="sacrebleu",
        their_pairs=SLOW_PAIRS,
    )


def _chrf() -> Figure:
    return _beside(
        ["chrf"],
        lambda response, reference: sentence_chrf(response, [reference]),
        beside="sacrebleu",
        their_pairs=SLOW_PAIRS,
    )


def _word_error_rate() -> Figure:
    return _beside(
        ["word_error_rate"],
        lambda response, reference: edit_distance(reference.split(), response.split()),
        beside="nltk's edit distance",
        their_pairs=SLOW_PAIRS // 10,
    )


def _nltk_f1(response: str, reference: str) -> object:
    return f_measure(_nltk_words(reference), _nltk_words(response))


def _nltk_words(text: str) -> set[str]:
    kept = "".join(character for character in text.strip().lower() if character not in string.punctuation)
    return {word for word in kept.split(" ") if word not in {"", "a", "an", "the"}}


def _cases() -> Figure:
    lines = [json.dumps({"prompt": f"{number} {'word ' * 30}", "referenceResponse": "yes"}) for number in range(5_000)]

    def ours() -> None:
        for _ in read_cases(lines, source="bench"):
            pass

    def bare() -> None:
        for line in lines:
            json.loads(line)

    return Figure("dataset lines to cases", "lines/s", _rate(ours, 5_000), _rate(bare, 5_000), "bare json.loads")


class _Sink:
    def __init__(self) -> None:
        self.taken = 0

    def take(self, outcome: Outcome) -> None:
        self.taken += outcome.scored

    def put_off(self, later: Later) -> None:
        pass

    def tick(self) -> None:
        pass


def _runner() -> Figure:
    candidate = Candidate("c", "m", "m")
    cases = [Case(id=str(number), prompt="p") for number in range(CALLS)]

    def ask(question: Question) -> Outcome:
        time.sleep(LATENCY_SECONDS)
        return Outcome(question.case.id, question.candidate.name, question.case.prompt)

    def ours() -> None:
        end = time.monotonic() + 60
        limits = Limits(concurrency=32, stop_at=end, drain_until=end, drain_seconds=1)
        runner = Runner(ask=ask, limits=limits, clock=time.monotonic, idle=time.sleep)
        runner.run([Lane((candidate, case) for case in cases)], _Sink())

    def loop(chosen: Sequence[Case]) -> None:
        for case in chosen:
            ask(Question(candidate, case))

    one_by_one = _rate(lambda: loop(cases[:20]), 20)
    return Figure("cases, 20 ms a call, 32 in flight", "cases/s", _rate(ours, CALLS), one_by_one, "one after another")


if __name__ == "__main__":
    main()
