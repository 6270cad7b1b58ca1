"""The counts that docs/cost.md multiplies prices with are those of prod.yaml."""

import re
from datetime import UTC, datetime

from app import ROOT
from bedrock_eval.definition import read_definition
from bedrock_eval.metrics import score
from bedrock_eval.outcomes import Outcome, Usage
from bedrock_eval.publishing import run_datums
from bedrock_eval.summarising import summarise
from tests.infrastructure.templates import shipped

TEXT = (ROOT / "docs" / "cost.md").read_text()


def stated(pattern: str) -> int:
    (number,) = re.findall(pattern, TEXT)
    return int(number)


def test_alarms_and_dashboards_are_counted() -> None:
    monitoring = shipped()["prod"]["monitoring"]
    assert stated(r"\| Metric alarms \| (\d+) \|") == len(monitoring.raw("AWS::CloudWatch::Alarm"))
    assert stated(r"\| Composite alarms \| (\d+) \|") == len(monitoring.raw("AWS::CloudWatch::CompositeAlarm"))
    assert stated(r"\| Dashboard \| (\d+) \|") == len(monitoring.raw("AWS::CloudWatch::Dashboard"))
    assert stated(r"\| KMS key \| (\d+) \|") == sum(len(each.raw("AWS::KMS::Key")) for each in shipped()["prod"])


def test_metrics_of_a_run_are_counted() -> None:
    definition = read_definition(shipped()["prod"]["evaluation"].only("Custom::EvaluationDefinition")["Definition"])
    outcomes = [
        Outcome(
            f"case-{number}",
            candidate.name,
            "p",
            scores={name: score(name, response="a" * number, references=["a"]) for name in definition.metrics},
            usage=Usage(input_tokens=10, output_tokens=5),
        )
        for candidate in definition.candidates
        for number in range(1, 20)
    ]
    now = datetime(2026, 11, 23, tzinfo=UTC)
    summary = summarise(definition, run_id="r", started=now, finished=now, outcomes=outcomes)
    series = {
        (datum.metric.name, tuple(map(datum.dimensions.get, datum.metric.dimensions))) for datum in run_datums(summary)
    }
    assert stated(r"in `prod.yaml` (\d+) of them") == len(series)
