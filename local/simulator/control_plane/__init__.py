"""The Bedrock API and its CloudFormation type."""
