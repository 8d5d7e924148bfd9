# Each target is also a script in .ci/, for machines without make.
.DEFAULT_GOAL := help
.PHONY: help install demo serve test lint bench conformance conformance-index integration ci lock clean
export PYTHON

VENV := .venv

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-18s %s\n", $$1, $$2}'

install: ## make .venv with everything to run and develop (PYTHON=python3.12 chooses the interpreter)
	@.ci/setup

demo: ## start a server, deploy a real package, run it, check the results, stop the server
	@.ci/demo

serve: install ## run the server at http://localhost:5000 with its data under ./var
	@exec $(VENV)/bin/oapip serve

test: ## run the tests that need nothing but .venv
	@.ci/test $(ARGS)

lint: ## run ruff, mypy, import-linter and the size checks
	@.ci/lint

bench: install ## measure against bare cwltool, and few rows against many; writes docs/benchmarks.md
	@$(VENV)/bin/python tests/bench/run.py --write docs/benchmarks.md $(ARGS)

conformance: install ## run the CWL conformance tests through a server and with bare cwltool; writes docs/conformance.md
	@$(VENV)/bin/python tests/conformance/run.py $(ARGS)

conformance-index: install ## write the list of requirements and their tests into docs/conformance.md
	@$(VENV)/bin/python tests/conformance/index.py

integration: ## run the suites that need other servers (installed where this runs as root), and those of other people's clients
	@.ci/integration
	@.ci/tools

ci: ## run everything, as .ci/run does
	@.ci/run

lock: ## pin all versions anew (needs uv)
	@.ci/lock $(ARGS)

clean: ## remove .venv and all caches (keeps ./var)
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find pygeoapi_oapip tests -name __pycache__ -type d -prune -exec rm -rf {} +
