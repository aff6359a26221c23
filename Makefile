# ToolHerd's commands. `make` alone lists them.
# `make dataset` and `make test` each work as the first command on a fresh clone: they make .venv themselves.

PYTHON := python3
APIS :=
NAME :=
ARGS :=

VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python
# Two stamps: making data needs less than working on the code does.
BASE := $(VENV)/.installed-base
DEV := $(VENV)/.installed-dev
INSTALL := $(RUN) -m pip install --disable-pip-version-check -qq --constraint constraints.txt --editable

.DEFAULT_GOAL := help
.PHONY: help setup dataset test check format bench up down deploy clean

help: ## List these commands
	@awk 'BEGIN { FS = ":.*## " } /^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo "  make dataset APIS=200 NAME=mine ARGS=\"--seed 1 --export\"   passes those on; APIS=all takes the whole catalogue"
	@echo "  make setup PYTHON=python3.12                              picks the interpreter (3.11 to 3.13)"

setup: $(DEV) ## Install everything for work on the code into .venv
	@echo "$(VENV) is ready: $$($(RUN) --version)"

dataset: $(BASE) ## Make a dataset with the embedded teacher: no key, no GPU
	@$(RUN) -m flows.build_dataset $(if $(APIS),--apis '$(APIS)') $(if $(NAME),--name '$(NAME)') $(ARGS)

test: $(DEV) ## Run the tests
	@$(RUN) -m pytest $(ARGS)

check: $(DEV) ## All that CI checks: format, lint, types, import rules, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(RUN) -m pytest $(ARGS)

format: $(DEV) ## Format the code and mend what the linter can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(DEV) ## Measure: one JSON object a line
	@$(RUN) -m tests.benchmarks $(ARGS)

up: $(BASE) ## Start the local Prefect server, or say where it is
	@$(RUN) -m flows.server up

down: ## Stop the local Prefect server
	@if [ -x $(RUN) ]; then $(RUN) -m flows.server down; fi

deploy: $(BASE) ## Deploy the flows to the local Prefect server, work pool included
	@$(RUN) -m deployments.bootstrap

clean: down ## Remove what can be made again: .venv, caches, Prefect's records; never data/
	rm -rf $(VENV) .prefect build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUN):
	@command -v '$(PYTHON)' >/dev/null || { echo "There is no '$(PYTHON)' here. Name a Python 3.11, 3.12 or 3.13: make setup PYTHON=/path/to/python3" >&2; exit 2; }
	@'$(PYTHON)' -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
		echo "ToolHerd needs Python 3.11, 3.12 or 3.13; '$(PYTHON)' is $$('$(PYTHON)' --version 2>&1). Name another: make setup PYTHON=python3.12" >&2; exit 2; }
	@'$(PYTHON)' -m venv --clear $(VENV)

$(BASE): pyproject.toml constraints.txt | $(RUN)
	@echo "Installing ToolHerd into $(VENV) (pinned by constraints.txt; about a minute) ..."
	@$(INSTALL) .
	@touch $@

$(DEV): pyproject.toml constraints.txt | $(RUN)
	@echo "Installing ToolHerd and its development tools into $(VENV) (pinned by constraints.txt; about a minute) ..."
	@$(INSTALL) '.[dev]'
	@touch $(BASE) $@
