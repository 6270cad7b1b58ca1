"""The drawn dashboard of the `local` environment as shipped, as a reviewer sees it in Chromium."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from ops.dashboard.body import Board, Graph, read_body
from ops.dashboard.page import Origin, render
from ops.dashboard.synthesis import synthesized_body
from ops.environment.loading import load
from tests.support.frozen import ENVIRONMENTS


@pytest.fixture(scope="module")
def board() -> Board:
    return read_body(synthesized_body(load("local", directory=ENVIRONMENTS, now=datetime.now(UTC))))


@pytest.fixture(scope="module")
def address(board: Board, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("dashboard") / "dashboard.html"
    drawn = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    origin = Origin("customer-support-local", "local", "as this tree would deploy it", "no data", drawn, board.back)
    path.write_text(render(board, None, origin=origin), encoding="utf-8")
    return path.as_uri()


def show(browser: webdriver.Chrome, address: str, *, width: int = 1280, scheme: str = "light") -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    browser.get(address)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_nothing_overflows(browser: webdriver.Chrome, address: str, pictures: Path, width: int, scheme: str) -> None:
    show(browser, address, width=width, scheme=scheme)
    overflow = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert browser.execute_script(overflow) <= 0
    browser.save_screenshot(str(pictures / f"dashboard-{width}-{scheme}.png"))


def test_every_widget_is_there_with_a_title(browser: webdriver.Chrome, address: str, board: Board) -> None:
    show(browser, address)
    widgets = browser.find_elements(By.CSS_SELECTOR, "main > section")
    assert len(widgets) == len(board.widgets)
    untitled = "return [...document.querySelectorAll('main > section')].filter(each => !each.querySelector('h2, h3'))"
    texts = [each.text for each in browser.execute_script(untitled)]
    assert texts == []


def test_every_threshold_is_drawn_in_its_field(browser: webdriver.Chrome, address: str, board: Board) -> None:
    show(browser, address)
    lines = browser.find_elements(By.CSS_SELECTOR, "svg .threshold line")
    thresholds = [each for widget in board.widgets if isinstance(widget, Graph) for each in widget.thresholds]
    assert len(thresholds) > 10
    assert len(lines) == len(thresholds)
    outside = browser.execute_script(
        "return [...document.querySelectorAll('.threshold line')].filter(each => {"
        "const box = each.ownerSVGElement.getBoundingClientRect(), own = each.getBoundingClientRect();"
        "return own.top < box.top || own.bottom > box.bottom || own.width < 50 }).length"
    )
    assert outside == 0


def test_what_only_a_deploy_knows_is_named_by_its_place(browser: webdriver.Chrome, address: str) -> None:
    show(browser, address)
    text = browser.find_element(By.TAG_NAME, "main").text
    assert "{/customer-support-local/profiles/nova/evaluation-id}" in text
    assert "SsmParameterValue" not in text


def test_widgets_do_not_lie_on_each_other(browser: webdriver.Chrome, address: str) -> None:
    show(browser, address)
    overlaps = browser.execute_script(
        "const boxes = [...document.querySelectorAll('main > section')].map(each => each.getBoundingClientRect());"
        "return boxes.flatMap((a, i) => boxes.slice(i + 1).filter(b => a.left < b.right - 1 && b.left < a.right - 1 &&"
        " a.top < b.bottom - 1 && b.top < a.bottom - 1)).length"
    )
    assert overlaps == 0


def test_it_needs_no_network_and_runs_nothing(browser: webdriver.Chrome, address: str) -> None:
    browser.get_log("performance")
    show(browser, address)
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = {each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"}
    assert {url for url in asked if not url.startswith("data:")} <= {address}
    assert browser.find_elements(By.CSS_SELECTOR, "script, img, iframe") == []


def test_drawings_have_names(browser: webdriver.Chrome, address: str) -> None:
    show(browser, address)
    nodes = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    images = [node["name"]["value"] for node in nodes if node.get("role", {}).get("value") == "image"]
    assert len(images) > 20
    assert all(images)
