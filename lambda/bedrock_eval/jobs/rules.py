"""What the API and the quotas of evaluation jobs refuse, in one table: checked before anything is deployed.

botocore checks neither patterns nor enumerations, and some rules stand in the user guide alone.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bedrock_eval.catalogue import CUSTOM, FIXED
from bedrock_eval.evaluation.cases import Case
from bedrock_eval.evaluation.definition import Candidate, Definition, JobDefinition
from bedrock_eval.evaluation.job_settings import Criterion, JobKind, JobSettings, Rating
from bedrock_eval.jobs.request import inference_parameters, own_tags
from bedrock_eval.scores.job_measures import (
    AUTOMATIC,
    AUTOMATIC_TASKS,
    BUILT_IN,
    BUILT_IN_DATASETS,
    BUILT_INS,
    DATASETS_OF,
    JUDGED,
    TASK_METRICS,
    RatingMethod,
    Task,
    canonical,
)
from bedrock_eval.wording import suggestion

API = "CreateEvaluationJob"
QUOTAS = "AWS General Reference, Amazon Bedrock quotas (not adjustable)"
USER_GUIDE = "Bedrock user guide"
OURS = "docs/jobs.md, Answers that exist already"

MOST_PROMPTS = 1_000
MOST_PROMPT_BYTES = 4_096
MOST_MODELS_HUMAN = 2
MOST_METRICS_AUTOMATIC = 3
MOST_METRICS = 25
MOST_RATINGS = 10
MOST_CRITERIA = 10
MOST_SCALE = 10
MOST_NAME = 63
MOST_RATING_DESCRIPTION = 63
MOST_INSTRUCTIONS = 5_000
MOST_SCALE_TEXT = 100
MOST_PARAMETERS = 1_023
MOST_TAGS = 200
MOST_CONCURRENT = {JobKind.AUTOMATIC: 20, JobKind.JUDGE: 20, JobKind.HUMAN: 10}
MOST_HOURS = {JobKind.AUTOMATIC: 7 * 24, JobKind.JUDGE: 7 * 24, JobKind.HUMAN: 30 * 24}
"""People's tasks live 30 days; the others' limit is ours, and keeps an execution below 10,000 events."""
MOST_JOBS_OF_ACCOUNT = 5_000
MOST_WORKERS = 3
"""People who rate one prompt: TaskCount of CreateFlowDefinition."""
MOST_TITLE = 128
MOST_TASK_DESCRIPTION = 255
"""TaskTitle of CreateFlowDefinition."""
WORK_TEAM_PATTERN = r"arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:[0-9]{12}:workteam/.+"
"""WorkteamArn of CreateFlowDefinition, which lets an empty Region or name pass."""

TAG_TEXT = re.compile(r"[a-zA-Z0-9\s._:/=+@-]*", re.ASCII)
"""Key and value of a tag, as Bedrock takes them for jobs and inference profiles; most services take more."""
IN_TAGS = "letters (a to z), digits, spaces and . _ : / = + @ -"

_METRIC_NAME = re.compile(r"[0-9a-zA-Z-_.]+")
_DATASET_NAME = re.compile(r"[0-9a-zA-Z-_.]+")
ANSWERS_OF_PATTERN = r"[a-zA-Z0-9]([a-zA-Z0-9._-]){0,255}"
_ANSWERS_OF = re.compile(ANSWERS_OF_PATTERN)
_FLOW_DEFINITION = re.compile(r"arn:aws(-[^:]+)?:sagemaker:[a-z0-9-]{1,20}:[0-9]{12}:flow-definition/.+")
_S3_URI = re.compile(r"s3://[a-z0-9][-.a-z0-9]{1,61}[a-z0-9](?:/[-!_*'().a-z0-9A-Z]+)+")
_VARIABLES = ("{{prompt}}", "{{prediction}}", "{{ground_truth}}")
_NEEDED_VARIABLE, _REFERENCE_VARIABLE = _VARIABLES[1:]
# Scores are published beside these.
_TAKEN = frozenset(metric.name for metric in FIXED if metric.namespace == CUSTOM)
_OURS = f"one name is one metric in the namespace {CUSTOM}"


Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """One thing that would be refused.

    Attributes:
        path: keys and indexes below the evaluation, as ("candidates", 1, "parameters").
        message: what is wrong and what is allowed.
        source: where the rule stands.
    """

    path: Place
    message: str
    source: str

    @property
    def key(self) -> str:
        """The path for people, as `candidates[1].parameters`."""
        return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path).removeprefix(".")

    def __str__(self) -> str:
        return f"{self.key}: {self.message} ({self.source})"


def problems(definition: JobDefinition) -> tuple[Problem, ...]:
    """Everything that the API or a quota would refuse of this evaluation; none when it can be asked for."""
    job = definition.job
    return tuple(problem for rule in _RULES for problem in rule(definition, job))


def dataset_problems(cases: Sequence[Case], *, definition: JobDefinition) -> tuple[Problem, ...]:
    """What would be refused of a dataset of one's own."""
    return tuple(problem for rule in _DATASET_RULES for problem in rule(cases, definition))


