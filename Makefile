# Two commands do everything on a machine with Python, make and a package index: `make sync`, `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HUB := $(BIN)/hub
SCALE ?= 200000
export DAGSTER_DISABLE_TELEMETRY = 1
export GX_ANALYTICS_ENABLED = false
DATA := $(or $(HUB_DATA_DIR),data)
OVERLAY := $(DATA)/sandbox/sandbox.env

.DEFAULT_GOAL := help
.PHONY: help sync test ckan datacontract soak ui sandbox bench lock clean

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The stamp is newer than the lock once everything is installed, so a second run installs nothing.
$(VENV)/.runtime: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.lock
	touch $@

sync: $(VENV)/.runtime ## Start the sandbox province, sync it, print what came in, stop it
	@$(HUB) sandbox down > /dev/null
	@$(HUB) sandbox up --scale $(SCALE) $(if $(DAY),--day $(DAY))
	@HUB_ENV=$(OVERLAY) $(HUB) sync; code=$$?; $(HUB) sandbox down > /dev/null; exit $$code

test: $(VENV)/.dev ## Run lint, types and every test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not soak"

# A peer of the tests in an environment of its own, for its licence and its pins: what the extra
# `requirements` of its wheel names, but for psycopg2, whose binary needs no compiler.
ckan: $(VENV)-ckan/.installed ## Install CKAN, which the tests of kind ckan ask; without it they skip

$(VENV)-ckan/.installed: requirements-ckan.lock
	test -x $(VENV)-ckan/bin/python || $(PYTHON) -m venv $(VENV)-ckan
	$(VENV)-ckan/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-ckan.lock
	touch $@

# `datacontract-cli[duckdb]` and what it needs, in an environment of its own: it pins another DuckDB.
datacontract: $(VENV)-datacontract/.installed ## Install datacontract-cli, which lints and tests the contracts; without it tests skip

$(VENV)-datacontract/.installed: requirements-datacontract.lock
	test -x $(VENV)-datacontract/bin/python || $(PYTHON) -m venv $(VENV)-datacontract
	$(VENV)-datacontract/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-datacontract.lock
	touch $@

soak: $(VENV)/.dev ## Run the long tests
	$(BIN)/python -m pytest -m soak

ui: $(VENV)/.runtime ## Start sandbox, Dagster webserver and daemon; print the address
	$(BIN)/python -m hub.ui --scale $(SCALE) $(if $(PORT),--port $(PORT))

sandbox: $(VENV)/.runtime ## Start the sandbox province in the background
	$(HUB) sandbox up --scale $(SCALE)

# Its peers have an environment of their own too: they pin what the hub pins otherwise.
bench: $(VENV)/.dev $(VENV)-peers/.installed ## Measure the hub against its peers and write benchmarks/RESULTS.md (needs nginx)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.lock
	$(BIN)/python -m benchmarks $(BENCH)

$(VENV)-peers/.installed: requirements-peers.lock
	test -x $(VENV)-peers/bin/python || $(PYTHON) -m venv $(VENV)-peers
	$(VENV)-peers/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-peers.lock
	touch $@

# Exact versions without any address: plain `name==version` lines, made in an empty environment.
GROUP = $(BIN)/python -c "import sys, tomllib; g = tomllib.load(open('pyproject.toml', 'rb')); \
    print(*(g['project']['dependencies'] if sys.argv[1] == 'runtime' else g['dependency-groups'][sys.argv[1]]), sep='\n')"
FREEZE = $(VENV).lock/bin/python -m pip freeze --all --exclude pip --exclude wheel

lock: $(VENV)/.runtime ## Resolve the lock files anew from pyproject.toml
	rm -rf $(VENV).lock && $(PYTHON) -m venv $(VENV).lock
	$(GROUP) runtime > $(VENV).lock/runtime.in
	$(VENV).lock/bin/python -m pip install --quiet "setuptools>=77" -r $(VENV).lock/runtime.in
	$(FREEZE) > requirements.lock
	for group in dev bench; do \
	    $(GROUP) $$group > $(VENV).lock/$$group.in && \
	    $(VENV).lock/bin/python -m pip install --quiet -r $(VENV).lock/$$group.in && \
	    $(FREEZE) | grep -vxFf requirements.lock > requirements-$$group.lock || exit 1; \
	done
	rm -rf $(VENV).lock

clean: ## Remove everything that make and the hub have written here
	-test -x $(HUB) && $(HUB) sandbox down
	rm -rf $(VENV) $(VENV)-ckan $(VENV)-datacontract $(VENV)-peers data
