# Every target makes the environments it needs under .venv/. Nothing but Python >= 3.11 and make is expected.

SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
ifneq (,$(filter output-sync,$(.FEATURES)))
MAKEFLAGS += --output-sync=target
endif
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# ---- the interpreter: `python3` if it will do, else the newest that does; or say it: make PYTHON=python3.12 test-all

probe := import ensurepip, sys, venv; sys.version_info >= (3, 11) or sys.exit(1); print("%d.%d.%d" % sys.version_info[:3])
ifndef PYTHON
PYTHON := $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	if $$p -c '$(probe)' >/dev/null 2>&1; then echo $$p; break; fi; done)
endif
VERSION := $(if $(PYTHON),$(shell '$(PYTHON)' -c '$(probe)' 2>/dev/null))
export PYTHON
unexport PYTHONPATH PYTHONHOME AUTOCRON_DISABLE

# Environments are made with uv, which pip installs: a dozen of them in the time that pip takes for two. The pins are for
# the build backend, too. Its cache is below .venv/, so nothing outside of this folder is touched. All that they hold is
# compiled once: some thousand processes start in the tests, and where Python is told to write no bytecode, each would compile.
CONSTRAINTS ?= constraints.txt
UV := .venv/uv/bin/uv
export UV_CACHE_DIR := $(CURDIR)/.venv/uv/cache
export UV_PYTHON_DOWNLOADS := never
install = $(UV) pip install -q --no-config --compile-bytecode --constraints $(CONSTRAINTS) --build-constraints $(CONSTRAINTS)

# ---- environments

