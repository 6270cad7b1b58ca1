"""What a person can mend."""


class OpsError(Exception):
    """A command cannot be carried out; one message says why and what is allowed. The exit code is 1."""
