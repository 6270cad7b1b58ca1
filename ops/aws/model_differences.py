"""What the account says of models, compared with the table."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from bedrock_eval.known_models.lookup import dead_model, known_model
from bedrock_eval.models import GLOBAL_PROFILE, Model
from ops.aws.clients import calling

_ABSENT = frozenset({"ResourceNotFoundException", "ValidationException"})
_LEGACY = "LEGACY"


@dataclass(frozen=True)
class Difference:
    """Something that table and account say differently; None is unknown to one of them."""

    model: str
    what: str
    table: str | None
    account: str | None


@dataclass(frozen=True)
class _Account:
    """What one Region of the account has.

    Attributes:
        on_demand: the foundation models that can be called by their own ids.
        profiles: status by id, of those that can be called from here.
    """

    bedrock: Any
    on_demand: frozenset[str]
    profiles: Mapping[str, str]


def differences(bedrock: Any, models: Mapping[str, Model]) -> tuple[Difference, ...]:
    """Everything that the account says otherwise of the models, by the names of the file.

    Raises:
        OpsError: AWS refuses to answer, as without permission.
    """
    with calling("the account's models"):
        account = _Account(bedrock, _on_demand(bedrock), _profiles(bedrock))
        return tuple(each for name, model in models.items() for each in _of_model(account, name, model))


def _on_demand(bedrock: Any) -> frozenset[str]:
    summaries = bedrock.list_foundation_models()["modelSummaries"]
    return frozenset(each["modelId"] for each in summaries if "ON_DEMAND" in each.get("inferenceTypesSupported", ()))


def _profiles(bedrock: Any) -> dict[str, str]:
    pages = bedrock.get_paginator("list_inference_profiles").paginate(typeEquals="SYSTEM_DEFINED")
    return {each["inferenceProfileId"]: each["status"] for page in pages for each in page["inferenceProfileSummaries"]}


def _of_model(account: _Account, name: str, model: Model) -> Iterator[Difference]:
    lifecycle = _lifecycle(account.bedrock, model.base_id)
    yield from _life(name, model, lifecycle)
    if model.profile is None:
        yield from _direct(account, name, model)
    else:
        yield from _through_profile(account, name, model)


def _lifecycle(bedrock: Any, base_id: str) -> Mapping[str, Any] | None:
    """None: this Region does not have it, or no more."""
    try:
        # Assumption: end-of-life-announced
        details = bedrock.get_foundation_model(modelIdentifier=base_id)["modelDetails"]
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in _ABSENT:
            return None
        raise
    found: Mapping[str, Any] = details.get("modelLifecycle", {})
    return found


def _life(name: str, model: Model, lifecycle: Mapping[str, Any] | None) -> Iterator[Difference]:
    known = known_model(model.base_id)
    state = "legacy" if known is not None and known.legacy else "dead" if dead_model(model.base_id) else None
    table = state or ("active" if known is not None else None)
    if lifecycle is None:
        if table != "dead":
            yield Difference(name, "state", table, "not here, or past its end")
        return
    status = str(lifecycle.get("status", "")).lower() or None
    if status is not None and status != table:
        yield Difference(name, "state", table, status)
    end, ours = lifecycle.get("endOfLifeTime"), model.lifecycle.end
    theirs = end.date() if isinstance(end, datetime) else None
    # Without an end on their side ours may still be announced where no call tells it, as by a model card.
    if theirs is not None and theirs != ours:
        yield Difference(name, "end of life", None if ours is None else str(ours), str(theirs))


def _direct(account: _Account, name: str, model: Model) -> Iterator[Difference]:
    known = known_model(model.base_id)
    table = None if known is None else known.in_region.has(model.region)
    has = model.base_id in account.on_demand
    if table is not has:
        yield Difference(name, f"called by its own id from {model.region}", _yes(table), _yes(has))


def _through_profile(account: _Account, name: str, model: Model) -> Iterator[Difference]:
    known = known_model(model.base_id)
    sources = None if known is None else known.profiles.get(model.profile or "")
    table = None if known is None else False if sources is None else sources.has(model.region)
    status = account.profiles.get(model.model_id)
    has = status == "ACTIVE"
    if table is not has:
        yield Difference(name, f"profile from {model.region}", _yes(table), status or "no")
    # What global. routes to is not told by Region.
    if has and model.profile != GLOBAL_PROFILE:
        theirs = _destinations(account.bedrock, model.model_id)
        if theirs != sorted(model.destinations):
            yield Difference(name, "destinations", ", ".join(sorted(model.destinations)), ", ".join(theirs))


def _destinations(bedrock: Any, profile: str) -> list[str]:
    models = bedrock.get_inference_profile(inferenceProfileIdentifier=profile)["models"]
    return sorted({region for each in models if (region := each["modelArn"].split(":")[3])})


def _yes(answer: bool | None) -> str | None:
    return None if answer is None else "yes" if answer else "no"
