"""Writes the generated files; with `--check` it fails when one is stale."""

import sys

from configuration.generate.files import main

if __name__ == "__main__":
    sys.exit(main())
