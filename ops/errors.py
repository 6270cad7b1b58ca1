"""What a person can mend."""

from bedrock_eval.errors import UserError


class OpsError(UserError):
    """A command cannot be carried out; one message says why and what is allowed. The exit code is 1."""
