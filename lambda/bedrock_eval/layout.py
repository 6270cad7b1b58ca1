"""Where everything of a run lies in the results bucket. The only place that builds a key."""

from dataclasses import dataclass

SCHEMA_VERSION = 1

RUNS = "runs/"
DEFINITIONS = "definitions/"
BASELINES = "baselines/"
JOBS = "jobs/"
"""Below it Bedrock writes the output of evaluation jobs."""

WATCHDOG = "watchdog/"
"""Below it lies what the watchdog is told, and what it keeps from one hour to the next."""

WATCH_LIST = f"{WATCHDOG}watch-list.json"
WATCHDOG_MEMORY = f"{WATCHDOG}memory.json"
"""What one look of the watchdog leaves to the next."""

DATASETS = "datasets/"
"""In the dataset bucket."""


def dataset_key(name: str) -> str:
    """Where a dataset that is a file of the repository lies in the dataset bucket."""
    return f"{DATASETS}{name}.jsonl"


def definition_key(evaluation: str) -> str:
    """The evaluation as deployed last."""
    return f"{DEFINITIONS}{evaluation}.json"


def evaluation_prefix(evaluation: str) -> str:
    """Below it lies one folder a run."""
    return f"{RUNS}{evaluation}/"


def at_work_key(evaluation: str) -> str:
    """Which run of an evaluation is at work, or was last; beside the folders of its runs."""
    return f"{evaluation_prefix(evaluation)}at-work.json"


def job_outputs(evaluation: str) -> str:
    """Below it lies one folder a run, with what Bedrock writes of that run's jobs."""
    return f"{JOBS}{evaluation}/"


def human_loops(evaluation: str) -> str:
    """Where SageMaker writes what people answer; no run id, so beside the folders of runs."""
    return f"{job_outputs(evaluation)}human-loops"


@dataclass(frozen=True)
class RunLayout:
    """The keys of one run."""

    evaluation: str
    run_id: str

    def __str__(self) -> str:
        return f"run {self.run_id} of {self.evaluation}"

    @property
    def prefix(self) -> str:
        return f"{evaluation_prefix(self.evaluation)}{self.run_id}/"

    @property
    def definition(self) -> str:
        """The definition as it was when the run began; later slices and readers use this one."""
        return f"{self.prefix}definition.json"

    @property
    def lock(self) -> str:
        return f"{self.prefix}lock.json"

    @property
    def state(self) -> str:
        """run.json: running, failed with its reason, or finished."""
        return f"{self.prefix}run.json"

    @property
    def summary(self) -> str:
        """Written once and last: its presence means finished."""
        return f"{self.prefix}summary.json"

    @property
    def report(self) -> str:
        return f"{self.prefix}report.html"

    @property
    def published(self) -> str:
        """Written after PutMetricData went through."""
        return f"{self.prefix}published.json"

    @property
    def jobs(self) -> str:
        """jobs.json: the evaluation jobs of a run, of an evaluation that Bedrock scores."""
        return f"{self.prefix}jobs.json"

    @property
    def job_folder(self) -> str:
        """Where below JOBS the jobs of this run write."""
        return f"{self.evaluation}/{self.run_id}/"

    @property
    def job_output(self) -> str:
        return f"{JOBS}{self.job_folder}"

    @property
    def all_answers(self) -> str:
        return f"{self.job_output}answers/"

    def answers(self, candidate: str) -> str:
        """The dataset of stored answers for the judge of a candidate: below JOBS, where Bedrock may read, and beside
        the jobs' own folders, so that it is never among their output."""
        return f"{self.all_answers}{candidate}.jsonl"

    @property
    def results(self) -> str:
        return f"{self.prefix}results/"

    def parts(self, candidate: str) -> str:
        return f"{self.results}{candidate}/"

    def part(self, candidate: str, number: int) -> str:
        return f"{self.parts(candidate)}part-{number:05d}.jsonl"


@dataclass(frozen=True)
class BaselineLayout(RunLayout):
    """The keys of a run that was accepted: a copy below another prefix, which no lifecycle rule touches."""

    @property
    def prefix(self) -> str:
        return f"{BASELINES}{self.evaluation}/{self.run_id}/"

    @property
    def accepted(self) -> str:
        """Who accepted the run, when, and why nevertheless."""
        return f"{self.prefix}accepted.json"
