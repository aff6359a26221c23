# ToolHerd's commands. `make` alone lists them.
# `make dataset`, `make train` and `make test` each work as the first command on a fresh clone: they make .venv themselves.

PYTHON := python3
APIS :=
NAME :=
MODEL :=
DATASET :=
METHOD :=
EPOCHS :=
ARGS :=
ROOM :=
SAMPLE := 60
SEED := 0
WORKERS := 2
TIMES := 5

VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python
# A stamp each: making data needs less than working on the code does, and training needs torch.
BASE := $(VENV)/.installed-base
DEV := $(VENV)/.installed-dev
TRAIN := $(VENV)/.installed-train
PIP := $(RUN) -m pip install --disable-pip-version-check -qq
LOCKED := $(PIP) --require-hashes --requirement requirements/base.txt
LINK := $(PIP) --no-deps --editable .
LOCK := $(wildcard requirements/*.txt)

# What `make lock` writes: for all systems and Python versions at once, with hashes, and without an index or a path.
COMPILE := $(RUN) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command 'make lock' pyproject.toml
ALL := $(VENV)/lock.txt
# torch and what comes with its CUDA builds only: which of these a box needs, its build of torch says.
TORCH := torch|triton|cuda-[a-z0-9-]+|nvidia-[a-z0-9-]+

.DEFAULT_GOAL := help
.PHONY: help setup setup-train lock dataset train test check format stress mutate bench bench-gpu audit up down deploy clean

help: ## List these commands
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo "  make dataset APIS=200 NAME=mine ARGS=\"--seed 1 --export\"   passes those on; APIS=all takes the whole catalogue"
	@echo "  make train MODEL=path METHOD=lora EPOCHS=1 DATASET=mine   and ARGS=, as python -m flows.train --help tells"
	@echo "  make setup PYTHON=python3.12                              picks the interpreter (3.11 to 3.13)"

setup: $(DEV) ## Install everything for work on the code into .venv
	@echo "$(VENV) is ready: $$($(RUN) --version)"

setup-train: $(DEV) $(TRAIN) ## Install what training needs into .venv as well: torch and all
	@echo "$(VENV) can train: torch $$($(RUN) -c 'import importlib.metadata as m; print(m.version("torch"))')"

lock: | $(RUN) ## Pin what pyproject.toml asks for, with hashes; ARGS=--upgrade takes newer versions
	@$(PIP) uv
	@cat requirements/*.txt >$(ALL)
	@$(COMPILE) --output-file $(ALL) --all-extras $(ARGS)
	@$(COMPILE) --output-file requirements/base.txt --constraint $(ALL)
	@$(COMPILE) --output-file requirements/dev.txt --constraint $(ALL) --extra dev \
		$$(sed -En 's/^([a-z0-9-]+)==.*/--no-emit-package \1/p' requirements/base.txt)
	@$(COMPILE) --output-file requirements/train.txt --constraint $(ALL) --extra train \
		$$(sed -En 's/^([a-z0-9-]+)==.*/--no-emit-package \1/p' requirements/base.txt) \
		$$(sed -En 's/^($(TORCH))==.*/--no-emit-package \1/p' $(ALL))
	@{ echo '# Without hashes: its builds for CPUs and GPUs differ.'; sed -En 's/^(torch==[0-9.]+).*/\1/p' $(ALL); } \
		>requirements/torch.txt

dataset: $(BASE) ## Make a dataset with the embedded teacher: no key, no GPU
	@$(RUN) -m flows.build_dataset $(if $(APIS),--apis '$(APIS)') $(if $(NAME),--name '$(NAME)') $(ARGS)

train: $(TRAIN) ## Fine-tune a model on the newest dataset; needs a GPU, or ARGS=--cpu
	@$(RUN) -m flows.train $(if $(MODEL),--model '$(MODEL)') $(if $(DATASET),--dataset '$(DATASET)') \
		$(if $(METHOD),--method '$(METHOD)') $(if $(EPOCHS),--epochs '$(EPOCHS)') $(if $(NAME),--name '$(NAME)') $(ARGS)

test: $(DEV) ## Run the tests; those of training are skipped without `make setup-train`
	@$(RUN) -m pytest $(ARGS)

check: $(DEV) ## All that CI checks: format, lint, types, import rules, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(RUN) -m pytest -n auto --maxprocesses 4 --dist loadgroup $(ARGS)

format: $(DEV) ## Format the code and mend what the linter can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

stress: $(DEV) ## Run the tests TIMES=5 times, in random orders, beside busy processes
	@$(RUN) -m tests.stress $(TIMES) $(ARGS)

mutate: $(DEV) ## Plant mistakes in a room and say which its tests miss: ROOM=quality SAMPLE=60 SEED=0
	@$(RUN) -m tests.mutation '$(ROOM)' --sample $(SAMPLE) --seed $(SEED) --workers $(WORKERS) $(ARGS)

bench: $(DEV) ## Measure: one JSON object a line
	@$(RUN) -m tests.benchmarks $(ARGS)

bench-gpu: $(TRAIN) ## Measure training on a GPU: one JSON object a line
	@$(RUN) -m tests.benchmarks.gpu $(ARGS)

audit: $(DEV) ## Look all pinned packages up in a database of known vulnerabilities
	@$(RUN) -m tests.audit $(ARGS)

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

$(BASE): pyproject.toml $(LOCK) | $(RUN)
	@echo "Installing ToolHerd into $(VENV) (pinned, with hashes; about a minute) ..."
	@$(LOCKED)
	@$(LINK)
	@touch $@

$(DEV): pyproject.toml $(LOCK) | $(RUN)
	@echo "Installing ToolHerd and its development tools into $(VENV) (pinned, with hashes; about a minute) ..."
	@$(LOCKED) --requirement requirements/dev.txt
	@$(LINK)
	@touch $(BASE) $@

# torch comes last and without hashes: its builds for CPUs and GPUs differ, and so does what each of them needs. Nothing
# but torch is missing then, so that no resolving is left to do.
$(TRAIN): pyproject.toml $(LOCK) | $(RUN)
	@echo "Installing what training needs into $(VENV) (torch and its libraries: gigabytes where there is a GPU) ..."
	@$(LOCKED) --no-deps --requirement requirements/train.txt
	@$(PIP) --requirement requirements/torch.txt
	@$(LINK)
	@touch $(BASE) $@
