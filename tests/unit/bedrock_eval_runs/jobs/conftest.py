"""A deployed evaluation by jobs."""

import json

import pytest

from tests.support.runs.jobs import DATA, PROMPTS, World


@pytest.fixture
def world() -> World:
    """Deployed, with twelve cases."""
    made = World()
    made.deploy()
    lines = [json.dumps({"prompt": prompt, "referenceResponse": "r", "category": "all"}) for prompt in PROMPTS]
    made.s3.put_object(Bucket=DATA, Key="datasets/questions.jsonl", Body="\n".join(lines).encode())
    return made
