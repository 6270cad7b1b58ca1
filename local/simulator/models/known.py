"""Facts about models beyond the recorded answers: profiles, lifecycle, refused parameters.

The figures are those of models/table.yaml, which the emulator's interpreter cannot read; a test compares them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

GLOBAL = "global"
PROFILE_DESTINATIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "us": ("us-east-1", "us-east-2", "us-west-2"),
        "eu": ("eu-central-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-3"),
        "apac": (
            "ap-northeast-1",
            "ap-northeast-2",
            "ap-northeast-3",
            "ap-south-1",
            "ap-south-2",
            "ap-southeast-1",
            "ap-southeast-2",
            "ap-southeast-4",
        ),
        "jp": ("ap-northeast-1", "ap-northeast-3"),
        "au": ("ap-southeast-2", "ap-southeast-4"),
        "us-gov": ("us-gov-east-1", "us-gov-west-1"),
        GLOBAL: (),
    }
)
_PROVIDER_NAMES = MappingProxyType(
    {
        "ai21": "AI21 Labs",
        "amazon": "Amazon",
        "anthropic": "Anthropic",
        "cohere": "Cohere",
        "deepseek": "DeepSeek",
        "meta": "Meta",
        "mistral": "Mistral AI",
        "openai": "OpenAI",
        "qwen": "Qwen",
    }
)
# How much of the quota of tokens per minute an output token takes, by the newest text of quotas-token-burndown.
_BURNDOWN = (
    (re.compile(r"anthropic\.claude-[a-z]+-4-8(?![0-9])"), 15),
    (re.compile(r"anthropic\.claude-(opus-5|sonnet-5|fable-5-1)(?![0-9])"), 10),
    (re.compile(r"anthropic\.claude-(3|[a-z]+-4)(?![0-9])"), 5),
)
# Requests with temperature or topP are refused by every Claude since 4.7.
_NO_SAMPLING = re.compile(r"anthropic\.claude-[a-z]+-(4-[7-9]|([5-9]|[1-9][0-9])(-[0-9]{1,2})?)(?![0-9])")


@dataclass(frozen=True)
class KnownModel:
    """A model of the guide's lists."""

    profiles: tuple[str, ...] = ()
    end: date | None = None

    @property
    def status(self) -> str:
        """`modelLifecycle.status`: a model whose end is announced is LEGACY."""
        return "LEGACY" if self.end else "ACTIVE"


_CLAUDE_PROFILES = ("us", "eu", "au", "jp", GLOBAL)
KNOWN: Mapping[str, KnownModel] = MappingProxyType(
    {
        "amazon.nova-2-lite-v1:0": KnownModel(("us", "eu", "jp", GLOBAL)),
        "amazon.nova-canvas-v1:0": KnownModel(end=date(2026, 9, 30)),
        "amazon.nova-lite-v1:0": KnownModel(("us", "eu", "apac")),
        "amazon.nova-micro-v1:0": KnownModel(("us", "eu", "apac")),
        "amazon.nova-pro-v1:0": KnownModel(("us", "eu", "apac")),
        "anthropic.claude-3-haiku-20240307-v1:0": KnownModel(("us", "eu", "apac"), end=date(2026, 9, 10)),
        "anthropic.claude-3-sonnet-20240229-v1:0": KnownModel(("us", "eu", "apac"), end=date(2026, 7, 30)),
        "anthropic.claude-haiku-4-5-20251001-v1:0": KnownModel(_CLAUDE_PROFILES),
        "anthropic.claude-haiku-5-5": KnownModel(_CLAUDE_PROFILES),
        "anthropic.claude-opus-4-1-20250805-v1:0": KnownModel(("us",), end=date(2027, 1, 8)),
        "anthropic.claude-opus-4-7": KnownModel(_CLAUDE_PROFILES),
        "anthropic.claude-opus-4-8": KnownModel(_CLAUDE_PROFILES),
        "anthropic.claude-sonnet-4-20250514-v1:0": KnownModel(("us", "eu", "apac", GLOBAL), end=date(2026, 10, 14)),
        "anthropic.claude-sonnet-4-5-20250929-v1:0": KnownModel(_CLAUDE_PROFILES),
        "anthropic.claude-sonnet-4-6": KnownModel(_CLAUDE_PROFILES),
        "anthropic.claude-sonnet-5": KnownModel(("us", "eu", "au", GLOBAL)),
        "meta.llama3-8b-instruct-v1:0": KnownModel(),
    }
)


def split_profile(model_id: str) -> tuple[str | None, str]:
    """The geography of a system inference profile id and the foundation model id behind it."""
    prefix, _, rest = model_id.partition(".")
    if prefix in PROFILE_DESTINATIONS and "." in rest:
        return prefix, rest
    return None, model_id


def refuses_sampling(model_id: str) -> bool:
    """Say whether the model refuses `temperature` and `topP` with a ValidationException."""
    return _NO_SAMPLING.match(split_profile(model_id)[1]) is not None


def quota_weight(model_id: str) -> int:
    """The tokens of the quota that one output token takes."""
    base = split_profile(model_id)[1]
    return next((weight for pattern, weight in _BURNDOWN if pattern.match(base)), 1)


def is_legacy(model_id: str) -> bool:
    """Say whether AWS calls the model legacy."""
    known = KNOWN.get(split_profile(model_id)[1])
    return known is not None and known.status == "LEGACY"


def provider_name(model_id: str) -> str:
    """The provider as the model lists write it."""
    provider = model_id.partition(".")[0]
    return _PROVIDER_NAMES.get(provider, provider.capitalize())


def foundation_model_arn(model_id: str, *, region: str) -> str:
    """The ARN of a foundation model; an empty Region is the one that `global.` profiles route through."""
    return f"arn:aws:bedrock:{region}::foundation-model/{model_id}"


def destination_arns(model_id: str, *, region: str) -> list[str]:
    """The foundation-model ARNs that a model id or a system profile id routes to from this Region."""
    geography, base = split_profile(model_id)
    if geography is None:
        return [foundation_model_arn(base, region=region)]
    if geography == GLOBAL:
        return [foundation_model_arn(base, region=region), foundation_model_arn(base, region="")]
    return [foundation_model_arn(base, region=name) for name in PROFILE_DESTINATIONS[geography]]
