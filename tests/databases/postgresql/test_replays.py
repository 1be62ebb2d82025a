"""Replays of chains on PostgreSQL: whatever env.py does to connect, and what no replay may do."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

psycopg = pytest.importorskip("psycopg")

from architect_migrate.core.chain_errors import ReplayError
from architect_migrate.model.chain_config import beside
from architect_migrate.model.history import snapshots
from architect_migrate.revisions.replay import source_of
from support.postgresql import ENV

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from architect_migrate.model.history import History, Replayed

ASYNCHRONOUS = """import asyncio
from alembic import context
from sqlalchemy.ext.asyncio import async_engine_from_config


def run(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()


async def main():
    engine = async_engine_from_config(context.config.get_section("alembic"), prefix="sqlalchemy.")
    async with engine.connect() as connection:
        await connection.run_sync(run)
    await engine.dispose()


asyncio.run(main())
"""
OPTIONS = ENV.replace("poolclass=sa.pool.NullPool", "executemany_mode='values_plus_batch', pool_pre_ping=True")
OWN = ENV.replace(
    'sa.engine_from_config(context.config.get_section("alembic"), prefix="sqlalchemy.", poolclass=sa.pool.NullPool)',
    'sa.create_engine("postgresql+psycopg2://ada:secret@prod.example.org/app", isolation_level="REPEATABLE READ")',
)
GIVEN = """from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection)
with context.begin_transaction():
    context.run_migrations()
"""
BEGUN = ENV.replace("engine.connect()", "engine.begin()")
TABLE = 'op.execute("CREATE TABLE t (id serial PRIMARY KEY, a text, b text)")'


@pytest.fixture
def replayed(
    tmp_path: Path, url_of: Callable[[int | None], str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., History]:
    """Replays a chain of revisions, given as the statements of their upgrade(), on the newest version."""
    server = url_of(None)
    monkeypatch.setenv("ARCHMIG_POSTGRESQL_SCRATCH", server)

    def history(*bodies: str, env: str = ENV, url: str = "driver://x/y", schema: str = "public") -> History:
        versions = tmp_path / "chain" / "versions"
        versions.mkdir(parents=True)
        (tmp_path / "alembic.ini").write_text(f"[alembic]\nscript_location = %(here)s/chain\nsqlalchemy.url = {url}\n")
        (tmp_path / "chain" / "env.py").write_text(env)
        before = None
        for number, body in enumerate(bodies, 1):
            lines = ["import sqlalchemy as sa", "from alembic import op", f'revision = "r{number}"']
            lines += [f"down_revision = {before!r}", "def upgrade():", *(f"    {line}" for line in body.splitlines())]
            (versions / f"r{number}.py").write_text("\n".join(lines))
            before = f"r{number}"
        chain = beside(tmp_path / "alembic.ini").on("postgresql", "", schema, server)
        return source_of(chain, tmp_path / "cache").history

    return history


def last(history: History) -> Replayed:
    return history.replayed[-1]


@pytest.mark.parametrize(
    ("env", "url"),
    [
        (ENV, "driver://x/y"),
        (ENV, "postgresql+psycopg2://ada:secret@prod.example.org/app"),
        (ASYNCHRONOUS, "postgresql+asyncpg://ada:secret@prod.example.org/app"),
        (ASYNCHRONOUS, "postgresql+psycopg://ada:secret@prod.example.org/app"),
        (OPTIONS, "driver://x/y"),
        (OWN, "driver://x/y"),
        (GIVEN, "driver://x/y"),
        (BEGUN, "driver://x/y"),
    ],
    ids=["plain", "psycopg2", "asyncpg", "asynchronous psycopg", "options", "own engine", "given", "begun"],
)
def test_every_engine_of_the_chains_code_is_lent_the_scratch_database(
    replayed: Callable[..., History], env: str, url: str
) -> None:
    history = replayed(TABLE, 'op.add_column("t", sa.Column("c", sa.Integer))', env=env, url=url)
    assert [[column.name for column in each.tables[0].columns] for each in snapshots(history).values()] == [
        ["id", "a", "b"],
        ["id", "a", "b", "c"],
    ]


@pytest.mark.parametrize(
    ("env", "url", "text"),
    [
        (ASYNCHRONOUS, "postgresql+asyncpg://x/y", "SELECT format('%I', 'a') || :b"),
        (ASYNCHRONOUS, "postgresql+psycopg://x/y", "SELECT format('%%I', 'a') || :b"),
        (ENV, "postgresql+psycopg2://x/y", "SELECT format('%%I', 'a') || :b"),
    ],
    ids=["asyncpg", "asynchronous psycopg", "psycopg2"],
)
def test_a_percent_sign_means_what_it_means_to_the_driver(
    replayed: Callable[..., History], env: str, url: str, text: str
) -> None:
    own = f'assert op.get_bind().exec_driver_sql("""{text.replace(":b", "1")}""").scalar() == "a1"'
    compiled = f'assert op.get_bind().scalar(sa.text("""{text.replace("%%", "%")}"""), {{"b": "1"}}) == "a1"'
    replayed(TABLE, f"{own}\n{compiled}", env=env, url=url)


def test_a_driver_that_is_called_without_an_engine_is_refused(replayed: Callable[..., History]) -> None:
    with pytest.raises(ReplayError, match="PostgreSQL database, which is not the database of an environment"):
        replayed('import psycopg\npsycopg.connect("postgresql://prod.example.org/app")')


def test_what_a_chain_makes_in_another_schema_is_never_passed_over(replayed: Callable[..., History]) -> None:
    with pytest.raises(ReplayError, match="audit: the chain makes relation log there"):
        replayed(TABLE, 'op.execute("CREATE SCHEMA audit; CREATE TABLE audit.log (id int)")')


def test_the_schema_that_is_read_is_the_one_in_which_the_chain_works(replayed: Callable[..., History]) -> None:
    history = replayed(TABLE, 'op.execute("CREATE INDEX i ON t (a)")', schema="My App")
    assert [index.name for index in snapshots(history)["r2"].indexes] == ["i"]


@pytest.mark.parametrize(
    "env",
    [
        ENV.replace(
            "as connection:\n",
            """as connection:
    connection.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS app")
    connection.exec_driver_sql("SET search_path TO app")
    connection.commit()
    connection.dialect.default_schema_name = "app"
