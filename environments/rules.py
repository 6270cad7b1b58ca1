"""What must hold between the values of one environment file.

The rules look at the parts that are right by themselves, so that one mistake does not hide the next.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime

from bedrock_eval.catalogue import Better
from bedrock_eval.evaluation.dataset_references import gap
from bedrock_eval.jobs.rules import IN_TAGS, MOST_JOBS_OF_ACCOUNT, QUOTAS, TAG_TEXT
from bedrock_eval.names import PREFIX_LIMIT, prefix
from bedrock_eval.scores.job_measures import BUILT_IN
from bedrock_eval.scores.measures import Measure
from bedrock_eval.wording import suggestion
from environments import job_rules, model_rules, region_rules, schedule_rules
from environments.document import Mistake, Path
from environments.evaluation_schema import AnyGateConfig
from environments.fields import MOST_TAGS, OWN_TAGS
from environments.parts import DatasetReader, EvaluationParts, Parts, mapping
from environments.placeholders import placeholders
from environments.schema import STAND_IN_ACCOUNT, ModelConfig, SubscriptionConfig

LOCAL = "local"
"""The environment that is made on the emulator, and only when it is named."""

# Ids with the size of a context: Bedrock user guide, pt-supported.
_PROVISIONED_ID = re.compile(r"(.+:[0-9]+):[0-9]+[kmKM]")


def mistakes_between(
    parts: Parts, *, datasets: DatasetReader, today: date, deployed: datetime | None
) -> Iterator[Mistake]:
    """Every rule that a file breaks."""
    for rule in _RULES:
        yield from rule(parts)
    yield from region_rules.mistakes(parts)
    yield from dict.fromkeys(model_rules.mistakes(parts, today=today))
    yield from _dataset_files(parts, datasets)
    for name, evaluation in parts.evaluations.items():
        for evaluation_rule in _EVALUATION_RULES:
            for mistake in evaluation_rule(evaluation, parts):
                yield Mistake(("evaluations", name, *mistake.path), mistake.message)
        for mistake in _references(evaluation, parts, datasets, refused=True):
            yield Mistake(("evaluations", name, *mistake.path), mistake.message)
    if deployed is not None:
        yield from schedule_rules.past_runs(parts, deployed=deployed)
    # A tag of the environment is on the jobs of all its evaluations.
    yield from dict.fromkeys(job_rules.mistakes(parts, datasets))


def gaps(parts: Parts, datasets: DatasetReader) -> Iterator[Mistake]:
    """Evaluations of which some cases have no reference: a warning, the other cases are scored."""
    for name, evaluation in parts.evaluations.items():
        for mistake in _references(evaluation, parts, datasets, refused=False):
            yield Mistake(("evaluations", name, *mistake.path), mistake.message)


def notes(parts: Parts, *, today: date) -> Iterator[Mistake]:
    """What is no mistake but worth saying; of an environment with the stand-in, what AWS would not have."""
    yield from dict.fromkeys(model_rules.notes(parts, today=today))
    if parts.flag("stand_in"):
        return
    yield from placeholders(parts.top)
    yield from _expired_rates(parts, today=today)
    yield from _blind_budget(parts)
    yield from _blind_limits(parts)
    yield from _wrong_way_round(parts)
    yield from region_rules.notes(parts)
    yield from job_rules.notes(parts)
    yield from schedule_rules.skipped_runs(parts, today=today)


def _expired_rates(parts: Parts, *, today: date) -> Iterator[Mistake]:
    """Rates that somebody wanted to have compared with AWS's by now: a warning, costs are estimates anyway."""
    for name, model in parts.models.items():
        until = None if model is None or model.rates is None else model.rates.verified_until
        if until is not None and date.fromisoformat(until) < today:
            yield Mistake(
                ("models", name, "rates", "verified_until"),
                f"{until} is past: compare the rates with AWS's, as by python -m ops prices --env {parts.name}",
            )


