"""The state of the running simulator: one per process, changed over HTTP."""

from dataclasses import dataclass, field
from pathlib import Path

from local.simulator.replay import answers
from local.simulator.replay.answers import Answers
from local.simulator.replay.calls import Calls
from local.simulator.settings import documents
from local.simulator.settings.config import Config


@dataclass
class Simulator:
    """Configuration in force, the answers it names, and the calls so far."""

    config: Config = field(default_factory=Config)
    answers: Answers = field(default_factory=Answers)
    calls: Calls = field(default_factory=Calls)
    logging_puts_to_fail: int = 0
    job_refusals: list[str] = field(default_factory=list)
    flow_refusals: list[str] = field(default_factory=list)

    def configure(self, new: Config) -> None:
        """Put a configuration into force; on an error nothing has changed.

        Raises:
            AnswersError: an answers file cannot be used.
        """
        recorded = answers.load(new.answers)
        self.logging_puts_to_fail = new.fail_first_logging_puts
        self.job_refusals = list(new.evaluation_jobs.refusals)
        self.flow_refusals = list(new.flow_definitions.refusals)
        self.config, self.answers = new, recorded

    def merge(self, document: bytes, *, source: str) -> None:
        """Change the keys that a JSON document has.

        Raises:
            ConfigError: the document is wrong.
            AnswersError: an answers file cannot be used.
        """
        old = self.config
        new = documents.parse(document, source=source, directory=Path.cwd(), base=old)
        recorded = answers.load(new.answers) if new.answers != old.answers else self.answers
        if new.fail_first_logging_puts != old.fail_first_logging_puts:
            self.logging_puts_to_fail = new.fail_first_logging_puts
        if new.evaluation_jobs is not old.evaluation_jobs:
            self.job_refusals = list(new.evaluation_jobs.refusals)
        self.flow_refusals = list(new.flow_definitions.refusals)
        self.config, self.answers = new, recorded


SIMULATOR = Simulator()
