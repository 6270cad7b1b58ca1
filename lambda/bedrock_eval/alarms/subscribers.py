"""Who hears of alarms: subscriptions as SNS lists them, held against the declared ones.

Source: SNS developer guide, sns-delete-subscription-topic (how e-mail subscriptions go); SNS API reference,
ListSubscriptionsByTopic.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_PENDING = "PendingConfirmation"
_AUTHORITY = re.compile(r"(?<=://)[^/?#]*")


class Standing(StrEnum):
    """What has become of a declared subscription; the value is what people read."""

    CONFIRMED = "confirmed"
    PENDING = "pending"
    MISSING = "missing"


@dataclass(frozen=True)
class Subscription:
    """One subscription that an environment makes, or asks somebody to make.

    Attributes:
        topic: its ARN.
        protocol: as SNS calls it.
        endpoint: None: whoever subscribes by that protocol, as the channel of a chat does for itself.
    """

    topic: str
    protocol: str
    endpoint: str | None

    @property
    def fingerprint(self) -> str:
        """Tells it from others where its address must not stand."""
        text = "\n".join((self.topic, self.protocol, self.endpoint or ""))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def masked(self) -> str:
        """As others may read it: no full address of a person, no path of a URL, which is often its secret."""
        if self.endpoint is None:
            return "the chat channel"
        if self.protocol == "email":
            name, _, domain = self.endpoint.rpartition("@")
            return f"e-mail {name[:1]}***@{domain}"
        if self.protocol == "https":
            host = self.endpoint.removeprefix("https://").partition("/")[0].partition("?")[0].rpartition("@")[2]
            return f"https://{host}/***"
        return f"{self.protocol} {self.endpoint}"

    def is_listed_as(self, entry: Mapping[str, Any]) -> bool:
        """Whether an entry of ListSubscriptionsByTopic is about it."""
        if entry.get("Protocol") != self.protocol:
            return False
        return self.endpoint is None or _comparable(self.protocol, self.endpoint) == _comparable(
            self.protocol, str(entry.get("Endpoint") or "")
        )


@dataclass(frozen=True)
class Subscriptions:
    """The declared subscriptions of an environment by what has become of them."""

    by_standing: Mapping[Standing, tuple[Subscription, ...]]

    def __getitem__(self, standing: Standing) -> tuple[Subscription, ...]:
        return self.by_standing.get(standing, ())

    @property
    def total(self) -> int:
        return sum(map(len, self.by_standing.values()))


def held_against(
    declared: Iterable[Subscription], listed: Mapping[str, Sequence[Mapping[str, Any]] | None]
) -> Subscriptions:
    """What has become of each declared subscription.

    Args:
        listed: entries of ListSubscriptionsByTopic, by the topic's ARN; None of a topic that is gone, and whoever
            subscribed to it.
    """
    found: dict[Standing, list[Subscription]] = {}
    for each in declared:
        entries = listed.get(each.topic)
        found.setdefault(Standing.MISSING if entries is None else _standing(each, entries), []).append(each)
    return Subscriptions({standing: tuple(those) for standing, those in found.items()})


def _standing(declared: Subscription, listed: Sequence[Mapping[str, Any]]) -> Standing:
    """The best of its entries: one that was deleted stays listed for days beside the one that took its place.

    A chat that nobody has added to a channel waits for somebody, as one that is not confirmed does.
    """
    arns = [str(entry.get("SubscriptionArn") or "") for entry in listed if declared.is_listed_as(entry)]
    if any(arn.startswith("arn:") for arn in arns):
        return Standing.CONFIRMED
    return Standing.PENDING if _PENDING in arns or declared.endpoint is None else Standing.MISSING


def _comparable(protocol: str, endpoint: str) -> str:
    """An endpoint as it can be compared.

    Mail goes to one box whatever the case of its address, and SNS does not say whether it keeps the case. Of a URL SNS
    lists `****` for the password, and whether it keeps the case of the host it does not say either.
    """
    if protocol == "email":
        return endpoint.casefold()
    return _AUTHORITY.sub(_comparable_authority, endpoint, count=1)


def _comparable_authority(found: re.Match[str]) -> str:
    who, at, host = found[0].rpartition("@")
    name, colon, _ = who.partition(":")
    return f"{name}{colon and ':****'}{at}{host.lower()}"