def answers_problems(definition: JobDefinition, source: Definition | None) -> tuple[Problem, ...]:
    """What keeps the answers of another evaluation from being judged.

    Args:
        source: the evaluation that `answers_from` names, None when there is none of that name.
    """
    name = definition.job.answers_from
    if name is None:
        return ()
    if source is None:
        return (Problem(("answers_from",), f"there is no evaluation {name!r}; needed: the name of a custom one", OURS),)
    if isinstance(source, JobDefinition):
        message = f"{name} is of kind {source.job.kind}; needed: an evaluation of kind custom, whose answers are stored"
        return (Problem(("answers_from",), message, OURS),)
    found = []
    if source.dataset.uri != definition.dataset.uri:
        message = f"{definition.dataset.name!r}; needed: {source.dataset.name!r}, whose prompts {name} answers"
        found.append(Problem(("dataset",), message, OURS))
    theirs = {candidate.name: candidate.model_id for candidate in source.candidates}
    for index, candidate in enumerate(definition.candidates):
        if candidate.name not in theirs:
            message = f"{candidate.name!r} is not a candidate of {name}; allowed: {', '.join(theirs)}"
            found.append(Problem(("candidates", index, "name"), message, OURS))
        elif candidate.model_id != theirs[candidate.name]:
            message = f"{candidate.model_id}; in {name} {candidate.name!r} is {theirs[candidate.name]}"
            found.append(Problem(("candidates", index, "model"), message, OURS))
    return tuple(found)


def _size(cases: Sequence[Case], _definition: Definition) -> Iterator[Problem]:
    source = f"{USER_GUIDE}, model-evaluation-prompt-datasets; {QUOTAS}"
    if not cases:
        yield Problem(("dataset",), "holds no prompt; needed: at least 1", source)
    if len(cases) > MOST_PROMPTS:
        yield Problem(("dataset",), f"holds {len(cases):,} prompts; allowed: {MOST_PROMPTS:,}", source)
    sizes = {number: len(case.prompt.encode("utf-8", "surrogatepass")) for number, case in enumerate(cases, start=1)}
    large = [number for number, size in sizes.items() if size > MOST_PROMPT_BYTES]
    if large:
        others = f", and {len(large) - 1:,} more are too large" if large[1:] else ""
        message = f"prompt {large[0]:,} has {sizes[large[0]]:,} bytes{others}; allowed: {MOST_PROMPT_BYTES:,}"
        yield Problem(("dataset",), message, source)


