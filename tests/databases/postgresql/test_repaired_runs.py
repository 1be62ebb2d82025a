"""Repairs from the plan to the proof, in runs on databases with rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("psycopg")

from support.cli import archmig, plainly
from support.postgresql import ENV, connected, database_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

REVISION = '''from alembic import op

revision, down_revision = "{0}", {1!r}


def upgrade():
    op.execute("""{2}""")
'''


@pytest.fixture
def made(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Writes a chain of SQL, a revision for each text, and makes its database, which statements then change."""
    monkeypatch.chdir(tmp_path)
    plainly(monkeypatch)
    monkeypatch.setenv("ARCHMIG_POSTGRESQL_SCRATCH", url)
    versions = tmp_path / "chain" / "versions"
    versions.mkdir(parents=True)
    (versions.parent / "env.py").write_text(ENV)
    (tmp_path / "alembic.ini").write_text(
        "[alembic]\nscript_location = %(here)s/chain\nsqlalchemy.url = driver://x/y\n"
    )

    def make(chain: tuple[str, ...], *statements: str) -> str:
        with connected(url) as server:
            server.execute("DROP DATABASE IF EXISTS repaired WITH (FORCE)")
            server.execute("CREATE DATABASE repaired")
        for number, sql in enumerate(chain, 1):
            down = f"r{number - 1}" if number > 1 else None
            (versions / f"r{number}.py").write_text(REVISION.format(f"r{number}", down, sql))
        database = database_at(url, "repaired")
        (tmp_path / "environments.toml").write_text(f'[env.app]\nurl = "{database}"\nuninitialised = "create"\n')
        assert archmig("upgrade", "-e", "app", "--yes").code == 0
        with connected(database) as connection:
            for statement in statements:
                connection.execute(statement)
        return database

    yield make
    with connected(url) as server:
        server.execute("DROP DATABASE IF EXISTS repaired WITH (FORCE)")


PEOPLE = (
    """
    CREATE TABLE people (id int PRIMARY KEY, name varchar(40), low text GENERATED ALWAYS AS (lower(name)) STORED);
    CREATE INDEX by_low ON people (low)
    """,
)
ROWS = "INSERT INTO people SELECT i, 'Name ' || i FROM generate_series(1, 9) i"
# What was done to a generated column, or to the column that it is computed of.
GENERATED = {
    "type": (
        "DROP INDEX by_low; ALTER TABLE people DROP low; ALTER TABLE people ALTER name TYPE varchar(60)",
        "ALTER TABLE people ADD low text GENERATED ALWAYS AS (lower(name)) STORED; CREATE INDEX by_low ON people (low)",
    ),
    "collation": (
        'ALTER TABLE people DROP low; ALTER TABLE people ALTER name TYPE varchar(40) COLLATE "C"',
        "ALTER TABLE people ADD low text GENERATED ALWAYS AS (lower(name)) STORED; CREATE INDEX by_low ON people (low)",
    ),
    "plain": ("ALTER TABLE people ALTER low DROP EXPRESSION",),
    "another expression": (
        "ALTER TABLE people DROP low; ALTER TABLE people ADD low text GENERATED ALWAYS AS (upper(name)) STORED",
    ),
}


@pytest.mark.parametrize("damage", GENERATED.values(), ids=GENERATED)
def test_a_generated_column_is_made_again(made: Callable[..., str], damage: tuple[str, ...]) -> None:
    database = made(PEOPLE, ROWS, *damage)
    done = archmig("reconcile", "-e", "app", "--yes")
    assert (done.code, archmig("check").code) == (0, 0), done.err
    with connected(database) as connection:
        rows = connection.execute("SELECT id, name, low FROM people ORDER BY id").fetchall()
    assert rows == [(n, f"Name {n}", f"name {n}") for n in range(1, 10)]


LATER_DEFAULT = (
    "CREATE TABLE t (id int PRIMARY KEY)",
    "ALTER TABLE t ADD n int; ALTER TABLE t ALTER n SET DEFAULT 7; CREATE TABLE u (id int)",
)


