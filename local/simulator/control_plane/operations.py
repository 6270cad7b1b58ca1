"""The bedrock API: foundation models, inference profiles, tags, and the model invocation logging setting."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any
from urllib.parse import unquote

from ministack.core.responses import get_region

from local.simulator.jobs import evaluation_jobs
from local.simulator.models import inference_profiles
from local.simulator.models.identifiers import last_part
from local.simulator.models.known import KNOWN, KnownModel, foundation_model_arn, provider_name, split_profile
from local.simulator.monitoring import logging_configuration
from local.simulator.protocol import service_model
from local.simulator.protocol.errors import Response, ServiceError, invalid, json_document, json_response
from local.simulator.settings.state import SIMULATOR

Query = Mapping[str, list[str]]
_PAGE = 100


async def handle_request(method: str, path: str, _headers: Mapping[str, str], body: bytes, query: Query) -> Response:
    """Answer a request of the bedrock API, in ministack's handler signature."""
    try:
        for verb, pattern, operation in _ROUTES:
            match = pattern.fullmatch(path)
            if verb == method and match is not None:
                return operation(unquote(match.groupdict().get("id", "")), json_document(body), query)
        raise ServiceError("UnknownOperationException", f"The local simulator does not offer {method} {path}.")
    except ServiceError as error:
        return error.response()


def _put_logging(_id: str, document: dict[str, Any], _query: Query) -> Response:
    logging_configuration.put(document)
    return json_response({})


def _get_logging(_id: str, _document: dict[str, Any], _query: Query) -> Response:
    configuration = logging_configuration.current()
    return json_response({} if configuration is None else {"loggingConfig": configuration})


def _delete_logging(_id: str, _document: dict[str, Any], _query: Query) -> Response:
    logging_configuration.delete()
    return json_response({})


def _get_model(identifier: str, _document: dict[str, Any], _query: Query) -> Response:
    base = last_part(identifier)
    if identifier not in (base, foundation_model_arn(base, region=get_region())) or base not in _model_ids():
        raise invalid("The provided model identifier is invalid.")
    return json_response({"modelDetails": _model_details(base)})


def _list_models(_id: str, _document: dict[str, Any], query: Query) -> Response:
    provider = query.get("byProvider", [""])[0].lower()
    details = [_model_details(model_id) for model_id in sorted(_model_ids())]
    return json_response(
        {"modelSummaries": [entry for entry in details if provider in ("", entry["providerName"].lower())]}
    )


def _model_ids() -> set[str]:
    return {*KNOWN, *(split_profile(model_id)[1] for model_id in SIMULATOR.answers.models())}


def _model_details(model_id: str) -> dict[str, Any]:
    return {
        "modelArn": foundation_model_arn(model_id, region=get_region()),
        "modelId": model_id,
        "providerName": provider_name(model_id),
        "inputModalities": ["TEXT"],
        "outputModalities": ["TEXT"],
        "responseStreamingSupported": True,
        "customizationsSupported": [],
        "inferenceTypesSupported": ["ON_DEMAND"],
        "modelLifecycle": _lifecycle(_known(model_id)),
    }


def _known(model_id: str) -> KnownModel:
    known, end = KNOWN.get(model_id, KnownModel()), SIMULATOR.config.ends_of_life.get(model_id)
    return known if end is None else replace(known, end=end)


def _lifecycle(model: KnownModel) -> dict[str, str]:
    return {"status": model.status, **({"endOfLifeTime": _midnight(model.end)} if model.end else {})}


def _midnight(day: date) -> str:
    return datetime.combine(day, time(), UTC).isoformat().replace("+00:00", "Z")


def _create_profile(_id: str, document: dict[str, Any], _query: Query) -> Response:
    profile = inference_profiles.create(document)
    return json_response({"inferenceProfileArn": profile.arn, "status": "ACTIVE"}, status=201)


def _get_profile(identifier: str, _document: dict[str, Any], _query: Query) -> Response:
    return json_response(inference_profiles.describe(identifier))


def _delete_profile(identifier: str, _document: dict[str, Any], _query: Query) -> Response:
    inference_profiles.delete(identifier)
    return json_response({})


