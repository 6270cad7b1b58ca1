"""Warnings of the run engine, which writes them into a log when it is a function, for people."""

import logging

from bedrock_eval.wording import count
from ops.terminal.output import print_note, printable

_LOGGER = "bedrock_eval_runs"


def show_warnings() -> None:
    """Write every warning of the run engine to standard error, each once."""
    logger = logging.getLogger(_LOGGER)
    logger.handlers = [each for each in logger.handlers if not isinstance(each, _Warnings)] + [_Warnings()]


class _Warnings(logging.Handler):
    """Writes for people, each once, what the run engine logs when it is a function."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._written: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        facts = record.__dict__
        text = record.getMessage()
        if "lines" in facts:
            text = f"{count(facts['lines'], 'line')} cannot be read, left out"
        text = f"{facts['key']}: {text}" if "key" in facts else text
        if text not in self._written:
            self._written.add(text)
            print_note(printable(text))
