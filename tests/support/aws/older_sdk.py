"""boto3's service models as an older runtime has them."""

import copy
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ServiceModel


def older_model(service: str, **members: tuple[str, ...]) -> ServiceModel:
    """The model of a service without some members of its shapes."""
    model = copy.deepcopy(_model(service)) if members else _model(service)
    for shape, names in members.items():
        for name in names:
            del model["shapes"][shape]["members"][name]
    return ServiceModel(model, service)


@cache
def _model(service: str) -> dict[str, Any]:
    loaded: dict[str, Any] = (
        botocore.session.get_session().get_component("data_loader").load_service_model(service, "service-2")
    )
    return loaded
