from __future__ import annotations

import os
import re
import resource
import sqlite3
import stat
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from architect_migrate.core.database_errors import BackupError, DamagedError, DatabaseMissingError
from architect_migrate.core.names import file_safe
from architect_migrate.databases.sqlite.connection import reading, transaction
from architect_migrate.databases.sqlite.files import backup
from architect_migrate.databases.sqlite.files.backup import _require_space, _verified, no_progress, take

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOSTILE = """
CREATE TABLE plain (a, b TEXT, c REAL);
INSERT INTO plain VALUES (x'00ff', CAST(x'41ff00' AS TEXT), 9e999), ('x' || char(0) || 'y', NULL, -0.0), (1, '1', 1.0);
CREATE TABLE "odd ""name"" %s" ("rowid" TEXT, "from" INTEGER PRIMARY KEY);
INSERT INTO "odd ""name"" %s" VALUES ('eins', 7);
CREATE TABLE pairs (a TEXT COLLATE NOCASE, b INT, PRIMARY KEY (a DESC, b)) WITHOUT ROWID;
INSERT INTO pairs VALUES ('B', 1), ('a', 2), ('é', 3);
CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, v INT CHECK (v > 0), g AS (v * 2), s AS (v + 1) STORED);
INSERT INTO counted (v) VALUES (1), (2);
CREATE VIRTUAL TABLE words USING fts5(body);
INSERT INTO words VALUES ('hello world');
CREATE TABLE empty (id INTEGER PRIMARY KEY);
CREATE INDEX by_b ON plain (b);
ANALYZE;
PRAGMA user_version = 42;
"""


def make(path: Path, script: str = HOSTILE, mode: int = 0o600) -> Path:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.executescript(script)
    path.chmod(mode)
    return path


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def dump(path: Path) -> list[object]:
    with closing(sqlite3.connect(path)) as connection:
        connection.text_factory = bytes
        return [
            connection.execute("SELECT rowid, typeof(b), * FROM plain").fetchall(),
            connection.execute('SELECT * FROM "odd ""name"" %s"').fetchall(),
            connection.execute("SELECT * FROM pairs").fetchall(),
            connection.execute("SELECT * FROM counted").fetchall(),
            connection.execute("SELECT * FROM words WHERE words MATCH 'hello'").fetchall(),
            connection.execute("SELECT * FROM sqlite_sequence").fetchall(),
            connection.execute("PRAGMA user_version").fetchall(),
        ]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return make(tmp_path / "a db?%20'é.db")


def test_a_backup_is_one_file_with_everything_of_the_database(database: Path, tmp_path: Path) -> None:
    backup = take(database, tmp_path / "new" / "backups", "shop")
    assert dump(backup.path) == dump(database)
    assert re.fullmatch(r"shop-\d{8}T\d{6}Z-1\.db", backup.path.name)
    assert listed(tmp_path / "new" / "backups") == [backup.path.name]
    assert backup.size == backup.path.stat().st_size == database.stat().st_size
    assert stat.S_IMODE(backup.path.parent.stat().st_mode) == 0o700
    assert backup.path.stat().st_nlink == 1
    assert backup.tables == 12
    with reading(backup.path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_equal_databases_have_equal_digests_and_another_value_another(database: Path, tmp_path: Path) -> None:
    first = take(database, tmp_path / "backups", "x")
    assert take(first.path, tmp_path / "backups", "x").digest == first.digest
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("UPDATE plain SET a = '1' WHERE a = 1")
    assert take(database, tmp_path / "backups", "x").digest != first.digest


def test_what_a_wal_holds_is_in_the_backup_which_itself_has_none(tmp_path: Path) -> None:
    path = make(tmp_path / "wal.db", "PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1);")
    with closing(sqlite3.connect(path, isolation_level=None)) as application:
        application.execute("PRAGMA wal_autocheckpoint = 0")
        application.execute("INSERT INTO t VALUES (2)")
        backup = take(path, tmp_path / "backups", "wal")
    with closing(sqlite3.connect(backup.path)) as connection:
        assert connection.execute("SELECT a FROM t").fetchall() == [(1,), (2,)]
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert listed(tmp_path / "backups") == [backup.path.name]


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_a_backup_within_the_write_transaction_has_the_committed_state_and_keeps_the_lock(
    tmp_path: Path, journal: str
) -> None:
    path = make(tmp_path / "t.db", f"PRAGMA journal_mode = {journal}; CREATE TABLE t (a); INSERT INTO t VALUES (1);")
    with transaction(path, 1.0) as connection:
        connection.execute("INSERT INTO t VALUES (2)")
        backup = take(path, tmp_path / "backups", "t")
        other = (
            "import sqlite3, sys\n"
            "sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None).execute('BEGIN IMMEDIATE')"
        )
        assert _python(other, str(path)) == 1
    with closing(sqlite3.connect(backup.path)) as copy, closing(sqlite3.connect(path)) as now:
        assert copy.execute("SELECT a FROM t").fetchall() == [(1,)]
        assert now.execute("SELECT a FROM t").fetchall() == [(1,), (2,)]


def _python(code: str, *arguments: str) -> int:
    import subprocess
    import sys

    return subprocess.run([sys.executable, "-c", code, *arguments], stderr=subprocess.DEVNULL, check=False).returncode


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o666, 0o400])
@pytest.mark.parametrize("mask", [0o000, 0o077])
def test_a_backup_has_the_permissions_of_the_database(tmp_path: Path, mode: int, mask: int) -> None:
    path = make(tmp_path / "t.db", "CREATE TABLE t (a);", mode)
    before = os.umask(mask)
    try:
        backup = take(path, tmp_path / "backups", "t")
    finally:
        os.umask(before)
    assert stat.S_IMODE(backup.path.stat().st_mode) == mode


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("prod", "prod"),
        ("../../etc/x", "_.._etc_x-CHECKSUM"),
        (".hidden", "hidden-CHECKSUM"),
        ("a b\n'é", "a_b___-CHECKSUM"),
        ("x" * 81, f"{'x' * 71}-CHECKSUM"),
        ("", "database-CHECKSUM"),
    ],
)
def test_a_name_becomes_one_plain_file_name(tmp_path: Path, name: str, expected: str) -> None:
    backup = take(make(tmp_path / "t.db", "CREATE TABLE t (a);"), tmp_path / "backups", name)
    assert backup.path.parent == tmp_path / "backups"
    its = backup.path.name.rpartition("-")[0].rpartition("-")[0]
    assert re.fullmatch(re.escape(expected).replace("CHECKSUM", "[0-9a-f]{8}"), its), its


