# Everything lives in .venv and .data; `make demo` and `make test` are all that a new user needs.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= python3
BIN := .venv/bin
# At least three: journeys wait for Terraform, Terraform for AWS.
TESTS := $(BIN)/python -m pytest -n $(shell n=$$(nproc); echo $$((n < 3 ? 3 : n))) --dist worksteal

.PHONY: setup demo test test-all lint faults bench lock clean

setup: .venv/.installed

.venv/.installed: requirements.lock pyproject.toml
	@echo "Setting up .venv (once; about two minutes) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup
	@$(BIN)/stackyard demo $(ARGS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: setup lint
	$(TESTS) $(ARGS)

# Also the stories that take minutes each.
test-all: setup lint
	$(TESTS) -m "" $(ARGS)

# Every stage meets every fault; a table is printed at the end. About 20 minutes on 4 cores.
faults: setup
	STACKYARD_FAULTS=all $(TESTS) -m "" tests/acceptance/test_faults.py $(ARGS)

bench: setup
	$(BIN)/python -m bench $(ARGS)

lock:
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-header \
	  --no-annotate --group dev --group hcl-oracles pyproject.toml -o requirements.lock

clean:
	rm -rf .venv .data
