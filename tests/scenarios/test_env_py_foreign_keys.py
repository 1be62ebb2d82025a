"""Foreign keys that env.py switches on do nothing in a run: rows that need their actions block the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.cli import archmig
from support.scenarios import ask, digest, own_chain, revision, script, stamp

if TYPE_CHECKING:
    from pathlib import Path

ENV = """from alembic import context
from sqlalchemy import create_engine, event
engine = create_engine(context.config.get_main_option("sqlalchemy.url"))
@event.listens_for(engine, "connect")
def connected(driver, _record):
    driver.execute("PRAGMA foreign_keys = ON")
with engine.connect() as connection:
    context.configure(connection=connection, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
"""
P = "CREATE TABLE p (id INTEGER PRIMARY KEY, x TEXT)"
C = "CREATE TABLE c (id INTEGER PRIMARY KEY, p_id INTEGER REFERENCES p (id) {})"
CASES = {
    "rows that would go": ("ON DELETE CASCADE", ("DELETE FROM p WHERE x = 'old'",), True),
    "rows that would be NULL": ("ON DELETE SET NULL", ("DELETE FROM p WHERE x = 'old'",), True),
    "keys that would follow": ("ON UPDATE CASCADE", ("UPDATE p SET id = 7 WHERE x = 'old'",), True),
    "rows that the revision deletes itself": (
        "ON DELETE CASCADE",
        ("DELETE FROM c WHERE p_id = 1", "DELETE FROM p WHERE x = 'old'"),
        False,
    ),
    "rows that nothing refers to": ("ON DELETE CASCADE", ("DELETE FROM p WHERE x = 'none'",), False),
}


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_rows_that_only_actions_of_foreign_keys_would_see_to_block_the_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: tuple[str, tuple[str, ...], bool]
) -> None:
    action, statements, is_blocked = case
    own_chain(tmp_path, {"1_a": revision(None, P, C.format(action)), "2_b": revision("1_a", *statements)})
    (tmp_path / "alembic" / "env.py").write_text(ENV, encoding="utf-8")
    (tmp_path / "environments.toml").write_text('[env.it]\npath = "it.db"\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "900")
    rows = ("INSERT INTO p VALUES (1, 'old'), (2, 'new')", "INSERT INTO c VALUES (1, 1), (2, 2)")
    database = script(tmp_path / "it.db", P, C.format(action), *rows, *stamp("1_a"))
    before = digest(database)
    done = archmig("upgrade", "-e", "it", "--yes")
    told = (
        "  table c: 1 row of it refers to nothing in p after 2_b: foreign keys do nothing in a run, "
        "nor do their actions\n"
        "    -> delete or change them in 2_b first\n"
    )
    assert (done.code, told in done.out) == (int(is_blocked), is_blocked), done.out + done.err
    assert (digest(database) == before) is is_blocked
    assert is_blocked or ask(database, "PRAGMA foreign_key_check") == []