def test_names_that_differ_only_in_what_is_converted_have_different_files() -> None:
    assert len({file_safe(name) for name in ("a/b", "a_b", "a b", "é", "è", "x" * 80 + "1", "x" * 80 + "2")}) == 7


def test_backups_of_one_second_get_names_of_their_own(database: Path, tmp_path: Path) -> None:
    paths = {take(database, tmp_path / "backups", "x").path for _ in range(4)}
    assert len(paths) == len(listed(tmp_path / "backups")) == 4


def test_a_planted_link_is_neither_followed_nor_replaced(tmp_path: Path) -> None:
    from datetime import UTC, datetime, timedelta

    path, folder, victim = make(tmp_path / "t.db", "CREATE TABLE t (a);"), tmp_path / "backups", tmp_path / "victim"
    folder.mkdir()
    now = datetime.now(UTC)
    for seconds in range(5):
        moment = (now + timedelta(seconds=seconds)).strftime("%Y%m%dT%H%M%SZ")
        (folder / f"t-{moment}-1.db").symlink_to(victim)
    backup = take(path, folder, "t")
    assert backup.path.name.endswith("-2.db")
    assert not victim.exists()


@contextmanager
def files_no_longer_than(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_takes_no_more_leaves_no_file(database: Path, tmp_path: Path) -> None:
    with files_no_longer_than(20_000), pytest.raises(BackupError) as raised:
        take(database, tmp_path / "backups", "x")
    assert raised.value.subject == str(tmp_path / "backups")
    assert listed(tmp_path / "backups") == []


def test_space_is_asked_for_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match=r"no backup was made: it takes \d+\.\d MB and \d+\.\d MB are free; nothing"):
        _require_space(tmp_path, 1 << 60)


def test_a_folder_that_is_a_file_is_named(database: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BackupError) as raised:
        take(database, tmp_path / "file", "x")
    assert str(raised.value) == (
        f"{tmp_path / 'file'}: no backup was made: Not a directory; nothing was changed: correct that, then run "
        "this again"
    )


def test_a_missing_database_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(DatabaseMissingError):
        take(tmp_path / "none.db", tmp_path / "backups", "x")
    assert listed(tmp_path) == []


def test_a_damaged_database_gives_no_backup(tmp_path: Path) -> None:
    path = make(
        tmp_path / "t.db",
        "CREATE TABLE t (a, b); CREATE INDEX i ON t (a);"
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 3000) "
        "INSERT INTO t SELECT x, x FROM n;",
    )
    with path.open("r+b") as file:
        file.seek(4096 * 4)
        file.write(b"\xee" * 4096)
    with pytest.raises((DamagedError, BackupError)):
        take(path, tmp_path / "backups", "x")
    assert listed(tmp_path / "backups") == []


