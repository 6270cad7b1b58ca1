"""Application inference profiles (created) and system inference profiles (listed), as the control plane shows them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region

from local.simulator.models.identifiers import last_part
from local.simulator.models.known import KNOWN, destination_arns, split_profile
from local.simulator.protocol import service_model
from local.simulator.protocol.errors import ServiceError, invalid
from local.simulator.settings.state import SIMULATOR

_MAX_TAGS = 200
_APPLICATION, _SYSTEM = "APPLICATION", "SYSTEM_DEFINED"


@dataclass(frozen=True)
class Profile:
    """An application inference profile."""

    profile_id: str
    name: str
    copied_from: str
    created: datetime
    description: str | None = None
    token: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return _arn("application-inference-profile", self.profile_id)

    def to_json(self) -> dict[str, Any]:
        """The members of GetInferenceProfile's answer."""
        timestamp = self.created.isoformat().replace("+00:00", "Z")
        described = {} if self.description is None else {"description": self.description}
        return {
            "inferenceProfileName": self.name,
            **described,
            "createdAt": timestamp,
            "updatedAt": timestamp,
            "inferenceProfileArn": self.arn,
            "models": _models(last_part(self.copied_from)),
            "inferenceProfileId": self.profile_id,
            "status": "ACTIVE",
            "type": _APPLICATION,
        }


_profiles: Any = AccountRegionScopedDict()
_created_by_name: Any = AccountRegionScopedDict()


def reset() -> None:
    """Forget every application inference profile."""
    _profiles.clear()
    _created_by_name.clear()


def create(request: Mapping[str, Any]) -> Profile:
    """Make a profile from a CreateInferenceProfile request.

    The source's model need not have recorded answers: a deployment may come before them.

    Raises:
        ServiceError: the request does not fit the service model, or its source is of another account or Region.
    """
    service_model.check("bedrock", "CreateInferenceProfile", request)
    source = request["modelSource"]["copyFrom"]
    if source not in _possible_sources(last_part(source)):
        raise invalid(f"The provided model identifier is invalid: {source} is not in {get_region()} of this account.")
    token = request.get("clientRequestToken")
    repeated = next((known for known in _profiles.values() if token and known.token == token), None)
    if repeated is not None:
        return _same_request(repeated, request)
    name = request["inferenceProfileName"]
    profile = Profile(
        profile_id=_new_id(name),
        name=name,
        copied_from=source,
        created=datetime.now(UTC),
        description=request.get("description"),
        token=token,
        tags=MappingProxyType({tag["key"]: tag["value"] for tag in request.get("tags") or []}),
    )
    _profiles[profile.profile_id] = profile
    return profile


def delete(identifier: str) -> None:
    """Remove an application inference profile, named by id or ARN.

    Raises:
        ServiceError: ResourceNotFoundException.
    """
    del _profiles[find(identifier).profile_id]


def find(identifier: str) -> Profile:
    """The application inference profile with this id or ARN.

    Raises:
        ServiceError: ResourceNotFoundException.
    """
    profile: Profile | None = _profiles.get(last_part(identifier))
    if profile is None or identifier not in (profile.profile_id, profile.arn):
        raise ServiceError("ResourceNotFoundException", f"Could not find inference profile {identifier}.")
    return profile


def copied_from(profile_id: str) -> str | None:
    """The ARN that an application inference profile was copied from."""
    profile: Profile | None = _profiles.get(profile_id)
    return None if profile is None else profile.copied_from


def describe(identifier: str) -> dict[str, Any]:
    """GetInferenceProfile's answer for an application or a system profile.

    Raises:
        ServiceError: ResourceNotFoundException.
    """
    system = next(
        (p for p in _system_profiles() if identifier in (p["inferenceProfileId"], p["inferenceProfileArn"])), None
    )
    return find(identifier).to_json() if system is None else system


def summaries(type_equals: str | None) -> list[dict[str, Any]]:
    """ListInferenceProfiles' entries: those of one type, or the system's and the account's own."""
    application = [profile.to_json() for profile in _profiles.values()]
    by_type = {_SYSTEM: _system_profiles(), _APPLICATION: application}
    return [entry for kind, entries in by_type.items() if type_equals in (None, kind) for entry in entries]


def set_tags(arn: str, tags: Mapping[str, str]) -> None:
    """Replace the tags of an application inference profile.

    Raises:
        ServiceError: it does not exist, or there would be more than 200 tags.
    """
    profile = find(arn)
    if len(tags) > _MAX_TAGS:
        raise ServiceError("TooManyTagsException", "The number of tags exceeds the limit of 200.", resourceName=arn)
    _profiles[profile.profile_id] = replace(profile, tags=MappingProxyType(dict(tags)))


def _same_request(known: Profile, request: Mapping[str, Any]) -> Profile:
    if (known.name, known.copied_from) == (request["inferenceProfileName"], request["modelSource"]["copyFrom"]):
        return known
    raise ServiceError("ConflictException", "The client request token was used before with other parameters.")


def _new_id(name: str) -> str:
    """Twelve characters as AWS has them, the same in every run that creates the same profiles in the same order."""
    nth = _created_by_name.get(name, 0) + 1
    _created_by_name[name] = nth
    seed = f"{get_account_id()} {get_region()} {name} {nth}"
    return hashlib.sha256(seed.encode()).hexdigest()[:12]


def _possible_sources(model_id: str) -> tuple[str, str]:
    return f"arn:aws:bedrock:{get_region()}::foundation-model/{model_id}", _arn("inference-profile", model_id)


def _system_profiles() -> list[dict[str, Any]]:
    ids = {f"{geography}.{model}" for model, known in KNOWN.items() for geography in known.profiles}
    ids.update(model for model in SIMULATOR.answers.models() if split_profile(model)[0] is not None)
    return [_system_profile(profile_id) for profile_id in sorted(ids)]


def _system_profile(profile_id: str) -> dict[str, Any]:
    geography, base = split_profile(profile_id)
    # Names allow letters, digits, single spaces, `_` and `-` only.
    name = f"{(geography or '').upper()} {base.replace('.', '-').replace(':', '-')}"[:64].rstrip(" -_")
    return {
        "inferenceProfileName": name,
        "inferenceProfileArn": _arn("inference-profile", profile_id),
        "models": _models(profile_id),
        "inferenceProfileId": profile_id,
        "status": "ACTIVE",
        "type": _SYSTEM,
    }


def _models(model_id: str) -> list[dict[str, str]]:
    return [{"modelArn": arn} for arn in destination_arns(model_id, region=get_region())]


def _arn(kind: str, identifier: str) -> str:
    return f"arn:aws:bedrock:{get_region()}:{get_account_id()}:{kind}/{identifier}"
