"""The env.py of a stranger needs no change, as projects on PyPI write it; what its imports try is refused softly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.cli import archmig
from support.scenarios import ask, own_chain, revision, script

if TYPE_CHECKING:
    from pathlib import Path

A = "CREATE TABLE a (id INTEGER PRIMARY KEY, x TEXT)"
CHAIN = {
    "1_a": revision(None, A),
    "2_b": revision("1_a", "ALTER TABLE a ADD COLUMN more TEXT", data=["UPDATE a SET more = x"]),
}
MATRIX = '[env.it]\npath = "it.db"\n[env.new]\npath = "new.db"\nuninitialised = "create"\n'
RUN = """
    context.configure(connection=connection, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
"""
OWN = 'engine_from_config(config.get_section("alembic"), prefix="sqlalchemy.", poolclass=pool.NullPool)'
ENVS = {
    "opens its own database": f"with {OWN}.connect() as connection:{RUN}",
    "uses what it is given": f"connection = config.attributes['connection']\nif connection is not None:{RUN}",
    "has what it is given connect": f"with config.attributes['connection'].connect() as connection:{RUN}",
    "connects the engine of what it is given": (
        f"with config.attributes['connection'].engine.connect() as connection:{RUN}"
    ),
    "begins a transaction of its own": f"with config.attributes['connection'].engine.begin() as connection:{RUN}",
    "commits each revision": (
        f"with config.attributes['connection'].connect() as connection:{RUN}".replace(
            "render_as_batch=True", "transaction_per_migration=True"
        )
    ),
}
HEAD = "from alembic import context\nfrom sqlalchemy import engine_from_config, pool\nconfig = context.config\n"
SOFT = """import os, platform, subprocess, tempfile
for reach in (lambda: subprocess.run(["uname"]), lambda: os.mkdir(tempfile.gettempdir() + "/archmig-never")):
    try:
        reach()
    except OSError:
        pass
os.makedirs(os.path.expanduser("~/.theirs"), exist_ok=True)
"""


def stranger(folder: Path, monkeypatch: pytest.MonkeyPatch, env: str) -> None:
    own_chain(folder, CHAIN)
    ini = folder / "alembic.ini"
    ini.write_text(f"{ini.read_text()}sqlalchemy.url = sqlite:///%(here)s/theirs.db\n", encoding="utf-8")
    (folder / "alembic" / "env.py").write_text(HEAD + env, encoding="utf-8")
    (folder / "environments.toml").write_text(MATRIX, encoding="utf-8")
    monkeypatch.chdir(folder)


@pytest.mark.parametrize("env", ENVS.values(), ids=list(ENVS))
def test_a_strangers_env_py_needs_no_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, env: str) -> None:
    stranger(tmp_path, monkeypatch, env)
    script(tmp_path / "it.db", A, "INSERT INTO a VALUES (1, 'kept')")
    done = archmig("reconcile", "--all", "--yes")
    assert (done.code, archmig("check", "--all").code) == (0, 0), done.err
    assert ask(tmp_path / "it.db", "SELECT * FROM a") == [(1, "kept", "kept")]
    assert ask(tmp_path / "new.db", "SELECT * FROM alembic_version") == [("2_b",)]
    assert not (tmp_path / "theirs.db").exists()


def test_what_an_import_can_do_without_is_refused_and_does_not_end_the_replay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    stranger(tmp_path, monkeypatch, SOFT + ENVS["opens its own database"])
    assert archmig("upgrade", "-e", "new", "--yes").code == 0
    assert archmig("check", "-e", "new").code == 0
    assert not (tmp_path / "home" / ".theirs").exists()


def test_a_chain_that_was_begun_beside_tables_of_the_application_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_chain(tmp_path, {"1_a": revision(None, "ALTER TABLE a ADD COLUMN more TEXT")})
    (tmp_path / "environments.toml").write_text(MATRIX, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    done = archmig("status")
    assert (done.code, done.err) == (
        2,
        (
            f"archmig: {tmp_path}/alembic.ini: the chain does not run on an empty database at revision 1_a: "
            "alembic/versions/1_a.py, line 8: OperationalError: no such table: a (nothing before it makes that: if the "
            "application did before the chain began, archmig baseline --env NAME writes it down; no database was "
            "touched)\n"
        ),
    )
