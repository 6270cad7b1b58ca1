from typing import Any

import pytest

from bedrock_eval.alarms.subscribers import Standing, Subscription, held_against

TOPIC = "arn:aws:sns:us-east-1:111122223333:shop-dev-messages"
ARN = f"{TOPIC}:0a1b"


def entry(arn: str, protocol: str = "email", endpoint: str = "jane@example.com") -> dict[str, Any]:
    return {"SubscriptionArn": arn, "Protocol": protocol, "Endpoint": endpoint}


def standing(declared: Subscription, *listed: dict[str, Any]) -> Standing:
    found = held_against([declared], {TOPIC: listed})
    assert found.total == 1
    (only,) = found.by_standing
    assert found[only] == (declared,)
    return only


JANE = Subscription(TOPIC, "email", "jane@example.com")
HOOK = Subscription(TOPIC, "https", "https://bot:secret@hooks.example.com/T0/B1?key=2")


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ([entry(ARN)], Standing.CONFIRMED),
        ([entry("PendingConfirmation")], Standing.PENDING),
        ([entry("Deleted")], Standing.MISSING),
        ([], Standing.MISSING),
        ([entry("Deleted"), entry("PendingConfirmation")], Standing.PENDING),
        ([entry("PendingConfirmation"), entry("Deleted"), entry(ARN)], Standing.CONFIRMED),
        ([entry(ARN, endpoint="Jane@Example.com")], Standing.CONFIRMED),
        ([entry(ARN, endpoint="john@example.com")], Standing.MISSING),
        ([entry(ARN, protocol="email-json")], Standing.MISSING),
        ([{"SubscriptionArn": None, "Protocol": "email"}], Standing.MISSING),
    ],
)
def test_what_has_become_of_an_e_mail_subscription(listed: list[dict[str, Any]], expected: Standing) -> None:
    assert standing(JANE, *listed) is expected


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("https://bot:****@hooks.example.com/T0/B1?key=2", Standing.CONFIRMED),
        ("https://bot:secret@hooks.example.com/T0/B1?key=2", Standing.CONFIRMED),
        ("https://bot:****@Hooks.Example.com/T0/B1?key=2", Standing.CONFIRMED),
        ("https://bot:****@hooks.example.com/t0/B1?key=2", Standing.MISSING),
        ("https://Bot:****@hooks.example.com/T0/B1?key=2", Standing.MISSING),
        ("https://hooks.example.com/T0/B1?key=2", Standing.MISSING),
    ],
)
def test_of_a_url_sns_shows_no_password_and_the_rest_counts(endpoint: str, expected: Standing) -> None:
    assert standing(HOOK, entry(ARN, "https", endpoint)) is expected


def test_a_chat_is_whoever_subscribes() -> None:
    chat = Subscription(TOPIC, "https", None)
    assert standing(chat, entry(ARN, "https", "https://global.sns-api.chatbot.amazonaws.com")) is Standing.CONFIRMED
    # Until somebody adds it to a channel.
    assert standing(chat, entry(ARN)) is Standing.PENDING


def test_of_a_topic_that_is_gone_all_are_missing() -> None:
    declared = [JANE, Subscription(TOPIC, "https", None)]
    assert held_against(declared, {TOPIC: None})[Standing.MISSING] == tuple(declared)


def test_each_topic_has_its_own() -> None:
    other = Subscription(f"{TOPIC}-2", "email", "jane@example.com")
    found = held_against([JANE, other], {TOPIC: [entry(ARN)]})
    assert (found[Standing.CONFIRMED], found[Standing.MISSING]) == ((JANE,), (other,))
    assert found[Standing.PENDING] == ()


@pytest.mark.parametrize(
    ("subscription", "masked"),
    [
        (JANE, "e-mail j***@example.com"),
        (HOOK, "https://hooks.example.com/***"),
        (Subscription(TOPIC, "https", "https://example.com?token=1"), "https://example.com/***"),
        (Subscription(TOPIC, "sqs", "arn:aws:sqs:eu-west-1:1:pager"), "sqs arn:aws:sqs:eu-west-1:1:pager"),
        (Subscription(TOPIC, "https", None), "the chat channel"),
    ],
)
def test_what_others_read_is_no_address(subscription: Subscription, masked: str) -> None:
    assert subscription.masked == masked
    assert subscription.endpoint not in subscription.fingerprint if subscription.endpoint else True


def test_fingerprints_differ() -> None:
    elsewhere = Subscription(f"{TOPIC}-2", "email", "jane@example.com")
    assert len({each.fingerprint for each in (JANE, HOOK, elsewhere)}) == 3