def _blind_budget(parts: Parts) -> Iterator[Mistake]:
    """A budget that goes by a tag, and no model that carries one: a warning, it still sees everything else."""
    budget = mapping(parts.top.get("budget"))
    profiles = any(model is None or model.profile for model in parts.models.values())
    if budget and budget.get("scope", "application") == "application" and not profiles:
        yield Mistake(
            ("budget",),
            "sees no call of the application to a model, as only profiles carry its tag; give models profile: true, or "
            "the budget scope: account",
        )


def _wrong_way_round(parts: Parts) -> Iterator[Mistake]:
    """Gates that ring when a metric gets better: a warning, as somebody may want that (answers that are refused)."""
    for name, evaluation in parts.evaluations.items():
        for index, gate in enumerate(evaluation.gates):
            measure = None if gate is None else (evaluation.measures or {}).get(gate.metric)
            if gate is None or measure is None or (gate.min is None) == (gate.max is None):
                continue
            given, other = ("min", "max") if gate.max is None else ("max", "min")
            if measure.better is (Better.LOWER if given == "min" else Better.HIGHER):
                yield Mistake(
                    ("evaluations", name, "gates", index, given),
                    f"{gate.metric} is better when {measure.better}, so that this gate rings when it gets better; "
                    f"meant, if not so: {other}",
                )


def _blind_limits(parts: Parts) -> Iterator[Mistake]:
    """Limits of runs that ask models whose price nobody knows: a warning, the others are still counted."""
    for name, evaluation in parts.evaluations.items():
        asked = dict.fromkeys(filter(None, evaluation.models))
        unpriced = [model for model in asked if (config := parts.models.get(model)) is not None and not config.rates]
        if evaluation.max_cost and evaluation.allow_unpriced and unpriced:
            yield Mistake(
                ("evaluations", name, "allow_unpriced"),
                f"max_cost does not see what {', '.join(unpriced)} cost: they have no rates",
            )


def _account(parts: Parts) -> Iterator[Mistake]:
    if not parts.sound("stand_in"):
        return
    stand_in, account = parts.flag("stand_in"), parts.top.get("account")
    if parts.name == LOCAL and not stand_in:
        yield Mistake(("stand_in",), f"{LOCAL} is the emulator's environment; needed: stand_in: true")
    if parts.sound("account") and stand_in != (account == STAND_IN_ACCOUNT):
        if stand_in:
            yield Mistake(("account",), f'stand_in: true means that no AWS is there; needed: "{STAND_IN_ACCOUNT}"')
        elif parts.name != LOCAL:
            yield Mistake(("account",), f"{account!r} is the stand-in's account; allowed with stand_in: true only")


def _logging(parts: Parts) -> Iterator[Mistake]:
    logging = mapping(parts.top.get("invocation_logging"))
    if logging.get("existing") is True and logging.get("data_protection"):
        yield Mistake(
            ("invocation_logging", "data_protection"),
            "an imported log group keeps the policy that it has; allowed: existing: false, or nothing",
        )
    if logging.get("large_bodies") is True and logging.get("data_protection"):
        yield Mistake(
            ("invocation_logging", "large_bodies"),
            "data_protection masks in the log group alone, and bodies over 100 KB would lie unmasked in S3; "
            "allowed beside it: false, or nothing",
        )
    mode = logging.get("mode", "none")
    if mode != "none" and parts.sound("owns_account") and not parts.flag("owns_account"):
        yield Mistake(
            ("invocation_logging", "mode"),
            f"{mode!r} changes a setting of the whole account, for which owns_account: true is needed; "
            "allowed without it: none, or nothing",
        )