PLUGINS := $(patsubst plugins/%_autocron/pyproject.toml,%,$(sort $(wildcard plugins/*_autocron/pyproject.toml)))
plugin_projects := $(PLUGINS:%=plugins/%_autocron/pyproject.toml)
editable_plugins := $(PLUGINS:%=-e plugins/%_autocron)

ENVS ?= .venv
made = $(ENVS)/$(1)/made-with-$(VERSION)

# $(call environment,name,what pip installs,files besides constraints.txt that say what it holds)
define environment
$(call made,$(1)): $(CONSTRAINTS) core/pyproject.toml $(3) | $(UV)
	@echo "making $(ENVS)/$(1) with Python $(VERSION)"
	@rm -rf $(ENVS)/$(1)
	@$(UV) venv -q --no-config --python '$(PYTHON)' $(ENVS)/$(1)
	@$(install) --python $(ENVS)/$(1)/bin/python $(2)
	@$(ENVS)/$(1)/bin/python -m compileall -q core/src $(wildcard plugins/*/src)
	@touch $$@
endef

$(UV):
	@if [ -z "$(VERSION)" ]; then \
		echo "No Python >= 3.11 that can make virtual environments $(if $(PYTHON),in PYTHON=$(PYTHON),on the PATH)." \
			"Say which: make PYTHON=/path/to/python3.12 ..." >&2; exit 1; fi
	@'$(PYTHON)' -m venv .venv/uv
	@.venv/uv/bin/python -m pip install -qq --disable-pip-version-check -c constraints.txt uv

$(eval $(call environment,core,-e "core[test]"))
$(foreach p,$(PLUGINS),$(eval $(call environment,$(p),-e core -e "plugins/$(p)_autocron[test]",plugins/$(p)_autocron/pyproject.toml)))
$(eval $(call environment,integration,-e core $(editable_plugins) -r integration_tests/requirements.txt,\
	$(plugin_projects) integration_tests/requirements.txt))
$(eval $(call environment,uwsgi,-e core -e plugins/flask_autocron -r integration_tests/requirements-uwsgi.txt,\
	plugins/flask_autocron/pyproject.toml integration_tests/requirements-uwsgi.txt))
$(eval $(call environment,tools,-e "core[test]" $(editable_plugins) -r integration_tests/requirements.txt -r requirements-tools.txt,\
	$(plugin_projects) integration_tests/requirements.txt requirements-tools.txt))
$(eval $(call environment,demo,-e core -e plugins/flask_autocron -r examples/requirements.txt,\
	plugins/flask_autocron/pyproject.toml examples/requirements.txt))
$(eval $(call environment,docs,-e core -r requirements-docs.txt,requirements-docs.txt))
$(eval $(call environment,build,build hatchling editables))
$(eval $(call environment,bench,-e core $(patsubst %,-r %,$(wildcard benchmarks/requirements.txt)),\
	$(wildcard benchmarks/requirements.txt)))

# ---- using it

.PHONY: help demo run torture bench guard
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' Makefile
	@$(foreach p,$(PLUGINS),printf '  %-18s %s\n' test-$(p) 'tests of $(p)-autocron: only the core and that framework';)
	@echo "  One test: make test-core ARGS='-k words_of_its_name'"

demo: $(call made,demo) ## boot the example, send it requests, tell what happens
	@$(ENVS)/demo/bin/python -m examples.demo

run: $(call made,demo) ## the same example, kept open in the terminal
	@$(ENVS)/demo/bin/python -m examples.demo --keep

torture: $(call made,integration) ## kill everything again and again; ARGS="--minutes 30 --seed 1"
	@$(ENVS)/integration/bin/python -m integration_tests.torture $(ARGS)

bench: $(call made,bench) ## benchmarks; ARGS goes to benchmarks/run.py
	@$(ENVS)/bench/bin/python benchmarks/run.py $(ARGS)

guard: $(call made,core) ## a call and a drain are still near raw SQLite's
	@$(ENVS)/core/bin/python benchmarks/guard.py

# ---- before a commit

.PHONY: check format lint types
check: lint types test-core ## before every commit: lint, types, core tests

format: $(call made,tools) ## rewrite the code as `lint` wants it
	@$(ENVS)/tools/bin/ruff check -q --fix . || true
	@$(ENVS)/tools/bin/ruff format .

lint: $(call made,tools) ## format check, lint, import contracts
	@echo "lint"
	@status=0; \
	$(ENVS)/tools/bin/ruff format --check --output-format=concise . || { status=1; echo "remedy: make format"; }; \
	$(ENVS)/tools/bin/ruff check --output-format=concise . || status=1; \
	for project in . $(PLUGINS:%=plugins/%_autocron); do \
		said=$$($(ENVS)/tools/bin/lint-imports --no-logo --config $$project/pyproject.toml) \
			&& echo "import contracts in $$project/pyproject.toml: kept" || { status=1; echo "$$said"; }; done; \
	exit $$status

folders = core/src core/tests $(PLUGINS:%=plugins/%_autocron/src) $(wildcard plugins/*/tests) integration_tests examples benchmarks
checked = $(foreach f,$(folders),$(if $(wildcard $(f)/*.py $(f)/*/*.py $(f)/*/*/*.py),$(f)))
types: $(call made,tools) ## mypy and pyright, both strict; the core also as on macOS; public types complete
	@echo "types"
	@status=0; \
	$(ENVS)/tools/bin/mypy $(checked) $(wildcard plugins/*.py) || status=1; \
	$(ENVS)/tools/bin/mypy --platform darwin core/src || status=1; \
	export PYRIGHT_PYTHON_GLOBAL_NODE=off PYRIGHT_PYTHON_IGNORE_WARNINGS=1; \
	$(ENVS)/tools/bin/pyright --pythonpath $(ENVS)/tools/bin/python || status=1; \
	$(ENVS)/tools/bin/python .ci/complete_types.py $(ENVS)/tools/bin/pyright autocron $(PLUGINS:%=%_autocron) || status=1; \
	exit $$status

# ---- tests

# $(call pytest,environment,folder,options)
pytest = echo "tests of $(2) in $(ENVS)/$(1)" && \
	$(ENVS)/$(1)/bin/python -m pytest -q --junitxml=.reports/$(1).xml $(3) $(second_try) $(2) $(ARGS)
parallel := -n 4

.PHONY: test-core test-integration test-all test-matrix test-min test-long test-uwsgi suites $(PLUGINS:%=test-%)
test-core: $(call made,core) ## core tests: nothing but the core
	@$(call pytest,core,core/tests,$(parallel))

define plugin_target
test-$(1): $(call made,$(1))
	@$$(call pytest,$(1),plugins/$(1)_autocron/tests,$(parallel))
endef
$(foreach p,$(PLUGINS),$(eval $(call plugin_target,$(p))))

test-integration: $(call made,integration) ## real servers, real processes; they wait more than they compute
	@$(call pytest,integration,integration_tests,-n 4)

test-uwsgi: $(call made,uwsgi) ## builds uWSGI (about a minute, with a C compiler) and runs the lifecycle suite under it
	@$(call pytest,uwsgi,integration_tests/lifecycle,-n 2 -k uwsgi)

suites: lint types docs packages guard test-core $(PLUGINS:%=test-%) test-integration
test-all: ## everything: lint, types, core, each plugin, integration
	@rm -rf .reports
	@status=0; $(MAKE) -k second_try='-raR --reruns 1 --rerun-show-tracebacks' suites || status=1; \
	'$(PYTHON)' .ci/total.py core $(PLUGINS) integration || status=1; exit $$status

test-matrix: ## tests of the core and each plugin on each of Python 3.11, 3.12, 3.13 found here
	@status=0; for v in 3.11 3.12 3.13; do \
		for p in python$$v "$$HOME"/.pyenv/versions/$$v.*/bin/python3 none; do \
			if [ $$p = none ] || "$$p" -c '$(probe)' >/dev/null 2>&1; then break; fi; done; \
		if [ $$p = none ]; then echo "Python $$v: not found, skipped"; continue; fi; \
		$(MAKE) -k PYTHON="$$p" ENVS=.venv/python-$$v test-core $(PLUGINS:%=test-%) || status=1; \
	done; exit $$status

test-min: ## tests of each plugin with the lowest versions that it allows
	@mkdir -p .venv/lowest && '$(PYTHON)' .ci/lowest.py plugins/*/pyproject.toml > .venv/lowest/constraints.txt
	@$(MAKE) -k ENVS=.venv/lowest CONSTRAINTS=.venv/lowest/constraints.txt $(PLUGINS:%=test-%)

long = -m long --timeout=1800
test-long: $(call made,core) $(call made,integration) ## the tests marked `long`
	@$(call pytest,core,core/tests,$(long)) || [ $$? -eq 5 ]
	@$(call pytest,integration,integration_tests,$(long)) || [ $$? -eq 5 ]

# ---- documentation and packages

.PHONY: docs packages build
docs: $(call made,docs) ## the documentation as a site, in docs/_build; a warning is an error
	@echo "documentation"
	@$(ENVS)/docs/bin/sphinx-build --fail-on-warning --keep-going -q -b html docs docs/_build

packages: $(call made,build) ## every package as wheel and sdist, in dist/; versions and contents are checked
	@echo "packages"
	@$(ENVS)/build/bin/python .ci/packages.py dist

build: packages ## the same, and each installed alone in a clean environment and imported
	@$(ENVS)/build/bin/python .ci/packages.py dist --install

# ---- tidying

.PHONY: clean
clean: ## remove environments, caches and build output
	@rm -rf .venv .reports dist docs/_build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
