# `make help` lists the targets. Everything runs in .venv, which `make` creates if it is missing.
PYTHON ?= python3
VENV   := .venv
WORKFLOW := .venv-workflow
BIN    := $(VENV)/bin
export PATH := $(abspath $(BIN)):$(PATH)

# Options of `make paper`: ARGS="--profile compact --size 96x128", or short PROFILE= DATASETS= LOSSES= SEEDS= STEPS= ONLY= and FROM_RESULTS=1
upper   = $(shell printf %s '$(1)' | tr a-z A-Z)
option  = $(if $(findstring command,$(origin $(2))),--$(1) '$($(2))')
OPTIONS = $(foreach k,profile datasets losses seeds steps only,$(call option,$(k),$(call upper,$(k)))) $(if $(FROM_RESULTS),--from-results) $(ARGS)

# Tests see no setting of the environment but PAT_NB_DATA, and use one thread per process.
TEST_ENV = env $(patsubst %,-u %,$(filter-out PAT_NB_DATA,$(filter PAT_NB_%,$(.VARIABLES)))) OMP_NUM_THREADS=1 $(if $(CUDA),,TRITON_INTERPRET=1)
CUDA     = $(eval CUDA := $$(shell $(BIN)/python -c 'import torch; print("cuda" if torch.cuda.is_available() else "")'))$(CUDA)

ifdef PAT_NB_DATA
export PAT_NB_DATA := $(abspath $(PAT_NB_DATA))
endif

.PHONY: help env paper workflow bench test test-browser test-integrations check export lab hooks render docs clean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-17s %s\n", $$1, $$2}'
	@echo '  Options of pat-nb paper: make paper ARGS="--profile compact --datasets camvid --steps 300"'

env: $(VENV)/.ready ## make .venv with everything (about 6 GB with a CUDA build of torch)

$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "pat_nb needs Python 3.11 or newer, and $(PYTHON) is %d.%d. Name another: make PYTHON=python3.12" % sys.version_info[:2])'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV); the first time takes some minutes."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]' -c constraints.txt
	@touch $@

preflight:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit(0); from pat_nb.cli import preflight; sys.exit(preflight())' paper $(OPTIONS)

paper: preflight env ## train the missing runs and make every table and figure (profile smoke by default)
	@$(BIN)/pat-nb paper $(OPTIONS)

workflow: env $(WORKFLOW)/.ready ## make .venv-workflow with Snakemake, which submits the runs as jobs to a cluster (workflow/README.md)

$(WORKFLOW)/.ready: workflow/constraints.txt
	@test -x $(WORKFLOW)/bin/python || $(PYTHON) -m venv $(WORKFLOW)
	@echo "Installing Snakemake into $(WORKFLOW)."
	@$(WORKFLOW)/bin/python -m pip install --quiet --disable-pip-version-check snakemake snakemake-executor-plugin-slurm -c workflow/constraints.txt
	@touch $@

bench: env ## measure time and memory of all losses, and of the libraries to compare with
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]' -c constraints.txt
	@$(BIN)/pat-nb bench losses

test: env ## execute every notebook, then run every test
	@status=0; \
	$(TEST_ENV) $(BIN)/python tests/render.py --test --flags "slow $(if $(PAT_NB_DATA),data) $(CUDA)" || status=1; \
	$(TEST_ENV) $(BIN)/pytest || status=1; \
	exit $$status

test-integrations: env ## install mmsegmentation, nnU-Net, MONAI, Transformers and Lightning, and train with each
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[integrations]' -c constraints.txt
	@$(TEST_ENV) $(BIN)/pytest tests/integrations

test-browser: env ## run notebooks in JupyterLab in headless Chromium (Chromium must be installed)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[browser]' -c constraints.txt
	@$(TEST_ENV) $(BIN)/pytest tests/browser

check: env ## the quick tests: notebooks clean and exported, ruff, mypy, structure
	@$(TEST_ENV) $(BIN)/pytest --quiet -m "not slow" tests/test_structure.py tests/test_export.py tests/test_readme.py
	@$(BIN)/mypy

export: env ## write pat_nb/ from the notebooks and clean them
	@$(BIN)/nbdev-export && $(BIN)/nbdev-clean

lab: env ## open the notebooks in JupyterLab
	@cd nbs && PYTHONPATH=$(CURDIR)/tests ../$(BIN)/jupyter lab --ContentsManager.pre_save_hook=notebook_filter.pre_save

hooks: ## install a Git filter that ignores the outputs of notebooks run in other editors
	@git config filter.notebook.clean '$(PYTHON) tests/notebook_filter.py %f'

render: env ## execute the notebooks and store their outputs, for reading them online: ARGS="nbs/paper --fresh"
	@$(TEST_ENV) $(BIN)/python tests/render.py $(ARGS)

docs: env ## build the documentation site: docs/_build/html/index.html
	@$(BIN)/sphinx-build -q -W --keep-going -j auto -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

clean: ## remove the environments and caches; data, runs and figures stay
	@rm -rf $(VENV) $(WORKFLOW) .snakemake build dist docs/_build docs/_generated *.egg-info .ruff_cache .mypy_cache .pytest_cache .hypothesis
