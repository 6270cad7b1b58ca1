"""Copies of the files that this repository ships, so that no test of behaviour depends on what users edit.

`tests/files/` changes when what is shipped changes; `environments/` and `datasets/` are the user's.
"""

from tests.support.paths import ROOT

FILES = ROOT / "tests" / "files"
ENVIRONMENTS = FILES / "environments"
NAMES = ("dev", "staging", "prod", "local")
DATASET = FILES / "datasets" / "customer-support.jsonl"
SOURCE = "tests/files/datasets/customer-support.jsonl"
"""`DATASET` as an environment file names it."""
ANSWERS = DATASET.with_suffix(".answers.jsonl")
