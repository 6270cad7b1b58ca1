"""What metric filters count in the invocation log, because no metric of AWS/Bedrock says it.

Source: "Filter pattern syntax for metric filters" in the CloudWatch Logs user guide. A dimension is a field of the
record, at most three, that the pattern names too, and each value of it is a billed metric. docs/logs.md says what is
not counted here, and why.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bedrock_eval import catalogue
from bedrock_eval.invocation_log.records import SCHEMA_TYPE

LONGEST_PATTERN = 1024
"""Characters that PutMetricFilter takes."""


@dataclass(frozen=True)
class LogFilter:
    """A metric that gets 1 for each record that matches.

    Attributes:
        name: what the filter is called behind the environment's prefix.
        dimensions: selector of the field that holds the value, by dimension of the metric.
    """

    name: str
    metric: catalogue.Metric
    pattern: str
    dimensions: Mapping[str, str]


def _records(condition: str) -> str:
    return f'{{ $.schemaType = "{SCHEMA_TYPE}" && {condition} }}'


def _is_one_of(selector: str, values: Iterable[str]) -> str:
    return " || ".join(f'{selector} = "{value}"' for value in values)


_BODY = "$.output.outputBodyJson"
_CUT_OFF = (
    # Converse and ConverseStream.
    _is_one_of(f"{_BODY}.stopReason", ("max_tokens", "model_context_window_exceeded")),
    # InvokeModel of Anthropic and Meta; of Mistral, DeepSeek and OpenAI.
    _is_one_of(f"{_BODY}.stop_reason", ("max_tokens", "length")),
    _is_one_of(f"{_BODY}.choices[0].finish_reason", ("length",)),
    # Amazon's own.
    _is_one_of(f"{_BODY}.results[0].completionReason", ("LENGTH",)),
    # The stream of InvokeModel is a list of events.
    _is_one_of(f"{_BODY}[*].delta.stop_reason", ("max_tokens",)),
)

TRUNCATED_ANSWERS = LogFilter(
    "truncated-answers",
    catalogue.TRUNCATED_ANSWERS,
    _records(f'$.modelId = "*" && ({" || ".join(_CUT_OFF)})'),
    {catalogue.MODEL_ID: "$.modelId"},
)
# Assumption: guardrail-metrics-apply-only
_INTERVENED = (
    # Converse and ConverseStream.
    _is_one_of(f"{_BODY}.stopReason", ("guardrail_intervened",)),
    # InvokeModel, and its stream, which says it in more than one of its events.
    _is_one_of(f"{_BODY}.amazon-bedrock-guardrailAction", ("INTERVENED",)),
    _is_one_of(f"{_BODY}[*].amazon-bedrock-guardrailAction", ("INTERVENED",)),
)

INTERVENTIONS = LogFilter(
    "guardrail-interventions",
    catalogue.LOGGED_INTERVENTIONS,
    _records(f'$.modelId = "*" && ({" || ".join(_INTERVENED)})'),
    {catalogue.MODEL_ID: "$.modelId"},
)
# Assumption: failed-calls-logged
FAILED_CALLS = LogFilter(
    "failed-calls",
    catalogue.FAILED_CALLS,
    _records('$.errorCode = "*"'),
    {catalogue.ERROR_CODE: "$.errorCode"},
)

ALARMED = (INTERVENTIONS,)
"""Made wherever calls are logged with their text, because alarms need them."""

WANTED = (TRUNCATED_ANSWERS, FAILED_CALLS)
"""Made where the environment asks for them."""

LOG_FILTERS = (*ALARMED, *WANTED)
