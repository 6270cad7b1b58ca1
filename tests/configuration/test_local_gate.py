"""What local.yaml promises: of its two candidates one keeps the gate and the other does not."""

import json
from datetime import date

from bedrock_eval.evaluation.cases import read_cases
from bedrock_eval.evaluation.definition import Gate
from bedrock_eval.scores import METRICS, score
from bedrock_eval.verdicts.gates import Verdict, judge
from configuration.loading.load import load_environments
from tests.support.frozen import ANSWERS, ENVIRONMENTS


def test_the_gate_tells_the_recorded_answers_apart() -> None:
    (local,) = load_environments(ENVIRONMENTS, only=["local"], today=date(2026, 11, 23)).environments
    evaluation = local.evaluations["support-quality"]
    (gate,) = evaluation.gates
    dataset = local.datasets[evaluation.dataset]
    with dataset.file.open("rb") as lines:
        references = {case.prompt: case.references for case in read_cases(lines, source=dataset.source)}
    answers = [json.loads(line) for line in ANSWERS.read_text("utf-8").splitlines()]

    def verdict(model_id: str) -> Verdict:
        values = [
            score(gate.metric, response=answer["response"], references=references[answer["prompt"]])
            for answer in answers
            if answer["modelId"] == model_id
        ]
        return judge(
            Gate(gate.metric, min=gate.min),
            [value for value in values if value is not None],
            metric=METRICS[gate.metric],
            confidence=evaluation.confidence,
            gates=len(evaluation.candidates),
            coverage=1.0,
            min_coverage=evaluation.min_coverage,
        ).verdict

    verdicts = {candidate.name: verdict(local.models[candidate.model].id) for candidate in evaluation.candidates}
    assert verdicts == {"haiku": Verdict.NOT_WORSE, "nova": Verdict.WORSE}
