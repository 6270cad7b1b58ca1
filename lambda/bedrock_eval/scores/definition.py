"""What a metric is."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bedrock_eval.direction import Better
from bedrock_eval.errors import UserError
from bedrock_eval.scores.measures import FIRST_VERSION, Measure

ScoreFunction = Callable[..., float | None]
"""(response, reference, **parameters) -> value; a metric without a reference is given an empty one."""


class ParameterError(UserError, ValueError):
    """A parameter that the metric does not take, does not get, or cannot use; the message names what is allowed."""


class Absent(StrEnum):
    """What it means that a parameter is not given."""

    REFUSED = "refused"
    NOT_APPLICABLE = "not applicable"
    DEFAULT = "default"


@dataclass(frozen=True)
class Parameter:
    """What a metric takes beside the texts.

    Attributes:
        check: raises ValueError saying what is wrong with a value and what is allowed.
        absent: REFUSED: an error; NOT_APPLICABLE: the score is None; DEFAULT: the metric does without.
    """

    name: str
    check: Callable[[object], object]
    absent: Absent


@dataclass(frozen=True, kw_only=True)
class MetricDefinition(Measure):
    """A score that this project computes itself. Whoever changes what it gives an answer changes its `version`."""

    function: ScoreFunction
    version: str = FIRST_VERSION
    needs_reference: bool = True
    parameters: tuple[Parameter, ...] = ()

    @property
    def doc(self) -> str:
        """Formula and source."""
        return self.function.__doc__ or ""

    @property
    def required(self) -> tuple[str, ...]:
        """The parameters without which it cannot be computed."""
        return tuple(parameter.name for parameter in self.parameters if parameter.absent is Absent.REFUSED)

    @property
    def of_the_call(self) -> tuple[str, ...]:
        """The parameters that every answer brings along, so that nobody sets them."""
        return tuple(parameter.name for parameter in self.parameters if parameter.absent is Absent.NOT_APPLICABLE)

    def version_with(self, parameters: Mapping[str, object]) -> str:
        """The version, told apart by what an evaluation sets: other labels make another metric."""
        if not parameters:
            return self.version
        settings = json.dumps(parameters, sort_keys=True)
        return f"{self.version}+{hashlib.sha256(settings.encode()).hexdigest()[:8]}"

    def check(self, parameters: Mapping[str, object]) -> None:
        """Hold what an evaluation sets against what the metric takes.

        Raises:
            ParameterError: a parameter is unknown, missing or unusable.
        """
        allowed = [parameter.name for parameter in self.parameters if parameter.absent is not Absent.NOT_APPLICABLE]
        unknown = [name for name in parameters if name not in allowed]
        if unknown:
            raise ParameterError(
                f"metric {self.name} takes no parameter {unknown[0]!r}; allowed: {', '.join(allowed) or 'none'}"
            )
        self._applies(parameters)

    def score(
        self,
        *,
        response: str,
        references: Sequence[str],
        prompt: str,  # noqa: ARG002 - no metric reads it yet
        parameters: Mapping[str, object] | None = None,
    ) -> float | None:
        """The value against the best of the references, None when it does not apply.

        Raises:
            ParameterError: a parameter is unknown, missing or unusable.
        """
        given = parameters or {}
        if (given or self.parameters) and not self._applies(given):
            return None
        if not self.needs_reference:
            return self.function(response, "", **given)
        values = [self.function(response, reference, **given) for reference in references]
        known = [value for value in values if value is not None]
        best = min if self.better is Better.LOWER else max
        return best(known, default=None)

    def _applies(self, given: Mapping[str, object]) -> bool:
        known = {parameter.name: parameter for parameter in self.parameters}
        unknown = [name for name in given if name not in known]
        if unknown:
            allowed = ", ".join(known) or "none"
            raise ParameterError(f"metric {self.name} takes no parameter {unknown[0]!r}; allowed: {allowed}")
        for name, parameter in known.items():
            if name in given:
                self._check(parameter, given[name])
            elif parameter.absent is Absent.REFUSED:
                raise ParameterError(f"metric {self.name} needs the parameter {name!r}")
        return all(name in given or known[name].absent is not Absent.NOT_APPLICABLE for name in known)

    def _check(self, parameter: Parameter, value: object) -> None:
        try:
            parameter.check(value)
        except ValueError as error:
            raise ParameterError(f"metric {self.name}, parameter {parameter.name!r}: {error}") from None
