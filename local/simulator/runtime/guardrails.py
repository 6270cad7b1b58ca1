"""ApplyGuardrail: an injected fault makes a guardrail intervene, and only these calls are in its metrics.

The policies of a guardrail play no part: the usage counts the text once for each policy that AWS always names.
"""

import re
from itertools import count
from typing import Any
from urllib.parse import unquote

from ministack.core.responses import get_account_id, get_region

from local.simulator.models.identifiers import Scope, last_part
from local.simulator.monitoring import metrics
from local.simulator.protocol import service_model
from local.simulator.protocol.errors import Response, ServiceError, json_document, json_response
from local.simulator.replay.faults import GUARDRAIL, draw
from local.simulator.replay.turns import BLOCKED, text_of
from local.simulator.settings.state import SIMULATOR

ROUTE = re.compile(r"/guardrail/(?P<identifier>.+)/version/(?P<version>[^/]+)/apply")
_CHARACTERS_PER_UNIT = 1_000
_CALLS = count(1)


def apply(match: re.Match[str], body: bytes) -> Response:
    """Answer a call of ApplyGuardrail."""
    try:
        request = _read(match, body)
    except ServiceError as error:
        return error.response()
    identifier = request["guardrailIdentifier"]
    text = text_of([block["text"] for block in request["content"] if "text" in block])
    units = -(-len(text) // _CHARACTERS_PER_UNIT)
    intervened = _intervenes(last_part(identifier), text)
    metrics.publish_guardrail(
        _arn(identifier), request["guardrailVersion"], source=request["source"], units=units, intervened=intervened
    )
    named = service_model.service("bedrock-runtime").shape_for("GuardrailUsage").required_members
    return json_response(
        {
            "usage": dict.fromkeys(named, units),
            "action": "GUARDRAIL_INTERVENED" if intervened else "NONE",
            "outputs": [{"text": BLOCKED}] if intervened else [],
            "assessments": [],
        }
    )


def _read(match: re.Match[str], body: bytes) -> dict[str, Any]:
    request: dict[str, Any] = {
        **json_document(body),
        "guardrailIdentifier": unquote(match["identifier"]),
        "guardrailVersion": match["version"],
    }
    service_model.check("bedrock-runtime", "ApplyGuardrail", request)
    return request


def _intervenes(guardrail: str, text: str) -> bool:
    config = SIMULATOR.config
    drawn = draw(seed=config.seed, model=guardrail, prompt=text, attempt=next(_CALLS))
    return drawn < config.faults_for((guardrail,)).shares.get(GUARDRAIL, 0.0)


def _arn(identifier: str) -> str:
    scope = Scope(get_account_id(), get_region())
    own = f"arn:aws:bedrock:{scope.region}:{scope.account}:guardrail/"
    return identifier if identifier.startswith("arn:") else own + identifier