def _references(cases: Sequence[Case], definition: JobDefinition) -> Iterator[Problem]:
    without = sum(not case.references for case in cases)
    if without and _needs_references(definition):
        yield Problem(
            ("dataset",),
            f"{without:,} of {len(cases):,} lines have no referenceResponse; an automatic evaluation needs one in each",
            f"{USER_GUIDE}, model-evaluation-prompt-datasets",
        )
    for index, criterion in enumerate(definition.job.criteria):
        if cases and without == len(cases) and _REFERENCE_VARIABLE in criterion.instructions:
            yield Problem(
                ("criteria", index, "instructions"),
                f"{_REFERENCE_VARIABLE} is the referenceResponse, and no line of the dataset has one; leave it out",
                f"{USER_GUIDE}, model-evaluation-custom-metrics-prompt-formats",
            )


def _one_text(cases: Sequence[Case], _definition: Definition) -> Iterator[Problem]:
    """Bedrock reads the file itself, and knows one reference a line."""
    several = [
        number
        for number, case in enumerate(cases, start=1)
        if len(case.references) > 1 or "referenceResponse" in case.extra
    ]
    if several:
        others = f", and {len(several) - 1:,} more" if several[1:] else ""
        message = (
            f"prompt {several[0]:,}{others}: referenceResponse is a list, null or several answers with <OR> between; "
            "evaluation jobs take one text"
        )
        yield Problem(("dataset",), message, f"{USER_GUIDE}, model-evaluation-prompt-datasets")


def _own_answers(cases: Sequence[Case], definition: JobDefinition) -> Iterator[Problem]:
    """Every line holds the answers of all sources that are evaluated, one of each, and none where models are asked.

    The first line that does not is told.
    """
    wanted = sorted(candidate.answers_of for candidate in definition.candidates if candidate.answers_of is not None)
    if definition.job.answers_from is not None:
        return
    source = f"{USER_GUIDE}, model-evaluation-prompt-datasets-judge and -custom-human"
    if not wanted:
        answered = next((number for number, case in enumerate(cases, start=1) if "modelResponses" in case.extra), None)
        if answered is not None:
            message = (
                f"prompt {answered}: has modelResponses, but no candidate names them in answers_of; "
                "needed: answers_of in every candidate, or a dataset without answers"
            )
            yield Problem(("dataset",), message, source)
        return
    for number, case in enumerate(cases, start=1):
        found = _sources(case)
        if found is None:
            message = f'prompt {number}: modelResponses; needed: [{{"response": text, "modelIdentifier": text}}]'
            yield Problem(("dataset",), message, source)
            return
        if sorted(found) != wanted:
            shown = ", ".join(found) or "nobody"
            message = f"prompt {number}: modelResponses of {shown}; needed: one of {' and one of '.join(wanted)}"
            yield Problem(("dataset",), message, source)
            return


def _sources(case: Case) -> list[str] | None:
    """Whose answers stand in a line, None where they do not have the documented shape."""
    listed = case.extra.get("modelResponses", [])
    if not isinstance(listed, list):
        return None
    found = []
    for each in listed:
        if not isinstance(each, dict) or not isinstance(each.get("response"), str):
            return None
        identifier = each.get("modelIdentifier")
        if not isinstance(identifier, str):
            return None
        found.append(identifier)
    return found


_DATASET_RULES: tuple[Callable[[Sequence[Case], JobDefinition], Iterator[Problem]], ...] = (
    _size,
    _references,
    _one_text,
    _own_answers,
)


def _needs_references(definition: JobDefinition) -> bool:
    job = definition.job
    wanting = {f"{BUILT_IN}Accuracy", f"{BUILT_IN}Robustness"}
    needed = job.task is Task.QUESTION_AND_ANSWER or not wanting.isdisjoint(definition.metrics)
    return job.kind is JobKind.AUTOMATIC and needed


