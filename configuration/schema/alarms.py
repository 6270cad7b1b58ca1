"""The thresholds and severities of alarms. The keys of thresholds follow from bedrock_eval's table of them."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Annotated, Any, Literal, TypeVar, get_args, get_type_hints

from pydantic import AfterValidator, BaseModel, Field, create_model

from bedrock_eval.alarms.kinds import KINDS
from bedrock_eval.alarms.thresholds import DECLARATIONS, Declaration, Thresholds
from bedrock_eval.wording import suggestion
from configuration.schema.values.base import Strict, enum

Config = TypeVar("Config", bound=BaseModel)


def _alarm_name(name: str) -> str:
    if name not in KINDS:
        raise ValueError(f"{name!r} is not a kind of alarm{suggestion(name, KINDS)}; allowed: {', '.join(KINDS)}")
    return name


AlarmName = Annotated[str, AfterValidator(_alarm_name), Field(json_schema_extra=enum(tuple(KINDS)))]


def _with_thresholds(*, of_model: bool) -> Callable[[type[Config]], type[Config]]:
    """Add a key for every threshold, or for those that a model may have of its own."""

    def build(config: type[Config]) -> type[Config]:
        keys = {
            name: _key(name, each, of_model) for name, each in DECLARATIONS.items() if each.per_model or not of_model
        }
        made: type[Config] = create_model(
            config.__name__, __base__=config, __module__=config.__module__, __doc__=config.__doc__, **keys
        )
        return made

    return build


def _key(name: str, declaration: Declaration, of_model: bool) -> Any:
    hint = get_type_hints(Thresholds)[name]
    plain: Any = int if int in (hint, *get_args(hint)) else float
    bounds = (
        Field(gt=declaration.low, lt=declaration.high)
        if declaration.open
        else Field(ge=declaration.low, le=declaration.high)
    )
    bounded: Any = Annotated[plain, bounds]
    if of_model:
        return bounded | None, Field(default=None, description="As in `alarms`.")
    default = next(each.default for each in fields(Thresholds) if each.name == name)
    description = f"{declaration.doc} Unit: {declaration.unit.name}."
    return bounded | None if type(None) in get_args(hint) else bounded, Field(default=default, description=description)


@_with_thresholds(of_model=True)
class ModelAlarmsConfig(Strict):
    """Thresholds of one model. A threshold that is left out is the one in `alarms`."""

    def over(self, thresholds: Thresholds) -> Thresholds:
        """Replace the thresholds that the model has of its own."""
        return replace(thresholds, **self.model_dump(exclude_none=True))


@_with_thresholds(of_model=False)
class AlarmsConfig(Strict):
    """Thresholds and severities. Rates are per cent of all requests in 5 minutes; with fewer requests
    than `traffic_floor`, rates, speeds and latencies are not judged.

    A threshold without a default makes an alarm only when it is set.
    """

    severity: Mapping[AlarmName, Literal["critical", "warning", "off"]] = Field(
        default={}, description="Severities other than those in docs/alarms.md, by kind of alarm. `off`: no such alarm."
    )

    @property
    def thresholds(self) -> Thresholds:
        """The thresholds, without the severities."""
        return Thresholds(**self.model_dump(exclude={"severity"}))
