# Everything a fresh machine needs: `make demo` runs the main job, `make test` the tests.
# Both first make a virtual environment with pinned packages; nothing is installed twice.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
OPTIMISE_VENV ?= .venv-optimise
OPTIMISE_INSTALLED := $(OPTIMISE_VENV)/.installed
DEMO_SUITE ?= query_assistant
DEMO_REPORT ?= demo/report.html

.DEFAULT_GOAL := help
.PHONY: help install model demo test test-optimise check format clean

help:
	@echo "make demo     run the whole job on a real model and write $(DEMO_REPORT)"
	@echo "make test     lint, types and tests"
	@echo "make test-optimise  tests of the optimisers, in an environment of their own"
	@echo "make check    lint and types only"
	@echo "make install  the virtual environment that the others use"
	@echo "make clean    remove the environment, caches and stored runs"

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(INSTALLED)

install: $(INSTALLED)

model: $(INSTALLED)
	@$(BIN)/tunegate models pull smollm2-135m

demo: model
	@$(BIN)/tunegate run $(DEMO_SUITE) --output $(DEMO_REPORT); code=$$?; \
	case $$code in \
	  0) ;; \
	  1|3) echo "An honest no, or not yet (exit code $$code): the reasons stand in $(DEMO_REPORT)." ;; \
	  *) exit $$code ;; \
	esac

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Three workers for two cores: many tests wait for time limits and servers, not for a core.
test: check model
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 -m "not real_model"
	$(BIN)/python -m pytest -m real_model

$(OPTIMISE_INSTALLED): pyproject.toml constraints.txt constraints-optimise.txt
	$(PYTHON) -m venv $(OPTIMISE_VENV)
	$(OPTIMISE_VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
	  -c constraints.txt -c constraints-optimise.txt -e '.[optimise]' hypothesis
	@touch $(OPTIMISE_INSTALLED)

test-optimise: $(OPTIMISE_INSTALLED)
	$(OPTIMISE_VENV)/bin/python -m pytest -m optimise tests/tuning/search tests/tunegate/test_optimise.py

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) $(OPTIMISE_VENV) .tunegate demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
