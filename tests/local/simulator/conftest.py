"""One emulator for these tests, with recorded answers of some models; every test starts without faults."""

import json
import uuid
from collections.abc import Iterator

import botocore.client
import pytest

from local.process import running_emulator
from tests.support.local.simulator import Simulator, recorded_answers
from tests.support.paths import EMULATOR


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    directory = tmp_path_factory.mktemp("simulator")
    answers = directory / "answers.jsonl"
    answers.write_text("".join(json.dumps(line) + "\n" for line in recorded_answers()))
    config = directory / "simulator.json"
    config.write_text(json.dumps({"answers": ["answers.jsonl"], "seed": 7}))
    with running_emulator(interpreter=EMULATOR, simulator_config=config, directory=directory) as endpoint:
        yield Simulator(endpoint)


@pytest.fixture
def simulator(emulator: Simulator) -> Simulator:
    emulator.configure(
        faults={}, sleep_share=0, default_latency_ms=800, seed=7, fail_first_logging_puts=0, publishing={}
    )
    emulator.forget_calls()
    return emulator


@pytest.fixture
def runtime(simulator: Simulator) -> botocore.client.BaseClient:
    return simulator.client("bedrock-runtime")


@pytest.fixture
def bedrock(simulator: Simulator) -> botocore.client.BaseClient:
    return simulator.client("bedrock")


@pytest.fixture
def log_group(simulator: Simulator) -> Iterator[str]:
    """A log group of its own, and no logging setting afterwards."""
    logs = simulator.client("logs")
    name = f"/test/{uuid.uuid4().hex[:8]}"
    logs.create_log_group(logGroupName=name)
    yield name
    simulator.client("bedrock").delete_model_invocation_logging_configuration()
    logs.delete_log_group(logGroupName=name)
