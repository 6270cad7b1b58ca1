"""The definition of an evaluation from the command line of `bedrock-eval evaluate`."""

import argparse
import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from bedrock_eval.direction import Better
from bedrock_eval.evaluation.dataset_formats import named_by_bytes
from bedrock_eval.evaluation.definition import (
    PROMPT_MARK,
    Candidate,
    CustomDefinition,
    Dataset,
    Gate,
    InferenceParameters,
    default_max_tokens,
)
from bedrock_eval.model_checks.checks import findings, table_finding
from bedrock_eval.model_checks.findings import About, Question, Use, Verdict
from bedrock_eval.models import ModelError, base_id, candidate_name
from bedrock_eval.names import NAME_RULE, is_name
from bedrock_eval.numerals import real
from bedrock_eval.results.summary import Summary
from bedrock_eval.scores import METRICS
from bedrock_eval.texts import is_blank
from bedrock_eval.wording import count, suggestion
from configuration.schema.evaluations.kinds import CustomEvaluationConfig
from ops.aws.clients import REGION_SOURCES, making, own_region
from ops.errors import OpsError
from ops.terminal.output import print_note

APPLICATION, ENVIRONMENT = "ops", "terminal"

_GATE = re.compile(r"([a-z0-9_]+)\s*(>=|<=)\s*([^\s<>=]+)")
_DROP = re.compile(r"([a-z0-9_]+)\s*=\s*([^\s=]+)")


def region_of(arguments: argparse.Namespace) -> str:
    """Find the Region of the calls.

    Raises:
        OpsError: neither the command line nor the AWS configuration has one.
    """
    with making("bedrock-runtime"):
        region = arguments.region or own_region()
    if region is None:
        raise OpsError(f"no Region; needed: {REGION_SOURCES}")
    return str(region)


def definition_of(arguments: argparse.Namespace, baseline: Summary | None, *, today: date) -> CustomDefinition:
    """Make the definition that a command line describes, with a warning for each use that may not work.

    Args:
        baseline: the earlier evaluation that `--max-drop` compares with.
        today: what the models' ends of life are compared with.

    Raises:
        OpsError: an option cannot be used, naming it and what is allowed.
    """
    region = region_of(arguments)
    gates = _gates(arguments)
    parameters = _metrics(arguments.metric, gates)
    if any(gate.max_drop is not None for gate in gates) and baseline is None:
        raise OpsError("--max-drop compares with an earlier evaluation; needed: --baseline with its folder")
    return CustomDefinition(
        application=APPLICATION,
        environment=ENVIRONMENT,
        evaluation=_evaluation_name(Path(arguments.dataset)),
        candidates=_candidates(arguments, region=region, today=today),
        dataset=Dataset(name=_dataset_name(arguments), key="dataset.jsonl"),
        metrics=tuple(parameters),
        metric_parameters={name: text for name, text in parameters.items() if text},
        gates=gates,
        baseline=None if baseline is None else baseline.run_id,
        confidence=arguments.confidence,
        concurrency=arguments.concurrency,
        read_timeout_seconds=arguments.read_timeout,
        max_attempts=arguments.attempts,
        patience_minutes=arguments.throttle_limit,
        failed_case_rounds=arguments.failed_case_rounds,
        score_thoughts=arguments.score_thoughts,
    )


def _evaluation_name(dataset: Path) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", dataset.stem.lower()).strip("-")
    return (name if name[:1].isalpha() else f"d-{name}")[:24].rstrip("-")


def _dataset_name(arguments: argparse.Namespace) -> str:
    name = _shown(Path(arguments.dataset))
    return name if arguments.limit is None else f"{name} (first {count(arguments.limit, 'case')})"


def _shown(path: Path) -> str:
    """Relative to the working directory where it can be, so that another spelling is the same dataset."""
    full = path.resolve()
    name = (full.relative_to(Path.cwd()) if full.is_relative_to(Path.cwd()) else full).as_posix()
    # A name of bytes that are no UTF-8 cannot stand in a report.
    return name.encode(errors="replace").decode()


def _candidates(arguments: argparse.Namespace, *, region: str, today: date) -> tuple[Candidate, ...]:
    system = None if arguments.system is None else _text(arguments.system, "--system")
    template = None if arguments.template is None else _text(arguments.template, "--template")
    if template is not None and template.count(PROMPT_MARK) != 1:
        times = template.count(PROMPT_MARK)
        raise OpsError(f"--template {arguments.template}: holds {PROMPT_MARK} {times} times; needed: once")
    stale = table_finding(today=today)
    if stale is not None:
        print_note(f"warning: {stale.message}")
    found: dict[str, Candidate] = {}
    for given in arguments.model:
        name, model_id = _named_model(given, taken=list(found))
        found[name] = Candidate(
            name=name,
            model_id=model_id,
            invoke_id=model_id,
            system=system,
            template=template,
            parameters=InferenceParameters(
                max_tokens=arguments.max_tokens or default_max_tokens(model_id),
                temperature=arguments.temperature,
                top_p=arguments.top_p,
                stop_sequences=tuple(arguments.stop_sequence or ()),
            ),
            tokens_per_minute=arguments.tokens_per_minute,
        )
        _check_model(f"--model {given}", found[name], arguments, region=region, today=today)
    return tuple(found.values())