def _task(_definition: Definition, job: JobSettings) -> Iterator[Problem]:
    if job.kind is JobKind.AUTOMATIC and job.task not in AUTOMATIC_TASKS:
        yield Problem(
            ("task",),
            f"{job.task} has no automatic metric; allowed: {', '.join(AUTOMATIC_TASKS)}",
            f"{USER_GUIDE}, model-evaluation-tasks",
        )
    if job.kind is JobKind.JUDGE and job.task is not Task.GENERAL:
        yield Problem(
            ("task",),
            f"{job.task} is not for a judge; leave it out (it becomes {Task.GENERAL})",
            f"{USER_GUIDE}, model-evaluation-built-in-metrics",
        )
    if job.kind is JobKind.HUMAN and job.task is Task.GENERAL:
        yield Problem(("task",), f"{Task.GENERAL} is for a judge; allowed: {', '.join(list(Task)[:-1])}", API)


def _metrics(definition: JobDefinition, job: JobSettings) -> Iterator[Problem]:
    if job.kind is JobKind.HUMAN:
        if definition.metrics != tuple(rating.name for rating in job.ratings):
            yield Problem(("metrics",), "people answer `ratings`; leave metrics out", f"{API}, human")
        return
    if not definition.metrics:
        yield Problem(("metrics",), f"none is named; allowed: {', '.join(_allowed_metrics(job))}", API)
    for index, name in enumerate(definition.metrics):
        yield from _metric(("metrics", index), name, job)
    yield from _repeated("metrics", definition.metrics)
    most = MOST_METRICS_AUTOMATIC if job.kind is JobKind.AUTOMATIC else MOST_METRICS
    if len(definition.metrics) > most:
        source = QUOTAS if job.kind is JobKind.AUTOMATIC else f"{API}, metricNames"
        yield Problem(("metrics",), f"{len(definition.metrics)} metrics; allowed: {most}", source)


def _repeated(key: str, names: Sequence[str]) -> Iterator[Problem]:
    for index, name in enumerate(names):
        first = names.index(name)
        if first < index:
            yield Problem((key, index), f"{name!r} is already in {key}[{first}]", API)


def _allowed_metrics(job: JobSettings) -> tuple[str, ...]:
    if job.kind is JobKind.AUTOMATIC:
        return TASK_METRICS.get(job.task, tuple(AUTOMATIC))
    return (*JUDGED, *(criterion.name for criterion in job.criteria))


def _metric(key: Place, name: str, job: JobSettings) -> Iterator[Problem]:
    allowed = _allowed_metrics(job)
    if name in allowed:
        return
    bare = name.removeprefix(BUILT_IN)
    names = {each.removeprefix(BUILT_IN).casefold(): each for each in (*AUTOMATIC, *JUDGED)}
    meant = names.get(bare.casefold())
    source = f"{USER_GUIDE}, model-evaluation-tasks and model-evaluation-metrics"
    if meant in allowed:
        message = f"{name!r} is written {meant!r}"
    elif bare.casefold() == "fluency":
        message = (
            "no kind of evaluation has a built-in Fluency; nearest: kind judge with "
            "Builtin.Coherence or Builtin.ProfessionalStyleAndTone, or a criterion of your own"
        )
    elif meant in JUDGED and job.kind is JobKind.AUTOMATIC:
        message = f"{meant} needs a judge model: use kind judge; allowed here: {', '.join(allowed)}"
    elif meant in AUTOMATIC and job.kind is JobKind.JUDGE:
        message = f"{meant} is of kind automatic; allowed here: {', '.join(allowed)}"
    elif meant in AUTOMATIC:
        message = f"{meant} does not exist for task {job.task}; allowed: {', '.join(allowed)}"
    else:
        own = "; define your own metrics in criteria" if job.kind is JobKind.JUDGE else ""
        message = f"{name!r} is not a metric{suggestion(name, allowed)}; allowed: {', '.join(allowed)}{own}"
    yield Problem(key, message, source)


