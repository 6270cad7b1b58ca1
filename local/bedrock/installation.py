"""Puts the stand-in into ministack 1.5.33: bedrock services, sagemaker, dispatch, reset and CloudFormation."""

import os
from pathlib import Path
from typing import Any

from ministack import app
from ministack.core import router
from ministack.services import bedrock, bedrock_runtime

from local.bedrock import (
    admin,
    cloudformation,
    config,
    control_plane,
    evaluation_jobs,
    flow_definitions,
    inference_profiles,
    logging_configuration,
    runtime,
    sagemaker,
    service_model,
)
from local.bedrock.answers import AnswersError
from local.bedrock.config import ConfigError
from local.bedrock.state import STAND_IN

CONFIG_VARIABLE = "STANDIN_CONFIG"


def install() -> None:
    """See `local.bedrock.install`."""
    path = os.environ.get(CONFIG_VARIABLE)
    try:
        if path:
            STAND_IN.configure(config.load(Path(path)))
    except (ConfigError, AnswersError) as error:
        raise SystemExit(f"Bedrock stand-in: {error}") from None
    bedrock.handle_request = control_plane.handle_request
    bedrock_runtime.handle_request = runtime.handle_request
    router.SERVICE_PATTERNS["sagemaker"] = {"target_prefixes": [sagemaker.TARGET], "credential_scope": "sagemaker"}
    app.SERVICE_HANDLERS["sagemaker"] = sagemaker.handle_request
    cloudformation.register()
    _extend_dispatch()
    _extend_reset()
    # Read now: the first request should not wait for it.
    service_model.service("bedrock-runtime")


def _extend_dispatch() -> None:
    """Serve the admin paths, and let the runtime see the request id that ministack gives out."""
    dispatch = app._dispatch_service_request

    async def dispatch_with_stand_in(method: str, path: str, headers: dict[str, str], body: bytes, *rest: Any) -> Any:
        if path.startswith(admin.PREFIX):
            return admin.handle_request(method, path, body)
        _query, request_id = rest
        runtime.REQUEST_ID.set(request_id)
        return await dispatch(method, path, headers, body, *rest)

    app._dispatch_service_request = dispatch_with_stand_in


def _extend_reset() -> None:
    """`POST /_ministack/reset` also forgets what was made here and the calls; configuration stays."""
    reset = bedrock.reset

    def reset_with_stand_in() -> None:
        reset()
        inference_profiles.reset()
        logging_configuration.reset()
        evaluation_jobs.reset()
        flow_definitions.reset()
        STAND_IN.calls.clear()

    bedrock.reset = reset_with_stand_in