def _list_profiles(_id: str, _document: dict[str, Any], query: Query) -> Response:
    parameters: dict[str, Any] = {}
    if "type" in query:
        parameters["typeEquals"] = query["type"][0]
    size, start = _page(query)
    parameters["maxResults"] = size
    service_model.check("bedrock", "ListInferenceProfiles", parameters)
    entries = inference_profiles.summaries(parameters.get("typeEquals"))
    more = {"nextToken": str(start + size)} if start + size < len(entries) else {}
    return json_response({"inferenceProfileSummaries": entries[start : start + size], **more})


def _page(query: Query) -> tuple[int, int]:
    try:
        return int(query.get("maxResults", [str(_PAGE)])[0]), int(query.get("nextToken", ["0"])[0])
    except ValueError as error:
        raise invalid("maxResults must be a number and nextToken one that an earlier answer gave.") from error


def _tag(_id: str, document: dict[str, Any], _query: Query) -> Response:
    service_model.check("bedrock", "TagResource", document)
    arn = document["resourceARN"]
    added = {tag["key"]: tag["value"] for tag in document["tags"]}
    inference_profiles.set_tags(arn, {**inference_profiles.find(arn).tags, **added})
    return json_response({})


def _untag(_id: str, document: dict[str, Any], _query: Query) -> Response:
    service_model.check("bedrock", "UntagResource", document)
    arn = document["resourceARN"]
    tags = inference_profiles.find(arn).tags
    inference_profiles.set_tags(arn, {key: value for key, value in tags.items() if key not in document["tagKeys"]})
    return json_response({})


def _list_tags(_id: str, document: dict[str, Any], _query: Query) -> Response:
    service_model.check("bedrock", "ListTagsForResource", document)
    tags = inference_profiles.find(document["resourceARN"]).tags
    return json_response({"tags": [{"key": key, "value": value} for key, value in tags.items()]})


def _create_job(_id: str, document: dict[str, Any], _query: Query) -> Response:
    return json_response({"jobArn": evaluation_jobs.create(document).arn}, status=202)


def _get_job(identifier: str, _document: dict[str, Any], _query: Query) -> Response:
    return json_response(evaluation_jobs.find(identifier).to_json())


def _stop_job(identifier: str, _document: dict[str, Any], _query: Query) -> Response:
    evaluation_jobs.stop(identifier)
    return json_response({})


def _delete_jobs(_id: str, document: dict[str, Any], _query: Query) -> Response:
    return json_response(evaluation_jobs.batch_delete(document), status=202)


def _list_jobs(_id: str, _document: dict[str, Any], query: Query) -> Response:
    return json_response(evaluation_jobs.page({key: values[0] for key, values in query.items()}))


_Operation = Callable[[str, dict[str, Any], Query], Response]
_ROUTES: tuple[tuple[str, re.Pattern[str], _Operation], ...] = (
    ("PUT", re.compile("/logging/modelinvocations"), _put_logging),
    ("GET", re.compile("/logging/modelinvocations"), _get_logging),
    ("DELETE", re.compile("/logging/modelinvocations"), _delete_logging),
    ("GET", re.compile("/foundation-models"), _list_models),
    ("GET", re.compile("/foundation-models/(?P<id>.+)"), _get_model),
    ("POST", re.compile("/inference-profiles"), _create_profile),
    ("GET", re.compile("/inference-profiles"), _list_profiles),
    ("GET", re.compile("/inference-profiles/(?P<id>.+)"), _get_profile),
    ("DELETE", re.compile("/inference-profiles/(?P<id>.+)"), _delete_profile),
    ("POST", re.compile("/evaluation-jobs"), _create_job),
    ("GET", re.compile("/evaluation-jobs"), _list_jobs),
    ("POST", re.compile("/evaluation-jobs/batch-delete"), _delete_jobs),
    ("GET", re.compile("/evaluation-jobs/(?P<id>.+)"), _get_job),
    # The path of this one is in the singular.
    ("POST", re.compile("/evaluation-job/(?P<id>.+)/stop"), _stop_job),
    ("POST", re.compile("/tagResource"), _tag),
    ("POST", re.compile("/untagResource"), _untag),
    ("POST", re.compile("/listTagsForResource"), _list_tags),
)
