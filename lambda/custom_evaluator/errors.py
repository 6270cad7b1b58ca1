"""What ends a call of the function."""

from bedrock_eval.runs import RunFailureReason


class EventError(ValueError):
    """The event is not one that this function takes; the message names the key and what is allowed."""


class RunFailed(Exception):  # noqa: N818 - Step Functions matches and people read this name
    """The run cannot go on. The message is `<reason>: <sentence>`, of which action `fail` recovers both."""

    def __init__(self, reason: RunFailureReason, sentence: str) -> None:
        super().__init__(f"{reason.value}: {sentence}")
        self.reason = reason
        self.sentence = sentence
