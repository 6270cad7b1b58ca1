"""Why a look failed, as the watchdog logs it."""

MISSING = frozenset({"404", "NoSuchKey", "NotFound"})
"""What S3 answers about an object that is not there."""

_MOST = 300


def reason(error: Exception) -> str:
    """The kind of an error and its message, cut where it goes on for long."""
    return f"{type(error).__name__}: {error}"[:_MOST]
