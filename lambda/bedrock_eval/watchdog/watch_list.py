"""What the watchdog looks at, as deployed: too much for a function's environment variables.

The monitoring stack writes it as one object of the results bucket.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bedrock_eval import codec
from bedrock_eval.alarms.subscribers import Subscription
from bedrock_eval.pricing.costs import Rates
from bedrock_eval.watchdog.active_metrics import Reads


@dataclass(frozen=True)
class People:
    """Who is to hear of the alarms of an environment.

    Attributes:
        declared: every subscription that the environment makes; also the formatter's, without which nobody hears.
        messages: ARN of the people's topic.
        chat: of the chat's, if there is one.
        prefix: of all names of the environment.
        runbook: its URL, without an entry.
        severities: of kinds of alarm, where the environment says otherwise than the table; `off`: it does not want to
            hear of them.
    """

    declared: tuple[Subscription, ...]
    messages: str
    chat: str | None
    prefix: str
    runbook: str
    severities: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class WatchList:
    """What an environment declares of what the watchdog asks AWS about.

    Attributes:
        models: ids of the declared models; those of candidates are added from the definitions.
        priced: rates of the models whose tokens the application pays for, by `ModelId`; None: nobody knows them. The
            profiles that evaluations call through are added from the definitions.
        people: None: nobody asks who hears of alarms.
        budget: ARN of the environment's budget, if it has one.
        dead_letters: names of the queues in which failed deliveries of schedules lie.
        log_group: of the account's invocation log, where it is this environment's.
        reads: what alarms and widgets read of Bedrock's metrics; None: the account is another environment's.
    """

    models: tuple[str, ...] = ()
    priced: Mapping[str, Rates | None] = field(default_factory=dict)
    people: People | None = None
    budget: str | None = None
    dead_letters: tuple[str, ...] = ()
    reads: Reads | None = None
    log_group: str | None = None


def read_watch_list(text: str | bytes, *, name: str) -> WatchList:
    """Read the JSON of a watch list.

    Args:
        name: what errors call it.

    Raises:
        codec.DecodeError: naming the path of what does not fit.
    """
    return codec.read(WatchList, text, name)
