"""Constructs that evaluate and monitor generative models on Amazon Bedrock."""

from bedrock_eval.alarms.kinds import Severity
from bedrock_eval.alarms.thresholds import Thresholds
from bedrock_eval.evaluation.definition import Gate, InferenceParameters, Schedule
from bedrock_eval.pricing.costs import Rates
from bedrock_eval_cdk.bedrock_evaluation import BedrockEvaluation
from bedrock_eval_cdk.bedrock_invocation_logging import BedrockInvocationLogging
from bedrock_eval_cdk.bedrock_monitoring import BedrockMonitoring
from bedrock_eval_cdk.core.errors import DeclarationError
from bedrock_eval_cdk.evaluation.declaration import EvaluatedModel
from bedrock_eval_cdk.evaluation.runner import EvaluationRunner
from bedrock_eval_cdk.monitoring.subjects import MonitoredGuardrail, MonitoredModel, Quota

__all__ = [
    "BedrockEvaluation",
    "BedrockInvocationLogging",
    "BedrockMonitoring",
    "DeclarationError",
    "EvaluatedModel",
    "EvaluationRunner",
    "Gate",
    "InferenceParameters",
    "MonitoredGuardrail",
    "MonitoredModel",
    "Quota",
    "Rates",
    "Schedule",
    "Severity",
    "Thresholds",
]