def test_rows_get_the_default_of_the_statement_that_added_a_column(made: Callable[..., str]) -> None:
    """The same revision gives the column another default afterwards."""
    database = made(LATER_DEFAULT, "INSERT INTO t VALUES (1)", "ALTER TABLE t DROP n")
    done = archmig("reconcile", "-e", "app", "--yes")
    assert (done.code, archmig("check").code) == (0, 0), done.err
    with connected(database) as connection:
        connection.execute("INSERT INTO t VALUES (2)")
        assert connection.execute("SELECT id, n FROM t ORDER BY id").fetchall() == [(1, None), (2, 7)]


KINDS = ("CREATE TABLE kinds (id int PRIMARY KEY)",)


@pytest.mark.parametrize(
    ("statement", "subject"),
    [
        ("CREATE POLICY p ON kinds USING (true)", "policy kinds.p"),
        ("ALTER TABLE kinds ENABLE ROW LEVEL SECURITY", "table kinds"),
        ("ALTER TABLE kinds FORCE ROW LEVEL SECURITY", "table kinds"),
    ],
)
def test_what_keeps_rows_from_roles_goes_only_by_a_persons_word(
    made: Callable[..., str], tmp_path: Path, statement: str, subject: str
) -> None:
    made(KINDS, statement)
    refused = archmig("reconcile", "-e", "app", "--yes")
    assert refused.code == 1
    assert f"  {subject}: " in refused.out
    assert "archmig takes no protection of rows away" in " ".join(refused.out.split())
    entry = refused.out.partition("[[resolve]]")[2].partition("keep = true")[0]
    with (tmp_path / "environments.toml").open("a") as file:
        file.write(f"[[resolve]]{entry}keep = true\n")
    assert archmig("check").code == 0


def test_an_entry_drops_a_policy(made: Callable[..., str], tmp_path: Path) -> None:
    made(KINDS, "CREATE POLICY p ON kinds USING (true)")
    with (tmp_path / "environments.toml").open("a") as file:
        file.write('[[resolve]]\ntable = "kinds"\npolicy = "p"\ndrop = true\n')
    done = archmig("reconcile", "-e", "app", "--yes")
    assert (done.code, archmig("check").code) == (0, 0), done.out


VIEW = (
    """
    CREATE TABLE t (id int PRIMARY KEY, n int);
    CREATE MATERIALIZED VIEW mv AS SELECT n, count(*) AS number, 'a text'::text AS long FROM t GROUP BY n;
    CREATE UNIQUE INDEX by_n ON mv (n);
    CREATE TYPE span AS RANGE (SUBTYPE = float8)
    """,
)


def test_what_belongs_to_an_object_comes_and_goes_with_it(made: Callable[..., str]) -> None:
    """A materialized view has a table for long values, a range type its functions and casts."""
    database = made(
        VIEW,
        "INSERT INTO t SELECT i, i % 3 FROM generate_series(1, 9) i",
        "DROP MATERIALIZED VIEW mv; DROP TYPE span",
        "CREATE MATERIALIZED VIEW mv AS SELECT n, n + 1 AS number, 'a text'::text AS long FROM t WHERE id < 3",
        "CREATE UNIQUE INDEX by_n ON mv (n)",
        "CREATE TYPE span AS RANGE (SUBTYPE = float8, SUBTYPE_DIFF = float8mi)",
    )
    done = archmig("reconcile", "-e", "app", "--yes")
    assert (done.code, "toast" in done.out, archmig("check").code) == (0, False, 0), done.err
    with connected(database) as connection:
        assert connection.execute("SELECT n, number FROM mv ORDER BY n").fetchall() == [(0, 3), (1, 3), (2, 3)]


