"""What people can mend."""

from bedrock_eval.errors import UserError


class DeclarationError(UserError, ValueError):
    """A construct or an environment declares what AWS would refuse; the message says what is allowed."""
