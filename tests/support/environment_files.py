"""An environment file to break, an evaluation of each kind, and the fixtures' types."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

from configuration.loading.load import Loaded

TODAY = date(2026, 11, 23)

RIGHT = """\
application: shop
account: "111111111111"
region: us-east-1
owner: team
runbook_url: https://example.com/runbook
models:
  small:
    id: amazon.nova-lite-v1:0
datasets:
  questions:
    source: questions.jsonl
evaluations:
  quality:
    dataset: questions
    candidates: [small]
    metrics: [relevance_score, response_length]
    gates:
      - metric: relevance_score
        min: 0.5
"""

TEAM = "arn:aws:sagemaker:us-east-1:111111111111:workteam/private-crowd/support"
MODELS = """\
  large:
    id: us.anthropic.claude-haiku-4-5-20251001-v1:0
  own:
    id: us.amazon.nova-pro-v1:0
"""
EVALUATIONS = f"""\
  accuracy:
    kind: automatic
    task: QuestionAndAnswer
    dataset: questions
    candidates:
      - name: careful
        model: small
        parameters: {{temperature: 0, max_tokens: 200}}
        additional_fields: {{top_k: 50}}
    metrics: [Builtin.Accuracy, Builtin.Robustness]
    gates:
      - metric: Builtin.Robustness
        max: 0.2
    schedule: {{expression: rate(7 days)}}
    tags: {{team: support}}
  built-in:
    kind: automatic
    task: QuestionAndAnswer
    dataset: Builtin.BoolQ
    candidates: [large]
    metrics: [Builtin.Toxicity]
  judged:
    kind: judge
    judge: large
    dataset: questions
    candidates: [own]
    metrics: [Builtin.Correctness]
    criteria:
      - name: brand-tone
        instructions: |
          Rate how well the answer keeps our tone.
          Question: {{{{prompt}}}}
          Answer: {{{{prediction}}}}
        scale:
          - {{definition: off, value: 0}}
          - {{definition: on, value: 1}}
        better: higher
    gates:
      - metric: brand-tone
        min: 0.5
  stored:
    kind: judge
    judge: large
    dataset: questions
    candidates: [small]
    metrics: [Builtin.Relevance]
    answers_from: quality
  rated:
    kind: human
    work_team: {TEAM}
    title: Rate answers of the support assistant
    instructions: Thumbs up when the answer solves the question.
    dataset: questions
    candidates: [small]
    ratings:
      - {{name: Helpful, method: ThumbsUpDown, description: Is it helpful?}}
    workers: 3
    task_hours: 72
  compared:
    kind: comparison
    by: automatic
    task: Summarization
    dataset: questions
    candidates: [small, large]
    metrics: [Builtin.Accuracy]
    parallel: 1
  judged-both:
    kind: comparison
    by: judge
    judge: own
    dataset: questions
    candidates: [small, large]
    metrics: [Builtin.Helpfulness]
  preferred:
    kind: comparison
    by: human
    work_team: {TEAM}
    title: Which answer is better?
    instructions: Choose the answer that you would send.
    dataset: questions
    candidates: [small, large]
    ratings:
      - {{name: Better, method: ComparisonChoice}}
"""

Write = Callable[..., Path]
Load = Callable[..., Loaded]
Mistakes = Callable[..., list[str]]
