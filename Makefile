# `make help` lists the targets. Everything runs in .venv, which is made when it is missing and reused when it is not.
PYTHON ?= python3
VENV   := .venv
WORKFLOW := .venv-workflow
BIN    := $(VENV)/bin
export PATH := $(abspath $(BIN)):$(PATH)

# Settings for `make paper`, e.g. `make paper PROFILE=compact DATASETS=camvid LOSSES=ce,pat STEPS=300 ONLY=table3`
KEYS     := profile datasets losses models seeds steps size batch_size lr width depth encoder splits void device devices precision determinism tracker jobs workers threads eval_every checkpoint_every data runs figures
upper     = $(shell printf %s '$(1)' | tr a-z A-Z)
typed     = $(if $(findstring command,$(origin $(1))),$($(1)))
GIVEN    := $(foreach k,$(KEYS),$(if $(call typed,$(call upper,$(k))),$(k)='$(call typed,$(call upper,$(k)))'))
OPTIONS  := $(foreach k,$(KEYS),$(if $(call typed,$(call upper,$(k))),--$(subst _,-,$(k)) '$(call typed,$(call upper,$(k)))')) $(if $(ONLY),--only '$(ONLY)') $(if $(DRY_RUN),--dry-run) $(if $(FROM_RESULTS),--from-results)

ifdef PAT_NB_DATA
export PAT_NB_DATA := $(abspath $(PAT_NB_DATA))
endif

.PHONY: help env paper workflow bench test check export lab render clean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'
	@echo "  Settings go behind a target: make paper PROFILE=compact DATASETS=camvid STEPS=300"

env: $(VENV)/.ready ## make .venv with everything (about 6 GB with a CUDA build of torch)

$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "pat_nb needs Python 3.11 or newer, and $(PYTHON) is %d.%d. Name another: make PYTHON=python3.12" % sys.version_info[:2])'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV); the first time takes some minutes."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]' -c constraints.txt
	@touch $@

preflight:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit(0); from pat_nb.settings import preflight; preflight()' $(GIVEN)

paper: preflight env ## train what is missing and make every table and figure (smoke scale unless PROFILE says otherwise)
	@$(BIN)/pat-nb paper $(OPTIONS)

workflow: env $(WORKFLOW)/.ready ## make .venv-workflow with Snakemake, to do the runs as jobs of a cluster (workflow/README.md)

$(WORKFLOW)/.ready: workflow/constraints.txt
	@test -x $(WORKFLOW)/bin/python || $(PYTHON) -m venv $(WORKFLOW)
	@echo "Installing Snakemake into $(WORKFLOW)."
	@$(WORKFLOW)/bin/python -m pip install --quiet --disable-pip-version-check snakemake snakemake-executor-plugin-slurm -c workflow/constraints.txt
	@touch $@

bench: env ## measure time and memory of all losses, with the peers installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]' -c constraints.txt
	@$(BIN)/pat-nb bench losses

test: env ## run every check and every notebook, and install the wheel elsewhere
	@$(BIN)/python .ci/test.py

check: env ## the quick part of the tests: notebooks clean and exported, lint, structure
	@$(BIN)/python .ci/test.py --quick

export: env ## write pat_nb/ from the notebooks and clean them
	@$(BIN)/nbdev-export && $(BIN)/nbdev-clean

lab: env ## open the notebooks in JupyterLab
	@cd nbs && ../$(BIN)/jupyter lab

render: env ## execute the library notebooks and store their outputs, for reading them online
	@OMP_NUM_THREADS=1 $(BIN)/nbdev-test nbs --file_re '^[0-9]' --save && $(BIN)/nbdev-clean

clean: ## remove the environments and caches; data, runs and figures stay
	@rm -rf $(VENV) $(WORKFLOW) .snakemake build dist *.egg-info .ruff_cache
