# Every target first does the set-up (scripts/setup.py), which is quick when nothing has changed.
# More arguments for a target's command: make test ARGS="-k settings", make demo ARGS="--help".

PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
# Java as the set-up found it.
JAVA := JAVA_HOME="$$(cat .java_home)"
# Tests run in three processes, for some wait for others; what stays together is in project_etl_tests/conftest.py. In
# their own order, for files of a single long test would all come last.
BESIDE := --numprocesses 3 --dist loadgroup --no-loadscope-reorder

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo dev dashboard broker test test-spark check format-check lint types coverage format realdata readme browser integration soak bench screenshots docs lock clean clean-lake

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Make .venv, find Java, fetch the jars
	@$(PYTHON) scripts/setup.py

demo: setup ## Generate 90 days of a shop, run everything, show the result
	@$(JAVA) $(BIN)/project-etl demo $(ARGS)

dev: setup ## Open the Dagster UI on the same data: the demo's where there is one, else data/lake
	@$(JAVA) PROJECT_ETL_ENV="$${PROJECT_ETL_ENV:-$$(test -d data/demo/lake && echo demo || echo local)}" \
		exec $(BIN)/project-etl dev $(ARGS)

dashboard: setup ## Open the dashboard on the same data, until Ctrl+C
	@PROJECT_ETL_ENV="$${PROJECT_ETL_ENV:-$$(test -d data/demo/lake && echo demo || echo local)}" \
		exec $(BIN)/project-etl dashboard $(ARGS)

broker: setup ## Start a Kafka broker at localhost:9092, to try out streams with, until Ctrl+C
	@$(JAVA) exec $(BIN)/python scripts/broker.py $(ARGS)

test: setup ## Run all tests but the long ones: minutes, with the embedded engine where a test names none
	@$(JAVA) $(BIN)/pytest $(BESIDE) -m "not soak and not long" $(ARGS)

test-spark: setup ## Run all tests with Spark in a JVM
	@$(JAVA) $(BIN)/pytest $(BESIDE) --engine spark $(ARGS)

check: setup format-check lint types coverage ## Format, lint, types, all tests with coverage: what CI runs

format-check:
	@$(BIN)/ruff format --check .

lint:
	@$(BIN)/ruff check .

types:
	@$(BIN)/pyright

coverage:
	@$(JAVA) $(BIN)/pytest $(BESIDE) --cov --cov-report=term-missing:skip-covered $(ARGS)

format: setup ## Format the code, and mend what ruff can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

realdata: setup ## Run the main job on real data, on both engines, and compare all Gold tables (data: ../shared/data/landing)
	@$(JAVA) $(BIN)/pytest project_etl_tests/realdata -q --timeout=1800 --engine embedded $(ARGS)
	@$(JAVA) $(BIN)/pytest project_etl_tests/realdata -q --timeout=1800 --engine spark $(ARGS)

readme: setup ## Run the README's commands and add its table
	@$(JAVA) $(BIN)/pytest project_etl_tests/readme -q --engine auto $(ARGS)

browser: setup ## Open each page of the dashboard in Chromium
	@$(JAVA) $(BIN)/pytest project_etl_tests/browser -q $(ARGS)

integration: setup ## Run the tests with real databases and a Kafka broker (needs Debian's postgresql and mariadb-server)
	@$(JAVA) $(BIN)/pytest project_etl_tests/integration -q $(ARGS)

soak: setup ## Run the tests that take an hour
	@$(JAVA) $(BIN)/pytest -m soak --timeout=7200 $(ARGS)

bench: setup ## Measure speed and memory beside scripts that do the same, results in bench/results
	@$(JAVA) $(BIN)/python -m bench $(ARGS)

screenshots: setup ## Make the pictures of README and docs from the running UIs (needs Chromium)
	@$(JAVA) $(BIN)/python scripts/screenshots.py $(ARGS)
	@$(JAVA) $(BIN)/python scripts/command_pictures.py

docs: setup ## Write docs/tables.md and the tables in docs/own-data.md again, after a change of a contract
	@$(JAVA) $(BIN)/python scripts/tables_page.py $(ARGS)
	@$(JAVA) $(BIN)/python scripts/own_data.py $(ARGS)

lock: setup ## Pin requirements*.txt again after a change in pyproject.toml (newer versions: ARGS=--upgrade)
	@$(BIN)/uv pip compile pyproject.toml --quiet --universal --generate-hashes \
		--custom-compile-command "make lock" --output-file requirements.txt $(ARGS)
	@$(BIN)/uv pip compile pyproject.toml --quiet --universal --generate-hashes --extra dev --extra embedded --extra dashboard --extra sql \
		--extra snowflake --extra redshift --extra mssql --extra kafka --extra hubspot --custom-compile-command "make lock" --constraint requirements.txt --output-file requirements-dev.txt $(ARGS)

clean: ## Remove what the set-up and the tools made, and keep the data
	rm -rf .venv .java_home .jars .jars.new .jars-kafka .jars-kafka.new .ivy .setup.lock *.egg-info build dist
	rm -rf .pytest_cache .ruff_cache .hypothesis .coverage .coverage.* htmlcov spark-warehouse metastore_db derby.log
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

clean-lake: ## Remove the local tables and exports (data/lake, data/exports), the demo and Dagster's memory of its runs
	rm -rf data/lake data/exports data/demo history schedules storage logs .telemetry .nux .logs_queue