def _name(parts: Parts) -> Iterator[Mistake]:
    application = parts.top.get("application")
    if application is None:
        return
    begin = prefix(application=application, environment=parts.name)
    if len(begin) > PREFIX_LIMIT:
        yield Mistake(
            ("application",),
            f"names begin with {begin!r}, which has {len(begin)} characters; allowed: {PREFIX_LIMIT} at most",
        )
    # Source: Bedrock API reference, CreateInferenceProfile; the names of others follow the same pattern.
    if "--" in begin or begin.endswith("-"):
        wrong = "two hyphens in a row" if "--" in begin else "a hyphen at its end"
        yield Mistake(
            ("application",),
            f"names begin with {begin!r} (application-environment), which has {wrong}; allowed: single ones, between "
            "letters and digits",
        )
    # Source: Systems Manager API reference, PutParameter.
    if application.startswith(("aws", "ssm")):
        message = f"{application!r} begins as names in Parameter Store may not; allowed: neither aws nor ssm in front"
        yield Mistake(("application",), message)


def _tags(parts: Parts) -> Iterator[Mistake]:
    tags = mapping(parts.top.get("tags"))
    if len(tags) > MOST_TAGS:
        yield Mistake(("tags",), f"{len(tags)} tags; allowed: {MOST_TAGS} at most")
    for key, value in tags.items():
        if not 1 <= len(key) <= 128:
            yield Mistake(("tags", key), f"the key has {len(key)} characters; allowed: 1 to 128")
        if len(value) > 256:
            yield Mistake(("tags", key), f"the value has {len(value)} characters; allowed: 256 at most")
        if key.lower().startswith("aws:"):
            yield Mistake(("tags", key), "keys that begin with aws: are reserved by AWS")
        # Tag keys of IAM differ by more than case.
        if key.lower() in OWN_TAGS:
            yield Mistake(("tags", key), f"set already; these come by themselves: {', '.join(OWN_TAGS)}")
        if not TAG_TEXT.fullmatch(key):
            yield Mistake(("tags", key), f"{key!r} cannot be a tag; allowed: {IN_TAGS}")
        if not TAG_TEXT.fullmatch(value):
            yield Mistake(("tags", key), f"{value!r} cannot be the value of a tag; allowed: {IN_TAGS}")


def _owner(parts: Parts) -> Iterator[Mistake]:
    owner = parts.top.get("owner", "")
    if not (len(owner) <= 256 and TAG_TEXT.fullmatch(owner)):
        yield Mistake(("owner",), f"{owner!r} is a tag of every resource; allowed: at most 256 {IN_TAGS}")


def _subscriptions(parts: Parts) -> Iterator[Mistake]:
    first: dict[SubscriptionConfig, int] = {}
    for index, subscription in enumerate(parts.subscriptions):
        if subscription is None:
            continue
        if subscription in first:
            same = " to ".join(filter(None, (subscription.protocol, subscription.endpoint)))
            yield Mistake(("subscriptions", index), f"{same} stands already in subscriptions[{first[subscription]}]")
        first.setdefault(subscription, index)


def _guardrails(parts: Parts) -> Iterator[Mistake]:
    region = parts.top.get("region")
    names: dict[str, int] = {}
    versions: dict[tuple[str, str], int] = {}
    for index, guardrail in enumerate(parts.guardrails):
        if guardrail is None:
            continue
        if guardrail.name in names:
            at = names[guardrail.name]
            yield Mistake(("guardrails", index, "name"), f"{guardrail.name!r} stands already in guardrails[{at}]")
        one = (guardrail.id.rpartition("/")[2], guardrail.version)
        if one in versions:
            yield Mistake(
                ("guardrails", index), f"{' version '.join(one)} stands already in guardrails[{versions[one]}]"
            )
        if guardrail.is_arn and region is not None and guardrail.id.split(":")[3] != region:
            yield Mistake(("guardrails", index, "id"), f"{guardrail.id!r} has its metrics elsewhere; needed: {region}")
        names.setdefault(guardrail.name, index)
        versions.setdefault(one, index)


def _models(parts: Parts) -> Iterator[Mistake]:
    for name, config in parts.models.items():
        bought = None if config is None else _PROVISIONED_ID.fullmatch(config.id)
        if config is not None and bought is not None:
            yield Mistake(
                ("models", name, "id"),
                f"{config.id!r} is for buying Provisioned Throughput, and models are asked on demand; allowed: "
                f"{bought[1]!r}",
            )


