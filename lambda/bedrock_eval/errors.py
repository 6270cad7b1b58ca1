"""The one base of errors that a person can mend."""


class UserError(Exception):
    """Something that a person can mend. The message says what is wrong and what is allowed.

    Whoever talks to people (the command line, `cdk synth`, a custom resource) catches this class and shows the message.
    Subclasses exist where a caller distinguishes. Those that also are a ValueError are raised inside pydantic's
    validators, or for an argument of a wrong value.
    """
