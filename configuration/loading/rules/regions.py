"""What an environment asks for in a Region where CloudFormation lacks the type, and what to do instead."""

from collections.abc import Iterator

from configuration.document.reading import Mistake
from configuration.loading.rules.parts import Parts, mapping
from configuration.schema.resource_types import APPLICATION_PROFILE, BUDGET, VERIFIED_ON, exists


def mistakes(parts: Parts) -> Iterator[Mistake]:
    """What is asked for in a Region that lacks its type."""
    if _lacks(parts, APPLICATION_PROFILE):
        lacking = _lacking(parts, APPLICATION_PROFILE)
        if parts.flag("own_profile"):
            yield Mistake(
                ("own_profile",),
                f"{lacking}; needed: false; evaluations then call models by their ids and appear in the "
                "models' own metrics",
            )
        for name, model in parts.models.items():
            if model is not None and model.profile:
                yield Mistake(("models", name, "profile"), f"{lacking}; needed: false, or another Region")
    if _lacks(parts, BUDGET) and mapping(parts.top.get("budget")):
        yield Mistake(
            ("budget",),
            f"{_lacking(parts, BUDGET)}; leave it out: a budget covers the whole account, so an environment in another "
            "Region can make it, or the AWS Budgets console",
        )


def notes(parts: Parts) -> Iterator[Mistake]:
    """What an environment does without there, though the file does not say so."""
    if _lacks(parts, APPLICATION_PROFILE) and "own_profile" not in parts.top and parts.evaluations:
        yield Mistake(
            ("region",),
            f"{_lacking(parts, APPLICATION_PROFILE)}, so evaluations call models by their ids and appear in their "
            "metrics; set own_profile: false to confirm",
        )


def _lacks(parts: Parts, kind: str) -> bool:
    """The simulator has every type in every Region."""
    region = parts.top.get("region")
    on_aws = parts.sound("stand_in") and not parts.flag("stand_in")
    return on_aws and region is not None and not exists(kind, region=region)


def _lacking(parts: Parts, kind: str) -> str:
    return f"CloudFormation has no {kind} in {parts.top.get('region')} (as of {VERIFIED_ON})"
