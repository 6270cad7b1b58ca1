"""The report as a reader sees it, in Chromium."""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from bedrock_eval.evaluation.definition import Candidate, CustomDefinition, Dataset, Gate
from bedrock_eval.pricing.costs import Rates
from bedrock_eval.pricing.usage import Usage
from bedrock_eval.report import render
from bedrock_eval.results.baseline import baseline_of
from bedrock_eval.results.evidence import MAX_FAILURES, MAX_REGRESSIONS, CaseView, Evidence, FailedCase, cut
from bedrock_eval.results.outcomes import FailureReason, Outcome
from bedrock_eval.results.summarising import summarise
from bedrock_eval.scores import METRICS, score

HOSTILE = "<img src=x onerror=\"document.title='owned'\"> \u202egnp.exe"
LONG_WORD = "a-word-without-any-place-to-break/" * 20
DEFINITION = CustomDefinition(
    application="customer-support",
    environment=f"dev {HOSTILE}",
    evaluation="support-quality",
    candidates=(
        Candidate("haiku", "us.anthropic.claude-haiku-5-5", "haiku", rates=Rates(input=1.0, output=5.0)),
        Candidate("nova-with-a-name-of-24-x", "us.amazon.nova-2-lite-v1:0", "nova"),
    ),
    dataset=Dataset("faq", "a-bucket-with-quite-a-long-name-111111111111-us-east-1", "datasets/customer-support.jsonl"),
    metrics=tuple(name for name, metric in METRICS.items() if not metric.required),
    gates=(Gate("relevance_score", min=0.5), Gate("response_length", max=35.85)),
)
TIMES = {"started": datetime(2026, 11, 23, 6, 0, tzinfo=UTC), "finished": datetime(2026, 11, 23, 6, 4, tzinfo=UTC)}
REFERENCE = "Returns are accepted within 30 days."
ANSWERS = dict(
    zip(
        (candidate.name for candidate in DEFINITION.candidates),
        ("Returns are accepted within {} days.", "Please see our site for {} things."),
        strict=True,
    )
)


def view(index: int, metric: str = "relevance_score") -> CaseView:
    first, second = ANSWERS
    return CaseView(
        case_id=f"case-{index}",
        category=f"category-{index % 3}",
        prompt=cut(f"How long may I return it? {HOSTILE} {LONG_WORD}"),
        references=(REFERENCE,),
        metric=metric,
        candidate=second,
        reference=first,
        against="candidate",
        candidate_score=0.1,
        reference_score=0.9,
        candidate_answer=cut(f"{ANSWERS[second].format(index)} {HOSTILE} {LONG_WORD} " * 3),
        reference_answer=cut(f"{ANSWERS[first].format(index)} {LONG_WORD} " * 3),
    )


def answer(text: str, index: int) -> str:
    """One word fewer in every third, so that word metrics have a variance."""
    return text.format(index).replace("our site", "oursite" if index % 3 == 0 else "our site")


def page() -> str:
    outcomes = [
        Outcome(
            f"case-{index}",
            name,
            "How long?",
            scores={
                metric: score(metric, response=answer(text, index), references=[REFERENCE])
                for metric in DEFINITION.metrics
            },
            usage=Usage(input_tokens=12, output_tokens=20 + index),
        )
        for name, text in ANSWERS.items()
        for index in range(60)
    ]
    lost = list(ANSWERS)[-1]
    outcomes += [Outcome(f"lost-{index}", lost, "p", failure=FailureReason.THROTTLED) for index in range(2)]
    evidence = Evidence(
        regressions=tuple(view(index) for index in range(3)),
        failures=(FailedCase("lost-0", lost, "throttled", f"ThrottlingException: {HOSTILE} {LONG_WORD}"),),
        latency_ms={name: tuple(400.0 + 10 * index for index in range(60)) for name in ANSWERS},
    )
    return render(summarise(DEFINITION, run_id="20261123T060000Z", outcomes=outcomes, **TIMES), evidence)


def large_page() -> str:
    """10,000 cases of each candidate in 200 categories, a baseline, and as much evidence as a run hands over."""
    definition = replace(DEFINITION, metrics=DEFINITION.metrics[:8])
    outcomes = [
        Outcome(
            f"case-{index}",
            name,
            "How long?",
            category=f"category-{index % 200}",
            scores=dict.fromkeys(definition.metrics, (index * 7919 + at * 31) % 9973 / 9973),
            usage=Usage(input_tokens=12, output_tokens=20),
        )
        for at, name in enumerate(ANSWERS)
        for index in range(10_000)
    ]
    baseline = baseline_of("20261101T060000Z", outcomes)
    summary = summarise(definition, run_id="20261123T060000Z", outcomes=outcomes, baseline=baseline, **TIMES)
    views = [
        view(at * MAX_REGRESSIONS + index, metric)
        for at, metric in enumerate(definition.metrics)
        for index in range(MAX_REGRESSIONS)
    ]
    failed = [
        FailedCase(f"lost-{index}", name, reason.value, cut(LONG_WORD * 4))
        for name in ANSWERS
        for reason in FailureReason
        for index in range(MAX_FAILURES)
    ]
    latency = {name: tuple(float(index % 3_000) for index in range(10_000)) for name in ANSWERS}
    evidence = Evidence(tuple(views), tuple(failed), latency)
    start = time.perf_counter()
    made = render(summary, evidence)
    sys.stdout.write(f"10,000 cases: rendered in {time.perf_counter() - start:.2f} s, {len(made.encode()):,} bytes\n")
    return made


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page())
    return path.as_uri()


