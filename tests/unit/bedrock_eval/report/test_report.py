"""The report's structure, its escaping, and what it says; tests/pages looks at it in a browser."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedrock_eval.evaluation.definition import Candidate, CustomDefinition, Dataset, Definition, Gate
from bedrock_eval.pricing.costs import Rates
from bedrock_eval.pricing.usage import Usage
from bedrock_eval.report import render
from bedrock_eval.report.html.diff import marked
from bedrock_eval.report.html.markup import tag, text
from bedrock_eval.report.html.samples import MAX_BYTES
from bedrock_eval.report.html.scale import Scale, scale_of
from bedrock_eval.report.sections.categories import MAX_CATEGORIES
from bedrock_eval.report.sections.distributions import heights
from bedrock_eval.report.sections.efficiency import percentile
from bedrock_eval.report.sections.planning import spread_of
from bedrock_eval.report.sections.regressions import chosen, gain
from bedrock_eval.report.words.reading import reading
from bedrock_eval.results.baseline import Baseline, baseline_of
from bedrock_eval.results.evidence import MAX_TEXT, CaseView, Evidence, ExplainedCase, FailedCase, cut
from bedrock_eval.results.outcomes import FailureReason, Outcome
from bedrock_eval.results.summarising import bins, summarise
from bedrock_eval.results.summary import Bin, CategorySummary, ClassSummary, Summary
from bedrock_eval.scores import METRICS, Confusion
from bedrock_eval.statistics import minimum_detectable_effect, needed_n
from bedrock_eval.verdicts.gates import Verdict
from bedrock_eval.wording import number

HOSTILE = "</p><script>alert(1)</script>\" onload='x' \u202egnp.exe \x00\ud800\U000e0041"
VOID = {"br", "circle", "hr", "line", "link", "meta", "path", "rect"}
DEFINITION = CustomDefinition(
    application="shop",
    environment="dev",
    evaluation="quality",
    candidates=(
        Candidate("good", "us.a.good", "arn:good", rates=Rates(input=3, output=15)),
        Candidate("bad", "us.a.bad", "arn:bad"),
    ),
    dataset=Dataset("faq", "bucket", "datasets/faq.jsonl"),
    metrics=("f1_score", "word_error_rate", "exact_match", "response_length"),
    gates=(Gate("f1_score", min=0.5), Gate("word_error_rate", max=0.5)),
)


def summary(definition: Definition = DEFINITION, *, failed: int = 1, baseline: Baseline | None = None) -> Summary:
    values = {"good": (0.8, 0.2, 1.0, 40.0), "bad": (0.2, 0.46, 0.0, 90.0)}
    outcomes = [
        Outcome(
            f"case-{index}",
            candidate.name,
            "How long?",
            category=None if index == 0 else "returns" if index < 5 else "delivery",
            scores={
                name: value if name == "exact_match" else value * (1 + index % 5 / 20)
                for name, value in zip(DEFINITION.metrics, values[candidate.name], strict=True)
            },
            usage=Usage(input_tokens=100, output_tokens=200),
        )
        for candidate in definition.candidates
        for index in range(40)
    ]
    lost = definition.candidates[-1].name
    outcomes += [Outcome(f"lost-{index}", lost, "p", failure=FailureReason.THROTTLED) for index in range(failed)]
    times = {"started": datetime(2026, 11, 23, 6, 0, tzinfo=UTC), "finished": datetime(2026, 11, 23, 6, 4, tzinfo=UTC)}
    return summarise(definition, run_id="20261123T060000Z", outcomes=outcomes, baseline=baseline, **times)


def view(case: str = "case-1", **changes: object) -> CaseView:
    made = CaseView(
        case_id=case,
        category="returns",
        prompt="How long may I return it?",
        references=("Within thirty days.",),
        metric="f1_score",
        candidate="bad",
        reference="good",
        against="candidate",
        candidate_score=0.2,
        reference_score=0.9,
        candidate_answer="Please see our site.",
        reference_answer="Within thirty days of delivery.",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


class Page(HTMLParser):
    """The elements of a page in order, each with its text; a tag that does not match is an error."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self._open: list[int] = []
        self.feed(source)
        self.close()
        assert not self._open

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((name, dict(attributes), []))
        if name not in VOID:
            self._open.append(len(self.elements) - 1)

    def handle_startendtag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((name, dict(attributes), []))

    def handle_endtag(self, name: str) -> None:
        assert self.elements[self._open.pop()][0] == name

    def handle_data(self, data: str) -> None:
        for index in self._open:
            self.elements[index][2].append(data)

    def all(self, name: str, kind: str = "") -> Iterator[str]:
        """The texts of the elements of a name and class."""
        for found, attributes, texts in self.elements:
            if found == name and kind in ["", *(attributes.get("class") or "").split(" ")]:
                yield "".join(texts)

    def table(self, caption: str) -> list[str]:
        """The texts of a table's rows."""
        (whole,) = [texts for name, _, texts in self.elements if name == "table" and texts and texts[0] == caption]
        return whole