def _candidates(definition: JobDefinition, job: JobSettings) -> Iterator[Problem]:
    human = job.kind is JobKind.HUMAN
    if human and len(definition.candidates) > MOST_MODELS_HUMAN:
        yield Problem(
            ("candidates",),
            f"{len(definition.candidates)} candidates; people compare at most {MOST_MODELS_HUMAN}",
            QUOTAS,
        )
    first: dict[str, int] = {}
    for index, candidate in enumerate(definition.candidates):
        yield from _candidate(("candidates", index), candidate)
        other = first.setdefault(candidate.answers_of or candidate.invoke_id, index)
        if human and candidate.answers_of is None and other < index:
            yield Problem(
                ("candidates", index, "model"),
                f"same model as candidates[{other}], and the output identifies answers by model; needed: another "
                "one, or the same under another key of `models` with own_profile: true",
                f"{USER_GUIDE}, model-evaluation-report-s3",
            )


def _candidate(key: Place, candidate: Candidate) -> Iterator[Problem]:
    if candidate.answers_of is not None and not _ANSWERS_OF.fullmatch(candidate.answers_of):
        yield Problem(
            (*key, "answers_of"),
            f"{candidate.answers_of!r}; allowed: a letter or digit, then at most 255 of letters, digits and . _ -",
            f"{API}, inferenceSourceIdentifier",
        )
    parameters = inference_parameters(candidate)
    if parameters is not None and len(parameters) > MOST_PARAMETERS:
        message = f"{len(parameters):,} characters as JSON; allowed: {MOST_PARAMETERS:,}"
        yield Problem((*key, _asked_with(candidate)), message, f"{API}, inferenceParams")


def _asked_with(candidate: Candidate) -> str:
    """The key of what a model is asked with."""
    parameters = json.dumps(candidate.parameters.converse())
    return "additional_fields" if len(candidate.additional_fields or "") > len(parameters) else "parameters"


def _answers(definition: JobDefinition, job: JobSettings) -> Iterator[Problem]:
    """Answers that exist already: in the dataset (`answers_of`) or in the runs of another evaluation."""
    own = {index: each for index, each in enumerate(definition.candidates) if each.answers_of is not None}
    if job.answers_from is not None:
        yield from _answers_from(definition, job)
        if own and job.answers_run is None:
            message = "the answers come from the runs that `answers_from` names; leave it out"
            yield Problem(("candidates", min(own), "answers_of"), message, OURS)
        return
    if not own:
        return
    for index, candidate in own.items():
        yield from _unasked(index, candidate)
    if job.kind is JobKind.AUTOMATIC:
        yield Problem(
            ("candidates", min(own), "answers_of"),
            "only kind judge and human rate existing answers",
            f"{USER_GUIDE}, model-evaluation-prompt-datasets-judge",
        )
    if definition.dataset.built_in:
        yield Problem(("dataset",), "a built-in dataset of Bedrock has no answers of yours", USER_GUIDE)
    if len(own) < len(definition.candidates):
        yield Problem(
            ("candidates",),
            "some have answers_of and others have not; needed: answers_of in all or in none",
            f"{USER_GUIDE}, model-evaluation-prompt-datasets-judge and -custom-human",
        )
    if job.kind is JobKind.JUDGE and len({each.answers_of for each in own.values()}) > 1:
        yield Problem(
            ("candidates",),
            "a judge rates the answers of one source; needed: an evaluation for each, or `answers_from`",
            f"{USER_GUIDE}, model-evaluation-prompt-datasets-judge",
        )
    for name, count in Counter(each.answers_of for each in own.values()).items():
        if count > 1:
            yield Problem(("candidates",), f"{count} have the answers of {name!r}; allowed: one", API)


def _answers_from(definition: JobDefinition, job: JobSettings) -> Iterator[Problem]:
    if job.kind is not JobKind.JUDGE:
        yield Problem(("answers_from",), f"has no effect for kind {job.kind}; allowed: kind judge", OURS)
    for index, candidate in enumerate(definition.candidates):
        yield from _unasked(index, candidate)


def _unasked(index: int, candidate: Candidate) -> Iterator[Problem]:
    if inference_parameters(candidate) is not None:
        message = "have no effect, because stored answers are rated and no model is called; leave them out"
        yield Problem(("candidates", index, _asked_with(candidate)), message, OURS)


