"""Connections whose transactions are rolled back, and a project with a database that plain Alembic made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from alembic.config import Config

from alembic import command
from architect_migrate.runs import execute
from support.cli import archmig, plainly
from support.postgresql import VERSIONS, connected, database_at, run
from support.segments import ROWS, chain_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import psycopg


@pytest.fixture(params=VERSIONS)
def url(request: pytest.FixtureRequest, url_of: Callable[[int | None], str]) -> str:
    """The URL of a server, of each version in turn."""
    return url_of(request.param)


@pytest.fixture
def newest(url_of: Callable[[int | None], str]) -> str:
    """The URL of a server of the newest version that is installed."""
    return url_of(None)


@pytest.fixture
def connection(url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection to an empty database, in a transaction that is rolled back."""
    import psycopg

    with psycopg.connect(url) as connection:
        yield connection
        connection.rollback()


REVISIONS = {
    "a1": """def upgrade():
    op.create_table(
        "users",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(50), nullable=False),
        sa.Column("role", sa.Enum("admin", "user", name="role")),
    )
    op.create_index("ix_users_name", "users", ["name"], unique=True)


def downgrade():
    op.drop_table("users")
    op.execute("DROP TYPE role")
""",
    "b2": """def upgrade():
    op.execute('''CREATE TABLE posts (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                      user_id int CONSTRAINT fk_user REFERENCES users ON DELETE CASCADE, body text NOT NULL DEFAULT '');
                  CREATE TABLE kinds (code text PRIMARY KEY);
                  CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
                      BEGIN NEW.body = NEW.body || ';'; RETURN NEW; END $$;
                  CREATE TRIGGER tr BEFORE INSERT ON posts FOR EACH ROW EXECUTE FUNCTION touch()''')
    op.execute("INSERT INTO users (name, role) VALUES ('root', 'admin')")
    op.execute("INSERT INTO kinds VALUES ('a'), ('b')")
    op.execute("CREATE TABLE moments (at timestamptz PRIMARY KEY, d date, i interval, b bytea, f float8)")
    op.execute(r"INSERT INTO moments VALUES ('2024-01-01 00\\:00+02', '2024-02-01', '36 hours', '\xdeAD', 0.1)")


def downgrade():
    op.execute("DELETE FROM users WHERE name = 'root'")
    op.execute("DROP TABLE posts, kinds, moments; DROP FUNCTION touch")
""",
    "c3": """def upgrade():
    op.add_column("users", sa.Column("email", sa.Text))
    op.execute("UPDATE users SET email = name || '@x.org'")
    op.alter_column("users", "name", new_column_name="login")
    op.create_check_constraint("ck_len", "posts", "length(body) < 1000")
    op.execute("CREATE VIEW admins AS SELECT login FROM users WHERE role = 'admin'")
    op.execute("CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq)")
    op.execute("CREATE TEXT SEARCH CONFIGURATION plainly (COPY = simple)")
    op.execute("CREATE MATERIALIZED VIEW totals AS SELECT count(*) FROM posts")
    op.execute("CREATE MATERIALIZED VIEW empty AS SELECT count(*) FROM posts WITH NO DATA")
    data_step()
    with op.get_context().autocommit_block():
        op.execute("CREATE INDEX CONCURRENTLY ix_posts_body ON posts (lower(body))")


def data_step():
    op.execute("INSERT INTO kinds VALUES ('z') ON CONFLICT DO NOTHING")


def downgrade():
    op.execute("DROP VIEW admins")
    op.execute("DROP MATERIALIZED VIEW totals, empty")
    op.execute("DROP OPERATOR === (int, int); DROP TEXT SEARCH CONFIGURATION plainly")
    op.drop_index("ix_posts_body", "posts")
    op.drop_constraint("ck_len", "posts")
    op.alter_column("users", "login", new_column_name="name")
    op.drop_column("users", "email")
""",
}
# Why asynchronous drivers and psycopg2 too, which are not installed: env.py may name any.
ENV = """from alembic import context
import sqlalchemy as sa

engine = sa.engine_from_config(context.config.get_section("alembic"), prefix="sqlalchemy.", poolclass=sa.pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
"""


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory, url_of: Callable[[int | None], str]) -> Path:
    """A chain, and a database `healthy` that plain Alembic made."""
    folder = tmp_path_factory.mktemp("project")
    with connected(url_of(None)) as connection:
        connection.execute("CREATE DATABASE healthy")
    make_chain(folder, REVISIONS, database_at(url_of(None), "healthy"))
    return folder


