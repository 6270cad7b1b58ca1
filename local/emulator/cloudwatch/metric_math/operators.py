"""Operators between numbers and time series."""

import math
from collections.abc import Callable

from local.emulator.cloudwatch.metric_math.context import Context
from local.emulator.cloudwatch.metric_math.values import Band, ExpressionError, Series, Value

_Operation = Callable[[float, float], float]


def _truth(value: object) -> float:
    return 1.0 if value else 0.0


_OPERATORS: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "^": math.pow,
    "<": lambda a, b: _truth(a < b),
    ">": lambda a, b: _truth(a > b),
    "<=": lambda a, b: _truth(a <= b),
    ">=": lambda a, b: _truth(a >= b),
    "==": lambda a, b: _truth(a == b),
    "!=": lambda a, b: _truth(a != b),
    "AND": lambda a, b: _truth(a and b),
    "OR": lambda a, b: _truth(a or b),
}


def finite(operation: Callable[..., float], *arguments: float) -> float | None:
    """The result, or None where CloudWatch leaves a gap: division by zero, overflow, not a number."""
    try:
        result = operation(*arguments)
    except (ArithmeticError, ValueError):
        return None
    return result if math.isfinite(result) else None


def combined(context: Context, operator: str, left: Value, right: Value) -> Value:
    """The value of `left operator right`. Raises ExpressionError."""
    return _combine(context, _OPERATORS[operator], left, right)


def _combine(context: Context, operation: _Operation, left: Value, right: Value) -> Value:
    if isinstance(left, list):
        return [_combine(context, operation, item, right) for item in left]
    if isinstance(right, list):
        return [_combine(context, operation, left, item) for item in right]
    if isinstance(left, Band | str) or isinstance(right, Band | str):
        raise ExpressionError("Error in expression: an operator needs numbers or time series")
    if isinstance(left, Series) or isinstance(right, Series):
        return _combine_series(context, operation, left, right)
    result = finite(operation, left, right)
    if result is None:
        raise ExpressionError("Error in expression: the constant part has no value")
    return result


def _combine_series(context: Context, operation: _Operation, left: Series | float, right: Series | float) -> Series:
    # Assumption: missing-is-zero
    series = [side for side in (left, right) if isinstance(side, Series)]
    period, label = max(side.period for side in series), series[0].label if len(series) == 1 else ""
    if not context.readings.empty_is_zero and not all(side.points for side in series):
        return Series({}, period, label)
    # Two periods meet where the longer one begins.
    times = set().union(*(side.points for side in series if side.period == period))
    if len(series) == 1 and context.readings.scalar_fills:
        times.update(context.grid(period))
    results = {t: finite(operation, _at(left, t), _at(right, t)) for t in sorted(times)}
    return Series({t: v for t, v in results.items() if v is not None}, period, label)


def _at(side: Series | float, time: int) -> float:
    return side.points.get(time, 0.0) if isinstance(side, Series) else side
