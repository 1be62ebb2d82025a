"""Whatever a revision does, plain `alembic` refuses it by name or leaves a whole database behind."""

from __future__ import annotations

import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from support.plain_alembic import alembic, ask, environments, executable, execute, files, version

if TYPE_CHECKING:
    from pathlib import Path

INI = """[alembic]
script_location = %(here)s/chain
path_separator = os
file_template = %%(rev)s
"""
ENV = "from alembic import context\nfrom architect_migrate.alembic_env import run\nrun(context)\n"
FIRST = '''"""First."""
from alembic import op
revision = "001_first"
down_revision = None
def upgrade():
    op.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, word TEXT UNIQUE)")
    op.execute("INSERT INTO notes VALUES (1, 'one')")
def downgrade():
    op.execute("DROP TABLE notes")
'''
SECOND = '''"""Second."""
import sqlite3, sys
import sqlalchemy as sa
from alembic import op
revision = "002_second"
down_revision = "001_first"
{top}
def upgrade():
    op.execute("INSERT INTO notes VALUES (2, 'two')")
{body}
def downgrade():
    {down}
'''
TEMPLATE = 'revision = "${up_revision}"\ndown_revision = ${repr(down_revision)}\n'
REFUSED = (
    "revision 002_second failed in upgrade(): the chain's code tried to {deed}: archmig keeps one transaction around "
    "the whole run, so this was refused and everything rolled back; remove that from the revision"
)
ENDED = "go on after SQLite had rolled the transaction back by itself"
FAILED = "main: revision 002_second failed in upgrade(): {cause}; everything was rolled back"

