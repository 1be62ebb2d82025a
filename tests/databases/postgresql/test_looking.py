"""The commands that only look, on databases that plain Alembic made and that were then changed by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

psycopg = pytest.importorskip("psycopg")

from alembic.config import Config

from alembic import command
from architect_migrate.config.context import contexts_for
from architect_migrate.config.loader import read_project
from architect_migrate.core.server_errors import UnreachableError
from support.cli import archmig, plainly
from support.postgresql import database_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from architect_migrate.model.environment import Environment

REVISIONS = {
    "a1": """def upgrade():
    op.create_table(
        "users",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(50), nullable=False),
        sa.Column("role", sa.Enum("admin", "user", name="role")),
    )
    op.create_index("ix_users_name", "users", ["name"], unique=True)
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
""",
    "c3": """def upgrade():
    op.add_column("users", sa.Column("email", sa.Text))
    op.execute("UPDATE users SET email = name || '@x.org'")
    op.alter_column("users", "name", new_column_name="login")
    op.create_check_constraint("ck_len", "posts", "length(body) < 1000")
    op.execute("CREATE VIEW admins AS SELECT login FROM users WHERE role = 'admin'")
    with op.get_context().autocommit_block():
        op.execute("CREATE INDEX CONCURRENTLY ix_posts_body ON posts (lower(body))")
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


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, url_of: Callable[[int | None], str]) -> Path:
    """A chain, and a database `healthy` that plain Alembic made."""
    folder, url = tmp_path_factory.mktemp("project"), database_at(url_of(None), "healthy")
    versions = folder / "chain" / "versions"
    versions.mkdir(parents=True)
    (folder / "chain" / "env.py").write_text(ENV)
    before = None
    for name, text in REVISIONS.items():
        head = (
            f'import sqlalchemy as sa\nfrom alembic import op\n\nrevision = "{name}"\ndown_revision = {before!r}\n\n\n'
        )
        (versions / f"{name}.py").write_text(head + text)
        before = name
    with connected(url_of(None)) as connection:
        connection.execute("CREATE DATABASE healthy")
    config = Config(attributes={"configure_logger": False})
    config.set_main_option("script_location", str(folder / "chain"))
    config.set_main_option("sqlalchemy.url", url.replace("postgresql://", "postgresql+psycopg://").replace("%", "%%"))
    command.upgrade(config, "head")
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/chain\nsqlalchemy.url = driver://x/y\n")
    return folder


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

    def copied(*statements: str, driver: str = "") -> str:
        with connected(server) as connection:
            connection.execute("DROP DATABASE IF EXISTS app")
            connection.execute("CREATE DATABASE app TEMPLATE healthy")
        url = database_at(server, "app")
        with connected(url) as connection:
            for statement in statements:
                connection.execute(statement)
        named = url.replace("postgresql:", f"postgresql{driver}:")
        (project / "environments.toml").write_text(f'[env.app]\nurl = "{named}"\n')
        return url

    yield copied
    with connected(server) as connection:
        connection.execute("DROP DATABASE IF EXISTS app")


def connected(url: str) -> psycopg.Connection[Any]:
    return psycopg.connect(url, autocommit=True)


def findings() -> set[tuple[str, str]]:
    """The severity and the text of each difference that diagnose tells."""
    (environment,) = json.loads(archmig("diagnose", "--json").out)["environments"]
    return {(each["code"], f"{each['subject']}: {each['found']}") for each in environment["findings"]}


@pytest.mark.parametrize("driver", ["", "+psycopg", "+psycopg2", "+asyncpg", "+pg8000"])
def test_a_database_that_alembic_made_is_clean_whatever_driver_its_url_names(
    database: Callable[..., str], driver: str
) -> None:
    database(driver=driver)
    done = archmig("check")
    assert (done.code, done.out) == (
        0,
        "environment  state       verdict  why\napp          up to date  clean    at c3\n",
    )


