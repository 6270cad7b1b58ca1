"""A weekly evaluation of two models over a file of cases."""

from aws_cdk import App, Stack

from bedrock_eval_cdk import BedrockEvaluation

app = App()
BedrockEvaluation(
    Stack(app, "Quality"),
    "Support",
    dataset="cases.jsonl",
    candidates={"haiku": "us.anthropic.claude-haiku-5-5", "nova": "amazon.nova-lite-v1:0"},
    metrics=["unicode_f1_score"],
    gates=[{"metric": "unicode_f1_score", "min": 0.5}],
    schedule="cron(0 6 ? * MON *)",
)
app.synth()
