"""What the calls of a run came to, counted by who makes them, so that AWS's own counts can be held against them."""

from dataclasses import dataclass, field, replace

from bedrock_eval.pricing.usage import Usage

_THROTTLED = 429
_CLIENTS_FAULT, _SERVERS_FAULT = 400, 500
# The model timed out, or failed: Bedrock had taken the request.
_TAKEN_AND_FAILED = (408, 424)


@dataclass(frozen=True)
class Traffic:
    """Calls through one profile, each attempt counted.

    Attributes:
        invoke_id: what was called.
        answered: calls with an answer.
        taken_and_failed: calls that Bedrock took before they failed; they are among the errors, too.
        unknown: calls that nobody has told the end of.
        untold: answers without their tokens, or with impossible ones.
        usage: tokens of all other answers.
        exact: False: calls may be missing, as of a function that was stopped.
    """

    invoke_id: str
    answered: int = 0
    taken_and_failed: int = 0
    client_errors: int = 0
    server_errors: int = 0
    throttles: int = 0
    unknown: int = 0
    untold: int = 0
    usage: Usage = field(default_factory=Usage)
    exact: bool = True

    @property
    def calls(self) -> int:
        """All attempts."""
        return self.answered + self.client_errors + self.server_errors + self.throttles + self.unknown

    def __add__(self, other: "Traffic") -> "Traffic":
        return Traffic(
            invoke_id=self.invoke_id,
            answered=self.answered + other.answered,
            taken_and_failed=self.taken_and_failed + other.taken_and_failed,
            client_errors=self.client_errors + other.client_errors,
            server_errors=self.server_errors + other.server_errors,
            throttles=self.throttles + other.throttles,
            unknown=self.unknown + other.unknown,
            untold=self.untold + other.untold,
            usage=self.usage + other.usage,
            exact=self.exact and other.exact,
        )

    def with_answer(self, usage: Usage | None) -> "Traffic":
        """One more call, answered with these tokens; None: nobody knows them."""
        answered = replace(self, answered=self.answered + 1)
        if usage is None:
            return replace(answered, untold=self.untold + 1)
        return replace(answered, usage=self.usage + usage)

    def with_failure(self, status: int | None) -> "Traffic":
        """One more call that failed with this HTTP status; None: no answer came."""
        if status is None or status < _CLIENTS_FAULT:
            return replace(self, unknown=self.unknown + 1)
        if status == _THROTTLED:
            return replace(self, throttles=self.throttles + 1)
        taken = status in _TAKEN_AND_FAILED or status >= _SERVERS_FAULT
        counted = replace(self, taken_and_failed=self.taken_and_failed + taken)
        if status >= _SERVERS_FAULT:
            return replace(counted, server_errors=self.server_errors + 1)
        return replace(counted, client_errors=self.client_errors + 1)