def _check_model(option: str, candidate: Candidate, arguments: argparse.Namespace, *, region: str, today: date) -> None:
    """Check a model as synthesis does. An ARN does not name its model."""
    if candidate.model_id.startswith("arn:"):
        return
    given = {"system": candidate.system, **asdict(candidate.parameters)}
    routed = tuple(arguments.destination_region) if base_id(candidate.model_id) != candidate.model_id else ()
    question = Question(candidate.model_id, region, Use.CANDIDATE, given, routed)
    found = findings(question, today=today)
    for finding in found:
        if finding.verdict is Verdict.WARNING:
            print_note(f"warning: {option}: {finding.message}")
    for finding in found:
        if finding.verdict is Verdict.REFUSED:
            where = "--region" if finding.about is About.REGION else option
            advice = finding.message.replace("destination_regions", "--destination-region")
            raise OpsError(f"{where}: {advice}")


def _named_model(given: str, *, taken: Sequence[str]) -> tuple[str, str]:
    name, separator, model_id = given.rpartition("=")
    try:
        name = name if separator else candidate_name(model_id, taken=taken)
    except ModelError as error:
        raise OpsError(f"--model {given}: {error}") from None
    if not is_name(name):
        raise OpsError(f"--model {given}: {name!r} is not a name; needed: {NAME_RULE}")
    if name in taken:
        raise OpsError(f"--model {given}: there is another candidate {name}; needed: NAME=ID with a name of its own")
    return name, model_id


def _text(path: str, option: str) -> str:
    try:
        content = Path(path).read_bytes()
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        wrong = named_by_bytes(content, path) or f"is not UTF-8 (byte {error.start + 1})"
        raise OpsError(f"{option} {path}: {wrong}") from None
    except OSError as error:
        raise OpsError(f"{option} {path}: cannot be read: {error.strerror}") from None
    if is_blank(text):
        raise OpsError(f"{option} {path}: is empty")
    return text.removesuffix("\n").removesuffix("\r")


def _metrics(given: Sequence[str] | None, gates: Sequence[Gate]) -> dict[str, str]:
    """Parameters as JSON text by metric; those of gates are always among them."""
    default: tuple[Any, ...] = CustomEvaluationConfig.model_fields["metrics"].default
    found = dict(_metric(text) for text in given or [metric.name for metric in default])
    for gate in gates:
        found.setdefault(*_metric(gate.metric))
    return found


def _metric(text: str) -> tuple[str, str]:
    name, _, parameters = text.partition("=")
    _known(name, f"--metric {text}")
    try:
        value = json.loads(parameters or "{}")
        if not isinstance(value, dict):
            raise ValueError(f"{parameters} is not a JSON object")
        METRICS[name].check(value)
    except ValueError as error:
        raise OpsError(f"--metric {text}: {error}") from None
    return name, json.dumps(value, sort_keys=True) if value else ""


def _gates(arguments: argparse.Namespace) -> tuple[Gate, ...]:
    """One gate a metric, as in an environment file."""
    found: dict[str, Gate] = {}
    for text in arguments.gate:
        name, sign, number = _parsed(_GATE, text, "--gate", needed="as f1_score>=0.5")
        key = "min" if sign == ">=" else "max"
        found[name] = _with(found.get(name, Gate(name)), key, _number(number, f"--gate {text}"), f"--gate {text}")
    for text in arguments.max_drop:
        name, number = _parsed(_DROP, text, "--max-drop", needed="as f1_score=0.02")
        found[name] = _with(found.get(name, Gate(name)), "max_drop", _number(number, text), f"--max-drop {text}")
    for gate in found.values():
        _check_gate(gate)
    return tuple(found.values())


def _with(gate: Gate, key: str, value: float, option: str) -> Gate:
    if getattr(gate, key) is not None:
        raise OpsError(f"{option}: {gate.metric} has another {key} already")
    return Gate(**{**asdict(gate), key: value})


def _check_gate(gate: Gate) -> None:
    if gate.min is not None and gate.max is not None and gate.min >= gate.max:
        raise OpsError(f"--gate {gate.metric}: min {gate.min:g} is not below max {gate.max:g}")
    for bound in (gate.min, gate.max):
        wrong = None if bound is None else METRICS[gate.metric].outside(bound)
        if wrong is not None:
            raise OpsError(f"--gate {gate.metric}: {wrong}")
    if gate.max_drop is None:
        return
    if gate.max_drop < 0:
        raise OpsError(f"--max-drop {gate.metric}={gate.max_drop:g}: needed: 0 or more")
    if METRICS[gate.metric].better is Better.NEUTRAL:
        raise OpsError(f"--max-drop {gate.metric}: the metric has no better direction; allowed: --gate")


def _parsed(pattern: re.Pattern[str], text: str, option: str, *, needed: str) -> tuple[str, ...]:
    match = pattern.fullmatch(text.strip())
    if match is None:
        raise OpsError(f"{option} {text}: cannot be read; needed: {needed}")
    _known(match[1], f"{option} {text}")
    return match.groups()


def _known(name: str, option: str) -> None:
    if name not in METRICS:
        raise OpsError(f"{option}: {name!r} is not a metric{suggestion(name, METRICS)}; allowed: {', '.join(METRICS)}")


def _number(text: str, option: str) -> float:
    number = real(text)
    if number is None:
        raise OpsError(f"{option}: {text!r} is not a number")
    return number
