# Two commands do everything: `make demo` and `make test`. The rest is for whoever works on archmig.
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
DEMO   ?= .demo
JOBS   ?= 2

.PHONY: demo test lint bench torture truth public clean

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable ".[dev]"
	touch $@

demo: $(VENV)/.installed
	rm -rf $(DEMO)
	$(BIN)/archmig demo $(DEMO)
	$(BIN)/archmig -c $(DEMO)/environments.toml status
	$(BIN)/archmig -c $(DEMO)/environments.toml reconcile --all --yes
	$(BIN)/archmig -c $(DEMO)/environments.toml status

test: $(VENV)/.installed
	$(BIN)/pytest -q -n $(JOBS)

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/archmig lint --all

clean:
	rm -rf $(VENV) $(DEMO) build *.egg-info .pytest_cache .mypy_cache .ruff_cache

# BENCH="--part noop --strict" and the like: bench/README.md.
bench: $(VENV)/.installed
	$(BIN)/python bench/run.py $(BENCH)

# Kills, faults, crowds and a large database, with a table of counts. TORTURE="--minutes 60 --rows 0" and the like.
torture: $(VENV)/.installed
	PYTHONPATH=tests $(BIN)/python -m torture.run $(TORTURE)

# Random chains and histories, every word of archmig held against plain Alembic. TRUTH="--minutes 30 --seed 7" and the like.
truth: $(VENV)/.installed
	PYTHONPATH=tests $(BIN)/python -m truth.run $(TRUTH)

# Chains of other projects, from PyPI, about a gigabyte of them. PUBLIC="--only optuna" and the like.
public: $(VENV)/.installed
	PYTHONPATH=tests $(BIN)/python -m public.run $(PUBLIC)