def _judge(_definition: Definition, job: JobSettings) -> Iterator[Problem]:
    if job.kind is JobKind.JUDGE and job.judge is None:
        yield Problem(("judge",), "is missing; needed: the model that rates, a key of `models`", API)
    if job.kind is not JobKind.JUDGE and job.judge is not None:
        # Its mere presence makes Bedrock take the job for a judge's.
        yield Problem(("judge",), f"has no effect for kind {job.kind}; allowed: kind judge", API)


def _criteria(definition: JobDefinition, job: JobSettings) -> Iterator[Problem]:
    if job.criteria and job.kind is not JobKind.JUDGE:
        yield Problem(("criteria",), f"have no effect for kind {job.kind}; allowed: kind judge", API)
    if len(job.criteria) > MOST_CRITERIA:
        yield Problem(("criteria",), f"{len(job.criteria)}; allowed: {MOST_CRITERIA}", f"{API}, customMetrics")
    yield from _repeated("criteria", [criterion.name for criterion in job.criteria])
    for index, criterion in enumerate(job.criteria):
        if criterion.name not in definition.metrics:
            yield Problem(("criteria", index), f"{criterion.name!r} is not among `metrics`, so it is never rated", API)
        yield from _criterion(("criteria", index), criterion)


def _criterion(key: Place, criterion: Criterion) -> Iterator[Problem]:
    yield from _own_name(key, criterion.name)
    if canonical(criterion.name) in BUILT_INS and not criterion.name.startswith(BUILT_IN):
        yield Problem(
            (*key, "name"),
            f"{criterion.name!r} is also how output files spell {canonical(criterion.name)}; allowed: another name",
            f"{USER_GUIDE}, model-evaluation-report-s3",
        )
    if not 1 <= len(criterion.instructions) <= MOST_INSTRUCTIONS:
        size = len(criterion.instructions)
        yield Problem((*key, "instructions"), f"{size:,} characters; allowed: 1 to {MOST_INSTRUCTIONS:,}", API)
    yield from _variables((*key, "instructions"), criterion.instructions)
    if len(criterion.scale) > MOST_SCALE:
        yield Problem((*key, "scale"), f"{len(criterion.scale)} steps; allowed: {MOST_SCALE}", f"{API}, ratingScale")
    texts = [step for step in criterion.scale if step.text is not None]
    if texts and len(texts) < len(criterion.scale):
        yield Problem(
            (*key, "scale"),
            "mixes numbers and texts; allowed: only numbers or only texts",
            f"{USER_GUIDE}, model-evaluation-custom-metrics-prompt-formats",
        )
    for number, step in enumerate(criterion.scale):
        longest = max(len(step.definition), len(step.text or ""))
        if (step.value is None) == (step.text is None):
            yield Problem((*key, "scale", number), "needed: a value, a number or a text", API)
        if not step.definition or longest > MOST_SCALE_TEXT or step.text == "":
            yield Problem((*key, "scale", number), f"texts have 1 to {MOST_SCALE_TEXT} characters", API)


def _variables(key: Place, instructions: str) -> Iterator[Problem]:
    source = f"{USER_GUIDE}, model-evaluation-custom-metrics-prompt-formats"
    if _NEEDED_VARIABLE not in instructions:
        message = f"{_NEEDED_VARIABLE} is missing; needed: at least that; {_VARIABLES[0]} is recommended too"
        yield Problem(key, message, source)
        return
    places = [instructions.index(variable) for variable in _VARIABLES if variable in instructions]
    unknown = [name for name in re.findall(r"\{\{[^{}]*\}\}", instructions) if name not in _VARIABLES]
    if unknown:
        yield Problem(key, f"{unknown[0]} is unknown; allowed: {', '.join(_VARIABLES)}", source)
    after = instructions[min(places) :]
    for variable in _VARIABLES:
        after = after.replace(variable, "")
    # Labels beside the variables are what the guide's own examples have; whole sentences are instructions.
    if any(len(line.split()) > _LABEL_WORDS for line in after.splitlines()):
        yield Problem(key, "the variables must come last, after all instructions", source)


