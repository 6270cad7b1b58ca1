"""Which parameters of a request a model refuses."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bedrock_eval.known_models.facts import Features, KnownModel
from bedrock_eval.known_models.lookup import claude_version, features_of
from bedrock_eval.model_checks.findings import About, Finding, Question, Use, refused, warned
from bedrock_eval.models import Model

PARAMETERS = (
    *("temperature", "top_p", "top_k", "max_tokens", "stop_sequences", "system", "thinking", "effort", "tool_choice"),
    *("output_schema", "service_tier", "count_tokens", "metrics"),
)
"""The keys that are looked at; all others are a mistake of whoever asks."""

ENOUGH_TO_THINK = 2_000
"""Fewer tokens than these are often used up by thinking alone."""

LEAST_BUDGET = 1_024
_SAMPLING = ("temperature", "top_p", "top_k")
# What a request without them means, according to third parties; top_k has no default.
_DEFAULTS: Mapping[str, tuple[float, ...]] = {"temperature": (1,), "top_p": (1, 0.999, 0.99), "top_k": ()}
_FIXED: Mapping[str, float] = {"temperature": 1, "top_p": 0.99}
_THINKING_OFF = ("disabled", "between_tools")
_ABOVE_CAP = ("xhigh", "max")
_KNOWN_EFFORTS = ("low", "medium", "high", "xhigh", "max")
_NOT_IN_SCHEMAS = ("minimum", "maximum", "multipleOf", "minLength", "maxLength")
_TIERS = ("default", "flex", "priority", "reserved")
_MORE = "?"


def parameter_findings(question: Question, *, model: Model, known: KnownModel | None) -> Iterator[Finding]:
    """What a model refuses, by its family too, so that one that the table does not know is held to its rules."""
    given = {key: value for key, value in question.parameters.items() if value is not None}
    asked = _Asked(given, model.base_id, model.model_id, features_of(model.base_id), known)
    yield from _ranges(asked)
    yield from _sampling(asked)
    yield from _thinking(asked)
    yield from _effort(asked)
    yield from _length(asked)
    if question.use is Use.CANDIDATE:
        yield from _room_to_think(asked)
    yield from _features(asked)


class _Asked:
    """What a request gives, and what is known of its model."""

    def __init__(
        self, given: Mapping[str, Any], base_id: str, shown: str, features: Features, known: KnownModel | None
    ) -> None:
        self.given, self.base_id, self.shown, self.features, self.known = given, base_id, repr(shown), features, known
        self.claude = claude_version(base_id) is not None
        thinking = given.get("thinking")
        self.thinking: Mapping[str, Any] | None = thinking if isinstance(thinking, Mapping) else None
        self.mode: str | None = None if self.thinking is None else str(self.thinking.get("type"))

    def confirmed(self, key: str) -> bool:
        """Whether a document says it; a rule of the family is one."""
        return self.known is None or self.known.confirmed(key)


def _refused(key: str, message: str) -> Finding:
    return refused(About.PARAMETER, message, key=key)


def _warned(key: str, message: str) -> Finding:
    return warned(About.PARAMETER, message, key=key)


def _ranges(asked: _Asked) -> Iterator[Finding]:
    for key in ("temperature", "top_p"):
        value = asked.given.get(key)
        if value is not None and not (_is_number(value) and 0 <= value <= 1):
            yield _refused(key, f"{key} {value!r} is outside the range of Converse; allowed: 0 to 1")
    limit = asked.given.get("max_tokens")
    if limit is not None and not (isinstance(limit, int) and not isinstance(limit, bool) and limit >= 1):
        yield _refused("max_tokens", f"max_tokens {limit!r} is not a number of tokens; allowed: 1 or more")


def _sampling(asked: _Asked) -> Iterator[Finding]:
    keys = [key for key in _SAMPLING if key in asked.given]
    rule = asked.features.sampling
    if rule == "none":
        yield from (_without_sampling(key, asked) for key in keys)
    elif rule == "fixed":
        yield from _fixed(keys, asked)
    elif rule == "none_third_party":
        for key in keys:
            yield _warned(
                key, f"{asked.shown} refuses {key} according to a list that is not AWS's; leave it out to be safe"
            )
    elif {"temperature", "top_p"} <= set(keys) and rule in ("one", "one_unsure"):
        said = f"{asked.shown} takes temperature or top_p, not both"
        yield (
            _refused("top_p", f"{said}; leave one of them out")
            if rule == "one"
            else _warned("top_p", f"{said}, according to third parties; leave one of them out to be safe")
        )
    if rule not in ("none", "fixed") and asked.mode in ("enabled", "adaptive"):
        yield from _with_thinking(keys, asked)


def _without_sampling(key: str, asked: _Asked) -> Finding:
    if asked.given[key] in _DEFAULTS[key]:
        return _warned(key, f"{asked.shown} accepts only its default {key}, if that; leave it out")
    return _refused(key, f"{asked.shown} refuses {key}, as every Claude since 4.7 does; leave it out")


def _fixed(keys: Sequence[str], asked: _Asked) -> Iterator[Finding]:
    for key in keys:
        if key not in _FIXED:
            yield _refused(key, f"{asked.shown} refuses {key}; leave it out")
        elif asked.given[key] != _FIXED[key]:
            yield _refused(key, f"{asked.shown} refuses {key} {asked.given[key]}; allowed: {_FIXED[key]}, or nothing")
    if {"temperature", "top_p"} <= set(keys):
        yield _refused("top_p", f"{asked.shown} takes temperature or top_p, not both; leave one of them out")


def _with_thinking(keys: Sequence[str], asked: _Asked) -> Iterator[Finding]:
    for key in keys:
        value = asked.given[key]
        allowed = _is_number(value) and 0.95 <= value <= 1 if key == "top_p" else value in _DEFAULTS[key]
        if not allowed:
            but = "; allowed: 0.95 to 1" if key == "top_p" else ""
            yield _refused(
                key, f"{asked.shown} takes no {key} {value} while it thinks{but}; leave out {key} or thinking"
            )


def _thinking(asked: _Asked) -> Iterator[Finding]:
    if "thinking" not in asked.given:
        return
    if asked.thinking is None or "type" not in asked.thinking:
        yield _refused("thinking", 'thinking is an object with a type, as {"type": "adaptive"}')
        return
    if "effort" in asked.thinking:
        yield _refused("thinking", "effort belongs beside thinking, in output_config, not inside it")
    modes = asked.features.modes or {}
    state, takes = modes.get(str(asked.mode)), [mode for mode, each in modes.items() if each == "ok"]
    if state is None:
        yield _warned("thinking", f"it is unknown whether {asked.shown} takes thinking of type {asked.mode!r}")
    elif state == "refused":
        yield _refused(
            "thinking", f"{asked.shown} refuses thinking of type {asked.mode!r}; allowed: {', '.join(takes)}"
        )
    elif state == "deprecated":
        yield _warned(
            "thinking", f"{asked.shown}: thinking of type {asked.mode!r} is deprecated; use {', '.join(takes)}"
        )
    if asked.mode == "enabled" and state in ("ok", "deprecated"):
        yield from _budget(asked)


def _budget(asked: _Asked) -> Iterator[Finding]:
    budget, limit = (asked.thinking or {}).get("budget_tokens"), asked.given.get("max_tokens")
    if not isinstance(budget, int) or budget < LEAST_BUDGET:
        yield _refused("thinking", f"thinking of type enabled needs budget_tokens, {LEAST_BUDGET:,} at least")
    elif isinstance(limit, int) and limit <= budget:
        yield _refused(
            "thinking",
            f"budget_tokens {budget:,} leaves no tokens for the answer in max_tokens {limit:,}; allowed: less",
        )


def _effort(asked: _Asked) -> Iterator[Finding]:
    if "effort" not in asked.given:
        return
    effort, features = asked.given["effort"], asked.features
    levels = features.efforts
    if levels == ():
        yield _refused("effort", f"{asked.shown} does not support effort; leave it out")
    elif effort not in _KNOWN_EFFORTS and asked.claude:
        yield _refused("effort", f"effort {effort!r} is not a level of effort; allowed: {', '.join(_KNOWN_EFFORTS)}")
    elif features.effort_beta is not None:
        yield _warned("effort", f"{asked.shown} takes effort with the beta header {features.effort_beta} only")
    elif levels is None or (effort not in levels and _MORE in levels):
        yield _warned("effort", f"it is unknown whether {asked.shown} takes effort {effort!r}")
    elif effort not in levels:
        yield _refused("effort", f"{asked.shown} refuses effort {effort!r}; allowed: {', '.join(levels)}")
    if features.effort_capped and asked.mode in _THINKING_OFF and effort in _ABOVE_CAP:
        yield _refused("effort", f"{asked.shown} takes effort up to high when thinking is {asked.mode}, not {effort!r}")


def _length(asked: _Asked) -> Iterator[Finding]:
    limit = asked.given.get("max_tokens")
    most = None if asked.known is None else asked.known.max_output
    if most is None or not isinstance(limit, int) or limit <= most * 1000:
        return
    said = f"max_tokens {limit:,} is more than {asked.shown} returns; allowed: {most}K"
    # Some count a K as 1,000 tokens and some as 1,024.
    if limit > most * 1024 and asked.confirmed("max_output"):
        yield _refused("max_tokens", said)
    else:
        yield _warned("max_tokens", f"{said}, according to third parties")


def _room_to_think(asked: _Asked) -> Iterator[Finding]:
    limit = asked.given.get("max_tokens")
    thinks = asked.features.thinking in ("on", "always") and "thinking" not in asked.given
    if thinks and isinstance(limit, int) and limit < ENOUGH_TO_THINK:
        off = " or turn thinking off in additional_fields" if asked.features.thinking == "on" else ""
        yield _warned(
            "max_tokens",
            f"{asked.shown} thinks before it answers, and max_tokens counts both: {limit:,} may leave no answer; set "
            f"{ENOUGH_TO_THINK:,} or more{off}",
        )


def _features(asked: _Asked) -> Iterator[Finding]:
    features = asked.features
    if asked.given.get("system"):
        yield from _feature("system", "a system prompt", features.system, asked)
    choice = asked.given.get("tool_choice")
    if choice is not None:
        # Anthropic writes {"type": "any"}, Converse {"any": {}}.
        name = choice.get("type", next(iter(choice), "")) if isinstance(choice, Mapping) else choice
        yield from _tool_choice(str(name), asked)
    if asked.given.get("output_schema"):
        yield from _feature("output_schema", "structured outputs", features.structured_outputs, asked)
        yield from _schema(asked.given["output_schema"])
    if asked.given.get("count_tokens"):
        yield from _feature("count_tokens", "CountTokens on bedrock-runtime", features.count_tokens, asked)
    tier = asked.given.get("service_tier")
    if tier is not None and tier not in _TIERS:
        yield _refused("service_tier", f"{tier!r} is not a service tier; allowed: {', '.join(_TIERS)}")
    elif tier not in (None, "default"):
        yield from _feature("service_tier", f"service tier {tier}", getattr(features, tier), asked)


def _feature(key: str, what: str, has: bool | None, asked: _Asked) -> Iterator[Finding]:
    if has is None:
        yield _warned(key, f"it is unknown whether {asked.shown} has {what}")
    elif not has:
        # A model to come may have what its family had not.
        told = _warned if asked.known is None else _refused
        yield told(key, f"{asked.shown if asked.known else f'the family of {asked.shown}'} has no {what}")


def _tool_choice(choice: str, asked: _Asked) -> Iterator[Finding]:
    if choice in ("auto", "none"):
        yield from _feature("tool_choice", "tools", asked.features.tools, asked)
    elif choice not in ("any", "tool"):
        yield _refused("tool_choice", f"{choice!r} is not a tool choice; allowed: auto, any, tool, none")
    elif asked.features.forced_tools is False:
        yield _refused("tool_choice", f"{asked.shown} cannot be forced to use a tool ({choice}); allowed: auto, none")
    elif asked.claude and asked.features.thinking == "off" and asked.mode in ("enabled", "adaptive"):
        yield _refused("tool_choice", f"{asked.shown} cannot be forced to use a tool ({choice}) while it thinks")
    else:
        yield from _feature("tool_choice", f"tool choice {choice}", asked.features.forced_tools, asked)


def _schema(schema: object) -> Iterator[Finding]:
    """Keywords that structured outputs answer with 400 (UG structured-output)."""
    told = sorted(set(_unsupported(schema)))
    if told:
        yield _refused("output_schema", f"structured outputs take no {', '.join(told)} in a schema; leave them out")


def _unsupported(schema: object) -> Iterator[str]:
    if isinstance(schema, Mapping):
        yield from (key for key in _NOT_IN_SCHEMAS if key in schema and not isinstance(schema[key], Mapping))
        if schema.get("additionalProperties", False) is not False:
            yield "additionalProperties but false"
        for key, value in schema.items():
            # Values of enum and const are data, not schemas.
            if key not in ("enum", "const", "default", "examples"):
                yield from _unsupported(value)
    elif isinstance(schema, Sequence) and not isinstance(schema, str):
        for each in schema:
            yield from _unsupported(each)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
