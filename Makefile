# The menu. `make help` lists it; what each does stands in the file it calls.
VENV ?= .venv
export LTITOOLS_VENV := $(VENV)
PYTEST = $(VENV)/bin/pytest -n 2 --dist loadgroup

.PHONY: help demo test test-fast bench lint format messages pins

help: ## List what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: ## See everything in the browser: a small LMS with a course, and the tools
	@requirements/install.sh runtime
	@$(VENV)/bin/ltitools demo $(DEMO)

test: ## Run every test: on SQLite, in a browser, and on PostgreSQL
	@requirements/install.sh dev
	@tests/install-browser.sh
	$(PYTEST)
	LTITOOLS_TEST_DATABASE=postgresql $(PYTEST) -m "not browser and not any_database"

test-fast: ## Run the tests that need neither a browser nor PostgreSQL
	@requirements/install.sh dev
	$(PYTEST) -m "not browser"

bench: ## Time fifty learners, five hundred launches and a thousand badges, on SQLite and on PostgreSQL
	@requirements/install.sh dev
	$(VENV)/bin/python tests/scale/rush.py
	LTITOOLS_TEST_DATABASE=postgresql $(VENV)/bin/python tests/scale/rush.py
	$(VENV)/bin/python tests/scale/crowd.py $(LEARNERS)
	LTITOOLS_TEST_DATABASE=postgresql $(VENV)/bin/python tests/scale/crowd.py $(LEARNERS)
	$(VENV)/bin/python tests/scale/awards.py
	LTITOOLS_TEST_DATABASE=postgresql $(VENV)/bin/python tests/scale/awards.py

lint: ## Check style, types and layers
	@requirements/install.sh dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

format: ## Put the code into its form
	$(VENV)/bin/ruff check --fix --quiet .
	$(VENV)/bin/ruff format .

messages: ## Bring the French catalogues up to date with the texts in the code
	tests/update-messages.sh

pins: ## Choose new versions for requirements/*.txt (needs uv)
	requirements/pin.sh