@pytest.fixture
def chromium(browser: webdriver.Chrome) -> Iterator[webdriver.Chrome]:
    """The browser, as it was afterwards."""
    yield browser
    for command in ("Emulation.clearDeviceMetricsOverride", "Emulation.setScriptExecutionDisabled"):
        browser.execute_cdp_cmd(command, {"value": False} if command.endswith("Disabled") else {})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})


def show(browser: webdriver.Chrome, address: str, *, width: int = 1280, scheme: str = "light") -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    browser.get(address)


def unfold(browser: webdriver.Chrome) -> None:
    browser.execute_script("document.querySelectorAll('details').forEach(each => { each.open = true })")


# Every text with its colour and the first background behind it that is not transparent.
TEXTS = """
const found = new Map();
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const node = walker.currentNode, own = node.parentElement;
  if (!node.data.trim() || ['STYLE', 'TITLE', 'title', 'desc'].includes(own.tagName)) continue;
  const style = getComputedStyle(own);
  const ink = own.namespaceURI.endsWith('svg') ? style.fill : style.color;
  let behind = own;
  while (behind && getComputedStyle(behind).backgroundColor === 'rgba(0, 0, 0, 0)') behind = behind.parentElement;
  const paper = getComputedStyle(behind || document.body).backgroundColor;
  found.set(ink + paper, [ink, paper, node.data.trim().slice(0, 40)]);
}
return [...found.values()];
"""