""",
        ),
        ENV.replace("poolclass=", 'connect_args={"options": "-csearch_path=app,public"}, poolclass='),
        ENV.replace("poolclass=", 'connect_args={"server_settings": {"search_path": "app"}}, poolclass='),
    ],
    ids=["set", "options", "server settings"],
)
def test_a_schema_that_env_py_chooses_has_to_be_that_which_is_read(replayed: Callable[..., History], env: str) -> None:
    with pytest.raises(ReplayError, match=r"app: env.py lets the chain work in this schema.*-csearch_path=app"):
        replayed(TABLE, env=env)


def test_no_replay_changes_the_roles_of_a_server_that_others_use(
    replayed: Callable[..., History], url_of: Callable[[int | None], str]
) -> None:
    with pytest.raises(ReplayError, match="the chain changes its roles"):
        replayed('op.execute("DO $$ BEGIN CREATE ROLE archmig_of_a_chain; END $$")')
    with psycopg.connect(url_of(None)) as connection:
        asked = "SELECT count(*) FROM pg_roles WHERE rolname = 'archmig_of_a_chain'"
        assert connection.execute(asked).fetchone() == (0,)


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE ROLE made",
        "CREATE DATABASE made",
        "ALTER SYSTEM SET work_mem = '5MB'",
        "ALTER DATABASE postgres RESET ALL",
    ],
)
def test_nothing_of_a_server_that_others_use_is_changed_outside_of_a_transaction_either(
    replayed: Callable[..., History], url_of: Callable[[int | None], str], sql: str
) -> None:
    with pytest.raises(ReplayError, match="nothing of that is left"):
        replayed(TABLE, f"with op.get_context().autocommit_block():\n    op.execute({sql!r})")
    with psycopg.connect(url_of(None)) as connection:
        made = "SELECT rolname FROM pg_roles UNION ALL SELECT datname FROM pg_database"
        assert ("made",) not in connection.execute(made).fetchall()


def test_rows_that_a_driver_copies_are_row_statements(replayed: Callable[..., History]) -> None:
    copy = "with op.get_bind().connection.cursor().copy('COPY t (a) FROM STDIN') as rows:\n    rows.write('x\\n')"
    (statement,) = last(replayed(TABLE, copy)).statements
    assert (statement.verb, statement.writes) == ("update", {"t"})


def test_the_database_of_a_replay_that_was_killed_is_dropped_by_the_next(
    replayed: Callable[..., History], url_of: Callable[[int | None], str]
) -> None:
    used, forgotten = "archmig_scratch_1_used", "archmig_scratch_1_forgotten"
    with (
        psycopg.connect(url_of(None), autocommit=True) as connection,
        psycopg.connect(url_of(None), application_name=used),
    ):
        for name in (used, forgotten):
            connection.execute(f"CREATE DATABASE {name}")
        replayed(TABLE)
        left = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'archmig_scratch_1_%'").fetchall()
        assert left == [(used,)]
        connection.execute(f"DROP DATABASE {used}")


def test_a_scratch_database_is_dropped_also_after_a_failure(
    replayed: Callable[..., History], url_of: Callable[[int | None], str]
) -> None:
    with pytest.raises(ReplayError, match="division by zero"):
        replayed('op.execute("SELECT 1/0")')
    with psycopg.connect(url_of(None)) as connection:
        asked = "SELECT datname FROM pg_database WHERE datname LIKE 'archmig_scratch_%'"
        names: list[Any] = connection.execute(asked).fetchall()
    assert [name for name in names if str(os.getpid()) in name[0]] == []


ROWS = [
    ("INSERT INTO t (a) VALUES ('x'), ('y')", "insert", {"t"}, set()),
    ("INSERT INTO t (a) SELECT a FROM u", "insert", {"t"}, {"u"}),
    ("UPDATE t SET a = u.a FROM u WHERE u.id = t.id", "update", {"t"}, {"u"}),
    ("WITH gone AS (DELETE FROM u RETURNING a) INSERT INTO t (a) SELECT a FROM gone", "insert", {"t", "u"}, set()),
    ("DELETE FROM t USING u WHERE u.id = t.id", "delete", {"t"}, {"u"}),
    ("MERGE INTO t USING u ON t.id = u.id WHEN MATCHED THEN UPDATE SET a = u.a", "update", {"t"}, {"u"}),
    ("DO $$ BEGIN INSERT INTO t (a) VALUES ('x'); END $$", "update", {"t"}, set()),
    ("DO $$ BEGIN UPDATE t SET a = upper(a); END $$", "update", {"t"}, {"t"}),
    ("DO $$ BEGIN EXECUTE format('DELETE FROM %I', 't'); END $$", "update", {"t", "u"}, {"t"}),
    ("WITH x AS (UPDATE t SET a = upper(a) RETURNING a) SELECT count(*) FROM x", "update", {"t"}, set()),
    ("TRUNCATE t", "update", {"t"}, {"t"}),
    ("PREPARE z AS DELETE FROM t", "update", {"t"}, set()),
]


@pytest.mark.parametrize(("sql", "verb", "writes", "reads"), ROWS, ids=[each[0] for each in ROWS])
def test_postgresql_says_what_a_statement_writes_and_reads(
    replayed: Callable[..., History], sql: str, verb: str, writes: set[str], reads: set[str]
) -> None:
    history = replayed(f'{TABLE}\nop.execute("CREATE TABLE u (id int, a text)")', f"op.execute({sql!r})")
    (statement,) = last(history).statements
    assert (statement.verb, set(statement.writes), set(statement.reads)) == (verb, writes, reads)


def test_a_loop_over_rows_reads_what_it_would_write(replayed: Callable[..., History]) -> None:
    rows = "op.get_bind().execute(sa.text('SELECT id FROM t'))"
    loop = f"for row in {rows}:\n    op.execute(f'DELETE FROM t WHERE id = {{row.id}}')"
    assert last(replayed(TABLE, loop)).reads == {"t"}


def test_constant_rows_are_kept_as_digests_by_the_key_that_they_give(replayed: Callable[..., History]) -> None:
    history = replayed(
        'op.execute("CREATE TABLE k (code text PRIMARY KEY, label text)")',
        "k = sa.table('k', sa.column('code'), sa.column('label'))\n"
        "op.bulk_insert(k, [{'code': 'a', 'label': 'A'}, {'code': 'b', 'label': None}])",
    )
    assert [(seed.table, seed.columns) for seed in last(history).seeds] == [("k", ("code",)), ("k", ("code",))]


def test_a_rename_is_known_by_the_numbers_of_the_catalog(replayed: Callable[..., History]) -> None:
    done = last(replayed(TABLE, 'op.execute("ALTER TABLE t RENAME TO u; ALTER TABLE u RENAME a TO z")'))
    assert {(each.table, each.old, each.new) for each in done.renames} == {("", "t", "u"), ("u", "a", "z")}
    assert done.moves == ()


def test_values_that_move_to_a_new_column_are_a_move(replayed: Callable[..., History]) -> None:
    body = 'op.execute("ALTER TABLE t ADD c text; UPDATE t SET c = upper(a); ALTER TABLE t DROP a")'
    assert [(move.old_key, move.new_key) for move in last(replayed(TABLE, body)).moves] == [
        (("column", "t", "a"), ("column", "t", "c"))
    ]


def test_what_runs_outside_of_the_transaction_is_noted(replayed: Callable[..., History]) -> None:
    statements = ("CREATE INDEX CONCURRENTLY i ON t (a)", "UPDATE t SET a = 1")
    block = "\n    ".join(
        ["with op.get_context().autocommit_block():", *(f"op.execute({each!r})" for each in statements)]
    )
    done = last(replayed(TABLE, block))
    assert done.apart == ("create", "update")
    assert [(each.verb, set(each.writes)) for each in done.statements] == [("create", set()), ("update", {"t"})]


def test_a_commit_of_a_revision_is_heard(replayed: Callable[..., History]) -> None:
    assert last(replayed(TABLE, "op.execute('COMMIT')\nop.execute('DELETE FROM t')")).commits
