"""What ends a call of the function."""

from bedrock_eval.errors import UserError
from bedrock_eval.runs.state import RunFailureReason


class EventError(UserError, ValueError):
    """The event is not one that this function takes; the message names the key and what is allowed."""


class RunFailed(Exception):  # noqa: N818 - Step Functions matches and people read this name
    """The run cannot go on. The message is `<reason>: <sentence>`, of which action `fail` recovers both."""

    def __init__(self, reason: RunFailureReason, sentence: str) -> None:
        super().__init__(f"{reason.value}: {sentence}")
        self.reason = reason
        self.sentence = sentence


class DamagedFile(RunFailed):
    """A stored file that the run cannot do without and that cannot be read; the sentence begins with its name."""

    def __init__(self, key: str, why: object) -> None:
        super().__init__(RunFailureReason.FILE_DAMAGED, f"{key}: cannot be read: {why}")
        self.key = key


class PassingError(Exception):
    """A service is in trouble that passes: throttled, slow, 5xx, a broken connection. The state machine tries again."""