def make_chain(folder: Path, revisions: Mapping[str, str], url: str, target: str = "head") -> None:
    """Write a chain of revisions, and run it on a database by plain Alembic, to its head or up to a revision."""
    versions = folder / "chain" / "versions"
    versions.mkdir(parents=True)
    (folder / "chain" / "env.py").write_text(ENV)
    before = None
    for name, text in revisions.items():
        head = (
            f'import sqlalchemy as sa\nfrom alembic import op\n\nrevision = "{name}"\ndown_revision = {before!r}\n\n\n'
        )
        (versions / f"{name}.py").write_text(head + text)
        before = name
    config = Config(attributes={"configure_logger": False})
    config.set_main_option("script_location", str(folder / "chain"))
    config.set_main_option("sqlalchemy.url", url.replace("postgresql://", "postgresql+psycopg://").replace("%", "%%"))
    command.upgrade(config, target)
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/chain\nsqlalchemy.url = driver://x/y\n")


@pytest.fixture
def database(
    project: Path, url_of: Callable[[int | None], str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., str]]:
    """Copies the healthy database, runs statements on the copy, and makes it the environment `app`."""
    server = url_of(None)
    monkeypatch.chdir(project)
    plainly(monkeypatch)
    # Replays take 0.1 s instead of 0.4 s on a server that runs already.
    monkeypatch.setenv("ARCHMIG_POSTGRESQL_SCRATCH", server)

    def copied(*statements: str, driver: str = "", role: str = "") -> str:
        with connected(server) as connection:
            connection.execute("DROP DATABASE IF EXISTS app")
            connection.execute("CREATE DATABASE app TEMPLATE healthy")
        url = database_at(server, "app")
        with connected(url) as connection:
            for statement in statements:
                connection.execute(statement)
        named = url.replace("postgresql:", f"postgresql{driver}:")
        if role:
            named = f"postgresql://{role}@{named.partition('@')[2]}"
        (project / "environments.toml").write_text(f'[env.app]\nurl = "{named}"\n')
        return url

    yield copied
    with connected(server) as connection:
        connection.execute("DROP DATABASE IF EXISTS app")


@pytest.fixture
def segmented(tmp_path: Path, newest: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Writes a chain of revisions, and makes a database at the first one, with rows."""
    monkeypatch.chdir(tmp_path)
    plainly(monkeypatch)
    servers: list[str] = []

    def make(*revisions: str, server: str = newest, policies: str = "") -> str:
        servers.append(server)
        monkeypatch.setenv("ARCHMIG_POSTGRESQL_SCRATCH", server)
        run(server, "DROP DATABASE IF EXISTS segments WITH (FORCE)", "CREATE DATABASE segments")
        database = database_at(server, "segments")
        chain_of(tmp_path, *revisions)
        entry = f'[env.app]\nurl = "{database}"\nuninitialised = "create"\n{policies}\n'
        (tmp_path / "environments.toml").write_text(entry)
        assert archmig("upgrade", "r1", "-e", "app", "--yes").code == 0
        run(database, ROWS)
        return database

    yield make
    for server in servers:
        run(server, "DROP DATABASE IF EXISTS segments WITH (FORCE)")


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Does something between the first segment of a run and the second."""

    def do(deed: Callable[[], object]) -> None:
        checked = execute._checked
        calls: list[object] = []

        def check(*arguments: Any) -> None:
            calls.append(arguments)
            if len(calls) == 2:
                deed()
            checked(*arguments)

        monkeypatch.setattr(execute, "_checked", check)

    return do


@pytest.fixture
def begun(tmp_path: Path, newest: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Writes a chain of the bodies of upgrade(), makes a database at its first revision and runs statements on it."""
    monkeypatch.chdir(tmp_path)
    plainly(monkeypatch)
    monkeypatch.setenv("ARCHMIG_POSTGRESQL_SCRATCH", newest)

    def make(revisions: list[list[str]], *statements: str) -> str:
        with connected(newest) as server:
            server.execute("DROP DATABASE IF EXISTS halfway WITH (FORCE)")
            server.execute("CREATE DATABASE halfway")
        database = database_at(newest, "halfway")
        chain_of(tmp_path, *(_revision(body) for body in revisions))
        (tmp_path / "environments.toml").write_text(f'[env.app]\nurl = "{database}"\nuninitialised = "create"\n')
        assert archmig("upgrade", "r1", "-e", "app", "--yes").code == 0
        for statement in statements:
            run(database, statement)
        return database

    yield make
    with connected(newest) as server:
        server.execute("DROP DATABASE IF EXISTS halfway WITH (FORCE)")


def _revision(statements: list[str]) -> str:
    return "def upgrade():\n" + "".join(f"    op.execute({statement!r})\n" for statement in statements)