def test_an_index_out_of_step_with_its_table_is_the_databases_damage(tmp_path: Path) -> None:
    path = make(
        tmp_path / "t.db",
        "CREATE TABLE t (a); CREATE INDEX i ON t (a); INSERT INTO t VALUES (1);"
        "PRAGMA writable_schema = ON; DELETE FROM sqlite_master WHERE name = 'i';",
    )
    make(path, "INSERT INTO t VALUES (2);")
    root = 3
    make(
        path,
        f"PRAGMA writable_schema = ON; INSERT INTO sqlite_master VALUES ('index', 'i', 't', {root},"
        "'CREATE INDEX i ON t (a)');",
    )
    with pytest.raises(BackupError, match="the database itself is damaged"):
        take(path, tmp_path / "backups", "x")
    assert listed(tmp_path / "backups") == []


def test_rows_that_break_a_check_are_backed_up_as_they_are(tmp_path: Path) -> None:
    path = make(
        tmp_path / "t.db",
        "PRAGMA ignore_check_constraints = ON; CREATE TABLE t (a CHECK (a > 0)); INSERT INTO t VALUES (-1);",
    )
    assert take(path, tmp_path / "backups", "x").rows == 1


@pytest.mark.parametrize("script", ["", "PRAGMA user_version = 1;", "PRAGMA encoding = 'UTF-16le'; " + HOSTILE])
def test_databases_without_tables_or_in_utf_16_are_backed_up(tmp_path: Path, script: str) -> None:
    path = make(tmp_path / "t.db", script)
    backup = take(path, tmp_path / "backups", "x")
    assert dict.fromkeys([backup.size, path.stat().st_size or backup.size]) == {backup.path.stat().st_size: None}


def test_functions_and_collations_of_the_application_do_not_forbid_a_backup(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.create_collation("mine", lambda left, right: (left > right) - (left < right))
        connection.create_function("f", 1, lambda value: value, deterministic=True)
        connection.executescript(
            "CREATE TABLE t (a TEXT COLLATE mine, b, g AS (f(b))); CREATE INDEX i ON t (a); CREATE INDEX j ON t (f(b));"
            "INSERT INTO t VALUES ('a', 1), ('b', 2); CREATE TABLE plain (a); CREATE INDEX k ON plain (a);"
        )
    backup = take(path, tmp_path / "backups", "x")
    assert (backup.tables, backup.rows) == (2, 2)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("UPDATE plain SET a = CAST(a AS BLOB) WHERE rowid = 2", "the copy has other rows in table 'plain'"),
        ("UPDATE plain SET c = 9e998 WHERE rowid = 2", "the copy has other rows in table 'plain'"),
        ("UPDATE plain SET rowid = 77 WHERE rowid = 3", "the copy has other rows in table 'plain'"),
        ("DELETE FROM pairs WHERE a = 'é'", "the copy has other rows in table 'pairs'"),
        ("DELETE FROM sqlite_sequence", "the copy has other rows in table 'sqlite_sequence'"),
        ("INSERT INTO empty VALUES (1)", "the copy has more rows in table 'empty'"),
        ("CREATE INDEX more ON plain (a)", "the copy has another schema"),
        ("PRAGMA user_version = 43", "the copy has another schema"),
        (
            (
                "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = 'CREATE INDEX by_b ON plain (a)' "
                "WHERE name = 'by_b'"
            ),
            "the copy has another schema",
        ),
    ],
)
def test_a_copy_that_is_not_the_database_does_not_pass(
    database: Path, tmp_path: Path, change: str, problem: str
) -> None:
    copy = take(database, tmp_path / "backups", "x").path
    make(copy, f"{change};")
    with reading(database) as source, pytest.raises(BackupError) as raised:
        _verified(database, source, copy, no_progress)
    assert raised.value.problem == problem


def test_a_copy_with_a_damaged_index_does_not_pass(tmp_path: Path) -> None:
    path = make(
        tmp_path / "t.db",
        "CREATE TABLE t (a); INSERT INTO t VALUES ('a needle'), ('b'), ('c'); CREATE INDEX i ON t (a);",
    )
    copy = take(path, tmp_path / "backups", "x").path
    content = copy.read_bytes()
    place = content.rindex(b"a needle")
    copy.write_bytes(content[:place] + b"z" + content[place + 1 :])
    with reading(path) as source, pytest.raises(BackupError, match="the copy is damaged"):
        _verified(path, source, copy, no_progress)


def test_an_interrupt_does_not_wait_for_the_check_of_the_copy(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Event()

    def endless(connection: sqlite3.Connection) -> None:
        connection.create_function("begun", 0, begun.set)
        endlessly = "WITH RECURSIVE n(x) AS (SELECT begun() UNION ALL SELECT x FROM n) SELECT count(*) FROM n"
        connection.execute(endlessly)

    def interrupted(*_: object) -> None:
        assert begun.wait(20)
        raise KeyboardInterrupt

    monkeypatch.setattr(backup, "damage", endless)
    monkeypatch.setattr(backup, "_same_content", interrupted)
    with pytest.raises(KeyboardInterrupt):
        take(database, tmp_path / "backups", "x")
    assert listed(tmp_path / "backups") == []
