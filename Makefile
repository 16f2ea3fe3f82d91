.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
TRACES ?= ../shared/data
SEEDS ?= 10
MINUTES ?= 6

help: ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

.venv/ready: requirements.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

setup: .venv/ready ## Make .venv with everything in it

run: setup ## Run the demo and serve it at http://127.0.0.1:8400
	$(BIN)/breakeven demo

test: setup ## Run the tests
	$(BIN)/pytest -q -n auto --dist loadfile

peers: setup ## Install a real model server that one test talks to (127 MB)
	$(BIN)/pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements-peers.txt

lint: setup ## Check style, types and the layout's contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

chaos: setup ## Kill everything at random while requests come in, SEEDS times (half a minute each), and count them
	$(BIN)/python tests/chaos/run.py --seeds $(SEEDS)

fuzz: setup ## Feed every parser garbage for MINUTES (6); nothing but clean refusals may come of it
	$(BIN)/python tests/fuzz/run.py --minutes $(MINUTES)

bench: setup ## Print goals beside their peers and limits (5 minutes); more in docs/performance.md
	$(BIN)/python -m bench

render: setup ## Write dashboards/rendered and alerts/rendered for Grafana anew
	$(BIN)/python -c "from pathlib import Path; from alerts import grafana as a; from dashboards import grafana as d; a.write(Path('alerts/rendered')), d.write(Path('dashboards/rendered'))"

picture: setup ## Redraw the README's pictures of the demo (needs chromium)
	$(BIN)/python docs/picture.py docs/images

sql: setup ## Write docs/sql.md anew from the store and the demo
	$(BIN)/python docs/sql.py docs/sql.md

lock: setup ## Pin requirements.txt and requirements-run.txt anew
	$(BIN)/pip install -q pip-tools
	$(BIN)/pip-compile -q --extra dev --generate-hashes --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
	  --strip-extras --unsafe-package breakeven --no-header --no-annotate -o requirements.txt pyproject.toml
	$(BIN)/pip-compile -q --extra embedded --generate-hashes --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
	  --strip-extras --unsafe-package breakeven --no-header --no-annotate -c requirements.txt -o requirements-run.txt pyproject.toml
	sed -i -E '/^(#|$$)/d' requirements.txt requirements-run.txt

sbom: ## Write dist/breakeven.cdx.json: what an installed breakeven[embedded] consists of, with licences
	rm -rf dist/installed dist/tool
	$(PYTHON) -m venv dist/installed
	dist/installed/bin/pip install -q --disable-pip-version-check --require-hashes -r requirements-run.txt
	dist/installed/bin/pip install -q --disable-pip-version-check --no-deps .
	$(PYTHON) -m venv dist/tool
	dist/tool/bin/pip install -q --disable-pip-version-check cyclonedx-bom==7.5.0
	dist/tool/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible -o dist/breakeven.cdx.json dist/installed/bin/python

secrets: ## Make random passwords for docker compose, once
	@mkdir -p secrets && chmod 700 secrets
	@for name in clickhouse_password reader_password grafana_admin_password; do \
	  test -s secrets/$$name || (umask 022; head -c 24 /dev/urandom | base64 | tr -d '/+=\n' > secrets/$$name); done
	@echo "secrets/ holds them; Grafana's admin signs in with secrets/grafana_admin_password"

clean: ## Remove what was made
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache dist build

.PHONY: help setup run test peers lint chaos fuzz bench render picture sql lock secrets clean