@pytest.mark.parametrize("key", ["PRIMARY KEY", ""])
@pytest.mark.parametrize(("wanted", "other"), [("timestamp", "timestamptz"), ("timestamptz", "timestamp")])
def test_moments_become_what_they_were_where_the_server_is_not_in_utc(
    made: Callable[..., str], wanted: str, other: str, key: str
) -> None:
    database = made(
        (f"CREATE TABLE t (id int {key}, at {wanted})",),
        "ALTER DATABASE repaired SET timezone = 'Europe/Berlin'",
        "SET timezone = 'Europe/Berlin'",
        "INSERT INTO t VALUES (1, '2020-07-01 12:00'), (2, '2020-01-01 12:00')",
        f"ALTER TABLE t ALTER at TYPE {other}",
    )
    done = archmig("reconcile", "-e", "app", "--yes")
    assert (done.code, archmig("check").code) == (0, 0), done.err
    with connected(database) as connection:
        rows = connection.execute("SELECT id, at::timestamp::text FROM t ORDER BY id").fetchall()
    assert rows == [(1, "2020-07-01 12:00:00"), (2, "2020-01-01 12:00:00")]


def test_a_moment_that_another_type_would_lose_is_a_blocker(made: Callable[..., str]) -> None:
    """An hour that the clock skips."""
    made(
        ("CREATE TABLE t (id int PRIMARY KEY, at timestamptz)",),
        "ALTER DATABASE repaired SET timezone = 'Europe/Berlin'",
        "ALTER TABLE t ALTER at TYPE timestamp",
        "INSERT INTO t VALUES (1, '2020-03-29 02:30')",
    )
    done = archmig("reconcile", "-e", "app", "--yes")
    assert (done.code, "1 value would not survive" in done.out + done.err) == (1, True), done.err


def test_a_unique_index_in_the_place_of_a_key_is_taken_over(made: Callable[..., str]) -> None:
    made(
        ("CREATE TABLE t (id int CONSTRAINT pk PRIMARY KEY, a int CONSTRAINT uq UNIQUE)",),
        "INSERT INTO t SELECT i, i FROM generate_series(1, 9) i",
        "ALTER TABLE t DROP CONSTRAINT pk; ALTER TABLE t DROP CONSTRAINT uq",
        "CREATE UNIQUE INDEX pk ON t (id); CREATE UNIQUE INDEX uq ON t (a DESC)",
    )
    done = archmig("reconcile", "-e", "app", "--yes")
    assert (done.code, archmig("check").code) == (0, 0), done.err


def test_a_number_beside_the_text_whose_place_it_takes_is_compared(made: Callable[..., str]) -> None:
    """A revision was interrupted before it took the text away."""
    made(
        (
            "CREATE TABLE c (id serial PRIMARY KEY, n text UNIQUE); CREATE TABLE t (id int PRIMARY KEY, cn text)",
            """
            INSERT INTO c (n) SELECT DISTINCT cn FROM t WHERE cn IS NOT NULL ORDER BY 1;
            ALTER TABLE t ADD c_id int REFERENCES c;
            UPDATE t SET c_id = c.id FROM c WHERE c.n = t.cn;
            ALTER TABLE t DROP cn
            """,
        ),
        "ALTER TABLE t ADD cn text; INSERT INTO t (id, cn) VALUES (1, 'x'), (2, NULL)",
        "UPDATE alembic_version SET version_num = 'r1'",
    )
    done = archmig("status")
    assert (done.code, "app          undecided  r2" in done.out, done.err) == (0, True, "")


def test_a_type_that_a_revision_has_only_renamed_gets_its_name_back(made: Callable[..., str]) -> None:
    """A revision was interrupted after its first statement."""
    database = made(
        (
            """
            CREATE TYPE st AS ENUM ('a', 'b');
            CREATE TABLE t (id int PRIMARY KEY, s st NOT NULL DEFAULT 'a');
            CREATE INDEX ix_s ON t (s) WHERE s = 'a'
            """,
        ),
        "INSERT INTO t VALUES (1, 'a'), (2, 'b')",
        "ALTER TYPE st RENAME TO st_old",
        "CREATE VIEW own AS SELECT id FROM t WHERE s = 'b'",
    )
    done = archmig("reconcile", "-e", "app", "--yes")
    assert (done.code, "1 step" in done.err, archmig("check").code) == (0, True, 0), done.err
    with connected(database) as connection:
        assert connection.execute("SELECT s::text FROM t ORDER BY id").fetchall() == [("a",), ("b",)]
        assert connection.execute("SELECT * FROM own").fetchall() == [(2,)]
