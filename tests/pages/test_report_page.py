"""The report as a reader sees it."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from bedrock_eval.definition import Candidate, Dataset, Definition, Gate
from bedrock_eval.metrics import METRICS, score
from bedrock_eval.outcomes import FailureReason, Outcome, Usage
from bedrock_eval.report import render
from bedrock_eval.summarising import summarise

HOSTILE = "<img src=x onerror=\"document.title='owned'\">"
DEFINITION = Definition(
    application="customer-support",
    environment=f"dev {HOSTILE}",
    evaluation="support-quality",
    candidates=(
        Candidate("haiku", "us.anthropic.claude-haiku-5-5", "haiku"),
        Candidate("nova", "us.amazon.nova-2-lite-v1:0", "nova"),
    ),
    dataset=Dataset("faq", "a-bucket-with-quite-a-long-name-111111111111-us-east-1", "datasets/customer-support.jsonl"),
    metrics=tuple(METRICS),
    gates=(Gate("relevance_score", min=0.5), Gate("response_length", max=30)),
)


def page() -> str:
    answers = {"haiku": "Returns are accepted within {} days.", "nova": "Please see our site for {} things."}
    reference = ["Returns are accepted within 30 days."]
    outcomes = [
        Outcome(
            f"case-{index}",
            name,
            "How long?",
            scores={
                metric: score(metric, response=text.format(index), references=reference)
                for metric in DEFINITION.metrics
            },
            usage=Usage(input_tokens=12, output_tokens=20 + index),
        )
        for name, text in answers.items()
        for index in range(60)
    ]
    outcomes += [Outcome(f"lost-{index}", "nova", "p", failure=FailureReason.THROTTLED) for index in range(2)]
    return render(
        summarise(
            DEFINITION,
            run_id="20261123T060000Z",
            started=datetime(2026, 11, 23, 6, 0, tzinfo=UTC),
            finished=datetime(2026, 11, 23, 6, 4, tzinfo=UTC),
            outcomes=outcomes,
        )
    )


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page())
    return path.as_uri()


@pytest.mark.parametrize("size", [(1280, 900), (390, 844)], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_the_screen_and_can_be_read(
    browser: webdriver.Chrome, pictures: Path, address: str, size: tuple[int, int], scheme: str
) -> None:
    width, height = size
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
    )
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    browser.get(address)
    browser.save_screenshot(str(pictures / f"report-{width}-{scheme}.png"))
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    ink, paper = browser.execute_script(
        "const s = getComputedStyle(document.body); return [s.color, s.backgroundColor].map("
        "c => c.match(/[0-9]+/g).slice(0, 3).map(Number))"
    )
    assert contrast(ink, paper) > 7
    assert browser.find_element(By.CSS_SELECTOR, "h1").is_displayed()


def test_verdicts_come_first_and_say_why(browser: webdriver.Chrome, address: str) -> None:
    browser.get(address)
    first = browser.find_element(By.CSS_SELECTOR, "h2")
    assert first.text == "Verdicts"
    words = [cell.text for cell in browser.find_elements(By.CSS_SELECTOR, "td.verdict")]
    assert words == ["Passes", "Fails", "Fails", "Fails"]
    for table in browser.find_elements(By.CSS_SELECTOR, "table"):
        heads = table.find_elements(By.CSS_SELECTOR, "thead th")
        for row in table.find_elements(By.CSS_SELECTOR, "tbody tr"):
            assert len(row.find_elements(By.CSS_SELECTOR, "th, td")) == len(heads)


def test_it_needs_no_network_and_runs_nothing(browser: webdriver.Chrome, address: str) -> None:
    browser.get_log("performance")
    browser.get(address)
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = {
        message["params"]["request"]["url"] for message in messages if message["method"] == "Network.requestWillBeSent"
    }
    assert asked <= {address}
    assert browser.find_elements(By.CSS_SELECTOR, "script, img") == []
    assert "onerror" in browser.title


def contrast(one: list[int], other: list[int]) -> float:
    """The WCAG contrast ratio of two colours."""

    def luminance(colour: list[int]) -> float:
        parts = [value / 255 for value in colour]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)
