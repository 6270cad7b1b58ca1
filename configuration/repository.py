"""Where the repository lies: the paths of dataset files and generated files are relative to it."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
