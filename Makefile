# `make demo` serves the demo newsroom, `make test` runs the whole suite; each does its own set-up in .venv.

PORT ?= 8000
VENV := .venv
FITS := -c 'import sys; sys.exit(sys.version_info < (3, 11))'
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	"$$name" $(FITS) 2>/dev/null && { echo "$$name"; break; }; done)

.PHONY: demo test lint bench goldens

demo: $(VENV)/.served
	@$(VENV)/bin/contentql serve --demo --port $(PORT)

test: $(VENV)/.tested
	@$(VENV)/bin/pytest

lint: $(VENV)/.tested
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports

bench: $(VENV)/.tested
	@$(VENV)/bin/contentql bench

goldens: $(VENV)/.tested
	@$(VENV)/bin/contentql schema > schema.graphql
	@$(VENV)/bin/pytest tests/planner/test_goldens.py --rewrite-goldens

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
