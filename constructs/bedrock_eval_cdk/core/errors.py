"""What people can mend."""


class DeclarationError(ValueError):
    """An environment declares what AWS would refuse; the message says what it is, and what is allowed."""
