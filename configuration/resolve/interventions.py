"""Says which environment counts guardrail interventions in model calls: the one that logs the account's invocations."""

from collections.abc import Iterable

from bedrock_eval.alarms.kinds import MODEL_INTERVENTIONS
from configuration.schema.environment import Environment

_COUNTED = "interventions of guardrails in model calls"


def interventions_sentence(environment: Environment, others: Iterable[Environment]) -> str | None:
    """The sentence that `cdk synth` prints of an environment that does not count them itself; None when it does.

    Args:
        others: the environments of this synth, among which the account's owner may be.
    """
    if environment.logs_invocations:
        if environment.interventions_counted:
            return None
        why = "invocation_logging.text is false, so answers are not logged"
    elif environment.owns_account:
        why = 'invocation_logging.mode is "none", so calls are not logged'
    else:
        return f"{environment.name}: {_COUNTED} are counted {_by(environment, others)}"
    return f"{environment.name}: {_COUNTED} are not counted, and there is no alarm {MODEL_INTERVENTIONS.name}: {why}"


def _by(environment: Environment, others: Iterable[Environment]) -> str:
    """The environments of a synth need not be all that are deployed."""
    here = [
        other.name
        for other in others
        if other.region == environment.region
        and None not in (other.account, environment.account)
        and other.account == environment.account
        and other.logs_invocations
        and other.interventions_counted
    ]
    if here:
        return f"by {here[0]}, which logs the invocations of this account"
    return (
        f"by the environment that logs the invocations of this account, which is not in this synth; without one "
        f"{MODEL_INTERVENTIONS.name} never goes into alarm"
    )
