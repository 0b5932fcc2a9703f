.PHONY: setup demo up deploy test drills drills-ci bench check lock clean

PYTHON ?=
python := .venv/bin/python

setup: ## .venv from the hash-locked requirements; does nothing when nothing changed
	@scripts/setup $(PYTHON)

demo: began := $(shell date +%s)
demo: setup ## one settlement date, re-ingested end to end against the stand-in Elexon
	@$(python) -m scripts.demo --began $(began)

SOURCE ?= stand-in

up: export REINGEST_HOME := $(or $(REINGEST_HOME),$(CURDIR)/.reingest/$(if $(filter live,$(SOURCE)),live,up))
up: setup ## Postgres, Prefect, a worker and the stand-in Elexon (SOURCE=live: the real one), until Ctrl-C
	@$(python) -m deployments.up --source $(SOURCE) --with-parent

SCHEDULES ?= kept

deploy: setup ## work pool, deployments and automations, on the server that PREFECT_API_URL names (SCHEDULES=on|off)
	@$(python) -m deployments.start register --schedules $(SCHEDULES)

test: setup ## every test
	@$(python) -m pytest

drills-ci: export REINGEST_DRILLS = ci
drills-ci: setup ## crashes, faults and races, as many as CI has time for
	@$(python) -m pytest tests/drills

HOURS ?= 1

drills: export REINGEST_DRILLS = long
drills: export REINGEST_DRILLS_HOURS = $(HOURS)
drills: setup ## the same for HOURS=n; prints the counts that it reached
	@$(python) -m pytest tests/drills -o faulthandler_timeout=0

bench: setup ## measurements, each beside its limit
	@$(python) -m tests.bench

check: setup ## lint, format, types, import directions
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-cache

lock: ## resolve the requirements anew, keeping what still fits; needs uv
	@scripts/lock

clean: ## remove what the other targets made
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.* htmlcov
