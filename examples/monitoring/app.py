"""A dashboard and alarms for two models, in a stack of its own."""

from aws_cdk import App, Stack

from bedrock_eval_cdk import BedrockMonitoring

app = App()
stack = Stack(app, "Models")
BedrockMonitoring(stack, "Bedrock", models=["us.anthropic.claude-haiku-5-5", "amazon.nova-lite-v1:0"])
app.synth()
