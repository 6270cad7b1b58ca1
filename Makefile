# Two commands do everything on a machine with Python 3.11+ and make: `make run` and `make test`.
# Everything is installed into this folder, from the registries that pip and npm are configured for.

PYTHON ?= python3
BIN := .venv/bin
# --no-compile: aws-cdk-lib has thousands of modules of which we import a few; Python compiles those when they are used.
PIP_INSTALL := install --quiet --quiet --disable-pip-version-check --no-compile
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Where it is set, every run of pytest would compile the tests again.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help install run up down test lint unit repository ops parity infrastructure emulator system pages bench snapshots wheels generate lock clean

help: ## list the commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

install: .venv/installed .venv/oldest-sdk/installed .venv-emulator/installed node_modules/installed ## install everything (done by the others)

.venv/installed: pyproject.toml requirements.txt requirements-dev.txt constraints.txt lambda/pyproject.toml constructs/pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"Python 3.11 or newer is needed, {sys.executable} is {v[0]}.{v[1]}: make PYTHON=/path/to/python3.11 ...")'
	@echo "Installing the project's packages into .venv (once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip $(PIP_INSTALL) -r requirements-dev.txt
	@touch $@

.venv/oldest-sdk/installed: requirements-oldest-sdk.txt .venv/installed
	@echo "Installing the oldest boto3 of a Lambda runtime beside the pinned one (once)"
	@$(BIN)/python -m pip $(PIP_INSTALL) --upgrade --no-deps --target .venv/oldest-sdk -r requirements-oldest-sdk.txt
	@touch $@

.venv-emulator/installed: local/emulator/requirements.txt
	@echo "Installing the AWS emulator into .venv-emulator (once)"
	@test -x .venv-emulator/bin/python || $(PYTHON) -m venv .venv-emulator
	@.venv-emulator/bin/python -m pip $(PIP_INSTALL) -r local/emulator/requirements.txt
	@touch $@

node_modules/installed: package.json package-lock.json .venv/installed
	@echo "Installing the CDK CLI into node_modules (once)"
	@$(BIN)/npm ci --silent --no-audit --no-fund
	@touch $@

run: install ## deploy `local` to the emulator, evaluate, read everything back (DATASET= ANSWERS= MODELS= for your own data)
	@$(BIN)/python -m local run $(if $(DATASET),--dataset "$(DATASET)") $(if $(ANSWERS),--answers "$(ANSWERS)") $(if $(MODELS),--models "$(MODELS)")

up: install ## the same deployment, kept running for exploring
	@$(BIN)/python -m local up

down: install ## stop what `make up` started
	@$(BIN)/python -m local down

test: lint unit repository ops parity infrastructure emulator system pages ## everything that CI checks

lint: install ## ruff, vulture (dead code), mypy, generated files
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || (echo "Format with: .venv/bin/ruff format ."; exit 1)
	@$(BIN)/vulture
	@$(BIN)/mypy --no-error-summary lambda/bedrock_eval lambda/bedrock_eval_runs lambda/bedrock_eval_functions constructs/bedrock_eval_cdk configuration stacks local ops bench examples app.py
	@$(BIN)/python -m configuration.generate --check
	@$(BIN)/python -m examples.reference --check
	@$(BIN)/python -m ops.reference --check

unit: install ## Lambda code and the core, some seconds
	@$(BIN)/python -m pytest tests/unit

repository: install ## commands in documents, the workflow, what is left after a user's edits
	@$(BIN)/python -m pytest tests/repository

ops: install ## the command line for day 2
	@$(BIN)/python -m pytest tests/ops

parity: install ## our numbers against reference implementations
	@$(BIN)/python -m pytest tests/parity

infrastructure: install ## environments, templates, snapshots, cdk-nag, cfn-lint
	@$(BIN)/python -m pytest tests/test_layout.py tests/configuration tests/infrastructure

emulator: install ## the emulator's patches and the Bedrock simulator
	@$(BIN)/python -m pytest tests/local

system: install ## deployed on the emulator: run, re-run, kill and resume, destroy
	@$(BIN)/python -m pytest tests/system

pages: install ## the report in headless Chromium
	@$(BIN)/python -m pytest tests/pages

bench: install ## how fast the core is, as ratios
	@$(BIN)/python -m bench

snapshots: install ## accept the templates of environments/ as they are now
	@$(BIN)/python -m pytest tests/infrastructure/test_snapshots.py --snapshot-update

wheels: .venv/installed ## both distributions into build/wheels, for other teams' CDK apps
	@# From a copy: setuptools leaves a build folder beside the sources.
	@rm -rf build/wheels build/sources && mkdir -p build/sources && cp -RL lambda constructs build/sources
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir build/wheels build/sources/lambda build/sources/constructs
	@ls build/wheels

generate: install ## environments/schema.json, docs/configuration.md, docs/alarms.md, docs/constructs.md and docs/command-line.md
	@$(BIN)/python -m configuration.generate
	@$(BIN)/python -m examples.reference
	@$(BIN)/python -m ops.reference

lock: install ## renew constraints.txt and package-lock.json after changing a pin
	@(head -1 constraints.txt; $(BIN)/python -m pip freeze --exclude-editable) > constraints.new && mv constraints.new constraints.txt
	@$(BIN)/npm install --package-lock-only --silent --no-audit --no-fund

clean: ## remove what was built, keep what was installed
	@rm -rf build cdk.out .pytest_cache .mypy_cache .ruff_cache .hypothesis
