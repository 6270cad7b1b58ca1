"""Rules about the keys at the top of a file."""

from collections.abc import Iterator

from bedrock_eval.jobs.rules import IN_TAGS, TAG_TEXT
from bedrock_eval.names import PREFIX_LIMIT, prefix
from configuration.document.reading import Mistake
from configuration.loading.rules.parts import Parts, mapping
from configuration.schema.environment import STAND_IN_ACCOUNT
from configuration.schema.notification import SubscriptionConfig
from configuration.schema.values.tags import MOST_TAGS, OWN_TAGS

LOCAL = "local"
"""The environment that is made on the emulator, and only when it is named."""


def mistakes(parts: Parts) -> Iterator[Mistake]:
    """Every rule that the keys at the top break."""
    for rule in (_name, _account, _logging, _owner, _tags, _subscriptions):
        yield from rule(parts)


def notes(parts: Parts) -> Iterator[Mistake]:
    """A budget that goes by a tag, and no model that carries one: a warning, it still sees everything else."""
    budget = mapping(parts.top.get("budget"))
    profiles = any(model is None or model.profile for model in parts.models.values())
    if budget and budget.get("scope", "application") == "application" and not profiles:
        yield Mistake(
            ("budget",),
            "does not include model calls, because only inference profiles carry the tag; set profile: true on models, "
            "or scope: account on the budget",
        )


def _account(parts: Parts) -> Iterator[Mistake]:
    if not parts.sound("stand_in"):
        return
    stand_in, account = parts.flag("stand_in"), parts.top.get("account")
    if parts.name == LOCAL and not stand_in:
        yield Mistake(("stand_in",), f"{LOCAL} is deployed to the emulator only; needed: stand_in: true")
    if parts.sound("account") and stand_in != (account == STAND_IN_ACCOUNT):
        if stand_in:
            yield Mistake(
                ("account",), f'stand_in: true needs the account of the simulator; needed: "{STAND_IN_ACCOUNT}"'
            )
        elif parts.name != LOCAL:
            yield Mistake(("account",), f"{account!r} is the simulator's account; allowed only with stand_in: true")


def _logging(parts: Parts) -> Iterator[Mistake]:
    logging = mapping(parts.top.get("invocation_logging"))
    if logging.get("existing") is True and logging.get("data_protection"):
        yield Mistake(
            ("invocation_logging", "data_protection"),
            "an existing log group keeps its own data protection policy; needed: existing: false, or no "
            "data_protection",
        )
    if logging.get("large_bodies") is True and logging.get("data_protection"):
        yield Mistake(
            ("invocation_logging", "large_bodies"),
            "data_protection masks only the log group, so bodies over 100 KB would be stored unmasked in S3; "
            "with data_protection use false, or leave the key out",
        )
    mode = logging.get("mode", "none")
    if mode != "none" and parts.sound("owns_account") and not parts.flag("owns_account"):
        yield Mistake(
            ("invocation_logging", "mode"),
            f"{mode!r} changes a setting of the whole account and needs owns_account: true; "
            "without it use none, or leave the key out",
        )


def _name(parts: Parts) -> Iterator[Mistake]:
    application = parts.top.get("application")
    if application is None:
        return
    begin = prefix(application=application, environment=parts.name)
    if len(begin) > PREFIX_LIMIT:
        yield Mistake(
            ("application",),
            f"names begin with {begin!r}, which has {len(begin)} characters; allowed: {PREFIX_LIMIT} at most",
        )
    # Source: Bedrock API reference, CreateInferenceProfile; the names of others follow the same pattern.
    if "--" in begin or begin.endswith("-"):
        wrong = "two hyphens in a row" if "--" in begin else "a hyphen at its end"
        yield Mistake(
            ("application",),
            f"names begin with {begin!r} (application-environment), which has {wrong}; allowed: single ones, between "
            "letters and digits",
        )
    # Source: Systems Manager API reference, PutParameter.
    if application.startswith(("aws", "ssm")):
        message = f"{application!r} cannot be used: names in Parameter Store must not begin with aws or ssm"
        yield Mistake(("application",), message)


def _tags(parts: Parts) -> Iterator[Mistake]:
    tags = mapping(parts.top.get("tags"))
    if len(tags) > MOST_TAGS:
        yield Mistake(("tags",), f"{len(tags)} tags; allowed: {MOST_TAGS} at most")
    for key, value in tags.items():
        if not 1 <= len(key) <= 128:
            yield Mistake(("tags", key), f"the key has {len(key)} characters; allowed: 1 to 128")
        if len(value) > 256:
            yield Mistake(("tags", key), f"the value has {len(value)} characters; allowed: 256 at most")
        if key.lower().startswith("aws:"):
            yield Mistake(("tags", key), "keys that begin with aws: are reserved by AWS")
        # Tag keys of IAM differ by more than case.
        if key.lower() in OWN_TAGS:
            yield Mistake(("tags", key), f"is set automatically; do not set: {', '.join(OWN_TAGS)}")
        if not TAG_TEXT.fullmatch(key):
            yield Mistake(("tags", key), f"{key!r} cannot be a tag; allowed: {IN_TAGS}")
        if not TAG_TEXT.fullmatch(value):
            yield Mistake(("tags", key), f"{value!r} cannot be the value of a tag; allowed: {IN_TAGS}")


def _owner(parts: Parts) -> Iterator[Mistake]:
    owner = parts.top.get("owner", "")
    if not (len(owner) <= 256 and TAG_TEXT.fullmatch(owner)):
        yield Mistake(("owner",), f"{owner!r} is a tag of every resource; allowed: at most 256 {IN_TAGS}")


def _subscriptions(parts: Parts) -> Iterator[Mistake]:
    first: dict[SubscriptionConfig, int] = {}
    for index, subscription in enumerate(parts.subscriptions):
        if subscription is None:
            continue
        if subscription in first:
            same = " to ".join(filter(None, (subscription.protocol, subscription.endpoint)))
            yield Mistake(("subscriptions", index), f"{same} is already in subscriptions[{first[subscription]}]")
        first.setdefault(subscription, index)
