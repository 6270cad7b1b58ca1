"""A configuration that cannot be right keeps the emulator from starting, with one line that says why."""

import json
from pathlib import Path

import pytest

from local.process import EmulatorError, running_emulator
from tests.support.paths import EMULATOR


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"sed": 7}, "simulator.json: unknown key 'sed'; allowed: answers, seed"),
        ({"answers": ["bad.jsonl"]}, "bad.jsonl:1: 'prompt' is missing"),
    ],
)
def test_the_emulator_does_not_start(tmp_path: Path, document: object, words: str) -> None:
    (tmp_path / "bad.jsonl").write_text('{"modelId": "a.b"}\n')
    config = tmp_path / "simulator.json"
    config.write_text(json.dumps(document))
    with (
        pytest.raises(EmulatorError) as caught,
        running_emulator(interpreter=EMULATOR, simulator_config=config, directory=tmp_path / "run"),
    ):
        pass
    assert words in str(caught.value)
    assert "Traceback" not in str(caught.value)
