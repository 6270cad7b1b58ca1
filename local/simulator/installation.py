"""Puts the simulator into ministack 1.5.33: bedrock services, sagemaker, dispatch, reset and CloudFormation."""

import os
from pathlib import Path
from typing import Any

from ministack import app
from ministack.core import router
from ministack.services import bedrock, bedrock_runtime

from local.simulator.control_plane import cloudformation, operations
from local.simulator.jobs import evaluation_jobs, flow_definitions, sagemaker
from local.simulator.models import inference_profiles
from local.simulator.monitoring import logging_configuration
from local.simulator.protocol import service_model
from local.simulator.replay.answers import AnswersError
from local.simulator.runtime import converse
from local.simulator.settings import documents, endpoint
from local.simulator.settings.documents import ConfigError
from local.simulator.settings.state import SIMULATOR

CONFIG_VARIABLE = "SIMULATOR_CONFIG"


def install() -> None:
    """Do the work of `local.simulator.install`."""
    path = os.environ.get(CONFIG_VARIABLE)
    try:
        if path:
            SIMULATOR.configure(documents.load(Path(path)))
    except (ConfigError, AnswersError) as error:
        raise SystemExit(f"Bedrock simulator: {error}") from None
    bedrock.handle_request = operations.handle_request
    bedrock_runtime.handle_request = converse.handle_request
    router.SERVICE_PATTERNS["sagemaker"] = {"target_prefixes": [sagemaker.TARGET], "credential_scope": "sagemaker"}
    app.SERVICE_HANDLERS["sagemaker"] = sagemaker.handle_request
    cloudformation.register()
    _extend_dispatch()
    _extend_reset()
    # Read now: the first request should not wait for it.
    service_model.service("bedrock-runtime")


def _extend_dispatch() -> None:
    """Serve the simulator's own paths, and let the runtime see the request id that ministack gives out."""
    dispatch = app._dispatch_service_request

    async def dispatch_with_simulator(method: str, path: str, headers: dict[str, str], body: bytes, *rest: Any) -> Any:
        if path.startswith(endpoint.PREFIX):
            return endpoint.handle_request(method, path, body)
        _query, request_id = rest
        converse.REQUEST_ID.set(request_id)
        return await dispatch(method, path, headers, body, *rest)

    app._dispatch_service_request = dispatch_with_simulator


def _extend_reset() -> None:
    """`POST /_ministack/reset` also forgets the simulator's resources and the calls; the configuration stays."""
    reset = bedrock.reset

    def reset_with_simulator() -> None:
        reset()
        inference_profiles.reset()
        logging_configuration.reset()
        evaluation_jobs.reset()
        flow_definitions.reset()
        SIMULATOR.calls.clear()

    bedrock.reset = reset_with_simulator
