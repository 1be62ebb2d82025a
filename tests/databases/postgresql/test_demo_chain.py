"""The demo's chain of 49 revisions, which was written for SQLite, on PostgreSQL: to its head and back to nothing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, LiteralString

import pytest

from support.cli import archmig, plainly
from support.paths import PROJECT
from support.postgresql import VERSIONS, connected, database_at, dumped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NEWEST = max(VERSIONS)
MIDDLE, HEAD = "024_notification_rules", "048_crawl_results"
# Why only the newest by default: a version takes fifteen seconds. `make torture` tries the others.
EXAMPLES = int(os.environ.get("ARCHMIG_EXAMPLES", "0"))
OTHERS = pytest.mark.skipif(not EXAMPLES, reason="tried by make torture, which sets ARCHMIG_EXAMPLES")
USERS = "INSERT INTO users (username) SELECT 'user ' || i FROM generate_series(1, 7) i"


@pytest.fixture
def chain(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an empty database, which is the environment `app` of the demo's chain."""
    monkeypatch.chdir(tmp_path)
    plainly(monkeypatch)
    monkeypatch.setenv("ARCHMIG_POSTGRESQL_SCRATCH", url)
    with connected(url) as server:
        server.execute("CREATE DATABASE chain")
        database = database_at(url, "chain")
        settings = f'[alembic]\nconfig = "{PROJECT / "alembic.ini"}"\n[env.app]\nurl = "{database}"\n'
        (tmp_path / "environments.toml").write_text(settings + 'uninitialised = "create"\n')
        yield database
        server.execute("DROP DATABASE chain WITH (FORCE)")


@pytest.mark.parametrize(
    "url",
    [pytest.param(version, marks=() if version == NEWEST else OTHERS) for version in VERSIONS],
    indirect=True,
)
def test_it_goes_to_its_head_and_back_to_nothing(chain: str) -> None:
    went("upgrade")
    assert [archmig("check").code, *rows(chain, "TABLE alembic_version")] == [0, (HEAD,)]
    with connected(chain) as connection:
        connection.execute(USERS)
    head, users = dumped(chain, "--schema-only"), rows(chain, "TABLE users")
    went("downgrade", MIDDLE)
    assert [archmig("check").code, *rows(chain, "TABLE alembic_version")] == [1, (MIDDLE,)]
    assert rows(chain, "TABLE users") == users
    went("upgrade")
    assert [archmig("check").code, *rows(chain, "TABLE alembic_version")] == [0, (HEAD,)]
    assert (dumped(chain, "--schema-only"), rows(chain, "TABLE users")) == (head, users)
    went("downgrade", "base")
    created = [line for line in dumped(chain).splitlines() if line.startswith(("CREATE", "INSERT"))]
    assert created == ["CREATE TABLE public.alembic_version ("]


def went(*words: str) -> None:
    done = archmig(*words, "-e", "app", "--yes")
    assert done.code == 0, done.err


def rows(database: str, query: LiteralString) -> list[tuple[object, ...]]:
    with connected(database) as connection:
        return connection.execute(query).fetchall()
