"""The definition of a run: the deployed one, copied by the first slice, so that later slices read what began."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from bedrock_eval.codec import DecodeError
from bedrock_eval.evaluation.definition import (
    CustomDefinition,
    Definition,
    JobDefinition,
    custom_definition,
    job_definition,
    read_definition,
)
from bedrock_eval.layout import RunLayout, definition_key
from bedrock_eval.runs.state import RunFailureReason
from bedrock_eval_runs.errors import RunFailed
from bedrock_eval_runs.store import Store

Kind = TypeVar("Kind", CustomDefinition, JobDefinition)


def run_definition(
    store: Store,
    layout: RunLayout,
    *,
    retry_of: str | None = None,
    settle: Callable[[Definition], Definition] | None = None,
) -> Definition:
    """The definition as it was when the run began: the first slice copies it, later ones read the copy.

    Args:
        retry_of: the finished run whose definition it is, because what failed in that is asked again.
        settle: what the copy says more than the deployed one, for what must not change while the run lasts.
    """
    begun = begun_definition(store, layout)
    if begun is not None:
        return begun
    deployed = deployed_definition(store, layout.evaluation)
    definition = deployed if retry_of is None else _retried_definition(store, layout, retry_of, deployed=deployed)
    if settle is not None:
        definition = settle(definition)
    if store.create(layout.definition, json.dumps(definition.to_json(), indent=1)):
        return definition
    # Another execution came first; what it has settled counts.
    return begun_definition(store, layout) or definition


def begun_definition(store: Store, layout: RunLayout) -> Definition | None:
    """The definition that a run began with; None when it has not begun, or has expired."""
    stored = store.read(layout.definition)
    return None if stored is None else _decoded(stored.body, layout.definition)


def deployed_definition(store: Store, evaluation: str) -> Definition:
    key = definition_key(evaluation)
    deployed = store.read(key)
    if deployed is None:
        raise RunFailed(
            RunFailureReason.DEFINITION_MISSING, f"{key} is missing: evaluation {evaluation} is not deployed"
        )
    return _decoded(deployed.body, key)


def custom_run(definition: Definition) -> CustomDefinition:
    """The definition of a run whose models the custom evaluator calls.

    Raises:
        RunFailed: Bedrock scores it by jobs.
    """
    return _of_kind(definition, custom_definition)


def job_run(definition: Definition) -> JobDefinition:
    """The definition of a run by evaluation jobs.

    Raises:
        RunFailed: the custom evaluator scores it.
    """
    return _of_kind(definition, job_definition)


def _of_kind(definition: Definition, narrow: Callable[[Definition], Kind]) -> Kind:
    try:
        return narrow(definition)
    except ValueError as error:
        raise RunFailed(RunFailureReason.DEFINITION_INVALID, str(error)) from None


def _retried_definition(store: Store, layout: RunLayout, retry_of: str, *, deployed: Definition) -> Definition:
    """What the other run was, asked through what is deployed now: a profile of its own may have been made anew."""
    source = RunLayout(layout.evaluation, retry_of)
    definition = begun_definition(store, source)
    if definition is None or not store.exists(source.summary):
        raise RunFailed(RunFailureReason.RETRIED_RUN_MISSING, f"{source} is not finished, or has expired")
    now = {candidate.name: candidate for candidate in deployed.candidates}
    candidates = tuple(
        replace(each, invoke_id=now[each.name].invoke_id)
        if each.name in now and now[each.name].model_id == each.model_id
        else each
        for each in definition.candidates
    )
    return replace(custom_run(definition), candidates=candidates, retry_of=retry_of)


def _decoded(body: bytes, key: str) -> Definition:
    try:
        return read_definition(body)
    except DecodeError as error:
        raise RunFailed(RunFailureReason.DEFINITION_INVALID, f"{key}: {error}") from None