def test_the_sections_come_in_their_order_and_the_page_has_landmarks() -> None:
    page = Page(render(summary(), Evidence(regressions=(view(),))))
    titles = list(page.all("h2"))
    assert titles == [
        "Verdicts",
        "Differences, case by case",
        "Scores",
        "Distributions",
        "Categories",
        "Cost and latency",
        "Worst regressions",
        "Failures",
        "How it was computed",
        "Cases it takes",
    ]
    names = [name for name, _, _ in page.elements]
    assert [names.count(landmark) for landmark in ("header", "nav", "main", "footer", "h1")] == [1] * 5
    targets = {attributes["href"] for name, attributes, _ in page.elements if name == "a"}
    assert targets <= {f"#{attributes['id']}" for _, attributes, _ in page.elements if "id" in attributes}
    ids = [attributes["id"] for _, attributes, _ in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_every_table_has_a_caption_and_scoped_heads_and_every_picture_a_title() -> None:
    evidence = Evidence((view(),), (FailedCase("lost-0", "bad", "throttled", "429"),), {"good": (900.0, 1200.0)})
    page = Page(render(summary(), evidence))
    names = [name for name, _, _ in page.elements]
    assert names.count("caption") == names.count("table") > 2
    assert all("scope" in attributes for name, attributes, _ in page.elements if name == "th")
    pictures = [index for index, (name, attributes, _) in enumerate(page.elements) if attributes.get("role") == "img"]
    assert pictures
    assert all(page.elements[index + 1][0] == "title" for index in pictures)


def test_it_loads_and_runs_nothing() -> None:
    source = render(summary(), Evidence((view(candidate_answer=HOSTILE),)))
    page = Page(source)
    names = {name for name, _, _ in page.elements}
    assert not names & {"script", "img", "iframe", "object", "embed", "form", "base"}
    addresses = [
        value for _, attributes, _ in page.elements for key, value in attributes.items() if key in ("href", "src")
    ]
    assert all(str(value).startswith(("#", "data:,")) for value in addresses)
    assert not re.search(r"url\(|@import|https?:", source)
    assert not any(key.startswith("on") for _, attributes, _ in page.elements for key in attributes)


def test_verdicts_are_words_with_reason_numbers_and_the_cases_that_would_decide() -> None:
    page = Page(render(summary()))
    words = list(page.all("li", "gate"))
    assert [re.match(r"Failed|Passed|Undecided", told)[0] for told in words] == [  # type: ignore[index]
        "Failed",
        "Undecided",
        "Passed",
        "Passed",
    ]
    failing, open_one = words[:2]
    assert "F1 over wordsbad at least 0.5" in failing
    assert "The interval lies below 0.5." in failing
    assert "(98.75%), 40 cases" in failing
    assert re.search(r"The interval spans the bound\. About [\d,]+ cases would decide\.", open_one)


def test_without_gates_it_says_that_nothing_is_decided() -> None:
    page = Page(render(summary(replace(DEFINITION, gates=()))))
    assert any("No gate is declared" in told for told in page.all("p", "note"))


def test_differences_stand_in_the_good_direction_with_their_scale_and_p_value() -> None:
    """`bad` has the lower F1 and the higher word error rate: both lie left of 0, on the side of `good`."""
    whole = summary()
    rows = Page(render(whole)).table("Differences of bad and good")
    found = {each.metric: each for each in whole.comparisons}
    assert found["f1_score"].estimate.mean == pytest.approx(-0.66)
    assert found["word_error_rate"].estimate.mean == pytest.approx(-0.286)
    told = " ".join(rows)
    assert "← good better bad better →" in told
    assert "F1 over words: −0.660, −0.674 to −0.646, 40 pairs, good better" in told
    assert "Word error rate lower is better, sign turned Word error rate: −0.286" in told
    assert "below 0.001 40 0 unpaired" in told
    assert "Response length" not in told
    assert [reading(found[name], whole)[1] for name in ("f1_score", "word_error_rate")] == ["good better"] * 2


def winners(section: str) -> list[tuple[str, str]]:
    return re.findall(r'class="word (\w+)"><svg[^>]*>.{1,200}?</svg>([^<]+)<', section)


def test_the_winner_of_two_candidates_is_never_marked_as_a_failure() -> None:
    """Whichever side of 0 it lies on: `good` is drawn in its own colour, with the sign of what is good."""
    source = render(summary())
    (whole,) = [each for each in source.split("<section")[1:] if 'id="differences"' in each]
    drawn = re.findall(r'class="plot (\w+)"', whole)
    words = winners(whole)
    assert set(drawn) == {"c0"}
    assert set(words) == {("better", "good better")}
    turned = summary(replace(DEFINITION, candidates=tuple(reversed(DEFINITION.candidates))))
    (whole,) = [each for each in render(turned).split("<section")[1:] if 'id="differences"' in each]
    assert set(re.findall(r'class="plot (\w+)"', whole)) == {"c1"}
    assert set(winners(whole)) == {("better", "good better")}


def scales(source: str, section: str) -> dict[str, set[tuple[str, ...]]]:
    """The axes of a section's drawings by the metric that their titles begin with."""
    (whole,) = [each for each in source.split("<section")[1:] if f'id="{section}"' in each]
    found: dict[str, set[tuple[str, ...]]] = {}
    for title, axis in re.findall(r"<title>(.+?) of .*?</title>.*?(<svg class=\"axis\".*?</svg>)", whole):
        found.setdefault(title, set()).add(tuple(re.findall(r'x="([\d.]+)%" y="11">([^<]+)<', axis)))
    return found


def test_a_metric_has_one_scale_wherever_its_level_is_drawn() -> None:
    """The candidates lie far apart, so that each gate by itself would be drawn on a scale of its own."""
    source = render(summary(replace(DEFINITION, gates=(Gate("f1_score", min=0.5), Gate("f1_score", min=0.1)))))
    assert source.count('class="card gate') == 4
    (on_gates,) = scales(source, "verdicts")["F1 over words"]
    whole = next(each for each in source.split("<section")[1:] if 'id="scores"' in each)
    first = re.search(r'F1 over words<.*?(<svg class="axis".*?</svg>)', whole)
    assert first is not None
    assert tuple(re.findall(r'x="([\d.]+)%" y="11">([^<]+)<', first[1])) == on_gates


def test_a_difference_that_holm_does_not_confirm_is_perhaps_one() -> None:
    whole = summary()
    clear = whole.comparisons[0]
    assert reading(replace(clear, holm_p_value=0.2), whole) == (Verdict.INCONCLUSIVE, "perhaps good better")
    few = replace(clear.estimate, n=9)
    assert reading(replace(clear, estimate=few), whole) == (Verdict.INCONCLUSIVE, "too few pairs")
    spans = replace(clear.estimate, low=-0.1, high=0.1)
    assert reading(replace(clear, estimate=spans), whole) == (Verdict.INCONCLUSIVE, "no difference shown")
    alone = replace(clear, against="baseline", candidate="bad", reference="bad")
    assert reading(alone, whole) == (Verdict.WORSE, "worse")


BASELINE_RUN = Baseline(
    "20261101T060000Z",
    {
        "good": {"f1_score": {f"case-{index}": 0.8 * (1 + index % 5 / 20) + index % 3 / 100 for index in range(38)}},
        "bad": {"f1_score": {f"case-{index}": 0.5 + index % 4 / 50 for index in range(40)}},
    },
)


def test_a_fall_behind_the_baseline_is_a_verdict_with_its_pairs_and_a_dashed_line() -> None:
    definition = replace(DEFINITION, baseline="20261101T060000Z", gates=(Gate("f1_score", max_drop=0.02),))
    source = render(summary(definition, baseline=BASELINE_RUN))
    page = Page(source)
    failing, passing = page.all("li", "gate")
    assert failing.startswith("Worse")
    assert passing.startswith("Not worse")
    assert "at most 0.02 below the baseline" in failing
    assert "The whole interval lies below 0." in failing
    assert re.search(r"difference −0\.3\d+, −0\.3\d+ to −0\.3\d+ \(97\.5%\), 40 pairs, 0 unpaired", failing)
    assert "A drop of more than 0.02 is excluded." in passing
    assert "38 pairs, 2 unpaired" in passing
    assert "run 20261101T060000Z" in source
    told = " ".join(page.table("Differences of good and its baseline"))
    assert "← worse better →" in told
    assert "A dashed line is the max_drop of a gate." in source
    assert "38 2 unpaired" in told
    bounds = [attributes for _, attributes, _ in page.elements if attributes.get("class") == "bound"]
    assert len(bounds) == 4


def test_one_candidate_without_baseline_has_nothing_to_compare() -> None:
    page = Page(render(summary(replace(DEFINITION, candidates=DEFINITION.candidates[:1]))))
    assert "Nothing to compare: one candidate, and no baseline is pinned." in list(page.all("p", "note"))
    assert "Cases it takes" not in list(page.all("h2"))
    missing = Baseline("20261101T060000Z", missing="no such run")
    definition = replace(DEFINITION, candidates=DEFINITION.candidates[:1], baseline="20261101T060000Z")
    page = Page(render(summary(definition, baseline=missing)))
    assert "Nothing to compare: of baseline 20261101T060000Z: no such run." in list(page.all("p", "note"))


def test_categories_show_n_interval_and_difference_and_mark_small_ones() -> None:
    whole = summary()
    told = " ".join(Page(render(whole)).table("F1 over words by category")).replace("  ", " ")
    found = whole.candidates[0].categories["returns"].metrics["f1_score"]
    assert found.n == 4
    assert f"returns {number(found.mean)} {number(found.low)} to {number(found.high)}, n 4, few" in told
    assert "n 35 " in told
    assert "bad less good" in told
    notes = " ".join(Page(render(whole)).all("p", "note"))
    assert "2 cases without a category" in notes


def test_a_classification_is_summed_up_over_the_run() -> None:
    whole = summary()
    classes = ClassSummary(n=40, balanced_accuracy=0.75, precision=None, recall=0.5, confusion=Confusion())
    first = replace(whole.candidates[0], classes=classes)
    page = Page(render(replace(whole, candidates=(first, *whole.candidates[1:]))))
    assert page.table("Classification over the run")[-5:] == ["good", "0.750", "unknown", "0.500", "40"]
    assert not any("Classification" in caption for caption in Page(render(whole)).all("caption"))


def test_many_categories_are_cut_to_the_largest_and_it_says_so() -> None:
    whole = summary()
    many = {f"category-{index:03}": CategorySummary(index + 1, index + 1, 0, {}) for index in range(200)}
    crowded = replace(whole, candidates=tuple(replace(each, categories=many) for each in whole.candidates))
    page = Page(render(crowded))
    told = page.table("F1 over words by category")
    assert "category-199" in told
    assert "category-100" not in told
    assert f"Shown are the {MAX_CATEGORIES} largest of 200 categories." in " ".join(page.all("p", "note"))


def test_the_cases_it_takes_come_from_the_spread_of_the_differences() -> None:
    comparison = summary().comparisons[0]
    spread = spread_of(comparison)
    assert spread is not None
    told = " ".join(Page(render(summary())).table("Cases it takes"))
    needed = needed_n(effect=0.01, standard_deviation=spread)
    smallest = minimum_detectable_effect(n=40, standard_deviation=spread)
    assert f"F1 over words 40 {number(smallest)} share {needed:,}" in told
    assert "Exact match 40 unknown unknown unknown unknown" in told


def test_the_method_names_the_gates_the_confidence_and_the_coverage_that_decide() -> None:
    (told,) = list(Page(render(summary(replace(DEFINITION, min_coverage=0.9)))).all("dl", "method"))[:1]
    assert "k = 4, so each at 98.75%" in told
    assert "under 90% of the cases answered" in told
    assert "s3://bucket/datasets/faq.jsonl" in told


def test_unknown_and_unpriced_are_said_and_never_zero() -> None:
    rows = Page(render(summary())).table("Cost and latency of each candidate")
    told = " ".join(rows)
    assert "$3.30" in told
    assert "unpriced" in told
    assert told.count("unknown") == 4
    empty = summarise(
        DEFINITION,
        run_id="r",
        started=datetime(2026, 11, 23, tzinfo=UTC),
        finished=datetime(2026, 11, 23, tzinfo=UTC),
        outcomes=[Outcome("c", "good", "p", failure=FailureReason.MODEL_ERROR)],
    )
    assert "unknown" in render(empty)
    assert "no value" in render(empty)


def test_failures_are_counted_by_reason_with_examples() -> None:
    page = Page(render(summary(failed=2), Evidence(failures=(FailedCase("lost-0", "bad", "throttled", HOSTILE),))))
    assert "bad42409" in "".join(page.table("Failed cases by candidate and reason")).replace(",", "")
    assert "alert(1)" in "".join(page.table("Examples of failed cases"))


def test_regressions_show_both_answers_and_turn_the_sign_where_lower_is_better() -> None:
    worse = view(metric="word_error_rate", candidate_score=0.9, reference_score=0.2)
    assert gain(summary(), worse) == pytest.approx(-0.7)
    assert gain(summary(), view()) == pytest.approx(-0.7)
    page = Page(render(summary(), Evidence((worse,))))
    (told,) = page.all("ul", "falls")
    assert told == "Word error rate 0.200 → 0.900 (−0.700)"
    assert list(page.all("del"))[1:] == ["Within thirty days of delivery"]
    assert list(page.all("ins"))[1:] == ["Please see our site"]


def test_a_case_that_fell_by_several_metrics_is_shown_once_and_all_pairs_get_a_turn() -> None:
    views = [view(f"case-{index}", metric=metric) for metric in ("f1_score", "exact_match") for index in range(3)]
    views += [view(f"case-{index}", against="baseline", reference="bad") for index in range(2)]
    found = chosen(views)
    assert [(each.first.case_id, each.first.against, len(each.views)) for each in found] == [
        ("case-0", "candidate", 2),
        ("case-0", "baseline", 1),
        ("case-1", "candidate", 2),
        ("case-1", "baseline", 1),
        ("case-2", "candidate", 2),
    ]


def test_the_page_stays_small_and_says_that_it_shows_a_sample() -> None:
    long = "\u202e\U0001f600 \x01<" * (MAX_TEXT // 5)
    views = [
        view(f"case-{index}", metric=metric, candidate_answer=long[index:], reference_answer=long[::-1], prompt=long)
        for metric in DEFINITION.metrics[:3]
        for index in range(60)
    ]
    source = render(summary(), Evidence(tuple(views)))
    assert len(source.encode()) < MAX_BYTES + 300_000
    assert re.search(r"A sample: \d+ cases of 60, worst first", source)


def test_many_candidates_and_metrics_still_make_a_small_page() -> None:
    names = [f"candidate-number-{index}-abcd" for index in range(6)]
    metrics = tuple(name for name, metric in METRICS.items() if not metric.required)
    outcomes = [
        Outcome(
            f"case-{index}",
            name,
            "p",
            category=f"category-{index % 12}",
            scores={metric: (index * 7 + at * 5 + number_of * 3) % 23 / 23 for number_of, metric in enumerate(metrics)},
        )
        for at, name in enumerate(names)
        for index in range(24)
    ]
    definition = replace(
        DEFINITION,
        candidates=tuple(Candidate(name, "model", "arn") for name in names),
        metrics=metrics,
        gates=tuple(Gate(metric, min=0.4) for metric in metrics[:10]),
    )
    times = {"started": datetime(2026, 11, 23, tzinfo=UTC), "finished": datetime(2026, 11, 23, tzinfo=UTC)}
    baseline = baseline_of("20261101T060000Z", outcomes)
    whole = summarise(definition, run_id="r", outcomes=outcomes, baseline=baseline, **times)
    long = "\u202e\U0001f600 \x01< word " * (MAX_TEXT // 12)
    views = [
        view(f"case-{index}", metric=metric, candidate=names[1], reference=names[0], prompt=long, candidate_answer=long)
        for metric in metrics
        for index in range(20)
    ]
    failed = [
        FailedCase(f"lost-{index}", name, reason.value, long)
        for name in names
        for reason in FailureReason
        for index in range(5)
    ]
    source = render(whole, Evidence(tuple(views), tuple(failed), dict.fromkeys(names, (1.0,) * 24)))
    assert len(source.encode()) < 1_500_000
    assert re.search(r"Shown are 240 of \d+; summary\.json holds all\.", source)


@given(st.text(max_size=200) | st.text(st.characters(categories=("Cs", "Cc", "Cf", "Po")), max_size=50))
def test_any_text_is_shown_as_text(value: str) -> None:
    source = tag("p", tag("b", value), title=value)
    assert source.encode()
    page = Page(source)
    assert [name for name, _, _ in page.elements] == ["p", "b"]
    assert page.elements[0][1] == {"title": unescape(text(value))}
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x1b]", source)


WORDS = st.lists(st.sampled_from(["the", "cat", "sat", " ", "\n", ".", "中", "文", "<b>", "\u202e"]), max_size=60)


@settings(max_examples=60)
@given(WORDS, WORDS)
def test_marked_texts_hold_every_word_and_mark_only_what_differs(one: list[str], other: list[str]) -> None:
    first, second = "".join(one), "".join(other)
    left, right = marked(first, second)
    assert re.sub("</?del>", "", left) == text(first)
    assert re.sub("</?ins>", "", right) == text(second)
    assert re.sub("<del>.*?</del>", "", left, flags=re.DOTALL) == re.sub("<ins>.*?</ins>", "", right, flags=re.DOTALL)
    assert marked(first, first) == (text(first), text(first))


@cache
def structure(told: str) -> list[str]:
    """The elements of a page on which a text stands everywhere, without those that mark differences in it."""
    evidence = Evidence(
        (
            view(
                category=told,
                prompt=told,
                references=(told,),
                candidate_answer=told,
                reference_answer=told,
                candidate_explanation=told,
            ),
        ),
        (FailedCase(told, "bad", "throttled", told),),
        explained=(ExplainedCase(told, told, told, (told,), "bad", "f1_score", 0.2, told, told),),
    )
    page = Page(render(summary(replace(DEFINITION, application=told or "x")), evidence))
    return [name for name, _, _ in page.elements if name != "span"]


@settings(max_examples=15, deadline=None)
@given(st.text(st.characters(), max_size=80))
def test_a_page_of_hostile_texts_has_the_structure_of_a_tame_one(value: str) -> None:
    assert structure(value) == structure("tame")


def test_hidden_characters_are_made_visible() -> None:
    assert text("a\u202eb\x00\ud800\r\n\U000e0041") == "a⟨U+202E⟩b␀⟨U+D800⟩\n⟨U+E0041⟩"
    assert text("\U0001f469\u200d\U0001f680 می\u200cخواهم") == "\U0001f469\u200d\U0001f680 می\u200cخواهم"


@given(st.lists(st.floats(0, 1), min_size=1, max_size=400))
def test_a_histogram_holds_every_value(values: list[float]) -> None:
    shares = heights(bins(sorted(values)), Scale(0, 1))
    assert sum(shares) == pytest.approx(1)
    assert heights((Bin(0.0, 1), Bin(1.0, 3)), Scale(0, 1), bars=2) == (0.25, 0.75)


@given(st.lists(st.floats(-1e9, 1e9) | st.sampled_from([1e17, 2.0**360]) | st.none(), max_size=20))
def test_an_axis_holds_its_values_and_has_ticks(values: list[float | None]) -> None:
    scale = scale_of(values)
    assert all(0 <= scale.place(value) <= 100 for value in values if value is not None)
    assert 2 <= len(scale.ticks()) <= 8


@pytest.mark.parametrize(
    ("scale", "ticks"),
    [
        (Scale(0, 1), ["0.00", "0.25", "0.50", "0.75", "1.00"]),
        (Scale(0, 100), ["0", "25", "50", "75", "100"]),
        (Scale(-0.1, 0.1), ["−0.10", "−0.05", "0.00", "0.05", "0.10"]),
    ],
)
def test_ticks_are_round(scale: Scale, ticks: list[str]) -> None:
    assert list(scale.ticks().values()) == ticks


def test_percentiles_are_by_nearest_rank() -> None:
    values = [float(value) for value in range(1, 11)]
    assert [percentile(values, share) for share in (0.5, 0.9, 1.0)] == [5, 9, 10]
    assert percentile([7.0], 0.9) == 7


def test_texts_are_cut_with_a_mark() -> None:
    assert cut("a" * MAX_TEXT) == "a" * MAX_TEXT
    assert (len(cut("a" * (MAX_TEXT + 1))), cut("a" * (MAX_TEXT + 1))[-2:]) == (MAX_TEXT, "a…")
