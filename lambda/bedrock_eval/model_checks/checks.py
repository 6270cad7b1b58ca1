"""Whether the use of a model can work, as the table says: the rules of synth, `ops evaluate` and `ops models`."""

from collections.abc import Iterator
from datetime import date

from bedrock_eval.known_models.facts import DeadModel, KnownModel, Regions
from bedrock_eval.known_models.lookup import dead_model, known_model
from bedrock_eval.known_models.nearest import callable_ids, ids_like, instead, regions_like
from bedrock_eval.known_models.table import DESTINATIONS, REGIONS, VERIFIED_ON
from bedrock_eval.model_checks.findings import About, Finding, Question, Use, refused, warned
from bedrock_eval.model_checks.parameters import parameter_findings
from bedrock_eval.models import Model, ModelError
from bedrock_eval.wording import count

STALE_DAYS = 90
NOTICE_DAYS = 60
_METRICS = ("built_in", "custom")
_MOST_LISTED = 8
_GOOD_JUDGES = ("amazon.nova-pro-v1:0", "anthropic.claude-sonnet-4-6", "amazon.nova-2-lite-v1:0")


def findings(question: Question, *, today: date) -> tuple[Finding, ...]:
    """Everything that the table says against a use, the gravest cause first."""
    return tuple(_findings(question, today))


def region_finding(region: str) -> Finding | None:
    """That there is no such Region."""
    if region in REGIONS:
        return None
    like = regions_like(region)
    hint = f" (did you mean {' or '.join(like)}?)" if like else ""
    return refused(
        About.REGION,
        f"{region!r} is not a Region of AWS{hint}; allowed: one of the {len(REGIONS)} of models/table.yaml",
    )


def table_finding(*, today: date) -> Finding | None:
    """That nobody has looked at the table for long."""
    age = (today - VERIFIED_ON).days
    if age <= STALE_DAYS:
        return None
    return warned(
        About.TABLE,
        f"the table of models was last checked on {VERIFIED_ON}, {count(age, 'day')} ago; bring "
        "models/table.yaml up to date, and compare it with the account: python -m ops models --env E --check",
    )


def _findings(question: Question, today: date) -> Iterator[Finding]:
    no_region = region_finding(question.region)
    if no_region is not None:
        yield no_region
    try:
        model = Model(question.model_id, question.region, question.destination_regions)
    except ModelError as error:
        like = ids_like(question.model_id, question.region, profile=None)
        yield refused(About.ID, f"{error}{_or(like, ' (did you mean {}?)')}", nearest=like)
        return
    for region in question.destination_regions:
        nowhere = region_finding(region)
        if nowhere is not None:
            yield refused(About.PLACE, nowhere.message, key="destination_regions")
    # A Region that there is not is no model's fault.
    if no_region is None:
        yield from _of_model(model, question, today)


def _of_model(model: Model, question: Question, today: date) -> Iterator[Finding]:
    dead = dead_model(model.base_id)
    if dead is not None:
        yield _gone(model, dead, today)
        return
    known = known_model(model.base_id)
    if known is None:
        yield _unknown(model)
    else:
        yield from _life(model, known, today)
        yield from _place(model, known, question.use)
        yield from _use(model, known, question)
    yield from parameter_findings(question, model=model, known=known)


def _gone(model: Model, dead: DeadModel, today: date) -> Finding:
    ids = instead(dead.instead, model.region, first=model.profile)
    if dead.end is not None and dead.end > today:
        return warned(About.LIFE, _ending(model, dead.end, today, ids), nearest=ids)
    when = "was removed, date unknown" if dead.end is None else f"reached its end of life on {dead.end}"
    return refused(About.LIFE, f"{model.model_id!r} {when}; AWS no longer serves it{_or(ids, '; use {}')}", nearest=ids)


def _ending(model: Model, end: date, today: date, ids: tuple[str, ...], *, state: str = "is Legacy: it ends") -> str:
    left = count((end - today).days, "day")
    return f"{model.model_id!r} {state} on {end}, in {left}{_or(ids, '; use {}')}"


def _unknown(model: Model) -> Finding:
    like = ids_like(model.base_id, model.region, profile=model.profile)
    said = f"{model.model_id!r} is not among the models known on {VERIFIED_ON}{_or(like, ' (did you mean {}?)')}"
    return warned(About.PLACE, f"{said}; if AWS offers it, ignore this", nearest=like)


def _life(model: Model, known: KnownModel, today: date) -> Iterator[Finding]:
    end, sure = known.end, known.confirmed("end")
    if end is None:
        return
    ids = instead(known.instead, model.region, first=model.profile)
    by = "" if sure else ", according to a list that is not AWS's,"
    if end <= today:
        said = f"{model.model_id!r} reached its end of life{by} on {end}"
        if sure:
            yield refused(About.LIFE, f"{said}; AWS no longer serves it{_or(ids, '; use {}')}", nearest=ids)
        else:
            yield warned(About.LIFE, f"{said}{_or(ids, '; use {}')}", nearest=ids)
    elif known.legacy or (end - today).days <= NOTICE_DAYS:
        state = f"is Legacy{by.strip(',')}: it ends" if known.legacy else f"ends{by}"
        yield warned(About.LIFE, _ending(model, end, today, ids, state=state), nearest=ids)


def _place(model: Model, known: KnownModel, use: Use | None) -> Iterator[Finding]:
    if model.destination_regions:
        return
    if model.profile is None:
        yield from _bare(model, known, use)
    elif model.profile in known.profiles:
        yield from _source(model, known.profiles[model.profile])
    else:
        yield _no_profile(model, known)