_LABEL_WORDS = 6


def _ratings(definition: JobDefinition, job: JobSettings) -> Iterator[Problem]:
    if job.kind is not JobKind.HUMAN:
        if job.ratings:
            yield Problem(("ratings",), f"have no effect for kind {job.kind}; allowed: kind human", API)
        return
    if not 1 <= len(job.ratings) <= MOST_RATINGS:
        yield Problem(("ratings",), f"{len(job.ratings)}; allowed: 1 to {MOST_RATINGS}", QUOTAS)
    yield from _repeated("ratings", [rating.name for rating in job.ratings])
    for index, rating in enumerate(job.ratings):
        yield from _rating(("ratings", index), rating, models=len(definition.candidates))


def _rating(key: Place, rating: Rating, *, models: int) -> Iterator[Problem]:
    yield from _own_name(key, rating.name)
    description = rating.description
    if description is not None and not _is_line(description, most=MOST_RATING_DESCRIPTION):
        yield Problem(
            (*key, "description"),
            f"{len(description)} characters; allowed: one line of 1 to {MOST_RATING_DESCRIPTION}",
            f"{API}, human customMetrics",
        )
    if rating.method.compares and models != MOST_MODELS_HUMAN:
        single = ", ".join(method for method in RatingMethod if not method.compares)
        yield Problem(
            (*key, "method"),
            f"{rating.method} compares two candidates and there is {models}; allowed: {single}",
            f"{USER_GUIDE}, model-evaluation-type-human",
        )


def _is_line(text: str, *, most: int) -> bool:
    """Whether `.{1,most}` matches, of which no end of a line in Unicode is a part."""
    return 1 <= len(text) <= most and text.splitlines() == [text]


def _own_name(key: Place, name: str) -> Iterator[Problem]:
    if not _METRIC_NAME.fullmatch(name) or len(name) > MOST_NAME:
        yield Problem(
            (*key, "name"), f"{name!r}; allowed: 1 to {MOST_NAME} of letters, digits and - _ .", f"{API}, metric names"
        )
    elif name in _TAKEN:
        yield Problem((*key, "name"), f"{name!r} is a metric of the runs themselves; allowed: another name", _OURS)
    elif name.startswith(BUILT_IN):
        yield Problem((*key, "name"), f"{name!r} begins like a built-in name; needed: another name", API)


def _people(_definition: Definition, job: JobSettings) -> Iterator[Problem]:
    if job.kind is not JobKind.HUMAN:
        return
    arn = job.flow_definition_arn
    # A token of the CDK is not an ARN yet; the construct makes it one.
    if arn is not None and "${" not in arn and not _FLOW_DEFINITION.fullmatch(arn):
        yield Problem(("flow_definition_arn",), f"{arn!r} is not the ARN of a flow definition", API)
    if job.instructions is not None and not 1 <= len(job.instructions) <= MOST_INSTRUCTIONS:
        yield Problem(
            ("instructions",), f"{len(job.instructions):,} characters; allowed: 1 to {MOST_INSTRUCTIONS:,}", API
        )


