"""What alarms and widgets read of Bedrock's metrics: taken from them as they were made, so that no list is kept."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from aws_cdk import Stack, Token
from aws_cdk import aws_cloudwatch as cloudwatch

from bedrock_eval.watchdog.active_metrics import NAMESPACES, Reads, ReadSet, Search
from bedrock_eval_cdk.monitoring.metrics import SEARCH
from bedrock_eval_cdk.monitoring.routed_alarm import RoutedAlarm
from constructs import Construct

_Set = tuple[str, str]
"""A namespace, and dimensions as JSON text, in which references of CloudFormation are equal when they are the same."""


def reads(
    scope: Construct,
    *,
    alarms: Iterable[RoutedAlarm],
    widgets: Iterable[cloudwatch.IWidget],
    elsewhere: Sequence[str] = (),
    logs: bool = True,
) -> Reads:
    """Every metric of Bedrock's namespaces in alarms and widgets; ids of profiles stay tokens of CDK.

    Args:
        elsewhere: what others watch.
        logs: the account's invocation log is this environment's.
    """
    stack = Stack.of(scope)
    watching = {found for routed in alarms for found in _of_series(stack, routed.series)}
    drawn: set[tuple[_Set, str]] = set()
    searched: set[Search] = set()
    for entry in _graphed(stack, widgets):
        if isinstance(entry[0], str):
            drawn.add(_of_entry(entry))
        else:
            searched |= set(_searches(entry[0].get("expression", "")))
    return Reads(
        alarms=_sets(watching),
        drawn=_sets(drawn - watching),
        searched=tuple(sorted(searched, key=str)),
        elsewhere=tuple(elsewhere),
        logs=logs,
    )


def _of_series(stack: Stack, series: cloudwatch.IMetric) -> Iterator[tuple[_Set, str]]:
    if isinstance(series, cloudwatch.MathExpression):
        for part in series.using_metrics.values():
            yield from _of_series(stack, part)
    elif isinstance(series, cloudwatch.Metric):
        dimensions = stack.resolve(series.dimensions or {})
        yield (series.namespace, json.dumps(dimensions, sort_keys=True)), series.metric_name


def _graphed(stack: Stack, widgets: Iterable[cloudwatch.IWidget]) -> Iterator[list[Any]]:
    """The entries of all graphs: a metric by namespace, name and dimensions, or an expression."""
    for drawn in (each for widget in widgets for each in widget.to_json()):
        yield from stack.resolve(drawn["properties"].get("metrics", []))


def _of_entry(entry: Sequence[Any]) -> tuple[_Set, str]:
    namespace, name, *pairs = entry
    # What is left over stands at the end: how the series is drawn.
    dimensions = dict(zip(pairs[::2], pairs[1::2], strict=False))
    return (namespace, json.dumps(dimensions, sort_keys=True)), name


def _searches(expression: str) -> Iterator[Search]:
    for schema, name in re.findall(SEARCH, expression):
        namespace, *dimensions = schema.split(",")
        if namespace in NAMESPACES:
            yield Search(namespace, name, tuple(dimensions))


def _sets(found: Iterable[tuple[_Set, str]]) -> tuple[ReadSet, ...]:
    names: dict[_Set, set[str]] = {}
    for (namespace, dimensions), name in found:
        if namespace in NAMESPACES:
            names.setdefault((namespace, dimensions), set()).add(name)
    return tuple(
        ReadSet(namespace, _dimensions(text), tuple(sorted(of_set)))
        for (namespace, text), of_set in sorted(names.items())
    )


def _dimensions(text: str) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else Token.as_string(value) for name, value in json.loads(text).items()
    }