@pytest.mark.parametrize("width", [1280, 768, 390], ids=["desktop", "tablet", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_the_screen_and_can_be_read(
    chromium: webdriver.Chrome, pictures: Path, address: str, width: int, scheme: str
) -> None:
    show(chromium, address, width=width, scheme=scheme)
    chromium.save_screenshot(str(pictures / f"report-{width}-{scheme}.png"))
    unfold(chromium)
    assert chromium.execute_script("return document.documentElement.scrollWidth") <= width
    outside = chromium.execute_script(
        "return [...document.querySelectorAll('p, h1, h2, h3, h4, td, th, li, dd, dt, summary')]"
        ".filter(each => !each.closest('.wide, .unseen') && each.getBoundingClientRect().right > innerWidth + 1)"
        ".map(each => each.textContent.slice(0, 40))"
    )
    assert not outside
    texts = chromium.execute_script(TEXTS)
    assert len(texts) > 8
    pale = {told: contrast(ink, paper) for ink, paper, told in texts if contrast(ink, paper) < 4.5}
    assert not pale


# What lies outside the card that it stands in; texts that may be scrolled or cut have their own way.
OUTSIDE = """
return [...document.querySelectorAll('.card')].flatMap(card => {
  const box = card.getBoundingClientRect();
  return [...card.querySelectorAll('*')].filter(each => {
    if (each.closest('svg, .wide, .said, .ask, .unseen') || !each.checkVisibility()) return false;
    const own = each.getBoundingClientRect();
    return own.width && (own.right > box.right + 1 || own.left < box.left - 1);
  }).map(each => each.textContent.slice(0, 40));
});
"""


@pytest.mark.parametrize("width", [1280, 768, 390], ids=["desktop", "tablet", "phone"])
def test_names_of_24_characters_stay_in_their_cards(
    chromium: webdriver.Chrome, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    names = ("haiku-with-a-name-of-24x", "nova-with-a-name-of-24-x")
    assert {len(name) for name in names} == {24}
    candidates = tuple(replace(each, name=name) for each, name in zip(DEFINITION.candidates, names, strict=True))
    monkeypatch.setitem(globals(), "DEFINITION", replace(DEFINITION, candidates=candidates))
    monkeypatch.setitem(globals(), "ANSWERS", dict(zip(names, ANSWERS.values(), strict=True)))
    path = tmp_path / "report.html"
    path.write_text(page())
    show(chromium, path.as_uri(), width=width)
    chromium.save_screenshot(str(pictures / f"report-long-names-{width}.png"))
    assert chromium.execute_script("return document.documentElement.scrollWidth") <= width
    assert chromium.execute_script(OUTSIDE) == []


def test_it_begins_with_who_passes_and_who_wins(chromium: webdriver.Chrome, address: str) -> None:
    show(chromium, address)
    lead = chromium.find_element(By.CSS_SELECTOR, "h1 + p").text
    assert "nova-with-a-name-of-24-x fails in Relevance (word recall)" in lead
    assert "haiku is better than nova-with-a-name-of-24-x in " in lead


def test_verdicts_come_first_and_say_why(chromium: webdriver.Chrome, address: str) -> None:
    show(chromium, address)
    assert chromium.find_element(By.CSS_SELECTOR, "h2").text == "Verdicts"
    words = [each.text for each in chromium.find_elements(By.CSS_SELECTOR, ".gate .badge")]
    assert words == ["Failed", "Undecided", "Passed", "Passed"]
    for badge in chromium.find_elements(By.CSS_SELECTOR, ".gate .badge"):
        assert badge.find_element(By.CSS_SELECTOR, "svg path").is_displayed()


def test_a_worse_candidate_lies_left_of_zero_and_the_interval_around_its_mean(
    chromium: webdriver.Chrome, address: str
) -> None:
    """As drawn: `nova` is worse by recall, where higher is better, and by word error rate, where lower is."""
    show(chromium, address)
    drawn = chromium.execute_script(
        "const middle = each => { const box = each.getBoundingClientRect(); return (box.left + box.right) / 2; };"
        "return Object.fromEntries([...document.querySelectorAll('.forest svg.plot:has(.span)')].map(svg => {"
        "  const span = svg.querySelector('.span').getBoundingClientRect();"
        "  return [svg.querySelector('title').textContent.split(':')[0],"
        "    [middle(svg.querySelector('.mean')), middle(svg.querySelector('.zero')), span.left, span.right]]; }))"
    )
    for title in ("Relevance (word recall)", "Word error rate"):
        mean, zero, low, high = drawn[title]
        assert low <= mean <= high < zero


def test_rows_are_as_wide_as_their_head(chromium: webdriver.Chrome, address: str) -> None:
    show(chromium, address)
    counted = chromium.execute_script(
        "const wide = row => [...row.cells].reduce((sum, cell) => sum + cell.colSpan, 0);"
        "return [...document.querySelectorAll('table')].map(table => [...table.rows].map(wide))"
    )
    assert counted
    assert all(len(set(rows)) == 1 for rows in counted)


def test_it_needs_no_network_runs_nothing_and_complains_of_nothing(chromium: webdriver.Chrome, address: str) -> None:
    chromium.get_log("performance")
    chromium.get_log("browser")
    show(chromium, address)
    unfold(chromium)
    messages = [json.loads(entry["message"])["message"] for entry in chromium.get_log("performance")]
    asked = {
        message["params"]["request"]["url"] for message in messages if message["method"] == "Network.requestWillBeSent"
    }
    assert {url for url in asked if not url.startswith("data:")} <= {address}
    assert chromium.get_log("browser") == []
    assert chromium.find_elements(By.CSS_SELECTOR, "script, img, iframe") == []
    assert "onerror" in chromium.title


def test_it_reads_the_same_without_script(chromium: webdriver.Chrome, address: str) -> None:
    """By the tree that a screen reader gets, which needs no script."""
    chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    show(chromium, address)
    nodes = chromium.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    roles = {(node.get("role", {}).get("value"), node.get("name", {}).get("value")) for node in nodes}
    assert {
        ("heading", "Verdicts"),
        ("heading", "Worst regressions"),
        ("table", "Failed cases by candidate and reason"),
    } <= roles
    assert {"banner", "navigation", "main", "contentinfo", "columnheader", "rowheader"} <= {role for role, _ in roles}
    assert any(
        role == "image" and str(name).startswith("Relevance (word recall) of haiku: mean ") for role, name in roles
    )
    assert any("How long may I return it?" in str(name) for role, name in roles)
    assert not any(role == "image" and not name for role, name in roles)


def test_the_keyboard_reaches_the_content_first(chromium: webdriver.Chrome, address: str) -> None:
    show(chromium, address)
    focused = chromium.find_element(By.CSS_SELECTOR, "a.skip")
    focused.send_keys("")
    assert focused.location["x"] >= 0
    assert focused.get_attribute("href") == f"{address}#verdicts"


def test_on_paper_everything_is_unfolded(chromium: webdriver.Chrome, address: str) -> None:
    show(chromium, address)
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    hidden = chromium.execute_script(
        "return [...document.querySelectorAll('details > :not(summary)')].filter(each => !each.checkVisibility())"
        ".length"
    )
    assert hidden == 0
    assert not chromium.find_element(By.CSS_SELECTOR, "nav").is_displayed()


def test_a_run_of_10_000_cases_opens_at_once(chromium: webdriver.Chrome, tmp_path: Path) -> None:
    path = tmp_path / "large.html"
    path.write_text(large_page())
    assert path.stat().st_size < 1_500_000
    show(chromium, path.as_uri())
    timing = chromium.execute_script("return performance.getEntriesByType('navigation')[0].toJSON()")
    sys.stdout.write(f"10,000 cases: opened in {timing['loadEventEnd']:.0f} ms\n")
    assert timing["loadEventEnd"] < 10_000
    note = chromium.find_element(By.CSS_SELECTOR, "#regressions .note").text
    assert note.startswith("A sample: ")


def contrast(one: str, other: str) -> float:
    """The WCAG contrast ratio of two colours, written as rgb(r, g, b)."""

    def luminance(colour: str) -> float:
        parts = [float(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)
