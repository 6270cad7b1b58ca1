"""Model invocation logging of the account, with an alarm when records are lost."""

from aws_cdk import App, Stack
from aws_cdk import aws_sns as sns

from bedrock_eval_cdk import BedrockInvocationLogging

app = App()
stack = Stack(app, "Logging")
topic = sns.Topic(stack, "Operators", enforce_ssl=True)
BedrockInvocationLogging(stack, "Logging", retention_days=30, alarm_topic=topic)
app.synth()