def _dataset(definition: JobDefinition, job: JobSettings) -> Iterator[Problem]:
    dataset = definition.dataset
    if dataset.built_in:
        if dataset.name not in BUILT_IN_DATASETS:
            yield Problem(
                ("dataset",),
                f"{dataset.name!r} is not a built-in dataset of Bedrock; allowed: {', '.join(BUILT_IN_DATASETS)}",
                USER_GUIDE,
            )
        elif job.kind is not JobKind.AUTOMATIC:
            yield Problem(
                ("dataset",),
                f"{dataset.name} is for kind automatic; needed: a dataset of your own",
                f"{USER_GUIDE}, model-evaluation-prompt-datasets",
            )
        else:
            yield from _built_in_dataset(definition, job)
        return
    if not _DATASET_NAME.fullmatch(dataset.name) or len(dataset.name) > MOST_NAME:
        yield Problem(("dataset",), f"name {dataset.name!r}; allowed: 1 to {MOST_NAME} of letters, digits, - _ .", API)
    # The bucket's name may be a reference that CloudFormation resolves.
    if not _S3_URI.fullmatch(f"s3://bucket/{dataset.key}") or not dataset.key.endswith(".jsonl"):
        message = f"{dataset.uri!r}; allowed: s3://bucket/key.jsonl, the key of letters, digits and - _ . ! * ' ( ) /"
        yield Problem(("dataset",), message, f"{API}, s3Uri")


def _built_in_dataset(definition: JobDefinition, job: JobSettings) -> Iterator[Problem]:
    source = f"{USER_GUIDE}, model-evaluation-tasks"
    by_metric = DATASETS_OF.get(job.task, {})
    of_task = dict.fromkeys(name for names in by_metric.values() for name in names)
    if of_task and definition.dataset.name not in of_task:
        message = f"{definition.dataset.name} is not for task {job.task}; allowed: {', '.join(of_task)}"
        yield Problem(("dataset",), message, source)
        return
    for index, metric in enumerate(definition.metrics):
        datasets = by_metric.get(metric)
        if datasets is not None and definition.dataset.name not in datasets:
            message = f"{metric} is not scored on {definition.dataset.name}; datasets for it: {', '.join(datasets)}"
            yield Problem(("metrics", index), message, source)


def _tags(definition: JobDefinition, job: JobSettings) -> Iterator[Problem]:
    own = own_tags(definition)
    count = len({**job.tags, **own})
    if count > MOST_TAGS:
        yield Problem(("tags",), f"{count} with {', '.join(own)}; allowed: {MOST_TAGS}", f"{API}, jobTags")
    for key, value in own.items():
        if job.tags.get(key, value) != value:
            yield Problem(("tags", key), f"is set automatically; do not set: {', '.join(own)}", f"{API}, jobTags")
    for key, value in job.tags.items():
        if key.lower().startswith("aws:"):
            yield Problem(("tags", key), "keys that begin with aws: are reserved by AWS", f"{API}, jobTags")
        elif not (1 <= len(key) <= 128 and TAG_TEXT.fullmatch(key)):
            yield Problem(
                ("tags", key), f"{key!r} cannot be a job's tag; allowed: 1 to 128 {IN_TAGS}", f"{API}, jobTags"
            )
        elif not (len(value) <= 256 and TAG_TEXT.fullmatch(value)):
            message = f"{value!r} cannot be the value of a job's tag; allowed: at most 256 {IN_TAGS}"
            yield Problem(("tags", key), message, f"{API}, jobTags")


def _limits(_definition: Definition, job: JobSettings) -> Iterator[Problem]:
    hours = MOST_HOURS[job.kind]
    if not 0 < job.deadline_hours <= hours:
        yield Problem(("deadline_hours",), f"{job.deadline_hours:g}; allowed: up to {hours} of kind {job.kind}", QUOTAS)
    most = MOST_CONCURRENT[job.kind]
    if not 1 <= job.parallel <= most:
        yield Problem(("parallel",), f"{job.parallel}; allowed: 1 to {most} of kind {job.kind}", QUOTAS)
    if not 1 <= job.keep_jobs < MOST_JOBS_OF_ACCOUNT:
        yield Problem(("keep_jobs",), f"{job.keep_jobs}; allowed: 1 to {MOST_JOBS_OF_ACCOUNT - 1:,}", QUOTAS)


_RULES: tuple[Callable[[JobDefinition, JobSettings], Iterator[Problem]], ...] = (
    _task,
    _metrics,
    _candidates,
    _answers,
    _judge,
    _criteria,
    _ratings,
    _people,
    _dataset,
    _tags,
    _limits,
)