def _bare(model: Model, known: KnownModel, use: Use | None) -> Iterator[Finding]:
    where = known.judge_in if use is Use.JUDGE and known.judge_in is not None else known.in_region
    has = where.has(model.region)
    if has:
        return
    ids = callable_ids(model.base_id, model.region)
    if has is None:
        yield warned(
            About.PLACE,
            f"it is unknown whether {model.model_id!r} can be called by its own id from {model.region}{_sure(ids)}",
            nearest=ids,
        )
        return
    if not known.profiles:
        said = f"{model.model_id!r} is not in {model.region}; allowed: {_listed(where.names)}"
    else:
        elsewhere = f" (only from {_listed(where.names)})" if where.names else ", nor from any other Region"
        own = f"{model.model_id!r} cannot be called by its own id from {model.region}"
        if ids:
            said = f"{own}{elsewhere}, only through an inference profile; allowed from there: {', '.join(ids)}"
        else:
            said = f"{own}{_no_way(model, known) or elsewhere}"
    yield refused(About.PLACE, said, nearest=ids)


def _source(model: Model, sources: Regions) -> Iterator[Finding]:
    has = sources.has(model.region)
    if has:
        return
    ids = callable_ids(model.base_id, model.region)
    if has is None:
        yield warned(
            About.PLACE,
            f"it is unknown whether {model.model_id!r} can be called from {model.region}{_sure(ids)}",
            nearest=ids,
        )
        return
    here = f"; allowed from there: {', '.join(ids)}" if ids else ""
    yield refused(
        About.PLACE,
        f"profile {model.model_id!r} cannot be called from {model.region}, only from {_listed(sources.names)}{here}; "
        f"{_OVERRIDE}",
        nearest=ids,
    )


_OVERRIDE = "if AWS offers it, set destination_regions"


def _no_profile(model: Model, known: KnownModel) -> Finding:
    ids = callable_ids(model.base_id, model.region)
    here = f"; allowed from {model.region}: {', '.join(ids)}" if ids else _no_way(model, known)
    if model.profile not in DESTINATIONS:
        return warned(
            About.PLACE,
            f"{model.profile!r} is not a known prefix of inference profiles, so its Regions are unknown; set "
            f"destination_regions if AWS offers it{here}",
            nearest=ids,
        )
    has = f"it has {', '.join(f'{each}.' for each in known.profiles)}" if known.profiles else "it has none at all"
    return refused(
        About.PLACE,
        f"there is no profile {model.model_id!r}: {has}{here}; {_OVERRIDE}",
        nearest=ids,
    )


def _no_way(model: Model, known: KnownModel) -> str:
    profiles = {f"{name}.": sources.names for name, sources in known.profiles.items() if sources.names}
    ways = [f"{name} from {_listed(regions)}" for name, regions in profiles.items()]
    ways += [f"its own id from {_listed(known.in_region.names)}"] if known.in_region.names else []
    return f"; nothing is known to reach it from {model.region}; allowed: {'; '.join(ways)}" if ways else ""


def _use(model: Model, known: KnownModel, question: Question) -> Iterator[Finding]:
    use = question.use
    text = use in (Use.CANDIDATE, Use.JUDGE, Use.JOB_GENERATOR)
    if text and known.kind != "text":
        yield refused(
            About.USE, f"{model.base_id} is {_KINDS[known.kind]}, which returns no text; needed: a text model"
        )
    elif use is Use.EMBEDDING and known.kind != "embedding":
        yield refused(About.USE, f"{model.base_id} returns no embeddings; needed: an embedding model")
    elif use is Use.JUDGE:
        yield from _judging(model, known, question)
    elif use is Use.JOB_GENERATOR and known.generator is False:
        yield refused(
            About.USE,
            f"the model card of {model.base_id} says that evaluation jobs do not call it; call it in an evaluation of "
            "kind custom, and let a judge rate its answers with answers_from",
        )
    elif use is Use.BATCH:
        yield from _batching(model, known)


_KINDS = {"embedding": "an embedding model", "speech": "a speech model", "rerank": "a reranking model"}


def _judging(model: Model, known: KnownModel, question: Question) -> Iterator[Finding]:
    wanted = question.parameters.get("metrics")
    if known.judge is None:
        yield warned(About.USE, f"it is unknown whether Bedrock accepts {model.base_id} as a judge")
    elif not known.judge:
        ids = instead(_GOOD_JUDGES, model.region, first=model.profile)
        yield refused(
            About.USE,
            f"{model.base_id} is not among the models that Bedrock accepts as a judge (UG evaluation-judge, as of "
            f"{known.verified_on}); use one that is, as {ids[0]}",
            nearest=ids,
        )
    elif wanted in _METRICS and wanted not in known.judge:
        only = "metrics of one's own" if known.judge == ("custom",) else "metrics of Bedrock"
        yield refused(About.USE, f"{model.base_id} judges {only} only (UG evaluation-judge)", key="metrics")


def _batching(model: Model, known: KnownModel) -> Iterator[Finding]:
    if known.batch is None:
        yield warned(About.USE, f"it is unknown whether batch inference takes {model.base_id}")
        return
    where = known.batch.in_region if model.profile is None else known.batch.profiles
    if model.region not in where:
        other = f"; allowed: from {_listed(where)}" if where else ""
        way = "by its own id" if model.profile is None else "through a profile"
        yield refused(About.USE, f"batch inference does not take {model.base_id} {way} from {model.region}{other}")


def _or(ids: tuple[str, ...], text: str) -> str:
    return text.format(" or ".join(ids[:2])) if ids else ""


def _sure(ids: tuple[str, ...]) -> str:
    return f"; surely: {', '.join(ids)}" if ids else ""


def _listed(regions: tuple[str, ...]) -> str:
    """So many that a line can be read."""
    more = len(regions) - _MOST_LISTED
    return ", ".join(regions[:_MOST_LISTED]) + (f" and {more} more" if more > 0 else "")
