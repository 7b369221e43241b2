# `make help` lists the targets. Each does its own set-up in .venv.

PORT ?= 8000
VENV := .venv
FITS := -c 'import sys; sys.exit(sys.version_info < (3, 11))'
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	"$$name" $(FITS) 2>/dev/null && { echo "$$name"; break; }; done)

FAST := not postgres and not redis and not browser and not node and not slow

.PHONY: help demo test test-fast coverage lint fix bench goldens audit

help:  ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.served  ## Serve the demo newsroom at http://127.0.0.1:8000/graphiql (PORT=8080 for another port)
	@$(VENV)/bin/contentql serve --demo --port $(PORT)

test: $(VENV)/.tested  ## Run the whole suite on SQLite, PostgreSQL and Valkey
	@$(VENV)/bin/pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

test-fast: $(VENV)/.tested  ## Run the tests that need only SQLite
	@$(VENV)/bin/pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder -m "$(FAST)"

coverage: $(VENV)/.tested  ## Run the fast tests and print the coverage of every module
	@$(VENV)/bin/pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder -m "$(FAST)" --cov --cov-report term:skip-covered

lint: $(VENV)/.tested  ## Check style, types and import layers
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports

fix: $(VENV)/.tested  ## Format the code and apply safe fixes
	@$(VENV)/bin/ruff check --fix --quiet .
	@$(VENV)/bin/ruff format --quiet .

bench: $(VENV)/.tested  ## Measure speed against hand-written SQL
	@$(VENV)/bin/contentql bench

goldens: $(VENV)/.tested  ## Rewrite schema.graphql, the golden files of the planner and the tables in docs/
	@$(VENV)/bin/contentql schema > schema.graphql
	@$(VENV)/bin/pytest tests/planner/test_goldens.py --rewrite-goldens
	@$(VENV)/bin/pytest tests/test_docs.py -k generated_table --rewrite-goldens

audit: $(VENV)/audit/bin/pip-audit  ## Look up the pinned packages in the database of known vulnerabilities
	@# --strict: a package that the database does not know is an error, not a package without vulnerabilities.
	@$< --strict --requirement constraints.txt --no-deps --disable-pip --progress-spinner off

$(VENV)/audit/bin/pip-audit:
	@"$(PYTHON)" -m venv $(VENV)/audit
	@$(VENV)/audit/bin/pip install --quiet --disable-pip-version-check 'pip-audit>=2.10,<3'

$(VENV)/.served: pyproject.toml constraints.txt
	@"$(PYTHON)" $(FITS) 2>/dev/null \
		|| { echo "contentql needs Python 3.11 or newer; name one with: make demo PYTHON=/path/to/python3"; exit 1; }
	@echo "Setting up in $(VENV) …"
	@"$(PYTHON)" -m venv $(VENV)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.tested: $(VENV)/.served
	@echo "Setting up what the tests need …"
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@
