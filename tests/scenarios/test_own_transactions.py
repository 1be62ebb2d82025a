"""Revisions that commit or roll back by themselves: what a run makes of it is known before, with the line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.cli import archmig
from support.scenarios import ENV, ask, digest, own_chain, revision, script, stamp

if TYPE_CHECKING:
    from pathlib import Path

A = "CREATE TABLE a (id INTEGER PRIMARY KEY, x TEXT)"
LATE = """from alembic import op
import sqlalchemy as sa
revision = "2_b"
down_revision = "1_a"
def upgrade():
    bind = op.get_bind()
    op.execute("INSERT INTO a VALUES (7, 'late')")
    {deed}
def downgrade():
    op.execute("DELETE FROM a WHERE id = 7")
"""
OWN = """from alembic import context
from sqlalchemy import create_engine
engine = create_engine(context.config.get_main_option("sqlalchemy.url"))
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
ENVS = {"its own engine": OWN, "the connection that is given": ENV}
COMMITS = {
    "a commit": "bind.commit()",
    "a statement": 'op.execute("COMMIT")\n    op.execute("BEGIN")',
    "a block of another connection": "with bind.engine.begin() as own: own.execute(sa.text('SELECT 1'))",
}
REFUSED = {
    "a rollback": ("bind.rollback()", "roll back"),
    "a rollback by a statement": ('op.execute("ROLLBACK")', "roll back"),
    "a rollback that is caught": ("try: bind.rollback()\n    except Exception: pass", "roll back"),
    "a commit of the driver": ("bind.connection.commit()", "commit"),
    "a script, before which the driver commits": ("bind.connection.executescript('SELECT 1')", "run COMMIT"),
    "a script of a cursor": ("bind.connection.cursor().executescript('SELECT 1')", "run COMMIT"),
}


def place(folder: Path, monkeypatch: pytest.MonkeyPatch, env: str, deed: str) -> Path:
    own_chain(folder, {"1_a": revision(None, A)})
    (folder / "alembic" / "env.py").write_text(env, encoding="utf-8")
    (folder / "alembic" / "versions" / "2_b.py").write_text(LATE.format(deed=deed), encoding="utf-8")
    environments = '[env.it]\npath = "it.db"\n[env.new]\npath = "new.db"\nuninitialised = "create"\n'
    (folder / "environments.toml").write_text(environments, encoding="utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "900")
    return script(folder / "it.db", A, "INSERT INTO a VALUES (1, 'kept')", *stamp("1_a"))


@pytest.mark.parametrize("env", ENVS.values(), ids=list(ENVS))
@pytest.mark.parametrize("deed", COMMITS.values(), ids=list(COMMITS))
def test_a_commit_is_part_of_the_run_and_the_plan_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deed: str, env: str
) -> None:
    database = place(tmp_path, monkeypatch, env, deed)
    told = (
        "warning: 2_b: its commit does nothing (alembic/versions/2_b.py, line 8); archmig commits the whole run, "
        "after its proof"
    )
    assert told in archmig("upgrade", "-e", "it", "--dry-run").out
    done = archmig("upgrade", "--all", "--yes")
    assert (done.code, archmig("check", "--all").code) == (0, 0), done.err
    assert ask(database, "SELECT * FROM a") == [(1, "kept"), (7, "late")]
    assert ask(tmp_path / "new.db", "SELECT * FROM a") == [(7, "late")]


@pytest.mark.parametrize("env", ENVS.values(), ids=list(ENVS))
@pytest.mark.parametrize("case", REFUSED.values(), ids=list(REFUSED))
def test_what_would_end_the_run_blocks_its_plan_with_the_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: tuple[str, str], env: str
) -> None:
    deed, attempt = case
    database = place(tmp_path, monkeypatch, env, deed)
    before = digest(database)
    done = archmig("upgrade", "-e", "it", "--yes")
    said = (
        f"2_b would fail: it would {attempt} inside the transaction of the run (alembic/versions/2_b.py, line 8)\n"
        "    -> take it out of 2_b: archmig commits the whole run after its proof, or rolls it back"
    )
    assert (done.code, said in done.out, digest(database)) == (1, True, before), done.out + done.err


def test_a_rollback_of_rows_is_never_taken_for_done_in_a_new_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(tmp_path, monkeypatch, OWN, "bind.rollback()")
    done = archmig("upgrade", "-e", "new", "--yes")
    assert (done.code, (tmp_path / "new.db").exists()) == (1, False), done.out


@pytest.mark.parametrize("deed", ["bind.commit()", "bind.rollback()"])
def test_lint_names_the_line_of_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deed: str) -> None:
    place(tmp_path, monkeypatch, OWN, deed)
    done = archmig("lint", "2_b")
    attempt = "commit" if "commit" in deed else "roll back"
    said = f"2_b.py:8: AM210 it tries to {attempt}, but the whole run is one transaction"
    assert (done.code, said in done.out) == (1, True), done.out + done.err


def test_a_look_at_the_schema_by_the_engine_rolls_nothing_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(tmp_path, monkeypatch, ENV, "sa.inspect(bind.engine).get_table_names()")
    for name in ("it", "new"):
        done = archmig("upgrade", "-e", name, "--yes")
        assert (done.code, ask(tmp_path / f"{name}.db", "SELECT x FROM a WHERE id = 7")) == (0, [("late",)]), done.out