DAMAGE = [
    ("DROP INDEX ix_users_name", "breaking", "index ix_users_name on users"),
    ("DROP INDEX ix_posts_body", "behavioural", "index ix_posts_body on posts"),
    ("ALTER TABLE users DROP COLUMN email", "breaking", "column users.email"),
    ("ALTER TABLE users ALTER login DROP NOT NULL", "behavioural", "column users.login: nullability"),
    ("ALTER TABLE users ALTER email TYPE varchar(60)", "behavioural", "column users.email: type"),
    ("ALTER TABLE users ALTER login SET DEFAULT 'x'", "behavioural", "column users.login: default"),
    ("ALTER TABLE users ALTER id DROP DEFAULT", "breaking", "column users.id: default"),
    ("ALTER TABLE posts ALTER id SET GENERATED BY DEFAULT", "behavioural", "column posts.id: identity"),
    ("ALTER TABLE posts DROP CONSTRAINT ck_len", "behavioural", "check on posts"),
    ("ALTER TABLE posts RENAME CONSTRAINT ck_len TO ck_other", "behavioural", "name ck_len"),
    ("ALTER TABLE posts DROP CONSTRAINT fk_user", "behavioural", "foreign key posts(user_id) to users"),
    ("ALTER TABLE posts ALTER CONSTRAINT fk_user DEFERRABLE INITIALLY DEFERRED", "behavioural", "posts"),
    ("DROP VIEW admins", "breaking", "view admins"),
    ("DROP TRIGGER tr ON posts", "behavioural", "trigger"),
    ("ALTER TABLE posts DISABLE TRIGGER tr", "behavioural", "trigger"),
    ("ALTER TYPE role ADD VALUE 'guest'", "behavioural", "type role"),
    ("ALTER FUNCTION touch() SECURITY DEFINER", "behavioural", "function touch()"),
    (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_posts_body'::regclass",
        "behavioural",
        "ix_posts_body",
    ),
    ("ALTER TABLE posts SET UNLOGGED", "behavioural", "posts"),
    ("CREATE RULE r AS ON INSERT TO kinds DO INSTEAD NOTHING", "breaking", "rule"),
    ("CREATE POLICY p ON users USING (true)", "breaking", "policy"),
    ("ALTER TABLE users ADD EXCLUDE USING btree (email WITH =)", "breaking", "exclusion constraint"),
    ("ALTER TABLE users ENABLE ROW LEVEL SECURITY", "behavioural", "users"),
]


@pytest.mark.parametrize(("statement", "severity", "thing"), DAMAGE, ids=[each[0] for each in DAMAGE])
def test_a_change_by_hand_is_drift_that_check_and_diagnose_name(
    database: Callable[..., str], statement: str, severity: str, thing: str
) -> None:
    database(statement)
    assert archmig("check").code == 1
    told = findings()
    assert [words for code, words in told if code.startswith(severity) and thing in words], told


KEPT = [
    "CREATE TABLE own (a int)",
    "CREATE INDEX own ON posts (user_id)",
    "CREATE FUNCTION own() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE TYPE own AS ENUM ('a')",
    "CREATE SEQUENCE own",
    "COMMENT ON TABLE users IS 'people'",
    "GRANT SELECT ON users TO PUBLIC",
    "INSERT INTO posts (user_id, body) VALUES (1, 'one')",
    "CREATE SCHEMA other; CREATE TABLE other.users (id int)",
]


@pytest.mark.parametrize("statement", KEPT)
def test_the_applications_own_is_no_drift(database: Callable[..., str], statement: str) -> None:
    database(statement)
    assert archmig("check").code == 0


def test_a_lost_stamp_is_found_again_by_the_schema_and_the_rows(database: Callable[..., str]) -> None:
    database("DROP TABLE alembic_version")
    (environment,) = json.loads(archmig("status", "--json").out)["environments"]
    assert (environment["state"], environment["heads"]) == ("unstamped", ["c3"])
    assert {each["revision"]: each["ran"] for each in environment["rows"]} == {"b2": "ran", "c3": "ran"}


