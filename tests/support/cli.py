"""What the tests of the command share: a chain of three revisions, five databases on it, and ways to run archmig."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from typer.testing import CliRunner

from architect_migrate.cli.app import run
from architect_migrate.model.chain_config import beside
from architect_migrate.revisions import sandbox
from architect_migrate.revisions.replay import cache_folder, history_of
from support.json_schemas import problems

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pytest

_INI = """[alembic]
script_location = %(here)s/chain
"""
_ENV = """from alembic import context
from architect_migrate.alembic_env import run

run(context)
"""
_NOTES = '''"""Notes."""

from alembic import op

revision = "001_notes"
down_revision = None
legacy_version = "001"


def upgrade():
    op.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT NOT NULL)")


def downgrade():
    op.execute("DROP TABLE notes")
'''
_TAGS = '''"""Tags, with the one that everybody needs."""

from alembic import op

revision = "002_tags"
down_revision = "001_notes"
legacy_version = "002"
legacy_aliases = ("005",)


def data_step():
    op.execute("INSERT INTO tags (name) SELECT 'todo' WHERE NOT EXISTS (SELECT 1 FROM tags WHERE name = 'todo')")


def upgrade():
    op.execute("CREATE TABLE tags (id INTEGER PRIMARY KEY, name TEXT UNIQUE)")
    op.execute("CREATE INDEX ix_tags_name ON tags (name)")
    data_step()


def downgrade():
    op.execute("DROP TABLE tags")
'''
_DUE = '''"""Due dates of notes."""

from alembic import op

revision = "003_due"
down_revision = "002_tags"
legacy_version = "003"


def upgrade():
    op.execute("ALTER TABLE notes ADD COLUMN due TEXT")
    op.execute("CREATE INDEX ix_notes_due ON notes (due)")


def downgrade():
    op.execute("DROP INDEX ix_notes_due")
    op.execute("ALTER TABLE notes DROP COLUMN due")
'''
_CONFIG = """[tracker]

[env.home]
path = "home.db"
tags = ["fine"]

[env.behind]
path = "behind.db"

[env.lost]
path = "lost.db"
tags = ["live"]
protected = true

[env.empty]
path = "empty.db"
uninitialised = "skip"

[env.gone]
path = "gone.db"
uninitialised = "skip"
"""
_STAMP = """CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL,
CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));"""
_BEHIND = f"""CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT NOT NULL);
CREATE TABLE tags (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE INDEX ix_tags_name ON tags (name);
INSERT INTO tags VALUES (1, 'todo');
INSERT INTO notes VALUES (1, 'one'), (2, 'two');
{_STAMP}"""
_HOME = "ALTER TABLE notes ADD COLUMN due TEXT; CREATE INDEX ix_notes_due ON notes (due);"
_LOST = """CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT NOT NULL, due TEXT, colour TEXT);
INSERT INTO notes VALUES (1, 'one', NULL, 'red'), (2, 'two', '2026-02-10', NULL), (3, 'three', NULL, NULL);
CREATE TABLE app_state (key TEXT PRIMARY KEY);
CREATE TABLE schema_versions (version TEXT, applied_at TEXT, description TEXT, checksum TEXT);
INSERT INTO schema_versions VALUES ('001', '2026-02-01 10:00:00', 'Notes', ''),
('002', '2026-02-03 10:00:00', 'Tags', ''), ('003', '2026-02-02 10:00:00', 'Due dates of notes', '');"""


@dataclass(frozen=True, slots=True)
class Done:
    code: int
    out: str
    err: str


def build(folder: Path) -> Path:
    """The chain, its environments.toml, and databases at head, one behind, drifted, of zero bytes, and missing."""
    versions = folder / "chain" / "versions"
    versions.mkdir(parents=True)
    (folder / "alembic.ini").write_text(_INI)
    (folder / "chain" / "env.py").write_text(_ENV)
    for name, text in (("001_notes", _NOTES), ("002_tags", _TAGS), ("003_due", _DUE)):
        (versions / f"{name}.py").write_text(text)
    (folder / "environments.toml").write_text(_CONFIG)
    execute(folder / "behind.db", f"{_BEHIND} INSERT INTO alembic_version VALUES ('002_tags');")
    execute(folder / "home.db", f"{_BEHIND} INSERT INTO alembic_version VALUES ('003_due'); {_HOME}")
    execute(folder / "lost.db", _LOST)
    (folder / "empty.db").touch()
    return folder


def plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in the environment says how output looks or what is meant."""
    for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "ARCHMIG_CONFIG", "ARCHMIG_ENV", "ARCHITECT_ENV"):
        monkeypatch.delenv(name, raising=False)


def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same in a folder to work in, where temporary files have a folder `tmp` beside it to themselves."""
    place = tmp_path / "place"
    place.mkdir()
    (tmp_path / "tmp").mkdir()
    monkeypatch.chdir(build(place))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    plainly(monkeypatch)
    return place


def execute(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


def ask(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def archmig(*words: str) -> Done:
    """The command in this process, with nobody at the terminal."""
    with CliRunner().isolation() as (out, err, _):
        try:
            run(words)
        except SystemExit as end:
            sys.stdout.flush()
            return _valid(words, Done(int(end.code or 0), out.getvalue().decode(), err.getvalue().decode()))


def _valid(words: Sequence[str], done: Done) -> Done:
    """What was done; its JSON document, where it has one, is as the document's schema has it."""
    if "--json" in words and done.out:
        assert problems(json.loads(done.out)) == []
    return done


def primed(folder: Path) -> Path:
    """The folder of a project, after a replay of its chain: processes that are started then need none of their own."""
    history_of(beside(folder / "alembic.ini"), cache_folder(os.environ))
    return folder


def forked(
    *words: str, cwd: Path, environ: Mapping[str, str] | None = None, terminal: int = subprocess.DEVNULL
) -> Done:
    """The command in a fork of the tests' server: the chain's code has a process to itself, which starts at once.

    `terminal` is the file descriptor of one that its stdin is.
    """
    command = [sys.executable, "-B", "-P", "-m", "architect_migrate", *words]
    env, told = {**os.environ, **(environ or {})}, {"encoding": "utf-8", "errors": "strict"}
    done = sandbox.subprocess.run(command, cwd=cwd, env=env, stdin=terminal, capture_output=True, check=False, **told)
    return _valid(words, Done(done.returncode, done.stdout, done.stderr))


def executable(*words: str, cwd: Path, environ: Mapping[str, str] | None = None) -> Done:
    """The installed command, as a person runs it."""
    command = [str(Path(sys.executable).with_name("archmig")), *words]
    env = {**os.environ, **(environ or {})}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    return _valid(words, Done(done.returncode, done.stdout, done.stderr))
