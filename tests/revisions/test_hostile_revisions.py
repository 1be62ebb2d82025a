"""Whatever a revision does under archmig, the run is refused with its name and the deed, and the file is as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.cli import archmig, ask, build, execute, forked

if TYPE_CHECKING:
    from pathlib import Path

# What it does stands in a file beside the databases, so that one replay of the chain does for every deed.
REVISION = '''"""Hostile."""
import os, sqlite3, sys
import sqlalchemy as sa
import sqlalchemy.orm
from alembic import op
revision = "004_hostile"
down_revision = "003_due"
def hostile(verb):
    bind = op.get_bind()
    driver = bind.connection.driver_connection
    database = bind.exec_driver_sql("PRAGMA database_list").fetchone()[2]
    if os.path.basename(database) not in ("home.db", "lost.db"):
        return
    with open(os.path.join(os.path.dirname(database), f"{verb}.txt")) as deed:
        text = deed.read()
    if not text:
        return
    op.execute("INSERT INTO notes (id, title) VALUES (70, 'early')")
    exec(text, globals())
    deed_of(bind, driver)
def upgrade():
    hostile("upgrade")
def downgrade():
    hostile("downgrade")
'''
# What each command runs: on lost.db, which has drifted, and on home.db, which has not.
COMMANDS = {
    "upgrade": (("upgrade", "-e", "home", "--yes"), "home.db", "upgrade()"),
    "downgrade": (("downgrade", "003", "-e", "home", "--yes"), "home.db", "downgrade()"),
    "reconcile": (("reconcile", "-e", "lost", "--yes"), "lost.db", "upgrade()"),
}
ESCAPED = (
    "revision 004_hostile failed in {verb}: the chain's code tried to {deed}: archmig keeps one transaction around the "
    "whole run, so this was refused and everything rolled back; remove that from the revision"
)
OR_ROLLBACK = "INSERT OR ROLLBACK INTO notes (id, title) VALUES (1, 'one')"
AFTER = "go on after SQLite had rolled the transaction back"
DEEDS = {
    "commits past SQLAlchemy": ("driver.execute('COMMIT')", "run COMMIT"),
    "commits past SQLAlchemy and swallows": ("try: driver.execute('COMMIT')\n    except Exception: pass", "run COMMIT"),
    "begins past SQLAlchemy": ("driver.execute('BEGIN')", "run BEGIN"),
    "rolls back": ('op.execute("ROLLBACK")', "roll back"),
    "commits by the driver": ("driver.commit()", "commit"),
    "rolls back by the driver": ("driver.rollback()", "roll back"),
    "rolls back by SQLAlchemy": ("bind.rollback()", "roll back"),
    "rolls back after a commit": (
        "bind.commit()\n    op.execute('CREATE TABLE gone (id)')\n    bind.rollback()",
        "roll back",
    ),
    "rolls back and swallows": ("try: bind.rollback()\n    except Exception: pass", "roll back"),
    "rolls a session back": (
        "session = sa.orm.Session(bind)\n    session.execute(sa.text('DELETE FROM notes'))\n    session.rollback()",
        "roll back",
    ),
    "rolls back what it began elsewhere": (
        (
            "try:\n        with bind.engine.begin() as other:\n            other.execute(sa.text('DELETE FROM notes'))"
            "\n            raise ValueError\n    except ValueError: pass"
        ),
        "roll back",
    ),
    "closes by SQLAlchemy": ("bind.close()", "close the connection"),
    "changes the journal in a block": (
        "with op.get_context().autocommit_block(): op.execute('PRAGMA journal_mode = OFF')",
        "set PRAGMA journal_mode",
    ),
    "ignores checks": ('op.execute("PRAGMA ignore_check_constraints = ON")', "set PRAGMA ignore_check_constraints"),
    "forbids writing": ('op.execute("PRAGMA query_only = ON")', "set PRAGMA query_only"),
    "leaves rows of a write unread": (
        (
            "global left\n    left = driver.execute("
            "\"INSERT INTO notes (id, title) VALUES (71, 'a'), (72, 'b') RETURNING id\")"
        ),
        "leave a statement unfinished that writes (fetch all the rows that it returns)",
    ),
    "hides the stamp": (
        "op.execute(\"CREATE TEMP TABLE alembic_version AS SELECT 'x' AS version_num\")",
        "leave the temporary table alembic_version in the way of the database's own (drop it, or give it another name)",
    ),
    "leaves a trigger": (
        'op.execute("CREATE TEMP TRIGGER later AFTER INSERT ON notes BEGIN DELETE FROM notes; END")',
        "leave the temporary trigger later in the way of the database's own (drop it, or give it another name)",
    ),
    "runs a script": ("driver.executescript('SELECT 1')", "run COMMIT"),
    "attaches": ("op.execute(\"ATTACH 'other.db' AS other\")", "ATTACH a database"),
    "attaches by VACUUM": ("op.execute(\"VACUUM INTO 'other.db'\")", None),
    "enforces keys": ('op.execute("PRAGMA foreign_keys = ON")', "set PRAGMA foreign_keys"),
    "enforces keys again": (
        'op.execute("PRAGMA foreign_keys = ON")\n    op.execute("PRAGMA foreign_keys = OFF")',
        "set PRAGMA foreign_keys",
    ),
    "writes the schema": ('op.execute("PRAGMA writable_schema = ON")', "set PRAGMA writable_schema"),
    "changes the journal": ('op.execute("PRAGMA journal_mode = OFF")', "set PRAGMA journal_mode"),
    "stops syncing": ('op.execute("PRAGMA synchronous = OFF")', "set PRAGMA synchronous"),
    "swallows a rollback": (f"try: op.execute({OR_ROLLBACK!r})\n    except sa.exc.IntegrityError: pass", AFTER),
    "writes after a rollback": (
        (
            f"try: driver.execute({OR_ROLLBACK!r})\n    except sqlite3.Error: pass\n"
            "    driver.execute(\"INSERT INTO notes (id, title) VALUES (71, 'late')\")"
        ),
        AFTER,
    ),
    "takes the guard away": ("driver.set_authorizer(None)\n    driver.execute('COMMIT')", "replace its authorizer"),
    "closes": ("driver.close()", "close the connection"),
    "exits": ("sys.exit(0)", None),
    "raises": ("raise ValueError('no')", None),
    "raises what is no Exception": ("raise GeneratorExit('no')", None),
}


def place_with(folder: Path, body: str, command: str) -> Path:
    place = build(folder)
    (place / "chain" / "versions" / "004.py").write_text(REVISION)
    deeds = dict.fromkeys(("upgrade", "downgrade"), "")
    deeds["downgrade" if command == "downgrade" else "upgrade"] = f"def deed_of(bind, driver):\n    {body}\n"
    for verb, deed in deeds.items():
        (place / f"{verb}.txt").write_text(deed)
    toml = place / "environments.toml"
    toml.write_text(toml.read_text().replace("protected = true", ""))
    if command == "downgrade":
        assert archmig("-c", str(place / "environments.toml"), "upgrade", "-e", "home", "--yes").code == 0
    return place


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("deed", DEEDS)
def test_a_revision_that_would_escape_is_refused_by_name_and_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deed: str, command: str
) -> None:
    body, said = DEEDS[deed]
    words, file, verb = COMMANDS[command]
    monkeypatch.chdir(place_with(tmp_path, body, command))
    before = (tmp_path / file).read_bytes()
    done = archmig(*words)
    assert done.code == 2, done
    assert f"revision 004_hostile failed in {verb}: " in done.err
    if said:
        assert ESCAPED.partition(" archmig keeps")[0].format(verb=verb, deed=said).rstrip(":") in done.err
    assert (tmp_path / file).read_bytes() == before
    assert not (tmp_path / "other.db").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_how_a_revision_reads_rows_is_its_own_affair(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    reads = (
        "driver.text_factory, driver.row_factory = bytes, sqlite3.Row\n    sa.inspect(bind.engine).get_table_names()"
    )
    words, file, _ = COMMANDS[command]
    monkeypatch.chdir(place_with(tmp_path, reads, command))
    done = archmig(*words)
    assert done.code == 0, done
    assert ask(tmp_path / file, "SELECT count(*) FROM notes WHERE id = 70") == [(1,)]


# Each of them leaves nothing committed when the run fails afterwards.
COMMITS = ("bind.commit()", 'op.execute("COMMIT")', 'op.execute(" end transaction")\n    op.execute("BEGIN IMMEDIATE")')


@pytest.mark.parametrize("commit", COMMITS)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_commit_by_sqlalchemy_does_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, commit: str
) -> None:
    words, file, _ = COMMANDS[command]
    more = "\n    op.execute(\"INSERT INTO notes (id, title) VALUES (71, 'late')\")"
    place = place_with(tmp_path, f"{commit}{more}\n    raise ValueError('no')", command)
    monkeypatch.chdir(place)
    before = (place / file).read_bytes()
    assert (archmig(*words).code, (place / file).read_bytes()) == (2, before)
    deed = place / f"{'downgrade' if command == 'downgrade' else 'upgrade'}.txt"
    deed.write_text(f"def deed_of(bind, driver):\n    {commit}{more}\n")
    done = archmig(*words)
    assert (done.code, ask(place / file, "SELECT count(*) FROM notes WHERE id IN (70, 71)")) == (0, [(2,)]), done


@pytest.mark.parametrize("command", COMMANDS)
def test_keys_that_are_off_anyway_may_be_switched_off_and_on_again_around_a_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """As Airflow's chain does it, and many others; in a transaction SQLite makes nothing of either."""
    body = 'op.execute("PRAGMA foreign_keys=off")\n    op.execute("PRAGMA foreign_keys=on")'
    words, file, _ = COMMANDS[command]
    monkeypatch.chdir(place_with(tmp_path, body, command))
    assert archmig(*words).code == 0
    assert ask(tmp_path / file, "SELECT count(*) FROM notes WHERE id = 70") == [(1,)]


