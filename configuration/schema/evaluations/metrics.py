"""The metrics of a custom evaluation."""

from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from bedrock_eval.scores import METRICS, MetricDefinition
from bedrock_eval.scores.job_measures import BUILT_IN
from bedrock_eval.wording import suggestion
from configuration.schema.values.base import Strict, enum, refused
from configuration.schema.values.mappings import JsonFields


def _metric_name(name: str) -> str:
    if name not in METRICS:
        of_bedrock = name.startswith(BUILT_IN)
        near = "" if of_bedrock else suggestion(name, METRICS)
        otherwise = "; metrics of Bedrock need kind: automatic or judge" if of_bedrock else ""
        raise ValueError(f"{name!r} is not a metric{near}; allowed: {', '.join(METRICS)}{otherwise}")
    return name


MetricName = Annotated[str, AfterValidator(_metric_name), Field(json_schema_extra=enum(tuple(METRICS)))]
# By its name alone, as it may be where it needs no parameter.
_PlainMetric = Annotated[
    str, Field(json_schema_extra=enum(tuple(name for name, each in METRICS.items() if not each.required)))
]


def _wrong_parameters(metric: MetricDefinition) -> JsonDict:
    """The schema that matches a metric with an unknown parameter, or without one that it needs."""
    settable = [each.name for each in metric.parameters if each.name not in metric.of_the_call]
    fitting: JsonDict = {"propertyNames": {"enum": list(settable)}, "required": list(metric.required)}
    return {
        "properties": {"name": {"const": metric.name}, "parameters": {"not": fitting}},
        "required": ["parameters", "name"] if not metric.required else ["name"],
    }


class MetricConfig(Strict):
    """A metric with its parameters. A name alone is enough for a metric without parameters."""

    model_config = ConfigDict(json_schema_extra=refused(*map(_wrong_parameters, METRICS.values())))

    name: MetricName = Field(description="docs/evaluation.md describes each metric.")
    parameters: JsonFields = Field(
        default={},
        description="`labels` of classification_accuracy, `schema` of json_schema_match, `pattern` of regex_match.",
    )

    @model_validator(mode="after")
    def _parameters_fit(self) -> Self:
        METRICS[self.name].check(self.parameters)
        return self


def _metric(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


Metric = Annotated[MetricConfig, BeforeValidator(_metric, json_schema_input_type=_PlainMetric | MetricConfig)]
