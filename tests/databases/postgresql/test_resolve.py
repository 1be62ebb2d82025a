"""[[resolve]] entries for what PostgreSQL has beside tables, and names whose case counts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("psycopg")

from architect_migrate.databases.postgresql import scratch
from support.cli import archmig

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SETTLED = [
    ("CREATE POLICY p ON users USING (true)", 'table = "users"\npolicy = "p"'),
    ("CREATE RULE r AS ON INSERT TO kinds DO INSTEAD NOTHING", 'table = "kinds"\nrule = "r"'),
    ("ALTER FUNCTION touch() SECURITY DEFINER", 'function = "touch()"'),
    ("ALTER FUNCTION touch() SECURITY DEFINER", 'function = "touch"'),
    ("ALTER TYPE role ADD VALUE 'guest'", 'type = "role"'),
    ("ALTER TABLE posts DISABLE TRIGGER tr", 'table = "posts"\ntrigger = "tr"'),
    ("DROP TRIGGER tr ON posts", 'trigger = "tr"'),
    ("ALTER TABLE users ADD CONSTRAINT x EXCLUDE USING btree (email WITH =)", 'table = "users"\nconstraint = "x"'),
]
OTHERS = [
    ("CREATE POLICY p ON users USING (true)", 'table = "posts"\npolicy = "p"'),
    ("CREATE POLICY p ON users USING (true)", 'table = "users"\npolicy = "P"'),
    ("DROP TRIGGER tr ON posts", 'table = "users"\ntrigger = "tr"'),
    ("ALTER TABLE posts DROP CONSTRAINT ck_len", 'table = "Posts"\nconstraint = "ck_len"'),
    ("ALTER TABLE users ALTER login DROP NOT NULL", 'table = "Users"\ncolumn = "login"'),
    ("ALTER TABLE users ALTER login DROP NOT NULL", 'table = "users"\ncolumn = "Login"'),
]


def settle(project: Path, entry: str) -> None:
    with (project / "environments.toml").open("a") as file:
        file.write(f"\n[[resolve]]\n{entry}\nkeep = true\n")


@pytest.mark.parametrize(("statement", "entry"), SETTLED)
def test_an_entry_settles_an_object(database: Callable[..., str], project: Path, statement: str, entry: str) -> None:
    database(statement)
    assert archmig("check").code == 1
    settle(project, entry)
    done = archmig("check")
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize(("statement", "entry"), OTHERS)
def test_an_entry_for_another_object_settles_nothing(
    database: Callable[..., str], project: Path, statement: str, entry: str
) -> None:
    # With tables of both spellings, so that no name is misspelt.
    database(statement, 'CREATE TABLE "Posts" (ck_len int)', 'CREATE TABLE "Users" (login text, "Login" text)')
    settle(project, entry)
    assert archmig("check").code == 1


def test_a_name_in_another_case_is_misspelt(database: Callable[..., str], project: Path) -> None:
    database()
    settle(project, 'type = "Role"')
    done = archmig("check")
    assert "resolve[1]: neither the chain nor any database has a type 'Role': did you mean 'role'?" in done.err, (
        done.err
    )


def test_entries_for_two_spellings_do_not_clash(database: Callable[..., str], project: Path) -> None:
    database('CREATE TABLE "Users" (id int)')
    settle(project, 'table = "users"')
    settle(project, 'table = "Users"')
    done = archmig("check")
    assert (done.code, done.err) == (0, "")


def test_the_chain_is_replayed_on_the_server_that_the_file_names(
    database: Callable[..., str], project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database()
    monkeypatch.setenv("SERVER", os.environ["ARCHMIG_POSTGRESQL_SCRATCH"])
    monkeypatch.delenv("ARCHMIG_POSTGRESQL_SCRATCH")
    monkeypatch.setenv("ARCHMIG_CACHE", str(tmp_path))
    with (project / "environments.toml").open("a") as file:
        file.write('\n[postgresql]\nscratch = "${SERVER}"\n')
    asked: list[str] = []
    shared = scratch._shared
    monkeypatch.setattr(scratch, "_shared", lambda server, chain: (asked.append(server), shared(server, chain))[1])
    assert archmig("check").code == 0
    assert asked == [os.environ["SERVER"]]


def test_a_scratch_server_that_is_none_is_refused_without_its_text(database: Callable[..., str], project: Path) -> None:
    database()
    with (project / "environments.toml").open("a") as file:
        file.write('\n[postgresql]\nscratch = "mysql://root:secret@h/d"\n')
    done = archmig("check")
    assert done.code == 2
    assert "postgresql.scratch: is not the URL of a PostgreSQL server (write" in done.err
    assert "secret" not in done.err
