"""Commands that messages suggest, as they can be pasted."""

from configuration.schema.environment import Environment


def deploy(environment: Environment) -> str:
    """Deploy an environment: `local` is deployed to the emulator by `make up`, and again after an edit."""
    return "make up" if environment.stand_in else f"cdk deploy '{environment.name}/*'"


def list_runs(environment: Environment) -> str:
    """List the runs of an environment."""
    return f"bedrock-eval runs list --env {environment.name}"


def run(environment: Environment, evaluation: str) -> str:
    """Start an evaluation."""
    return f"bedrock-eval run {evaluation} --env {environment.name}"


def follow(environment: Environment, evaluation: str, run_id: str) -> str:
    """Follow a run that goes on."""
    return f"bedrock-eval run {evaluation} --env {environment.name} --follow {run_id}"


def jobs(environment: Environment, action: str, evaluation: str) -> str:
    """Do something with the jobs of an evaluation."""
    return f"bedrock-eval jobs {action} {evaluation} --env {environment.name}"


def write_prices(environment: Environment) -> str:
    """Bring the rates of an environment up to date."""
    return f"bedrock-eval prices --env {environment.name} --write"