def test_without_a_stamp_and_without_its_row_a_revision_is_undecided(database: Callable[..., str]) -> None:
    database("DROP TABLE alembic_version", "DELETE FROM kinds WHERE code = 'b'")
    (environment,) = json.loads(archmig("status", "--json").out)["environments"]
    assert environment["state"] == "undecided"


def test_a_stamp_behind_the_schema_is_drift_and_never_followed(database: Callable[..., str]) -> None:
    database("UPDATE alembic_version SET version_num = 'a1'")
    (environment,) = json.loads(archmig("status", "--json").out)["environments"]
    assert environment["state"] not in {"up_to_date", "behind"}
    assert archmig("check").code == 1


RUNS = [
    ("upgrade", "-e", "app", "--yes"),
    ("reconcile", "-e", "app", "--yes"),
    ("reconcile", "-e", "app", "--dry-run"),
    ("downgrade", "-e", "app", "b2", "--yes"),
    ("backup", "create", "-e", "app"),
    ("verify", "-e", "app"),
    ("rehearse", "-e", "app"),
]


@pytest.mark.parametrize("words", RUNS, ids=" ".join)
def test_what_would_change_a_database_is_refused_with_the_way_on(
    database: Callable[..., str], words: tuple[str, ...]
) -> None:
    database("DROP INDEX ix_users_name")
    done = archmig(*words)
    assert done.code == 2
    assert "archmig only looks at databases of this kind" in done.err
    assert "run `alembic upgrade`" in done.err
    assert archmig("check").code == 1


def test_advice_never_names_a_command_that_is_refused(database: Callable[..., str]) -> None:
    database("DROP INDEX ix_users_name", "DROP TABLE alembic_version", "DELETE FROM kinds")
    for word in ("status", "diagnose", "pending"):
        done = archmig(word)
        assert "reconcile" not in done.out + done.err, done.out


def test_a_server_that_is_down_is_told_without_its_password(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    plainly(monkeypatch)
    (project / "environments.toml").write_text('[env.app]\nurl = "postgresql://ada:sEcret@127.0.0.1:1/app"\n')
    done = archmig("check")
    assert (done.code, "sEcret" in done.out + done.err) == (2, False)
    assert "no connection" in done.err


def test_a_server_that_is_down_is_asked_a_few_times_whatever_the_number_of_environments(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    plainly(monkeypatch)
    listed = (f'[env.e{number}]\nurl = "postgresql://127.0.0.1:1/app{number}"\n' for number in range(9))
    (project / "environments.toml").write_text("".join(listed))
    asked: list[object] = []
    monkeypatch.setattr("architect_migrate.config.context.server_of", _refusing(asked))
    contexts_for(read_project(project / "environments.toml", {}), read_environments(project), None)
    assert len(asked) == 18


def _refusing(asked: list[object]) -> Callable[[object], object]:
    def refuse(url: object) -> object:
        asked.append(url)
        raise UnreachableError(str(url), "refused")

    return refuse


def read_environments(project: Path) -> tuple[Environment, ...]:
    return read_project(project / "environments.toml", {}).environments


def test_history_docs_and_lint_replay_the_chain_on_postgresql(database: Callable[..., str], tmp_path: Path) -> None:
    database()
    assert archmig("history").out == "revision\na1\nb2\nc3 (head)\n"
    assert archmig("docs", "--out", str(tmp_path / "docs")).code == 0
    assert "touch()" in "".join(page.read_text() for page in (tmp_path / "docs").rglob("*.md"))


def test_lint_says_that_it_tried_upgrade_alone(database: Callable[..., str]) -> None:
    database()
    done = archmig("lint")
    assert done.out.endswith("3 revisions (of which only upgrade() was tried, on empty tables): 3 errors in 3 files\n")
