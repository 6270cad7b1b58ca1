"""The overlay on ministack, one file per patched service, each with ``apply()``.

Every file says what stock ministack 1.5.33 does and what AWS does. The patches replace private functions, so they
fit one exact version: :func:`apply_all` refuses any other before it touches anything.
"""

import importlib
import importlib.metadata

SUPPORTED_MINISTACK = "1.5.33"

# Order matters where one patch wraps what another one replaced.
_PATCHES = (
    "cloudwatch.metric_storage",
    "cloudwatch.metric_math",
    "cloudwatch.metric_listing",
    "cloudwatch.limits",
    "cloudwatch.alarm_records",
    "cloudwatch.alarm_evaluation",
    "cloudwatch.alarm_actions",
    "cloudformation.resources",
    "cloudformation.custom_resources",
    "logs",
    "s3",
    "lambda_functions",
    "scheduler",
    "stepfunctions",
    "sns",
    "sqs",
    "budgets",
    "controls.clock",
    "controls.readings",
    "controls.settings",
)


class UnsupportedMinistackError(RuntimeError):
    """Another version of ministack is installed than the one the overlay was written against."""


def check_version() -> None:
    """Raise :class:`UnsupportedMinistackError` unless exactly the supported version is installed."""
    try:
        installed = importlib.metadata.version("ministack")
    except importlib.metadata.PackageNotFoundError:
        installed = "not installed"
    if installed != SUPPORTED_MINISTACK:
        raise UnsupportedMinistackError(
            f"ministack is {installed}; the overlay patches private functions of {SUPPORTED_MINISTACK} and fits no "
            "other version: pip install -r local/emulator/requirements.txt"
        )


def apply_all() -> None:
    """Apply every patch once, in order. Raises :class:`UnsupportedMinistackError` on another ministack."""
    check_version()
    for name in _PATCHES:
        importlib.import_module(f"{__name__}.{name}").apply()