def test_the_process_itself_ends_in_failure_where_a_revision_exits_well(tmp_path: Path) -> None:
    place = place_with(tmp_path, "sys.exit(0)", "upgrade")
    done = forked("upgrade", "-e", "home", "--yes", cwd=place)
    assert done.code == 2
    assert "revision 004_hostile failed in upgrade(): SystemExit: 0" in done.err
    assert ask(place / "home.db", "SELECT version_num FROM alembic_version") == [("003_due",)]


def test_a_revision_that_ends_the_process_leaves_what_was_there(tmp_path: Path) -> None:
    place = place_with(tmp_path, "os._exit(0)", "upgrade")
    assert forked("upgrade", "-e", "home", "--yes", cwd=place).out == ""
    assert ask(place / "home.db", "SELECT version_num FROM alembic_version") == [("003_due",)]
    assert ask(place / "home.db", "SELECT id FROM notes") == [(1,), (2,)]
    assert forked("check", "-e", "home", cwd=place).code == 1


def test_rows_that_would_newly_refer_to_nothing_stop_the_run_and_older_ones_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = place_with(tmp_path, 'op.execute("DELETE FROM notes WHERE id = 1")', "upgrade")
    monkeypatch.chdir(place)
    marks = "CREATE TABLE marks (note INTEGER REFERENCES notes (id)); INSERT INTO marks VALUES (1), (99)"
    execute(place / "home.db", marks)
    before = (place / "home.db").read_bytes()
    done = archmig("upgrade", "-e", "home", "--yes")
    assert done.code == 2
    assert "1 row of marks newly refers to nothing in notes (1)" in done.err
    assert (place / "home.db").read_bytes() == before