HIDING = "leave the temporary table alembic_version in the way of the database's own (drop it, or give it another name)"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A chain of one revision, and main.db upgraded to it."""
    (tmp_path / "alembic.ini").write_text(INI, encoding="utf-8")
    versions = tmp_path / "chain" / "versions"
    versions.mkdir(parents=True)
    (tmp_path / "chain" / "env.py").write_text(ENV, encoding="utf-8")
    (tmp_path / "chain" / "script.py.mako").write_text(TEMPLATE, encoding="utf-8")
    (versions / "001_first.py").write_text(FIRST, encoding="utf-8")
    project = '[defaults]\nenvironment = "main"\n[env.main]\npath = "main.db"\n'
    environments(tmp_path, project, ini=tmp_path / "alembic.ini")
    monkeypatch.delenv("ARCHMIG_CONFIG", raising=False)
    monkeypatch.delenv("ARCHITECT_ENV", raising=False)
    monkeypatch.setenv("ARCHMIG_CACHE", str(tmp_path / "cache"))
    (tmp_path / "main.db").touch()
    assert alembic("upgrade", "001", ini=tmp_path / "alembic.ini").code == 0
    return tmp_path


def second(home: Path, *lines: str, top: str = "", down: str = "pass") -> None:
    """Write the second revision, with these lines at the end of its upgrade()."""
    body = "\n".join(f"    {line}" for line in lines)
    file = home / "chain" / "versions" / "002_second.py"
    file.write_text(SECOND.format(top=top, body=body, down=down), encoding="utf-8")


SWALLOWED = (
    "try: op.execute(\"INSERT OR ROLLBACK INTO notes VALUES (3, 'one')\")",
    "except sa.exc.IntegrityError: pass",
)
SWALLOWED_BELOW = (
    "driver = op.get_bind().connection.driver_connection",
    "add = 'INSERT OR ROLLBACK INTO notes VALUES (?, ?)'",
    "driver.execute(add, (8, 'kept'))",
    "try: driver.execute(add, (3, 'one'))",
    "except Exception: pass",
    "driver.execute(add, (9, 'late'))",
)


@pytest.mark.parametrize(
    ("lines", "deed"),
    [
        (("op.get_bind().connection.driver_connection.execute('COMMIT')",), "run COMMIT"),
        (('op.execute("ROLLBACK")',), "roll back"),
        (("op.get_bind().connection.driver_connection.commit()",), "commit"),
        (("op.get_bind().connection.driver_connection.executescript('SELECT 1')",), "run COMMIT"),
        (("op.execute(\"ATTACH ':memory:' AS other\")",), "ATTACH a database"),
        (('op.execute("PRAGMA foreign_keys=ON")',), "set PRAGMA foreign_keys"),
        (('op.execute("PRAGMA writable_schema=ON")',), "set PRAGMA writable_schema"),
        (('op.execute("PRAGMA journal_mode=WAL")',), "set PRAGMA journal_mode"),
        (SWALLOWED, ENDED),
        ((*SWALLOWED, "op.execute('CREATE TABLE late (id INTEGER)')"), ENDED),
        (SWALLOWED_BELOW, "go on after SQLite had rolled the transaction back"),
        (("op.get_bind().rollback()",), "roll back"),
        (("op.execute(\"INSERT INTO alembic_version VALUES ('elsewhere')\")",), "change the stamp in alembic_version"),
        (("op.execute('DELETE FROM alembic_version')",), "change the stamp in alembic_version"),
        (("op.get_bind().close()",), "close the connection"),
        (
            ("op.execute(\"CREATE TEMP TABLE alembic_version AS SELECT '002_second' AS version_num\")",),
            HIDING,
        ),
        ((*SWALLOWED, *SWALLOWED, "op.execute(\"INSERT INTO notes VALUES (2, 'two')\")"), ENDED),
    ],
)
def test_a_revision_that_would_escape_the_transaction_is_refused_by_name(
    home: Path, lines: tuple[str, ...], deed: str
) -> None:
    second(home, *lines)
    before = files(home)
    assert alembic("upgrade", "head", ini=home / "alembic.ini").failure == REFUSED.format(deed=deed)
    assert files(home) == before


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("sys.exit(0)", "SystemExit: 0"),
        ("sys.exit()", "SystemExit"),
        ("raise ValueError('no such thing')", "ValueError: no such thing"),
        ("op.execute('SELECT * FROM nowhere')", "OperationalError: no such table: nowhere"),
    ],
)
def test_a_revision_that_raises_or_exits_fails_by_name_and_leaves_nothing(home: Path, line: str, cause: str) -> None:
    second(home, line)
    before = files(home)
    assert alembic("upgrade", "head", ini=home / "alembic.ini").failure == FAILED.format(cause=cause)
    assert files(home) == before


def test_the_executable_ends_in_failure_where_a_revision_exits_well(home: Path) -> None:
    second(home, "sys.exit(0)")
    assert executable("upgrade", "head", ini=home / "alembic.ini").failure == FAILED.format(cause="SystemExit: 0")
    assert version(home / "main.db") == ["001_first"]


def test_a_run_that_is_killed_half_way_leaves_the_database_as_it_was_and_free(home: Path) -> None:
    second(home, "op.execute('CREATE TABLE late (id INTEGER)')", "os.kill(os.getpid(), 9)", top="import os")
    before = ask(home / "main.db", "SELECT type, name, sql FROM sqlite_master")
    assert executable("upgrade", "head", ini=home / "alembic.ini").code == -9
    assert ask(home / "main.db", "SELECT type, name, sql FROM sqlite_master") == before
    assert ask(home / "main.db", "SELECT id FROM notes") == [(1,)]
    second(home)
    assert alembic("upgrade", "head", ini=home / "alembic.ini").code == 0


def test_of_two_upgrades_at_once_one_waits_and_both_end_well(home: Path) -> None:
    second(home, "time.sleep(0.5)", top="import time")
    with ThreadPoolExecutor() as people:
        runs = [people.submit(executable, "upgrade", "head", ini=home / "alembic.ini") for _ in range(2)]
        done = [run.result() for run in runs]
    assert [one.code for one in done] == [0, 0]
    assert version(home / "main.db") == ["002_second"]
    assert ask(home / "main.db", "SELECT id FROM notes") == [(1,), (2,)]


@pytest.mark.parametrize(
    ("top", "said"),
    [
        ("import nothing_of_this_name", "ModuleNotFoundError on import: No module named 'nothing_of_this_name'"),
        ("sys.exit(0)", "SystemExit on import: 0"),
        ("1 / 0", "ZeroDivisionError on import: division by zero"),
    ],
)
def test_a_revision_file_that_cannot_be_imported_is_one_line(home: Path, top: str, said: str) -> None:
    second(home, top=top)
    before = files(home)
    file = home / "chain" / "versions" / "002_second.py"
    whole = f"{file}, line 7: {said} (correct the chain; no database was touched)"
    assert alembic("upgrade", "head", ini=home / "alembic.ini").failure == whole
    assert files(home) == before


def test_a_revision_file_touches_no_database_when_it_is_imported(home: Path) -> None:
    second(home, top="op.execute('DROP TABLE notes')")
    before = files(home)
    assert "AttributeError on import" in alembic("current", ini=home / "alembic.ini").failure
    assert files(home) == before


def test_children_of_a_cascading_key_survive_a_batch_rebuild_of_their_parent(home: Path) -> None:
    cascade = "CREATE TABLE marks (note INTEGER REFERENCES notes(id) ON DELETE CASCADE); INSERT INTO marks VALUES (1)"
    execute(home / "main.db", cascade)
    second(
        home, "with op.batch_alter_table('notes', recreate='always') as it: it.add_column(sa.Column('n', sa.Integer))"
    )
    assert alembic("upgrade", "head", ini=home / "alembic.ini").code == 0
    assert ask(home / "main.db", "SELECT note FROM marks") == [(1,)]


def test_rows_that_would_newly_refer_to_nothing_stop_the_run_and_older_ones_do_not(home: Path) -> None:
    orphans = "CREATE TABLE marks (note INTEGER REFERENCES notes(id)); INSERT INTO marks VALUES (1), (77)"
    execute(home / "main.db", orphans)
    second(home, "op.execute('DELETE FROM notes WHERE id = 1')", down="op.execute('DELETE FROM notes WHERE id = 2')")
    before = files(home)
    assert alembic("upgrade", "head", ini=home / "alembic.ini").failure == (
        "main: the result did not pass its proof: 1 row of marks newly refers to nothing in notes (1); "
        "everything was rolled back"
    )
    assert files(home) == before
    assert alembic("stamp", "head", ini=home / "alembic.ini").code == 0
    assert alembic("downgrade", "001", ini=home / "alembic.ini").code == 0


def test_a_table_to_which_rows_do_not_refer_may_get_another_name(home: Path) -> None:
    execute(home / "main.db", "CREATE TABLE marks (note INTEGER REFERENCES notes(id)); INSERT INTO marks VALUES (77)")
    second(home, "op.rename_table('notes', 'papers')", down="op.rename_table('papers', 'notes')")
    for verb, revision in (("upgrade", "head"), ("downgrade", "001")):
        assert alembic(verb, revision, ini=home / "alembic.ini").code == 0
    assert ask(home / "main.db", "SELECT note FROM marks") == [(77,)]


@pytest.mark.parametrize(
    ("child", "row"),
    [
        ("CREATE TABLE marks (name TEXT PRIMARY KEY, note INTEGER REFERENCES notes(id)) WITHOUT ROWID", "'a', 1"),
        ("CREATE TABLE marks (note INTEGER REFERENCES notes(id), other INTEGER REFERENCES notes(id))", "77, 1"),
    ],
    ids=["without rowids", "by another key"],
)
def test_rows_that_newly_refer_to_nothing_are_not_hidden_by_those_that_did_before(
    home: Path, child: str, row: str
) -> None:
    execute(home / "main.db", f"{child}; INSERT INTO marks VALUES ('b', 77), ({row})")
    second(home, "op.execute('DELETE FROM notes WHERE id = 1')")
    before = files(home)
    said = alembic("upgrade", "head", ini=home / "alembic.ini").failure
    assert "1 row of marks newly refers to nothing in notes (1)" in said
    assert files(home) == before


def test_a_file_made_for_a_run_that_fails_is_gone_again(home: Path) -> None:
    second(home, "raise ValueError('no')")
    text = '[env.new]\npath = "new.db"\nuninitialised = "create"\n'
    environments(home, text, ini=home / "alembic.ini")
    before = files(home)
    said = alembic("-x", "env=new", "upgrade", "head", ini=home / "alembic.ini").failure
    assert said == "new: revision 002_second failed in upgrade(): ValueError: no; everything was rolled back"
    assert files(home) == before


def test_a_wal_database_keeps_its_mode_and_what_is_still_in_its_log(home: Path) -> None:
    second(home)
    with closing(sqlite3.connect(home / "main.db", isolation_level=None)) as application:
        application.execute("PRAGMA journal_mode = WAL")
        application.execute("INSERT INTO notes VALUES (9, 'nine')")
        assert alembic("upgrade", "head", ini=home / "alembic.ini").code == 0
        assert application.execute("SELECT id FROM notes").fetchall() == [(1,), (2,), (9,)]
        assert application.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_damaged_database_is_named_before_anything_is_written(home: Path) -> None:
    second(home)
    path = home / "main.db"
    execute(
        path,
        "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(sql, 'UNIQUE', '') WHERE name = 'notes'",
    )
    before = files(home)
    said = alembic("upgrade", "head", ini=home / "alembic.ini").failure
    assert said.startswith(f"{path}: damaged (")
    assert said.endswith("nothing was written: restore a backup, or try `sqlite3 FILE .recover`")
    assert files(home) == before


def test_the_matrix_of_another_chain_is_refused(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other") / "alembic.ini"
    other.write_text(INI, encoding="utf-8")
    environments(home, '[env.main]\npath = "main.db"\n', ini=other)
    assert alembic("-x", "env=main", "upgrade", "head", ini=home / "alembic.ini").failure == (
        f"{home / 'environments.toml'}: its databases follow the chain of {other}, and this is {home / 'alembic.ini'}; "
        "nothing was touched (correct [alembic] config, or name a database: -x db=PATH)"
    )


def test_without_a_matrix_a_database_is_still_named_by_its_path(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "environments.toml").unlink()
    monkeypatch.chdir(home)
    assert alembic("-x", "db=main.db", "current", ini=home / "alembic.ini").out == "001_first (head)\n"
    assert alembic("current", ini=home / "alembic.ini").failure.endswith(
        "(name one in ARCHMIG_CONFIG, or a database: -x db=PATH)"
    )


@pytest.mark.parametrize(
    "name",
    ["q?x%20y '\".db", "new\nline.db", os.fsdecode(b"a\xff.db"), "😀.db"],
    ids=["odd", "lines", "bytes", "emoji"],
)
def test_a_database_is_that_very_file_whatever_its_name(home: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(home)
    (home / "main.db").rename(home / name)
    second(home)
    before = set(files(home))
    assert alembic("-x", f"db={name}", "upgrade", "head", ini=home / "alembic.ini").code == 0
    assert alembic("-x", f"db={name}", "current", ini=home / "alembic.ini").out == "002_second (head)\n"
    assert set(files(home)) == before


def test_a_new_revision_is_written_without_any_database(home: Path) -> None:
    (home / "main.db").unlink()
    assert alembic("revision", "-m", "More", "--rev-id", "050_more", ini=home / "alembic.ini").code == 0
    assert (home / "chain" / "versions" / "050_more.py").read_text(encoding="utf-8") == (
        "revision = \"050_more\"\ndown_revision = '001_first'\n"
    )
    assert not (home / "main.db").exists()


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("", 255),
        ('[[resolve]]\ntable = "notes"\ncolumn = "id"\nkeep = true\n', 0),
        ('[[resolve]]\ntable = "notes"\nkeep = true\n', 0),
        ('[[resolve]]\ntable = "notes"\ncolumn = "word"\nkeep = true\n', 255),
    ],
)
def test_check_lets_stand_the_key_that_an_entry_keeps(home: Path, entry: str, code: int) -> None:
    execute(home / "main.db", "DROP TABLE notes; CREATE TABLE notes (id TEXT PRIMARY KEY, word TEXT UNIQUE)")
    environments(home, f'[env.main]\npath = "main.db"\n{entry}', ini=home / "alembic.ini")
    assert alembic("-x", "env=main", "check", ini=home / "alembic.ini").code in {code, code - 256}
