# okstra from a checkout. GNU make 3.81 (macOS) and newer; recipes in plain sh.
SHELL := /bin/sh

# What a person's shell exports for other Pythons and other installations has no place in this one.
unexport CDPATH BASH_ENV PYTHONHOME PYTHONPATH PYTHONSTARTUP PYTHONINSPECT PYTHONOPTIMIZE PYTHONUSERBASE PYTHONWARNINGS
unexport PIP_TARGET PIP_PREFIX PIP_ROOT PIP_USER PIP_PYTHON PIP_DRY_RUN PIP_NO_DEPS PIP_REQUIREMENT PIP_EDITABLE

PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
PIP ?= $(BIN)/python -m pip --disable-pip-version-check
# Whatever a pip.conf says.
HERE := --no-user --target=
# One worker more than cores: an end-to-end test waits for its processes more than it computes.
PYTEST_ARGS ?= -n $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
BATS := node_modules/bats/bin/bats
BATS_ARGS ?= --formatter pretty

BATS_FILES = $(wildcard tests/bats/*.bats)
BASH_FILES = $(wildcard bin/* lib/okstra-ctl/*.sh lib/okstra/runtime.sh validators/*.sh tests/bats/*.bash tests/upgrade/*.sh) .ci/run
SH_FILES = lib/okstra/git-guard.sh
PYTHON_FOLDERS = $(wildcard python tests bench validators demo/*.py)

# A test sees a throw-away home and a clean environment: nothing of the person's agents, git or okstra settings.
SEALED = sealed=$$(mktemp -d) && trap 'rm -rf "$$sealed"' EXIT && mkdir "$$sealed/home" && \
	sealed() { env -i PATH="$(CURDIR)/$(BIN):$$PATH" HOME="$$sealed/home" OKSTRA_HOME="$$sealed/home/.okstra" \
	TMPDIR="$${TMPDIR:-/tmp}" TERM="$${TERM:-dumb}" LANG="$${LANG:-C.UTF-8}" $${CI:+CI="$$CI"} "$$@"; } &&

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format bench fleet peers trust stress mutants clients pictures docs clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup: $(VENV)/.dev-ready node_modules/.ready ## make .venv and fetch all that tests and lint need

demo: $(VENV)/.ready ## play a task through all its phases in a throw-away repository
	@bin/okstra demo --verbose

test: setup ## run all tests: pytest's, and beside them those of the doors, with node and bats
	@$(SEALED) { failed=0; mkdir "$$sealed/doors"; \
	doors() { sealed HOME="$$sealed/doors" OKSTRA_HOME="$$sealed/doors/.okstra" "$$@"; }; \
	{ wrong=0; doors node --test tests/node/*.test.js || wrong=1; \
	doors $(BATS) $(BATS_ARGS) tests/bats || wrong=1; exit $$wrong; } >"$$sealed/doors.log" 2>&1 & beside=$$!; \
	sealed $(BIN)/python -m pytest $(PYTEST_ARGS) || failed=1; \
	wait "$$beside" || failed=1; \
	cat "$$sealed/doors.log"; \
	exit $$failed; }

lint: setup ## check style, types and shell
	$(BIN)/ruff check $(PYTHON_FOLDERS)
	$(BIN)/ruff format --check $(PYTHON_FOLDERS)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/shellcheck -x $(BASH_FILES) $(BATS_FILES) $(SH_FILES)
	$(BIN)/shfmt -d -i 2 -ci -ln bash $(BASH_FILES)
	$(BIN)/shfmt -d -i 2 -ci $(BATS_FILES) $(SH_FILES)

format: setup ## rewrite Python and shell in the project's style
	$(BIN)/ruff check --fix $(PYTHON_FOLDERS)
	$(BIN)/ruff format $(PYTHON_FOLDERS)
	$(BIN)/shfmt -w -i 2 -ci -ln bash $(BASH_FILES)
	$(BIN)/shfmt -w -i 2 -ci $(BATS_FILES) $(SH_FILES)

bench: setup ## measure, and print the table
	$(BIN)/python bench/run.py

fleet: setup ## play 20 stages on three nodes of this machine; kill one, cut one off
	@$(SEALED) sealed $(BIN)/python bench/fleet.py

peers: setup ## measure beside tools that do a like job; fetches them first (2 GB)
	$(BIN)/python bench/peers.py

trust: setup ## play the protocol with workers of known error rates
	$(BIN)/python bench/trust.py

stress: setup ## run the long tests: races, crashes, hostile files; keep their tables
	@$(SEALED) sealed OKSTRA_FIGURES="$${OKSTRA_FIGURES-docs/reliability.md}" \
	$${OKSTRA_KILL_ALL:+OKSTRA_KILL_ALL="$$OKSTRA_KILL_ALL"} $${OKSTRA_TEST_SEED:+OKSTRA_TEST_SEED="$$OKSTRA_TEST_SEED"} \
	$(BIN)/python -m pytest -m stress $(PYTEST_ARGS)

mutants: setup ## put small faults into the modules that decide, and see whether the tests see them
	@$(BIN)/python tests/mutants $(MUTANTS_ARGS)

clients: setup ## run the tests with the real claude, codex, gemini and agents of the protocol, against a scripted model; fetches them first
	@$(BIN)/python tests/clients/install.py
	@$(SEALED) sealed $(BIN)/python -m pytest $(PYTEST_ARGS) tests/clients

pictures: setup ## play the demo, and make the README's pictures of it
	$(BIN)/python demo/pictures.py

docs: setup ## write docs/reference from the code
	$(BIN)/python -m okstra_ctl.reference

clean: ## remove what setup and the tools made
	rm -rf $(VENV) node_modules .clients .peers build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find python tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The newest Python that is at least 3.10 and can make a venv. A version manager's shim may be there and not run.
$(BIN)/python:
	@command -v git >/dev/null 2>&1 || { \
	  echo "okstra: error: git is needed, and is not on PATH" >&2; \
	  echo "  try: install git 2.38 or newer" >&2; exit 69; }
	@for candidate in $(or $(PYTHON),python3.14 python3.13 python3.12 python3.11 python3.10 python3 python); do \
	  command -v "$$candidate" >/dev/null 2>&1 || continue; \
	  version=$$("$$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue; \
	  if ! "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then \
	    seen="$$seen $$candidate is Python $$version;"; \
	  elif ! "$$candidate" -c 'import ensurepip, venv' 2>/dev/null; then \
	    seen="$$seen $$candidate has no venv module (Debian, Ubuntu: apt install python3-venv);"; \
	  else \
	    echo "setup: $(VENV) with $$candidate, Python $$version"; \
	    exec "$$candidate" -m venv --clear $(VENV); \
	  fi; \
	done; \
	echo "okstra: error: setup found no Python 3.10 or newer that can make a venv" >&2; \
	echo "  where:$${seen:- no python3 on PATH that runs}" >&2; \
	echo "  try: install Python 3.10 or newer, or name one: make setup PYTHON=/path/to/python3" >&2; \
	exit 69

# Stamps, so that a second call is instant and needs no network.
$(VENV)/.ready: pyproject.toml $(BIN)/python
	$(PIP) install -qq $(HERE) -e .
	@touch $@

$(VENV)/.dev-ready: pyproject.toml $(BIN)/python
	$(PIP) install -qq $(HERE) -e '.[dev]'
	@touch $(VENV)/.ready $@

node_modules/.ready: package-lock.json
	@command -v npm >/dev/null 2>&1 || { \
	  echo "okstra: error: npm is needed to fetch bats, which tests the shell doors" >&2; \
	  echo "  try: install Node.js 18 or newer" >&2; exit 69; }
	npm ci --no-audit --no-fund --loglevel=error
	@touch $@
