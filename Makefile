# Every target first makes what it needs (.ci/setup) and reuses what is there.
#   DEMO_ARGS, PYTEST_ARGS, BENCH_ARGS   words for `hv demo`, for pytest, for the benchmarks
#   MATRIX                               the tox environments of `make matrix` and `make test`
#   WORKERS                              how many tests of `make pytest` run at once
#   PYTHON                               the interpreter .venv is made with

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
# How many tests run at once; 0 runs them one after the other, in this process.
WORKERS ?= auto
MATRIX ?= py311,py312,py313,oldest,pluggy16,examples,docs

# pyenv's shims hide every version but the active one, so the versions themselves go on PATH for tox.
empty :=
space := $(empty) $(empty)
PYENV_BINS := $(wildcard $(HOME)/.pyenv/versions/3.1[1-9]*/bin)
TOX_PATH := $(subst $(space),:,$(strip $(PYENV_BINS) $(PATH)))

.PHONY: help demo test lint types format pytest matrix docs bench clean setup-run setup-dev

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | while IFS=$$'\t' read -r name text; do printf '  make %-8s %s\n' "$$name" "$$text"; done

demo: setup-run ## the tour: real LXC containers as root, an embedded hypervisor elsewhere
	@$(BIN)/hv demo $(DEMO_ARGS)

# The fast checks come first, and pytest's closing lines last.
test: lint types pytest matrix ## every test, with root and LXC the live ones too
	@echo; echo "== Summary"; cat .results/pytest.txt .results/matrix.txt

lint: setup-dev ## ruff: rules and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: setup-dev ## mypy and pyright, both strict
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python

format: setup-dev ## let ruff format, and mend what it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

pytest: setup-dev ## every test on this Python, from the checkout
	.ci/summarize .results/pytest.txt $(BIN)/pytest --numprocesses=$(WORKERS) $(PYTEST_ARGS)

matrix: setup-dev ## on the built wheel: every Python found, old dependencies, the example plugins, live as root, and the site
	@PATH='$(TOX_PATH)' .ci/summarize .results/matrix.txt $(BIN)/tox run -e $(MATRIX)

docs: setup-dev ## the documentation as a site in build/site; a warning is an error
	@$(BIN)/sphinx-build -q -W --keep-going -d build/doctrees -c docs . build/site
	@echo "docs: open build/site/index.html"

bench: setup-dev ## the benchmarks, with their ratios
	$(BIN)/pytest -s -m "" -o python_files='bench_*.py test_*.py' $(BENCH_ARGS) tests/bench

clean: ## remove environments, caches and builds
	rm -rf .venv .tox .results .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	find hvcore plugins tests docs -name __pycache__ -type d -prune -exec rm -rf {} +

setup-run:
	@.ci/setup run

setup-dev:
	@.ci/setup dev
