# `make help` lists what can be made. Everything stays inside this folder and the user's cache.
.DEFAULT_GOAL := help
.PHONY: help venv run demo test bench pictures lint format constraints clean

PY := .venv/bin/python
SOURCES := ivr acd tests $(wildcard benchmarks)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: .venv/.ready ## create .venv with every dependency, hashes checked
	@:

.venv/.ready: constraints.txt pyproject.toml .ci/venv
	@.ci/venv

run: venv ## start Tieline: Asterisk, the service and its console
	@exec .venv/bin/tieline run

demo: venv ## watch scripted callers and agents talk to a real system
	@exec .venv/bin/tieline demo

lint: venv ## check style and types
	@.venv/bin/ruff format --check $(SOURCES)
	@.venv/bin/ruff check $(SOURCES)
	@.venv/bin/mypy

format: venv ## rewrite the sources in the house's style
	@.venv/bin/ruff check --fix --select I $(SOURCES)
	@.venv/bin/ruff format $(SOURCES)

test: lint ## style, types, then every test with branch coverage
	@.venv/bin/tieline setup --tests
	@exec $(PY) -m pytest -n 2 --dist loadgroup --cov --cov-report=term

bench: venv ## measure what is promised, into benchmarks/RESULTS.md (an hour; NAMES="decision offers" for some)
	@exec $(PY) -m benchmarks $(NAMES)

pictures: venv ## draw the example flows, and take pictures of desk and chat, into docs/pictures
	@for flow in docs/pictures/*.svg; do .venv/bin/tieline graph $$(basename $$flow .svg) -o $$flow; done
	@PICTURES_TO=docs/pictures $(PY) -m pytest -q tests/web/test_desk.py::test_every_view_is_whole_readable_and_quiet \
	  tests/e2e/test_one_contact.py::test_a_chat_a_call_and_a_text_are_one_contact

# Wants uv (any recent version) on PATH, and only when pyproject.toml changes. No index is written
# into the file; hashes bind each name to its contents wherever it is downloaded from.
constraints: ## pin every dependency for Python 3.11 and later, with hashes
	@uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --extra cluster --extra demo --extra oidc --extra postgres --extra dev \
	  --no-header --no-emit-index-url --no-annotate --output-file constraints.txt $(UVFLAGS) pyproject.toml
	@! grep -n '://' constraints.txt

clean: ## remove what was built here (not .tieline, not the cache)
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.* build dist
	@find ivr acd tests -name __pycache__ -type d -prune -exec rm -rf {} +