def _one_price(parts: Parts) -> Iterator[Mistake]:
    """The metrics and the log know a model by its id, so that two prices of one would be a matter of chance."""
    first: dict[str, str] = {}
    for name, config in parts.models.items():
        if config is None:
            continue
        other = first.setdefault(config.id, name)
        if _prices(parts.models[other]) != _prices(config):
            path: Path = ("models", name, "rates") if config.rates is not None else ("models", name)
            yield Mistake(path, f"{config.id!r} stands already in models.{other} with other rates; needed: the same")


def _prices(config: ModelConfig | None) -> Mapping[str, float | None] | None:
    if config is None or config.rates is None:
        return None
    return config.rates.model_dump(exclude={"verified_until"})


def _headline(parts: Parts) -> Iterator[Mistake]:
    headlines = [name for name, evaluation in parts.evaluations.items() if evaluation.headline]
    for name in headlines[1:]:
        yield Mistake(
            ("evaluations", name, "headline"),
            f"{headlines[0]} is the headline already; allowed: one evaluation, or the scores of both would be averaged",
        )
    for name in headlines:
        models = [model for model in parts.evaluations[name].models if model is not None]
        doubled = next((model for model in models if models.count(model) > 1), None)
        if doubled is not None:
            yield Mistake(
                ("evaluations", name, "headline"),
                f"two candidates are on model {doubled}; the headline's scores are told apart by model alone and would "
                "be averaged",
            )


def _kept_jobs(parts: Parts) -> Iterator[Mistake]:
    """Bedrock keeps so many jobs of an account and Region, and refuses to start another."""
    kept = 0
    for name, evaluation in parts.evaluations.items():
        own = 0 if evaluation.jobs is None else evaluation.jobs.keep_jobs
        kept += own if own < MOST_JOBS_OF_ACCOUNT else 0
        if kept > MOST_JOBS_OF_ACCOUNT:
            allowed = f"{MOST_JOBS_OF_ACCOUNT:,} in an account and Region ({QUOTAS})"
            yield Mistake(
                ("evaluations", name, "keep_jobs"), f"{kept:,} jobs are kept up to this evaluation; allowed: {allowed}"
            )
            return


def _dataset_files(parts: Parts, datasets: DatasetReader) -> Iterator[Mistake]:
    for name, dataset in parts.datasets.items():
        if dataset is None or dataset.is_s3:
            continue
        for wrong in datasets.read(dataset).mistakes:
            yield Mistake(("datasets", name, "source"), wrong)


def _dataset_known(evaluation: EvaluationParts, parts: Parts) -> Iterator[Mistake]:
    if not (parts.sound("datasets") or parts.datasets):
        return
    if evaluation.dataset is None or (not evaluation.custom and evaluation.dataset.startswith(BUILT_IN)):
        return
    if evaluation.dataset not in parts.datasets:
        known = ", ".join(parts.datasets) or "none is given"
        near = suggestion(evaluation.dataset, parts.datasets)
        yield Mistake(("dataset",), f"{evaluation.dataset!r} is not a key of datasets{near}; allowed: {known}")


def _models_known(evaluation: EvaluationParts, parts: Parts) -> Iterator[Mistake]:
    for index, model in enumerate(evaluation.models):
        if model is not None and parts.models and model not in parts.models:
            near = suggestion(model, parts.models)
            wrong = f"{model!r} is not a key of models{near}; allowed: {', '.join(parts.models)}"
            yield Mistake(("candidates", index, "model"), wrong)


def _limit(evaluation: EvaluationParts, parts: Parts) -> Iterator[Mistake]:
    if evaluation.allow_unpriced and not evaluation.max_cost:
        yield Mistake(("allow_unpriced",), "has a meaning with max_cost only: remove the key, or give max_cost")
    if not evaluation.max_cost or evaluation.allow_unpriced:
        return
    for index, name in enumerate(evaluation.models):
        model = parts.models.get(name or "")
        if model is not None and model.rates is None:
            yield Mistake(
                ("candidates", index, "model"),
                f"model {name} has no rates, so that max_cost would stop every run; needed: rates, or "
                "allow_unpriced: true",
            )


