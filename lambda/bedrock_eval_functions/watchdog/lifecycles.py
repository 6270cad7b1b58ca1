"""When models come to their end, as AWS announces it today, and of how many AWS tells nothing."""

import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from bedrock_eval import catalogue
from bedrock_eval.models import Lifecycle, Model, ModelError
from bedrock_eval.results.publishing import Datum
from bedrock_eval.sdk import dropped
from bedrock_eval_functions.watchdog.datums import of_application
from bedrock_eval_functions.watchdog.reasons import reason

logger = logging.getLogger(__name__)

_END_OF_LIFE = "modelDetails.modelLifecycle.endOfLifeTime"


class UntoldError(RuntimeError):
    """AWS answered, and the answer holds no lifecycle; that differs from one that announces no end."""


@dataclass(frozen=True)
class Lifecycles:
    """Asks Bedrock about models."""

    bedrock: Any
    application: str
    region: str

    def look(self, models: Collection[str], now: datetime) -> Iterator[Datum]:
        """Days to the end of life, where it is known: 0 for a model that is gone, negative for one past its end.

        And how many of the models AWS tells nothing of: their ends are those of the deployed table, if it has one.
        """
        blind = bool(dropped(self.bedrock, "GetFoundationModel", _END_OF_LIFE))
        if blind:
            told = "boto3 of this runtime drops what AWS announces: ends of life are those of the deployed table"
            logger.error(told, extra={"field": _END_OF_LIFE})
        untold = 0
        for model_id in sorted(models):
            try:
                model = Model(model_id, region=self.region)
            except ModelError as error:
                logger.warning("end of life unknown", extra={"model": model_id, "reason": str(error)})
                untold += 1
                continue
            lifecycle = model.lifecycle
            try:
                end = self._announced_end(model.base_id)
                lifecycle = lifecycle if end is None else Lifecycle(end=end, removed=False)
                untold += blind
            except Exception as error:
                # Whatever it is: a refusal, a model that this Region has by profiles only, a time that nobody can read.
                logger.warning("AWS reports no end of life", extra={"model": model.base_id, "reason": reason(error)})
                untold += 1
            days = 0 if lifecycle.removed else lifecycle.days_left(now.date())
            if days is not None:
                yield self._datum(catalogue.DAYS_TO_END_OF_LIFE, days, now, ModelId=model_id)
        yield self._datum(catalogue.MODELS_WITHOUT_LIFECYCLE, untold, now)

    def _announced_end(self, foundation_model: str) -> date | None:
        """None: AWS says that none is announced.

        Raises:
            UntoldError: the answer holds no lifecycle.
        """
        # Assumption: end-of-life-announced
        found = self.bedrock.get_foundation_model(modelIdentifier=foundation_model)
        lifecycle = (found.get("modelDetails") or {}).get("modelLifecycle")
        if not isinstance(lifecycle, Mapping):
            raise UntoldError("the answer holds no modelLifecycle")
        end = lifecycle.get("endOfLifeTime")
        return None if end is None else end.date()

    def _datum(self, metric: catalogue.Metric, value: int, now: datetime, **dimensions: str) -> Datum:
        return of_application(metric, value, application=self.application, now=now, **dimensions)
