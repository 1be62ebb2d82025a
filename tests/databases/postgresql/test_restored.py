"""A database that was restored from a dump is as the chain makes it, and what else differs in it still does."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

psycopg = pytest.importorskip("psycopg")

from alembic.config import Config

from alembic import command
from architect_migrate.databases.postgresql.programs import programs
from support.cli import archmig, plainly
from support.postgresql import ENV, database_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

REVISION = '''"""Orders, whose states are lists of values."""

from alembic import op

revision = "a1"
down_revision = None


def upgrade():
    op.execute("""
        CREATE TABLE orders (id integer PRIMARY KEY, state varchar(9) NOT NULL CHECK (state IN ('new', 'paid')),
                             open boolean GENERATED ALWAYS AS (state IN ('new')) STORED);
        CREATE INDEX ix_paid ON orders (id) WHERE state IN ('paid', 'sent');
        CREATE TABLE parcels (id integer PRIMARY KEY, state varchar(9) CHECK (state IN ('here', 'sent')));
        CREATE VIEW due AS SELECT id FROM orders WHERE state NOT IN ('paid', 'sent');
    """)
'''
# It leaves the check on parcels in the text that a restore gives it, too.
NEXT = """from alembic import op

revision = "b2"
down_revision = "a1"


def upgrade():
    op.execute("ALTER TABLE parcels ALTER state TYPE varchar(40)")
    op.execute("UPDATE parcels SET state = 'here' WHERE state IS NULL")
    op.execute("CREATE VIEW sent AS SELECT id FROM parcels WHERE state = 'sent'")
"""


@pytest.fixture
def restored(tmp_path: Path, url_of: Callable[[int | None], str], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The environment `app`, restored from a dump of what plain Alembic made."""
    server = url_of(None)
    source, target = database_at(server, "dumped"), database_at(server, "restored")
    (tmp_path / "chain" / "versions").mkdir(parents=True)
    (tmp_path / "chain" / "env.py").write_text(ENV)
    (tmp_path / "chain" / "versions" / "a1.py").write_text(REVISION)
    (tmp_path / "alembic.ini").write_text(
        "[alembic]\nscript_location = %(here)s/chain\nsqlalchemy.url = driver://x/y\n"
    )
    (tmp_path / "environments.toml").write_text(f'[env.app]\nurl = "{target}"\n')
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE dumped")
        connection.execute("CREATE DATABASE restored")
        folder = programs(connection.info.server_version // 10_000).folder
    if not (folder / "pg_dump").exists() or not (folder / "psql").exists():
        pytest.skip("pg_dump and psql are not installed")
    config = Config(attributes={"configure_logger": False})
    config.set_main_option("script_location", str(tmp_path / "chain"))
    config.set_main_option("sqlalchemy.url", source.replace("postgresql:", "postgresql+psycopg:").replace("%", "%%"))
    command.upgrade(config, "head")
    dumped = subprocess.run([folder / "pg_dump", "-d", source], capture_output=True, check=True).stdout
    loading = [folder / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", target]
    subprocess.run(loading, input=dumped, capture_output=True, check=True)
    monkeypatch.chdir(tmp_path)
    plainly(monkeypatch)
    monkeypatch.setenv("ARCHMIG_POSTGRESQL_SCRATCH", server)
    yield target
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP DATABASE dumped")
        connection.execute("DROP DATABASE restored")


def environment(word: str) -> dict[str, Any]:
    (found,) = json.loads(archmig(word, "--json").out)["environments"]
    return dict(found)


def subjects() -> set[str]:
    return {each["subject"] for each in environment("diagnose")["findings"] if each["subject"] != "a1"}


def test_a_restored_database_is_clean(restored: str) -> None:
    done = archmig("check")
    assert (done.code, done.out.splitlines()[1].split()) == (0, ["app", "up", "to", "date", "clean", "at", "a1"])
    assert subjects() == set()


def test_a_revision_that_writes_a_text_as_a_restore_does_is_pending_all_the_same(restored: str, tmp_path: Path) -> None:
    (tmp_path / "chain" / "versions" / "b2.py").write_text(NEXT)
    assert environment("status")["state"] == "behind"


def test_a_restored_database_is_upgraded(restored: str, tmp_path: Path) -> None:
    (tmp_path / "chain" / "versions" / "b2.py").write_text(NEXT)
    done = archmig("upgrade", "-e", "app", "--yes")
    assert (done.code, archmig("check").code) == (0, 0), done.err
    assert subjects() <= {"b2"}


def test_what_was_changed_in_a_restored_database_is_drift_and_nothing_else(restored: str) -> None:
    with psycopg.connect(restored) as connection:
        connection.execute("CREATE OR REPLACE VIEW due AS SELECT id FROM orders WHERE state NOT IN ('paid', 'lost')")
    assert archmig("check").code == 1
    assert subjects() == {"view due"}


def test_without_a_server_to_ask_texts_that_differ_are_reported(restored: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert archmig("check").code == 0  # the replay is remembered
    monkeypatch.setattr("architect_migrate.runs.survey.in_texts_of", lambda chain, expected, found, cache: found)
    from architect_migrate.runs import survey

    survey._same_texts.cache_clear()
    done = archmig("check")
    survey._same_texts.cache_clear()
    assert done.code == 1
    assert {"view due", "index ix_paid on orders"} < subjects()
