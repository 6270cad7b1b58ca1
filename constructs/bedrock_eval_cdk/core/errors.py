"""What people can mend."""

from bedrock_eval.errors import UserError


class DeclarationError(UserError, ValueError):
    """An environment declares what AWS would refuse; the message says what it is, and what is allowed."""
