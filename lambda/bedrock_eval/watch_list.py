"""What the watchdog looks at, as deployed: too much for a function's environment variables.

The monitoring stack writes it as one object of the results bucket.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bedrock_eval import codec
from bedrock_eval.costs import Rates


@dataclass(frozen=True)
class WatchList:
    """What an environment declares of what the watchdog asks AWS about.

    Attributes:
        models: ids of the declared models; those of candidates are added from the definitions.
        priced: rates of the models whose tokens the application pays for, by `ModelId`; None: nobody knows them. The
            profiles that evaluations call through are added from the definitions.
    """

    models: tuple[str, ...] = ()
    priced: Mapping[str, Rates | None] = field(default_factory=dict)


def read_watch_list(text: str | bytes, *, name: str) -> WatchList:
    """Read the JSON of a watch list.

    Args:
        name: what errors call it.

    Raises:
        codec.DecodeError: naming the path of what does not fit.
    """
    return codec.read(WatchList, text, name)