def _candidates(evaluation: EvaluationParts, _parts: Parts) -> Iterator[Mistake]:
    first: dict[str, int] = {}
    for index, candidate in enumerate(evaluation.candidates):
        if candidate is None:
            continue
        if candidate.name in first:
            yield Mistake(
                ("candidates", index, "name"),
                f"{candidate.name!r} stands already in candidates[{first[candidate.name]}]; needed: names that differ",
            )
        first.setdefault(candidate.name, index)


def _metrics(evaluation: EvaluationParts, _parts: Parts) -> Iterator[Mistake]:
    first: dict[str, int] = {}
    for index, metric in enumerate(evaluation.metrics if evaluation.custom else ()):
        if metric in first:
            yield Mistake(("metrics", index), f"{metric!r} stands already in metrics[{first[metric]}]")
        first.setdefault(metric, index)


def _gates(evaluation: EvaluationParts, _parts: Parts) -> Iterator[Mistake]:
    first: dict[str, int] = {}
    for index, gate in enumerate(evaluation.gates):
        if gate is None or not evaluation.measures:
            continue
        at: Path = ("gates", index)
        # A name that is no metric is told by itself, and may be what the gate means.
        unsure = evaluation.custom and any(metric not in evaluation.measures for metric in evaluation.metrics)
        if gate.metric not in evaluation.metrics and not unsure:
            among = ", ".join(evaluation.metrics)
            near = suggestion(gate.metric, evaluation.metrics)
            yield Mistake((*at, "metric"), f"{gate.metric!r} is not measured here{near}; allowed: {among}")
        if gate.metric in first:
            other = first[gate.metric]
            wrong = f"{gate.metric!r} has a gate already in gates[{other}]; put min, max and max_drop there"
            yield Mistake((*at, "metric"), wrong)
        first.setdefault(gate.metric, index)
        measure = evaluation.measures.get(gate.metric)
        for mistake in () if measure is None else _bounds(gate, measure):
            yield Mistake((*at, *mistake.path), mistake.message)


def _bounds(gate: AnyGateConfig, metric: Measure) -> Iterator[Mistake]:
    if gate.max_drop is not None and metric.better is Better.NEUTRAL:
        yield Mistake(
            ("max_drop",), f"{gate.metric} has no better direction, so that nothing is a drop; allowed: min and max"
        )
    if gate.max_drop is not None and metric.low is not None and metric.high is not None:
        most = metric.high - metric.low
        if gate.max_drop >= most:
            yield Mistake(("max_drop",), f"{gate.max_drop:g} forbids nothing; allowed: less than {most:g}")
    for key, bound in (("min", gate.min), ("max", gate.max)):
        wrong = None if bound is None else metric.outside(bound)
        if wrong is not None:
            yield Mistake((key,), wrong)


def _references(
    evaluation: EvaluationParts, parts: Parts, datasets: DatasetReader, *, refused: bool
) -> Iterator[Mistake]:
    """Metrics whose reference no case has, or, not `refused`, only some have not."""
    dataset = parts.datasets.get(evaluation.dataset or "")
    if dataset is None or dataset.is_s3 or not evaluation.custom:
        return
    found = gap(datasets.read(dataset).gaps, metrics=evaluation.metrics, source=dataset.source)
    if found is not None and found.refused is refused:
        yield Mistake(("metrics", evaluation.metrics.index(found.metrics[0])), found.message)


_RULES: tuple[Callable[[Parts], Iterator[Mistake]], ...] = (
    *(_name, _account, _logging, _owner, _tags, _subscriptions),
    *(_models, _one_price, _guardrails, _headline, _kept_jobs),
)
_EVALUATION_RULES: tuple[Callable[[EvaluationParts, Parts], Iterator[Mistake]], ...] = (
    *(_dataset_known, _models_known, _candidates, _limit),
    *(_metrics, _gates, schedule_rules.missing_time),
)
