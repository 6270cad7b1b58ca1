"""docs/evaluation.md defines every metric, with the values that the registry gives it."""

import re

from bedrock_eval.direction import Better
from bedrock_eval.scores import METRICS
from bedrock_eval.scores.measures import Measure
from bedrock_eval.wording import direction
from tests.support.paths import ROOT

ROWS = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \| (yes|no) \|$", (ROOT / "docs" / "evaluation.md").read_text(), re.M)


def values(metric: Measure) -> str:
    if metric.high is None:
        span = f"from {metric.low:g}"
    else:
        span = f"{metric.low:g} {'or' if metric.binary else 'to'} {metric.high:g}"
    return f"{span}, {direction(metric.better)}"


def test_every_metric_has_its_row() -> None:
    assert [name for name, *_ in ROWS] == list(METRICS)


def test_its_values_and_what_it_needs_are_those_of_the_registry() -> None:
    told = {name: (written, needs) for name, _, written, needs in ROWS}
    assert told == {
        name: (values(metric), "yes" if metric.needs_reference else "no") for name, metric in METRICS.items()
    }
    assert {Better.HIGHER, Better.LOWER, Better.NEUTRAL} == {metric.better for metric in METRICS.values()}
