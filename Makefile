# Two commands do all the set-up on a fresh machine: `make demo` and `make test`.
# They need make and a Python of 3.11 or later; what they install goes into .venv.

# Another interpreter than the newest one found: make PYTHON=PATH test
PYTHON ?=
# What pytest is given: make test ARGS="tests/vault -x"
ARGS ?=

BIN := .venv/bin
# The last of them has each of some hundred processes compile all that it imports anew.
unexport PYTHONPATH PYTHONHOME PYTHONSAFEPATH PYTHONDONTWRITEBYTECODE
# pyright runs on the Node.js of its wheel and asks nobody for news.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

# NAME, COMMAND, ADVICE: says the name, and what the command said only where it failed.
checked = @printf '%s\n' '$(1)'; said=$$($(2) 2>&1) || { printf '%s\n' "$$said" '$(3)' >&2; exit 1; }

.DEFAULT_GOAL := help
.PHONY: help demo test check check-style check-mypy check-pyright check-rest docs format bench screenshots soak lock clean install-run install-dev

help: ## list what can be made
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/make \1\t\2/p' Makefile | expand -t 18

demo: install-run ## install the plugin and do its main job against the simulated Clientary
	@$(BIN)/clientary demo

test: install-dev ## install the test set, what drives it where that can be done, and run every test
	@.ci/browser
	@.ci/node
	@$(BIN)/python -m pytest --numprocesses auto --dist worksteal $(ARGS)

check: check-style check-mypy check-pyright check-rest ## look at the code without running it: style, types, import contracts, documents

check-style: install-dev
	$(call checked,ruff,$(BIN)/ruff check .)
	$(call checked,ruff format,$(BIN)/ruff format --check .,lay it out: make format)

check-mypy: install-dev
	$(call checked,mypy,$(BIN)/mypy)

check-pyright: install-dev
	$(call checked,pyright,$(BIN)/pyright --pythonpath $(BIN)/python --warnings)

check-rest: install-dev
	$(call checked,import contracts,$(BIN)/lint-imports --no-logo)
	$(call checked,manifest,$(BIN)/clientary manifest check manifests/clientary.json)
	$(call checked,manifest layout,$(BIN)/clientary manifest format --check manifests/clientary.json,lay it out: make format)
	$(call checked,documents,$(BIN)/python -m tests.packaging.documents --check,write them: make docs)

docs: install-dev ## write what is generated anew: parts of both README.md, the examples of the API
	@$(BIN)/python -m tests.packaging.documents
	@$(BIN)/python -m tests.console.api_day

format: install-dev ## lay out the code and the manifests
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .
	@$(BIN)/clientary manifest format manifests/clientary.json

bench: install-dev ## measure, and write the table of numbers in README.md
	@$(BIN)/python -m tests.benchmarks --readme $(ARGS)

screenshots: install-dev ## take the pictures of the README; ARGS=FOLDER takes every page
	@$(BIN)/python -m tests.console.screenshots $(ARGS)

soak: install-dev ## run the long campaigns: kills, bit flips, the model of the vault, revokes, calls
	@$(BIN)/python -m tests.soak $(ARGS)

lock: ## choose the pinned versions anew, from what pyproject.toml admits
	@.ci/lock

clean: ## remove everything that was made
	@rm -rf .venv .venv-* dist build .coverage .coverage.* htmlcov .mypy_cache .ruff_cache \
	  .pytest_cache .hypothesis .import_linter_cache .benchmarks
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

install-run:
	@.ci/install run .venv $(PYTHON)

install-dev:
	@.ci/install dev .venv $(PYTHON)
