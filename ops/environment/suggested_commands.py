"""Commands that messages tell people to run, as they can be pasted."""

from environments.schema import Environment


def deploy(environment: Environment) -> str:
    """What deploys an environment: `local` is deployed to the emulator by `make up`, and again after an edit."""
    return "make up" if environment.stand_in else f"cdk deploy '{environment.name}/*'"


def list_runs(environment: Environment) -> str:
    """What lists the runs of an environment."""
    return f"python -m ops runs list --env {environment.name}"


def jobs(environment: Environment, action: str, evaluation: str) -> str:
    """What does something with the jobs of an evaluation."""
    return f"python -m ops jobs {action} --env {environment.name} {evaluation}"
