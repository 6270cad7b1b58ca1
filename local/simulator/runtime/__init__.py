"""The Bedrock runtime API: Converse, ConverseStream and ApplyGuardrail."""
